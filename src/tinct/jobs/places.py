"""Where photographs come from and results go: folders here, buckets in :mod:`~tinct.jobs.remote`."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tinct.errors import OutputError, StoreError, StoreFull, UnreadablePhoto
from tinct.jobs.naming import OWN
from tinct.jobs.walking import walk
from tinct.media.atomic import move_file
from tinct.media.sidecar import names_of_sidecars

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where no space is left."""
ALIASES = {"s3a": "s3", "gcs": "gs"}
"""Kinds of addresses that are others by another name."""
REPLACED = "replaced"
"""Folder, in that of a batch's own files, for results that somebody changed, before they are made again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a place."""

    name: str
    """Path below the place, with slashes."""
    size: int | None
    """In bytes; None where the file is there but nothing can be told of it, as of a broken link."""
    stamp: str
    """Changes whenever the content does: time of change in nanoseconds, or ETag. It is only compared, never ordered."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of a place that can't be listed."""

    name: str
    """Path below the place, empty for all of it."""
    reason: str
    """Empty where nothing is wrong, and a file is only not to be looked at yet."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        return f"{self.name or 'the source'}: {self.reason}"


class Place(Protocol):
    """Files by name. Each operation may be called from several threads."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    def check(self, *, writable: bool) -> None:
        """Make it where that is possible, and see whether it can be used.

        Raises:
            StoreError: it can't.
        """

    def pictures(self) -> Iterator[Entry | Trouble]:
        """List the pictures in it, one by one, those of a folder together; hidden ones don't count."""

    def stat(self, name: str) -> Entry | None:
        """Return what is there by that name, None for nothing."""

    def fetch(self, name: str, folder: Path) -> AbstractContextManager[Path]:
        """Give a local file with the content, inside the block; ``folder`` takes what has to be copied.

        Raises:
            UnreadablePhoto: there is no such file, or it can't be read.
            StoreError: the place can't be used any more.
        """

    def publish(self, file: Path, name: str, *, replace: bool) -> Entry:
        """Put a finished local file there, whole or not at all, and take it away here.

        Raises:
            OutputExists: there is one by that name, and ``replace`` is False.
            OutputError: this name can't be written.
            StoreError: nothing can be written there any more.
        """

    def set_aside(self, name: str) -> str:
        """Move a file to where this place keeps what was replaced, which no listing shows; return where it is now."""


class Folder:
    """A folder of this machine.

    Args:
        path: of it.
        avoid: folders below it that aren't listed.
        sidecars: whether the sidecar of each picture is listed after it.
    """

    def __init__(self, path: Path, *, avoid: Iterable[Path] = (), sidecars: bool = False) -> None:
        self.path = path
        """The folder."""
        self.name = str(path)
        self._avoid, self._sidecars = list(avoid), sidecars

    def check(self, *, writable: bool) -> None:
        """See :class:`Place`."""
        try:
            if writable:
                self.path.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.path):
                pass
        except OSError as error:
            raise StoreError(f"the folder {self.path} can't be used ({error.strerror or error})") from error

    def pictures(self) -> Iterator[Entry | Trouble]:
        """See :class:`Place`."""
        root = str(self.path)
        for path, is_folder, problem in walk(root, True, self._avoid):
            name = os.path.relpath(path, root).replace(os.sep, "/")
            if problem:
                yield Trouble("" if name == "." else name, problem)
            elif not is_folder:
                yield self._entry(name, Path(path))
                if self._sidecars:  # asked for by name, as a name in the listing may be written in other letters
                    yield from itertools.islice(filter(None, map(self.stat, names_of_sidecars(name))), 1)

    def stat(self, name: str) -> Entry | None:
        """See :class:`Place`."""
        path = self.path / name
        return self._entry(name, path) if os.path.lexists(path) else None

    @contextmanager
    def fetch(self, name: str, folder: Path) -> Iterator[Path]:
        """See :class:`Place`."""
        path = self.path / name
        if not os.path.lexists(path):
            self.check(writable=False)
            raise UnreadablePhoto(f"{name} isn't there any more")
        yield path

    def publish(self, file: Path, name: str, *, replace: bool) -> Entry:
        """See :class:`Place`."""
        target = self.path / name
        with self._writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            move_file(file, target, overwrite=replace)
        return self._entry(name, target)

    def set_aside(self, name: str) -> str:
        """See :class:`Place`."""
        path, aside = self.path / name, self.path / OWN / REPLACED / name
        with self._writing(aside):
            aside.parent.mkdir(parents=True, exist_ok=True)
            aside = take_name(aside)
            if path.is_dir():  # it can't replace the file that holds its name
                aside.unlink()
            move_file(path, aside, overwrite=True)
        return str(aside)

    @contextmanager
    def _writing(self, target: Path) -> Iterator[None]:
        """Make errors inside the block those of a :class:`Place`."""
        try:
            yield
        except (OSError, OutputError) as error:
            if is_full(error):
                raise StoreFull(full(self.path)) from error
            if isinstance(error, OSError):
                raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
            raise

    @staticmethod
    def _entry(name: str, path: Path) -> Entry:
        try:
            status = path.stat()
        except OSError:
            return Entry(name, None, "")
        return Entry(name, status.st_size if stat.S_ISREG(status.st_mode) else None, str(status.st_mtime_ns))


def open_place(address: str, *, avoid: Iterable[str] = (), sidecars: bool = False) -> Place:
    """Return the place that an address names: a folder, ``file://``, ``s3://`` or ``gs://``.

    Args:
        address: as the user gives it.
        avoid: addresses of places below it that aren't listed.
        sidecars: whether a picture has changed when its sidecar has; see :class:`~tinct.jobs.sidecars.WithSidecars`.

    Raises:
        OptionError: an address of another kind.
        MissingExtra: the library for its kind isn't installed.
    """
    from tinct.jobs.remote import Bucket
    from tinct.jobs.sidecars import WithSidecars

    path = local_path(address)
    if path is None:
        place: Place = Bucket(address, avoid=avoid, sidecars=sidecars)
    else:
        below = [folder for other in avoid if (folder := local_path(other)) is not None]
        place = Folder(path, avoid=below, sidecars=sidecars)
    return WithSidecars(place) if sidecars else place


def local_path(address: str) -> Path | None:
    """Return the folder that an address names, None for one on another machine."""
    kind, separator, _ = address.partition("://")
    if not separator:
        return Path(address)
    return Path(url2pathname(urlsplit(address).path)) if kind == "file" else None


def canonical(address: str) -> str:
    """Return the one address, of all that a place has, which is compared and kept; it holds from everywhere.

    A slash more inside the address of a bucket stays: there, it makes another name.

    >>> canonical("s3a://scans/box/")
    's3://scans/box'
    """
    path = local_path(address)
    if path is not None:
        return str(path.resolve())
    kind, _, rest = address.partition("://")
    return f"{ALIASES.get(kind, kind)}://{rest.strip('/')}"


def is_within(inner: str, outer: str) -> bool:
    """Tell whether an address names a place that another one's is, or that lies in it."""
    inside, around = canonical(inner), canonical(outer)
    if local_path(inner) is not None:
        return Path(inside).is_relative_to(around)
    return f"{inside}/".startswith(f"{around}/")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        UnreadablePhoto: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadablePhoto(f"{path} can't be read ({error.strerror or error})") from error


def take_name(path: Path) -> Path:
    """Make an empty file that nobody else can have made: by this name, or with a number where that is taken."""
    for number in itertools.count(1):
        taken = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        with suppress(FileExistsError):
            taken.touch(exist_ok=False)
            return taken
    raise AssertionError("unreachable")


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, says that no space is left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__
    return False


def has_room(folder: Path) -> bool:
    """Whether a little more can be written into a folder; libvips doesn't say why a write failed."""
    probe = folder / "probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in FULL
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return True


def full(folder: Path) -> str:
    """Return what to tell the user of a full disk."""
    return f"no space is left for {folder}; make room, then run the same command again: it goes on where it stopped"
