"""The commands that list and compare training runs: runs, runs diff."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

LIST = "list"
HEADER = ["run", "model", "state", "photos seen", "hours", "PSNR", "over gray", "best PSNR", "SSIM", "colorfulness"]


class ListByDefault(TyperGroup):
    """A group of commands that takes arguments of its own for those of its command ``list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``list`` in front where no command is named."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [LIST, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


runs = typer.Typer(cls=ListByDefault, help="List and compare training runs.")


@runs.command(LIST)
def list_command(
    places: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR", help="Runs, or folders of them. Not given: runs.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole record of each run, one line of JSON a run.")
    ] = False,
) -> None:
    """List runs: photographs seen, hours, figures of their validation.

    Figures are the last, or where a run stops early the best. Of a model with several modes, figures are those of the
    first. A run without an end is unfinished: it goes on, or was killed. Exit code 1 where there is a record that can't
    be read; the other runs are listed all the same.
    """
    from tinct.errors import DataError
    from tinct.training.runs import FILE, find_runs, read_record

    found = find_runs(places or [Path("runs")])
    if not found:
        typer.echo("no runs there", err=True)
        return
    records, rows, faults = {}, [], []
    for run in found:
        try:
            record = read_record(run)
            rows.append([str(run), *_row(record)])
            records[run] = record
        except DataError as error:
            faults.append(str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            faults.append(f"{run / FILE} is no record of a run ({type(error).__name__}: {error})")
    if as_json:
        for run, record in records.items():
            typer.echo(json.dumps({"run": str(run), **record}))
    elif rows:
        _table(HEADER, rows, left=3)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


@runs.command("diff", no_args_is_help=True)
def diff_command(
    one: Annotated[Path, typer.Argument(metavar="A", help="A run's folder.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another run's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Say in which settings two runs differ, and in which figures."""
    from tinct.training.runs import differences, read_record

    first, second = read_record(one), read_record(other)
    settings = differences(first["recipe"], second["recipe"])
    facts = {key: (first.get(key), second.get(key)) for key in ("seed", "start", "seen", "hours", "device", "git")}
    facts["photos"] = tuple(record.get("data", {}).get("photos") for record in (first, second))
    facts = {key: pair for key, pair in facts.items() if pair[0] != pair[1]}
    figures = {
        name: (first["figures"].get(name), second["figures"].get(name))
        for name in [*first["figures"], *(set(second["figures"]) - set(first["figures"]))]
    }
    if as_json:
        typer.echo(json.dumps({"settings": settings, "facts": facts, "figures": figures}))
        return
    if not settings and not facts:
        typer.echo("the same recipe, seed, start, photographs and time")
    for title, part in (("setting", settings), ("fact", facts), ("figure", figures)):
        if part:
            rows = [[name, *(_short(value) for value in pair)] for name, pair in part.items()]
            _table([title, str(one), str(other)], rows, left=1)


def _row(record: Mapping[str, Any]) -> list[str]:
    figures, best = record["figures"], record.get("best", {})
    psnr = next((n for n in figures if n.startswith("psnr") and n != "psnr_gray" and not n.endswith("_hints")), None)
    row = [record["name"], record.get("state", ""), f"{record['seen']:,}", f"{record['hours']:.2f}"]
    if psnr is None:
        return [*row, "", "", "", "", ""]
    mode = psnr.removeprefix("psnr")
    return [
        *row,
        f"{figures[psnr]:.2f}",
        f"{figures[psnr] - figures['psnr_gray']:+.2f}",
        f"{best[psnr]:.2f}",
        f"{figures['ssim' + mode]:.4f}",
        f"{figures['colorfulness' + mode]:.1f}",
    ]


def _short(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> None:
    """Print rows in aligned columns; the first ones to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())
