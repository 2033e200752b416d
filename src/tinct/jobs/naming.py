"""What counts as a photograph, and what its result is called."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

from tinct.media.formats import FORMATS, Format

RESULT = ".color"
"""What the stem of a result ends with where it lies beside its original."""
CONFIDENCE = ".confidence"
"""What the stem of a photograph's confidence map ends with in a folder."""
OWN = "_tinct"
"""Folder below a batch's results with the batch's own files: manifest, report, thumbnails."""
SUFFIXES = frozenset(suffix for format in FORMATS for suffix in format.suffixes)
"""What is taken for a photograph in a folder; a file that is named is tried whatever its suffix."""
_MADE = re.compile(rf"({re.escape(RESULT)}(-[0-9]+)?|{re.escape(CONFIDENCE)})$")


def is_picture(name: str) -> bool:
    """Whether a file's name ends like that of a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def is_result(name: str) -> bool:
    """Whether a file's name is that of a result beside its original, a variant's or a confidence map's."""
    return _MADE.search(os.path.splitext(name)[0]) is not None


def original_stem(stem: str) -> str:
    """Return the stem of what a result was made from; that of any other file as it is.

    >>> original_stem("photo.color-2")
    'photo'
    """
    return _MADE.sub("", stem)


def result_suffix(name: str, form: Format) -> str:
    """Return the ending of a result of a format: its input's where that is one of the format's.

    >>> from tinct.media.formats import JPEG
    >>> result_suffix("photo.JPEG", JPEG), result_suffix("photo.heic", JPEG)
    ('.JPEG', '.jpg')
    """
    suffix = os.path.splitext(name)[1]
    return suffix if suffix.lower() in form.suffixes else form.suffixes[0]


def folded(name: str) -> str:
    """Return what is equal for two names that some file system may take for one: case and Unicode form are dropped.

    >>> folded("Caf\\u00e9.JPG") == folded("cafe\\u0301.jpg")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def distinct(name: str, source: str) -> str:
    """Return another name for a result whose own is taken; it depends on the source's name alone.

    >>> distinct("album/one.jpg", "album/one.tif")
    'album/one~d2f950.jpg'
    """
    stem, suffix = os.path.splitext(name)
    return f"{stem}~{hashlib.sha256(os.fsencode(source)).hexdigest()[:6]}{suffix}"
