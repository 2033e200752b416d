from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinct.media.iptc import add_to_xmp, caption, read_records
from tinct.media.xmp import Packet


def records(*items: tuple[int, bytes]) -> bytes:
    return b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(text)) + text for number, text in items)


IPTC = records((5, b"Title"), (25, b"ship"), (25, "Fähre".encode()), (55, b"19310506"), (90, b"Oslo"), (120, b"Harbor"))


def test_reading():
    assert list(read_records(IPTC))[:3] == [(5, "Title"), (25, "ship"), (25, "Fähre")]
    assert caption(IPTC) == "Harbor"
    assert caption(records((120, b"H\xe4fen"))) == "Häfen"
    assert caption(None) is None
    assert caption(b"\x1c\x01\x5a\0\3\x1b%G" + IPTC) == "Harbor"


@given(st.binary(max_size=60))
def test_damage_ends_the_list(data):
    list(read_records(b"\x1c\x02" + data))


def test_xmp_gets_what_it_lacks():
    packet = Packet()
    packet.set_text("photoshop:City", "Bergen")
    assert add_to_xmp(packet, IPTC)
    again = Packet(packet.to_bytes())
    assert again.text("photoshop:City") == "Bergen"
    assert again.text("dc:title") == "Title"
    assert again.text("dc:description") == "Harbor"
    assert again.plain("dc:subject") == ["ship", "Fähre"]
    assert again.text("photoshop:DateCreated") == "1931-05-06"
    assert not add_to_xmp(again, IPTC)
    assert not add_to_xmp(Packet(), None)


@pytest.mark.parametrize(
    ("date", "expected"),
    [(b"19310000", "1931"), (b"19310500", "1931-05"), (b"circa 31", "circa 31"), (b"00000506", "00000506")],
)
def test_dates_that_are_known_in_part(date, expected):
    packet = Packet()
    add_to_xmp(packet, records((55, date)))
    assert packet.text("photoshop:DateCreated") == expected
