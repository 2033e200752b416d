"""What a result says of its making, and making it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinct
from tinct.errors import OptionError, ProvenanceError, UnknownModel
from tinct.inference.provenance import from_settings
from tinct.jobs.places import digest
from tinct.media.marking import Found, read_mark
from tinct.media.photo import read_photo
from tinct.media.vips import version

if TYPE_CHECKING:
    from tinct.inference.backends import Device


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A result made again."""

    identical: bool
    """Whether it equals the first one, byte for byte."""
    notes: tuple[str, ...]
    """What is different now, and may be why it isn't."""


def inspect(file: Path) -> Found | None:
    """Read how a file's colors were made; None where it doesn't say.

    Raises:
        UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: it is no picture.
    """
    return read_mark(read_photo(file).metadata.xmp)


def describe(found: Found) -> dict[str, Any]:
    """Return a mark as names and values, fit for JSON."""
    mark = found.mark
    return {
        "software": mark.software,
        "version": mark.version,
        "model": mark.model,
        "model_sha256": mark.model_hash,
        "source_sha256": mark.source_hash,
        "settings": dict(mark.settings),
        "output": dict(mark.output),
        "inferred": mark.inferred,
        "changed_since": found.changed,
    }


def is_source(found: Found, source: Path) -> bool:
    """Whether a file is the very one that a result was made from.

    Raises:
        UnreadablePhoto: it can't be read.
    """
    return digest(source) == found.mark.source_hash


def reproduce(
    file: Path,
    source: Path,
    output: Path,
    *,
    mask: Path | None = None,
    reference: Path | None = None,
    model: str | None = None,
    device: Device = "auto",
    overwrite: bool = False,
) -> Reproduced:
    """Make a result again from its source and what its mark says.

    Args:
        file: the result.
        source: what it was made from.
        output: where to write it; the format is the first one's whatever the ending.
        mask: the mask, for a result made with one.
        reference: likewise the reference.
        model: name or file of the model; None takes the name in the mark.
        device: where to run it.
        overwrite: whether ``output`` may be replaced.

    Raises:
        ProvenanceError: no mark, another source, mask, reference or model, or settings that aren't all there.
        PhotoError: one of the pictures can't be read.
        OutputError: the output can't be written.
    """
    found = inspect(file)
    if found is None:
        raise ProvenanceError(f"{file} doesn't say how it was made; only a result with Tinct's mark can be made again")
    mark = found.mark
    if not mark.output:
        raise ProvenanceError(f"{file} was made by {mark.tool}, which didn't note how it wrote; colorize it again")
    if not is_source(found, source):
        raise ProvenanceError(
            f"{source} isn't what {file} was made from (SHA-256 {digest(source)}, expected {mark.source_hash})"
        )
    _check_given("mask", mark.settings.get("mask"), mask)
    _check_given("reference", mark.settings.get("reference"), reference)
    try:
        options = from_settings(mark.settings, mask=mask, reference=reference)
    except OptionError as error:
        raise ProvenanceError(f"{file}: {error}") from error

    from tinct.inference.backends import load_backend
    from tinct.inference.pipeline import Colorizer

    try:
        backend = load_backend(model or mark.model, device)
    except UnknownModel as error:
        if model is not None:
            raise
        raise ProvenanceError(f"{file} was made with the model {mark.model}, not at hand; give it (--model)") from error
    if backend.model_hash != mark.model_hash:
        raise ProvenanceError(
            f"the model {model or mark.model} isn't the one that made {file} (SHA-256 {backend.model_hash}, expected "
            f"{mark.model_hash}); give that one (--model)"
        )
    photo = read_photo(source, allow_truncated=bool(mark.settings.get("truncated")))
    result = Colorizer(backend).colorize(photo, options).photo
    quality = mark.output.get("quality")
    result.save(output, format=mark.output["format"], quality=quality, overwrite=overwrite)
    return Reproduced(digest(output) == digest(file), tuple(_differences(found)))


def _check_given(kind: str, expected: str | None, given: Path | None) -> None:
    """Refuse a mask or a reference that isn't the one that a result was made with."""
    if expected is None and given is not None:
        raise ProvenanceError(f"the result was made without a {kind}; leave --{kind} out")
    if expected is not None and given is None:
        raise ProvenanceError(f"the result was made with a {kind}; give it with --{kind} (its SHA-256 is {expected})")
    if given is not None and (found := digest(given)) != expected:
        raise ProvenanceError(f"{given} isn't the {kind} of the result (SHA-256 {found}, expected {expected})")


def _differences(found: Found) -> list[str]:
    mark, notes = found.mark, []
    if mark.version != tinct.__version__:
        notes.append(f"made by {mark.tool}, this is Tinct {tinct.__version__}")
    if found.changed:
        notes.append("another program wrote the file since it was made")
    library = mark.output.get("libvips")
    if library != version():
        notes.append(f"made with libvips {library}, this is {version()}")
    return notes
