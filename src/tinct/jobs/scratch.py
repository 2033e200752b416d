"""A folder of a process on a machine that may be somebody else's: gone with the process, however that ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from tinct.errors import OutputError
from tinct.media.lock import take_lock

_PREFIX, _LOCK = "tinct-worker-", "lock.sqlite"


class Scratch:
    """An empty folder among the machine's temporary ones, until :meth:`close`.

    Those of processes that were killed are taken away by the next one that makes its own.

    Raises:
        OSError, OutputError: it can't be made.
    """

    def __init__(self) -> None:
        _clear()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            """The folder."""
            lock = take_lock(self.path / _LOCK)
            if lock is not None:
                break  # else another process took it for one left behind, in the moment before it had its lock
        self._lock = lock

    def close(self) -> None:
        """Take the folder away, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _clear() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not os.path.isfile(folder / _LOCK):
            continue  # another user's, or one that is just being made
        with suppress(OutputError):
            lock = take_lock(folder / _LOCK)
            if lock is not None:
                with closing(lock):
                    shutil.rmtree(folder, ignore_errors=True)
