"""Which photos a run held back from learning, kept so that it can be measured on these alone. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tinct.data.source import Source
from tinct.data.split import Division
from tinct.errors import DataError
from tinct.media.atomic import atomic_path

FILE = "held.json"


@dataclass(frozen=True, slots=True)
class Held:
    """What a run held back."""

    data: Path
    """Where its photos lay."""
    published: bool
    """Whether the data set's own division counted; what is in none of its two parts wasn't learned from either."""
    names: frozenset[str]

    def may_have_learned(self, source: Source) -> bool:
        """Tell whether the run may have learned from a photo of its data set."""
        return source.name not in self.names and (source.part == "train" or not self.published)


def write_held(run: Path, data: Path, division: Division, learned: Iterable[Source]) -> None:
    """Note which photos of a division a run holds back.

    Args:
        run: the run's folder.
        data: where its photos lie.
        division: of them.
        learned: those that it learns from.

    Raises:
        OutputError: it can't be written.
    """
    names = {source.name for source in (*division.train, *division.held)} - {source.name for source in learned}
    said = {"data": str(data.resolve()), "published": division.published, "photos": sorted(names)}
    with atomic_path(run / FILE, overwrite=True) as path:
        path.write_text(json.dumps(said, indent=1) + "\n", "utf-8")


def read_held(run: Path) -> Held:
    """Read what a run held back.

    Args:
        run: its folder, or one of a checkpoint in it.

    Raises:
        DataError: it is no run, or one of a version that didn't note it, or the note can't be read.
    """
    above = run.parent / FILE
    path = above if run.is_dir() and not (run / FILE).exists() and above.is_file() else run / FILE
    try:
        said = json.loads(path.read_text("utf-8"))
        return Held(Path(said["data"]), bool(said["published"]), frozenset(said["photos"]))
    except OSError as error:
        raise DataError(
            f"{run} doesn't say what it held back: it has no {FILE} ({error.strerror}); give the folder of a run, as "
            "tinct train --out was given it. One of an older version writes it when it goes on by --resume"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} can't be read ({error})") from error
