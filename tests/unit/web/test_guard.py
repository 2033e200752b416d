"""The outermost layer of the server, called as an ASGI server calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

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
