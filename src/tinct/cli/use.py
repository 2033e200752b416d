"""The commands that a user of photographs needs: colorize, models, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(help="List and describe the models.", no_args_is_help=True)

_COLORS, _OUTPUT, _INPUT, _RUNNING = "Colors", "Output", "Input", "Running"


def colorize(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Photographs, folders, patterns such as '*.jpg', or - for standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            rich_help_panel=_OUTPUT,
            help="File or folder for one photograph, folder for several (made where missing), - for standard output. "
            "Not given: NAME.color.EXT beside each input.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            rich_help_panel=_OUTPUT,
            help="jpeg, png, tiff, webp or avif. Not given: by the output's ending, else the input's own.",
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(metavar="1..100", rich_help_panel=_OUTPUT, help="Of JPEG, WebP and AVIF."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_OUTPUT, help="Replace existing outputs.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", rich_help_panel=_OUTPUT, help="Leave photographs with an existing output."),
    ] = False,
    layer: Annotated[
        bool,
        typer.Option(
            "--layer",
            rich_help_panel=_OUTPUT,
            help="Write the color alone, as a 16-bit layer for Photoshop or GIMP (blend mode Color).",
        ),
    ] = False,
    no_mark: Annotated[
        bool,
        typer.Option("--no-mark", rich_help_panel=_OUTPUT, help="Don't note in the metadata that colors are inferred."),
    ] = False,
    mode: Annotated[
        str,
        typer.Option(
            metavar="vivid|faithful",
            rich_help_panel=_COLORS,
            help="Lively colors, or the expected ones: duller, more often right.",
        ),
    ] = "vivid",
    vividness: Annotated[
        float | None,
        typer.Option(
            metavar="0..1", rich_help_panel=_COLORS, help="A point between dull and lively, in place of --mode."
        ),
    ] = None,
    saturation: Annotated[
        float,
        typer.Option(metavar="FACTOR", rich_help_panel=_COLORS, help="Of HSV, applied last; 1 is off."),
    ] = 1.0,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,#RRGGBB[,R]",
            rich_help_panel=_COLORS,
            help="A color for a place, in pixels or percent of the upright picture, with a radius in pixels (3). "
            "May be given again.",
        ),
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", rich_help_panel=_COLORS, help='A list of {"x": 12, "y": "40%", "color": "#a03020"}.'
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_COLORS,
            help="A picture of the same shape: white is colorized, black stays as it is.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            rich_help_panel=_COLORS,
            help="A model's name (see tinct models list), an ONNX file, or a checkpoint.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", rich_help_panel=_COLORS, help="Short side that the network sees. Not given: the model's."
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", rich_help_panel=_INPUT, help="Look into the folders' subfolders.")
    ] = False,
    allow_truncated: Annotated[
        bool,
        typer.Option("--allow-truncated", rich_help_panel=_INPUT, help="Use what is there of a file that ends early."),
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", rich_help_panel=_INPUT, help="Refuse larger photographs. Not given: 2000000000."
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="auto|cpu|cuda", rich_help_panel=_RUNNING, help="Where the network runs."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", rich_help_panel=_RUNNING, help="Photographs worked on at once."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", rich_help_panel=_RUNNING, help="One line of JSON a photograph on standard output."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=_RUNNING, help="Say only what failed.")
    ] = False,
) -> None:
    """Colorize photographs.

    Results keep the photograph's size, bit depth, transparency and metadata. In folders, only files with a picture's
    ending count, and earlier results (NAME.color.EXT) are left out. Ctrl-C finishes what is under way and says what
    is left. Exit codes: 0 all done, 1 some failed, 2 wrong usage.
    """
    from tinct.cli.colorize import Request, colorize_all
    from tinct.errors import OptionError
    from tinct.inference.options import ColorizeOptions, Hint, load_hints
    from tinct.settings import load_settings

    if overwrite and skip_existing:
        raise OptionError("--overwrite and --skip-existing contradict each other; give one")
    for name, value, limits in (("--quality", quality, (1, 100)), ("--jobs", jobs, (1, 256))):
        if value is not None and not limits[0] <= value <= limits[1]:
            raise OptionError(f"{name} is {value}, expected {limits[0]} to {limits[1]}")
    if max_pixels is not None and max_pixels < 1:
        raise OptionError(f"--max-pixels is {max_pixels}, expected a whole number from 1 up")
    settings = load_settings()
    chosen = [Hint.parse(text) for text in hint or ()]
    options = ColorizeOptions(
        mode=mode,  # type: ignore[arg-type]  # it checks the name itself
        vividness=vividness,
        saturation=saturation,
        hints=((*load_hints(hints), *chosen) if hints is not None else tuple(chosen)),
        size=size,
        layer=layer,
        mask=mask,
    )
    code = colorize_all(
        Request(
            inputs=inputs,
            output=output,
            recursive=recursive,
            model=model or settings.model,
            device=device or settings.device,  # type: ignore[arg-type]  # checked where it is used
            options=options,
            format=format,
            quality=quality,
            overwrite=overwrite,
            skip_existing=skip_existing,
            allow_truncated=allow_truncated,
            max_pixels=max_pixels or settings.max_pixels,
            mark=not no_mark,
            jobs=jobs or settings.jobs,
            as_json=as_json,
            quiet=quiet,
        )
    )
    raise typer.Exit(code)


@models.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON a model.")] = False,
) -> None:
    """List the models that --model takes by name."""
    from tinct.cli.facts import describe
    from tinct.weights.store import ALIASES, list_models

    for name in list_models():
        facts = describe(name)
        if as_json:
            typer.echo(json.dumps(facts))
        else:
            aliases = [alias for alias, target in ALIASES.items() if target == name]
            also = f" (also: {', '.join(aliases)})" if aliases else ""
            typer.echo(f"{name}{also}: {facts['parameters']:,} parameters, sees {facts['size']} pixels")


@models.command("info", no_args_is_help=True)
def info_command(
    model: Annotated[str, typer.Argument(metavar="NAME", help="A model's name, an ONNX file, or a checkpoint.")],
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Describe a model: parameters, input size, modes, file."""
    from tinct.cli.facts import describe

    _show(describe(model), as_json)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Check this installation.

    Says versions, processors, providers and memory, and whether the weights are whole; exit code 1 where Tinct can't
    colorize.
    """
    from tinct.cli.facts import examine

    facts, healthy = examine()
    _show(facts, as_json)
    raise typer.Exit(0 if healthy else 1)


def _show(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
        return
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' '):{width}}{_readable(value)}")


def _readable(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
