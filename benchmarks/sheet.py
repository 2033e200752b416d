"""Draw a contact sheet: each photograph gray, faithful, vivid, and as it was where it had colors.

python benchmarks/sheet.py PHOTOS.tar|FOLDER SHEET.png [--count 40] [--height 160] [--model NAME ...]

With several models there is one column for each, in the mode of --mode, under its name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from photos import read_photos
from tinct import ColorizeOptions, Colorizer
from tinct.inference.options import Mode

Column = tuple[Colorizer, Mode]
GAP = 4
HEADING = 14
"""Height of the row of names, in pixels."""
LEAST_CHANNEL_SPREAD = 6
"""Mean difference of the channels under which an original counts as gray, and isn't shown beside its gray copy."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--height", type=int, default=160, help="of each picture, in pixels")
    parser.add_argument("--across", type=int, default=3, help="photographs beside each other")
    parser.add_argument("--model", action="append", help="may be given again; default: the default model")
    parser.add_argument("--mode", choices=["faithful", "vivid"], default="vivid", help="where there are several models")
    parser.add_argument("--size", type=int)
    parser.add_argument("--long-side", type=int, default=800, help="photographs are shrunk to this before")
    options = parser.parse_args()
    names = options.model or ["default"]
    if len(names) == 1:
        colorizer = Colorizer(names[0])
        columns: list[Column] = [(colorizer, "faithful"), (colorizer, "vivid")]
    else:
        columns = [(Colorizer(name), options.mode) for name in names]
    strips = []
    for _, picture in read_photos(options.photos, options.count):
        picture.thumbnail((options.long_side, options.long_side), Image.Resampling.LANCZOS)
        strips.append(strip(picture, columns, options.size, options.height, names if len(names) > 1 else []))
    save_sheet(strips, options.across, options.sheet)


def strip(picture: Image.Image, columns: list[Column], size: int | None, height: int, names: list[str]) -> Image.Image:
    """Return the versions of a photograph, side by side, those of models under their names, if any are given."""
    pixels = np.asarray(picture)
    versions = [("", picture.convert("L").convert("RGB"))]
    for (colorizer, mode), name in zip(columns, names or [""] * len(columns), strict=True):
        result = colorizer.colorize(colorizer.prepare(pixels), ColorizeOptions(mode=mode, size=size))
        versions.append((Path(name).stem, result.photo.to_pil()))
    if np.ptp(pixels.astype(int), axis=-1).mean() > LEAST_CHANNEL_SPREAD:
        versions.append(("", picture))
    width, top = max(1, round(picture.width * height / picture.height)), HEADING * bool(names)
    row = Image.new("RGB", (len(versions) * (width + GAP), height + top), "white")
    for index, (name, version) in enumerate(versions):
        row.paste(version.resize((width, height), Image.Resampling.LANCZOS), (index * (width + GAP), top))
        ImageDraw.Draw(row).text((index * (width + GAP), 1), name, "black")
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
