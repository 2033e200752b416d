"""Many users at once: each sends photographs of one megapixel to a server on this machine and waits for their colors.

    python benchmarks/bench_load.py [--users 50] [--seconds 60] [--model NAME]

Prints a line of JSON and adds it to history.jsonl: requests, errors (being told to come back later, 429, is none),
the median and 95 % of the times of answers, and the memory of the server and all its processes in the first and the
last third. Fails where there is an error, or the memory grew by more than a tenth.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

import psutil
import pyvips

from history import note

HERE = Path(__file__).resolve().parent
GROWTH = 1.1
"""Most that the memory may grow by."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--model", default="default")
    parser.add_argument("--no-history", action="store_true", help="print the figures only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tinct-load-") as place:
        folder = Path(place)
        figures = measure(folder, options.users, options.seconds, options.model)
    if options.no_history:
        print(json.dumps(figures))
    else:
        note({"part": "load", **figures})
    return 0 if figures["errors"] == 0 and figures["memory growth"] <= GROWTH else 1


def measure(folder: Path, users: int, seconds: int, model: str) -> dict[str, float]:
    """Run server and users, and return what was measured."""
    photo = folder / "photo.jpg"
    grain = pyvips.Image.gaussnoise(1200, 840, sigma=12) + pyvips.Image.perlin(1200, 840, cell_size=128) * 90 + 128
    grain.cast("uchar").jpegsave(str(photo), Q=85)
    memory: list[float] = []
    with serving(folder, model) as (process, address):
        over = threading.Event()
        watcher = threading.Thread(target=watch, args=(process, memory, over))
        watcher.start()
        try:
            load(folder, photo, address, users, seconds)
        finally:
            over.set()
            watcher.join()
    rows = {row["Name"]: row for row in csv.DictReader((folder / "load_stats.csv").open(encoding="utf-8"))}
    done, refused = rows["colorize"], rows.get("refused", {"Request Count": "0"})
    third = max(1, len(memory) // 3)
    # All processes are there, and warm, after the first quarter.
    first, last = mean(memory[third // 2 : third + third // 2]), mean(memory[-third:])
    return {
        "users": users,
        "seconds": seconds,
        "answered": int(done["Request Count"]) - int(done["Failure Count"]),
        "errors": int(rows["Aggregated"]["Failure Count"]),
        "refused (429)": int(refused["Request Count"]),
        "median s": float(done["50%"]) / 1000,
        "p95 s": float(done["95%"]) / 1000,
        "memory MB": round(last),
        "memory growth": round(last / first, 3),
    }


@contextmanager
def serving(folder: Path, model: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server."""
    environment = {**os.environ, "TINCT_MODEL": model, "TINCT_REQUESTS": "1000000", "TINCT_TOKEN": ""}
    command = [sys.executable, "-m", "tinct", "serve", "--port", "0", "--data-dir", str(folder / "data")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+", process.stderr.readline())
        if found is None:
            raise SystemExit("the server didn't start")
        yield process, found[0]
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def load(folder: Path, photo: Path, address: str, users: int, seconds: int) -> None:
    """Let the users come, ten a second."""
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "load.py"), "--headless", "--only-summary"]
    command += ["--host", address, "-u", str(users), "-r", "10", "-t", f"{seconds}s", "--stop-timeout", "600"]
    command += ["--csv", str(folder / "load"), "--exit-code-on-error", "0", "--loglevel", "WARNING"]
    environment = {**os.environ, "TINCT_BENCH_PHOTO": str(photo)}
    subprocess.run(command, check=True, env=environment, cwd=folder, stdout=sys.stderr)


def watch(process: subprocess.Popen[str], memory: list[float], over: threading.Event) -> None:
    """Note the memory of a process and all that it started, in MB, each half second."""
    server = psutil.Process(process.pid)
    while not over.wait(0.5):
        total = 0
        for one in [server, *server.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue  # it has just ended
        memory.append(total / 1e6)


if __name__ == "__main__":
    sys.exit(main())
