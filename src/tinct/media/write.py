"""From a pipeline of pixels to a file: everything that a result owes to its source is put back here."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tinct.errors import OptionError
from tinct.media.atomic import atomic_path
from tinct.media.formats import AVIF, JPEG, PNG, TIFF, WEBP, Format, choose_format
from tinct.media.marking import Marking
from tinct.media.spaces import from_srgb
from tinct.media.vips import vips, write_error

if TYPE_CHECKING:
    from tinct.media.photo import Photo


def write_photo(
    image: Any,
    target: Path | BinaryIO,
    *,
    like: Photo,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
    mark: Marking | None = None,
) -> None:
    """Write pixels with the alpha, profile and metadata of the photograph that they were made from."""
    chosen = choose_format(format, target if isinstance(target, Path) else None, like.output_format)
    if quality is not None and not 1 <= quality <= 100:
        raise OptionError(f"quality {quality} is out of range, expected 1..100")
    if isinstance(target, Path):
        with atomic_path(target, overwrite=overwrite) as path:
            _save(image, path, chosen, quality, like, mark, str(target))
        return
    with tempfile.TemporaryDirectory(prefix="tinct-") as folder:
        path = Path(folder) / f"picture{chosen.suffixes[0]}"
        _save(image, path, chosen, quality, like, mark, "the output")
        with path.open("rb") as file:
            shutil.copyfileobj(file, target)


def encode_photo(
    image: Any, *, like: Photo, format: str | None = None, quality: int | None = None, mark: Marking | None = None
) -> bytes:
    """Return the bytes of the file that :func:`write_photo` would write."""
    buffer = io.BytesIO()
    write_photo(image, buffer, like=like, format=format, quality=quality, mark=mark)
    return buffer.getvalue()


def _save(
    image: Any, path: Path, format: Format, quality: int | None, like: Photo, mark: Marking | None, name: str
) -> None:
    prepared = _dress(image, format, like)
    options: dict[str, Any] = {}
    if format.quality is not None:
        options["Q"] = quality or format.quality
    if format is TIFF:
        options |= {"compression": "deflate", "predictor": "horizontal"}
        options |= {"bigtiff": prepared.width * prepared.height * prepared.bands * 2 > 3_500_000_000}
    if format is AVIF:
        options |= {"compression": "av1", "bitdepth": 12 if prepared.format == "ushort" else 8}
    try:
        vips().Operation.call(format.saver, prepared, str(path), **options)
    except vips().Error as error:
        raise write_error(like.name, name, error) from error


def _dress(image: Any, format: Format, like: Photo) -> Any:
    """Add what the result has from its source: bit depth, alpha, profile, metadata."""
    image, icc = from_srgb(image, like.metadata.icc)
    alpha = like.alpha()
    if alpha is not None:
        image = image.bandjoin(alpha.cast(image.format, shift=True))
        if not format.alpha:
            image = image.flatten(background=255 if image.format == "uchar" else 65535)
    if image.format == "ushort" and format.depth == 8:
        image = (image / 257).rint().cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
    image = image.copy()
    for field in list(image.get_fields()):
        if field not in ("width", "height", "bands", "format", "coding", "interpretation", "xoffset", "yoffset"):
            image.remove(field)
    blobs = {"icc-profile-data": icc, "xmp-data": like.metadata.xmp, "iptc-data": like.metadata.iptc}
    if format in (JPEG, PNG, WEBP, AVIF) and like.metadata.exif:
        blobs["exif-data"] = b"Exif\0\0" + like.metadata.exif
    for field, blob in blobs.items():
        if blob:
            image.set_type(vips().GValue.blob_type, field, blob)
    image.set_type(vips().GValue.gint_type, "orientation", 1)
    if like.metadata.dpi:
        image = image.copy(xres=like.metadata.dpi[0] / 25.4, yres=like.metadata.dpi[1] / 25.4)
    return image
