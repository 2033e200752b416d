"""What the server counts, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinct.db.tables import STATES
from tinct.web.queues import LANES


class Metrics:
    """The figures of one server; each has a registry of its own, so that a process may hold several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tinct_requests_total", "Answers by method and status.", ("method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "tinct_request_seconds", "Seconds until an answer began.", ("method",), registry=self.registry
        )
        self._jobs = Gauge("tinct_jobs", "Jobs by state.", ("state",), registry=self.registry)
        self._waiting = Gauge("tinct_queue_messages", "Messages by lane.", ("lane",), registry=self.registry)

    def note_jobs(self, jobs: Mapping[str, int], messages: Mapping[str, int]) -> None:
        """Take over what is true now."""
        for state in STATES:
            self._jobs.labels(state).set(jobs.get(state, 0))
        for lane in LANES:
            self._waiting.labels(lane).set(messages.get(lane, 0))


class Counting:
    """Counts requests.

    Args:
        app: the application inside.
        metrics: where.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        known = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
        method = scope["method"] if scope["method"] in known else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(method, str(message["status"])).inc()
                self._metrics.seconds.labels(method).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)
