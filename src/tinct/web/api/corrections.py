"""Corrections: pictures whose colors a user accepted; together they are a data set that a model may learn from."""

from __future__ import annotations

import base64

from fastapi import APIRouter
from fastapi.responses import FileResponse

from tinct.db.artifacts import CORRECTION, PICTURE
from tinct.db.tables import Artifact
from tinct.web import schemas, workshop
from tinct.web.api.common import Decoders, Id, Surroundings, User, binary, options_of, send_file
from tinct.web.api.pictures import ask

router = APIRouter(prefix="/corrections", tags=["corrections"])
QUALITY = 95
"""Of the JPEG that is learned from."""


@router.get("", summary="List corrections")
def list_corrections(context: Surroundings, user: User) -> list[workshop.Correction]:
    """Return the pictures whose colors were accepted, the oldest first."""
    return [_described(row) for row in context.repository.artifacts.all(user, CORRECTION)]


@router.post("/{id}", status_code=201, summary="Accept the colors of a picture")
def accept(id: Id, given: schemas.Look, context: Surroundings, sandboxes: Decoders, user: User) -> workshop.Correction:
    """Keep a picture in the colors that it has now, for a model to learn from; again takes the place of the last time.

    The body says how it is colored, as for a preview, with the hints, mask and reference that are kept with it. A
    megapixel of it is kept, which is more than any recipe looks at.
    """
    picture = context.repository.artifacts.get(user, id, PICTURE)
    kept = context.repository.artifacts.hints(user, id)
    options = options_of(given, kept)
    done = ask(context, sandboxes, user, id, given.model, "preview", options=options, quality=QUALITY)
    with context.storage.staging() as folder:
        path = folder / "colored.jpg"
        path.write_bytes(base64.b64decode(done["jpeg"]))
        (key,) = context.new_keys()
        stored = context.storage.put(path, key)
    row = Artifact(
        user_id=user,
        picture_id=id,
        kind=CORRECTION,
        name=picture.name,
        media_type="image/jpeg",
        size=stored.size,
        sha256=stored.sha256,
        key=stored.key,
        facts={"model": done["model"]},
    )
    context.put_beside(row)
    return _described(row)


@router.get("/{id}", summary="An accepted picture", responses=binary("image/jpeg"), response_class=FileResponse)
def get_correction(id: Id, context: Surroundings, user: User) -> FileResponse:
    """Return the picture in the colors that were accepted."""
    return send_file(context, context.repository.artifacts.of_picture(user, id, CORRECTION), inline=True)


@router.delete("/{id}", status_code=204, summary="Take a correction back")
def take_back(id: Id, context: Surroundings, user: User) -> None:
    """Let no model learn from a picture any more; the picture and its hints stay."""
    found = context.repository.artifacts.of_picture(user, id, CORRECTION)
    context.forget(context.repository.artifacts.delete(user, found.id))


def _described(row: Artifact) -> workshop.Correction:
    return workshop.Correction(picture=row.picture_id or "", name=row.name, created=row.created)
