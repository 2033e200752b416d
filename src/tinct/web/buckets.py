"""The store in a bucket, ``s3://`` or ``gs://``: what servers and workers share without a network disk."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tinct.errors import NotFound, UnreadablePhoto
from tinct.jobs.remote import Bucket, Patience
from tinct.web.storage import LocalStorage, Stored, said

PATIENCE = Patience(attempts=4, pause=0.25)
"""Somebody waits for the answer."""
COPIES_BYTES = 4 * 2**30
"""Copies kept here may take so much before the longest unused go."""
LEAST_SECONDS = 600.0
"""A copy that was used so lately may be in use still."""


class BucketStorage:
    """A bucket, with a folder of copies, which never change and so never grow stale.

    Args:
        address: ``s3://BUCKET/FOLDER`` or ``gs://BUCKET/FOLDER``.
        root: local folder for what isn't finished and for the copies.

    Raises:
        OptionError: no address of a bucket.
        MissingExtra: the library for its kind isn't installed.
        StoreError: the bucket isn't there, out of reach, or not to be used by us.
    """

    def __init__(self, address: str, root: Path) -> None:
        self._bucket = Bucket(address, PATIENCE)
        self._bucket.check(writable=True)
        self._local = LocalStorage(root)
        self._root = root
        self._copies = root / "copies"
        with said(root):
            self._copies.mkdir(exist_ok=True, mode=0o700)
        self.incoming = self._local.incoming
        """See :class:`~tinct.web.storage.Storage`."""

    def put(self, file: Path, key: str) -> Stored:
        """See :class:`~tinct.web.storage.Storage`."""
        begun = self.incoming / secrets.token_hex(16)
        with said(self._root):
            with file.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            size = file.stat().st_size
            # What was made is mostly asked for soon. Its copy is a second name of the file where the disk has such.
            try:
                os.link(file, begun)
            except OSError:
                shutil.copyfile(file, begun)
        try:
            self._bucket.publish(file, key, replace=True)
        except BaseException:
            begun.unlink()
            raise
        begun.replace(self._copy(key))
        self._make_room()
        return Stored(key, size, sha256)

    @contextmanager
    def fetch(self, key: str) -> Iterator[Path]:
        """See :class:`~tinct.web.storage.Storage`."""
        copy = self._copy(key)
        try:
            os.utime(copy)
        except FileNotFoundError:
            self._make_room()
            try:
                with self._bucket.fetch(key, self.incoming) as path:
                    path.replace(copy)
            except UnreadablePhoto as error:
                raise NotFound("the file was deleted") from error
        yield copy

    def delete(self, key: str) -> None:
        """See :class:`~tinct.web.storage.Storage`."""
        self._bucket.delete(key)
        self._copy(key).unlink(missing_ok=True)

    def staging(self) -> AbstractContextManager[Path]:
        """See :class:`~tinct.web.storage.Storage`."""
        return self._local.staging()

    def tidy(self, older_than: float) -> None:
        """See :class:`~tinct.web.storage.Storage`."""
        self._local.tidy(older_than)
        for path in self._copies.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - older_than:
                    path.unlink()

    def _copy(self, key: str) -> Path:
        return self._copies / key.replace("/", "")

    def _make_room(self) -> None:
        found = []
        for path in self._copies.iterdir():
            with suppress(OSError):  # another process may clear up too
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for used, size, path in sorted(found):
            if total <= COPIES_BYTES or used > time.time() - LEAST_SECONDS:
                break
            path.unlink(missing_ok=True)
            total -= size
