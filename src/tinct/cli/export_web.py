"""The command that writes the page as a folder of files, for which no server has to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_web(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|FILE", help="The model that the page brings.")
    ] = "default",
    runtime: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The npm package onnxruntime-web, as npm pack writes it. Not given: downloaded once."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
) -> None:
    """Write the page as static files, without a server of its own.

    Photographs are colored in the browser. Any web server can serve the folder, at any address; under https (or on this
    machine) the page is kept by the browser, can be installed, and works without a network. No photograph leaves the
    device.
    """
    from tinct.web.export import export_page

    def progress(name: str, done: int, total: int | None) -> None:
        if total and done == total:
            typer.echo(f"{name}: {total / 1e6:.0f} MB downloaded", err=True)

    size = export_page(folder, model=model, package=runtime, overwrite=overwrite, progress=progress)
    typer.echo(f"{folder}: {size / 1e6:.0f} MB; try it: python -m http.server --directory {folder}", err=True)
