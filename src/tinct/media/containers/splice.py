"""A target for libvips' savers that puts metadata into the stream where the format wants it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinct.media.vips import vips


def save_spliced(
    image: Any, path: Path, operation: str, *, head: int, splice: Callable[[bytes], bytes], **options: Any
) -> None:
    """Write an image in one pass, changing the beginning of the file.

    Args:
        image: ``pyvips.Image``.
        path: file to write.
        operation: libvips' saver, with the ending ``_target``.
        head: how many bytes the beginning has.
        splice: turns the beginning, at least ``head`` bytes, into what is written in its place.
        options: for the saver.

    Raises:
        OSError: the file can't be written.
        pyvips.Error: the pixels can't be computed or encoded.
    """
    failures: list[OSError] = []
    waiting = bytearray()
    passed = False

    with path.open("wb") as file:

        def write(chunk: bytes) -> int:
            nonlocal passed
            data = bytes(chunk)
            if not passed:
                waiting.extend(data)
                if len(waiting) < head:
                    return len(data)
                passed = True
                written = splice(bytes(waiting))
            else:
                written = data
            # An exception can't cross libvips, so it waits outside.
            try:
                file.write(written)
            except OSError as error:
                failures.append(error)
                return -1
            return len(data)

        target = vips().TargetCustom()
        target.on_write(write)
        try:
            vips().Operation.call(operation, image, target, **options)
        except vips().Error:
            if failures:
                raise failures[0] from None
            raise
