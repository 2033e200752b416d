"""From a pipeline of pixels to a file: what a result owes to its source is put back here."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tinct.errors import OptionError, OutputError
from tinct.media.atomic import atomic_path, scratch_beside, scratch_folder
from tinct.media.containers.avif import write_avif
from tinct.media.containers.jp2 import write_jp2
from tinct.media.containers.jpeg import write_jpeg
from tinct.media.containers.png import write_png
from tinct.media.containers.tiff import write_tiff
from tinct.media.containers.tiff_pages import append_page
from tinct.media.containers.webp import write_webp
from tinct.media.formats import AVIF, JP2, JPEG, PNG, TIFF, WEBP, Format, choose_format
from tinct.media.marking import Marking
from tinct.media.outgoing import Outgoing, prepare
from tinct.media.source import EncodedSource
from tinct.media.spaces import from_srgb, is_srgb
from tinct.media.versions import versions
from tinct.media.vips import forget_errors, to_eight_bits, vips, write_error

if TYPE_CHECKING:
    import pyvips

    from tinct.media.credentials import Signer
    from tinct.media.picture import Photo


def write_photo(
    image: pyvips.Image,
    target: Path | IO[bytes],
    *,
    like: Photo,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
    mark: Marking | None = None,
    signer: Signer | None = None,
) -> None:
    """Write pixels with the transparency, profile and metadata of the photograph that they were made from.

    Pixels stream from the pipeline to the file, so memory doesn't grow with the picture. A file is there whole or not
    at all: what was there before stays until the new one is complete. Equal pixels and options give equal bytes.

    Args:
        image: upright, sRGB, one or three bands, uchar or ushort (8 bits are written where a format has no more).
        target: a path, or a file object open for writing bytes.
        like: the photograph; what is transparent in it is in the result, on white where a format has no transparency;
            what it keeps (see :class:`~tinct.media.picture.Kept`) comes from its file, not by way of sRGB.
        format: ``jpeg``, ``png``, ``tiff``, ``webp``, ``avif`` or ``jp2``; None goes by the path's ending, without one
            by the photograph.
        quality: 1..100 for formats with loss; None takes the format's usual one.
        overwrite: whether a file may be replaced.
        mark: how the colors were made; None leaves the mark out.
        signer: signs the file; None leaves it unsigned.

    Raises:
        OptionError: an unknown format or ending, or quality out of range.
        OutputExists: the file is there and ``overwrite`` is False.
        OutputError: the file can't be written or signed, or the format holds no picture of this size.
        TruncatedPhoto, UnreadablePhoto: the source can't be decoded.
    """
    chosen = _choose(format, target, quality, like)
    if signer is not None:
        signer.check(chosen)

    def fill(path: Path, name: str) -> None:
        _encode(image, path, chosen, quality, like, mark, name)
        if signer is not None:
            _sign(path, chosen, like, signer)

    _put(target, overwrite, fill)


def write_pages(
    photos: Iterable[Photo],
    target: Path | IO[bytes],
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
    signer: Signer | None = None,
) -> None:
    """Write photographs as the pages of one TIFF; one alone in any format, as :func:`write_photo` does.

    Args:
        photos: each is taken when the one before it is written, so that one is in memory at a time.
        target, format, quality, overwrite, signer: see :func:`write_photo`.

    Raises:
        OptionError: several, for a format other than TIFF; or see :func:`write_photo`.
        OutputExists, OutputError, TruncatedPhoto, UnreadablePhoto: see :func:`write_photo`.
    """
    pages = iter(photos)
    first = next(pages)
    chosen = _choose(format, target, quality, first)
    if signer is not None:
        signer.check(chosen)

    def fill(path: Path, name: str) -> None:
        _encode(first.open(), path, chosen, quality, first, first.mark, name)
        for photo in pages:
            if chosen is not TIFF:
                raise OptionError(f"{chosen.name} holds one page; choose tiff, or one page alone (--pages 1)")
            if signer is not None:
                raise OptionError("a TIFF of several pages can't be signed; sign one page alone (--pages 1)")
            with scratch_beside(path) as page:
                _encode(photo.open(), page, chosen, quality, photo, photo.mark, name)
                append_page(path, page)
        if signer is not None:
            _sign(path, chosen, first, signer)

    _put(target, overwrite, fill)


def encode_photo(
    image: pyvips.Image,
    *,
    like: Photo,
    format: str | None = None,
    quality: int | None = None,
    mark: Marking | None = None,
) -> bytes:
    """Return the bytes of the file that :func:`write_photo` would write; the whole of it is in memory."""
    buffer = io.BytesIO()
    write_photo(image, buffer, like=like, format=format, quality=quality, mark=mark)
    return buffer.getvalue()


def _choose(format: str | None, target: Path | IO[bytes], quality: int | None, like: Photo) -> Format:
    """Return the format to write.

    Raises:
        OptionError: it is unknown, the quality out of range, or the target nothing that can be written to.
        OutputError: it holds no picture of this size.
    """
    if not isinstance(target, Path) and not hasattr(target, "write"):
        kind = type(target).__name__
        raise OptionError(f"a {kind} can't be written to; give a path, or a file object open for writing bytes")
    chosen = choose_format(format, target if isinstance(target, Path) else None, like.output_format)
    if quality is not None and not 1 <= quality <= 100:
        raise OptionError(f"quality is {quality}, expected 1..100")
    if max(like.width, like.height) > chosen.side:
        raise OutputError(
            f"{chosen.name} holds at most {chosen.side} pixels a side, the picture has {like.width} x {like.height}; "
            "write tiff or png"
        )
    return chosen


def _put(target: Path | IO[bytes], overwrite: bool, fill: Callable[[Path, str], None]) -> None:
    """Let a function make a file, given its path and what to call it in messages, and put that where it belongs."""
    if isinstance(target, Path):
        with atomic_path(target, overwrite=overwrite) as path:
            fill(path, str(target))
        return
    with scratch_folder() as folder:
        path = folder / "picture"
        fill(path, "the output")
        with path.open("rb") as file:
            try:
                shutil.copyfileobj(file, target)
                target.flush()
            except OSError as error:
                raise OutputError(f"the output can't be written ({error.strerror or error})") from error
            except (TypeError, ValueError) as error:
                raise OutputError(f"the output takes no bytes ({error}); open it in binary mode ('wb')") from error


def _sign(path: Path, form: Format, like: Photo, signer: Signer) -> None:
    origin = like.origin.source
    if isinstance(origin, EncodedSource):
        with origin.open() as file:
            signer.sign(path, form, like.mark, file, origin.format)
    else:
        signer.sign(path, form, like.mark, None, None)


def _encode(
    image: Any, path: Path, form: Format, quality: int | None, like: Photo, mark: Marking | None, name: str
) -> None:
    forget_errors()
    try:
        image, icc = _own_space(image, form, like)
        image = _without_metadata(_with_alpha(image, form, like))
        outgoing = _prepare(like, form, quality, mark, icc)
        _save(image, path, form, outgoing, quality)
    except vips().Error as error:
        raise write_error(like.name, name, error) from error
    origin = like.origin.source
    if isinstance(origin, EncodedSource):
        origin.check()  # it may have been written to while its pixels streamed


def outgoing_xmp(photo: Photo, target: Path, format: str | None, quality: int | None) -> bytes | None:
    """Return the XMP that a result's file has, whole also where the format has no room for it.

    Args:
        photo: the result.
        target, format, quality: see :func:`write_photo`.
    """
    return _prepare(photo, _choose(format, target, quality, photo), quality, photo.mark, None).xmp


def _prepare(like: Photo, form: Format, quality: int | None, mark: Marking | None, icc: bytes | None) -> Outgoing:
    return prepare(
        like.metadata,
        None if mark is None else dataclasses.replace(mark, output=_describe(form, quality, mark)),
        form,
        height=like.height,
        width=like.width,
        icc=icc,
        srgb=icc is None or is_srgb(icc),
    )


def _save(image: Any, path: Path, form: Format, outgoing: Outgoing, quality: int | None) -> None:
    if form is PNG:
        write_png(image, path, outgoing)
    elif form is TIFF:
        write_tiff(image, path, outgoing, quality)
    elif form is JP2:
        write_jp2(image, path, outgoing)
    else:
        writers = {JPEG: write_jpeg, WEBP: write_webp, AVIF: write_avif}
        assert form.quality is not None
        writers[form](image, path, outgoing, form.quality if quality is None else quality)


def _describe(form: Format, quality: int | None, mark: Marking) -> dict[str, Any]:
    """Say how a file is written, as far as its bytes depend on it."""
    chosen = form.quality if quality is None else quality
    return {"format": form.name} | versions(form.name, mark.settings) | ({} if chosen is None else {"quality": chosen})


def _own_space(image: Any, form: Format, like: Photo) -> tuple[Any, bytes | None]:
    """Convert a result to the profile of its source, and return what to embed.

    What a mask keeps of the source are its own numbers: colors that sRGB lacks would be lost on the way.
    """
    profile, kept = like.metadata.icc, like.kept
    own = None if kept is None else kept.photo.stored()
    if kept is not None and own is not None:
        colored, icc = from_srgb(_with_depth(kept.colored(), form), profile)
        if icc == profile:
            return kept.mask().ifthenelse(colored, _with_depth(own, form), blend=True), icc
    return from_srgb(_with_depth(image, form), profile)


def _with_depth(image: Any, form: Format) -> Any:
    """Cut 16 bits to 8 where the format holds no more."""
    return image if form.depth > 8 else to_eight_bits(image)


def _with_alpha(image: Any, form: Format, like: Photo) -> Any:
    alpha = like.alpha()
    if alpha is None:
        return image
    image = image.bandjoin(alpha.cast(image.format, shift=True))
    return image if form.alpha else image.flatten(background=255 if image.format == "uchar" else 65535)


def _without_metadata(image: Any) -> Any:
    """Take off what the pipeline's images brought along, which depends on how it was built."""
    image = image.copy(xres=1, yres=1)
    own = {"width", "height", "bands", "format", "coding", "interpretation", "xoffset", "yoffset", "xres", "yres"}
    for field in set(image.get_fields()) - own:
        image.remove(field)
    return image
