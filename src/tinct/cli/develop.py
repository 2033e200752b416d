"""The commands that a developer of models needs: train, export."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[str, typer.Argument(metavar="NAME|RECIPE.yaml", help="A recipe of the package, or a file.")],
    data: Annotated[Path, typer.Option(metavar="PATH", help="A folder of photographs, a tar, or a folder of tars.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run's folder: checkpoint, figures, pictures.")],
    budget: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="How long: 10min, 500steps or 3epochs. Not given: the recipe's."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of every random choice; 0 unless given.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from DIR's last checkpoint, or start where there is none.")
    ] = False,
    init: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start from a model: default, an ONNX file, a checkpoint.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a model.

    A run that is killed goes on with --resume as if nothing had happened; on a finished run --resume does nothing.
    Several GPUs: accelerate launch -m tinct train ...
    """
    _need("torch", "tinct train")
    from tinct.cli.training_bar import TrainingBar
    from tinct.training import run

    # Of several processes only the first draws.
    with TrainingBar(quiet or os.environ.get("RANK", "0") != "0") as bar:
        checkpoint = run.train(recipe, data, out, budget=budget, seed=seed, resume=resume, init=init, report=bar.update)
    if not quiet:
        typer.echo(f"The checkpoint is {checkpoint}", err=True)


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A run's folder or its checkpoint folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="The file to write.")],
    half: Annotated[
        bool, typer.Option("--half/--full", help="Weights of 16 bits, half the size, or of 32 bits.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Turn a checkpoint into an ONNX file.

    It colorizes without torch; whether both give the same is checked.
    """
    _need("torch", "tinct export")
    _need("onnx", "tinct export")
    from tinct.weights import export as exporter

    difference = exporter.export(checkpoint, output, half=half, overwrite=overwrite)
    typer.echo(f"{checkpoint} -> {output} (differs from the checkpoint by {difference:.2g} at most)", err=True)


def _need(library: str, command: str) -> None:
    if importlib.util.find_spec(library) is None:
        from tinct.errors import MissingExtra

        raise MissingExtra(command, "train")
