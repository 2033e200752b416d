"""The server as an ASGI application."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

import tinct
from tinct.errors import TinctError
from tinct.settings import ServerSettings, load_settings
from tinct.web import problems, schemas
from tinct.web.api import colorize, corrections, jobs, models, pictures, regions, runs, system, turing
from tinct.web.context import Context
from tinct.web.guard import Guard
from tinct.web.heads import Heads
from tinct.web.metrics import Counting, Metrics
from tinct.web.sandbox import Sandboxes
from tinct.web.security import LOCAL_USER, Access, cookie_name, needs_no_token

STATIC = Path(__file__).parent / "static"
THREADS = 100
"""Requests that wait for a photograph hold one each."""
MOST_SANDBOXES = 4
WAITING = 60
"""Photographs that may wait to be colored; further requests get 429."""


def create_app(
    settings: ServerSettings, access: Access | None = None, *, stopping: Callable[[], bool] = lambda: False
) -> FastAPI:
    """Return the server's application; database, queue and files are opened when it starts.

    Args:
        settings: where everything is, and limits.
        access: who is let in; by default whoever is on this machine.
        stopping: whether the server is told to stop, so that streams end.
    """
    access = access or Access(token=settings.token is not None)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        context = await anyio.to_thread.run_sync(Context.open, settings)
        count = max(1, min(MOST_SANDBOXES, (os.cpu_count() or 2) // 2))
        sandboxes = Sandboxes(count, settings.work_bytes, WAITING)
        app.state.context, app.state.sandboxes = context, sandboxes
        threading.Thread(target=_warm, args=(sandboxes,), daemon=True).start()
        try:
            yield
        finally:
            sandboxes.close()
            context.close()

    app = FastAPI(
        title="Tinct",
        version=tinct.__version__,
        description="Color for black-and-white photographs.",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        responses=problems.RESPONSES,
    )
    app.state.access, app.state.metrics, app.state.stopping = access, metrics, stopping
    app.state.local_user = _Once(lambda: app.state.context.repository.users.ensure(LOCAL_USER))
    problems.install(app)
    for part in (system, colorize, pictures, regions, corrections, jobs, models, runs, turing):
        app.include_router(part.router, prefix="/api/v1")
    app.add_api_route("/", _page, methods=["GET"], include_in_schema=False)
    app.mount("/static", _Static(directory=STATIC), name="static")
    app.add_middleware(Heads)
    app.add_middleware(Guard, settings=settings, access=access)
    app.add_middleware(Counting, metrics=metrics)
    _describe(app)
    return app


def _page(request: Request) -> Response:
    """Return the page; where no token is needed, whoever opens it is let in by a cookie."""
    response = FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})
    if needs_no_token(request):
        users = request.app.state.context.repository.users
        if users.by_session(request.cookies.get(cookie_name(request), "")) is None:
            system.set_cookie(response, request, users.add_session(request.app.state.local_user()))
    return response


class _Static(StaticFiles):
    """The files of the page; browsers ask each time whether they are still the same, so that none is of yesterday."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _warm(sandboxes: Sandboxes) -> None:
    """Load the usual model before the first photograph comes."""
    try:
        sandboxes.ask({"do": "load", "model": load_settings().model}, 120)
    except TinctError:
        return  # the first photograph says it


class _Once:
    """A value that is asked for when it is first needed."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make, self._value = make, ""

    def __call__(self) -> str:
        self._value = self._value or self._make()
        return self._value


def _describe(app: FastAPI) -> None:
    """Let the OpenAPI document have what the routes can't say."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            components = found.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = schemas.Problem.model_json_schema()
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}, {}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
