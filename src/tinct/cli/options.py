"""Options that several commands have, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tinct.errors import OptionError

if TYPE_CHECKING:
    from tinct.media.marking import Step
    from tinct.media.pages import Pages

COLORS, OUTPUT, INPUT, RUNNING = "Colors", "Output", "Input", "Running"
"""Headings of the help."""
ENGINES = ("local", "ray")
"""What works things off."""

Format = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        rich_help_panel=OUTPUT,
        help="jpeg, png, tiff, webp, avif or jp2. Not given: by the output's ending, else the input's own.",
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(metavar="1..100", rich_help_panel=OUTPUT, help="Of JPEG, WebP and AVIF."),
]
Layer = Annotated[
    bool,
    typer.Option(
        "--layer",
        rich_help_panel=OUTPUT,
        help="Write the color alone, as a 16-bit layer for Photoshop or GIMP (blend mode Color).",
    ),
]
NoMark = Annotated[
    bool,
    typer.Option("--no-mark", rich_help_panel=OUTPUT, help="Don't note in the metadata that colors are inferred."),
]
Mode = Annotated[
    str,
    typer.Option(
        metavar="vivid|faithful",
        rich_help_panel=COLORS,
        help="Lively colors, or the expected ones: duller, more often right.",
    ),
]
Vividness = Annotated[
    float | None,
    typer.Option(metavar="0..1", rich_help_panel=COLORS, help="A point between dull and lively, in place of --mode."),
]
Saturation = Annotated[
    float,
    typer.Option(metavar="FACTOR", rich_help_panel=COLORS, help="Of HSV, applied last; 1 is off."),
]
ValueShift = Annotated[
    float,
    typer.Option(
        metavar="-1..1", rich_help_panel=COLORS, help="Added to the value of HSV: lighter or darker. 0 is off."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        rich_help_panel=COLORS,
        help="A model's name (see tinct models list), an ONNX file, or a checkpoint.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS", rich_help_panel=COLORS, help="Short side that the network sees. Not given: the model's."
    ),
]
AllowTruncated = Annotated[
    bool,
    typer.Option("--allow-truncated", rich_help_panel=INPUT, help="Use what is there of a file that ends early."),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(metavar="PIXELS", rich_help_panel=INPUT, help="Refuse larger photographs. Not given: 2000000000."),
]
Restore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="dust|scratches|contrast",
        rich_help_panel=COLORS,
        help="Before coloring, remove specks of dust, remove scratches, or bring faded contrast back. May be given "
        "again, or with commas.",
    ),
]
PageNumbers = Annotated[
    str | None,
    typer.Option(
        "--pages",
        metavar="all|1,3-5",
        rich_help_panel=INPUT,
        help="Pages of a TIFF; several make a TIFF of as many. Not given: the first.",
    ),
]
Sidecar = Annotated[
    bool,
    typer.Option(
        "--sidecar",
        rich_help_panel=OUTPUT,
        help="Read XMP from NAME.EXT.xmp or NAME.xmp beside each photograph; write NAME.EXT.xmp beside each result.",
    ),
]
SignCert = Annotated[
    Path | None,
    typer.Option(
        metavar="PEM",
        rich_help_panel=OUTPUT,
        help="Sign results with Content Credentials (C2PA): the certificate and those above it.",
    ),
]
SignKey = Annotated[
    Path | None, typer.Option(metavar="PEM", rich_help_panel=OUTPUT, help="The certificate's private key.")
]
DeviceName = Annotated[
    str | None,
    typer.Option(metavar="auto|cpu|cuda", rich_help_panel=RUNNING, help="Where the network runs."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", rich_help_panel=RUNNING, help="Photographs worked on at once."),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="local|ray",
        rich_help_panel=RUNNING,
        help="Threads of this machine, or workers of a Ray cluster, all of whose machines see the same files.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        rich_help_panel=RUNNING,
        help="Head of the Ray cluster. Not given: RAY_ADDRESS, else a cluster of this machine alone.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=RUNNING, help="Say only what failed.")]


class GroupedCommand(TyperCommand):
    """A command whose help lists its options under the headings that they name as ``rich_help_panel``."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options of the help."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                kind = "Options" if parameter.param_type_name == "option" else "Arguments"
                groups.setdefault(getattr(parameter, "rich_help_panel", None) or kind, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def read_page_numbers(text: str | None) -> Pages | None:
    """Read ``--pages``; None stands for an option that wasn't given.

    Raises:
        OptionError: it is malformed.
    """
    from tinct.media.pages import Pages

    return None if text is None else Pages.parse(text)


def read_steps(texts: list[str] | None) -> tuple[Step, ...]:
    """Read ``--restore``, and find out whether it can be done here.

    Raises:
        OptionError: a step is unknown.
        MissingExtra: a library isn't installed.
    """
    if not texts:
        return ()
    from tinct.media.restore import check, parse_steps

    steps = parse_steps(texts)
    check(steps)
    return steps


def check_signature(certificate: Path | None, key: Path | None, mark: bool) -> tuple[Path, Path] | None:
    """Return the certificate and key to sign with, None where nothing is to be signed.

    Raises:
        OptionError: one of them is missing, or results are to have no mark.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise OptionError("signing needs both --sign-cert and --sign-key (or TINCT_SIGN_CERT and TINCT_SIGN_KEY)")
    if not mark:
        raise OptionError("a signature says how the colors were made, --no-mark hides it; leave one of the two out")
    return certificate, key


def check_engine(engine: str, address: str | None) -> None:
    """Refuse an unknown ``--engine``, and an address without a cluster.

    Raises:
        OptionError: it is one.
    """
    if engine not in ENGINES:
        raise OptionError(f"--engine is {engine!r}; choose one of {', '.join(ENGINES)}")
    if address is not None and engine != "ray":
        raise OptionError("--ray-address is meant for --engine ray; give that too, or leave it out")


def check_range(name: str, value: int | None, lowest: int, highest: int) -> None:
    """Refuse an option's number that is out of range; None stands for an option that wasn't given.

    Raises:
        OptionError: it is.
    """
    if value is not None and not lowest <= value <= highest:
        raise OptionError(f"{name} is {value}, expected {lowest} to {highest}")


def check_max_pixels(value: int | None) -> None:
    """Refuse a ``--max-pixels`` that lets no photograph through.

    Raises:
        OptionError: it does not.
    """
    if value is not None and value < 1:
        raise OptionError(f"--max-pixels is {value}, expected a whole number from 1 up")
