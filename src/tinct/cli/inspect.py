"""The commands that look at a result's mark: inspect and reproduce."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tinct.cli import options as shared

NO_MARK = 1
"""Exit code for a file that doesn't say how it was made, or was made from another source."""


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A colorized picture.", show_default=False)],
    source: Annotated[
        Path | None,
        typer.Option(metavar="SCAN", help="Check whether it was made from this very file."),
    ] = None,
    max_pixels: shared.MaxPixels = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.")] = False,
) -> None:
    """Show how a picture's colors were made, and who signed it.

    Says model, version, hashes and settings. Exit code 1 where it has no mark of Tinct's, its signature doesn't hold,
    or SCAN isn't what it was made from.
    """
    from tinct.errors import MissingExtra
    from tinct.jobs.reproduction import check_signature, describe, is_source
    from tinct.jobs.reproduction import inspect as read
    from tinct.settings import load_settings

    shared.check_max_pixels(max_pixels)
    pages = read(file, max_pixels=max_pixels or load_settings().max_pixels)
    if not pages:
        if as_json:
            typer.echo(json.dumps({"file": str(file), "marked": False}))
        typer.secho(f"{file} has no mark of Tinct's; nothing says how its colors were made", fg="red", err=True)
        raise typer.Exit(NO_MARK)
    found = pages[0]
    facts = {"file": str(file), "marked": True} | describe(found)
    if len(pages) > 1:
        facts |= {"pages": len(pages), "settings": [dict(page.mark.settings) for page in pages]}
    try:
        signature = check_signature(file)
    except MissingExtra as error:
        signature = None
        facts["signature"] = f"there is one; {error}"
    if signature is not None:
        facts |= {"signature": signature.state, "signed_by": signature.signer}
    if source is not None:
        facts["source_matches"] = is_source(found, source)
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            if name not in ("file", "marked"):
                typer.echo(f"{name.replace('_', ' '):<16}{_readable(value)}")
    if facts.get("source_matches") is False:
        typer.secho(f"{file} was not made from {source}", fg="red", err=True)
        raise typer.Exit(NO_MARK)
    if signature is not None and signature.state == "invalid":
        why = f" ({', '.join(signature.problems)})" if signature.problems else ""
        typer.secho(f"the signature of {file} doesn't hold{why}", fg="red", err=True)
        raise typer.Exit(NO_MARK)


def reproduce(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A colorized picture.", show_default=False)],
    source: Annotated[
        Path, typer.Option(metavar="SCAN", help="What it was made from, the very same file.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="PATH", help="File to write, in the format of FILE.", show_default=False
        ),
    ],
    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="The mask, where it was made with one.")] = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The reference, where it was made with one.")
    ] = None,
    sidecar: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The sidecar, where it was made with one that isn't beside SCAN any more."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The model, where it isn't at hand by the name in the mark.")
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="auto|cpu|cuda", help="Where the network runs.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    max_pixels: shared.MaxPixels = None,
) -> None:
    """Make a colorized picture again, bit for bit.

    It is made from its source and what it says of its making. Of a signed one, what was signed: a signature is another
    one each time.

    Another source, mask, reference, sidecar or model is refused. Exit code 1 where the new file isn't identical, with
    what is different.
    """
    from tinct.jobs.reproduction import reproduce as make
    from tinct.settings import load_settings

    shared.check_max_pixels(max_pixels)
    settings = load_settings()
    made = make(
        file,
        source,
        output,
        mask=mask,
        reference=reference,
        sidecar=sidecar,
        model=model,
        device=device or settings.device,  # type: ignore[arg-type]  # checked where it is used
        overwrite=overwrite,
        max_pixels=max_pixels or settings.max_pixels,
    )
    for note in made.notes:
        typer.secho(f"note: {note}", fg="yellow", err=True)
    if not made.identical:
        why = "" if made.notes else "; another processor or version of onnxruntime may round differently"
        typer.secho(f"{output} is not identical to {file}{why}", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo(f"{output} is identical to {file}{' as it was before it was signed' if made.unsigned else ''}", err=True)


def _readable(value: object) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False) if value else "the usual ones"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
