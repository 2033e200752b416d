"""The libraries that a result's bytes depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinct.media.containers.jp2 import codec
from tinct.media.formats import JP2
from tinct.media.vips import version


def versions(form: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions, by name, of the libraries that have a part in a result's bytes.

    Args:
        form: name of the format that it is written in.
        settings: as a mark holds them.
    """
    found = {"libvips": version()}
    if {"dust", "scratches"} & set(settings.get("restore", ())):
        import cv2

        found["opencv"] = cv2.__version__
    if form == JP2.name:
        found["openjpeg"] = codec("writing").jpeg2k_version().rpartition(" ")[2]
    return found
