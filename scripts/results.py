"""Write docs/results.md from what ``tinct evaluate --json`` wrote.

    python scripts/results.py FIGURES.json [FIGURES.json ...]

Files of one data set and protocol belong together: their baselines are the same, and are shown once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tinct.evaluation.catalog import BY_KEY
from tinct.evaluation.output import readable

TARGET = Path(__file__).resolve().parent.parent / "docs" / "results.md"
SHOWN = (
    "psnr ssim ms_ssim ciede2000 auc auc_rebalanced colorfulness dcf bleeding kid_efficientnet_lite0 semantic_top1"
    " milliseconds parameters gmacs peak_memory_mb"
).split()
HEAD = """# Results

Written by `python scripts/results.py` from what `tinct evaluate --json` measured; [the figures](reference/figures.md)
says what each one is. Intervals are of 95 %, by bootstrap over photographs. Figures of one table are comparable with
each other, and with any report of the same protocol and manifest.
"""


def main(files: list[str]) -> None:
    """Write the page."""
    found = [json.loads(Path(file).read_text("utf-8")) for file in files]
    sets: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in found:
        for data in one["data"]:
            sets.setdefault((data["name"], one["protocol"], data["manifest_sha256"]), []).append(one)
    parts = [HEAD]
    for (name, protocol, manifest), same in sets.items():
        data = next(data for data in same[0]["data"] if data["name"] == name)
        parts.append(
            f"## {name}, {protocol}\n\n{data['measured']} photographs, {data['near_gray']} near gray left out. "
            f"Manifest `{manifest}`. Tinct {same[0]['tinct']}.\n"
        )
        parts.append("\n".join(_table(name, same)) + "\n")
        curve = [point | {"mode": one["mode"]} for one in same for point in one["hint_curve"] if point["data"] == name]
        if curve:
            parts.append("\n".join(_curve(curve)) + "\n")
    TARGET.write_text("\n".join(parts), "utf-8")


def _table(data: str, found: list[dict[str, Any]]) -> list[str]:
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        for row in one["rows"]:
            if row["data"] == data:
                rows.setdefault(row["name"] if row["baseline"] else f"`{row['name']}`, {one['mode']}", row)
    keys = [key for key in SHOWN if any(isinstance(row.get(key), float) for row in rows.values())]
    titles = [f"{BY_KEY[key].title}{', ' * bool(BY_KEY[key].unit)}{BY_KEY[key].unit}" for key in keys]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(keys) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join(_cell(row, key) for key in keys)} |")
    return lines


def _cell(row: dict[str, Any], key: str) -> str:
    value, interval = row.get(key), row.get(f"{key}_ci95")
    if not isinstance(value, float):
        return ""
    ends = "" if interval is None else " ({} to {})".format(*(readable(BY_KEY[key], end) for end in interval))
    return readable(BY_KEY[key], value) + ends


def _curve(points: list[dict[str, Any]]) -> list[str]:
    counts = sorted({point["hints"] for point in points})
    lines = ["PSNR in dB over the number of hints:", "", f"| | {' | '.join(map(str, counts))} |"]
    lines.append("|---" * (len(counts) + 1) + "|")
    for name, mode, placement in dict.fromkeys((p["name"], p["mode"], p["protocol"]) for p in points):
        values = {
            p["hints"]: p["psnr"] for p in points if (p["name"], p["mode"], p["protocol"]) == (name, mode, placement)
        }
        lines.append(f"| `{name}`, {mode}, {placement} | {' | '.join(f'{values[count]:.2f}' for count in counts)} |")
    return lines


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
