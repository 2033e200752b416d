"""What photos lie at a place: folders, tars, shards, CIFAR-10 and Places365 are told apart by looking."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from tinct.data import cifar, places, shards
from tinct.data.folders import walk
from tinct.data.source import SUFFIXES, Part, Source
from tinct.errors import DataError

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PART_FOLDERS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""Names of folders and tars by which a data set divides itself, in small letters."""
LABELS = (".cls", ".json")
"""Files beside a photo in a shard that name its class."""
UNREAD = frozenset({".bmp", ".gif", ".heif", ".jfif", ".jp2", ".jxl", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw"})
"""Pictures that are not used, which is told."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The photos at a place."""

    path: Path
    sources: list[Source]
    """Sorted by name; names are unique."""
    damaged: dict[str, str] = field(default_factory=dict)
    """File -> what is wrong with it; what could be read of it is among the photos all the same."""

    def of(self, part: Part) -> list[Source]:
        """Return the photos of one published part."""
        return [source for source in self.sources if source.part == part]


def take_inventory(path: Path) -> Inventory:
    """List the photos at a place, in one of these forms, told by looking:

    - a folder of pictures with any subfolders, linked ones too, or one picture;
    - a tar, also a compressed one, or a folder of tars (shards) and loose pictures; other files in a tar, as
      WebDataset's, are left alone, and a class in ``.cls`` or ``.json`` beside a picture becomes its label;
    - CIFAR-10 as published: its ``.tar.gz``, or the folder of its batches;
    - Places365 as published: its archives, unpacked or not, with or without the lists.

    Subfolders ``train``, ``val`` and ``test``, and tars whose names begin so, are the parts of the data set; a folder
    below them is a class. What lies beside such subfolders is of no part and left out.

    A damaged tar gives all that can be found before and after the damage. Warnings name it, and what is left out.

    Raises:
        DataError: there is no such path, or no photo in it.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; --data takes a folder of photos, a tar, or a folder of tars")
    look = _Look(path)
    sources = look.at_file() if path.is_file() else look.at_folder()
    damaged = {name: "; ".join(faults[:2]) + _more(len(faults) - 2) for name, faults in look.faults.items()}
    if not sources:
        said = "".join(f"; {name} {what}" for name, what in list(damaged.items())[:3])
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        others = f"; there are pictures of others: {listed(look.unread)}" if look.unread else ""
        raise DataError(f"{path}: no photo in it; expected files of the kinds {kinds}, or tars of them{others}{said}")
    for name, what in damaged.items():
        log.warning("%s %s; what else is in it is used", name, what)
    if look.aside:
        log.warning(
            "%s: left out, as it lies beside the folders of train and val or test: %s", path, listed(look.aside)
        )
    if look.unread:
        log.warning("%s: left out, as pictures of these kinds are not read: %s", path, listed(look.unread))
    return Inventory(path, sorted(sources, key=lambda source: source.name), damaged)


def _more(count: int) -> str:
    return f"; and {count} more faults" if count > 0 else ""


def listed(counts: Mapping[str, int], most: int = 5) -> str:
    """Name things with how many there are of each, the most frequent first and some only counted."""
    said = [f"{name} ({count:,})" for name, count in sorted(counts.items(), key=lambda pair: -pair[1])]
    more = f" and {len(said) - most:,} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more


class _Look:
    """One look at a place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: dict[str, list[str]] = {}
        self.unread: Counter[str] = Counter()
        """Suffix of pictures that are not read -> how many."""
        self.aside: Counter[str] = Counter()
        """File or folder that belongs to no part of a divided data set -> how many photos."""

    def fault(self, name: str, what: str) -> None:
        """Note what is wrong with a file."""
        self.faults.setdefault(name, []).append(what)

    def at_file(self) -> list[Source]:
        path = self.path
        if path.suffix.lower() in SUFFIXES:
            return [Source(path.name, path)]
        if path.name in cifar.BATCHES:
            return list(self._batches({path.name: path.read_bytes()}, path))
        sources = list(self._in_tar(path))
        if not sources and path.name in self.faults:
            raise DataError(f"{path} is no readable tar: it {self.faults[path.name][0]}; make or fetch it again")
        return self._divided(sources)

    def at_folder(self) -> list[Source]:
        for folder in (self.path, self.path / "cifar-10-batches-py"):
            batches = {name: (folder / name).read_bytes() for name in cifar.BATCHES if (folder / name).is_file()}
            if batches:
                meta = folder / cifar.META
                return list(self._batches(batches, folder, meta.read_bytes() if meta.is_file() else None))
        tars = sorted(p for p in self.path.iterdir() if p.name.lower().endswith(TARS) and p.is_file())
        if places.is_places(self.path):
            packed = [source for tar in tars if tar.name != places.LISTS_TAR for source in self._in_tar(tar)]
            # What is there unpacked as well is the same photo.
            both = {source.name: source for source in (*packed, *self._loose())}
            return places.assign(self.path, list(both.values()), self.fault)
        found: dict[str, Source] = {}
        assigned: set[str] = set()
        for tar in tars:
            part = PART_FOLDERS.get(tar.name.lower().partition(".")[0].partition("-")[0].partition("_")[0])
            for source in self._in_tar(tar):
                # Shards often number their samples from 0 each.
                name = source.name if source.name not in found else f"{tar.name.partition('.')[0]}/{source.name}"
                of_tar = source.part if part is None or part == "train" else part
                found[name] = dataclasses.replace(source, name=name, part=of_tar)
                if part is not None:
                    assigned.add(name)
        for source in self._loose():
            found.setdefault(source.name, source)  # one that is packed as well is the same photo
        return self._divided(list(found.values()), assigned)

    def _loose(self) -> Iterator[Source]:
        for path in walk(self.path):
            if self._is_photo(path):
                yield Source(path.relative_to(self.path).as_posix(), path)

    def _is_photo(self, name: PurePath) -> bool:
        suffix = name.suffix.lower()
        if suffix in UNREAD:
            self.unread[suffix] += 1
        return suffix in SUFFIXES

    def _in_tar(self, tar: Path) -> Iterator[Source]:
        def fault(what: str) -> None:
            self.fault(tar.name, what)

        batches: dict[str, bytes] = {}
        meta: bytes | None = None
        photos: list[Source] = []
        labels: dict[str, str] = {}
        with shards.opened(tar, fault) as buffer:
            in_memory = isinstance(buffer, bytes)
            for member in shards.walk(buffer, fault):
                name = PurePosixPath(member.name)
                content = slice(member.offset, member.offset + member.size)
                if not name.name.startswith(".") and self._is_photo(name):
                    held = buffer[content] if in_memory else None
                    plain = member.name.removeprefix("./")
                    photos.append(Source(plain, tar, member.offset, member.size, held=held))
                elif name.suffix in LABELS and (label := shards.read_label(name.name, buffer[content])) is not None:
                    labels[_key(name)] = label
                elif name.name in cifar.BATCHES:
                    batches[name.name] = buffer[content]
                elif name.name == cifar.META:
                    meta = buffer[content]
        yield from self._batches(batches, tar, meta)
        for source in photos:
            label = labels.get(_key(PurePosixPath(source.name))) if labels else None
            yield source if label is None else dataclasses.replace(source, label=label)

    def _batches(self, batches: dict[str, bytes], path: Path, meta: bytes | None = None) -> Iterator[Source]:
        classes: tuple[str, ...] = cifar.CLASSES
        if meta is not None:
            try:
                classes = cifar.read_classes(meta)
            except DataError as error:
                self.fault(cifar.META, f"is left out ({error})")
        for name, content in sorted(batches.items()):
            try:
                sources = cifar.read_batch(content, name, path, classes)
            except DataError as error:
                self.fault(name, f"is left out ({error})")
            else:
                yield from sources
        lacking = [name for name in cifar.BATCHES if name not in batches] if len(batches) > 1 else []
        for name in lacking:
            self.fault(name, "is missing")

    def _divided(self, sources: list[Source], assigned: Collection[str] = ()) -> list[Source]:
        """Give photos in folders ``train`` and ``val`` or ``test`` that part, and the folder below as label.

        Args:
            sources: of the whole data set.
            assigned: names of those whose tar says their part; other photos beside such folders are left out.
        """
        parts = [PART_FOLDERS.get(source.name.partition("/")[0].lower()) for source in sources]
        if "train" not in parts or not {"val", "test"} & set(parts):
            return sources
        divided = []
        for source, part in zip(sources, parts, strict=True):
            first, *between = source.name.split("/")[:-1] or [source.name]
            if part is not None:
                label = between[0] if len(between) == 1 else source.label
                divided.append(dataclasses.replace(source, part=part, label=label))
            elif source.name in assigned:
                divided.append(source)
            else:
                self.aside[first] += 1
        return divided


def _key(name: PurePosixPath) -> str:
    """Return what the files of one sample share: the name up to its first dot, and the folder before it."""
    return f"{name.parent}/{name.name.partition('.')[0]}"
