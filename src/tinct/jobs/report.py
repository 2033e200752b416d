"""What became of a batch, for people and spreadsheets: a CSV, and HTML pages with pictures before and after."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from tinct.errors import StoreError, StoreFull
from tinct.jobs.items import Outcome, name_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import full, is_full, local_path
from tinct.media.atomic import scratch_beside

INDEX, TABLE = "index.html", "report.csv"
PAGE = 200
"""Photographs on a page."""
COLUMNS = (
    "source",
    "target",
    "state",
    "error",
    "notes",
    "review",
    "attempts",
    "seconds",
    "source_sha256",
    "output_sha256",
    "settings",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATES = (("done", "done"), ("failed", "failed"), ("pending", "left to do"), ("gone", "gone from the source"))

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 1500px; padding: 1.2rem;
    color: #222; background: #fafafa }
  h1 { font-size: 1.4rem; margin: 0 0 .4rem } p { margin: .3rem 0 }
  nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .2rem .7rem } nav b, a { color: #14508c }
  ul { list-style: none; padding: 0; display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)) }
  li { background: #fff; border: 1px solid #ddd; border-radius: 6px; padding: .5rem; overflow-wrap: anywhere; min-width: 0 }
  li img { display: block; max-width: 100%; height: 160px; object-fit: contain; margin: 0 auto .4rem; background: #eee }
  .none { height: 160px; display: grid; place-items: center; background: #eee; color: #666; margin-bottom: .4rem }
  .failed { border-color: #c33 } .error { color: #a11 } .note { color: #666; font-size: .9em }
</style>
<h1>$title</h1>
<p>$summary</p>
<p>From $source to $target. <a href="report.csv">report.csv</a> lists all of them.$failures</p>
<nav>$pages</nav>
<ul>
$items
</ul>
<nav>$pages</nav>
</html>
""")  # noqa: E501 - one line a rule


def thumbnail_path(folder: Path, id: int, output_hash: str) -> Path:
    """Return where the small picture of a photograph's result is, those of at most a thousand photographs to a folder.

    Args:
        folder: of the batch's own files.
        id: of the photograph.
        output_hash: SHA-256 of the result, in hex, so that no other result's picture is ever taken for it.
    """
    return folder / "thumbs" / f"{id // 1000:04}" / f"{id}-{output_hash[:16]}.jpg"


def keep_thumbnail(folder: Path, outcome: Outcome) -> None:
    """Write the small picture of a new result, where it has one, and take away those of former results.

    An OSError says that it can't be written.
    """
    assert outcome.output_hash is not None
    path = thumbnail_path(folder, outcome.id, outcome.output_hash)
    for former in path.parent.glob(f"{outcome.id}-*.jpg"):
        former.unlink(missing_ok=True)
    if outcome.thumbnail is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(outcome.thumbnail)


def write_report(manifest: Manifest, folder: Path, target: str) -> Path:
    """Write the CSV and the pages anew, and return the first page.

    Args:
        manifest: the list.
        folder: of the batch's own files; takes the report.
        target: folder or address of the results.

    Raises:
        StoreFull: no space is left.
        StoreError: they can't be written.
    """
    try:
        _write_table(manifest, folder / TABLE)
        failures = _write_pages(manifest, folder, target, "failures", "WHERE state = 'failed'", "")
        link = f' <a href="failures.html">{failures} failed</a>.' if failures else ""
        _write_pages(manifest, folder, target, "index", "", link)
    except OSError as error:
        if is_full(error):
            raise StoreFull(full(folder)) from error
        raise StoreError(f"the report can't be written into {folder} ({error.strerror or error})") from error
    return folder / INDEX


def _write_table(manifest: Manifest, path: Path) -> None:
    # With a byte order mark, without which spreadsheets take the names for those of an older encoding.
    with _whole(path) as scratch, scratch.open("w", newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for rows in _pages(manifest, ""):
            for row in rows:
                seconds = "" if row["seconds"] is None else round(row["seconds"], 3)
                notes = "; ".join(json.loads(row["notes"]))
                table.writerow(
                    [
                        _cell(name_of(row["source"])),
                        _cell(name_of(row["target"])),
                        row["state"],
                        _cell(row["error"] or ""),
                        _cell(notes),
                        row["review"],
                        row["attempts"],
                        seconds,
                        row["source_hash"] or "",
                        row["output_hash"] or "",
                        row["settings"] or "",
                    ]
                )


def _cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before what one begins with."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_pages(manifest: Manifest, folder: Path, target: str, stem: str, condition: str, failures: str) -> int:
    """Write the pages of some photographs, take away those of an earlier report, and return how many there are."""
    results = local_path(target)
    beside = results is not None and results.resolve() == folder.parent.resolve()
    total = int(manifest.query(f"SELECT COUNT(*) AS n FROM files {condition}")[0]["n"])
    count = max(1, -(-total // PAGE))
    states = {row["state"]: row["n"] for row in manifest.query("SELECT state, COUNT(*) AS n FROM files GROUP BY state")}
    summary = ", ".join(f"{states[state]:,} {label}" for state, label in _STATES if states.get(state))
    for number, rows in enumerate(_pages(manifest, condition) if total else [[]], start=1):
        text = _PAGE.substitute(
            title="Failed photographs" if stem == "failures" else "Colorized photographs",
            summary=html.escape(summary or "no photographs"),
            source=_escape(manifest.facts().get("source", "")),
            target=_escape(target if results is None else str(results.resolve())),
            failures=failures if stem == "index" else ' <a href="index.html">All photographs</a>.',
            pages="".join(_link(stem, page, number) for page in _near(number, count)) if count > 1 else "",
            items="\n".join(_item(row, folder, beside) for row in rows),
        )
        with _whole(folder / _page_name(stem, number)) as path:
            path.write_text(text, "utf-8", errors="replace")
    _remove_pages(folder, stem, count)
    return total


def _remove_pages(folder: Path, stem: str, count: int) -> None:
    """Take away the pages after ``count``, up to the first number that is missing: later ones are somebody else's."""
    former: list[Path] = []
    while (path := folder / _page_name(stem, count + len(former) + 1)).is_file():
        former.append(path)
    for path in reversed(former):  # so that a kill leaves no gap
        path.unlink()


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give the path of a file that takes the place of ``path`` when the block ends; that stays when the block raises.

    Nothing waits for the disk, as for results: after a power cut the report can be written anew.
    """
    with scratch_beside(path) as scratch:
        yield scratch
        scratch.replace(path)


def _pages(manifest: Manifest, condition: str) -> Iterator[list[Any]]:
    last = 0
    place = f"{condition} AND id > ?" if condition else "WHERE id > ?"
    while rows := manifest.query(f"SELECT * FROM files {place} ORDER BY id LIMIT {PAGE}", (last,)):
        last = rows[-1]["id"]
        yield rows


def _page_name(stem: str, number: int) -> str:
    return f"{stem}.html" if number == 1 else f"{stem}-{number}.html"


def _near(number: int, count: int) -> list[int]:
    """Return the pages to link to: the first and last, those around, and steps between."""
    step = max(1, count // 10)
    wanted = {1, count, *range(number - 3, number + 4), *range(step, count, step)}
    return sorted(page for page in wanted if 1 <= page <= count)


def _link(stem: str, page: int, current: int) -> str:
    return f"<b>{page}</b>" if page == current else f'<a href="{_page_name(stem, page)}">{page}</a>'


def _item(row: Any, folder: Path, beside: bool) -> str:
    """Return a photograph's part of a page; ``beside`` tells whether the results lie around the batch's own files."""
    name, state = _escape(name_of(row["source"])), row["state"]
    path = thumbnail_path(folder, row["id"], row["output_hash"] or "")
    if state == "done" and path.exists():
        picture = f'<img src="{quote(path.relative_to(folder).as_posix())}" alt="before and after" loading="lazy">'
    else:
        picture = f'<div class="none">{_escape(dict(_STATES).get(state, state))}</div>'
    if state == "done" and beside:
        result = name_of(row["target"])
        picture = f'<a href="../{quote(result, errors="surrogateescape")}">{picture}</a>'
    lines = [f'<p class="error">{_escape(row["error"])}</p>'] if row["error"] else []
    lines += [f'<p class="note">{_escape(note)}</p>' for note in json.loads(row["notes"])]
    lines += [f'<p class="note">{_escape(row["review"])}</p>'] if row["review"] else []
    return f'<li class="{state}">{picture}{name}{"".join(lines)}</li>'


def _escape(text: str) -> str:
    return html.escape(text.encode(errors="replace").decode())
