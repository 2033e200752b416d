"""The commands that get data sets and look at them: data fetch, data stats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinct.data.fetch import Progress

data = typer.Typer(help="Get data sets to train on, and look at their colors.", no_args_is_help=True)


@data.command("fetch", no_args_is_help=True)
def fetch_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="cifar10 or places365.")],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to put it in. Not given: NAME, in this one.")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="train|val|test", help="Of places365: 24, 0.5 or 4.4 GB, photographs of 256 pixels."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror: the folder that holds the files under their names.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Download a data set.

    A download that was cut goes on where it stopped when the command is given again. A file gets its name when it is
    whole and has the published checksum; nothing is unpacked, and nothing needs to be.
    """
    from tinct.data.fetch import fetch, files_of

    files = files_of(name, part)
    with _bar(quiet) as progress:
        got = fetch(files, to or Path(name), mirror=url, progress=progress)
    if not quiet:
        for path in got:
            typer.echo(f"{path} is there, {path.stat().st_size:,} bytes, checksum right", err=True)


@contextmanager
def _bar(quiet: bool) -> Iterator[Progress]:
    """Draw a bar a file on standard error."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    tasks = {}
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:

        def progress(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield progress


@contextmanager
def _counting(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Draw a bar of photographs on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Counting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@data.command("stats", no_args_is_help=True)
def stats_command(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A folder of photographs, a tar, a folder of tars, or a data set.")
    ],
    grid: Annotated[int, typer.Option(metavar="1..110", help="Distance of two color bins in a and b.")] = 10,
    sigma: Annotated[
        float, typer.Option(metavar="LAB", help="Of the Gaussian that smooths the distribution, in Lab units.")
    ] = 5.0,
    mixing: Annotated[
        float, typer.Option(metavar="0..1", help="Share of the uniform distribution in the weights; 1 is no weights.")
    ] = 0.5,
    short_side: Annotated[
        int, typer.Option(metavar="PIXELS", help="Size that photographs are counted at, as in the recipe.")
    ] = 160,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write three figures, colors.csv and stats.json there; needs [train]."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where counts are kept. Not given: the user's cache folder.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Count anew, and keep nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Count the photographs of a data set and their colors.

    Sizes and colors are those of 6,000 photographs chosen by hash, or of all where there are fewer. Training takes the
    weights of rare colors from the same counts.
    """
    from tinct.errors import OptionError, OutputError
    from tinct.settings import load_settings
    from tinct.training.survey import survey

    if cache is not None and no_cache:
        raise OptionError("--cache and --no-cache contradict each other; give one")
    if short_side < 1:
        raise OptionError(f"--short-side is {short_side}, expected a whole number from 1 up")
    folder = None if no_cache else cache or load_settings().cache_folder()
    if out is not None:
        from tinct.cli.develop import need

        need("matplotlib", "tinct data stats --out")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{out} can't be made ({error.strerror or error}); give another folder") from error
    with _counting(quiet or as_json) as progress:
        found = survey(
            path, grid=grid, sigma=sigma, mixing=mixing, short_side=short_side, cache=folder, progress=progress
        )
    if out is not None:
        from tinct.training.color_figures import write_figures

        write_figures(found, out)
    if as_json:
        typer.echo(json.dumps(found.facts()))
    else:
        typer.echo(found.summary())
        if out is not None:
            typer.echo(f"The figures and tables are in {out}", err=True)
