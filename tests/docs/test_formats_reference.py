"""The table of formats says what the formats are declared to be."""

from __future__ import annotations

from pathlib import Path

from tinct.media.formats import FORMATS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]


def table(first: str) -> list[list[str]]:
    """Return the rows of the table whose head begins with a cell."""
    start = next(number for number, row in enumerate(ROWS) if row[0] == first)
    columns = len(ROWS[start])
    rows = []
    for row in ROWS[start + 2 :]:
        if len(row) != columns or row[0] == "":
            break
        rows.append(row)
    return rows


def test_reading_and_writing() -> None:
    rows = {row[0].lower(): row[1:] for row in table("format")}
    assert set(rows) == {form.name for form in FORMATS}
    for form in FORMATS:
        read, written, bits, transparency, quality, _ = rows[form.name]
        assert read != "no"
        assert (written == "no") == (form.saver is None), form.name
        assert form.saver is None or max(map(int, bits.split(","))) == form.depth, form.name
        assert (transparency == "kept") == form.alpha, form.name
        assert quality.isdigit() == (form.quality is not None), form.name
        assert form.quality is None or int(quality) == form.quality, form.name


def test_every_written_format_has_a_column_for_what_is_kept() -> None:
    head = next(row for row in ROWS if row[0] == "" and "JPEG" in row)
    assert {cell.lower() for cell in head[1:]} == {form.name for form in FORMATS if form.saver}
    iptc = dict(zip(head[1:], next(row for row in ROWS if row[0] == "IPTC")[1:], strict=True))
    assert {name.lower() for name, cell in iptc.items() if cell.startswith("kept")} == {
        form.name for form in FORMATS if form.iptc
    }
