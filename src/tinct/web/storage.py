"""Where the files of the web app are: under keys made here, never under a name that somebody gave."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tinct.errors import NotFound, StoreError, StoreFull
from tinct.jobs.places import is_full

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}")


NO_SPACE = "no space is left for files; delete some, or ask who runs this server"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store."""

    key: str
    size: int
    """In bytes."""
    sha256: str
    """In hex."""


class Storage(Protocol):
    """Files by key; threads and processes may share it. A file is there whole or not at all, and never changes."""

    incoming: Path
    """Local folder for what isn't finished."""

    def put(self, file: Path, key: str) -> Stored:
        """Take a local file over; it is gone from where it was.

        Args:
            file: to take.
            key: for it; see :meth:`~tinct.web.context.Context.new_keys`.

        Raises:
            StoreFull: no space is left.
            StoreError: the store can't be used.
        """

    @contextmanager
    def fetch(self, key: str) -> Iterator[Path]:
        """Give a local file with the content, inside the block; it must not be changed.

        Raises:
            NotFound: it was deleted.
        """

    def delete(self, key: str) -> None:
        """Delete a file for good; nothing happens where it isn't there."""

    def staging(self) -> AbstractContextManager[Path]:
        """Give a folder for what is being made; it is gone when the block ends."""

    def tidy(self, older_than: float) -> None:
        """Remove what killed processes left unfinished some seconds ago."""


def new_key() -> str:
    """Return a key that nothing has, and nobody can guess."""
    key = secrets.token_hex(16)
    return f"{key[:2]}/{key[2:]}"


class LocalStorage:
    """A folder, which several machines may share.

    Args:
        root: the folder; made where missing.

    Raises:
        StoreError: it can't be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.incoming = root / "incoming"
        """On the same disk; see :class:`Storage`."""
        with said(root):
            self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, file: Path, key: str) -> Stored:
        """See :class:`Storage`."""
        target = self._path(key)
        with said(self._root):
            with file.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
                os.fsync(content.fileno())
            size = file.stat().st_size
            target.parent.mkdir(exist_ok=True, mode=0o700)
            try:
                file.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                staged = self.incoming / secrets.token_hex(16)
                shutil.copyfile(file, staged)
                staged.replace(target)
                file.unlink()
        return Stored(key, size, sha256)

    @contextmanager
    def fetch(self, key: str) -> Iterator[Path]:
        """See :class:`Storage`."""
        path = self._path(key)
        if not path.is_file():
            raise NotFound("the file was deleted")
        yield path

    def delete(self, key: str) -> None:
        """See :class:`Storage`."""
        with said(self._root):
            self._path(key).unlink(missing_ok=True)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """See :class:`Storage`."""
        folder = self.incoming / secrets.token_hex(16)
        with said(self._root):
            folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def tidy(self, older_than: float) -> None:
        """See :class:`Storage`."""
        limit = time.time() - older_than
        for path in self.incoming.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < limit:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _path(self, key: str) -> Path:
        assert _KEY.fullmatch(key), key
        return self._root / key


@contextmanager
def said(root: Path) -> Iterator[None]:
    """Turn what the disk refuses inside the block into errors that say it."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StoreFull(NO_SPACE) from error
        raise StoreError(f"the files in {root} can't be used ({error.strerror or error})") from error
