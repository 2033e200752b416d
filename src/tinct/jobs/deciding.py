"""What of a batch's list is to be done: new, changed, missing, interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tinct.jobs.items import ATTEMPT, TAKEN, TRUNCATED, name_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import Entry, Place, Trouble

FOREIGN = f"its result's name {TAKEN}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a run asks for beyond what is new."""

    retry_failed: bool = False
    """Try again what failed before."""
    verify: bool = False
    """Compare sources and results with their hashes, not with size and time alone."""
    overwrite: bool = False
    """Replace files that aren't the batch's own."""


def resume(manifest: Manifest) -> None:
    """Give back what a run that was killed had under way."""
    manifest.execute("UPDATE files SET state = 'pending', reason = 'interrupted' WHERE state = 'running'")


def next_scan(manifest: Manifest) -> int:
    """Return the number of a new scan."""
    return int(manifest.query("SELECT coalesce(max(scan), 0) + 1 AS n FROM files")[0]["n"])


def take_sources(
    manifest: Manifest, entries: Iterable[Entry | Trouble], plain: Callable[[str], str], number: int
) -> list[Trouble]:
    """Take over a listing of the sources; what isn't in it any more is marked as gone.

    Returns:
        What couldn't be listed, or isn't to be looked at yet; photographs there stay as they were.
    """
    troubles: list[Trouble] = []

    def files() -> Iterator[Entry]:
        for entry in entries:
            if isinstance(entry, Trouble):
                troubles.append(entry)
            else:
                yield entry

    manifest.scan(files(), plain, number)
    with manifest.transaction():
        for trouble in troubles:
            manifest.keep(trouble.name, number)
    manifest.execute("UPDATE files SET state = 'gone' WHERE scan <> ? AND state <> 'gone'", (number,))
    return troubles


def set_wanted(manifest: Manifest, number: int, fingerprint: Callable[[str | None, str | None], str]) -> None:
    """Note for each photograph the settings that are wanted now.

    Args:
        manifest: the list.
        number: of the scan.
        fingerprint: returns the hash of the settings for a series' colors and a review's wishes, either of them None.
    """
    kinds = manifest.query(
        "SELECT DISTINCT series.prior AS prior, override FROM files LEFT JOIN series ON series.name = files.series"
        " WHERE scan = ?",
        (number,),
    )
    with manifest.transaction():
        for kind in kinds:
            wanted = fingerprint(kind["prior"], kind["override"])
            manifest.execute(
                "UPDATE files SET wanted = ? WHERE scan = ? AND override IS ? AND wanted <> ? AND"
                " (SELECT prior FROM series WHERE series.name = files.series) IS ?",
                (wanted, number, kind["override"], wanted, kind["prior"]),
            )


def decide(manifest: Manifest, number: int, results: Place, wishes: Wishes) -> None:
    """Mark what is to be done, each with its reason."""
    _list_results(manifest, results)
    again = "UPDATE files SET state = 'pending', reason = ? WHERE scan = ? AND state = "
    there = "(SELECT 1 FROM found WHERE found.name = files.target"
    done = [
        ("settings changed", f"settings IS NOT wanted AND settings IS NOT replace(wanted, '{TRUNCATED}', '')"),
        ("source changed", "(listed_size IS NOT source_size OR listed_stamp IS NOT source_stamp)"),
        ("result missing", f"NOT EXISTS {there})"),
        ("result changed", f"NOT EXISTS {there} AND found.size IS output_size AND found.stamp IS output_stamp)"),
    ]
    if wishes.verify:
        done.append(("verify", "1"))
    for reason, condition in done:
        manifest.execute(f"{again} 'done' AND {condition}", (reason, number))
    failed = "1" if wishes.retry_failed else f"(tried IS NULL OR tried IS NOT {ATTEMPT})"
    manifest.execute(f"{again} 'failed' AND {failed}", ("failed before", number))
    if not wishes.overwrite:
        manifest.execute(
            "UPDATE files SET state = 'failed', error = ?, tried = NULL"
            # What was interrupted may have its result there; who makes it again compares the two.
            f" WHERE scan = ? AND state = 'pending' AND reason <> 'interrupted' AND EXISTS {there})"
            " AND NOT EXISTS (SELECT 1 FROM made WHERE made.name = files.target AND suffix = '')",
            (FOREIGN, number),
        )


def taken(manifest: Manifest, number: int) -> list[Trouble]:
    """Return the photographs that :func:`decide` left alone, as somebody else's files have their results' names."""
    rows = manifest.query(
        "SELECT source, error FROM files WHERE scan = ? AND state = 'failed' AND tried IS NULL ORDER BY id", (number,)
    )
    return [Trouble(name_of(row["source"]), row["error"]) for row in rows]


def left_over(manifest: Manifest) -> list[str]:
    """Return the results that are still there, of those that :func:`decide` listed, under names no longer used."""
    rows = manifest.query(
        "SELECT DISTINCT made.name AS name FROM made JOIN found ON found.name = made.name"
        " WHERE suffix = '' AND finished AND made.name NOT IN (SELECT target FROM files) ORDER BY made.name"
    )
    return [name_of(row["name"]) for row in rows]


def _list_results(manifest: Manifest, results: Place) -> None:
    manifest.execute("CREATE TEMP TABLE IF NOT EXISTS found (name PRIMARY KEY, size INTEGER, stamp TEXT)")
    manifest.execute("DELETE FROM found")
    manifest.fill("found", (entry for entry in results.pictures() if isinstance(entry, Entry)))
