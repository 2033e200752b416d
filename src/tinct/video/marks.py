"""The mark of a film: an XMP packet like a photograph's, and a comment for players, in the container's metadata.

Matroska and WebM hold the packet as a tag named XMP; MP4 and QuickTime in a box of type ``uuid`` at the end of the file
(XMP part 3, storage in MPEG-4).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import tinct
from tinct.media.marking import SENTENCE, Found, Marking, mark_xmp, read_mark
from tinct.media.xmp import Packet
from tinct.video.film import opened

BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Which ``uuid`` box holds XMP."""
TAG = "XMP"
"""Name of Matroska's tag."""


def make_mark(
    *,
    model: str,
    model_hash: str,
    source_hash: str,
    settings: dict[str, Any],
    output: dict[str, Any],
) -> Marking:
    """Return what a film says of its making; see :class:`~tinct.media.marking.Marking`."""
    return Marking(
        software="Tinct",
        version=tinct.__version__,
        model=model,
        model_hash=model_hash,
        source_hash=source_hash,
        settings=settings,
        hinted="hints" in settings.get("film", {}),
        output=output,
    )


def packet_of(metadata: dict[str, str]) -> bytes | None:
    """Return the XMP packet among a container's metadata."""
    found = next((value for key, value in metadata.items() if key.lower() == "xmp"), None)
    return None if found is None else found.encode()


def marked(metadata: dict[str, str], mark: Marking) -> tuple[dict[str, str], bytes]:
    """Return a source's metadata with the mark, and the XMP packet that belongs to them."""
    # Matroska gives names in capitals.
    names = {key.lower(): key for key in metadata}
    kept = {key: value for key, value in metadata.items() if key.lower() != "xmp"}
    packet = Packet(packet_of(metadata))
    mark_xmp(packet, mark, kept.get(names.get("description", "")))
    comment = kept.pop(names.get("comment", ""), "")
    if SENTENCE not in comment:
        comment = f"{comment.rstrip()} {SENTENCE} ({mark.tool}, model {mark.model}).".strip()
    return kept | {"comment": comment}, packet.to_bytes()


def append_box(file: Path, packet: bytes) -> None:
    """Put an XMP packet at the end of an MP4 or QuickTime file."""
    with file.open("ab") as stream:
        stream.write(struct.pack(">I4s", 8 + len(BOX) + len(packet), b"uuid") + BOX + packet)


def read_film_mark(file: Path) -> Found | None:
    """Read how a film's colors were made; None where it doesn't say.

    Raises:
        UnreadableVideo: it is no film.
    """
    with opened(file) as container:
        return read_mark(packet_of(dict(container.metadata)))
