"""Bring the tables of docs/results.md up to date: what ``tinct evaluate --json`` wrote, how shipped models were made.

    python scripts/results.py FIGURES.json [FIGURES.json ...]

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; NAME is ``DATA, PROTOCOL`` of an evaluation, such
as ``val.tar, stretch256``, or ``trained`` for how the models in the package were made. Files of one data set and
protocol share a table: their baselines are the same, and are shown once. A table without a place is an error.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tinct.evaluation.catalog import BY_KEY
from tinct.evaluation.output import readable
from tinct.inference.backends import read_spec
from tinct.weights import store

TARGET = Path(__file__).resolve().parent.parent / "docs" / "results.md"
SHOWN = (
    "mse psnr ssim ms_ssim ciede2000 auc auc_rebalanced colorfulness dcf bleeding kid_efficientnet_lite0 semantic_top1"
    " milliseconds parameters gmacs peak_memory_mb"
).split()


def main(files: list[str]) -> None:
    """Fill in the page."""
    found = [json.loads(Path(file).read_text("utf-8")) for file in files]
    sets: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in found:
        for data in one["data"]:
            sets.setdefault((data["name"], one["protocol"], data["manifest_sha256"]), []).append(one)
    page = fill(TARGET.read_text("utf-8"), "trained", _trained())
    for (name, protocol, manifest), same in sets.items():
        data = next(data for data in same[0]["data"] if data["name"] == name)
        about = f"{data['measured']} photographs, {data['near_gray']} near gray left out. Manifest `{manifest[:16]}`."
        lines = [about, "", *_table(name, same)]
        curve = [point | {"mode": one["mode"]} for one in same for point in one["hint_curve"] if point["data"] == name]
        page = fill(page, f"{name}, {protocol}", [*lines, *(["", *_curve(curve)] if curve else [])])
    TARGET.write_text(page, "utf-8")


def fill(page: str, name: str, lines: list[str]) -> str:
    """Put lines between a table's marks."""
    marks = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marks.search(page):
        sys.exit(f"the page has no place for the table {name!r}; write <!-- table: {name} --> and <!-- end --> there")
    return marks.sub(lambda match: "\n".join([match[1], *lines, "", match[2]]), page, count=1)


def head(first: list[str], keys: list[str]) -> list[str]:
    """Return the two lines above a table's rows: some columns by name, then figures by their titles and units."""
    titles = [f"{BY_KEY[key].title}{', ' * bool(BY_KEY[key].unit)}{BY_KEY[key].unit}" for key in keys]
    return [f"| {' | '.join([*first, *titles])} |", "|---" * (len(first) + len(keys)) + "|"]


def _trained() -> list[str]:
    lines = ["| model | parameters | MB | photos seen | hours |", "|---|---|---|---|---|"]
    for path in sorted(store.SHIPPED.glob(f"*{store.SUFFIX}")):
        made, spec = store.facts(path).get("trained", {}), read_spec(path)
        size = path.stat().st_size / 1e6
        lines.append(
            f"| [`{path.stem}`](../src/tinct/weights/default/{path.stem}.md) | {spec.parameters:,} | {size:.1f} "
            f"| {made.get('seen', 0):,} | {made.get('hours', 0):.2f} |"
        )
    return lines


def _table(data: str, found: list[dict[str, Any]]) -> list[str]:
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        for row in one["rows"]:
            if row["data"] == data:
                rows.setdefault(row["name"] if row["baseline"] else f"`{row['name']}`, {one['mode']}", row)
    keys = [key for key in SHOWN if any(isinstance(row.get(key), float) for row in rows.values())]
    lines = head([""], keys)
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
