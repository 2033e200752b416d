"""The photograph's own lightness and the network's colors, joined at full size in one streaming libvips pipeline.

Rows flow from the file to the result, so memory doesn't grow with the picture. For each pixel: L from a table of the
gray levels; a and b from the enlarged coefficients, kept within the range of the predicted colors; colors chosen by
hand put over them; sRGB from an :mod:`~tinct.inference.atlas`, which keeps L and brings the color into the gamut.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH
from tinct.color.lab import gray_to_lightness, lab_to_srgb
from tinct.inference.atlas import Box, make_atlas, make_box, to_layer
from tinct.inference.guidance import Overlay
from tinct.inference.resolution import Lines
from tinct.media.photo import Photo
from tinct.media.vips import vips

Floats = NDArray[np.float32]

MARGIN = 8.0
"""How far a and b at full size may go beyond those of the small picture, in Lab units."""
LEVELS = 256
"""Tiles of the atlas where L has more than 256 values; between two of them colors are blended."""
SUBSTEPS = 16
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
    ) -> None:
        self._photo, self._overlay, self._layer, self._mask = photo, overlay, layer, mask
        self._scale = (photo.height / cells[0], photo.width / cells[1])
        first = photo.open()
        self._gray = first.bands == 1
        codes = 256 if self._gray and first.format == "uchar" else 65536
        lightness = gray_to_lightness(np.linspace(0, 1, codes, dtype=np.float32))
        if not self._gray:
            lightness = np.linspace(0, 100, codes, dtype=np.float32)
        self._top = 65535 if photo.depth == 16 or layer else 255
        self._exact = codes == LEVELS and self._top == 255
        self._box = (
            make_box(np.array([[-REACH] * 2, [REACH] * 2], np.float32)) if layer and mask else _box_of(lines, overlay)
        )
        levels = lightness if codes == LEVELS else np.linspace(0, 100, LEVELS, dtype=np.float32)
        self._atlas = make_atlas(levels, self._box, to_layer if layer else lab_to_srgb)
        self._table = _as_image(self._make_table(lightness, exact=codes == LEVELS))
        self._lines = _as_image(_in_steps(lines, self._box))
        self._nodes = self._make_nodes()

    def build(self) -> Any:
        """Return the result as a fresh upright image: sRGB, three bands, uchar or ushort."""
        photo = self._photo
        tone = photo.open() if self._gray else (photo.lightness() * 655.35).rint().cast("ushort")
        values = tone.maplut(self._table)
        lines = self._enlarge(photo.width, photo.height)
        place = lines.extract_band(0, n=2) * values.extract_band(0, n=2) + lines.extract_band(2, n=2)
        place = place.clamp(min=0, max=self._box.count - 1)
        if self._overlay is not None:
            place = self._put_overlay(place, self._overlay)
        if self._layer and self._mask is not None:
            place = self._mask_image().ifthenelse(place, self._own_place(), blend=True)
        bilinear = vips().Interpolate.new("bilinear")
        if self._exact:
            colors = (self._nodes.mapim(place + values.extract_band(2, n=2), interpolate=bilinear) >> 8).cast("uchar")
        else:
            below = self._nodes.mapim(place + values.extract_band(2, n=2), interpolate=bilinear)
            above = self._nodes.mapim(place + values.extract_band(4, n=2), interpolate=bilinear)
            colors = below + (above - below) * values.extract_band(6)
            colors = colors.rint().cast("ushort" if self._top > 255 else "uchar")
        colors = colors.copy(interpretation="rgb16" if self._top > 255 else "srgb")
        if self._mask is not None and not self._layer:
            colors = self._mask_image().ifthenelse(colors, self._original(), blend=True)
        return colors

    def _make_table(self, lightness: Floats, *, exact: bool) -> Floats:
        """For each code of the tone: L twice, the corners of the tiles below and above, and the share of the latter."""
        position = np.arange(LEVELS, dtype=np.float64) if exact else lightness.astype(np.float64) / 100 * (LEVELS - 1)
        level = np.minimum(position.astype(np.intp), LEVELS - 1)
        corners = [*self._atlas.corner(level), *self._atlas.corner(np.minimum(level + 1, LEVELS - 1))]
        columns: list[NDArray[Any]] = [lightness, lightness, *corners[: 2 if self._exact else 4]]
        if not self._exact:
            columns.append(position - level)
        return np.stack(columns, axis=-1).astype(np.float32)[np.newaxis]

    def _make_nodes(self) -> Any:
        if self._exact:
            # In 256ths of a level, with the half that makes cutting into rounding.
            return _as_image(np.rint(self._atlas.nodes * (255 * 256) + 128).astype(np.uint16))
        return _as_image(self._atlas.nodes * np.float32(self._top))

    def _enlarge(self, width: int, height: int) -> Any:
        down, right = self._scale
        zoom = 1
        while zoom * 2 * SUBSTEPS <= min(down, right):
            zoom *= 2
        # The middles of the cells, not their corners, keep their places.
        smooth = self._lines.affine(
            [right / zoom, 0, 0, down / zoom],
            interpolate=vips().Interpolate.new("bilinear"),
            idx=0.5 - 0.5 * zoom / right,
            idy=0.5 - 0.5 * zoom / down,
            oarea=[0, 0, -(-width // zoom), -(-height // zoom)],
            extend="copy",
        )
        return smooth.zoom(zoom, zoom).crop(0, 0, width, height) if zoom > 1 else smooth

    def _put_overlay(self, place: Any, overlay: Overlay) -> Any:
        low, step = np.array(self._box.low, np.float32), np.array(self._box.step, np.float32)
        opacity, ab = overlay.table[..., :1], overlay.table[..., 1:]
        table = _as_image(np.concatenate([1 - opacity, (ab - opacity * low) / step], axis=-1))
        across = _as_image(overlay.columns[np.newaxis, :, np.newaxis])
        down = _as_image(overlay.rows[:, np.newaxis, np.newaxis])
        across, down = (line.embed(0, 0, place.width, place.height, extend="copy") for line in (across, down))
        found = table.mapim(across.bandjoin(down), interpolate=vips().Interpolate.new("bilinear"))
        return place * found.extract_band(0) + found.extract_band(1, n=2)

    def _mask_image(self) -> Any:
        mask = self._mask
        assert mask is not None
        image = mask.open()
        image = image.colourspace("b-w") if image.bands > 1 or image.format != "uchar" else image
        if (image.width, image.height) != (self._photo.width, self._photo.height):
            image = image.resize(
                self._photo.width / image.width, vscale=self._photo.height / image.height, kernel="linear"
            )
        return image

    def _original(self) -> Any:
        image = self._photo.open()
        image = image if image.bands == 3 else image.bandjoin([image, image])
        return image.copy(interpretation="rgb16" if image.format == "ushort" else "srgb")

    def _own_place(self) -> Any:
        """The photograph's own colors as places in the atlas."""
        ab = self._original().colourspace("lab").extract_band(1, n=2)
        low, step = self._box.low, self._box.step
        return ab.linear([1 / s for s in step], [-origin / s for origin, s in zip(low, step, strict=True)])


def _box_of(lines: Lines, overlay: Overlay | None) -> Box:
    colors: list[Floats] = [lines.low - np.float32(MARGIN), lines.high + np.float32(MARGIN)]
    if overlay is not None:
        opaque = overlay.table[..., 0] == 1
        colors.extend(overlay.table[opaque][:, 1:])
    return make_box(np.stack(colors))


def _in_steps(lines: Lines, box: Box) -> Floats:
    """Return slope and offset (h, w, 4) in steps of the box, counted from its corner."""
    low, step = np.array(box.low, np.float32), np.array(box.step, np.float32)
    return np.concatenate([lines.slope / step, (lines.offset - low) / step], axis=-1)


def _as_image(array: NDArray[Any]) -> Any:
    """Return an array (h, w, bands) as an image, ushort for uint16, else float."""
    kind, format = (np.uint16, "ushort") if array.dtype == np.uint16 else (np.float32, "float")
    height, width, bands = array.shape
    return vips().Image.new_from_memory(np.ascontiguousarray(array, kind).tobytes(), width, height, bands, format)
