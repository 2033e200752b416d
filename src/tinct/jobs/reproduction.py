"""What a result says of its making, and making it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinct
from tinct.errors import MissingExtra, OptionError, ProvenanceError, UnknownModel
from tinct.inference.provenance import from_settings
from tinct.jobs.places import digest
from tinct.media.credentials import Credentials, read_credentials
from tinct.media.formats import HEAD, sniff
from tinct.media.marking import Found, read_mark
from tinct.media.pages import Pages
from tinct.media.photo import MAX_PIXELS, Photo, read_pages, read_photo, write_pages
from tinct.media.sidecar import find_sidecar, with_sidecar
from tinct.media.versions import versions
from tinct.video.sniff import is_film

if TYPE_CHECKING:
    from tinct.inference.backends import Device


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A result made again."""

    identical: bool
    """Whether it equals the first one, byte for byte; a signed one as it was before it was signed."""
    notes: tuple[str, ...]
    """What is different now, and may be why it isn't."""
    unsigned: bool
    """Whether the first one is signed; the new one isn't."""


def inspect(file: Path, *, max_pixels: int = MAX_PIXELS) -> list[Found]:
    """Read how the colors of a film, or of a file's pages, were made; pages that don't say are left out.

    Args:
        file: the film or picture.
        max_pixels: the most pixels that a page may have.

    Raises:
        UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: it is no picture.
        UnreadableVideo: it is a damaged film.
        MissingExtra: it is a film, and what reads one isn't installed.
    """
    if is_film(file):
        try:
            from tinct.video.marks import read_film_mark
        except ModuleNotFoundError as error:
            raise MissingExtra("looking into a film", "video") from error
        of_film = read_film_mark(file)
        return [] if of_film is None else [of_film]
    pages = read_pages(file, Pages(), max_pixels=max_pixels)
    return [found for photo in pages if (found := read_mark(photo.metadata.xmp)) is not None]


def check_signature(file: Path) -> Credentials | None:
    """Read and check a file's Content Credentials; None where it has none, as films have.

    Raises:
        UnreadablePhoto: it is no picture.
        MissingExtra: it has some, and what reads them isn't installed.
    """
    if is_film(file):
        return None
    with file.open("rb") as opened:
        return read_credentials(file, sniff(opened.read(HEAD), str(file)))


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
        "inferred": True,
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
    sidecar: Path | None = None,
    model: str | None = None,
    device: Device = "auto",
    overwrite: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Reproduced:
    """Make a result again from its source and what its mark says.

    Args:
        file: the result.
        source: what it was made from.
        output: where to write it; the format is the first one's whatever the ending.
        mask: the mask, for a result made with one.
        reference: likewise the reference.
        sidecar: the sidecar, for a result made with one; None takes the one beside the source.
        model: name or file of the model; None takes the name in the mark.
        device: where to run it.
        overwrite: whether ``output`` may be replaced.
        max_pixels: the most pixels that each of the pictures may have.

    Raises:
        OptionError: the output is one of the files that it is made of, or is compared with.
        ProvenanceError: no mark, another source, mask, reference or model, or settings that aren't all there.
        PhotoError: one of the pictures can't be read.
        OutputError: the output can't be written.
    """
    pages = inspect(file, max_pixels=max_pixels)
    if not pages:
        raise ProvenanceError(f"{file} doesn't say how it was made; only a result with Tinct's mark can be made again")
    mark = pages[0].mark
    if "film" in mark.settings:
        raise ProvenanceError(f"{file} is a film; colorize {source} again by tinct video with the settings in its mark")
    if not mark.output:
        raise ProvenanceError(f"{file} was made by {mark.tool}, which didn't note how it wrote; colorize it again")
    if not is_source(pages[0], source):
        raise ProvenanceError(
            f"{source} isn't what {file} was made from (SHA-256 {digest(source)}, expected {mark.source_hash})"
        )
    _check_given("mask", mark.settings.get("mask"), mask)
    _check_given("reference", mark.settings.get("reference"), reference)
    if sidecar is None and "sidecar" in mark.settings:
        sidecar = find_sidecar(source)
    _check_given("sidecar", mark.settings.get("sidecar"), sidecar)
    for given in (file, source, mask, reference, sidecar, model):
        if given is not None and os.path.exists(given) and output.exists() and os.path.samefile(given, output):
            raise OptionError(f"-o {output} would replace {given}, which is needed; give another name")
    opened = [None if given is None else read_photo(given, max_pixels=max_pixels) for given in (mask, reference)]
    try:
        options = [from_settings(page.mark.settings, mask=opened[0], reference=opened[1]) for page in pages]
        numbers = [int(page.mark.settings.get("page", 1)) for page in pages]
    except (OptionError, TypeError, ValueError) as error:
        raise ProvenanceError(f"{file}: {error}") from error
    signature = check_signature(file)
    expected = (signature.unsigned if signature else None) or digest(file)

    from tinct.inference.backends import load_backend
    from tinct.inference.pipeline import Colorizer

    chosen_model = mark.model if model is None else model
    try:
        backend = load_backend(chosen_model, device)
    except UnknownModel as error:
        if model is not None:
            raise
        raise ProvenanceError(f"{file} was made with the model {mark.model}, not at hand; give it (--model)") from error
    if backend.model_hash != mark.model_hash:
        raise ProvenanceError(
            f"the model {chosen_model} isn't the one that made {file} (SHA-256 {backend.model_hash}, expected "
            f"{mark.model_hash}); give that one (--model)"
        )
    colorizer, truncated = Colorizer(backend), any(page.mark.settings.get("truncated") for page in pages)

    def again() -> Iterator[Photo]:
        chosen_pages = Pages(tuple((number, number) for number in numbers))
        photos = read_pages(source, chosen_pages, max_pixels=max_pixels, allow_truncated=truncated)
        for photo, chosen in zip(photos, options, strict=True):
            found = photo if sidecar is None else with_sidecar(photo, sidecar)
            yield colorizer.colorize(found, chosen).photo

    quality = mark.output.get("quality")
    write_pages(again(), output, format=mark.output["format"], quality=quality, overwrite=overwrite)
    return Reproduced(digest(output) == expected, tuple(_differences(pages[0], signature)), signature is not None)


def _check_given(kind: str, expected: str | None, given: Path | None) -> None:
    """Refuse a mask or a reference that isn't the one that a result was made with."""
    if expected is None and given is not None:
        raise ProvenanceError(f"the result was made without a {kind}; leave --{kind} out")
    if expected is not None and given is None:
        raise ProvenanceError(f"the result was made with a {kind}; give it with --{kind} (its SHA-256 is {expected})")
    if given is not None and (found := digest(given)) != expected:
        raise ProvenanceError(f"{given} isn't the {kind} of the result (SHA-256 {found}, expected {expected})")


def _differences(found: Found, signature: Credentials | None) -> list[str]:
    mark, notes = found.mark, []
    if mark.version != tinct.__version__:
        notes.append(f"made by {mark.tool}, this is Tinct {tinct.__version__}")
    if found.changed:
        notes.append("another program wrote the file since it was made")
    if signature is not None and signature.state == "invalid":
        notes.append(f"its signature doesn't hold ({', '.join(signature.problems)})")
    if signature is not None and signature.unsigned is None:
        notes.append("another program signed it since it was made")
    for name, version in versions(mark.output["format"], mark.settings).items():
        if mark.output.get(name) != version:
            notes.append(f"made with {name} {mark.output.get(name)}, this is {version}")
    return notes
