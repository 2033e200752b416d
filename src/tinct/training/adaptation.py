"""Adapting a trained model to a few pictures of a new kind: when that is what is asked for, and what is replayed.

A recipe may have a section ``adaptation`` of other settings. They hold where a run starts from a model and has no more
than :data:`MOST` pictures, unless that is asked for or forbidden outright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinct.data.inventory import take_inventory
from tinct.data.split import Division, divide
from tinct.errors import ConfigError, DataError, OptionError
from tinct.settings import load_folder
from tinct.training.config import ReplayConfig
from tinct.training.examiner import ordinary_name
from tinct.training.recipes import ADAPTATION, can_adapt

MOST = 2000
"""Pictures up to which a run that starts from a model adapts it."""
FEW = 20
"""Pictures below which a user is told that these are few."""
PHOTOS = "photos"
"""Folder of ordinary photos in what ``TINCT_DATA`` names."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a run adapts a model."""

    adapts: bool
    why: str


def decide(recipe: str, data: Path, init: str | None, wanted: bool | None) -> Decision:
    """Tell whether a run adapts a model.

    Args:
        recipe: name or file.
        data: the pictures.
        init: the model to start from, if any.
        wanted: what was asked for; None leaves it to the rule.

    Raises:
        ConfigError: it is asked for, and the recipe has no section for it.
        OptionError: it is asked for without a model to start from.
        DataError: there are no pictures, or just one.
    """
    if wanted is False:
        return Decision(False, "it was asked for as the recipe has it")
    if not can_adapt(recipe):
        if wanted:
            raise ConfigError(recipe, [f"it has no section {ADAPTATION}; choose another recipe, such as tinct"])
        return Decision(False, f"the recipe has no section {ADAPTATION}")
    if init is None:
        if wanted:
            raise OptionError("to adapt a model, name it by --init, for example --init default")
        return Decision(False, "no model to start from")
    count = len(take_inventory(data).sources)
    if count == 1:
        raise DataError(
            f"{data} holds one picture; to adapt a model give at least two of the new kind, better {FEW} to {MOST:,}. "
            "The colors of a single picture are set by hints: tinct colorize --hint or --reference"
        )
    if wanted:
        return Decision(True, "it was asked for")
    if count > MOST:
        return Decision(False, f"{count:,} pictures are more than {MOST:,}")
    few = f", which is few: some {FEW} or more tell better what is common to the kind" if count < FEW else ""
    return Decision(True, f"a model to start from, and {count:,} pictures, not more than {MOST:,}{few}")


@dataclass(frozen=True, slots=True)
class Replay:
    """Where ordinary photos are taken from."""

    division: Division | None
    """None where nothing is replayed."""
    path: Path | None
    why: str


def find_replay(config: ReplayConfig, given: Path | None, *, look: bool = True) -> Replay:
    """Find the photos to replay, if the recipe wants any: those given, else the folder ``photos`` in ``TINCT_DATA``.

    Args:
        config: section of the recipe.
        given: where they are.
        look: whether ``TINCT_DATA`` counts; not for a run that began without any.

    Raises:
        OptionError: photos are given that would not be used.
        DataError: there are none at the place that was given.
    """
    if config.share == 0:
        if given is not None:
            raise OptionError(f"nothing of {given} would be replayed; set a share: --set replay.share=0.3")
        return Replay(None, None, "")
    share = f"{config.share:.0%} of the photos are ordinary ones, from "
    if given is not None:
        return Replay(_divide(given, config), given, f"{share}{given}")
    folder = load_folder("data") if look else None
    place = None if folder is None else folder / PHOTOS
    if place is not None and place.exists():
        return Replay(_divide(place, config), place, f"{share}{place}")
    missing = "no --replay, and " + ("TINCT_DATA is not set" if place is None else f"there is no {place}")
    without = (
        f"no ordinary photos to replay ({missing if look else 'the run began without'}): the weights to use are "
        f"{config.anchor_alone:.0%} those of the start"
    )
    return Replay(None, None, without)


def anchor(config: ReplayConfig, replayed: Sequence[object]) -> float:
    """Return the share of the start's weights in those that are used, given the photos to replay."""
    return config.anchor if replayed or config.share == 0 else config.anchor_alone


def _divide(place: Path, config: ReplayConfig) -> Division:
    # As many apart as are asked for, or a tenth.
    return divide(place, 0.1, least=config.held)


def summarize(first: dict[str, float], last: dict[str, float]) -> list[str]:
    """Return what an adaptation gained and lost, from the figures before and after it, as lines for a reader."""
    modes = [name for name in last if name.startswith("psnr") and not name.endswith(("_gray", "_hints"))]
    lines = []
    for what, ordinary in (("new pictures", False), ("ordinary photographs", True)):
        for name in [name for name in modes if name.startswith(ordinary_name("psnr")) == ordinary][:1]:
            change = last[name] - first[name]
            lines.append(f"{what} kept apart: {first[name]:.2f} -> {last[name]:.2f} dB ({change:+.2f})")
    return lines


def record(decision: Decision, replay: Replay, replayed: int, ordinary: int) -> dict[str, Any]:
    """Return what a run's record says of it."""
    said: dict[str, Any] = {"adapts": decision.adapts, "why": decision.why}
    if replay.why:
        said["replay"] = {
            "path": None if replay.path is None else str(replay.path),
            "photos": replayed,
            "held": ordinary,
            "why": replay.why,
        }
    return said
