"""Places365 as published: archives or unpacked folders of photos, and the lists that say which photo shows what.

Source: Zhou, Lapedriza, Khosla, Oliva, Torralba, "Places: A 10 million Image Database for Scene Recognition" (2017),
and the page of the data set. The archives are ``train_256_places365standard.tar``, with members such as
``data_256/a/airfield/00000001.jpg``, ``val_256.tar`` (``val_256/Places365_val_00000001.jpg``) and ``test_256.tar``; the
lists lie beside them or in ``filelist_places365-standard.tar``.
"""

from __future__ import annotations

import dataclasses
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tinct.data.source import Part, Source
from tinct.errors import DataError

LISTS_TAR = "filelist_places365-standard.tar"
CATEGORIES, TRAIN_LIST, VAL_LIST = "categories_places365.txt", "places365_train_standard.txt", "places365_val.txt"
ARCHIVES: Mapping[Part, str] = {
    "train": "train_256_places365standard.tar",
    "val": "val_256.tar",
    "test": "test_256.tar",
}
FOLDERS: Mapping[str, Part] = {"data_256": "train", "data_256_standard": "train", "val_256": "val", "test_256": "test"}
"""First part of a photo's name, in the archives and unpacked."""


def is_places(folder: Path) -> bool:
    """Tell whether a folder holds Places365: its training archive, the folder in it, or its lists."""
    names = (ARCHIVES["train"], "data_256", "data_256_standard", LISTS_TAR, CATEGORIES, TRAIN_LIST, VAL_LIST)
    return any((folder / name).exists() for name in names)


def assign(folder: Path, sources: list[Source], fault: Callable[[str, str], None]) -> list[Source]:
    """Give the photos their published part and, where the lists are there, their category.

    A photo of a part whose list is there but doesn't name it is left out.

    Args:
        folder: of the data set.
        sources: its photos.
        fault: told of a file and what is missing or damaged in it.
    """
    lists = _read_lists(folder, fault)
    categories = _numbers(lists.get(CATEGORIES, ""))
    names = {number: name.partition("/")[2] for name, number in categories.items()}
    listed: dict[Part, dict[str, int]] = {
        "train": _numbers(lists.get(TRAIN_LIST, "")),
        "val": _numbers(lists.get(VAL_LIST, "")),
    }
    kept: list[Source] = []
    for source in sources:
        first, _, rest = source.name.partition("/")
        part = FOLDERS.get(first)
        if part is None:
            continue
        label = None
        if numbers := listed.get(part):
            number = numbers.get(rest)
            if number is None:
                continue
            label = names.get(number)
        kept.append(dataclasses.replace(source, part=part, label=label))
    for part, numbers in listed.items():
        there = sum(source.part == part for source in kept)
        if there and there < len(numbers):
            fault(ARCHIVES[part], f"lacks {len(numbers) - there:,} of the {len(numbers):,} photos of its list")
    return kept


def _read_lists(folder: Path, fault: Callable[[str, str], None]) -> dict[str, str]:
    wanted = (CATEGORIES, TRAIN_LIST, VAL_LIST)
    found: dict[str, str] = {}
    if (folder / LISTS_TAR).is_file():
        try:
            with tarfile.open(folder / LISTS_TAR) as tar:
                for member in tar:
                    name = member.name.rpartition("/")[2]
                    if name in wanted and (content := tar.extractfile(member)) is not None:
                        found[name] = content.read().decode("utf-8", "replace")
        except (tarfile.TarError, OSError, EOFError) as error:
            fault(LISTS_TAR, f"can't be read ({error})")
    for name in wanted:
        if (folder / name).is_file():
            found[name] = (folder / name).read_text("utf-8", "replace")
    return found


def _numbers(text: str) -> dict[str, int]:
    """Read lines ``NAME NUMBER``; a name's slash at the beginning doesn't count.

    Raises:
        DataError: a line is none.
    """
    numbers: dict[str, int] = {}
    for count, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, _, number = line.strip().rpartition(" ")
            if not name or not number.isdigit():
                raise DataError(
                    f"line {count} of a list of Places365 is {line[:80]!r}, not NAME NUMBER; fetch it again"
                )
            numbers[name.lstrip("/")] = int(number)
    return numbers
