"""The commands that a user of photographs needs: colorize, models, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tinct.cli import options as shared

models = typer.Typer(help="List and describe the models.", no_args_is_help=True)


def colorize(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
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
            rich_help_panel=shared.OUTPUT,
            help="File or folder for one photograph, folder for several (made where missing), - for standard output. "
            "Not given: NAME.color.EXT beside each input.",
        ),
    ] = None,
    format: shared.Format = None,
    quality: shared.Quality = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=shared.OUTPUT, help="Replace existing outputs.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", rich_help_panel=shared.OUTPUT, help="Leave what exists, and make what is missing."
        ),
    ] = False,
    confidence: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            rich_help_panel=shared.OUTPUT,
            help="Write how sure each color is, as a gray PNG, white for sure; for several photographs a folder "
            "(NAME.confidence.png).",
        ),
    ] = None,
    layer: shared.Layer = False,
    no_mark: shared.NoMark = False,
    sidecar: shared.Sidecar = False,
    sign_cert: shared.SignCert = None,
    sign_key: shared.SignKey = None,
    mode: shared.Mode = "vivid",
    vividness: shared.Vividness = None,
    saturation: shared.Saturation = 1.0,
    value_shift: shared.ValueShift = 0.0,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,#RRGGBB[,R]",
            rich_help_panel=shared.COLORS,
            help="A color for a place, in pixels or percent of the upright picture, with a radius in pixels (3). "
            "May be given again.",
        ),
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            rich_help_panel=shared.COLORS,
            help='A list of {"x": 12, "y": "40%", "color": "#a03020"}.',
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=shared.COLORS,
            help="A picture of the same shape: white is colorized, black stays as it is.",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=shared.COLORS,
            help="A color picture of the same or like things: where both look alike, its colors steer.",
        ),
    ] = None,
    variants: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=shared.COLORS,
            help="Write N other ways to color each photograph, NAME.color-1.EXT and so on, in place of the usual one.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", rich_help_panel=shared.COLORS, help="Another one gives other variants.")
    ] = 0,
    restore: shared.Restore = None,
    model: shared.Model = None,
    size: shared.Size = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", rich_help_panel=shared.INPUT, help="Look into the folders' subfolders."),
    ] = False,
    pages: shared.PageNumbers = None,
    allow_truncated: shared.AllowTruncated = False,
    max_pixels: shared.MaxPixels = None,
    device: shared.DeviceName = None,
    jobs: shared.Jobs = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=shared.RUNNING, help="One line of JSON a photograph on standard output."
        ),
    ] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Colorize photographs.

    Results keep the photograph's size, bit depth, transparency and metadata. In folders, only files with a picture's
    ending count, and earlier results (NAME.color.EXT) are left out. Ctrl-C finishes what is under way and says what
    is left. Exit codes: 0 all done, 1 some failed, 2 wrong usage.
    """
    from tinct.inference.loading import LoadingBackend
    from tinct.settings import load_settings

    settings = load_settings()
    # Nothing takes as long as loading the model, so it comes first.
    backend = LoadingBackend(settings.model if model is None else model, device or settings.device)  # type: ignore[arg-type]  # it checks

    from tinct.cli.colorize import Request, colorize_all
    from tinct.errors import OptionError
    from tinct.inference.options import MOST_VARIANTS, ColorizeOptions, Hint, load_hints
    from tinct.media.credentials import load_signer

    if overwrite and skip_existing:
        raise OptionError("--overwrite and --skip-existing contradict each other; give one")
    shared.check_range("--quality", quality, 1, 100)
    shared.check_range("--jobs", jobs, 1, 256)
    shared.check_range("--variants", variants, 1, MOST_VARIANTS)
    shared.check_range("--seed", seed, 0, 2**32 - 1)
    shared.check_max_pixels(max_pixels)
    chosen_pages = shared.read_page_numbers(pages)
    if variants is not None and chosen_pages is not None and chosen_pages.one is None:
        raise OptionError("--variants makes other ways to color one page; give one (--pages 2)")
    signature = shared.check_signature(sign_cert or settings.sign_cert, sign_key or settings.sign_key, not no_mark)
    chosen = [Hint.parse(text) for text in hint or ()]
    options = ColorizeOptions(
        mode=mode,  # type: ignore[arg-type]  # it checks the name itself
        vividness=vividness,
        saturation=saturation,
        value_shift=value_shift,
        hints=((*load_hints(hints), *chosen) if hints is not None else tuple(chosen)),
        size=size,
        layer=layer,
        mask=mask,
        reference=reference,
        restore=shared.read_steps(restore),
    )
    code = colorize_all(
        Request(
            inputs=inputs,
            output=output,
            recursive=recursive,
            backend=backend,
            options=options,
            needed=[file for file in (mask, reference, hints) if file is not None],
            variants=variants,
            seed=seed,
            confidence=confidence,
            format=format,
            quality=quality,
            overwrite=overwrite,
            skip_existing=skip_existing,
            allow_truncated=allow_truncated,
            max_pixels=max_pixels or settings.max_pixels,
            pages=chosen_pages,
            mark=not no_mark,
            signer=None if signature is None else load_signer(*signature),
            sidecar=sidecar,
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
    """List the models that --model takes by name.

    Exit code 1 where the file of one can't be used; the others are listed all the same.
    """
    from tinct.cli.facts import describe
    from tinct.errors import TinctError
    from tinct.weights.store import ALIASES, list_models

    unusable = 0
    for name in list_models():
        try:
            facts = describe(name)
        except TinctError as error:
            unusable += 1
            if as_json:
                typer.echo(json.dumps({"name": name, "error": str(error)}))
            typer.secho(f"{name}: {error}", fg="red", err=True)
            continue
        if as_json:
            typer.echo(json.dumps(facts))
        else:
            aliases = [alias for alias, target in ALIASES.items() if target == name]
            also = f" (also: {', '.join(aliases)})" if aliases else ""
            typer.echo(
                f"{name}{also}: {facts['parameters']:,} parameters, {facts['bytes'] / 1e6:.1f} MB, "
                f"sees {facts['size']} pixels{_gain(facts['figures'])}"
            )
    raise typer.Exit(1 if unusable else 0)


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


def _gain(figures: dict[str, float]) -> str:
    """Say by how much a model is better than gray, in the modes for which that is known."""
    gains = {
        name.removeprefix("psnr_over_gray").removeprefix("_"): value
        for name, value in figures.items()
        if name.startswith("psnr_over_gray")
    }
    said = ", ".join(f"{value:+.2f} dB {mode}".rstrip() for mode, value in gains.items())
    return f", over gray {said}" if said else ""


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
