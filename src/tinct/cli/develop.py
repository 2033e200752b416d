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
        typer.Option(metavar="AMOUNT", help="How long: 10min, 2h, 500steps or 3epochs. Not given: the recipe's."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of every random choice; 0 unless given.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from DIR's last checkpoint, or start where there is none.")
    ] = False,
    init: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start from a model: default, an ONNX file, a checkpoint.")
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A group of other settings that the recipe has, such as light. Repeatable."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another setting, such as optimizer.rate=1e-4. Repeatable."),
    ] = None,
    adapt: Annotated[
        bool | None,
        typer.Option(
            "--adapt/--no-adapt",
            help="Adapt the model of --init to pictures of a new kind. Not given: where there are at most 2,000.",
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Ordinary photographs among the new ones, so that nothing is forgotten."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where it runs.")] = "auto",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write files for TensorBoard too, into DIR/tensorboard.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Decode all photographs anew, and keep nothing for the next run.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a model.

    A run that is killed goes on with --resume as if nothing had happened, with the budget, seed and settings that it
    was started with; on a finished run --resume does nothing. tinct runs lists what there is.
    Several GPUs: accelerate launch -m tinct train ...
    """
    for library in ("torch", "accelerate", "pydantic", "yaml", "safetensors", "matplotlib"):
        need(library, "tinct train")
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        from tinct.errors import MissingExtra

        raise MissingExtra("--tensorboard", "tensorboard")
    from tinct.cli.training_bar import TrainingBar
    from tinct.settings import load_settings
    from tinct.training import run
    from tinct.training.interrupts import terminable

    cache = None if no_cache else load_settings().cache_folder()
    # Of several processes only the first draws.
    quiet = quiet or os.environ.get("RANK", "0") != "0"
    with TrainingBar(quiet) as bar, terminable():
        checkpoint = run.train(
            recipe,
            data,
            out,
            budget=budget,
            seed=seed,
            resume=resume,
            init=init,
            presets=preset or (),
            settings=setting or (),
            device=device,
            tensorboard=tensorboard,
            adapt=adapt,
            replay=replay,
            cache=cache,
            report=bar.update,
        )
    if not quiet:
        from tinct.weights.checkpoint import locate

        typer.echo(f"The checkpoint is {checkpoint}", err=True)
        if (best := locate(out)) != checkpoint:
            typer.echo(f"The best weights are in {best}; {out} stands for them in --model, --init and export", err=True)


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A run's folder, or one of weights in it.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="The file to write.")],
    half: Annotated[
        bool, typer.Option("--half/--full", help="Weights of 16 bits, half the size, or of 32 bits.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Turn a checkpoint into an ONNX file.

    It colorizes without torch; whether both give the same is checked.
    """
    need("torch", "tinct export")
    need("onnx", "tinct export")
    from tinct.weights import export as exporter

    difference = exporter.export(checkpoint, output, half=half, overwrite=overwrite)
    typer.echo(f"{checkpoint} -> {output} (differs from the checkpoint by {difference:.2g} at most)", err=True)


def need(library: str, command: str) -> None:
    """Raise MissingExtra where a library that a command needs, of the extra [train], isn't installed."""
    if importlib.util.find_spec(library) is None:
        from tinct.errors import MissingExtra

        raise MissingExtra(command, "train")
