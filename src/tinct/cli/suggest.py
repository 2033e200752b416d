"""The command that says where a hint would help, and what a place may be colored like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinct.cli import options as shared

if TYPE_CHECKING:
    from tinct.inference.suggestions import Swatch

COLORS = 3
"""Colors shown beside a point."""


def suggest(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photograph.", show_default=False)],
    count: Annotated[int, typer.Option("-n", "--count", metavar="N", help="How many points, or colors.")] = 10,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="Show the colors that this place may have, in pixels or percent of the upright picture."
        ),
    ] = None,
    hint: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y,#RRGGBB[,R]", help="A color that is known already. May be given again."),
    ] = None,
    model: shared.Model = None,
    device: shared.DeviceName = None,
    max_pixels: shared.MaxPixels = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list as JSON on standard output.")] = False,
) -> None:
    """Show where a hint would help most, and which colors are likely.

    Says x,y, the share of the doubt that a hint there takes away, and likely colors.
    Coordinates are pixels of the upright picture, as --hint takes them.
    """
    from tinct.errors import OptionError
    from tinct.inference.options import ColorizeOptions, Hint
    from tinct.inference.pipeline import Colorizer
    from tinct.media.photo import read_photo
    from tinct.settings import load_settings

    shared.check_max_pixels(max_pixels)
    place = at.split(",") if at is not None else None
    if place is not None and len(place) != 2:
        raise OptionError(f"--at is {at!r}, expected X,Y, for example 120,40%")
    if place is not None and hint:
        raise OptionError("--at shows what the model believes of a place, which --hint doesn't change; give one")
    known = ColorizeOptions(hints=tuple(Hint.parse(text) for text in hint or ()))
    settings = load_settings()
    colorizer = Colorizer(settings.model if model is None else model, device or settings.device)  # type: ignore[arg-type]  # checked there
    prepared = colorizer.prepare(read_photo(photo, max_pixels=max_pixels or settings.max_pixels))
    if place is not None:
        swatches = colorizer.suggest_colors(prepared, place[0].strip(), place[1].strip(), count)
        _show(_describe(swatches), [f"{swatch.color}  {swatch.probability:.0%}" for swatch in swatches], as_json)
        return
    points = colorizer.suggest_points(prepared, count, known)
    facts, lines = [], []
    for point in points:
        swatches = colorizer.suggest_colors(prepared, point.x, point.y, COLORS)
        facts.append({"x": point.x, "y": point.y, "score": round(point.score, 4), "colors": _describe(swatches)})
        colors = "  ".join(f"{swatch.color} {swatch.probability:3.0%}" for swatch in swatches)
        lines.append(f"{point.x:>6},{point.y:<6} {point.score:6.1%}   {colors}")
    _show(facts, lines, as_json)


def _describe(swatches: list[Swatch]) -> list[dict[str, Any]]:
    return [{"color": swatch.color, "probability": swatch.probability} for swatch in swatches]


def _show(facts: list[dict[str, Any]], lines: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(facts) if as_json else "\n".join(lines))
