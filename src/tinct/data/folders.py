"""The files below a folder, as a data set has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

RUN_RECORD, RUN_TABLES, RUN_PICTURES = "run.json", {"losses.csv", "validation.csv"}, {"curves.png", "sheets"}
"""What tells the folder of a training run, and the pictures that a run makes there."""


def walk(top: Path) -> Iterator[Path]:
    """Yield the files below a folder, also those in linked folders; each folder is entered once.

    Hidden files and folders are left out, and so are the pictures that training runs made in folders of theirs.
    """
    entered: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(top, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        made = RUN_PICTURES if RUN_RECORD in files and not RUN_TABLES.isdisjoint(files) else set()
        # A folder that is there itself goes before a link to it.
        folders[:] = sorted(
            (name for name in folders if not name.startswith(".") and name not in made),
            key=lambda name: (os.path.islink(os.path.join(place, name)), name),
        )
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and name not in made and path.is_file():
                yield path
