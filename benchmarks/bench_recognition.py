"""Whether colors help a classifier to recognize what a photograph shows (semantic interpretability, Zhang 2016, 4.2).

    python benchmarks/bench_recognition.py [MODEL ...] [--photos PHOTOS.tar|FOLDER] [--count 400] [--judge lite1]

Of the photographs named by an ImageNet id, whole, stretched to 256x256: the share that EfficientNet-Lite1, which takes
part in no training here, recognizes in gray, in each mode of each model, and as they are; and the share of the gap from
gray to original that the colors regain. Prints a line of JSON for each, with the standard error of its share.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos import held_photos
from tinct import ColorizeOptions, Colorizer
from tinct.color.figures import Pixels
from tinct.evaluation.features import Lite, class_of
from tinct.evaluation.protocol import open_dataset, read_original

MODES = ("faithful", "vivid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["default"], metavar="MODEL")
    parser.add_argument("--photos", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, default=400, help="draw this many photographs")
    parser.add_argument("--judge", default="lite1", choices=["lite0", "lite1", "lite2"])
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    items = [
        item for item in open_dataset(options.photos, options.count).items if class_of(item.source.name) is not None
    ]
    if not items:
        raise SystemExit(
            f"no photograph of {options.photos} is named by an ImageNet id, such as n01443537_goldfish.jpg"
        )
    wanted = np.array([class_of(item.source.name) for item in items])
    originals = [read_original(item.source, "stretch256") for item in items]
    judge = Lite(options.judge)

    def recognized(pictures: list[Pixels]) -> NDArray[np.bool_]:
        return np.array(judge.look(pictures)[1] == wanted)

    true = recognized([original.rgb for original in originals])
    gray = recognized([np.repeat(original.levels[..., np.newaxis], 3, axis=2) for original in originals])
    show("original", true)
    show("gray", gray)
    for name in options.models:
        colorizer = Colorizer(name)
        for mode in MODES if colorizer.spec.modes else MODES[-1:]:
            wishes = ColorizeOptions(mode=mode)
            found = recognized([colorizer.colorize(original.levels, wishes).photo.to_numpy() for original in originals])
            gap = float(true.mean() - gray.mean())
            regained = round(float(found.mean() - gray.mean()) / gap, 2) if gap > 0 else None
            show(f"{name}, {mode}", found, regained=regained)


def show(name: str, recognized: NDArray[np.bool_], **more: float | None) -> None:
    share, count = float(recognized.mean()), len(recognized)
    error = (share * (1 - share) / count) ** 0.5
    print(json.dumps({"colors": name, "photos": count, "top1": round(share, 4), "error": round(error, 4), **more}))


if __name__ == "__main__":
    main()
