"""Works out what a batch of many photographs costs; prints the tables of docs/explanation/scale.md.

    python scripts/scale.py [--work 0.21] [--sync 0.0007]

The defaults are what the page says was measured; give your own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields

PHOTOS = 10_000_000
WORKERS = (1, 16, 256)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tables are worked out from; seconds, bytes, MiB."""

    work: float = 0.21
    """Processor seconds of a worker for one photograph."""
    note: float = 0.0007
    """Processor seconds of the first machine to hand a photograph out and note it."""
    dispatch: float = 0.001
    """Likewise for Ray's part."""
    sync: float = 0.0007
    """Seconds that the disk of the manifest takes for a flush."""
    flushes: int = 2
    """A photograph."""
    listing: float = 0.000034
    """Processor seconds a photograph of listing and comparing, before the first one is begun."""
    page: float = 0.1
    """Seconds of a request that lists up to 1,000 objects."""
    fetched: int = 300_000
    """Bytes of a photograph."""
    published: int = 400_000
    """Bytes of a result."""
    answer: int = 10_000
    """Bytes of a worker's answer, nearly all of them the picture for the report."""
    row: int = 763
    """Bytes of the manifest a photograph."""
    report: int = 288 + 100
    """Bytes of CSV and pages a photograph."""
    worker_memory: int = 350
    """MiB of a worker."""
    base_memory: int = 550
    """MiB of Ray's own processes on a machine."""

    @property
    def most(self) -> float:
        """Photographs a second that the first machine can note: one writer, one thread."""
        return 1 / (self.note + self.dispatch + self.flushes * self.sync)


def table(measured: Measured | None = None) -> list[str]:
    """Return the lines of the table, one column for each number of workers."""
    given = measured or Measured()
    rows: dict[str, list[str]] = {
        "photographs a second": [],
        "... that the first machine can note": [],
        "hours": [],
        "core-hours": [],
        "memory of all workers": [],
        "network, MB a second": [],
        "S3 requests a second (GET and HEAD / PUT)": [],
    }
    for workers in WORKERS:
        wanted = workers / given.work
        rate = min(wanted, given.most)
        hours = PHOTOS / rate / 3600
        rows["photographs a second"].append(f"{wanted:,.0f}")
        rows["... that the first machine can note"].append(f"{given.most:,.0f}")
        rows["hours"].append(f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}")
        rows["core-hours"].append(f"{PHOTOS * given.work / 3600:,.0f}")
        rows["memory of all workers"].append(f"{workers * given.worker_memory / 1024:,.1f} GiB")
        rows["network, MB a second"].append(f"{rate * (given.fetched + given.published) / 1e6:,.1f}")
        rows["S3 requests a second (GET and HEAD / PUT)"].append(f"{5 * rate:,.0f} / {rate:,.0f}")
    head = "| | " + " | ".join(f"{workers} worker{'s' * (workers > 1)}" for workers in WORKERS) + " |"
    return [head, "|---|" + "---:|" * len(WORKERS), *(f"| {name} | {' | '.join(row)} |" for name, row in rows.items())]


def sizes(measured: Measured | None = None) -> list[str]:
    """Return what doesn't depend on the number of workers, a line each."""
    given = measured or Measured()
    listing = PHOTOS * given.listing / 60
    pages = PHOTOS / 1000 * given.page / 60
    terabytes, gigabytes = PHOTOS / 1e12, PHOTOS / 1e9
    return [
        f"- Photographs {terabytes * given.fetched:.0f} TB, results {terabytes * given.published:.0f} TB.",
        f"- Manifest {gigabytes * given.row:.1f} GB; CSV and pages {gigabytes * given.report:.1f} GB.",
        f"- Pictures for the report {gigabytes * given.answer:.0f} GB, a file each; none with `--no-thumbnails`.",
        f"- Before the first photograph {listing:.0f} minutes to note names, {pages:.0f} to list a bucket.",
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Measured):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    given = Measured(**vars(parser.parse_args()))
    print("\n".join([*table(given), "", *sizes(given)]))


if __name__ == "__main__":
    main()
