"""Downloads that go on where they were cut, and are under their name only when whole and checked.

Plain urllib on purpose: pooch, the runner-up, checks what it fetched but begins anew after every cut.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tinct.data import places
from tinct.data.source import Part
from tinct.errors import DataError, OptionError

CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as cut."""
ATTEMPTS = 6
"""In a row without anything new, before giving up."""
PARTIAL, WRONG = ".part", ".wrong"
"""Endings of a file under way, and of one with another checksum."""

Progress = Callable[[str, int, int | None], None]
"""Told the file's name, bytes there so far, and bytes in all where the server says so."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to download."""

    name: str
    base: str
    """Address of its folder, with a slash at the end."""
    algorithm: Literal["md5", "sha256"]
    digest: str
    """Published checksum, in hex."""


CIFAR10 = (
    Remote(
        "cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/",
        "sha256",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
)
_PLACES = "http://data.csail.mit.edu/places/places365/"
_LISTS = Remote(places.LISTS_TAR, _PLACES, "md5", "35a0585fee1fa656440f3ab298f8479c")
PLACES365: dict[Part, tuple[Remote, ...]] = {
    "train": (
        _LISTS,
        Remote(places.ARCHIVES["train"], _PLACES, "md5", "53ca1c756c3d1e7809517cc47c5561c5"),
    ),
    "val": (_LISTS, Remote(places.ARCHIVES["val"], _PLACES, "md5", "e27b17d8d44f4af9a78502beb927f808")),
    "test": (Remote(places.ARCHIVES["test"], _PLACES, "md5", "f532f6ad7b582262a2ec8009075e186b"),),
}
"""The small-images archives (256 pixels) and the lists that go with them."""
DATASETS = ("cifar10", "places365")


def files_of(dataset: str, part: str | None) -> tuple[Remote, ...]:
    """Return the files of a data set, or of one part of Places365.

    Raises:
        OptionError: there is no such data set or part.
    """
    if dataset == "cifar10":
        if part is not None:
            raise OptionError("--part is for places365; cifar10 is one file that holds all of it")
        return CIFAR10
    if dataset != "places365":
        raise OptionError(f"unknown data set {dataset!r}; choose one of {', '.join(DATASETS)}")
    for name, files in PLACES365.items():
        if name == part:
            return files
    raise OptionError("places365 comes in parts; give --part train (24 GB), val (0.5 GB) or test (4.4 GB)")


def fetch(
    files: Sequence[Remote],
    folder: Path,
    *,
    mirror: str | None = None,
    progress: Progress = lambda name, done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Download files into a folder; what is there and right stays, what was begun goes on.

    Args:
        files: to download.
        folder: made where missing.
        mirror: address of a folder that holds the files under their names, in place of the published one.
        progress: told how far it is.
        pause: waits a number of seconds.

    Returns:
        The files.

    Raises:
        OptionError: the mirror is no web address.
        DataError: a file isn't there, the server fails again and again, a checksum is wrong (the file is kept aside
            then), or the disk is full (what has come is kept).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} can't be made ({error.strerror or error}); give another folder") from error
    got = []
    for remote in files:
        base = remote.base if mirror is None else mirror.removesuffix(remote.name).rstrip("/") + "/"
        if urlsplit(base).scheme not in ("http", "https"):
            raise OptionError(f"{mirror!r} is no web address; give one that begins with http:// or https://")
        got.append(_Download(remote, base + remote.name, folder, progress, pause).run())
    return got


class _Cut(Exception):
    """A connection ended early, or the server asked to come back later; worth another attempt.

    Args:
        why: in words.
        wait: seconds that the server asked for.
    """

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _Download:
    """One file on its way."""

    def __init__(
        self, remote: Remote, url: str, folder: Path, progress: Progress, pause: Callable[[float], None]
    ) -> None:
        self.remote = remote
        self.url = url
        self.target = folder / remote.name
        self.partial = folder / (remote.name + PARTIAL)
        self.note = folder / (remote.name + PARTIAL + ".json")
        self.progress = progress
        self.pause = pause

    def run(self) -> Path:
        if self.target.exists():
            if self._is_right(self.target):
                return self.target
            self._put_aside(self.target)
        best, failures = self._have(), 0
        while True:
            try:
                self._receive()
                break
            except _Cut as cut:
                # Only what goes beyond the furthest point counts, or a server that always cuts at the same place and
                # always begins anew would keep us here for good.
                have = self._have()
                failures = 0 if have > best else failures + 1
                best = max(best, have)
                if failures >= ATTEMPTS:
                    raise DataError(
                        f"{self.url} failed {ATTEMPTS} times in a row ({cut}); try again later, it will go on from the "
                        f"{have / 1e6:.1f} MB that are there, or give a mirror by --url"
                    ) from cut
                self.pause(max(cut.wait, min(30.0, 2.0**failures)))
        if not self._is_right(self.partial):
            aside = self._put_aside(self.partial)
            raise DataError(
                f"{self.url} came with a wrong {self.remote.algorithm}, expected {self.remote.digest}; it is kept as "
                f"{aside}. Try again, or give another mirror by --url"
            )
        self.partial.replace(self.target)
        self.note.unlink(missing_ok=True)
        return self.target

    def _have(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _validator(self) -> str | None:
        """Return what the server named the version that was begun; None where it can't be gone on with."""
        try:
            note = json.loads(self.note.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return str(note["validator"]) if isinstance(note, dict) and note.get("url") == self.url else None

    def _receive(self) -> None:
        """Get the rest of the file, or all of it.

        Raises:
            _Cut: it is not whole yet.
            DataError: there is no use in trying again.
        """
        have, validator = self._have(), self._validator()
        headers = {"User-Agent": "tinct", "Accept-Encoding": "identity"}
        if have and validator is not None:
            headers["Range"] = f"bytes={have}-"
            if validator:
                headers["If-Range"] = validator
        else:
            have = 0
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, headers=headers), timeout=TIMEOUT) as answer:
                self._store(answer, have)
        except urllib.error.HTTPError as error:
            self._judge(error, have)
        except (http.client.HTTPException, OSError) as error:  # also a failed look-up, time-out or TLS error
            raise _Cut(str(getattr(error, "reason", "") or error or type(error).__name__)) from error

    def _judge(self, error: urllib.error.HTTPError, have: int) -> None:
        """Return where the error means that the file is whole."""
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                total = error.headers.get("Content-Range", "").rpartition("/")[2]
                if total == str(have):
                    return
                self.partial.unlink(missing_ok=True)
                raise _Cut("the file on the server is another now")
            if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or error.code in (
                http.HTTPStatus.TOO_MANY_REQUESTS,
                http.HTTPStatus.REQUEST_TIMEOUT,
            ):
                wait = error.headers.get("Retry-After", "")
                raise _Cut(f"{error.code} {error.reason}", min(60.0, float(wait)) if wait.isdigit() else 0.0)
        raise DataError(
            f"{self.url} can't be had: the server says {error.code} {error.reason}; give a mirror's address by --url"
        ) from error

    def _store(self, answer: http.client.HTTPResponse, have: int) -> None:
        if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
            span, _, said = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if not have or span.partition("-")[0] != str(have):
                self.partial.unlink(missing_ok=True)
                raise _Cut(f"the server sent another part than asked for ({span or 'not named'})")
            total = int(said) if said.isdigit() else None
        else:
            # The server knows no ranges, or its file has changed: all comes anew.
            have = 0
            said = answer.headers.get("Content-Length", "")
            total = int(said) if said.isdigit() else None
            etag = answer.headers.get("ETag", "")
            # A weak tag promises the same meaning, not the same bytes.
            validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
            with self._writing():
                self.partial.unlink(missing_ok=True)
                self.note.write_text(json.dumps({"url": self.url, "validator": validator}), "utf-8")
        self._check_space(have, total)
        with self._writing():
            file = self.partial.open("ab")
        try:
            while chunk := answer.read(CHUNK):
                with self._writing():
                    file.write(chunk)
                have += len(chunk)
                self.progress(self.remote.name, have, total)
            with self._writing():
                file.flush()
                os.fsync(file.fileno())
        finally:
            with self._writing():
                file.close()
        if total is not None and have < total:
            raise _Cut(f"the connection ended after {have:,} of {total:,} bytes")

    def _check_space(self, have: int, total: int | None) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - have > free:
            raise DataError(
                f"{self.remote.name} needs {(total - have) / 1e9:.2f} GB more, and {self.target.parent} has "
                f"{free / 1e9:.2f} GB free; make room or give another folder by --to"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell what the disk refuses from what the network does; both are an OSError."""
        try:
            yield
        except OSError as error:
            what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
            raise DataError(
                f"{self.partial} can't be written ({what}); make room or give another folder by --to. What has come, "
                f"{self._have() / 1e6:.1f} MB, is kept, and the same command goes on from there"
            ) from error

    def _is_right(self, path: Path) -> bool:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, self.remote.algorithm)
        return digest.hexdigest() == self.remote.digest

    def _put_aside(self, path: Path) -> Path:
        aside = self.target.with_name(self.target.name + WRONG)
        path.replace(aside)
        self.note.unlink(missing_ok=True)
        return aside
