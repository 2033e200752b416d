"""From the command's arguments to a list of photographs: files, folders, patterns, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tinct.errors import OptionError
from tinct.jobs.naming import RESULT, is_result, original_stem
from tinct.jobs.walking import walk
from tinct.media.formats import READABLE

STANDARD = "-"
"""Stands for standard input or output."""


@dataclass(frozen=True, slots=True)
class Source:
    """A photograph to colorize."""

    name: str
    """As the user gave it, or the folder's argument and the path below it."""
    below: Path | None = None
    """Path below the folder that it was found in; None for a file named by itself."""

    @property
    def is_standard(self) -> bool:
        """Whether it is standard input."""
        return self.name == STANDARD and self.below is None


@dataclass(slots=True)
class Gathered:
    """What the arguments came to."""

    sources: list[Source] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Arguments that gave nothing, each with its reason."""
    earlier: list[str] = field(default_factory=list)
    """Results of an earlier run, left out."""
    several: bool = False
    """Whether there is a folder, or more than one photograph, so that ``-o`` can't be a file."""


def gather(arguments: Sequence[str], *, recursive: bool = False, avoid: Path | None = None) -> Gathered:
    """List the photographs that the arguments name, in their order and each once; folders sorted by name.

    In a folder, only files with a picture's suffix count, hidden ones don't, and results of an earlier run
    (``x.color.jpg``) are left out. A result that is named is left out only where its original is named too, so that
    ``*.jpg`` can be given twice.

    Args:
        arguments: files, folders, patterns with ``* ? [...]`` and ``**``, or ``-`` alone.
        recursive: look into the folders' subfolders; links are followed, each folder is visited once.
        avoid: a folder that isn't looked into, because results go there.

    Raises:
        OptionError: ``-`` beside other inputs.
    """
    if STANDARD in arguments and len(arguments) > 1:
        raise OptionError("'-' reads one photograph from standard input and can't stand beside other inputs")
    gathered = Gathered()
    named: list[str] = []
    for argument in arguments:
        if argument == STANDARD:
            gathered.sources.append(Source(STANDARD))
        elif os.path.lexists(argument):
            named.append(argument)
        elif glob.has_magic(argument):
            matches = sorted(glob.glob(argument, recursive=True))
            named.extend(matches)
            if not matches:
                gathered.problems.append((argument, "no file matches this pattern"))
        else:
            gathered.problems.append((argument, "there is no such file or folder"))
    originals = {_stem(name) for name in named}
    for name in named:
        if os.path.isdir(name):
            gathered.several = True
            _gather_folder(name, recursive, avoid, gathered)
        elif is_result(name) and original_stem(_stem(name)) in originals:
            gathered.earlier.append(name)
        else:
            gathered.sources.append(Source(name))
    once: dict[str, Source] = {}
    for source in gathered.sources:
        once.setdefault(os.path.normcase(os.path.abspath(source.name)), source)
    gathered.sources = list(once.values())
    gathered.several |= len(gathered.sources) + len(gathered.problems) > 1
    return gathered


def _stem(name: str) -> str:
    return os.path.splitext(os.path.abspath(name))[0]


def _gather_folder(folder: str, recursive: bool, avoid: Path | None, gathered: Gathered) -> None:
    found, earlier, deeper = 0, 0, 0
    for name, is_folder, problem in walk(folder, recursive, [] if avoid is None else [avoid]):
        if problem:
            gathered.problems.append((name, problem))
        elif is_folder:
            deeper += 1
        elif is_result(name):
            earlier += 1
            gathered.earlier.append(name)
        else:
            found += 1
            gathered.sources.append(Source(name, Path(os.path.relpath(name, folder))))
    if not found and not any(name == folder for name, _ in gathered.problems):
        reason = f"the folder holds no pictures that Tinct reads ({READABLE})"
        if earlier:
            reason += f", only results of an earlier run (*{RESULT}.*); name a file to colorize it again"
        elif deeper:
            reason += "; --recursive looks into its subfolders"
        gathered.problems.append((folder, reason))
