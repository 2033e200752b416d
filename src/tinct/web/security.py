"""Who may ask, from where, how often: the outermost layer of the server. And the headers that each answer carries."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinct.settings import ServerSettings
from tinct.web.problems import problem

COOKIE = "tinct_session"
LOCAL_USER = "local"
"""Who needs no token on this machine; also everybody where a server runs without tokens."""
TOKEN_USER = "owner"
"""Whose the token of the settings is."""
SAFE = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers by which a proxy on this machine says that it asks for somebody else."""
SMALL_BODY = 2 * 2**20
"""Most bytes of a body without files, and of one that is taken in though its request is refused."""
SWALLOW_SECONDS = 2.0
"""How long that may take."""
MOST_CLIENTS = 10_000

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


@dataclass(frozen=True, slots=True)
class Access:
    """How a server lets clients in."""

    host: str = "127.0.0.1"
    """The address that it is bound to."""
    insecure: bool = False
    """Whether everybody who reaches it may do everything."""
    token: bool = False
    """Whether it was given a token."""

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def open(self) -> bool:
        """Whether whoever opens the page is let in."""
        return self.insecure or (self.local and not self.token)


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine alone."""
    if host.lower() in ("localhost", "localhost.localdomain"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def find_user(request: Request) -> str:
    """Return the id of the user who asks.

    Raises:
        HTTPException: 401, nobody that is known; 403, a browser speaks for another site.
    """
    context, access = request.app.state.context, request.app.state.access
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        user = context.repository.users.by_token(token.strip(), "token") if kind.lower() == "bearer" else None
        if user is None:
            raise HTTPException(401, "this token is not known here", {"WWW-Authenticate": "Bearer"})
        return str(user)
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        if request.method not in SAFE and "origin" not in request.headers:
            raise HTTPException(403, "a browser's request must say where it comes from (Origin)")
        user = context.repository.users.by_token(cookie, "session")
        if user is not None:
            return str(user)
    elif not _is_page(request) and (access.insecure or (access.local and is_near(request))):
        return str(request.app.state.local_user())
    raise HTTPException(
        401,
        "a token is needed: send it as Authorization: Bearer TOKEN, or open the page",
        {"WWW-Authenticate": "Bearer"},
    )


def _is_page(request: Request) -> bool:
    """Whether a page in a browser asks, which has a cookie where it is let in."""
    return "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"


def is_near(request: Request) -> bool:
    """Whether the client is a program of this machine that asks for itself."""
    client = request.client.host if request.client else ""
    return is_loopback(client) and not any(name in request.headers for name in FORWARDED)


class Guard:
    """Refuses what isn't for this server before anything of it is read, and signs every answer.

    Args:
        app: the application inside.
        settings: limits.
        access: who is let in.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, access: Access) -> None:
        self._app, self._settings, self._access = app, settings, access
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
        await self._app(scope, _Body(headers, receive, self._settings).receive, signed)

    def _refuse(self, scope: MutableMapping[str, Any], headers: Headers) -> tuple[int, str] | None:
        """Return status and reason, None for a request that may pass."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 403, f"this server isn't called {host[:100]!r}; name it in TINCT_HOSTS if it should be"
        origin = headers.get("origin")
        if origin is not None and not _is_from(origin, host):
            return 403, "requests from other sites are not answered"
        if scope["path"].startswith("/api/") and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return 403, "requests from other sites are not answered"
        client = scope.get("client")
        if not self._take(client[0] if client else ""):
            return 429, f"more than {self._settings.requests} requests in a minute; wait a little"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return 400, "Content-Length is no number"
        if int(length) > _limit(headers, self._settings):
            return 413, f"the request has {int(length):,} bytes, more than {_limit(headers, self._settings):,}"
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

    def _take(self, client: str) -> bool:
        """Count a request of a client; False where it has had its share."""
        now, most = time.monotonic(), float(self._settings.requests)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets = {name: found for name, found in self._buckets.items() if now - found[1] < 60}
        left, since = self._buckets.get(client, (most, now))
        left = min(most, left + (now - since) * most / 60)
        self._buckets[client] = (max(0.0, left - 1), now)
        return left >= 1


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


def _limit(headers: Headers, settings: ServerSettings) -> int:
    multipart = headers.get("content-type", "").lower().startswith("multipart/")
    return settings.upload_bytes if multipart else min(SMALL_BODY, settings.upload_bytes)


class _Body:
    """The body of a request, as far as its limits of size and time go."""

    def __init__(self, headers: Headers, receive: Receive, settings: ServerSettings) -> None:
        self._receive = receive
        self._left, self._limit = (_limit(headers, settings),) * 2
        self._deadline = time.monotonic() + settings.upload_seconds
        self._whole = False

    async def receive(self) -> Message:
        """Give the next part.

        Raises:
            HTTPException: 413 or 408.
        """
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._deadline - time.monotonic()))
        except TimeoutError as error:
            raise HTTPException(408, "the request took too long to arrive", {"Connection": "close"}) from error
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._left < 0:
                raise HTTPException(413, f"the request has more than {self._limit:,} bytes", {"Connection": "close"})
        return message
