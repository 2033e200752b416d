"""How good the colors are, source by source; prints a line of JSON for all photographs and for each source of them.

    python benchmarks/bench_quality.py [PHOTOS.tar|FOLDER] [--count 300] [--model NAME] [--mode faithful] [--hints]

The figures are those of ``tinct evaluate`` (docs/reference/figures.md) at 256x256; a photograph's source is the first
part of its name. With --hints the two hint curves follow.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from photos import held_photos
from tinct.evaluation.request import Request
from tinct.evaluation.runner import evaluate
from tinct.evaluation.statistics import mean_intervals

FIGURES = ("psnr", "colorfulness", "lightness_error", "auc", "auc_rebalanced")
EACH = FIGURES[:3]
"""That single photographs have."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, help="draw this many photographs")
    parser.add_argument("--model", default="default")
    parser.add_argument("--mode", default="faithful")
    parser.add_argument("--hints", action="store_true", help="with the hint curves, which take most of the time")
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    request = Request(
        data=(options.photos,),
        models=(options.model,),
        mode=options.mode,
        count=options.count,
        metrics=FIGURES,
        hint_curve=options.hints,
    )
    with evaluate(request) as (evaluation, _):
        rows = {row.name: row for row in evaluation.rows}
        gray, model, original = rows["gray"], rows[options.model], rows["original"]
        sources = np.array([name.partition("/")[0] for name in model.names])
        for source in ("all", *sorted(set(sources))):
            chosen = np.ones(len(sources), np.bool_) if source == "all" else sources == source
            values = {row.name: {key: np.array(row.per_photo[key])[chosen] for key in EACH} for row in rows.values()}
            gains = values[model.name]["psnr"] - values["gray"]["psnr"]
            line: dict[str, object] = {"source": source, "mode": options.mode, "photos": int(chosen.sum())}
            line |= {key: round(float(values[model.name][key].mean()), 3) for key in EACH}
            line["gain over gray"] = round(float(gains.mean()), 3)
            line["its 95 % interval"] = [round(end, 3) for end in mean_intervals(gains[:, np.newaxis])[0]]
            share = values[model.name]["colorfulness"].mean() / values[original.name]["colorfulness"].mean()
            line["share of the originals' colorfulness"] = round(float(share), 3)
            if source == "all":
                areas = {key: [row.figures[key] for row in (gray, model)] for key in FIGURES[3:]}
                line |= {f"{key}, gray and model": [round(float(v), 3) for v in pair] for key, pair in areas.items()}
            print(json.dumps(line), flush=True)
        for point in evaluation.curve:
            print(json.dumps(point), flush=True)


if __name__ == "__main__":
    main()
