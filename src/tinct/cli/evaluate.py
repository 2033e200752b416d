"""The command that measures colorizers: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinct.evaluation.report import Photos
    from tinct.evaluation.request import Request

_WHAT, _HOW, _OUTPUT, _RUNNING = "What", "How", "Output", "Running"


def evaluate(
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="PATH",
            rich_help_panel=_WHAT,
            help="Color photographs: a folder, a tar, a folder of tars. May be given again.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            rich_help_panel=_WHAT,
            help="A model, an ONNX file, or a checkpoint. May be given again. Not given, nor --command: the default.",
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="'TOOL {in} {out}'",
            rich_help_panel=_WHAT,
            help="Any other colorizer: a shell command, run once, that colors a folder of gray PNGs into another.",
        ),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="stretch256|native|center256",
            rich_help_panel=_HOW,
            help="Photographs stretched to 256x256, as they are, or the middle square of a short side of 256.",
        ),
    ] = "stretch256",
    mode: Annotated[
        str, typer.Option(metavar="vivid|faithful", rich_help_panel=_HOW, help="Read-out of models that have both.")
    ] = "vivid",
    count: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=_HOW, help="Draw so many photographs, the same ones each time."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="val|test",
            rich_help_panel=_HOW,
            help="Part of data that are divided. Not given: val, else test, else all there is.",
        ),
    ] = None,
    held_of: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", rich_help_panel=_HOW, help="Only photographs that this training run held back from learning."
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", rich_help_panel=_HOW, help="Figures to measure. Not given: all."),
    ] = None,
    raw_rgb: Annotated[
        bool,
        typer.Option(
            "--raw-rgb",
            rich_help_panel=_HOW,
            help="Measure the RGB of networks that give it, not its colors over the original lightness.",
        ),
    ] = False,
    hint_curve: Annotated[
        bool, typer.Option("--hint-curve", rich_help_panel=_HOW, help="Measure PSNR over 0 to 500 hints, too.")
    ] = False,
    fid_weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_HOW, help="Weights of Inception-v3 as FID uses it."),
    ] = None,
    lpips_weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_HOW, help="Weights of AlexNet with those of LPIPS."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", rich_help_panel=_OUTPUT, help="Write a report: one HTML file; needs [train]."
        ),
    ] = None,
    report_photos: Annotated[
        str,
        typer.Option(
            metavar="measured|none|DIR",
            rich_help_panel=_OUTPUT,
            help="Photographs that the report shows: of those measured, none, or those in a folder, for passing it on.",
        ),
    ] = "measured",
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE.json", rich_help_panel=_OUTPUT, help="Write all figures.")
    ] = None,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", rich_help_panel=_OUTPUT, help="Write the table.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_RUNNING,
            help="Keeps what is measured, for a run that is killed. Not given: NAME.measured beside the first output.",
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", rich_help_panel=_RUNNING, help="That --command may take.")
    ] = 3600.0,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda", rich_help_panel=_RUNNING, help="Where networks run.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", rich_help_panel=_RUNNING, help="Photographs worked on at once."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=_RUNNING, help="Say only what failed.")
    ] = False,
) -> None:
    """Measure models, or any other colorizer, on color photographs.

    Prints a table; gray, one tint, a random photograph's colors and the original always stand beside. A run that was
    killed goes on where it stopped when it is started again. Exit codes: 0 all done, 1 some photographs failed or have
    no result, 2 wrong usage.
    """
    from tinct.evaluation.request import Request
    from tinct.settings import load_settings

    settings = load_settings()
    first = next((path for path in (as_json, report, as_csv) if path is not None), None)
    request = Request(
        data=tuple(data),
        models=tuple(model or (() if command is not None else (settings.model,))),
        command=command,
        protocol=protocol,  # type: ignore[arg-type]  # it checks the names itself
        mode=mode,  # type: ignore[arg-type]
        count=count,
        part=part,  # type: ignore[arg-type]
        held_of=held_of,
        metrics=tuple(metrics or ()),
        raw_rgb=raw_rgb,
        hint_curve=hint_curve,
        time_limit=time_limit,
        fid_weights=fid_weights,
        lpips_weights=lpips_weights,
        store=store or (first.with_suffix(".measured") if first is not None else None),
        device=device or settings.device,
        jobs=settings.jobs if jobs is None else jobs,
    )
    check_outputs(report, as_json, as_csv, request.store)
    photos = _check_photos(report, report_photos)
    raise typer.Exit(_run(request, report, photos, as_json, as_csv, quiet))


def _check_photos(report: Path | None, photos: str) -> Photos:
    """Return what the report is to show; what would fail after minutes of work is said now."""
    from tinct.data.inventory import take_inventory
    from tinct.errors import OptionError

    if photos == "measured" or photos == "none":
        return photos  # type: ignore[return-value]  # mypy doesn't narrow it
    if report is None:
        raise OptionError("--report-photos is for a report; give --report, too")
    if not Path(photos).is_dir():
        raise OptionError(f"--report-photos is {photos!r}; give measured, none, or a folder of photographs")
    take_inventory(Path(photos))
    return Path(photos)


def check_outputs(*outputs: Path | None) -> None:
    """Say now what would fail after minutes of work, or be lost.

    Raises:
        OptionError: an output can't be a file, or two of them are one file.
    """
    from tinct.errors import OptionError

    paths = [path for path in outputs if path is not None]
    for path in paths:
        if path.is_dir() or not path.parent.is_dir():
            what = "is a folder" if path.is_dir() else "lies in a folder that doesn't exist"
            raise OptionError(f"{path} {what}; give a file in a folder that exists")
    files = [path.resolve() for path in paths]
    for path, file in zip(paths, files, strict=True):
        if files.count(file) > 1:
            raise OptionError(f"{path} is given for two outputs, of which one would be lost; give each a file")


def _run(
    request: Request,
    report: Path | None,
    photos: Photos,
    as_json: Path | None,
    as_csv: Path | None,
    quiet: bool,
) -> int:
    from tinct.cli.evaluation_bar import EvaluationBar
    from tinct.evaluation import output
    from tinct.evaluation.runner import evaluate as run

    if report is not None:
        # Before the work, so that what it needs is missed now.
        from tinct.evaluation.report import to_html

    with EvaluationBar(quiet) as bar, run(request, bar.update) as (evaluation, views):
        if as_json is not None:
            write_text(as_json, output.to_json(evaluation))
        if as_csv is not None:
            write_text(as_csv, output.to_csv(evaluation))
        if report is not None:
            write_text(report, to_html(evaluation, views, photos))
    if not quiet:
        typer.echo(output.to_text(evaluation), nl=False)
        if evaluation.already:
            typer.echo(f"{evaluation.already} photographs had been measured before", err=True)
        for figure, reason in evaluation.reasons.items():
            typer.secho(f"{figure} is not available: {reason}", fg="yellow", err=True)
    for line in evaluation.faults:
        typer.secho(line, fg="red", err=True)
    return 1 if evaluation.faults else 0


def write_text(path: Path, text: str) -> None:
    """Write a text, in place of a file of that name."""
    from tinct.media.atomic import atomic_path

    with atomic_path(path, overwrite=True) as file:
        file.write_text(text, "utf-8")
