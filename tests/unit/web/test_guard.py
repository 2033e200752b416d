"""The outermost layer of the server, called as an ASGI server calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from tinct.settings import ServerSettings
from tinct.web import guard
from tinct.web.guard import Guard
from tinct.web.security import Access


class Connection:
    """A client that sends a body in parts, and what it is answered; ``order`` tells what came first."""

    def __init__(self, parts: list[bytes], *, stops: bool = False) -> None:
        self.parts, self.stops = list(parts), stops
        self.order: list[str] = []

    async def receive(self) -> dict[str, Any]:
        if self.stops and not self.parts:
            await asyncio.sleep(60)
        self.order.append("part")
        return {"type": "http.request", "body": self.parts.pop(0), "more_body": self.stops or bool(self.parts)}

    async def send(self, message: dict[str, Any]) -> None:
        self.order.append(str(message.get("status", "body")))


async def inside(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the request should have been refused")


def ask(connection: Connection, length: int, **more: str) -> None:
    given = {"host": "elsewhere.example", "content-length": str(length), **more}
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/colorize",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(Guard(inside, ServerSettings(Path(), ""), Access())(scope, connection.receive, connection.send))  # type: ignore[arg-type]


def test_a_small_body_is_taken_in_before_its_request_is_refused() -> None:
    connection = Connection([b"x" * 1000, b"x" * 1000])
    ask(connection, 2000)
    assert connection.order == ["part", "part", "403", "body"]


@pytest.mark.parametrize("headers", [{"host": "[x"}, {"host": "localhost", "origin": "http://[x"}])
def test_addresses_that_are_none_are_refused(headers: dict[str, str]) -> None:
    connection = Connection([b""])
    ask(connection, 0, **headers)
    assert connection.order == ["403", "body"]


def test_a_large_body_is_left_unread() -> None:
    connection = Connection([b"x" * 1000])
    ask(connection, guard.SMALL_BODY + 1)
    assert connection.order == ["403", "body"]


def test_nobody_waits_for_a_client_that_stops_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SWALLOW_SECONDS", 0.05)
    connection = Connection([b"x" * 1000], stops=True)
    ask(connection, 2000)
    assert connection.order == ["part", "403", "body"]


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # no proxy, it may say what it likes
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("::1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["198.51.100.7", "192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["198.51.100.7, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),  # two proxies
        ("127.0.0.1", ["198.51.100.7, unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
    ],
)
def test_whose_requests_are_counted(peer: str, said: list[str], client: str) -> None:
    settings = ServerSettings(Path(), "", requests=1, proxies=("127.0.0.0/8", "::1", "10.0.0.0/8"))
    statuses = []

    async def answer(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def note(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    guarded = Guard(answer, settings, Access())
    for address, entries, path in ((peer, said, "/"), (client, [], "/api/v1/health"), (client, [], "/")):
        headers = [(b"host", b"localhost"), *((b"x-forwarded-for", entry.encode()) for entry in entries)]
        scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "client": (address, 1)}
        asyncio.run(guarded(scope, Connection([b""]).receive, note))  # type: ignore[arg-type]
    assert [status for status in statuses if status] == [200, 200, 429]


def test_a_proxy_that_keeps_the_site_s_name_to_itself_is_told_so() -> None:
    guarded = Guard(inside, ServerSettings(Path(), ""), Access())
    headers = Headers({"host": "127.0.0.1:8000", "origin": "https://museum.example"})
    refusal = guarded._refuse({"path": "/"}, headers)
    assert refusal is not None
    assert refusal[0] == 403
    for part in ("'https://museum.example'", "'127.0.0.1:8000'", "pass the header Host on"):
        assert part in refusal[1]
