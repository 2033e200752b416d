"""What a batch costs beyond model and codecs; prints lines of JSON and adds them to history.jsonl.

    python benchmarks/bench_batch.py [--count 60] [--jobs 2] [--model NAME] [--rounds 3] [--ray]

Photographs of a megapixel go from JPEG to JPEG. *Bare* is what nobody can leave out: decode, network, the colors put
onto the photograph's own lightness at full size, encode, one photograph after the other in one thread, with a network
that uses all cores; nothing is looked up, hashed, listed, flushed or reported. The bar: a batch has at least 85 % of
that throughput. Both are measured in turns, and the best of the rounds counts. Other work on the machine counts against
the figures by the clock: let it be idle. Processor seconds, of all threads, count nearly the same on a busy one; what
each part takes of them is found with one photograph after the other.

With ``--ray``, as many workers of a local Ray cluster in place of the threads too, once they are started: the bar is at
most 15 % more than the threads take. Their processor seconds are those of all processes of Ray.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from bench_speed import textured
from history import note
from tinct.inference.backends import Backend, load_backend
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.jobs import worker
from tinct.jobs.batch import Job, opened
from tinct.jobs.cluster import Cluster
from tinct.jobs.crew import Crew
from tinct.jobs.engines import Engine, Threads
from tinct.jobs.items import Outcome
from tinct.jobs.recipe import Recipe
from tinct.jobs.report import write_report
from tinct.jobs.summary import Summary
from tinct.media.photo import read_photo


class Silent:
    """Says nothing of a batch, and ends where a photograph fails."""

    def begin(self, total: int) -> None:
        """See tinct.jobs.summary.Observer."""

    def add(self, outcome: Outcome) -> None:
        """See tinct.jobs.summary.Observer."""
        if outcome.state != "done":
            raise SystemExit(outcome.error)

    def say(self, text: str) -> None:
        """See tinct.jobs.summary.Observer."""

    def complain(self, text: str) -> None:
        """See tinct.jobs.summary.Observer."""

    def stopping(self) -> None:
        """See tinct.jobs.summary.Observer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--model", default="default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    backend = load_backend(options.model, "cpu")
    with tempfile.TemporaryDirectory(prefix="tinct-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        source = folder / "in"
        source.mkdir()
        for index in range(options.count):
            textured(1152, 868, seed=index).jpegsave(str(source / f"{index:04}.jpg"), Q=88)
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda: bare(source, folder, backend),
            "batch": lambda: batch(source, folder, backend, Threads(backend, options.jobs)),
        }
        if options.ray:
            crew = stack.enter_context(Crew(None, options.jobs, print))
            far = Cluster(crew, backend)
            batch(source, folder, backend, far)  # the workers start, and load the model
            ways["ray"] = lambda: batch(source, folder, backend, far)
        best = dict.fromkeys(ways, (1000000000.0, 1000000000.0))
        for _ in range(options.rounds):
            for way, work in ways.items():
                found = timed(work)
                best[way] = min(best[way][0], found[0]), min(best[way][1], found[1])
        worker.CLOCK = time.process_time
        parts = batch(source, folder, backend, Threads(backend, 1)).parts
    walls, works = ({way: pair[at] / options.count for way, pair in best.items()} for at in (0, 1))
    figures: dict[str, object] = {
        "part": "batch",
        "photos": options.count,
        "jobs": options.jobs,
        "photos/s": {way: round(1 / seconds, 2) for way, seconds in walls.items()},
        "processor seconds a photo": {way: round(seconds, 4) for way, seconds in works.items()},
        "batch, share of bare, at least 0.85": round(walls["bare"] / walls["batch"], 3),
        "likewise by processor seconds": round(works["bare"] / works["batch"], 3),
        "processor seconds a photo by part": {
            part: round(seconds / options.count, 4) for part, seconds in sorted(parts.items())
        },
    }
    if options.ray:
        figures["ray, times of threads, at most 1.15"] = round(walls["ray"] / walls["batch"], 3)
        figures["ray, likewise by processor seconds"] = round(works["ray"] / works["batch"], 3)
    note(figures)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds by the clock, and those of the processors for this process and all below it."""
    before, started = spent(), time.perf_counter()
    work()
    return time.perf_counter() - started, spent() - before


def spent() -> float:
    """Return the processor seconds of this process and all that it started, and that still run."""
    total = time.process_time()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def bare(source: Path, folder: Path, backend: Backend) -> None:
    """Do what model and codecs take by themselves."""
    colorizer, target = Colorizer(backend), folder / "bare.jpg"
    for path in sorted(source.iterdir()):
        result = colorizer.colorize(read_photo(path), ColorizeOptions())
        result.photo.open().jpegsave(str(target), Q=92)


def batch(source: Path, folder: Path, backend: Backend, engine: Engine) -> Summary:
    """Do a whole batch, listing and report included, and return what it says of itself."""
    target = folder / "out"
    shutil.rmtree(target, ignore_errors=True)
    with opened(Job(str(source), str(target), Recipe()), backend, Silent()) as opened_batch:
        summary = opened_batch.prepare(engine)
        opened_batch.run(engine, summary)
        if summary.halt is not None:
            raise SystemExit(summary.halt)
        write_report(opened_batch.manifest, target / "_tinct", str(target))
    return summary


if __name__ == "__main__":
    main()
