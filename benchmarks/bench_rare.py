"""How often models predict rare colors: those rarer than the median bin of the originals.

    python benchmarks/bench_rare.py MODEL [MODEL ...] [--photos PHOTOS.tar|FOLDER] [--count 100] [--mode vivid]

Prints a line of JSON for each model: the share of pixels, whole photographs stretched to 256x256, whose nearest bin
(grid 10) holds fewer pixels of the originals than the median of the bins that occur in them; and that of the originals.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from tinct import ColorizeOptions, Colorizer
from tinct.evaluation import auc
from tinct.evaluation.protocol import open_dataset, read_original, to_lab

DEFAULT = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "photos" / "val.tar"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--photos", type=Path, default=DEFAULT)
    parser.add_argument("--count", type=int, default=100, help="draw this many photographs")
    parser.add_argument("--mode", choices=["faithful", "vivid"], default="vivid")
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    originals = [read_original(item.source, "stretch256") for item in open_dataset(options.photos, options.count).items]
    counts = np.sum([auc.count_colors(original.bins) for original in originals], axis=0)
    rare = counts < np.median(counts[counts > 0])
    print(json.dumps({"model": "originals", "photos": len(originals), "share of rare colors": share(counts, rare)}))
    for name in options.models:
        colorizer, made = Colorizer(name), np.zeros_like(counts)
        for original in originals:
            photo = colorizer.colorize(original.levels, ColorizeOptions(mode=options.mode)).photo
            made += auc.count_colors(auc.nearest_bins(to_lab(photo.to_numpy())[..., 1:]))
        print(json.dumps({"model": name, "share of rare colors": share(made, rare)}), flush=True)


def share(counts: auc.Counts, rare: np.ndarray) -> float:
    """Return the share of pixels in rare bins, to six places."""
    return round(float(counts[rare].sum() / counts.sum()), 6)


if __name__ == "__main__":
    main()
