"""What runs in the process of a training: the same call that ``tinct train`` makes. See :mod:`tinct.web.sandbox`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tinct.training.progress import Progress
from tinct.training.run import train
from tinct.web.child import Tell, serve
from tinct.weights.export import export

LEAST_SECONDS = 0.5
"""Between two reports of losses; those of a validation are all told."""
EACH_EPOCH = "validation.each_epoch=true"
"""Who watches a page wants to know after each epoch."""


def work(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Train, or export what was trained."""
    if request["do"] == "export":
        export(Path(request["run"]), Path(request["out"]), overwrite=True)
        return {}
    told = 0.0
    validating = False

    def report(progress: Progress) -> None:
        nonlocal told, validating
        if progress.note:
            tell({"kind": "note", "stage": progress.stage, "note": progress.note, **counts(progress)})
            return
        now = time.monotonic()
        figures = progress.stage != "reading" and bool(progress.figures)
        # A validation's figures come with the first report after it.
        kind = "validation" if validating and figures else "loss" if figures else "stage"
        if kind != "validation" and progress.stage != "validating" and now - told < LEAST_SECONDS:
            return
        told, validating = now, progress.stage == "validating" and not figures
        tell(
            {
                "kind": kind,
                "stage": progress.stage,
                **counts(progress),
                "photos_per_second": progress.photos_per_second,
                "seconds_left": progress.seconds_left,
                "figures": dict(progress.figures),
            }
        )

    train(
        request["recipe"],
        Path(request["data"]),
        Path(request["run"]),
        budget=request["budget"],
        seed=request["seed"],
        init=request["init"],
        presets=tuple(request["presets"]),
        settings=(EACH_EPOCH, *request["settings"]),
        resume=True,
        cache=Path(request["cache"]),
        report=report,
    )
    return {}


def counts(progress: Progress) -> dict[str, Any]:
    """Return how far a run is."""
    return {"done": progress.done, "step": progress.step, "seen": progress.seen, "epochs": round(progress.epochs, 3)}


if __name__ == "__main__":
    serve(work)
