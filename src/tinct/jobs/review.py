"""A small page over a batch's list, served to this machine alone: accept, reject, colorize again.

Only who has the secret in the address gets in. Requests that other web pages make are refused: by the cookie's
``SameSite``, by ``Host`` (against names made to point here) and by ``Origin``; what changes something needs the secret
in a header too.
"""

from __future__ import annotations

import hmac
import json
import secrets
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tinct.errors import OptionError, StoreError, TinctError
from tinct.jobs.reviewing import Review

HOST = "127.0.0.1"
COOKIE = "tinct-review"
LONGEST = 65536
"""Bytes of a request's body."""


class ReviewServer(ThreadingHTTPServer):
    """Serves one review.

    Args:
        review: what the page shows and changes.
        port: 0 takes a free one.

    Raises:
        StoreError: the port is taken.
    """

    daemon_threads = True

    def __init__(self, review: Review, port: int = 0) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise StoreError(f"port {port} can't be used ({error}); give another, or 0 for a free one") from error
        self.review = review
        self.token = secrets.token_urlsafe(24)
        """The secret."""

    @property
    def hosts(self) -> tuple[str, str]:
        """What the page may be called by."""
        port = self.server_address[1]
        return f"{HOST}:{port}", f"localhost:{port}"

    @property
    def address(self) -> str:
        """Where to open the page, with the secret."""
        return f"http://{self.hosts[0]}/?token={self.token}"


class _Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answer with the page, a picture, or a part of the list."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Change something."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""

    def _answer(self, action: Any) -> None:
        try:
            if self.headers.get("Host") not in self.server.hosts:
                raise _Refused(403, "this page is for this machine alone")
            action(urlsplit(self.path))
        except _Refused as error:
            self._send_json({"error": str(error)}, error.status)
        except OptionError as error:
            self._send_json({"error": str(error)}, 422)
        except TinctError as error:
            self._send_json({"error": str(error)}, 409)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except OSError as error:
            self._send_json({"error": f"the batch's own files can't be used ({error.strerror or error})"}, 409)

    def _get(self, address: Any) -> None:
        query = parse_qs(address.query)
        if address.path == "/" and "token" in query:
            self._check(query["token"][0])
            self._send(303, b"", "text/plain", {"Location": "/", "Set-Cookie": self._cookie()})
            return
        self._check(self._cookie_given())
        match address.path.strip("/").split("/"):
            case [""]:
                self._send_page()
            case ["api", "photographs"]:
                after = query.get("after", ["0"])[0]
                if not after.isdecimal():
                    raise _Refused(400, "after is no number")
                self._send_json(self.server.review.page(query.get("filter", ["all"])[0], int(after)))
            case ["picture", id, ("thumb" | "before" | "after") as kind] if id.isdecimal():
                self._send(200, self.server.review.picture(int(id), kind), "image/jpeg", {"Cache-Control": "no-cache"})
            case _:
                raise _Refused(404, "there is no such page")

    def _post(self, address: Any) -> None:
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in self.server.hosts]:
            raise _Refused(403, "another page asked for this")
        self._check(self._cookie_given())
        self._check(self.headers.get("X-Tinct-Token", ""))
        match address.path.strip("/").split("/"):
            case ["api", "photographs", id, "review"] if id.isdecimal():
                self._send_json(self.server.review.judge(int(id), self._body().get("review")))
            case ["api", "photographs", id, "redo"] if id.isdecimal():
                self._send_json(self.server.review.redo(int(id), self._body().get("settings")))
            case _:
                raise _Refused(404, "there is no such page")

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            self.close_connection = True
            raise _Refused(413, f"expected at most {LONGEST} bytes of JSON")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise _Refused(400, f"expected JSON ({error})") from error
        if not isinstance(body, dict):
            raise _Refused(400, "expected a JSON object")
        return body

    def _check(self, given: str) -> None:
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            # A body that nobody reads would be taken for the next request.
            self.close_connection = True
            raise _Refused(403, "open the address that tinct batch review printed; it holds a secret")

    def _cookie(self) -> str:
        return f"{COOKIE}={self.server.token}; HttpOnly; SameSite=Strict; Path=/"

    def _cookie_given(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found is not None else ""

    def _send_page(self) -> None:
        nonce = secrets.token_urlsafe(12)
        page = Template(files("tinct.jobs").joinpath("pages", "review.html").read_text("utf-8"))
        policy = (
            f"default-src 'none'; img-src 'self' data:; connect-src 'self'; script-src 'nonce-{nonce}'; "
            f"style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        text = page.substitute(token=self.server.token, nonce=nonce)
        self._send(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    def _send_json(self, data: dict[str, Any], status: int = 200) -> None:
        self._send(status, json.dumps(data).encode(), "application/json", {"Cache-Control": "no-store"})

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} | headers
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
