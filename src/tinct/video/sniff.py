"""Telling a film from a picture by its first bytes, without the libraries that read films."""

from __future__ import annotations

from pathlib import Path

from tinct.errors import UnreadablePhoto
from tinct.media.formats import sniff

HEAD = 64


def is_film(file: Path) -> bool:
    """Tell whether a file is a film of a container that Tinct writes: MP4, QuickTime, Matroska or WebM."""
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError:
        return False
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return True
    if head[4:8] != b"ftyp":
        return False
    try:
        sniff(head, str(file))  # the same container holds pictures
    except UnreadablePhoto:
        return True
    return False
