"""The command ``tinct video``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinct.cli import options as shared

_FILM = "Film"


def video(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A film, of any kind that FFmpeg reads.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            rich_help_panel=shared.OUTPUT,
            show_default=False,
            help="File to write: .mp4, .m4v, .mov, .mkv or .webm.",
        ),
    ],
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=shared.OUTPUT,
            help="h264, h265, av1, ffv1 or prores. Not given: h264; h265 for 10 bits, av1 for .webm.",
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="8|10|12|16",
            rich_help_panel=shared.OUTPUT,
            help="Bits of a channel; 12 and 16 with ffv1. Not given: the source's, or as near as the codec comes.",
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="CRF",
            rich_help_panel=shared.OUTPUT,
            help="Of h264, h265 (0..51) and av1 (1..63); less is better, and larger. Not given: 17, 19 and 24.",
        ),
    ] = None,
    no_sound: Annotated[
        bool, typer.Option("--no-sound", rich_help_panel=shared.OUTPUT, help="Leave the sound out.")
    ] = False,
    no_subtitles: Annotated[
        bool, typer.Option("--no-subtitles", rich_help_panel=shared.OUTPUT, help="Leave the subtitles out.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", rich_help_panel=shared.OUTPUT, help="Replace an existing output, but never IN."),
    ] = False,
    no_mark: shared.NoMark = False,
    preview: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", rich_help_panel=_FILM, help="Only so much from the film's beginning."),
    ] = None,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime",
            rich_help_panel=_FILM,
            help="As fast as it goes: the small model where there is one, else a smaller copy for the usual one.",
        ),
    ] = False,
    no_steady: Annotated[
        bool,
        typer.Option("--no-steady", rich_help_panel=_FILM, help="Colorize each frame by itself; colors flicker then."),
    ] = False,
    deflicker: Annotated[
        bool,
        typer.Option(
            "--deflicker", rich_help_panel=_FILM, help="Even out the lightness of neighboring frames of an old film."
        ),
    ] = False,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TIME@X,Y,#RRGGBB[,R]",
            rich_help_panel=shared.COLORS,
            help="A color for a place at a time (83.5 or 1:23.5); it goes along through the shot. May be given again.",
        ),
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            rich_help_panel=shared.COLORS,
            help='A list of {"time": 12.5, "x": 12, "y": "40%", "color": "#a03020"}.',
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[TIME@]FILE",
            rich_help_panel=shared.COLORS,
            help="The frame at that time in color, or, without a time, a color picture of like things for every shot. "
            "May be given again.",
        ),
    ] = None,
    mode: shared.Mode = "vivid",
    vividness: shared.Vividness = None,
    saturation: shared.Saturation = 1.0,
    model: shared.Model = None,
    size: shared.Size = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=shared.RUNNING,
            help="Folder of the finished shots until the film is whole. Not given: PATH.shots.",
        ),
    ] = None,
    device: shared.DeviceName = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            rich_help_panel=shared.RUNNING,
            help="Frames worked on at once; with Ray, shots.",
        ),
    ] = None,
    engine: shared.EngineName = "local",
    ray_address: shared.RayAddress = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", rich_help_panel=shared.RUNNING, help="One line of JSON on standard output at the end."),
    ] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Colorize a film, so that a run that is killed can go on.

    Sound, subtitles, timestamps, rotation and aspect stay as they are; within a shot, colors are held steady along what
    moves. Run the same command again after an interruption: finished shots aren't done again. Exit codes: 0 all done, 1
    failed or parts of the film could not be decoded, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from tinct.cli.filming import Asked, run_video
    from tinct.inference.options import ColorizeOptions
    from tinct.settings import load_settings

    shared.check_range("--jobs", jobs, 1, 256)
    shared.check_engine(engine, ray_address)
    settings = load_settings()
    colors = ColorizeOptions(
        mode=mode,  # type: ignore[arg-type]  # it checks the name itself
        vividness=vividness,
        saturation=saturation,
        size=size,
    )
    asked = Asked(
        source=source,
        output=output,
        colors=colors,
        codec=codec,
        depth=depth,
        quality=quality,
        without=("audio",) * no_sound + ("subtitle",) * no_subtitles,
        overwrite=overwrite,
        mark=not no_mark,
        preview=preview,
        realtime=realtime,
        steady=not no_steady,
        deflicker=deflicker,
        hints=tuple(hint or ()),
        hints_file=hints,
        references=tuple(reference or ()),
        model=model,
        state=state,
        device=device or settings.device,  # type: ignore[arg-type]  # checked where it is used
        jobs=jobs or settings.jobs,
        engine=engine,
        ray_address=ray_address,
        as_json=as_json,
        quiet=quiet,
    )
    raise typer.Exit(run_video(asked, settings.model))
