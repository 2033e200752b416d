"""Small pictures of a photograph before and after, for the report and the review."""

from __future__ import annotations

from tinct.media.picture import Photo
from tinct.media.vips import reading

HEIGHT, WIDTH = 160, 220
"""Each half is at most this large, in pixels."""
QUALITY = 75
PREVIEW = 1600
"""Longest side of a preview."""


def thumbnail(before: Photo, after: Photo) -> bytes:
    """Return a JPEG with both pictures side by side.

    Raises:
        PhotoError: one can't be read.
    """
    halves = [photo.small(HEIGHT, WIDTH) for photo in (before, after)]
    with reading(after.name):
        data: bytes = halves[0].join(halves[1], "horizontal").jpegsave_buffer(Q=QUALITY, keep="none")
    return data


def preview(photo: Photo) -> bytes:
    """Return a JPEG of a picture for a browser, at most :data:`PREVIEW` pixels a side.

    Raises:
        PhotoError: it can't be read.
    """
    with reading(photo.name):
        data: bytes = photo.small(PREVIEW, PREVIEW).jpegsave_buffer(Q=90, keep="none")
    return data
