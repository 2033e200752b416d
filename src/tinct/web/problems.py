"""Errors as clients get them: a status, and a body of problem details (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tinct import errors
from tinct.errors import TinctError
from tinct.jobs.places import is_full
from tinct.web.sandbox import Stopped
from tinct.web.storage import NO_SPACE

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5

STATUS: tuple[tuple[type[TinctError], int], ...] = (
    (errors.PhotoTooLarge, 413),
    (errors.PhotoError, 422),
    (errors.OptionError, 422),
    (errors.UnknownModel, 422),
    (errors.BadModelFile, 422),
    (errors.DataError, 422),
    (errors.ConfigError, 422),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooMany, 429),
    (errors.StoreFull, 507),
    (errors.StoreError, 503),
    (errors.DatabaseError, 503),
    (Stopped, 503),
    (errors.MissingExtra, 501),
)
"""Kind of error -> status; the first that fits counts, what isn't listed is 500."""

log = logging.getLogger(__name__)

_SCHEMA = {"schema": {"$ref": "#/components/schemas/Problem"}}
_MEANINGS = {
    400: "The request is malformed.",
    401: "A token is needed.",
    403: "The request comes from another site.",
    404: "There is no such thing, or it is another's.",
    405: "This address knows other methods.",
    408: "The request took too long to arrive.",
    409: "The state of things doesn't allow it.",
    413: "Too many bytes or pixels.",
    415: "The body is of another type than expected.",
    416: "The file has no such range of bytes.",
    422: "A field is unknown, or a value is not allowed, or the file can't be used.",
    429: "Too many requests or jobs; try again later.",
    501: "A part of Tinct that this needs isn't installed.",
    503: "The database or the store is away; try again later.",
    507: "No space is left.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {MEDIA_TYPE: _SCHEMA}} for status, meaning in _MEANINGS.items()
}
"""What any call may answer beside its result."""


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Return an answer with problem details."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    extra = {"Retry-After": str(RETRY_SECONDS)} if status in (429, 503) else {}
    return JSONResponse(body, status, {**extra, **(headers or {})}, media_type=MEDIA_TYPE)


def status_of(error: TinctError) -> int:
    """Return the status for an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def install(app: FastAPI) -> None:
    """Answer all errors of an app this way."""

    @app.exception_handler(TinctError)
    async def ours(_request: Request, error: TinctError) -> Response:
        status = status_of(error)
        if status == 500:
            log.error("%s", error)
            return problem(500, "something went wrong on the server; its log says what")
        return problem(status, str(error), kind=type(error).__name__)

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        faults = [
            {"where": ".".join(map(str, fault["loc"])), "what": fault["msg"].removeprefix("Value error, ")}
            for fault in error.errors()
        ]
        said = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
        return problem(422, said, faults=faults)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return problem(400, "the connection was lost before the request was whole")

    @app.exception_handler(OSError)
    async def system(_request: Request, error: OSError) -> Response:
        if is_full(error):
            return problem(507, NO_SPACE, kind="StoreFull")
        log.error("%s", error, exc_info=error)
        return problem(500, "something went wrong on the server; its log says what")

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> Response:
        # Starlette logs it with its traceback.
        return problem(500, "something went wrong on the server; its log says what")
