"""The libraries that a result's bytes depend on."""

from __future__ import annotations

from tinct.media.marking import Marking
from tinct.media.vips import version


def versions(mark: Marking) -> dict[str, str]:
    """Return the versions, by name, of the libraries that had a part in what a mark tells of."""
    found = {"libvips": version()}
    if {"dust", "scratches"} & set(mark.settings.get("restore", ())):
        import cv2

        found["opencv"] = cv2.__version__
    return found
