"""The outermost layer of the server: from where it is asked, how often, how much; and the headers of each answer."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinct.settings import ServerSettings
from tinct.web.problems import problem
from tinct.web.security import Access, is_loopback

SMALL_BODY = 2 * 2**20
"""Most bytes of a body without files, and of one that is taken in though its request is refused."""
SWALLOW_SECONDS = 2.0
"""How long that may take."""
MOST_CLIENTS = 10_000
UNCOUNTED = ("/static/", "/api/v1/health")
"""What addresses begin with that may be asked for as often as anybody likes."""
BODY = "tinct.body"
"""Key of a request's scope: its :class:`Body`."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
}


class Guard:
    """Refuses what isn't for this server before anything of it is read, and signs every answer.

    Args:
        app: the application inside.
        settings: limits.
        access: who is let in.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, access: Access) -> None:
        self._app, self._settings, self._access = app, settings, access
        self._proxies = [ipaddress.ip_network(name) for name in settings.proxies]
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    found.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    found.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refuse(scope, headers)
        if refusal is not None:
            status, detail = refusal
            await _swallow(headers, receive)
            # What follows of a larger body isn't read: the connection ends.
            await problem(status, detail, {"Connection": "close"})(scope, receive, signed)
            return
        body = Body(int(headers.get("content-length", "0")), receive, self._settings)
        await self._app({**scope, BODY: body}, body.receive, signed)

    def _refuse(self, scope: MutableMapping[str, Any], headers: Headers) -> tuple[int, str] | None:
        """Return status and reason, None for a request that may pass."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 403, f"this server isn't called {host[:100]!r}; name it in TINCT_HOSTS if it should be"
        origin = headers.get("origin")
        if origin is not None and not _is_from(origin, host):
            return 403, (
                f"a page of {origin[:100]!r} asks {host[:100]!r}, and requests from other sites are not answered; "
                "if both are this server, its proxy has to pass the header Host on"
            )
        if scope["path"].startswith("/api/") and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return 403, "requests from other sites are not answered"
        if not scope["path"].startswith(UNCOUNTED) and not self._take(self._client(scope, headers)):
            return 429, f"more than {self._settings.requests} requests in a minute; wait a little"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return 400, "Content-Length is no number"
        if int(length) > self._settings.upload_bytes:
            return 413, f"the request has {int(length):,} bytes, more than {self._settings.upload_bytes:,}"
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a browser may call the server so; a hostile site could give its own name our address."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._settings.hosts or is_loopback(name) or name == self._access.host.lower():
            return True
        if self._access.local:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            # Where a token is needed, another name helps nobody: it has neither token nor cookie.
            return not self._access.insecure
        return True

    def _client(self, scope: MutableMapping[str, Any], headers: Headers) -> str:
        """Return the address of who asks; each proxy that is known as one says who asked it."""
        found = str((scope.get("client") or ("",))[0])
        said = [entry.strip() for line in headers.getlist("x-forwarded-for") for entry in line.split(",")]
        while said and self._is_proxy(found) and _address(said[-1]) is not None:
            found = said.pop()
        return found

    def _is_proxy(self, client: str) -> bool:
        address = _address(client)
        return address is not None and any(address in network for network in self._proxies)

    def _take(self, client: str) -> bool:
        """Count a request of a client; False where it has had its share."""
        now, most = time.monotonic(), float(self._settings.requests)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets = {name: found for name, found in self._buckets.items() if now - found[1] < 60}
        left, since = self._buckets.get(client, (most, now))
        left = min(most, left + (now - since) * most / 60)
        self._buckets[client] = (max(0.0, left - 1), now)
        return left >= 1


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_from(origin: str, host: str) -> bool:
    """Whether a page of this host asks."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


async def _swallow(headers: Headers, receive: Receive) -> None:
    """Take in a small body: a connection that is closed over unread bytes may lose the answer (RFC 9112, 9.6)."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or not 0 < int(length) <= SMALL_BODY:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(SWALLOW_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass


class Body:
    """The body of a request, as far as its limits of size and time go.

    Args:
        length: the bytes that the request says it has.
        receive: gives its parts.
        settings: limits.
    """

    def __init__(self, length: int, receive: Receive, settings: ServerSettings) -> None:
        self._receive = receive
        self._length, self._taken = length, 0
        self._limit, self._files = min(SMALL_BODY, settings.upload_bytes), settings.upload_bytes
        self._deadline = time.monotonic() + settings.upload_seconds
        self._whole = False

    def allow_files(self) -> None:
        """Let it be as large as one with files may be; to be called once it is known who asks."""
        self._limit = self._files

    async def receive(self) -> Message:
        """Give the next part.

        Raises:
            HTTPException: 413 or 408.
        """
        if self._whole:
            return await self._receive()
        self._check(self._length)
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._deadline - time.monotonic()))
        except TimeoutError as error:
            raise HTTPException(408, "the request took too long to arrive", {"Connection": "close"}) from error
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            self._check(self._taken)
        return message

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise HTTPException(413, f"the request has more than {self._limit:,} bytes", {"Connection": "close"})
