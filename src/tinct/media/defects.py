"""Finding dust and scratches in the lightness of a photograph, by morphology and connected components.

A defect is what an opening or a closing takes away (specks and lines narrower than the structuring element), stands out
from a calm surrounding, and has the shape of one. What lies in busy texture is left: there it isn't seen, and can't be
told from the picture. Sources: top-hat transform (Meyer 1979), as OpenCV has it; the shape rules are ours.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["dust", "scratches"]

CONTRAST = 9.0
"""Least difference from the surrounding, in L."""
CALM = 5.0
"""Least difference in standard deviations of the surrounding."""
CROWDED: dict[Kind, float] = {"dust": 0.04, "scratches": 0.08}
"""Largest share of candidates around one: more are texture, but a scratch has much of itself around."""
STRONG = 0.1
"""Least share of a defect that does so."""
LONG = 8
"""A scratch is at least so many times as long as it is wide..."""
SHARE = 1 / 14
"""...and has at least this share of the short side."""


def find_defects(lightness: NDArray[np.float32], kinds: frozenset[Kind]) -> NDArray[np.uint8]:
    """Return a mask of defects, (H, W), uint8, 255 where there is one.

    Args:
        lightness: L (H, W), 0..100.
        kinds: what to look for.
    """
    import cv2

    height, width = lightness.shape
    radius = int(np.clip(round(min(height, width) / 220), 3, 8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    mask = np.zeros((height, width), np.uint8)
    for operation, sign in ((cv2.MORPH_TOPHAT, 1), (cv2.MORPH_BLACKHAT, -1)):
        excess: Any = cv2.morphologyEx(lightness, operation, kernel)
        # The rim of a defect stands out less than its middle.
        rim = (excess > CONTRAST / 2).astype(np.uint8)
        found: Any = cv2.connectedComponentsWithStats(rim, connectivity=8)
        count, labels, boxes, _ = found
        for kind in kinds:
            core = _standing_out(lightness, excess, sign, radius, CROWDED[kind])
            strong = np.bincount(labels[core], minlength=count)
            wanted = _shaped(labels, boxes, strong, kind, radius, min(height, width))
            near = cv2.dilate(core.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # the rim runs on into grain
            mask[wanted[labels] & near] = 255
    # Of a defect as large as the kernel only the rim was found.
    whole = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.dilate(whole, np.ones((3, 3), np.uint8)), np.uint8)


def _standing_out(
    lightness: NDArray[np.float32], excess: NDArray[np.float32], sign: int, radius: int, most: float
) -> NDArray[np.bool_]:
    """Tell which pixels differ from a calm surrounding, in which few others do."""
    import cv2

    around = (12 * radius + 1, 12 * radius + 1)
    candidates = (excess > CONTRAST).astype(np.float32)
    rest = 1 - cv2.dilate(candidates, np.ones((3, 3), np.uint8))
    weight = cv2.boxFilter(rest, -1, around)
    mean = cv2.boxFilter(rest * lightness, -1, around) / np.maximum(weight, 1e-3)
    square = cv2.boxFilter(rest * lightness * lightness, -1, around) / np.maximum(weight, 1e-3)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    near = (max(around[0], 41),) * 2
    crowd = cv2.boxFilter(candidates, -1, near)
    clear = sign * (lightness - mean) > CALM * spread
    found: NDArray[np.bool_] = (candidates > 0) & clear & (crowd < most)
    return found


def _shaped(
    labels: NDArray[np.int32],
    boxes: NDArray[np.int32],
    strong: NDArray[np.int64],
    kind: Kind,
    radius: int,
    side: int,
) -> NDArray[np.bool_]:
    """Tell which components have the shape of a defect."""
    import cv2

    wanted = np.zeros(len(boxes), bool)
    for number in np.flatnonzero(strong):
        left, top, across, down, area = (int(value) for value in boxes[number])
        if number == 0 or strong[number] < STRONG * area:
            continue
        longest = max(across, down)
        if longest <= 4 * radius + 1:
            wanted[number] = kind == "dust"
        elif kind == "scratches" and longest >= side * SHARE / 1.5:
            part = (labels[top : top + down, left : left + across] == number).astype(np.uint8)
            (_, sides, _) = cv2.minAreaRect(cv2.findNonZero(part))
            length = max(sides)
            wanted[number] = length >= side * SHARE and area / max(length, 1) <= max(length / LONG, 1)
    return wanted


def fill(pixels: NDArray[np.uint16], mask: NDArray[np.uint8], radius: int) -> NDArray[np.uint16]:
    """Return pixels (H, W) with what the mask covers inpainted from around it (Telea 2004)."""
    import cv2

    filled: Any = cv2.inpaint(pixels, mask, radius, cv2.INPAINT_TELEA)
    return np.asarray(filled, np.uint16)
