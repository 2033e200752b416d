"""Data sets that are trained on, put together as folders that :mod:`tinct.data` reads."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urldefrag

from tinct.db.artifacts import CORRECTION, DATASET
from tinct.errors import DataError
from tinct.media.lock import take_lock
from tinct.settings import CHECKSUM
from tinct.web.archives import list_pictures, unpack
from tinct.web.context import Context
from tinct.web.sandbox import Stopped

CIFAR10 = "cifar10"
CORRECTIONS = "corrections"
LEAST_CORRECTIONS = 2
"""One to learn from, one to validate with."""
READY = "ready"
"""File in a data set that is whole."""
LOOK_SECONDS = 0.2
"""Between two looks whether another worker has unpacked a data set."""
UNPACKING = "stopped while the data set was unpacked"
TELL_SECONDS = 0.5
"""Between two reports of a download."""

Ending = Callable[[], bool]
Tell = Callable[[str, float], None]
"""Told what is done, and the share of it that is, 0..1."""


def find_dataset(context: Context, name: str) -> Path | None:
    """Return a data set of this server by its name: something right in the folder that was set for them."""
    root = context.settings.datasets
    if root is None or not root.is_dir():
        return None
    return next((path for path in root.iterdir() if path.name == name and not name.startswith(".")), None)


def put_together(context: Context, user_id: str, data: str, run: Path, ending: Ending, tell: Tell) -> Path:
    """Return the folder or file of a data set, made where it isn't there yet.

    Args:
        context: files and database.
        user_id: whose it is.
        data: a name of this server's, ``cifar10``, ``corrections``, or the id of an upload.
        run: folder of the run that it is for.
        ending: asked now and then whether to give up.
        tell: told how far it is.

    Raises:
        DataError: it isn't there, can't be fetched, or holds no photos.
        NotFound: the upload was deleted.
        Stopped: ``ending`` said so; what has come is kept.
    """
    if data == CORRECTIONS:
        return _take_corrections(context, user_id, run / "data")
    found = find_dataset(context, data)
    if found is not None:
        return found
    if data == CIFAR10:
        return _fetch_cifar10(context, ending, tell)
    return _unpack(context, user_id, data, ending)


def _fetch_cifar10(context: Context, ending: Ending, tell: Tell) -> Path:
    from tinct.data.fetch import fetch, files_of

    folder = context.folder("datasets", CIFAR10)
    files, mirror = files_of(CIFAR10, None), context.settings.cifar10
    if mirror is not None:
        mirror, checksum = urldefrag(mirror)
        if checksum:
            files = tuple(dataclasses.replace(file, digest=checksum.removeprefix(CHECKSUM)) for file in files)
    told = 0.0

    def progress(_name: str, done: int, total: int | None) -> None:
        nonlocal told
        if ending():
            raise Stopped("stopped while CIFAR-10 was fetched; what has come is kept")
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            said = f"{done / 1e6:.1f}" + (f" of {total / 1e6:.1f}" if total else "")
            tell(f"fetching CIFAR-10: {said} MB", done / total if total else 0.0)

    def pause(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if ending():
                raise Stopped("stopped while CIFAR-10 was fetched; what has come is kept")
            time.sleep(min(0.5, left))

    tell("fetching CIFAR-10", 0.0)
    try:
        fetch(files, folder, mirror=mirror, progress=progress, pause=pause)
    except DataError as error:
        raise DataError(f"{error}. Who runs this server can name another address of it in TINCT_CIFAR10") from error
    tell("CIFAR-10 is there", 1.0)
    return folder


def _unpack(context: Context, user_id: str, id: str, ending: Ending) -> Path:
    artifact = context.repository.artifacts.get(user_id, id, DATASET)
    folder = context.folder("datasets", artifact.id)
    with _alone(_lock_of(folder), ending):
        if not (folder / READY).exists():
            shutil.rmtree(folder)
            with context.storage.fetch(artifact.key) as path:
                for _ in unpack(path, list_pictures(path, largest=context.settings.upload_bytes), folder):
                    if ending():
                        raise Stopped(UNPACKING)
            (folder / READY).touch()
    return folder


@contextmanager
def _alone(lock: Path, ending: Ending) -> Iterator[None]:
    """Wait until no other worker is at a data set, and keep them off it inside the block."""
    while (held := take_lock(lock)) is None:
        if ending():
            raise Stopped(UNPACKING)
        time.sleep(LOOK_SECONDS)
    with closing(held):
        yield


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def delete_unpacked(context: Context, id: str) -> None:
    """Delete what was unpacked of an upload that is deleted."""
    folder = context.folder("datasets") / id
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink(missing_ok=True)


def _take_corrections(context: Context, user_id: str, folder: Path) -> Path:
    """Copy the accepted pictures, as they are now: a run that is resumed must find them again."""
    if (folder / READY).exists():
        return folder
    pictures = context.repository.artifacts.all(user_id, CORRECTION)
    if len(pictures) < LEAST_CORRECTIONS:
        raise too_few(len(pictures))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        with context.storage.fetch(picture.key) as path:
            shutil.copyfile(path, folder / f"{number:06}.jpg")
    (folder / READY).touch()
    return folder


def too_few(count: int) -> DataError:
    """Return what to say where a user has accepted too few corrected pictures."""
    return DataError(
        f"there are {count} accepted corrections, and training needs at least {LEAST_CORRECTIONS}; correct pictures "
        "and accept their colors first, better twenty or more"
    )
