"""IPTC records (IIM), and their counterparts in XMP for formats that have no place for them.

Sources: IPTC Photo Metadata Standard 2025.1, "IIM/XMP mapping"; for the date of digitization, the Metadata Working
Group's guidelines 2.0.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tinct.media.xmp import Packet

_GENRE, _SUBJECT, _CAPTION = 4, 12, 120
_TEXTS = {
    _GENRE: "Iptc4xmpCore:IntellectualGenre",
    10: "photoshop:Urgency",
    15: "photoshop:Category",
    40: "photoshop:Instructions",
    55: "photoshop:DateCreated",
    62: "xmp:CreateDate",
    85: "photoshop:AuthorsPosition",
    90: "photoshop:City",
    92: "Iptc4xmpCore:Location",
    95: "photoshop:State",
    100: "Iptc4xmpCore:CountryCode",
    101: "photoshop:Country",
    103: "photoshop:TransmissionReference",
    105: "photoshop:Headline",
    110: "photoshop:Credit",
    115: "photoshop:Source",
    122: "photoshop:CaptionWriter",
}
_TIMES = {55: 60, 62: 63}  # of which day each is
_LANGUAGES = {5: "dc:title", 116: "dc:rights", _CAPTION: "dc:description"}
_LISTS = {
    _SUBJECT: ("Iptc4xmpCore:SubjectCode", "rdf:Bag"),
    20: ("photoshop:SupplementalCategories", "rdf:Bag"),
    25: ("dc:subject", "rdf:Bag"),
    80: ("dc:creator", "rdf:Seq"),
}
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(?:([+-]\d\d)(\d\d))?")
_GENRE_NUMBER = re.compile(r"\d{3}:")
_SUBJECT_CODE = re.compile(r"[^:]*:(\d{8})(?::.*)?", re.DOTALL)


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
    found = _values(iptc)
    added = False
    for number, name in (_TEXTS | _LANGUAGES).items():
        if found[number] and packet.text(name) is None:
            put = packet.set_default_language if number in _LANGUAGES else packet.set_text
            put(name, found[number][0])
            added = True
    for number, (name, kind) in _LISTS.items():
        there = packet.plain(name) or []
        known = there if isinstance(there, list) else [there]
        values = [text for text in found[number] if text not in known]
        if values:
            packet.set_list(name, kind, [*map(str, known), *dict.fromkeys(values)])
            added = True
    return added


def _values(iptc: bytes | None) -> defaultdict[int, list[str]]:
    """Return the texts of each data set, as XMP has them."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for number, text in read_records(iptc):
        if text:
            found[number].append(text)
    for day, time in _TIMES.items():
        found[day] = [_date(text, next(iter(found[time]), "")) for text in found[day]]
    found[_GENRE] = [_GENRE_NUMBER.sub("", text, count=1) for text in found[_GENRE]]
    codes = (_SUBJECT_CODE.fullmatch(text) for text in found[_SUBJECT])
    found[_SUBJECT] = [code[1] for code in codes if code]
    return found


def _date(text: str, time: str) -> str:
    """Turn IPTC's CCYYMMDD and HHMMSS±HHMM into XMP's CCYY-MM-DDTHH:MM:SS±HH:MM.

    Parts of the day that aren't known are zeros, and are left out; so is a time that is none, or of no known day.
    """
    if len(text) != 8 or not text.isdigit():
        return text
    parts = (text[:4], text[4:6], text[6:])
    known = [part for part in parts if int(part)]
    if known != list(parts[: len(known)]):
        return text
    clock = _TIME.fullmatch(time)
    day = "-".join(known)
    if clock is None or len(known) < len(parts):
        return day
    return f"{day}T{clock[1]}:{clock[2]}:{clock[3]}" + (f"{clock[4]}:{clock[5]}" if clock[4] else "")
