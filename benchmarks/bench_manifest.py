"""What a batch's list costs by its length; prints a line of JSON a length and adds it to history.jsonl.

    python benchmarks/bench_manifest.py [--counts 50000 1000000]

Photographs are names alone here, 500 to a folder; nothing is colorized. Measured are the first listing, a later one
that finds nothing changed (with the comparison with as many results), handing out and noting a photograph on its own,
which waits for the disk each time, the report without pictures, the size of the file, and the most memory it took.
Seconds are those of the processor but where it says wall.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from history import note
from tinct.jobs import deciding
from tinct.jobs.deciding import Wishes
from tinct.jobs.items import Item, Outcome
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import Entry, Folder, Trouble
from tinct.jobs.report import write_report

NOTED = 500
"""Photographs handed out and noted one by one; each waits for the disk."""


class Listed(Folder):
    """A folder of as many results, one for each photograph."""

    def __init__(self, count: int) -> None:
        super().__init__(Path())
        self._count = count

    def pictures(self) -> Iterator[Entry | Trouble]:
        """See tinct.jobs.places.Place."""
        for number in range(self._count):
            yield Entry(name(number), 250_000, str(number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[50_000, 1_000_000])
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory(prefix="tinct-bench-") as folder:
            measure(count, Path(folder))


def measure(count: int, folder: Path) -> None:
    manifest = Manifest(folder / "manifest.sqlite")
    seconds: dict[str, float] = {}

    @contextmanager
    def clock(part: str, times: int = 1) -> Iterator[None]:
        started, wall = time.process_time(), time.perf_counter()
        yield
        seconds[part] = round((time.process_time() - started) / times, 6)
        seconds[f"{part}, wall"] = round((time.perf_counter() - wall) / times, 6)

    def scan(results: int) -> int:
        number = deciding.next_scan(manifest)
        listing = (Entry(name(at), 250_000, str(1_700_000_000_000_000_000 + at)) for at in range(count))
        deciding.take_sources(manifest, listing, lambda source: source, number)
        deciding.set_wanted(manifest, number, lambda _prior, _override: "0" * 64)
        deciding.decide(manifest, number, Listed(results), Wishes())
        return number

    with clock("first listing"):
        number = scan(0)
    claimed = manifest.claim(number)
    with clock("one photograph, handed out and noted", NOTED):
        for _ in range(NOTED):
            manifest.finish(done(next(claimed)))
    claimed.close()
    # The rest at once, as if each had been noted.
    manifest.execute(
        "UPDATE files SET state = 'done', settings = wanted, source_size = listed_size,"
        " source_stamp = listed_stamp, source_hash = printf('%064d', id), output_hash = printf('%064d', id),"
        " output_size = 250000, output_stamp = CAST(id - 1 AS TEXT), seconds = 0.5"
    )
    with clock("later listing, nothing changed"):
        number = scan(count)
    assert manifest.counts(number).get("done") == count, manifest.counts(number)
    with clock("report without pictures"):
        write_report(manifest, folder, str(folder))
    manifest.close()
    size = (folder / "manifest.sqlite").stat().st_size
    pages = sum(path.stat().st_size for path in folder.glob("*.html"))
    note(
        {
            "part": "manifest",
            "photos": count,
            "load": round(os.getloadavg()[0], 1),
            **seconds,
            "bytes a photo, manifest": round(size / count),
            "bytes a photo, report.csv": round((folder / "report.csv").stat().st_size / count),
            "bytes a photo, pages": round(pages / count),
            "most memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    )


def name(number: int) -> str:
    return f"collection/box-{number // 500:05}/scan-{number:08}.jpg"


def done(item: Item) -> Outcome:
    return Outcome(
        item.id,
        item.source,
        item.target,
        "done",
        settings=item.wanted,
        seconds=0.5,
        origin=Entry(item.source, item.size, item.stamp),
        source_hash=f"{item.id:064}",
        output=Entry(item.target, 250_000, str(item.id - 1)),
        output_hash=f"{item.id:064}",
    )


if __name__ == "__main__":
    main()
