"""Files that are there whole or not at all, also when the process is killed or the machine stops.

The one module with calls that only POSIX has; each stands behind a guard.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tinct.errors import OutputError, OutputExists

_scratch: set[Path] = set()
"""What is there of files and folders that go when the work on them ends."""


def remove_scratch() -> None:
    """Remove the temporary files and folders of all threads, for a process that is about to end under them."""
    for path in list(_scratch):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def atomic_path(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give the path of an empty temporary file beside ``target``, which takes the target's place when the block ends.

    When the block raises, the temporary file is removed and the target stays as it was. A target that is a symbolic
    link stays one: the file that it points to is replaced. A replaced file keeps its mode; a new one gets the umask's.

    Args:
        target: the file to write; its folder must exist.
        overwrite: whether it may replace a file.

    Raises:
        OutputExists: the target is there and ``overwrite`` is False.
        OutputError: the file can't be written.
    """
    try:
        final = Path(os.path.realpath(target, strict=False))
        if os.path.lexists(final):
            if final.is_dir():
                raise OutputError(f"{target} is a folder; give a file name")
            if not final.is_file() and final.exists():
                raise OutputError(f"{target} is a device or a pipe; give a file, or - for standard output")
            if not overwrite:
                raise OutputExists(f"{target} exists; give another name, or allow overwriting it")
        # The name holds nothing of the target's, which may already be as long as the file system allows.
        temporary = _new_scratch(final.parent)
    except OSError as error:
        raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        _flush(temporary)
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(final.stat().st_mode))
        if not overwrite and os.path.lexists(final):
            raise OutputExists(f"{target} appeared meanwhile; give another name, or allow overwriting it")
        temporary.replace(final)
        _flush_folder(final.parent)
    except OSError as error:
        raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
    finally:
        _forget(temporary)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where it is missing.

    Raises:
        OutputError: it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} can't be made ({error.strerror or error}); give another folder") from error


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give a name for a file beside another one, which is gone at the end of the block unless it was moved."""
    scratch = _new_scratch(path.parent)
    try:
        yield scratch
    finally:
        _forget(scratch)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new folder among the system's temporary ones, which is gone at the end of the block.

    Raises:
        OutputError: it can't be made.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="tinct-"))
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"no temporary folder can be made ({reason}); set TMPDIR to one with space") from error
    _scratch.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _scratch.discard(folder)


def move_file(file: Path, target: Path, *, overwrite: bool = False) -> None:
    """Give a finished file its name; it is copied where that lies on another disk, and never half there.

    Args:
        file: written and flushed; gone afterwards.
        target: its name; the folder must exist.
        overwrite: whether it may replace a file.

    Raises:
        OutputExists: the target is there and ``overwrite`` is False.
        OutputError: it can't be written.
    """
    try:
        if not overwrite and os.path.lexists(target):
            raise OutputExists(f"{target} exists; give another name, or allow overwriting it")
        file.replace(target)
        _flush_folder(target.parent)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
    with atomic_path(target, overwrite=overwrite) as temporary:
        shutil.copyfile(file, temporary)
    file.unlink()


def _new_scratch(folder: Path) -> Path:
    path = folder / f".tinct-{secrets.token_hex(8)}.tmp"
    _scratch.add(path)
    return path


def _forget(scratch: Path) -> None:
    """Remove a temporary file that still has its name."""
    with suppress(OSError):
        scratch.unlink(missing_ok=True)
    _scratch.discard(scratch)


def _flush(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Wait until the file's new name is on the disk; Windows can't open a folder, and doesn't need it."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some network file systems refuse it
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
