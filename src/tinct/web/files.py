"""Files as answers: what a client has already isn't sent again, and ranges that can't be given are refused in words."""

from __future__ import annotations

import os

import anyio.to_thread
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from tinct.web.problems import problem

RANGES = {400: "the header Range is malformed; send bytes=FIRST-LAST", 416: "the file has no such range of bytes"}


class File(FileResponse):
    """A file of which a client may say what it has of it (RFC 9110, 13.1.2 and 14)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        if self.stat_result is None:
            self.stat_result = await anyio.to_thread.run_sync(os.stat, self.path)
            self.set_stat_headers(self.stat_result)
        known = Headers(scope=scope).get("if-none-match", "").split(",")
        if self.headers["etag"] in [tag.strip().removeprefix("W/") for tag in known]:
            kept = {name: self.headers[name] for name in ("etag", "cache-control") if name in self.headers}
            await Response(status_code=304, headers=kept, background=self.background)(scope, receive, send)
            return
        refused: dict[int, Headers] = {}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in RANGES:
                refused[message["status"]] = Headers(raw=message["headers"])
            if not refused:
                await send(message)

        await super().__call__(scope, receive, note)
        for status, headers in refused.items():
            more = {"Content-Range": headers["content-range"]} if "content-range" in headers else {}
            await problem(status, RANGES[status], more)(scope, receive, send)
            if self.background is not None:
                await self.background()
