"""IPTC records (IIM), and their counterparts in XMP for formats that have no place for them.

Source: IPTC Photo Metadata Standard 2025.1, "IIM/XMP mapping".
"""

from __future__ import annotations

from collections.abc import Iterator

from tinct.media.xmp import Packet

_CAPTION, _DATE = 120, 55
_TEXTS = {
    40: "photoshop:Instructions",
    _DATE: "photoshop:DateCreated",
    85: "photoshop:AuthorsPosition",
    90: "photoshop:City",
    95: "photoshop:State",
    101: "photoshop:Country",
    103: "photoshop:TransmissionReference",
    105: "photoshop:Headline",
    110: "photoshop:Credit",
    115: "photoshop:Source",
    122: "photoshop:CaptionWriter",
}
_LANGUAGES = {5: "dc:title", 116: "dc:rights", _CAPTION: "dc:description"}
_LISTS = {25: ("dc:subject", "rdf:Bag"), 80: ("dc:creator", "rdf:Seq")}


def read_records(iptc: bytes | None) -> Iterator[tuple[int, str]]:
    """Yield number and text of each data set of the application record; stops where the records are damaged."""
    data, at = iptc or b"", 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        record, number = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        value = data[at + 5 : at + 5 + size]
        at += 5 + size
        if size >= 0x8000:  # an extended length; no text is that long
            return
        if record == 2:
            try:
                yield number, value.decode().strip("\0 ")
            except UnicodeDecodeError:
                yield number, value.decode("latin-1").strip("\0 ")


def caption(iptc: bytes | None) -> str | None:
    """Return the caption, None where there is none."""
    return next((text for number, text in read_records(iptc) if number == _CAPTION and text), None)


def add_to_xmp(packet: Packet, iptc: bytes | None) -> bool:
    """Write IPTC into an XMP packet, where that doesn't say the same thing already; tell whether anything was added."""
    records = [(number, text) for number, text in read_records(iptc) if text]
    added = False
    for number, text in records:
        name = _TEXTS.get(number) or _LANGUAGES.get(number)
        if name is None or packet.text(name) is not None:
            continue
        added = True
        if number in _LANGUAGES:
            packet.set_default_language(name, text)
        else:
            packet.set_text(name, _date(text) if number == _DATE else text)
    for number, (name, kind) in _LISTS.items():
        there = packet.plain(name) or []
        known = there if isinstance(there, list) else [there]
        values = [text for found, text in records if found == number and text not in known]
        if values:
            packet.set_list(name, kind, [*map(str, known), *dict.fromkeys(values)])
            added = True
    return added


def _date(text: str) -> str:
    """Turn IPTC's CCYYMMDD into XMP's CCYY-MM-DD; parts that aren't known are zeros, and are left out."""
    if len(text) != 8 or not text.isdigit():
        return text
    parts = (text[:4], text[4:6], text[6:])
    known = [part for part in parts if int(part)]
    return "-".join(known) if known == list(parts[: len(known)]) else text
