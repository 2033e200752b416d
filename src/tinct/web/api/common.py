"""What all parts of the API use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from tinct.db.tables import Artifact, Hints
from tinct.errors import DatabaseError, NotFound, OptionError
from tinct.web import schemas
from tinct.web.context import Context
from tinct.web.files import File
from tinct.web.sandbox import Sandboxes
from tinct.web.security import find_user
from tinct.web.wishes import MEDIA_TYPES, SUFFIXES, Wish


def _context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def _sandboxes(request: Request) -> Sandboxes:
    found: Sandboxes = request.app.state.sandboxes
    return found


Surroundings = Annotated[Context, Depends(_context)]
Decoders = Annotated[Sandboxes, Depends(_sandboxes)]
User = Annotated[str, Depends(find_user)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$")]
ModelName = Annotated[str, InPath(min_length=1, max_length=200, pattern=schemas.MODEL_NAME)]

FORM: dict[str, Any] = {
    "mode": {"type": "string", "enum": ["vivid", "faithful"]},
    "vividness": {"type": "number", "minimum": 0, "maximum": 1},
    "saturation": {"type": "number", "minimum": 0, "maximum": 10},
    "size": {"type": "integer", "minimum": 16, "maximum": 1536},
    "layer": {"type": "boolean"},
    "hint": {
        "type": "array",
        "items": {"type": "string"},
        "description": "X,Y,#RRGGBB[,R]; may be given again",
        "examples": [["12,40%,#a03020"]],
    },
    "hints": {
        "type": "string",
        "description": "the JSON text of a file of hints",
        "examples": ['[{"x": 12, "y": "40%", "color": "#a03020"}]'],
    },
    "variant": {"type": "integer", "minimum": 1, "maximum": 12, "description": "which of `variants`"},
    "variants": {"type": "integer", "minimum": 1, "maximum": 12},
    "seed": {"type": "integer", "minimum": 0},
    "model": {"type": "string"},
    "format": {"type": "string", "enum": [*SUFFIXES]},
    "quality": {"type": "integer", "minimum": 1, "maximum": 100},
    "no-mark": {"type": "boolean"},
    "allow-truncated": {"type": "boolean"},
    "mask": {"type": "string", "format": "binary"},
    "reference": {"type": "string", "format": "binary"},
}
"""The options of ``tinct colorize`` as form fields."""


def multipart(*, several: bool = False, **fields: Any) -> dict[str, Any]:
    """Return how the documents describe a form with a file, or several."""
    file: dict[str, Any] = {"type": "string", "format": "binary"}
    schema = {
        "type": "object",
        "properties": {"file": {"type": "array", "items": file, "minItems": 1} if several else file, **fields},
        "required": ["file"],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def binary(*types: str) -> dict[int | str, dict[str, Any]]:
    """Return how the documents describe an answer that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The file.", "content": dict.fromkeys(types, schema)}}


PICTURES = tuple(MEDIA_TYPES.values())


def disposition(name: str, kind: str = "attachment") -> str:
    """Return a Content-Disposition; nothing in a name can end the header or begin another."""
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_" for letter in name
    )
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def send_file(
    context: Context, artifact: Artifact, *, inline: bool = False, when_sent: Callable[[], None] | None = None
) -> FileResponse:
    """Answer with a file of the store."""
    with context.storage.fetch(artifact.key) as path:
        return File(
            path,
            when_sent=when_sent,
            media_type=artifact.media_type,
            headers={
                "Content-Disposition": disposition(artifact.name, "inline" if inline else "attachment"),
                "ETag": f'"{artifact.sha256}"',
                "Cache-Control": "private, no-cache",
            },
        )


def note_fetched(context: Context, results: Iterable[Artifact]) -> None:
    """Note that results are downloaded; where the database can't be written to, they are none the less."""
    with suppress(DatabaseError):
        context.repository.artifacts.note_fetched(results)


def send_made(path: Path, name: str, media_type: str, when_sent: Callable[[], None]) -> FileResponse:
    """Answer with a file that was made for this request; it is gone afterwards, and so no part is sent by itself."""
    headers = {"Content-Disposition": disposition(name), "Accept-Ranges": "none"}
    gone = BackgroundTask(path.unlink)
    return File(path, when_sent=when_sent, media_type=media_type, headers=headers, background=gone)


def options_of(given: schemas.Look, kept: Hints | None) -> dict[str, Any]:
    """Return a look as options of :class:`~tinct.inference.options.ColorizeOptions` in JSON.

    Raises:
        OptionError: a variant without its number of variants, or the other way round.
    """
    found = given.model_dump(include={"mode", "vividness", "saturation", "size"}, exclude_none=True)
    hints = [hint.model_dump() for hint in given.hints] if given.hints is not None else kept.body if kept else []
    if hints:
        found["hints"] = hints
    if (given.variant is None) != (given.variants is None):
        raise OptionError("variant and variants go together: which one, of how many")
    if given.variant is not None:
        found["variant"] = {"number": given.variant, "of": given.variants, "seed": given.seed}
    return found


def wish_of(context: Context, user_id: str, picture_id: str, given: schemas.Order) -> Wish:
    """Return an order as a job keeps it, with what is kept with the picture: its hints and its mask."""
    kept = context.repository.artifacts.hints(user_id, picture_id)
    facts = context.repository.artifacts.get(user_id, picture_id).facts
    options = options_of(given, kept) | ({"layer": True} if given.layer else {})
    return Wish(
        options=options,
        model=given.model,
        format=given.format,
        quality=given.quality,
        mark=not given.no_mark,
        allow_truncated=given.allow_truncated or facts.get("allow_truncated", False),
        mask=beside(context, user_id, picture_id, "mask"),
        reference=beside(context, user_id, picture_id, "reference"),
    )


def beside(context: Context, user_id: str, picture_id: str, kind: str) -> str | None:
    """Return the id of a picture's mask, reference or correction, None where it has none."""
    try:
        return context.repository.artifacts.of_picture(user_id, picture_id, kind).id
    except NotFound:
        return None
