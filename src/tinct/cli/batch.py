"""The command ``tinct batch``: its options, and the commands below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinct.cli import options as shared

RUN = "run"
PLACES = "A folder, or an address that begins with s3://, gs:// or file://."
_BATCH = "Batch"


class RunByDefault(TyperGroup):
    """A group whose first command is meant where none is named: ``tinct batch SRC DST``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the first command before arguments that begin with none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [RUN, *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the first command, then name the others."""
        run: Any = self.commands[RUN]
        run.format_help(type(ctx)(run, info_name=ctx.info_name, parent=ctx.parent), formatter)
        others = [(name, one) for name, one in self.commands.items() if name != RUN]
        with formatter.section("Commands"):
            formatter.write_dl([(f"{ctx.command_path} {name}", one.get_short_help_str(80)) for name, one in others])


batch = typer.Typer(
    cls=RunByDefault, no_args_is_help=True, help="Colorize whole archives; a run that is killed can go on."
)


def run(
    source: Annotated[str, typer.Argument(metavar="SRC", help=f"The photographs. {PLACES}", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="DST", help=f"The results. {PLACES}", show_default=False)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", rich_help_panel=_BATCH, help="Say what would be done; write nothing.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", rich_help_panel=_BATCH, help="Go on with whatever comes into SRC, until Ctrl-C."),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(metavar="SECONDS", rich_help_panel=_BATCH, help="Between two looks at SRC with --watch."),
    ] = 2.0,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", rich_help_panel=_BATCH, help="Try again what failed in earlier runs.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            rich_help_panel=_BATCH,
            help="Compare sources and results with their hashes. Not given: by size and time of change.",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", rich_help_panel=_BATCH, help="Replace files in DST that the batch didn't make."),
    ] = False,
    consistent: Annotated[
        bool,
        typer.Option(
            "--consistent", rich_help_panel=_BATCH, help="Let the photographs of a folder share their colors."
        ),
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="IMG", rich_help_panel=_BATCH, help="Let all photographs share this picture's colors."),
    ] = None,
    no_thumbnails: Annotated[
        bool, typer.Option("--no-thumbnails", rich_help_panel=_BATCH, help="Make no small pictures for the report.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_BATCH,
            help="Folder of the manifest and the report. Not given: DST/_tinct, for a bucket one of this user.",
        ),
    ] = None,
    format: shared.Format = None,
    quality: shared.Quality = None,
    layer: shared.Layer = False,
    sidecar: shared.Sidecar = False,
    no_mark: shared.NoMark = False,
    sign_cert: shared.SignCert = None,
    sign_key: shared.SignKey = None,
    mode: shared.Mode = "vivid",
    vividness: shared.Vividness = None,
    saturation: shared.Saturation = 1.0,
    value_shift: shared.ValueShift = 0.0,
    restore: shared.Restore = None,
    model: shared.Model = None,
    size: shared.Size = None,
    pages: shared.PageNumbers = None,
    allow_truncated: shared.AllowTruncated = False,
    max_pixels: shared.MaxPixels = None,
    device: shared.DeviceName = None,
    jobs: shared.Jobs = None,
    engine: shared.EngineName = "local",
    ray_address: shared.RayAddress = None,
    quiet: shared.Quiet = False,
) -> None:
    """Colorize all photographs below SRC into DST, so that a run that is killed can go on.

    Run it again to go on: what is done isn't done again, what has changed is. Results keep the photograph's name and
    place below DST. A manifest in DST/_tinct knows every file; a report with pictures is written there at the end.
    Exit codes: 0 all done, 1 some failed or nothing further can be done, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from tinct.cli.batching import Asked, run_batch
    from tinct.errors import OptionError
    from tinct.inference.options import ColorizeOptions
    from tinct.jobs.batch import Job
    from tinct.jobs.deciding import Wishes
    from tinct.jobs.recipe import Recipe
    from tinct.settings import load_settings

    shared.check_range("--quality", quality, 1, 100)
    shared.check_range("--jobs", jobs, 1, 256)
    shared.check_max_pixels(max_pixels)
    if not 0.1 <= interval <= 86400:
        raise OptionError(f"--interval is {interval:g}, expected 0.1 to 86400 seconds")
    if consistent and reference is not None:
        raise OptionError("--consistent and --reference contradict each other; give one")
    if watch and consistent:
        raise OptionError(
            "--watch can't be --consistent: the colors of a folder depend on all of it; --reference works with --watch"
        )
    if watch and dry_run:
        raise OptionError("--watch and --dry-run contradict each other; give one")
    shared.check_engine(engine, ray_address)
    settings = load_settings()
    recipe = Recipe(
        options=ColorizeOptions(
            mode=mode,  # type: ignore[arg-type]  # it checks the name itself
            vividness=vividness,
            saturation=saturation,
            value_shift=value_shift,
            size=size,
            layer=layer,
            restore=shared.read_steps(restore),
        ),
        format=format,
        quality=quality,
        mark=not no_mark,
        sidecar=sidecar,
        allow_truncated=allow_truncated,
        max_pixels=max_pixels or settings.max_pixels,
        pages=shared.read_page_numbers(pages),
        sign_with=shared.check_signature(sign_cert or settings.sign_cert, sign_key or settings.sign_key, not no_mark),
    )
    recipe.signer()  # what is wrong with the certificate is said before anything is listed
    job = Job(
        source=source,
        target=target,
        recipe=recipe,
        model=settings.model if model is None else model,
        device=device or settings.device,  # type: ignore[arg-type]  # checked where it is used
        state=state,
        wishes=Wishes(retry_failed=retry_failed, verify=verify, overwrite=overwrite),
        consistent=consistent,
        reference=reference,
        thumbnails=not no_thumbnails,
    )
    asked = Asked(
        job,
        jobs or settings.jobs,
        engine=engine,
        ray_address=ray_address,
        dry_run=dry_run,
        watch=interval if watch else None,
        quiet=quiet,
    )
    raise typer.Exit(run_batch(asked))


def report(
    target: Annotated[str, typer.Argument(metavar="DST", help="The results of a batch.", show_default=False)],
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the manifest, where --state named one.")
    ] = None,
) -> None:
    """Write the report of a batch anew: report.csv and pages with pictures."""
    from tinct.jobs.batch import opened_manifest
    from tinct.jobs.report import write_report

    with opened_manifest(target, state) as (manifest, folder):
        typer.echo(os.fsencode(write_report(manifest, folder, target)))


def review(
    target: Annotated[str, typer.Argument(metavar="DST", help="The results of a batch.", show_default=False)],
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the manifest, where --state named one.")
    ] = None,
    port: Annotated[int, typer.Option(metavar="PORT", help="On this machine; 0 takes a free one.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address; don't open it in a browser.")
    ] = False,
) -> None:
    """Look through the results in a browser: accept, reject, colorize again.

    What is colorized again gets other settings. The page is served to this machine alone, at an address with a secret
    in it, until Ctrl-C.
    """
    from tinct.cli.batching import serve_review

    serve_review(target, state, port, browser=not no_browser)


batch.command(RUN, hidden=True, no_args_is_help=True, cls=shared.GroupedCommand)(run)
batch.command("report", no_args_is_help=True)(report)
batch.command("review", no_args_is_help=True)(review)
