"""Jobs: how far they are, told as it happens, and what they made."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from tinct.db.tables import FINAL
from tinct.errors import Conflict, DatabaseError, NotFound
from tinct.web import schemas
from tinct.web.api.common import PICTURES, Id, Limit, Offset, Surroundings, User, binary, note_fetched, send_file

router = APIRouter(prefix="/jobs", tags=["jobs"])
LOOK_SECONDS = 0.4
"""Between two looks for news."""
QUIET_SECONDS = 15.0
"""After so long without news a comment is sent, so that nobody between takes the line for dead."""
LONGEST_STREAM = 3600.0
"""Seconds; browsers then ask again by themselves."""

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, as they happen.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)]


@router.get("", summary="List jobs")
def list_jobs(
    context: Surroundings,
    user: User,
    state: Literal["queued", "running", "done", "failed", "stopped"] | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[schemas.Job]:
    """Return jobs, the newest first."""
    found = context.repository.jobs.find(user, state=state, limit=limit, offset=offset)
    return [schemas.Job.model_validate(job) for job in found]


@router.get("/{id}", summary="How far a job is")
def get_job(id: Id, context: Surroundings, user: User) -> schemas.Job:
    """Return a job."""
    return schemas.Job.model_validate(context.repository.jobs.get(user, id))


@router.post("/{id}/stop", summary="Stop a job")
def stop_job(id: Id, context: Surroundings, user: User) -> schemas.Job:
    """Stop a job: at once while it waits, else as soon as its worker hears of it."""
    return schemas.Job.model_validate(context.repository.jobs.stop(user, id))


@router.delete("/{id}", status_code=204, summary="Delete a job for good")
def delete_job(id: Id, context: Surroundings, user: User) -> None:
    """Delete a job that isn't under way, and its result."""
    context.forget(context.repository.jobs.delete(user, id))


@router.get("/{id}/result", summary="Download a result", responses=binary(*PICTURES), response_class=FileResponse)
def get_result(id: Id, context: Surroundings, user: User) -> FileResponse:
    """Return the colored picture that a job made; after that it is kept until a newer job of its picture is done."""
    job = context.repository.jobs.get(user, id)
    if job.state == "failed":
        raise Conflict(f"this job failed: {job.error}")
    if job.state != "done":
        raise Conflict(f"this job is {job.state}; there is no result yet")
    try:
        result = context.repository.artifacts.of_job(user, id)
    except NotFound as error:
        raise NotFound("this result isn't kept any more; color the picture again") from error
    return send_file(context, result, when_sent=lambda: note_fetched(context, [result]))


@router.get("/{id}/events", summary="Follow a job", responses=EVENTS, response_class=StreamingResponse)
async def follow_job(
    id: Id, request: Request, context: Surroundings, user: User, last: LastEvent = None
) -> StreamingResponse:
    """Send the job whenever it changes (server-sent events named `job`), until it is at its end."""
    await run_in_threadpool(context.repository.jobs.get, user, id)
    seen = number_of(last)

    def look() -> tuple[list[tuple[str, int, str]], bool]:
        nonlocal seen
        job = context.repository.jobs.get(user, id)
        over = job.state in FINAL
        if job.revision == seen:
            return [], over
        seen = job.revision
        return [("job", seen, schemas.Job.model_validate(job).model_dump_json())], over

    return stream(request, look)


def stream(request: Request, look: Callable[[], tuple[list[tuple[str, int, str]], bool]]) -> StreamingResponse:
    """Answer with server-sent events.

    Args:
        request: ends them where its client goes, or the server stops.
        look: returns what is new, as kind, number and JSON, and whether that was the last.
    """

    async def events() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        told = began = time.monotonic()
        while time.monotonic() - began < LONGEST_STREAM and not request.app.state.stopping():
            try:
                news, over = await run_in_threadpool(look)
            except DatabaseError:
                news, over = [], False
            except NotFound:
                news, over = [("deleted", 0, json.dumps({}))], True
            for kind, number, body in news:
                yield f"event: {kind}\nid: {number}\ndata: {body}\n\n"
                told = time.monotonic()
            if over:
                yield "event: end\ndata: {}\n\n"
                return
            if time.monotonic() - told > QUIET_SECONDS:
                yield ": still here\n\n"
                told = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def number_of(last: str | None) -> int:
    """Return the number of the last event that a client has, 0 for none; databases know no larger one."""
    return min(int(last), 2**63 - 1) if last is not None and last.isascii() and last.isdecimal() else 0
