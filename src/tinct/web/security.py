"""Who may ask: tokens for programs, cookies for browsers, neither on a machine of one's own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from fastapi import Request
from starlette.exceptions import HTTPException

LOCAL_USER = "local"
"""Whoever is let in without a token."""
SAFE = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which a proxy on this machine says that it asks for somebody else."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a server lets clients in."""

    host: str = "127.0.0.1"
    """The address that it is bound to."""
    insecure: bool = False
    """Whether everybody who reaches it may do everything."""
    token: bool = False
    """Whether somebody has a token; then everybody needs one."""

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


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
    context = request.app.state.context
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        user = context.repository.users.by_token(token.strip()) if kind.lower() == "bearer" else None
        if user is None:
            raise HTTPException(401, "this token is not known here", {"WWW-Authenticate": "Bearer"})
        return str(user)
    cookie = request.cookies.get(cookie_name(request))
    if cookie is not None:
        if request.method not in SAFE and "origin" not in request.headers:
            raise HTTPException(403, "a browser's request must say where it comes from (Origin)")
        user = context.repository.users.by_session(cookie)
        if user is not None:
            return str(user)
    elif not _is_page(request) and needs_no_token(request):
        return str(request.app.state.local_user())
    raise HTTPException(
        401,
        "a token is needed: send it as Authorization: Bearer TOKEN, or open the page",
        {"WWW-Authenticate": "Bearer"},
    )


def _is_page(request: Request) -> bool:
    """Whether a page in a browser asks, which has a cookie where it is let in."""
    return "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"


def cookie_name(request: Request) -> str:
    """Return what the browser's cookie is called: cookies know no ports, and each may have a server of its own."""
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"tinct_session_{port}" if port.isdecimal() else "tinct_session"


def needs_no_token(request: Request) -> bool:
    """Whether who asks is let in as they are."""
    access: Access = request.app.state.access
    return access.insecure or (access.local and not access.token and _is_near(request))


def _is_near(request: Request) -> bool:
    """Whether the client is a program of this machine that asks for itself."""
    client = request.client.host if request.client else ""
    return is_loopback(client) and not any(name in request.headers for name in FORWARDED)
