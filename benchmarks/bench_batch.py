"""What a batch costs beyond model and codecs; prints a line of JSON and adds it to history.jsonl.

    python benchmarks/bench_batch.py [--count 60] [--jobs 2] [--model NAME] [--rounds 3]

Photographs of a megapixel go from JPEG to JPEG. *Bare* is what nobody can leave out: decode, network, the colors put
onto the photograph's own lightness at full size, encode, one photograph after the other in one thread, with a network
that uses all cores; nothing is looked up, hashed, listed, flushed or reported. The bar: a batch has at least 85 % of
that throughput. Both are measured in turns, and the best of the rounds counts. Other work on the machine counts against
the figures: let it be idle. Processor seconds count the same on a busy one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from bench_speed import textured
from history import note
from tinct.inference.backends import Backend, load_backend
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.jobs.batch import Job, Summary, opened
from tinct.jobs.engines import Threads
from tinct.jobs.items import Outcome
from tinct.jobs.recipe import Recipe
from tinct.jobs.report import write_report
from tinct.media.photo import read_photo


class Silent:
    """Says nothing of a batch, and ends where a photograph fails."""

    def begin(self, total: int) -> None:
        """See tinct.jobs.batch.Observer."""

    def add(self, outcome: Outcome) -> None:
        """See tinct.jobs.batch.Observer."""
        if outcome.state != "done":
            raise SystemExit(outcome.error)

    def say(self, text: str) -> None:
        """See tinct.jobs.batch.Observer."""

    def stopping(self) -> None:
        """See tinct.jobs.batch.Observer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--model", default="default")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    backend = load_backend(options.model, "cpu")
    with tempfile.TemporaryDirectory(prefix="tinct-bench-") as name:
        folder = Path(name)
        source = folder / "in"
        source.mkdir()
        for index in range(options.count):
            textured(1152, 868, seed=index).jpegsave(str(source / f"{index:04}.jpg"), Q=88)
        bare_seconds = batch_seconds = bare_work = batch_work = 1e9
        summary = Summary()
        for _ in range(options.rounds):
            started = time.process_time()
            bare_seconds = min(bare_seconds, bare(source, folder, backend))
            bare_work = min(bare_work, time.process_time() - started)
            started = time.process_time()
            seconds, summary = batch(source, folder, backend, options.jobs)
            batch_work = min(batch_work, time.process_time() - started)
            batch_seconds = min(batch_seconds, seconds)
    spent = sum(summary.parts.values())
    note(
        {
            "part": "batch",
            "photos": options.count,
            "jobs": options.jobs,
            "load": round(os.getloadavg()[0], 1),
            "bare, photos/s": round(options.count / bare_seconds, 2),
            "batch, photos/s": round(options.count / batch_seconds, 2),
            "share of bare, at least 0.85": round(bare_seconds / batch_seconds, 2),
            "processor seconds a photo, bare and batch": [
                round(work / options.count, 3) for work in (bare_work, batch_work)
            ],
            "where the threads' time goes": {
                part: round(seconds / spent, 3) for part, seconds in sorted(summary.parts.items())
            },
        }
    )


def bare(source: Path, folder: Path, backend: Backend) -> float:
    """Return the seconds that model and codecs take by themselves."""
    colorizer, target = Colorizer(backend), folder / "bare.jpg"
    started = time.perf_counter()
    for path in sorted(source.iterdir()):
        result = colorizer.colorize(read_photo(path), ColorizeOptions())
        result.photo.open().jpegsave(str(target), Q=92)
    return time.perf_counter() - started


def batch(source: Path, folder: Path, backend: Backend, jobs: int) -> tuple[float, Summary]:
    """Return the seconds of a whole batch, listing and report included, and what it says of itself."""
    target = folder / "out"
    shutil.rmtree(target, ignore_errors=True)
    started = time.perf_counter()
    engine = Threads(backend, jobs)
    with opened(Job(str(source), str(target), Recipe()), backend, Silent()) as opened_batch:
        summary = opened_batch.prepare(engine)
        opened_batch.run(engine, summary)
        write_report(opened_batch.manifest, target / "_tinct")
    return time.perf_counter() - started, summary


if __name__ == "__main__":
    main()
