"""Buckets: ``s3://`` and ``gs://`` by fsspec, with bounded retries where the network fails."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tinct.errors import MissingExtra, OptionError, OutputExists, StoreError, StoreFull, UnreadablePhoto
from tinct.jobs.naming import OWN, is_picture
from tinct.jobs.places import REPLACED, Entry, Trouble, canonical, full, has_room, is_within
from tinct.media.sidecar import is_sidecar

Result = TypeVar("Result")

KINDS = {"s3": "s3", "gs": "gs", "memory": "s3"}
"""Kinds of canonical addresses, with the extra that brings the library. In all of them a file appears whole or not at
all; ``memory`` is for tests."""
_DENIED = ("NoCredentials", "PartialCredentials", "CredentialRetrieval", "ProfileNotFound", "DefaultCredentials")
# What the names of errors begin with where no one may use the bucket; of the libraries below, which aren't imported.
_WRONG = ("ParamValidationError", "NoRegionError", "InvalidURL")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again, and how long to wait before."""

    attempts: int = 6
    """In all."""
    pause: float = 0.5
    """Seconds before the second attempt; each further pause is twice as long."""


class Bucket:
    """A bucket, or the part of one below a prefix.

    Args:
        address: of it.
        patience: with the network; None takes what suits its kind.
        avoid: addresses below it that aren't listed.
        sidecars: whether what may be a picture's sidecar is listed too.

    Raises:
        OptionError: no address of a bucket.
        MissingExtra: the library for its kind isn't installed.
    """

    def __init__(
        self, address: str, patience: Patience | None = None, *, avoid: Iterable[str] = (), sidecars: bool = False
    ) -> None:
        whole = canonical(address)
        kind, _, root = whole.partition("://")
        if kind not in KINDS:
            raise OptionError(f"{address}: no folder, and no address that begins with file://, s3:// or gs://")
        if not root:
            raise OptionError(f"{address} names no bucket; give {kind}://BUCKET or {kind}://BUCKET/FOLDER")
        self.name = address
        self._root, self._sidecars = root, sidecars
        self._avoid = {canonical(other)[len(whole) :].strip("/") for other in avoid if is_within(other, whole)}
        # gcsfs itself tries six times, for half a minute, and can't be told not to.
        self._patience = patience or (Patience(attempts=2) if kind == "gs" else Patience())
        try:
            import fsspec

            self._files: Any = fsspec.filesystem(kind, **_options(kind))
        except ImportError as error:
            raise MissingExtra(f"{kind}://", KINDS[kind]) from error

    def check(self, *, writable: bool) -> None:
        """See :class:`~tinct.jobs.places.Place`."""
        if self.name.startswith("memory:"):
            return
        bucket = self._root.partition("/")[0]
        try:
            self._try(lambda: self._files.info(bucket, refresh=True))
        except FileNotFoundError as error:
            raise StoreError(f"{self.name}: there is no bucket {bucket}") from error

    def pictures(self) -> Iterator[Entry | Trouble]:
        """See :class:`~tinct.jobs.places.Place`."""
        waiting = [self._root]
        while waiting:
            current = waiting.pop()
            try:
                listing = self._try(lambda: self._files.ls(current, detail=True))  # noqa: B023 - called at once
            except FileNotFoundError:
                self.check(writable=False)
                continue  # a folder that holds nothing isn't there, in a bucket
            folders = []
            for info in sorted(listing, key=lambda info: info["name"]):
                name = info["name"].lstrip("/")[len(self._root) :].lstrip("/")
                last = name.rstrip("/").rpartition("/")[2]
                if last.startswith(".") or last == OWN or not last or name.rstrip("/") in self._avoid:
                    continue
                if info["type"] == "directory":
                    if info["name"].rstrip("/") != current:
                        folders.append(info["name"].rstrip("/"))
                elif is_picture(last) or (self._sidecars and is_sidecar(last)):
                    yield self._entry(name, info) if _is_plain(name) else Trouble(name, "no name that a file can have")
            waiting.extend(reversed(folders))

    def stat(self, name: str) -> Entry | None:
        """See :class:`~tinct.jobs.places.Place`."""
        try:
            return self._entry(name, self._try(lambda: self._files.info(self._path(name))))
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def fetch(self, name: str, folder: Path) -> Iterator[Path]:
        """See :class:`~tinct.jobs.places.Place`."""
        # Threads may fetch files of one name at the same time.
        path = folder / f"{secrets.token_hex(8)}{Path(name).suffix}"
        try:
            self._try(lambda: self._files.get_file(self._path(name), str(path)), local=folder)
            yield path
        except FileNotFoundError as error:
            self.check(writable=False)
            raise UnreadablePhoto(f"{name} isn't there any more") from error
        finally:
            path.unlink(missing_ok=True)

    def publish(self, file: Path, name: str, *, replace: bool) -> Entry:
        """See :class:`~tinct.jobs.places.Place`."""
        if not replace and self.stat(name) is not None:
            raise OutputExists(f"{self.name.rstrip('/')}/{name} appeared meanwhile; allow overwriting it (--overwrite)")
        try:
            self._try(lambda: self._files.put_file(str(file), self._path(name)))
            entry = self._entry(name, self._try(lambda: self._files.info(self._path(name))))
        except FileNotFoundError as error:
            self.check(writable=True)
            raise StoreError(f"{self.name}: {name} can't be written ({error})") from error
        file.unlink()
        return entry

    def set_aside(self, name: str) -> str:
        """See :class:`~tinct.jobs.places.Place`; copied inside the store, as its result replaces it right away."""
        folder, _, last = f"{REPLACED}/{name}".rpartition("/")
        aside = f"{OWN}/{folder}/{secrets.token_hex(4)}-{last}"
        self._try(lambda: self._files.cp_file(self._path(name), self._path(aside)))
        return f"{self.name.rstrip('/')}/{aside}"

    def delete(self, name: str) -> None:
        """Delete a file for good; nothing happens where it isn't there."""
        with contextlib.suppress(FileNotFoundError):
            self._try(lambda: self._files.rm_file(self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @staticmethod
    def _entry(name: str, info: dict[str, Any]) -> Entry:
        stamps = (info.get(key) for key in ("ETag", "etag", "md5Hash", "LastModified", "updated", "mtime", "created"))
        return Entry(name, int(info["size"]), str(next((stamp for stamp in stamps if stamp), "")))

    def _try(self, action: Callable[[], Result], local: Path | None = None) -> Result:
        """Do something over the network, several times where it fails in a way that may pass.

        Raises:
            FileNotFoundError: there is no such file or bucket.
            StoreError: not allowed, or out of reach.
        """
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return action()
            except FileNotFoundError:
                raise
            except Exception as error:
                if local is not None and not has_room(local):
                    raise StoreFull(full(local)) from error
                kind = type(error).__name__
                if isinstance(error, PermissionError) or kind.startswith(_DENIED):
                    raise StoreError(
                        f"{self.name}: not allowed ({error}); check the credentials and the bucket's rights"
                    ) from error
                if kind.startswith(_WRONG) or isinstance(error, (TypeError, ValueError)):
                    raise StoreError(f"{self.name} can't be used ({error})") from error
                if attempt == self._patience.attempts:
                    raise StoreError(
                        f"{self.name} is out of reach after {attempt} attempts ({error or kind}); "
                        "run the same command again later: it goes on where it stopped"
                    ) from error
            time.sleep(self._patience.pause * 2 ** (attempt - 1))
        raise AssertionError("unreachable")


def _options(kind: str) -> dict[str, Any]:
    """Return what the library is told: no listings of the past, and, where it can be told, no retries of its own."""
    if kind == "memory":
        return {}
    if kind == "gs":
        return {"use_listings_cache": False}
    config = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 1}}
    return {"use_listings_cache": False, "config_kwargs": config, "skip_instance_cache": True}


def _is_plain(name: str) -> bool:
    """Whether a key can be a path below a folder: none that climbs out of it."""
    return "\\" not in name and "\0" not in name and not any(part in ("", ".", "..") for part in name.split("/"))
