from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tinct.errors import StoreError
from tinct.jobs import deciding
from tinct.jobs.deciding import Wishes
from tinct.jobs.items import SELECT, Item, Made, Outcome, item_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import Entry, Folder, Trouble
from tinct.jobs.report import write_report
from tinct.jobs.staging import take_notes, write_note


def entry(name: str, size: int = 10, stamp: str = "1") -> Entry:
    return Entry(name, size, stamp)


def same(name: str) -> str:
    return name


def done(item: Item, **changes: object) -> Outcome:
    made = Outcome(
        item.id,
        item.source,
        item.target,
        "done",
        settings=item.wanted,
        origin=Entry(item.source, item.size, item.stamp),
        source_hash="aa",
        output=Entry(item.target, 5, "9"),
        output_hash="bb",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Listed(Folder):
    """A folder whose listing is given."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = entries

    def pictures(self) -> Iterator[Entry | Trouble]:
        yield from self.entries


def scan(manifest: Manifest, *entries: Entry | Trouble, wanted: str = "w", results: tuple[Entry, ...] = ()) -> int:
    number = deciding.next_scan(manifest)
    deciding.take_sources(manifest, entries, same, number)
    deciding.set_wanted(manifest, number, lambda prior, override: f"{wanted}{override or ''}")
    deciding.decide(manifest, number, Listed(*results), Wishes())
    return number


def states(manifest: Manifest) -> dict[str, tuple[str, str]]:
    return {row["source"]: (row["state"], row["reason"]) for row in manifest.query("SELECT * FROM files")}


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    made = Manifest(tmp_path / "m.sqlite")
    yield made
    made.close()


def test_what_is_to_be_done(manifest: Manifest) -> None:
    there = {name: entry(name) for name in "abcdef"}
    number = scan(manifest, *there.values())
    for item in manifest.claim(number):
        manifest.finish(done(item) if item.source != "f" else Outcome(item.id, "f", "f", "failed", error="broken"))
    results = {name: Entry(name, 5, "9") for name in "abcde"}
    scan(manifest, *there.values(), results=tuple(results.values()))
    assert {state for state, _ in states(manifest).values()} == {"done", "failed"}
    there["a"] = entry("a", stamp="2")
    del there["b"], results["c"]
    results["d"] = Entry("d", 5, "other")
    scan(manifest, *there.values(), results=tuple(results.values()))
    assert states(manifest) == {
        "a": ("pending", "source changed"),
        "b": ("gone", ""),
        "c": ("pending", "result missing"),
        "d": ("pending", "result changed"),
        "e": ("done", ""),
        "f": ("failed", "new"),
    }
    scan(manifest, *there.values(), entry("b"), wanted="v", results=tuple(results.values()))
    assert states(manifest)["b"] == ("pending", "back")
    assert states(manifest)["e"] == ("pending", "settings changed")
    assert states(manifest)["f"] == ("pending", "failed before")


def test_only_those_with_settings_of_their_own_want_others(manifest: Manifest) -> None:
    scan(manifest, entry("a"), entry("b"))
    manifest.execute("UPDATE files SET override = '{}' WHERE source = 'b'")
    scan(manifest, entry("a"), entry("b"))
    assert [row["wanted"] for row in manifest.query("SELECT wanted FROM files ORDER BY id")] == ["w", "w{}"]


def test_a_killed_run_leaves_work_whose_noted_result_may_be_replaced(manifest: Manifest, tmp_path: Path) -> None:
    number = scan(manifest, entry("a"), entry("b"), entry("c"))
    claimed = manifest.claim(number)
    a, c = next(claimed), [*claimed][1]
    assert (a.source, c.source) == ("a", "c")
    manifest.execute("UPDATE files SET state = 'pending' WHERE source = 'b'")
    write_note(tmp_path, a.id, {"": "aa", ".xmp": "bb"})
    take_notes(manifest, tmp_path)
    deciding.resume(manifest)
    number = scan(manifest, entry("a"), entry("b"), entry("c"), results=(entry("a"), entry("b"), entry("c")))
    assert states(manifest)["b"][0] == "failed"  # somebody else's file
    a, c = manifest.claim(number)
    assert (a.made, a.beside) == (Made(frozenset({"aa"})), Made(frozenset({"bb"})))
    assert (c.source, c.made) == ("c", Made())  # nobody knows yet whose file is there; the worker compares it


def test_the_list_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    manifest = Manifest(path)
    for item in manifest.claim(scan(manifest, entry("a"))):
        manifest.finish(done(item))
    manifest.execute("DROP TABLE made")
    manifest.execute("PRAGMA user_version = 1")
    manifest.close()
    for opened in (Manifest.copy(path), Manifest(path)):
        [row] = opened.query(f"{SELECT} WHERE id = 1")
        assert item_of(row).made == Made(frozenset({"bb"}), finished=True)
        opened.close()


def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(manifest: Manifest) -> None:
    scan(manifest, entry("x/a"), entry("x/y/b"), entry("x2/c"), entry("d"))
    scan(manifest, Trouble("x", "no right to read"), entry("d"))
    assert {name for name, (state, _) in states(manifest).items() if state == "gone"} == {"x2/c"}
    scan(manifest, Trouble("", "out of reach"))
    assert states(manifest)["x/a"][0] == "pending"


def test_names_that_are_no_unicode(manifest: Manifest) -> None:
    name = "\udcff/\udcfe.jpg"
    number = scan(manifest, entry(name), entry("plain.jpg"))
    items = list(manifest.claim(number))
    assert [item.source for item in items] == [name, "plain.jpg"]
    manifest.finish(done(items[0]))
    scan(manifest, entry(name), Trouble("plain.jpg", ""), results=(Entry(name, 5, "9"),))
    assert sorted(state for state, _ in states(manifest).values()) == ["done", "running"]


def test_fifty_thousand_files_take_time_in_proportion(tmp_path: Path) -> None:
    def listing(count: int) -> Iterator[Entry]:
        return (entry(f"{number // 500}/{number}.jpg") for number in range(count))

    seconds = {}
    for count in (5_000, 50_000):
        manifest = Manifest(tmp_path / f"{count}.sqlite")
        started = time.process_time()
        number = scan(manifest, *listing(count))
        number = scan(manifest, *listing(count))
        seconds[count] = time.process_time() - started
        assert manifest.counts(number) == {"pending": count, "gone": 0}
        if count == 50_000:
            claimed = manifest.claim(number)
            for _ in range(300):
                manifest.finish(done(next(claimed)))
            claimed.close()
            write_report(manifest, tmp_path, str(tmp_path))
            assert len(list(tmp_path.glob("index*.html"))) == 250
            assert len((tmp_path / "report.csv").read_text().splitlines()) == count + 1
        manifest.close()
    # Ten times as many may take a little more than ten times as long; a quadratic step would take a hundred times.
    assert seconds[50_000] < 25 * seconds[5_000] + 1


def test_a_copy_beside_a_run_at_work(manifest: Manifest, tmp_path: Path) -> None:
    [item] = manifest.claim(scan(manifest, entry("a")))
    for state in ("running", "done"):
        copy = Manifest.copy(tmp_path / "m.sqlite")
        assert states(copy)["a"][0] == state
        deciding.resume(copy)
        copy.close()
        assert states(manifest)["a"][0] == state
        manifest.finish(done(item))


def test_a_newer_or_damaged_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    for opened in (Manifest, Manifest.copy):
        with pytest.raises(StoreError, match="newer version"):
            opened(path)
    path.write_bytes(b"no database at all, but long enough for a header " * 50)
    for opened in (Manifest, Manifest.copy):
        with pytest.raises(StoreError, match="can't be used"):
            opened(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="can't be looked at"):
        Manifest.copy(path)
