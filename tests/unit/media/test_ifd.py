"""Oracle: Pillow's reader of EXIF."""

from __future__ import annotations

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tinct.media.ifd import MAKER_NOTE, BadStructure, Entry, Reader, Structure, lay_out, read_blob

entries = st.dictionaries(
    st.integers(1, 0x7000).map(lambda tag: tag + 0x1000),
    st.binary(min_size=1, max_size=40).map(lambda data: Entry(7, len(data), data)),
    max_size=6,
)


@given(entries, entries, entries, st.sampled_from("<>"))
def test_blob_round_trip(main, exif, gps, order):
    structure = Structure(order, main, exif, gps)
    found = read_blob(structure.to_blob())
    assert (found.order, found.main, found.exif, found.gps) == (order, main, exif, gps)


@given(entries, entries, st.integers(8, 600), st.integers(5, 200))
def test_maker_note_stays_where_it_was(main, exif, at, size):
    note = Entry(7, size, bytes(range(size)))
    structure = Structure("<", main, exif | {MAKER_NOTE: note}, maker_note_at=at)
    blob = structure.to_blob()
    assert blob[at : at + size] == note.data
    found = read_blob(blob)
    assert found.maker_note_at == at
    assert (found.main, found.exif) == (main, structure.exif)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(BadStructure):
        read_blob(b"II*\0" + data)


def test_pillow_reads_what_is_written():
    structure = Structure(">")
    structure.set_text(0x010E, "Ölbild")
    structure.set_short(structure.main, 0x0112, 6)
    structure.set_rational(0x011A, 300.5)
    structure.exif[0x9003] = Entry(2, 20, b"1931:05:06 01:02:03\0")
    found = Image.Exif()
    found.load(b"Exif\0\0" + structure.to_blob())
    assert found[0x0112] == 6
    assert found[0x011A] == 300.5
    assert found.get_ifd(0x8769)[0x9003] == "1931:05:06 01:02:03"
    assert structure.text(0x010E) == "Ölbild"
    assert structure.numbers(structure.main, 0x011A) == (300.5,)


def test_pillow_writes_what_is_read():
    exif = Image.Exif()
    exif[0x010F] = "Kodak"
    exif.get_ifd(0x8769)[0x9003] = "1931:05:06 01:02:03"
    exif.get_ifd(0x8769).update({0xA405: 35})
    exif.get_ifd(0x8825)[1] = "N"
    found = read_blob(exif.tobytes().removeprefix(b"Exif\0\0"))
    assert found.text(0x010F) == "Kodak"
    assert found.exif[0x9003].data == b"1931:05:06 01:02:03\0"
    assert found.numbers(found.exif, 0xA405) == (35.0,)
    assert found.gps[1].data == b"N\0"


def test_reordering_turns_numbers_and_utf16_but_not_text():
    comment = b"UNICODE\0" + "Zoë".encode("utf-16-be")
    structure = Structure(
        ">",
        {0x011A: Entry(5, 1, struct.pack(">II", 300, 1)), 0x010F: Entry(2, 6, b"Kodak\0")},
        {0x9286: Entry(7, len(comment), comment), 0xA405: Entry(3, 1, b"\0\x23")},
    )
    turned = structure.reordered("<")
    assert turned.main[0x011A].data == struct.pack("<II", 300, 1)
    assert turned.main[0x010F].data == b"Kodak\0"
    assert turned.exif[0xA405].data == b"\x23\0"
    assert turned.exif[0x9286].data == b"UNICODE\0" + "Zoë".encode("utf-16-le")
    assert turned.reordered(">").exif == structure.exif


def test_big_tiff_round_trip():
    structure = Structure("<", {0x010F: Entry(2, 12, b"twelve bytes")}, {0xA405: Entry(3, 1, b"\x23\0")})
    data, first = lay_out(structure, start=16, big=True, next_at=99)
    file = io.BytesIO(struct.pack("<2sHHHQ", b"II", 43, 8, 0, first) + data)
    reader = Reader(file)
    assert reader.big
    directory, _ = reader.directory(reader.first)
    assert directory[0x010F] == structure.main[0x010F]
    assert reader.below(directory, 0x8769)[0] == structure.exif
    assert reader.next_of(reader.first) == 99


def test_texts_in_latin1_are_read():
    structure = Structure("<", {0x010E: Entry(2, 4, b"Zo\xeb\0")})
    assert structure.text(0x010E) == "Zoë"
    assert structure.text(0x010F) is None


@pytest.mark.parametrize("data", [b"", b"II", b"XX*\0\x08\0\0\0", b"II\x07\0\x08\0\0\0", b"II*\0\xff\xff\0\0"])
def test_no_structure_is_refused(data):
    with pytest.raises(BadStructure):
        read_blob(data)


def test_loops_end():
    # The directory's EXIF pointer points at the directory itself.
    table = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 0)
    found = read_blob(b"II*\0" + struct.pack("<I", 8) + table)
    assert found.main == {}
