"""What films are encoded with, and into which containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinct.errors import OptionError, OutputError
from tinct.video.film import Film


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to encode pictures."""

    name: str
    encoder: str
    """FFmpeg's name."""
    formats: Mapping[int, str]
    """Pixel format by bits of a channel, fewest first."""
    odd_formats: Mapping[int, str]
    """Likewise for sizes that aren't even, for which color in pairs of pixels has no room."""
    options: Mapping[str, str]
    quality: int | None = None
    """Constant rate factor unless asked otherwise; None for a codec that has none. Less is better, and larger."""
    best: int = 0
    worst: int = 51
    interlaced: bool = False
    """Whether it can say that frames are."""


_LOSSLESS = {8: "yuv444p", 10: "yuv444p10le", 12: "yuv444p12le", 16: "yuv444p16le"}

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            {8: "yuv420p", 10: "yuv420p10le"},
            {8: "yuv444p", 10: "yuv444p10le"},
            # Else the stream depends on the processor's instructions, and on some differs from run to run.
            {"preset": "medium", "x264-params": "cpu-independent=1"},
            17,
            interlaced=True,
        ),
        Codec(
            "h265",
            "libx265",
            {8: "yuv420p", 10: "yuv420p10le"},
            {8: "yuv444p", 10: "yuv444p10le"},
            # Shots are joined at their borders, so no picture may refer beyond one.
            {"preset": "medium", "x265-params": "log-level=error:open-gop=0"},
            19,
        ),
        Codec("av1", "libsvtav1", {8: "yuv420p", 10: "yuv420p10le"}, {}, {"preset": "8"}, 24, 1, 63),
        Codec(
            "ffv1",
            "ffv1",
            _LOSSLESS,
            _LOSSLESS,
            {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"},
            interlaced=True,
        ),
        Codec("prores", "prores_ks", {10: "yuv422p10le"}, {}, {"profile": "hq", "vendor": "apl0"}, interlaced=True),
    )
}
CONTAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    ".mp4": ("mp4", ("h264", "h265", "av1")),
    ".m4v": ("mp4", ("h264", "h265", "av1")),
    ".mov": ("mov", ("h264", "h265", "prores")),
    ".mkv": ("matroska", ("h264", "h265", "av1", "ffv1", "prores")),
    ".webm": ("webm", ("av1",)),
}
"""By ending: FFmpeg's name of the format, and the codecs that go into it, the usual one first."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a film is written."""

    container: str
    """FFmpeg's name of the format."""
    codec: str
    """One of :data:`CODECS`."""
    depth: int
    """Bits of a channel."""
    pixel_format: str
    quality: int | None = None
    """Constant rate factor; None for a codec that has none."""
    without: tuple[str, ...] = ()
    """Kinds of streams that aren't copied: ``audio``, ``subtitle``."""

    @property
    def encoder(self) -> str:
        """FFmpeg's name of the encoder."""
        return CODECS[self.codec].encoder

    def keeps_fields(self, height: int) -> bool:
        """Tell whether interlaced frames of so many lines can be written as such; each field needs whole chroma."""
        lines = 4 if self.pixel_format.startswith("yuv420") else 2
        return CODECS[self.codec].interlaced and height % lines == 0

    def options(self) -> dict[str, str]:
        """Return the encoder's options."""
        found = dict(CODECS[self.codec].options)
        return found | ({} if self.quality is None else {"crf": str(self.quality)})

    def to_output(self) -> dict[str, Any]:
        """Return what the mark says of the file's writing."""
        import av

        found: dict[str, Any] = {
            "format": self.container,
            "codec": self.codec,
            "depth": self.depth,
            "pixels": self.pixel_format,
            "ffmpeg": av.ffmpeg_version_info,
        }
        return found | ({} if self.quality is None else {"quality": self.quality})


def choose_encoding(
    film: Film,
    target: Path,
    codec: str | None = None,
    depth: int | None = None,
    quality: int | None = None,
    without: tuple[str, ...] = (),
) -> Encoding:
    """Choose how to write a film.

    Args:
        film: the source.
        target: its ending chooses the container.
        codec: one of :data:`CODECS`; None for the container's usual one.
        depth: bits of a channel; None for the source's, or as near to them as the codec comes.
        quality: constant rate factor; None for the codec's usual one.
        without: kinds of streams that aren't copied.

    Raises:
        OptionError: the container, the codec and the rest don't go together.
        OutputError: the encoder isn't in this build of FFmpeg.
    """
    suffix = target.suffix.lower()
    if suffix not in CONTAINERS:
        raise OptionError(
            f"{target} ends in {suffix or 'nothing'}; films are written as {', '.join(CONTAINERS)}, which can hold the "
            "mark"
        )
    container, fitting = CONTAINERS[suffix]
    if codec is not None and codec not in CODECS:
        raise OptionError(f"codec is {codec!r}; choose one of {', '.join(CODECS)}")
    wished = film.bits if depth is None else depth
    if codec is None:
        # Few players decode H.264 of 10 bits.
        codec = "h265" if wished > 8 and "h265" in fitting else fitting[0]
    if codec not in fitting:
        others = [ending for ending, (_, codecs) in CONTAINERS.items() if codec in codecs]
        raise OptionError(
            f"{suffix} doesn't hold {codec}; choose {', '.join(fitting)}, or another ending: {', '.join(others)}"
        )
    chosen = CODECS[codec]
    formats = chosen.odd_formats if film.width % 2 or film.height % 2 else chosen.formats
    if not formats:
        raise OptionError(
            f"{codec} takes even sizes only, this film has {film.width} x {film.height}; choose h264, h265 or ffv1"
        )
    bits = next((held for held in formats if held >= wished), max(formats)) if depth is None else depth
    if bits not in formats:
        raise OptionError(f"{codec} doesn't have {bits} bits a channel, but {', '.join(map(str, formats))}")
    if quality is not None and chosen.quality is None:
        raise OptionError(f"{codec} has no quality to choose; leave it out")
    if quality is not None and not chosen.best <= quality <= chosen.worst:
        raise OptionError(f"quality is {quality}, expected {chosen.best} (best) to {chosen.worst} for {codec}")
    require_encoder(chosen.encoder)
    return Encoding(container, codec, bits, formats[bits], chosen.quality if quality is None else quality, without)


def require_encoder(encoder: str) -> None:
    """Make sure that FFmpeg can encode.

    Raises:
        OutputError: it can't; the message says which package brings it.
    """
    import av

    try:
        av.codec.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise OutputError(
            f"the FFmpeg {av.ffmpeg_version_info} of the package av has no encoder {encoder}; install av from its "
            "wheels (pip install --force-reinstall --only-binary av av), or choose another codec with --codec"
        ) from error
