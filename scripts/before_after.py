"""Make the picture of the README: the example photograph as it is, beside what the default model makes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import tinct
from tinct.media.photo import read_photo

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "examples" / "astronaut.jpg"
PICTURE = ROOT / "docs" / "images" / "before-after.jpg"
GAP = 12
"""White pixels between the two."""


def main(target: Path) -> None:
    """Write the picture to ``target``."""
    after = tinct.colorize(PHOTO).to_numpy()
    gray = read_photo(PHOTO).to_numpy()
    before = np.repeat(gray.reshape(*gray.shape[:2], -1)[..., :1], 3, axis=-1)
    gap = np.full((after.shape[0], GAP, 3), 255, dtype=np.uint8)
    picture = np.concatenate([before, gap, after], axis=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    read_photo(picture).save(target, quality=88, overwrite=True)
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
