"""The photograph's own lightness and the network's colors, joined at full size in one streaming libvips pipeline.

Rows flow from the file to the result, so memory doesn't grow with the picture. For each pixel: L from a table of the
gray levels; a and b from the enlarged coefficients, kept within the range of the predicted colors; colors chosen by
hand put over them; sRGB from an :mod:`~tinct.inference.atlas`, which keeps L and brings the color into the gamut.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.enhance import scale_saturation
from tinct.color.gamut import REACH
from tinct.color.lab import gray_to_lightness, lab_to_srgb
from tinct.inference.atlas import Box, make_atlas, make_box, to_layer
from tinct.inference.guidance import Overlay
from tinct.inference.resolution import Lines
from tinct.media.photo import Photo
from tinct.media.picture import Kept
from tinct.media.vips import to_eight_bits, vips

Floats = NDArray[np.float32]

MARGIN = 8.0
"""How far a and b at full size may go beyond those of the small picture, in Lab units."""
LEVELS = 256
"""Tiles of the atlas where L has more than 256 values; between two of them colors are blended."""
SUBSTEPS = 12
"""From one cell to the next, lines change in at least so many steps; finer ones can't be seen and cost much."""


class Join:
    """Everything small that the full size needs; :meth:`build` returns a fresh pipeline each time.

    Args:
        photo: the photograph.
        lines: a and b over L.
        cells: how many cells of ``lines`` cover the photograph's height and width; fractions where the last is cut.
        overlay: colors chosen by hand.
        layer: the color alone, as 16 bits at even lightness.
        mask: a photograph of the same size, white where color is wanted.
        value_shift: added to the value of HSV of the finished color.
        original: what is seen where the mask is black; None takes the photograph.
    """

    def __init__(
        self,
        photo: Photo,
        lines: Lines,
        cells: tuple[float, float],
        *,
        overlay: Overlay | None = None,
        layer: bool = False,
        mask: Photo | None = None,
        value_shift: float = 0.0,
        original: Photo | None = None,
    ) -> None:
        self._own = original or photo
        self._photo, self._overlay, self._layer, self._mask = photo, overlay, layer, mask
        self._cells = cells
        self._top = 65535 if photo.depth == 16 or layer else 255
        first = photo.open()
        self._gray = first.bands == 1
        codes = 256 if self._gray and first.format == "uchar" else 65536
        steps = np.linspace(0, 1, codes, dtype=np.float32)
        lightness = gray_to_lightness(steps) if self._gray else 100 * steps
        if layer and mask is not None:
            self._box = make_box(np.array([[-REACH] * 2, [REACH] * 2], np.float32))
        else:
            self._box = _box_of(lines, overlay)
        exact = codes == LEVELS
        levels = lightness if exact else np.linspace(0, 100, LEVELS, dtype=np.float32)
        atlas = make_atlas(levels, self._box, to_layer if layer else partial(_to_rgb, value_shift=value_shift))
        # With the half that makes cutting into rounding.
        self._nodes = as_image(atlas.nodes * np.float32(self._top) + np.float32(0.5))
        # By the code of a gray level: L for both colors; the corner of its tile, or of those below and above; how far
        # it lies between these.
        self._lightness = _as_table(lightness, lightness)
        position = np.arange(LEVELS) if exact else lightness.astype(np.float64) * ((LEVELS - 1) / 100)
        below = position.astype(np.intp)
        self._tiles = [_as_table(*atlas.corner(below))]
        if not exact:
            self._tiles.append(_as_table(*atlas.corner(np.minimum(below + 1, LEVELS - 1))))
        self._share = _as_table(position - below)
        low, step = np.array(self._box.low, np.float32), np.array(self._box.step, np.float32)
        self._slope, self._offset = as_image(lines.slope / step), as_image((lines.offset - low) / step)

    def build(self) -> Any:
        """Return the result as a fresh upright image: sRGB, three bands, uchar or ushort."""
        colors = self._colors()
        if self._mask is not None and not self._layer:
            colors = self._mask_image().ifthenelse(colors, self._original(), blend=True)
        return colors

    @property
    def kept(self) -> Kept | None:
        """What of the result stays as it is in the file; None without a mask, and of a layer."""
        if self._mask is None or self._layer:
            return None
        return Kept(self._colors, self._mask_image, self._own)

    def _colors(self) -> Any:
        """The result before a mask keeps parts of the photograph; a layer with them."""
        photo = self._photo
        tone = photo.open() if self._gray else (photo.lightness() * 655.35).rint().cast("ushort")
        slope, offset = (enlarge(lines, photo, self._cells) for lines in (self._slope, self._offset))
        place = slope * tone.maplut(self._lightness) + offset
        place = place.clamp(min=0, max=self._box.count - 1)
        if self._overlay is not None:
            place = self._put_overlay(place, self._overlay)
        if self._layer and self._mask is not None:
            place = self._mask_image().ifthenelse(place, self._own_place(), blend=True)
        colors, *above = (
            self._nodes.mapim(place + tone.maplut(tiles), interpolate=vips().Interpolate.new("bilinear"))
            for tiles in self._tiles
        )
        if above:
            colors += (above[0] - colors) * tone.maplut(self._share)
        colors = colors.cast("ushort" if self._top > 255 else "uchar")
        return colors.copy(interpretation="rgb16" if self._top > 255 else "srgb")

    def _put_overlay(self, place: Any, overlay: Overlay) -> Any:
        low, step = np.array(self._box.low, np.float32), np.array(self._box.step, np.float32)
        opacity, ab = overlay.table[..., :1], overlay.table[..., 1:]
        table = as_image(np.concatenate([1 - opacity, (ab - opacity * low) / step], axis=-1))
        across = as_image(overlay.columns[np.newaxis, :, np.newaxis])
        down = as_image(overlay.rows[:, np.newaxis, np.newaxis])
        across, down = (line.embed(0, 0, place.width, place.height, extend="copy") for line in (across, down))
        found = table.mapim(across.bandjoin(down), interpolate=vips().Interpolate.new("bilinear"))
        return place * found.extract_band(0) + found.extract_band(1, n=2)

    def _mask_image(self) -> Any:
        mask = self._mask
        assert mask is not None
        image = mask.open()
        image = image.colourspace("b-w") if image.bands > 1 or image.format != "uchar" else image
        alpha = mask.alpha()
        if alpha is not None:  # what is transparent wasn't painted
            image = (image * to_eight_bits(alpha) / 255).rint().cast("uchar").copy(interpretation="b-w")
        if (image.width, image.height) != (self._photo.width, self._photo.height):
            image = image.resize(
                self._photo.width / image.width, vscale=self._photo.height / image.height, kernel="linear"
            )
        return image

    def _original(self) -> Any:
        image = self._own.open()
        image = image if image.bands == 3 else image.bandjoin([image, image])
        return image.copy(interpretation="rgb16" if image.format == "ushort" else "srgb")

    def _own_place(self) -> Any:
        """The photograph's own colors as places in the atlas."""
        ab = self._original().colourspace("lab").extract_band(1, n=2)
        low, step = self._box.low, self._box.step
        return ab.linear([1 / s for s in step], [-origin / s for origin, s in zip(low, step, strict=True)])


def _to_rgb(lab: Floats, value_shift: float) -> Floats:
    rgb = lab_to_srgb(lab)
    return scale_saturation(rgb.clip(0, 1), 1.0, value_shift) if value_shift else rgb


def _box_of(lines: Lines, overlay: Overlay | None) -> Box:
    colors: list[Floats] = [lines.low - np.float32(MARGIN), lines.high + np.float32(MARGIN)]
    if overlay is not None:
        opaque = overlay.table[..., 0] == 1
        colors.extend(overlay.table[opaque][:, 1:])
    return make_box(np.stack(colors))


def enlarge(lines: Any, photo: Photo, cells: tuple[float, float]) -> Any:
    """Return an image of cells at the size of a photograph, smoothly.

    Args:
        lines: the image; one pixel is a cell.
        photo: the photograph.
        cells: how many of them cover its height and width.
    """
    width, height = photo.width, photo.height
    down, right = height / cells[0], width / cells[1]
    zoom = 1
    while zoom * 2 * SUBSTEPS <= min(down, right):
        zoom *= 2
    # The middles of the cells, not their corners, keep their places.
    smooth = lines.affine(
        [right / zoom, 0, 0, down / zoom],
        interpolate=vips().Interpolate.new("bilinear"),
        idx=0.5 - 0.5 * zoom / right,
        idy=0.5 - 0.5 * zoom / down,
        oarea=[0, 0, -(-width // zoom), -(-height // zoom)],
        extend="copy",
    )
    return smooth.zoom(zoom, zoom).crop(0, 0, width, height) if zoom > 1 else smooth


def as_image(array: NDArray[Any]) -> Any:
    """Return an array (h, w, bands) as an image of floats."""
    height, width, bands = array.shape
    return vips().Image.new_from_memory(array.astype(np.float32).tobytes(), width, height, bands, "float")


def _as_table(*columns: NDArray[Any]) -> Any:
    """Return what `maplut` looks up: for each code a value of each column."""
    return as_image(np.stack(columns, axis=-1)[np.newaxis])
