"""How often models predict rare colors: those of bins (grid 10) that hold few pixels of the originals.

    python benchmarks/bench_rare.py MODEL [MODEL ...] [--photos PHOTOS.tar|FOLDER] [--count 100] [--mode vivid]

Prints a line of JSON for the originals and each model: the share of pixels, whole photographs stretched to 256x256,
whose nearest bin is rarer than the median of the bins that occur in the originals, and rarer than the bin of their
median pixel. Half of all bins hold very few pixels, so the first share is small even for originals.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from photos import held_photos
from tinct import ColorizeOptions, Colorizer
from tinct.evaluation import auc
from tinct.evaluation.protocol import open_dataset, read_original, to_lab


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--photos", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, default=100, help="draw this many photographs")
    parser.add_argument("--mode", choices=["faithful", "vivid"], default="vivid")
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    originals = [read_original(item.source, "stretch256") for item in open_dataset(options.photos, options.count).items]
    counts = np.sum([auc.count_colors(original.bins) for original in originals], axis=0)
    descending = np.sort(counts)[::-1]
    common = descending[np.searchsorted(np.cumsum(descending), counts.sum() / 2)]
    limits = {"rarer than the median bin": np.median(counts[counts > 0]), "rarer than the median pixel's": common}

    def show(model: str, found: auc.Counts) -> None:
        shares = {name: round(float(found[counts < limit].sum() / found.sum()), 6) for name, limit in limits.items()}
        print(json.dumps({"model": model, "photos": len(originals), **shares}), flush=True)

    show("originals", counts)
    for name in options.models:
        colorizer, made = Colorizer(name), np.zeros_like(counts)
        for original in originals:
            photo = colorizer.colorize(original.levels, ColorizeOptions(mode=options.mode)).photo
            made += auc.count_colors(auc.nearest_bins(to_lab(photo.to_numpy())[..., 1:]))
        show(name, made)


if __name__ == "__main__":
    main()
