"""From a model's name to a verified file on this machine; nothing is downloaded.

Models are ``<name>.onnx`` files: those that the package ships, and those in the folder that ``TINCT_WEIGHTS`` names.
``manifest.json`` beside the shipped ones holds the SHA-256 of each, and a file that doesn't match is refused; and what
is known of how each was made and how good it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinct.errors import BadModelFile, OptionError, UnknownModel
from tinct.media.atomic import atomic_path
from tinct.settings import load_folder

SHIPPED = Path(__file__).parent / "default"
"""Where the package keeps its models."""
MANIFEST = "manifest.json"
HASH = "sha256"
"""Entry of the manifest that every model has; the others are the facts."""
SUFFIX = ".onnx"
ALIASES = {"default": "tinct"}
"""Further names."""


def list_models() -> list[str]:
    """Return the names of all models at hand, without aliases: the default model first, then the others sorted."""
    return sorted(_find(), key=lambda name: (name != ALIASES["default"], name))


def resolve(model: str | os.PathLike[str]) -> Path:
    """Return the file (or checkpoint folder) of a model; whether it is whole is for :func:`verified_hash` to say.

    Args:
        model: a name, ``default``, or the path of an ONNX file or checkpoint.

    Raises:
        OptionError: neither text nor a path, or empty.
        UnknownModel: neither a name nor a path that exists.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise OptionError(f"model is {model!r}, expected a name, a file or a folder")
    name = os.fspath(model)
    if not name:
        raise OptionError("the model's name is empty; give a name or a file, or leave it out for the default")
    files = _find()
    known = ALIASES.get(name, name)
    if known in files:
        return files[known]
    if Path(name).exists():
        return Path(name)
    raise UnknownModel(name, [*ALIASES, *sorted(files)])


def read(path: Path) -> bytes:
    """Return what a model's file holds.

    Raises:
        BadModelFile: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def verified_hash(path: Path, data: bytes) -> str:
    """Return the SHA-256, in hex, of what a model's file holds, once it is what the manifest beside it says, if any.

    Raises:
        BadModelFile: it is something else: the file is damaged.
    """
    found, entry = hashlib.sha256(data).hexdigest(), _manifest(path.parent).get(path.name)
    if entry is not None and entry[HASH] != found:
        raise BadModelFile(f"{path} is damaged (its SHA-256 isn't the manifest's); install Tinct again")
    return found


def verify(name: str) -> str | None:
    """Check a model's file against the manifest.

    Args:
        name: a model's name or alias.

    Returns:
        The SHA-256 that it has and should have, in hex; None for a model that no manifest lists.

    Raises:
        UnknownModel: no model has that name.
        BadModelFile: it is missing or damaged.
    """
    name = ALIASES.get(name, name)
    files = _find()
    if name not in files:
        raise UnknownModel(name, [*ALIASES, *sorted(files)])
    found = verified_hash(files[name], read(files[name]))
    return found if files[name].name in _manifest(files[name].parent) else None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        BadModelFile: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def facts(path: Path) -> dict[str, Any]:
    """Return what the manifest beside a model's file says of it beyond its hash; nothing where it doesn't list it.

    Raises:
        BadModelFile: the manifest is damaged.
    """
    entry = _manifest(path.parent).get(path.name, {})
    return {name: value for name, value in entry.items() if name != HASH}


def write_manifest(folder: Path, facts_of: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Write the manifest of the models in a folder.

    Args:
        folder: with the models; what its manifest says of them holds on.
        facts_of: name of a file -> what to say of it instead.

    Raises:
        BadModelFile: the present manifest is damaged.
        OutputError: the manifest can't be written.
    """
    given = facts_of or {}
    entries = {
        path.name: {HASH: digest(path), **given.get(path.name, facts(path))}
        for path in sorted(folder.glob(f"*{SUFFIX}"))
    }
    with atomic_path(folder / MANIFEST, overwrite=True) as path:
        path.write_text(json.dumps(entries, indent=2) + "\n", "utf-8")


def _find() -> dict[str, Path]:
    """Return name and file of each model; a shipped one goes before one of the same name elsewhere."""
    extra = load_folder("weights")
    found = {path.stem: path for path in sorted(extra.glob(f"*{SUFFIX}"))} if extra is not None else {}
    return found | {Path(name).stem: SHIPPED / name for name in _manifest(SHIPPED)}


def _unreadable(path: Path, error: OSError) -> BadModelFile:
    return BadModelFile(f"{path} can't be read ({error.strerror or error}); install Tinct again")


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        entries: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
        if not all(isinstance(entry[HASH], str) for entry in entries.values()):
            raise ValueError(f"an entry without {HASH}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadModelFile(f"{path} can't be read ({error}); install Tinct again") from error
    return entries
