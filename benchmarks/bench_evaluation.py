"""What measuring costs beside colorizing: all figures of ``tinct evaluate`` in at most 4 times the time.

    python benchmarks/bench_evaluation.py [PHOTOS.tar|FOLDER] [--count 200]

Both commands run once over the same photographs, as JPEG files; processor seconds count the same on a busy machine,
wall seconds don't. Prints a line of JSON and adds it to history.jsonl.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from history import note
from photos import held_photos, read_photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    with tempfile.TemporaryDirectory(prefix="tinct-bench-") as name:
        given, made = Path(name) / "in", Path(name) / "out"
        given.mkdir()
        for number, (_, picture) in enumerate(read_photos(options.photos, options.count)):
            picture.save(given / f"{number:05}.jpg", quality=92)
        colorizing = measure("colorize", given, "-o", made, "-q")
        evaluating = measure("evaluate", "--data", given, "--json", Path(name) / "figures.json", "-q")
    note(
        {
            "part": "evaluation",
            "photos": options.count,
            "colorize, wall and processor seconds": colorizing,
            "evaluate, wall and processor seconds": evaluating,
            "times as long, at most 4": round(evaluating[0] / colorizing[0], 2),
            "times the processor seconds": round(evaluating[1] / colorizing[1], 2),
        }
    )


def measure(*arguments: object) -> tuple[float, float]:
    """Run the command; return its wall and processor seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "tinct", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(wall, 1), round(spent, 1)


if __name__ == "__main__":
    main()
