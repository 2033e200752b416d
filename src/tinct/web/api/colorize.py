"""Colorizing: one photograph in one call, or many as jobs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from tinct.db.artifacts import PICTURE
from tinct.db.tables import Artifact, Job, new_id
from tinct.errors import Conflict, DataError, NotFound, OptionError, PhotoError, TinctError
from tinct.web import schemas
from tinct.web.api.common import (
    FORM,
    PICTURES,
    Decoders,
    Id,
    Surroundings,
    User,
    binary,
    disposition,
    multipart,
    note_fetched,
    send_made,
    wish_of,
)
from tinct.web.archives import Entry, list_pictures, unpack
from tinct.web.context import Context
from tinct.web.sandbox import Sandboxes
from tinct.web.storage import said
from tinct.web.uploads import Form, keep, look, received, take_beside, take_picture
from tinct.web.wishes import MEDIA_TYPES, Wish, parse_wish, result_name, shown_name

AT_ONCE = 2_000_000
"""Photographs of up to so many pixels are colored while the client waits."""

router = APIRouter(tags=["colorize"])


@router.post(
    "/colorize",
    summary="Colorize a photograph",
    responses={
        **binary(*PICTURES),
        202: {"description": "A larger photograph: the job that colors it.", "model": schemas.Job},
    },
    response_class=Response,
    openapi_extra=multipart(**FORM),
)
async def colorize(request: Request, context: Surroundings, sandboxes: Decoders, user: User) -> Response:
    """Color one photograph: up to 2 megapixels at once, a larger one as a job.

    The fields are the options of `tinct colorize` by their names; `hints` is the JSON text of a file of hints. The
    result has the photograph's format unless asked otherwise, its size, depth and metadata. What a user should know is
    in the header `Tinct-Notes`, a JSON list.
    """
    async with received(request) as form:
        form.expect("file", "mask", "reference")
        wish = parse_wish(form.fields)
        upload = form.one("file")
        return await run_in_threadpool(_colorize, context, sandboxes, user, wish, form, upload)


def _colorize(
    context: Context, sandboxes: Sandboxes, user: str, wish: Wish, form: Form, upload: UploadFile
) -> Response:
    name = shown_name(upload.filename)
    with context.storage.staging() as folder:
        path = keep(upload, folder / "picture")
        width, height = look(context, sandboxes, path, name, allow_truncated=wish.allow_truncated)
        if width * height > AT_ONCE:
            context.find_model(user, wish.model)  # said now, not by the job
            return _later(context, sandboxes, user, wish, form, path, name)
        beside = {
            kind: str(keep(form.one(kind), folder / kind)) for kind in ("mask", "reference") if kind in form.files
        }
        with context.model_path(user, wish.model) as model:
            request = wish.request(path, name, model, context.settings.upload_pixels, out=str(folder / "result"))
            request["options"] = {**request["options"], **beside}
            request["names"] |= {file: shown_name(form.one(kind).filename, kind) for kind, file in beside.items()}
            done = sandboxes.ask(request, context.settings.work_seconds)
        content = Path(request["out"]).read_bytes()
    headers = {
        "Content-Disposition": disposition(result_name(name, done["format"]), "inline"),
        "Tinct-Model": json.dumps(done["model"]),
        "Tinct-Notes": json.dumps(done["notes"]),
    }
    return Response(content, media_type=MEDIA_TYPES[done["format"]], headers=headers)


def _later(
    context: Context, sandboxes: Sandboxes, user: str, wish: Wish, form: Form, path: Path, name: str
) -> Response:
    with _taken(context, sandboxes, user, wish, path, name) as picture:
        more: dict[str, Any] = {
            kind: take_beside(context, sandboxes, picture, form.one(kind), kind, path.parent).id
            for kind in ("mask", "reference")
            if kind in form.files
        }
        job = start_job(context, user, Wish.from_json({**wish.to_json(), **more}), picture.id)
    body = schemas.Job.model_validate(job).model_dump_json()
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return Response(body, 202, headers, media_type="application/json")


@contextmanager
def _taken(context: Context, sandboxes: Sandboxes, user: str, wish: Wish, path: Path, name: str) -> Iterator[Artifact]:
    """Keep a picture for a job that the block begins; where it can't, the picture is gone again."""
    picture = take_picture(context, sandboxes, user, path, name, allow_truncated=wish.allow_truncated)
    try:
        yield picture
    except TinctError:
        context.forget(context.repository.artifacts.delete(user, picture.id))
        raise


def start_job(context: Context, user: str, wish: Wish, picture_id: str, batch_id: str | None = None) -> Job:
    """Have a picture colored by a worker.

    Raises:
        TooMany: the user has too many jobs waiting.
    """
    job = context.repository.jobs.add(
        user,
        "colorize",
        "colorize",
        wish.to_json(),
        picture_id=picture_id,
        batch_id=batch_id,
        most_queued=context.settings.queued,
    )
    context.send(job)
    return job


@router.post(
    "/batches",
    status_code=202,
    summary="Colorize many photographs",
    openapi_extra=multipart(several=True, **{name: FORM[name] for name in FORM if name not in ("mask", "reference")}),
)
async def add_batch(request: Request, context: Surroundings, sandboxes: Decoders, user: User) -> schemas.Batch:
    """Color photographs as jobs: several files, or ZIPs of them, with the fields of `colorize` for all.

    Where at least one job is begun, what isn't is listed in `refused`; otherwise nothing is kept.
    """
    async with received(request) as form:
        form.expect("file")
        wish = parse_wish(form.fields)
        if not form.files:
            raise OptionError("the field file has no files; send at least one")
        context.find_model(user, wish.model)
        return await run_in_threadpool(_batch, context, sandboxes, user, wish, form.files["file"])


def _batch(context: Context, sandboxes: Sandboxes, user: str, wish: Wish, uploads: list[UploadFile]) -> schemas.Batch:
    batch = schemas.Batch(id=new_id(), jobs=[])
    with context.storage.staging() as folder:
        for number, (path, entry, name) in enumerate(_listed(context, uploads, folder, batch)):
            with _refusing(batch, name), said(folder):
                file = path
                if entry is not None:
                    ((_, file),) = unpack(path, [entry], folder / f"unpacked-{number}")
                with _taken(context, sandboxes, user, wish, file, name) as picture:
                    job = start_job(context, user, wish, picture.id, batch.id)
                batch.jobs.append(schemas.Job.model_validate(job))
    if not batch.jobs:
        why = "; ".join(f"{refused['name']}: {refused['detail']}" for refused in batch.refused[:5])
        raise PhotoError(f"none of the files can be used ({why})")
    return batch


def _listed(
    context: Context, uploads: list[UploadFile], folder: Path, batch: schemas.Batch
) -> list[tuple[Path, Entry | None, str]]:
    """Return the files of a batch, and the entries of its ZIPs, with their names; what is no good ZIP is refused."""
    settings = context.settings
    found: list[tuple[Path, Entry | None, str]] = []
    for number, upload in enumerate(uploads):
        path, name = keep(upload, folder / str(number)), shown_name(upload.filename)
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
        if not packed:
            found.append((path, None, name))
            continue
        with _refusing(batch, name):
            entries = list_pictures(path, most=settings.upload_files, largest=settings.upload_bytes)
            found += [(path, entry, shown_name(entry.name)) for entry in entries]
    return found


@contextmanager
def _refusing(batch: schemas.Batch, name: str) -> Iterator[None]:
    """Note a file that can't be used; what keeps the server from its work is raised unless jobs were begun already."""
    try:
        yield
    except TinctError as error:
        if not batch.jobs and not isinstance(error, (PhotoError, DataError)):
            raise
        batch.refused.append({"name": name, "detail": str(error)})


@router.post("/batches/pictures", status_code=202, summary="Colorize kept pictures together")
def add_batch_of_pictures(given: schemas.Orders, context: Surroundings, user: User) -> schemas.Batch:
    """Color pictures that are kept, each in its own look and with its hints, mask and reference, as one batch.

    All are begun or none is.
    """
    orders = []
    for order in given.orders:
        picture = context.repository.artifacts.get(user, order.picture, PICTURE)
        context.find_model(user, order.model)
        orders.append((picture, wish_of(context, user, order.picture, order)))
    batch = schemas.Batch(id=new_id(), jobs=[])
    try:
        for picture, wish in orders:
            batch.jobs.append(schemas.Job.model_validate(start_job(context, user, wish, picture.id, batch.id)))
    except TinctError:
        for job in batch.jobs:
            with suppress(TinctError):
                context.repository.jobs.stop(user, job.id)
        raise
    return batch


@router.get("/batches/{id}", summary="How far a batch is")
def get_batch(id: Id, context: Surroundings, user: User) -> schemas.Batch:
    """Return the jobs of a batch."""
    return schemas.Batch(id=id, jobs=[schemas.Job.model_validate(job) for job in _jobs(context, user, id)])


@router.get(
    "/batches/{id}/zip",
    summary="Download a batch",
    responses=binary("application/zip"),
    response_class=FileResponse,
)
def get_zip(id: Id, context: Surroundings, user: User) -> FileResponse:
    """Return the results that are there so far as a ZIP; each keeps its format and metadata."""
    jobs = _jobs(context, user, id)
    results = context.repository.artifacts.of_batch(user, id)
    if not results:
        if any(job.state == "done" for job in jobs):
            raise NotFound("the results of this batch aren't kept any more; color the pictures again")
        raise Conflict("no picture of this batch is done yet; try again later")
    path = context.storage.incoming / f"{new_id()}.zip"
    taken: set[str] = set()
    try:
        # Pictures are compressed already.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for result in results:
                with context.storage.fetch(result.key) as file:
                    archive.write(file, _unused(result.name, taken))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return send_made(path, "colorized.zip", "application/zip", lambda: note_fetched(context, results))


def _jobs(context: Context, user: str, id: str) -> list[Job]:
    found = list(context.repository.jobs.find(user, batch_id=id, limit=10_000))
    if not found:
        raise NotFound("there is no such batch")
    return found


def _unused(name: str, taken: set[str]) -> str:
    stem, _, suffix = name.rpartition(".")
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{stem} ({number}).{suffix}"
    taken.add(found.lower())
    return found
