"""Files as answers: what a client has already isn't sent again, and ranges that can't be given are refused in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import anyio.to_thread
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from tinct.web.heads import HEAD
from tinct.web.problems import problem

RANGES = {400: "the header Range is malformed; send bytes=FIRST-LAST", 416: "the file has no such range of bytes"}


class File(FileResponse):
    """A file of which a client may say what it has of it (RFC 9110, 13.1.2 and 14).

    Args:
        path: of the file.
        when_sent: called in a thread when all of it was sent by one answer.
        options: of the response; with the header ``Accept-Ranges: none`` it is sent whole or not at all.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, when_sent: Callable[[], None] | None = None, **options: Any
    ) -> None:
        super().__init__(path, **options)
        self._when_sent = when_sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        if self.stat_result is None:
            self.stat_result = await anyio.to_thread.run_sync(os.stat, self.path)
            self.set_stat_headers(self.stat_result)
        if self._is_known(Headers(scope=scope).get("if-none-match", "")):
            kept = {name: self.headers[name] for name in ("etag", "cache-control") if name in self.headers}
            await Response(status_code=304, headers=kept, background=self.background)(scope, receive, send)
            return
        refused: dict[int, Headers] = {}
        sent = 0

        async def note(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.start" and message["status"] in RANGES:
                refused[message["status"]] = Headers(raw=message["headers"])
            if not refused:
                await send(message)
                sent += len(message.get("body", b""))

        await super().__call__(self._understood(scope), receive, note)
        for status, headers in refused.items():
            more = {"Content-Range": headers["content-range"]} if "content-range" in headers else {}
            await problem(status, RANGES[status], more)(scope, receive, send)
            if self.background is not None:
                await self.background()
        if self._when_sent is not None and sent == self.stat_result.st_size:
            await anyio.to_thread.run_sync(self._when_sent)

    def _is_known(self, tags: str) -> bool:
        """Return whether a client has what it would be sent."""
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return known == ["*"] or self.headers["etag"] in known

    def _understood(self, scope: Scope) -> Scope:
        """Return a request without ranges in other units than bytes, and as HEAD where it was that."""
        headers = MutableHeaders(raw=list(scope["headers"]))
        unit = headers.get("range", "").partition("=")[0].strip().lower()
        if unit != "bytes" or self.headers["accept-ranges"] == "none":
            del headers["range"]
        return {**scope, "method": "HEAD" if scope.get(HEAD) else scope["method"], "headers": headers.raw}
