"""The command that looks into networks: probe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def probe(
    data: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="Labelled photographs: folders of classes, below train and test or not, a tar of them, CIFAR-10.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A model, an ONNX file, or a checkpoint. Repeatable. Not given: the default.",
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A layer, such as encoder.stages.3. Repeatable. Not given: all blocks."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="class|source",
            help="Tell folders apart, or the first parts of names. Not given: classes where all have one.",
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Draw so many photographs, the same ones each time.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Side of what networks see. Not given: as they are, from 64 to 128."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random weights.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw accuracy over layers: PNG, SVG or PDF.")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE.json", help="Write everything.")] = None,
    as_csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write the table.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", help="Photographs decoded at once.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Say what a model has learned to see, layer by layer.

    A linear classifier learns from the frozen features of each layer. Beside each model stand its architecture with
    random weights, EfficientNet-Lite0 with ImageNet weights, and the bare pixels. Exit codes: 0 all done, 1 some
    photographs can't be read, 2 wrong usage.
    """
    from tinct.cli.develop import need
    from tinct.cli.evaluate import check_outputs, write_text
    from tinct.cli.evaluation_bar import EvaluationBar
    from tinct.errors import OptionError
    from tinct.settings import load_settings

    for library in ("torch", "safetensors", *(["matplotlib"] if plot is not None else [])):
        need(library, "tinct probe")
    from tinct.evaluation import probe_output
    from tinct.evaluation.probe import ProbeRequest
    from tinct.evaluation.probe import probe as run

    check_outputs(plot, as_json, as_csv)
    if plot is not None and plot.suffix.lower() not in probe_output.PLOTS:
        raise OptionError(f"--plot is {plot}; give a file that ends in {', '.join(probe_output.PLOTS)}")
    settings = load_settings()
    request = ProbeRequest(
        data=data,
        models=tuple(model or (settings.model,)),
        layers=tuple(layer or ()),
        labels=labels,  # type: ignore[arg-type]  # it checks the names itself
        count=count,
        size=size,
        seed=seed,
        jobs=jobs or settings.jobs or 1,
    )
    with EvaluationBar(quiet) as bar:
        found = run(request, bar.update)
    if as_json is not None:
        write_text(as_json, probe_output.to_json(found))
    if as_csv is not None:
        write_text(as_csv, probe_output.to_csv(found))
    if plot is not None:
        probe_output.plot(found, plot)
    if not quiet:
        typer.echo(probe_output.to_text(found), nl=False)
    for name in found.unreadable:
        typer.secho(f"{name} can't be read", fg="red", err=True)
    raise typer.Exit(1 if found.unreadable else 0)
