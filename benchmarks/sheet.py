"""Draw a contact sheet: each photograph gray, faithful, vivid, and as it was where it had colors.

python benchmarks/sheet.py PHOTOS.tar|FOLDER SHEET.png [--count 40] [--height 160] [--model NAME]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from photos import read_photos
from tinct import ColorizeOptions, Colorizer

GAP = 4
LEAST_CHANNEL_SPREAD = 6
"""Mean difference of the channels under which an original counts as gray, and isn't shown beside its gray copy."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--height", type=int, default=160, help="of each picture, in pixels")
    parser.add_argument("--across", type=int, default=3, help="photographs beside each other")
    parser.add_argument("--model", default="default")
    parser.add_argument("--size", type=int)
    parser.add_argument("--long-side", type=int, default=800, help="photographs are shrunk to this before")
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    strips = []
    for _, picture in read_photos(options.photos, options.count):
        picture.thumbnail((options.long_side, options.long_side), Image.Resampling.LANCZOS)
        strips.append(strip(picture, colorizer, options.size, options.height))
    save_sheet(strips, options.across, options.sheet)


def strip(picture: Image.Image, colorizer: Colorizer, size: int | None, height: int) -> Image.Image:
    """Return the versions of a photograph, side by side."""
    prepared = colorizer.prepare(np.asarray(picture))
    versions = [picture.convert("L").convert("RGB")]
    for mode in ("faithful", "vivid"):
        result = colorizer.colorize(prepared, ColorizeOptions(mode=mode, size=size))  # type: ignore[arg-type]
        versions.append(result.photo.to_pil())
    if np.ptp(np.asarray(picture).astype(int), axis=-1).mean() > LEAST_CHANNEL_SPREAD:
        versions.append(picture)
    width = max(1, round(picture.width * height / picture.height))
    row = Image.new("RGB", (len(versions) * (width + GAP), height), "white")
    for index, version in enumerate(versions):
        row.paste(version.resize((width, height), Image.Resampling.LANCZOS), (index * (width + GAP), 0))
    return row


def save_sheet(strips: list[Image.Image], across: int, target: Path) -> None:
    """Paste the strips in rows."""
    rows = [strips[start : start + across] for start in range(0, len(strips), across)]
    width = max(sum(part.width + 2 * GAP for part in row) for row in rows)
    height = max(part.height for part in strips) + GAP
    sheet = Image.new("RGB", (width, height * len(rows)), "white")
    for index, row in enumerate(rows):
        left = 0
        for part in row:
            sheet.paste(part, (left, index * height))
            left += part.width + 2 * GAP
    sheet.save(target)


if __name__ == "__main__":
    main()
