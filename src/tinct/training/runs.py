"""The record of a run, ``run.json``: what it was made from, how far it is, how good it is. Needs no torch."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from operator import itemgetter
from pathlib import Path
from typing import Any

from tinct.errors import DataError, TrainingError
from tinct.media.atomic import atomic_path, make_folder
from tinct.media.lock import take_lock
from tinct.training.journal import PLACES, VALIDATION, lower_is_better, read_rows

FILE, LOCK = "run.json", ".tinct-lock"
UNFINISHED = "unfinished"
"""State of a run that goes on, or was killed."""
FINISHED, STOPPED = "finished", "stopped early"
"""States of a run that is over: its budget is used, or its figures rose no more."""
RANKED = ("psnr", "ssim", "mse")
"""Figures, by the beginnings of their names, of which one can be better than another."""
NEEDED = {"name", "recipe", "seen", "hours", "figures", "started"}
DEEPEST = 3
"""Levels of folders in which runs are looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for beside recipe, data and folder; on resuming, what isn't asked again holds on."""

    budget: str | None = None
    seed: int | None = None
    init: str | None = None
    presets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    adapt: bool | None = None
    replay: str | None = None

    def filled_from(self, run: Path) -> Asked:
        """Return the same, with what is missing as the run in a folder was asked for."""
        try:
            before = read_record(run)["asked"]
            return Asked(
                self.budget or before["budget"],
                before["seed"] if self.seed is None else self.seed,
                self.init or before["init"],
                self.presets or tuple(before["presets"]),
                self.settings or tuple(before["settings"]),
                before.get("adapt") if self.adapt is None else self.adapt,
                self.replay or before.get("replay"),
            )
        except (DataError, KeyError, TypeError):
            # The checkpoint alone is enough to resume from.
            return self


@contextmanager
def own_folder(run: Path) -> Iterator[None]:
    """Make a run's folder, and keep other trainings out of it.

    Raises:
        OutputError: it can't be made or written.
        TrainingError: another training is at work in it.
    """
    make_folder(run)
    lock = take_lock(run / LOCK)
    if lock is None:
        raise TrainingError(f"another training is at work in {run}; wait for it, stop it, or give another folder")
    with closing(lock):
        yield


def make_record(recipe: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """Return the record of a run that begins.

    Args:
        recipe: all settings.
        facts: what else is known of it at its start.
    """
    return {
        "name": recipe["name"],
        "state": UNFINISHED,
        **facts,
        "budget": recipe["budget"],
        "step": 0,
        "seen": 0,
        "hours": 0.0,
        "figures": {},
        "best": {},
        "git": git_revision(),
        "versions": _versions(),
        "started": _now(),
        "updated": _now(),
        "recipe": dict(recipe),
    }


def read_beginning(run: Path) -> dict[str, Any]:
    """Return what a run that is resumed keeps of its record: when it began, and what was decided then."""
    with suppress(DataError):
        before = read_record(run)
        return {key: before[key] for key in ("started", "adaptation") if key in before}
    return {}


def note_progress(record: dict[str, Any], run: Path, state: str, place: Mapping[str, float]) -> None:
    """Bring a record up to date and write it.

    Its figures are those of the weights that the run's folder stands for: of the last validation, or where the recipe
    stops early of the best.

    Args:
        record: see :func:`make_record`.
        run: the run's folder.
        state: of the run.
        place: :data:`tinct.training.journal.PLACES` and how far each is.
    """
    rows = read_figures(run)
    hours = round(place["seconds"] / 3600, 4)
    record.update(state=state, step=place["step"], seen=place["seen"], hours=hours, updated=_now())
    record["figures"] = _best(rows, record["recipe"]) if rows else {}
    record["best"] = {
        name: (min if lower_is_better(name) else max)(row[name] for row in rows)
        for name in record["figures"]
        if name.startswith(RANKED) and not name.endswith("_gray")
    }
    with atomic_path(run / FILE, overwrite=True) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _best(rows: Sequence[dict[str, float]], recipe: Mapping[str, Any]) -> dict[str, float]:
    stopping = recipe.get("early_stopping")
    if stopping is None:
        return rows[-1]
    figure = stopping["figure"]
    return (min if lower_is_better(figure) else max)(rows, key=itemgetter(figure))


def read_figures(run: Path) -> list[dict[str, float]]:
    """Return the figures of all of a run's validations so far."""
    rows = read_rows(run / VALIDATION)
    return [{name: float(value) for name, value in row.items() if name not in PLACES} for row in rows]


def read_record(run: Path) -> dict[str, Any]:
    """Read the record of a run.

    Raises:
        DataError: there is none, or it can't be read.
    """
    path = run if run.name == FILE else run / FILE
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(
            f"{run} is no run: it has no {FILE} ({error.strerror}); see tinct runs for those there are"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} can't be read ({error})") from error
    missing = NEEDED - record.keys() if isinstance(record, dict) else {FILE}
    if missing:
        raise DataError(f"{path} is no record of a run: it lacks {', '.join(sorted(missing))}")
    return record


def find_runs(places: Iterable[Path]) -> list[Path]:
    """Return the folders of all runs at or below some places, sorted.

    Raises:
        DataError: a place is no folder.
    """
    found: set[Path] = set()
    for place in places:
        if not place.is_dir():
            raise DataError(f"{place} is no folder; give folders of runs, as they were given to tinct train --out")
        for folder, below, files in os.walk(place):
            here = Path(folder)
            if FILE in files:
                found.add(here)
            if FILE in files or len(here.relative_to(place).parts) >= DEEPEST:
                below.clear()
    return sorted(found)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings in which two nested mappings differ, by their dotted names."""
    before, after = _flat(old, ""), _flat(new, "")
    return {
        place: (before.get(place), after.get(place))
        for place in sorted(before.keys() | after.keys())
        if before.get(place) != after.get(place)
    }


def _flat(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {place: value}
    return {k: v for key, part in value.items() for k, v in _flat(part, f"{place}.{key}" if place else key).items()}


def git_revision() -> str | None:
    """Return the revision of the checkout that this is, with ``-dirty`` where it was changed; None elsewhere."""
    here, git = Path(__file__).parent, shutil.which("git")
    if git is None:
        return None

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run([git, "-C", here, *words], capture_output=True, text=True, check=False, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed package may lie below a checkout of something else, which doesn't track it.
    if ask("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return ask("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("tinct", "torch", "numpy", "accelerate"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
