"""Where each result goes, and what is refused before any work is done."""

from __future__ import annotations

import functools
import os
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tinct.cli.inputs import STANDARD, Gathered, Source
from tinct.errors import OptionError, OutputError, PhotoError
from tinct.jobs.naming import CONFIDENCE, RESULT, result_suffix
from tinct.media.formats import HEAD, HEIC, PNG, Format, choose_format, format_of_name, result_format, sniff


@dataclass(frozen=True, slots=True)
class Task:
    """One photograph and where its result goes."""

    source: Source
    target: Path | None
    """None for standard output."""
    variant: int | None = None
    """Which of several ways of coloring; None for the usual one."""
    confidence: Path | None = None
    """Where to say how sure the colors are; None for nowhere."""
    sidecar: Path | None = None
    """Where the result's XMP goes besides; None for nowhere."""
    kept: frozenset[Path] = frozenset()
    """What of all these is there and stays; the rest is made."""

    @property
    def paths(self) -> list[Path]:
        """What there is to write."""
        return [path for path in (self.target, self.confidence, self.sidecar) if path is not None]

    @property
    def output(self) -> str:
        """The target as the user reads it."""
        return STANDARD if self.target is None else str(self.target)


@dataclass(frozen=True, slots=True)
class Destination:
    """What ``-o`` stands for: one of a folder, a file, standard output, or (all None) beside each input."""

    folder: Path | None = None
    file: Path | None = None
    standard: bool = False


@dataclass(slots=True)
class Plan:
    """What is to be done, left alone and refused."""

    tasks: list[Task] = field(default_factory=list)
    skipped: list[Task] = field(default_factory=list)
    refused: list[tuple[Task, str]] = field(default_factory=list)


def find_destination(output: str | None, inputs: Sequence[str]) -> Destination:
    """Read ``-o``: an existing folder, a path ending in a slash or one without suffix is a folder, else it is a file.

    With several inputs, or a folder, a suffix that is no picture's doesn't count: folders are called by dates too.

    Args:
        output: what was given, None where nothing was.
        inputs: the command's arguments as given.

    Raises:
        OptionError: it is empty, or a folder for standard input.
    """
    if output is None:
        return Destination(standard=inputs[0] == STANDARD)
    if output == STANDARD:
        return Destination(standard=True)
    if not output:
        raise OptionError("-o is empty; give a file or a folder, '.' for the current one, or leave -o out")
    path = Path(output)
    several = len(inputs) > 1 or os.path.isdir(inputs[0])
    is_new_folder = output.endswith(("/", os.sep)) or not path.suffix or (several and format_of_name(path.name) is None)
    if os.path.isdir(path) or (is_new_folder and not os.path.lexists(path)):
        if inputs[0] == STANDARD:
            raise OptionError(f"standard input has no name to use in the folder {output}; give -o a file")
        return Destination(folder=path)
    return Destination(file=path)


def find_confidence(path: str | None, inputs: Sequence[str]) -> Destination | None:
    """Read ``--confidence``: as ``-o``, but a file ends in .png, and standard output is none.

    Raises:
        OptionError: it is something else, or a folder for standard input.
    """
    if path is None:
        return None
    if path in (STANDARD, ""):
        raise OptionError(f"--confidence '{path}': the map can't go to standard output; give a file or a folder")
    destination = find_destination(path, inputs)
    if destination.file is not None and destination.file.suffix.lower() != PNG.suffixes[0]:
        raise OptionError(f"--confidence {path}: the map is a PNG; give a name that ends in .png, or a folder")
    return destination


def make_plan(
    gathered: Gathered,
    destination: Destination,
    *,
    confidence: Destination | None = None,
    variants: int | None = None,
    format: str | None = None,
    layer: bool = False,
    sidecar: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    needed: Sequence[Path] = (),
) -> Plan:
    """Give each photograph its output, and refuse those that would destroy something.

    Args:
        gathered: the photographs.
        destination: where results go.
        confidence: where maps of how sure the colors are go; None makes none.
        variants: how many ways of coloring each photograph gets, numbered from 1; None for the usual one.
        format: of every result; None keeps each input's where it can be written.
        layer: whether results are layers, which need 16 bits a channel and transparency.
        sidecar: whether results get one.
        overwrite: whether existing outputs may be replaced, the input itself included.
        skip_existing: whether what exists of a photograph's result, map and sidecar stays, and only the rest is made.
        needed: the other files that are read, such as the mask; nothing replaces them.

    Raises:
        OptionError: one output for several photographs, or a format or ending that Tinct doesn't write.
    """
    if gathered.several and destination.standard:
        raise OptionError("standard output takes one photograph; give a folder with -o for several")
    if gathered.several and destination.file is not None:
        raise OptionError(f"-o {destination.file} is a file, the input several or a folder; give a folder")
    if gathered.several and confidence is not None and confidence.file is not None:
        raise OptionError(f"--confidence {confidence.file} is a file, the input several or a folder; give a folder")
    if variants is not None and destination.standard:
        raise OptionError("variants are several pictures, which standard output doesn't take; give -o a file or folder")
    fixed = _fixed_format(format, destination.file)
    if layer and fixed is not None and fixed.depth < 16:
        raise OptionError(f"a layer needs 16 bits a channel, which {fixed.name} doesn't hold; choose png or tiff")
    chosen = None if format is None or fixed is None else fixed.suffixes[0]
    plan = Plan()

    def task_of(source: Source, variant: int | None) -> Task:
        suffix = chosen or result_suffix(source.name, _result_format(source, layer))
        target = _target(source, destination, suffix, variant)
        beside = _sidecar_target(target) if sidecar else None
        task = Task(source, target, variant, _map_target(source, confidence), beside)
        there = [path for path in task.paths if skip_existing and os.path.lexists(path) and not os.path.isdir(path)]
        return replace(task, kept=frozenset(there))

    tasks = [
        task_of(source, variant)
        for source in gathered.sources
        for variant in ([None] if variants is None else range(1, variants + 1))
    ]
    claims: defaultdict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        for path in task.paths:
            claims[_identity(path)].append(task)
    owners = {_identity(Path(source.name)): source for source in gathered.sources}
    kept = {_identity(path): path for path in needed}
    for task in tasks:
        reason = None
        if task.target is not None:
            identity = _identity(task.target)
            reason = _rivalry(task, task.target, claims[identity])
            reason = reason or _theft(task, owners.get(identity)) or _loss("result", kept.get(identity))
            reason = reason or _obstacle(task.source, task.target, overwrite, skip_existing)
        if reason is None and task.confidence is not None and task.confidence not in task.kept:
            identity = _identity(task.confidence)
            reason = _rivalry(task, task.confidence, claims[identity])
            reason = reason or _loss("confidence map", kept.get(identity))
            reason = reason or _map_obstacle(task.confidence, owners.get(identity), overwrite)
        if reason is None and task.sidecar is not None and task.sidecar not in task.kept:
            reason = _loss("sidecar", kept.get(_identity(task.sidecar))) or _existence(
                "sidecar", task.sidecar, overwrite
            )
        if reason is not None:
            plan.refused.append((task, reason))
        elif task.paths and task.kept.issuperset(task.paths):
            plan.skipped.append(task)
        else:
            plan.tasks.append(task)
    return plan


def make_folders(plan: Plan) -> None:
    """Make the folders of the results, so that a plan that can't work ends before any work.

    Raises:
        OutputError: a folder can't be made or written to.
    """
    for folder in dict.fromkeys(path.parent for task in plan.tasks for path in task.paths):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the folder {folder} can't be made: {error.strerror or error}") from error


def _fixed_format(format: str | None, file: Path | None) -> Format | None:
    """Return the format of every result, where the command says one."""
    if format is None and file is None:
        return None
    try:
        return choose_format(format, file, PNG)
    except OptionError as error:
        if format is not None:
            raise
        raise OptionError(f"-o {error}, or end a folder's name with /") from error


def _result_format(source: Source, layer: bool) -> Format:
    """Return the format of a photograph's result, by its first bytes; by its name where they can't be read."""
    name, depth = source.name, 8
    own = format_of_name(name)
    if not source.is_standard and os.path.isfile(name):
        with suppress(OSError, PhotoError):  # which is said when it is read
            with open(name, "rb") as file:
                own = sniff(file.read(HEAD), name)
            if own is HEIC:  # its depth says what becomes of it
                from tinct.media.photo import read_photo

                depth = read_photo(name).depth
    return result_format(own, depth=depth, layer=layer)


def _target(source: Source, destination: Destination, suffix: str, variant: int | None) -> Path | None:
    number = "" if variant is None else f"-{variant}"
    if destination.standard:
        return None
    if destination.file is not None:
        return destination.file.with_name(f"{destination.file.stem}{number}{destination.file.suffix}")
    path = Path(source.name)
    if destination.folder is not None:
        below = source.below or Path(path.name)
        return destination.folder / below.with_name(f"{below.stem}{number}{suffix}")
    return path.with_name(f"{path.stem}{RESULT}{number}{suffix}")


def _map_target(source: Source, destination: Destination | None) -> Path | None:
    if destination is None or destination.folder is None:
        return None if destination is None else destination.file
    below = source.below or Path(Path(source.name).name)
    return destination.folder / below.with_name(f"{below.stem}{CONFIDENCE}{PNG.suffixes[0]}")


def _sidecar_target(target: Path | None) -> Path | None:
    from tinct.media.sidecar import sidecar_of

    return None if target is None else sidecar_of(target)


@functools.cache
def _real(folder: Path) -> str:
    return os.path.realpath(folder)


def _identity(path: Path) -> str:
    """Return what is equal for two paths that lead to one file, also where the system ignores case."""
    real = os.path.realpath(path) if os.path.islink(path) else os.path.join(_real(path.parent), path.name)
    name = os.path.normcase(real)
    return unicodedata.normalize("NFC", name).casefold() if sys.platform == "darwin" else name


def _rivalry(task: Task, path: Path, claimants: Sequence[Task]) -> str | None:
    if sum(claimant is task for claimant in claimants) > 1:
        return f"its result and its confidence map would both be {path}; give the map another name"
    rivals = [rival.source.name for rival in claimants[:4] if rival is not task]
    if not rivals:
        return None
    others = " and ".join(rivals[:3]) + (" and others" if len(claimants) > 4 else "")
    return f"its result would be {path}, as would that of {others}; rename one, or colorize them apart"


def _theft(task: Task, owner: Source | None) -> str | None:
    if owner is None or owner is task.source:
        return None
    return f"its result would replace {owner.name}, which is an input too; give another folder with -o"


def _loss(what: str, needed: Path | None) -> str | None:
    return None if needed is None else f"its {what} would replace {needed}, which is needed; give it another name"


def _map_obstacle(path: Path, owner: Source | None, overwrite: bool) -> str | None:
    if owner is not None:
        return f"its confidence map would replace {owner.name}, which is an input; give --confidence another name"
    return _existence("confidence map", path, overwrite)


def _existence(what: str, path: Path, overwrite: bool) -> str | None:
    if os.path.isdir(path):
        return f"the {what} {path} is a folder"
    if os.path.lexists(path) and not overwrite:
        return f"the {what} {path} exists; --overwrite replaces it"
    return None


def _obstacle(source: Source, target: Path, overwrite: bool, skip_existing: bool) -> str | None:
    if not os.path.lexists(target):
        return None
    if os.path.isdir(target):
        return f"the output {target} is a folder"
    if os.path.exists(target) and not os.path.isfile(target):
        return f"the output {target} is a device or a pipe; give a file, or -o - for standard output"
    if overwrite:
        return None
    same = not source.is_standard and os.path.exists(source.name) and os.path.exists(target)
    if same and os.path.samefile(source.name, target):
        return "the output is the input itself; --overwrite replaces it, -o gives another name"
    if skip_existing:
        return None
    return f"the output {target} exists; --overwrite replaces it, --skip-existing leaves it"
