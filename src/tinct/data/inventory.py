"""What photos lie at a place: folders, tars, shards, CIFAR-10 and Places365 are told apart by looking."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tinct.data import cifar, places, shards
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
"""Names of folders by which a data set divides itself."""
LABELS = (".cls", ".json")
"""Files beside a photo in a shard that name its class."""

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

    - a folder of pictures with any subfolders, or one picture;
    - a tar, also a compressed one, or a folder of tars (shards) and loose pictures; other files in a tar, as
      WebDataset's, are left alone, and a class in ``.cls`` or ``.json`` beside a picture becomes its label;
    - CIFAR-10 as published: its ``.tar.gz``, or the folder of its batches;
    - Places365 as published: its archives, unpacked or not, with or without the lists.

    Subfolders ``train``, ``val`` and ``test``, and tars whose names begin so, are the parts of the data set; a folder
    below them is a class.

    A damaged tar gives all that can be found before and after the damage; a warning names it.

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
        raise DataError(f"{path}: no photo in it; expected files of the kinds {kinds}, or tars of them{said}")
    for name, what in damaged.items():
        log.warning("%s %s; what else is in it is used", name, what)
    return Inventory(path, sorted(sources, key=lambda source: source.name), damaged)


def _more(count: int) -> str:
    return f"; and {count} more faults" if count > 0 else ""


class _Look:
    """One look at a place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: dict[str, list[str]] = {}

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
        return _divided(sources)

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
        for tar in tars:
            part = PART_FOLDERS.get(tar.name.lower().partition(".")[0].partition("-")[0].partition("_")[0], "train")
            inside = list(self._in_tar(tar))
            for source in inside if part == "train" else [dataclasses.replace(s, part=part) for s in inside]:
                # Shards often number their samples from 0 each.
                name = source.name if source.name not in found else f"{tar.name.partition('.')[0]}/{source.name}"
                found[name] = source if name == source.name else dataclasses.replace(source, name=name)
        for source in self._loose():
            found.setdefault(source.name, source)  # one that is packed as well is the same photo
        return _divided(list(found.values()))

    def _loose(self) -> Iterator[Source]:
        for path in self.path.rglob("*"):
            name = path.relative_to(self.path).as_posix()
            if path.suffix.lower() in SUFFIXES and "/." not in f"/{name}" and path.is_file():
                yield Source(name, path)

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
                if name.suffix.lower() in SUFFIXES and not name.name.startswith("."):
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


def _key(name: PurePosixPath) -> str:
    """Return what the files of one sample share: the name up to its first dot, and the folder before it."""
    return f"{name.parent}/{name.name.partition('.')[0]}"


def _divided(sources: list[Source]) -> list[Source]:
    """Give photos in folders ``train`` and ``val`` or ``test`` that part, and the folder below as label."""
    firsts = {source.name.partition("/")[0] for source in sources}
    if "train" not in {PART_FOLDERS.get(first) for first in firsts} or len(firsts) < 2 or firsts - set(PART_FOLDERS):
        return sources
    divided = []
    for source in sources:
        first, *between, _ = source.name.split("/")
        label = between[0] if len(between) == 1 else source.label
        divided.append(dataclasses.replace(source, part=PART_FOLDERS[first], label=label))
    return divided
