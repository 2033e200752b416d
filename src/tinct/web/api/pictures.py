"""Pictures that stay on the server: seen in any colors at once, corrected with hints, colored in full by jobs."""

from __future__ import annotations

import base64
import json
import math
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from tinct.db.artifacts import CORRECTION, PICTURE
from tinct.db.tables import Artifact, Hints
from tinct.errors import NotFound, OptionError, PhotoError
from tinct.inference.options import Hint
from tinct.web import schemas
from tinct.web.api.colorize import start_job
from tinct.web.api.common import (
    FORM,
    PICTURES,
    Decoders,
    Id,
    Limit,
    Offset,
    Surroundings,
    User,
    beside,
    binary,
    multipart,
    options_of,
    send_file,
    wish_of,
)
from tinct.web.context import Context
from tinct.web.sandbox import Sandboxes
from tinct.web.uploads import keep, received, take_beside, take_picture
from tinct.web.wishes import PREVIEW_PIXELS, check_hints, parse_wish, shown_name

router = APIRouter(prefix="/pictures", tags=["pictures"])
PREVIEW_SECONDS = 60
ALLOW_TRUNCATED = "allow-truncated"


@router.post(
    "",
    status_code=201,
    summary="Upload a picture",
    openapi_extra=multipart(**{ALLOW_TRUNCATED: FORM[ALLOW_TRUNCATED]}),
)
async def add_picture(request: Request, context: Surroundings, sandboxes: Decoders, user: User) -> schemas.Picture:
    """Keep a picture, to be looked at in several ways before it is colored in full.

    With `allow-truncated`, what is there of a file that is cut short or damaged is used from then on.
    """
    async with received(request) as form:
        form.expect("file")
        unknown = [name for name, _ in form.fields if name != ALLOW_TRUNCATED]
        if unknown:
            raise OptionError(
                f"there is no field {unknown[0]!r}; send the file, and {ALLOW_TRUNCATED} where it is damaged"
            )
        wish = parse_wish(form.fields)
        upload = form.one("file")

        def take() -> Artifact:
            with context.storage.staging() as folder:
                path = keep(upload, folder / "picture")
                name = shown_name(upload.filename)
                return take_picture(context, sandboxes, user, path, name, allow_truncated=wish.allow_truncated)

        return schemas.Picture.model_validate(await run_in_threadpool(take))


@router.get("", summary="List pictures")
def list_pictures(context: Surroundings, user: User, limit: Limit = 100, offset: Offset = 0) -> list[schemas.Picture]:
    """Return the pictures that are kept, the newest first."""
    found = context.repository.artifacts.find(user, PICTURE, limit=limit, offset=offset)
    return [schemas.Picture.model_validate(picture) for picture in found]


@router.get("/{id}", summary="Describe a picture")
def get_picture(id: Id, context: Surroundings, user: User) -> schemas.Picture:
    """Return what is known of a picture."""
    return schemas.Picture.model_validate(context.repository.artifacts.get(user, id, PICTURE))


@router.delete("/{id}", status_code=204, summary="Delete a picture for good")
def delete_picture(id: Id, context: Surroundings, user: User) -> None:
    """Delete a picture, its hints, and all results made of it; jobs that are at it are stopped."""
    context.repository.artifacts.get(user, id, PICTURE)
    context.forget(context.repository.artifacts.delete(user, id))


@router.get("/{id}/file", summary="The picture as uploaded", responses=binary(*PICTURES), response_class=FileResponse)
def get_file(id: Id, context: Surroundings, user: User) -> FileResponse:
    """Return the very bytes that were uploaded."""
    return send_file(context, context.repository.artifacts.get(user, id, PICTURE))


@router.get(
    "/{id}/copies/{kind}", summary="A smaller copy", responses=binary("image/jpeg"), response_class=FileResponse
)
def get_copy(id: Id, kind: str, context: Surroundings, user: User) -> FileResponse:
    """Return the `thumbnail` of 320 pixels, or the `preview` of a megapixel, as JPEG and upright."""
    if kind not in ("thumbnail", "preview"):
        raise NotFound("there is no such copy; the copies are thumbnail and preview")
    return send_file(context, context.repository.artifacts.of_picture(user, id, kind), inline=True)


@router.post("/{id}/preview", summary="See a picture in color", responses=binary("image/jpeg"), response_class=Response)
def preview(id: Id, given: schemas.Look, context: Surroundings, sandboxes: Decoders, user: User) -> Response:
    """Return the preview of a megapixel in color, quickly after the first time."""
    kept = context.repository.artifacts.hints(user, id)
    return jpeg(ask(context, sandboxes, user, id, given.model, "preview", options=options_of(given, kept)))


def jpeg(done: dict[str, Any]) -> Response:
    """Answer with what a sandbox made; what a user should know is in the header `Tinct-Notes`, a JSON list."""
    headers = {"Tinct-Notes": json.dumps(done["notes"])}
    return Response(base64.b64decode(done["jpeg"]), media_type="image/jpeg", headers=headers)


@router.post("/{id}/colors", summary="Colors that are plausible at a place")
def suggest_colors(
    id: Id, place: schemas.Place, context: Surroundings, sandboxes: Decoders, user: User
) -> dict[str, Any]:
    """Return a palette for a place, the most probable color first."""
    more: dict[str, Any] = {"x": place.x, "y": place.y, "count": place.count, "options": {}}
    return ask(context, sandboxes, user, id, place.model, "suggest", **more)


@router.post("/{id}/points", summary="Where a hint would help most")
def suggest_points(
    id: Id, given: schemas.Look, context: Surroundings, sandboxes: Decoders, user: User
) -> dict[str, Any]:
    """Return the places where a hint would help most, and how sure the model is of each cell, 0 to 1."""
    kept = context.repository.artifacts.hints(user, id)
    return ask(context, sandboxes, user, id, given.model, "points", options=options_of(given, kept), count=10)


def ask(
    context: Context,
    sandboxes: Sandboxes,
    user: str,
    id: str,
    model: str | None,
    do: str,
    *,
    full: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Have something done with a picture's preview, or with the whole of it, its mask and reference."""
    while True:
        extra = {kind: beside(context, user, id, kind) for kind in ("mask", "reference")}
        try:
            return _ask(context, sandboxes, user, id, model, do, full, extra, more)
        except (PhotoError, NotFound):
            # Was one of them replaced or taken away while it was to be read? Then again with what is there now.
            if extra == {kind: beside(context, user, id, kind) for kind in extra}:
                raise


def _ask(
    context: Context,
    sandboxes: Sandboxes,
    user: str,
    id: str,
    model: str | None,
    do: str,
    full: bool,
    extra: dict[str, str | None],
    more: dict[str, Any],
) -> dict[str, Any]:
    picture = context.repository.artifacts.get(user, id, PICTURE)
    copy = picture if full else context.repository.artifacts.of_picture(user, id, "preview")
    with ExitStack() as stack:
        path = stack.enter_context(context.storage.fetch(copy.key))
        found = stack.enter_context(context.model_path(user, model))
        options, width, height = dict(more["options"]), picture.facts["width"], picture.facts["height"]
        smaller = not full and width * height > PREVIEW_PIXELS
        if "hints" in options:
            for hint in check_hints(options["hints"]):
                hint.place(height, width)
            if smaller:
                options["hints"] = [_in_preview(hint, width, height) for hint in options["hints"]]
        if "x" in more:
            Hint(more["x"], more["y"], "#808080").place(height, width)
            if smaller:
                more = _in_preview(more, width, height)
        request = {
            **more,
            "do": do,
            "path": str(path),
            "names": {str(path): picture.name},
            "model": found,
            "max_pixels": context.settings.upload_pixels,
            "allow_truncated": True,  # it was looked at when it came
            "options": options,
        }
        context.fetch_beside(stack, user, extra, request)
        return sandboxes.ask(request, PREVIEW_SECONDS, about=id)


def _in_preview(place: dict[str, Any], width: int, height: int) -> dict[str, Any]:
    """Return a place of a picture, as of a hint, as it lies in its preview, whose sides are rounded.

    Args:
        place: lies in the picture.
        width: of the picture, which has more than ``PREVIEW_PIXELS``.
        height: of the picture.
    """
    moved: dict[str, Any] = {"x": _share(place["x"], width), "y": _share(place["y"], height)}
    if "radius" in place:
        moved["radius"] = max(1, round(place["radius"] * math.sqrt(PREVIEW_PIXELS / (width * height))))
    return {**place, **moved}


def _share(at: float | str, side: int) -> str:
    """Return a coordinate as a percentage of its side."""
    return at if isinstance(at, str) and at.endswith("%") else f"{100 * float(at) / side}%"


@router.get("/{id}/hints", summary="The hints of a picture")
def get_hints(id: Id, context: Surroundings, user: User) -> schemas.FoundHints:
    """Return the hints that are kept with a picture; `hints` is what the command takes as a file."""
    return _with_hints(context, user, id, context.repository.artifacts.hints(user, id))


def _with_hints(context: Context, user: str, id: str, kept: Hints | None) -> schemas.FoundHints:
    body, revision = ([], 0) if kept is None else (kept.body, kept.revision)
    accepted = beside(context, user, id, CORRECTION) is not None
    there = [kind for kind in ("mask", "reference") if beside(context, user, id, kind) is not None]
    found = {"hints": body, "revision": revision, "accepted": accepted, "beside": there}
    return schemas.FoundHints.model_validate(found)


@router.put("/{id}/hints", summary="Keep the hints of a picture")
def put_hints(id: Id, given: schemas.KeptHints, context: Surroundings, user: User) -> schemas.FoundHints:
    """Keep hints with a picture; all that is made of it from now on uses them."""
    picture = context.repository.artifacts.get(user, id, PICTURE)
    body = [hint.model_dump() for hint in given.hints]
    for hint in check_hints(body):
        hint.place(picture.facts["height"], picture.facts["width"])
    kept = context.repository.artifacts.set_hints(user, id, body, revision=given.revision)
    return _with_hints(context, user, id, kept)


@router.put("/{id}/{kind}", status_code=204, summary="Keep a mask or reference", openapi_extra=multipart())
async def put_beside(
    id: Id, kind: str, request: Request, context: Surroundings, sandboxes: Decoders, user: User
) -> None:
    """Keep a `mask` (white is colored, black stays) or a `reference` (a color picture) with a picture."""
    _check_kind(kind)
    async with received(request) as form:
        form.expect("file")
        upload = form.one("file")

        def take() -> None:
            picture = context.repository.artifacts.get(user, id, PICTURE)
            with context.storage.staging() as folder:
                take_beside(context, sandboxes, picture, upload, kind, folder)

        await run_in_threadpool(take)


@router.get(
    "/{id}/{kind}",
    summary="The mask or reference of a picture",
    responses=binary("application/octet-stream"),
    response_class=FileResponse,
)
def get_beside(id: Id, kind: str, context: Surroundings, user: User) -> FileResponse:
    """Return the very bytes of the `mask` or `reference` that is kept with a picture."""
    _check_kind(kind)
    return send_file(context, context.repository.artifacts.of_picture(user, id, kind))


@router.delete("/{id}/{kind}", status_code=204, summary="Take a mask or reference away")
def delete_beside(id: Id, kind: str, context: Surroundings, user: User) -> None:
    """Color a picture without its mask or reference from now on."""
    _check_kind(kind)
    found = context.repository.artifacts.of_picture(user, id, kind)
    context.forget(context.repository.artifacts.delete(user, found.id))


def _check_kind(kind: str) -> None:
    if kind not in ("mask", "reference"):
        raise NotFound("there is no such thing; what is kept with a picture are hints, mask and reference")


@router.post("/{id}/jobs", status_code=202, summary="Color a picture in full")
def add_job(id: Id, given: schemas.Order, context: Surroundings, user: User) -> schemas.Job:
    """Have a picture colored at its full size, with the hints, mask and reference that are kept with it."""
    context.repository.artifacts.get(user, id, PICTURE)
    context.find_model(user, given.model)
    wish = wish_of(context, user, id, given)
    return schemas.Job.model_validate(start_job(context, user, wish, id))
