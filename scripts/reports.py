"""Write a report of every shipped model, in each of its modes, into docs/reports.

    python scripts/reports.py PHOTOS [--count N] [--model NAME ...] [--hint-curve]

PHOTOS is a folder or tar of color photographs, such as ``val.tar``. What rights others have in them doesn't matter: the
reports show none of them, but pictures that scikit-image ships and that anybody may pass on. Each is
``docs/reports/NAME-MODE.html`` and ``.json``; the table of ``docs/reports/README.md`` is made of the latter, so a model
can be done by itself. What was measured is kept in the user's cache folder: started again, it goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import skimage.data

from results import fill, head
from tinct.evaluation.catalog import BY_KEY
from tinct.evaluation.output import readable
from tinct.inference.backends import read_spec
from tinct.settings import load_settings
from tinct.weights import store

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reports"
PAGE = FOLDER / "README.md"
PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
"""Of scikit-image; NASA's and SpaceX's are in the public domain, the others CC0."""
SHOWN = "psnr ssim ciede2000 auc auc_rebalanced colorfulness semantic_top1 milliseconds".split()
LARGEST = 2_000_000
"""Bytes of a report."""


def main() -> None:
    """Do what is at the top."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, help="draw this many photographs")
    parser.add_argument("--model", action="append", help="a shipped model; all where not given")
    parser.add_argument("--hint-curve", action="store_true", help="measure PSNR over hints of models that take them")
    options = parser.parse_args()
    shipped = {path.stem: path for path in sorted(store.SHIPPED.glob(f"*{store.SUFFIX}"))}
    unknown = set(options.model or ()) - set(shipped)
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))}: not shipped; choose from {', '.join(shipped)}")
    FOLDER.mkdir(exist_ok=True)
    kept = load_settings().cache_folder() / "reports"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tinct-reports-") as place:
        for name in PICTURES:
            found = next(Path(skimage.data.__file__).parent.glob(f"{name}.*g"))
            (Path(place) / found.name).write_bytes(found.read_bytes())
        for name in options.model or shipped:
            spec = read_spec(shipped[name])
            for mode in spec.modes or ("vivid",):
                target = FOLDER / (f"{name}-{mode}.html" if spec.modes else f"{name}.html")
                words = ["--data", options.photos, "--model", name, "--mode", mode, "--report", target]
                words += ["--report-photos", place, "--json", target.with_suffix(".json"), "--quiet"]
                words += ["--store", kept / f"{target.stem}.measured"]
                words += ["--count", options.count] if options.count else []
                words += ["--hint-curve"] if options.hint_curve and spec.takes_hints else []
                print(f"{name}, {mode}", flush=True)
                subprocess.run([sys.executable, "-m", "tinct", "evaluate", *map(str, words)], check=True)
                shorten(target.with_suffix(".json"))
                if target.stat().st_size > LARGEST:
                    sys.exit(f"{target} has {target.stat().st_size:,} bytes, more than {LARGEST:,}")
    list_reports()


def shorten(path: Path) -> None:
    """Leave the list of photographs out, whose hash stays: names of others' files are not ours to publish."""
    found = json.loads(path.read_text("utf-8"))
    del found["manifest"]
    for row in found["rows"]:
        del row["faults"]
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def list_reports() -> None:
    """Make the page's table anew."""
    lines = head(["report", "data"], SHOWN)
    for path in sorted(FOLDER.glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        for row in found["rows"]:
            if not row["baseline"]:
                about = f"{row['data']}, {found['protocol']}, {row['photos']} photographs"
                cells = " | ".join(_cell(row, key) for key in SHOWN)
                lines.append(f"| [{path.stem}]({path.stem}.html) | {about} | {cells} |")
    PAGE.write_text(fill(PAGE.read_text("utf-8"), "reports", lines), "utf-8")


def _cell(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return readable(BY_KEY[key], value) if isinstance(value, float) else ""


if __name__ == "__main__":
    main()
