"""The commands of the Turing test: turing make, serve, score."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinct.evaluation.turing import Score

turing = typer.Typer(help="Let people say which of two pictures has real colors.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A set that tinct turing make wrote.")]


@turing.command("make", no_args_is_help=True)
def make_command(
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="PATH",
            help="Color photographs: a folder, a tar, a folder of tars. May be given again.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to make.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A model, an ONNX file, or a checkpoint. May be given again. Not given, nor --command: the default.",
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(metavar="'TOOL {in} {out}'", help="Any other colorizer, as of tinct evaluate."),
    ] = None,
    count: Annotated[
        int, typer.Option(metavar="N", help="Photographs that count, each in a pair with every model's version.")
    ] = 40,
    session: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of them, shown to one participant. Not given: 40, or all of fewer."),
    ] = None,
    catch: Annotated[
        int, typer.Option(metavar="N", help="Pairs with the colors of another photograph, to find who only clicks.")
    ] = 4,
    practice: Annotated[
        int, typer.Option(metavar="N", help="Pairs to begin with, which don't count and tell the answer.")
    ] = 10,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="center256|stretch256",
            help="The middle square of a short side of 256, or the whole photograph stretched to 256x256.",
        ),
    ] = "center256",
    mode: Annotated[str, typer.Option(metavar="vivid|faithful", help="Read-out of models that have both.")] = "vivid",
    seed: Annotated[int, typer.Option(metavar="N", help="Another one draws other photographs.")] = 0,
    time_limit: Annotated[float, typer.Option(metavar="SECONDS", help="That --command may take.")] = 3600.0,
    device: Annotated[str | None, typer.Option(metavar="auto|cpu|cuda", help="Where networks run.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Make pairs of original and colorized photographs.

    They are of 256x256 pixels, in a folder of their own.
    """
    from tinct.cli.evaluation_bar import EvaluationBar
    from tinct.evaluation.turing_making import TuringRequest, make_trials
    from tinct.settings import load_settings

    settings = load_settings()
    request = TuringRequest(
        data=tuple(data),
        out=out,
        models=tuple(model or (() if command is not None else (settings.model,))),
        command=command,
        count=count,
        session=session,
        catch=catch,
        practice=practice,
        protocol=protocol,  # type: ignore[arg-type]  # it checks the names itself
        mode=mode,  # type: ignore[arg-type]
        seed=seed,
        time_limit=time_limit,
        device=device or settings.device,
    )
    with EvaluationBar(quiet) as bar:
        made = make_trials(request, bar.update)
    for name, reason in made.unreadable.items():
        typer.secho(f"{name}: {reason}", fg="red", err=True)
    if not quiet:
        gray = f"; {made.near_gray} photographs near gray left out" if made.near_gray else ""
        typer.echo(
            f"{len(made.trials.trials)} pairs are in {out}{gray}; show them with: tinct turing serve {out}", err=True
        )


@turing.command("serve", no_args_is_help=True)
def serve_command(
    folder: Folder,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes one that is free.")] = 8010,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show the pairs to participants, and keep their answers.

    As many as come take part at once.

    Whoever reaches the address may take part. The server may be stopped and started at any time: each answer is on the
    disk before its participant goes on, who goes on in the same browser.
    """
    from tinct.errors import MissingExtra

    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "sqlalchemy", "huey")):
        raise MissingExtra("tinct turing serve", "web")
    from tinct.web.turing.serve import serve

    def ready(address: str) -> None:
        typer.echo(
            f"The test is at {address} (Ctrl-C stops it); tinct turing score {folder} says how it stands", err=True
        )
        if open_page:
            typer.launch(address)

    serve(folder, host, port, ready)


@turing.command("score", no_args_is_help=True)
def score_command(
    folder: Folder,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write the models: how often each one fooled.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write the pictures, the most convincing first.")
    ] = None,
    participants: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write how each participant answered, and who is flagged.")
    ] = None,
    votes: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write every answer.")] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE.json", help="Write all but the single answers.")
    ] = None,
    keep_flagged: Annotated[bool, typer.Option("--keep-flagged", help="Count flagged participants, too.")] = False,
) -> None:
    """Say how often each model's colors were taken for the real ones.

    While the test runs or later. Participants who always chose the same side, missed most catch trials, or answered
    faster than anybody looks are flagged, named, and left out.
    """
    from tinct.cli.evaluate import check_outputs, write_text
    from tinct.evaluation import ballots
    from tinct.evaluation import turing as scoring
    from tinct.evaluation.trials import load_trials

    check_outputs(as_csv, photos, participants, votes, as_json)
    trials = load_trials(folder)
    cast = []
    if (folder / ballots.FILE).is_file():
        with ballots.Ballots(folder / ballots.FILE, trials) as box:
            cast = box.votes()
    found = scoring.score(trials, cast, keep_flagged=keep_flagged)
    plain = scoring.as_dict(found)
    for path, rows, columns in (
        (as_csv, plain["models"], scoring.MODEL_COLUMNS),
        (photos, plain["photos"], scoring.PHOTO_COLUMNS),
        (participants, plain["participants"], scoring.PARTICIPANT_COLUMNS),
        (votes, scoring.votes_table(trials, cast), scoring.VOTE_COLUMNS),
    ):
        if path is not None:
            write_text(path, scoring.to_csv(rows, columns))
    if as_json is not None:
        write_text(as_json, json.dumps({"test": trials.id, "protocol": trials.protocol, **plain}, indent=1) + "\n")
    typer.echo("\n".join(_lines(found)))


def _lines(found: Score) -> Sequence[str]:
    lines = [
        f"{one.model}: {one.percent:.1f} % fooled, standard error {one.error:.1f} ({one.ci95[0]:.1f} to "
        f"{one.ci95[1]:.1f}), {one.answers} answers of {one.participants} participants"
        for one in found.models
    ]
    if found.photos:
        best, worst = found.photos[0], found.photos[-1]
        lines.append(f"most convincing: {best.photo} ({best.model}), fooled {best.fooled} of {best.answers}")
        lines.append(f"least convincing: {worst.photo} ({worst.model}), fooled {worst.fooled} of {worst.answers}")
    for place, person in enumerate(found.participants, 1):
        if person.flags:
            lines.append(f"participant {place} is flagged: {'; '.join(person.flags)}")
    if found.left_out:
        lines.append(f"{found.left_out} answers of flagged participants are left out (--keep-flagged counts them)")
    return lines or ["no answers that count yet"]
