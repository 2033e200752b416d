"""Folders, walked for pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tinct.jobs.naming import OWN, is_picture


def walk(folder: str, recursive: bool, avoid: Iterable[Path] = ()) -> Iterator[tuple[str, bool, str | None]]:
    """Yield pictures, and folders not looked into, as (path, is a folder, what is wrong with it); sorted by name.

    Hidden files don't count, nor does the folder in which a batch keeps its own files.

    Args:
        folder: where to look.
        recursive: look into subfolders too; links are followed, each folder is visited once.
        avoid: folders that aren't looked into, nor what is in them; those around ``folder`` don't count.
    """
    root = os.path.realpath(folder)
    avoided = [path for path in map(os.path.realpath, avoid) if not Path(root).is_relative_to(path)]
    visited = {root}
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield current, True, f"the folder can't be read: {error.strerror or error}"
            continue
        folders: list[str] = []
        for entry in entries:
            if entry.name.startswith(".") or entry.name == OWN:
                continue
            path = os.path.join(current, entry.name)
            if os.path.isdir(path):
                real = os.path.realpath(path)
                if not recursive:
                    yield path, True, None
                elif real not in visited and not any(Path(real).is_relative_to(path) for path in avoided):
                    visited.add(real)
                    folders.append(path)
            elif is_picture(entry.name):
                yield path, False, None
        waiting.extend(reversed(folders))
