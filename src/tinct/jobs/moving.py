"""Photographs that have moved: the same ones at another address, as on a disk that is mounted elsewhere."""

from __future__ import annotations

from pathlib import Path

from tinct.errors import UnreadablePhoto
from tinct.jobs.items import name_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import Place, digest
from tinct.media.atomic import scratch_folder

SAMPLE = 20
"""Photographs that are looked at; most of them must be the same, as some may have changed or gone since."""


def has_moved(manifest: Manifest, place: Place) -> bool:
    """Tell whether the photographs of a batch are those in a place, by their names and content.

    Names and sizes alone say little: boxes are numbered alike, and the uncompressed scans of one device are all of one
    size.

    Args:
        manifest: the batch's list.
        place: where they may be now.

    Raises:
        StoreError: the place can't be used.
        OutputError: no temporary folder can be made.
    """
    # Those seen last come first, for what was away when it was last looked for is all noted as gone. Hashes shuffle.
    rows = manifest.query(
        "SELECT source, source_hash FROM files WHERE source_hash IS NOT NULL"
        f" ORDER BY scan DESC, source_hash LIMIT {SAMPLE}"
    )
    with scratch_folder() as folder:
        same = [_is_there(name_of(row["source"]), row["source_hash"], place, folder) for row in rows]
    return 2 * sum(same) > len(same)


def _is_there(name: str, hash: str, place: Place, folder: Path) -> bool:
    try:
        with place.fetch(name, folder) as path:
            return digest(path) == hash.partition("+")[0]  # the sidecar may have another
    except UnreadablePhoto:
        return False
