"""Files that clients send: from the request to the store, decoded once in a sandbox before anybody sees them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from tinct.db.artifacts import PICTURE
from tinct.db.tables import Artifact, new_id
from tinct.errors import OptionError
from tinct.web.context import Context
from tinct.web.guard import BODY
from tinct.web.sandbox import Sandboxes
from tinct.web.wishes import MEDIA_TYPES, shown_name

MOST_FIELDS = 1200
LOOK_SECONDS = 60


@dataclass(slots=True)
class Form:
    """A multipart body."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)

    def one(self, name: str) -> UploadFile:
        """Return the only file of a field.

        Raises:
            OptionError: there is none, or several.
        """
        found = self.files.get(name, [])
        if len(found) != 1:
            raise OptionError(f"the field {name} has {len(found)} files, expected one")
        return found[0]

    def expect(self, *names: str) -> None:
        """Check that files come in known fields, and each but ``file`` once.

        Raises:
            OptionError: they don't.
        """
        for name, found in self.files.items():
            if name not in names:
                raise OptionError(f"there is no field {name!r} for files; choose of {', '.join(names)}")
            if name != "file" and len(found) > 1:
                raise OptionError(f"the field {name} has {len(found)} files, expected one")


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Form]:
    """Read a multipart body of a user, with files of any allowed size; they are gone when the block ends.

    Raises:
        HTTPException: 415, it is of another type; 400, it is malformed; 413, it is too large.
    """
    settings = request.app.state.context.settings
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415, "send a form: multipart/form-data, with the file in the field 'file'")
    request.scope[BODY].allow_files()
    try:
        async with request.form(max_files=settings.upload_files, max_fields=MOST_FIELDS, max_part_size=2**20) as parsed:
            form = Form()
            for name, value in parsed.multi_items():
                if isinstance(value, UploadFile):
                    value.filename = _unescaped(value.filename or "")
                    form.files.setdefault(name, []).append(value)
                else:
                    form.fields.append((name, value))
            yield form
    except MultiPartException as error:
        raise HTTPException(400, f"the form is malformed: {error.message}") from error


def _unescaped(name: str) -> str:
    """Return a file's name without what clients escape in a form (WHATWG HTML, multipart form data)."""
    for escape, letter in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(escape, letter)
    return name


def keep(upload: UploadFile, path: Path) -> Path:
    """Copy an upload to a path of ours."""
    upload.file.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 2**20)
    return path


def look(context: Context, sandboxes: Sandboxes, path: Path, name: str, *, allow_truncated: bool) -> tuple[int, int]:
    """Return width and height of a picture, by its header.

    Raises:
        PhotoError: it can't be used.
    """
    request = _request("look", context, path, name, allow_truncated)
    done = sandboxes.ask(request, LOOK_SECONDS)
    return done["width"], done["height"]


def take_picture(
    context: Context, sandboxes: Sandboxes, user_id: str, path: Path, name: str, *, allow_truncated: bool = False
) -> Artifact:
    """Check a picture and put it into the store, with its copies for lists and for quick answers.

    Args:
        context: files and database.
        sandboxes: to decode it in.
        user_id: whose it is.
        path: of the file, in a folder of ours; it is gone afterwards.
        name: what its user calls it.
        allow_truncated: whether what is there of a damaged file is used.

    Raises:
        PhotoError: it can't be used.
    """
    copies = {kind: path.with_name(f"{path.name}-{kind}") for kind in ("preview", "thumbnail")}
    request = _request("take", context, path, name, allow_truncated)
    request |= {kind: str(copy) for kind, copy in copies.items()}
    facts = sandboxes.ask(request, context.settings.work_seconds)
    facts["allow_truncated"] = allow_truncated
    id = new_id()
    rows = []
    files = {PICTURE: path, **copies}
    for (kind, file), key in zip(files.items(), context.new_keys(len(files)), strict=True):
        stored = context.storage.put(file, key)
        rows.append(
            Artifact(
                id=id if kind == PICTURE else new_id(),
                user_id=user_id,
                picture_id=None if kind == PICTURE else id,
                kind=kind,
                name=name,
                media_type=MEDIA_TYPES[facts["format"] if kind == PICTURE else "jpeg"],
                size=stored.size,
                sha256=stored.sha256,
                key=stored.key,
                facts=facts if kind == PICTURE else {},
            )
        )
    context.repository.artifacts.add(*rows)
    return rows[0]


def take_beside(
    context: Context, sandboxes: Sandboxes, picture: Artifact, upload: UploadFile, kind: str, folder: Path
) -> Artifact:
    """Check a mask or reference of a picture, and put it into the store in place of an earlier one.

    Raises:
        NotFound: the picture was deleted meanwhile.
        PhotoError: it can't be used.
        OptionError: the mask is of another shape than the picture, or the reference is gray.
    """
    name = shown_name(upload.filename, kind)
    path = keep(upload, folder / kind)
    shape = {side: picture.facts[side] for side in ("width", "height")}
    request = {**_request("check", context, path, name, allow_truncated=False), "kind": kind, **shape}
    sandboxes.ask(request, context.settings.work_seconds)
    (key,) = context.new_keys()
    stored = context.storage.put(path, key)
    row = Artifact(
        user_id=picture.user_id,
        picture_id=picture.id,
        kind=kind,
        name=name,
        media_type="application/octet-stream",
        size=stored.size,
        sha256=stored.sha256,
        key=stored.key,
    )
    context.put_beside(row)
    return row


def _request(do: str, context: Context, path: Path, name: str, allow_truncated: bool) -> dict[str, Any]:
    return {
        "do": do,
        "path": str(path),
        "names": {str(path): name},
        "max_pixels": context.settings.upload_pixels,
        "allow_truncated": allow_truncated,
    }
