"""Small films made here, and the default model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.inference.backends import Backend, load_backend
from tinct.inference.options import ColorizeOptions

SMALL = ColorizeOptions(size=32)
"""The network sees little, and takes little."""


@pytest.fixture(scope="session")
def backend() -> Backend:
    """The default model, on one thread."""
    return load_backend("default", "cpu", 1)


@pytest.fixture(scope="session")
def small() -> ColorizeOptions:
    """Options for a small copy."""
    return SMALL


def move_scene(scene: NDArray[np.uint8], count: int, height: int = 96, width: int = 128) -> list[NDArray[np.uint8]]:
    """Return gray frames of a camera that moves over a scene, 1.5 pixels a frame."""
    gray = scene.mean(axis=-1).astype(np.uint8)
    starts = [int(1.5 * number) for number in range(count)]
    return [np.ascontiguousarray(gray[8 : 8 + height, start : start + width]) for start in starts]


@pytest.fixture(scope="session")
def moving(scene: Callable[..., NDArray[np.uint8]]) -> Callable[..., list[NDArray[np.uint8]]]:
    """Returns a function that gives gray frames, (96, 128), of a scene of that seed."""

    def make(seed: int = 1, count: int = 12, height: int = 96, width: int = 128) -> list[NDArray[np.uint8]]:
        return move_scene(scene(seed, height + 32, width + 2 * count + 32), count, height, width)

    return make


def write_film(
    path: Path,
    frames: Sequence[NDArray[Any]],
    *,
    codec: str = "ffv1",
    pixels: str = "gray",
    rate: Fraction | int = 25,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    aspect: Fraction | None = None,
    rotation: int = 0,
    sound: bool = False,
    tone: str | None = None,
    subtitles: Sequence[tuple[float, str]] = (),
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a film.

    Args:
        path: its ending chooses the container.
        frames: (H, W) gray or (H, W, 3) sRGB, uint8; or (H, W) uint16 for gray of as many bits as ``pixels`` has.
        codec: FFmpeg's name of the encoder.
        pixels: pixel format.
        rate: frames a second.
        ticks: timestamps in units of ``time_base``; evenly spread unless given.
        time_base: 1 / rate unless given.
        aspect: of a pixel.
        rotation: degrees by which players turn it.
        sound: with a tone in AAC or, in .avi and .mkv, PCM.
        tone: FFmpeg's name of another codec for it.
        subtitles: begin in seconds, and text.
        metadata: of the container.
        options: of the encoder.
    """
    base = time_base or 1 / Fraction(rate)
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        height, width = frames[0].shape[:2]
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {}, time_base=base)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        named = tone or ("aac" if path.suffix == ".mp4" else "pcm_s16le")
        heard = container.add_stream(named, rate=48000) if sound or tone else None
        if heard is not None:
            heard.metadata["language"] = "deu"
        texts = container.add_mux_stream("subrip", time_base=Fraction(1, 1000)) if subtitles else None
        container.start_encoding()
        for number, pixels_of in enumerate(frames):
            frame = make_frame(pixels_of, pixels)
            frame.pts = ticks[number] if ticks is not None else round(number / (Fraction(rate) * base))
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None:
            _add_tone(container, heard, len(frames) / float(rate))
        for begin, text in subtitles:
            packet = av.Packet(text.encode())
            packet.pts = packet.dts = round(begin * 1000)
            packet.duration, packet.time_base, packet.stream = 500, Fraction(1, 1000), texts
            container.mux(packet)
    return path


def make_frame(pixels: NDArray[Any], kind: str) -> Any:
    if pixels.dtype == np.uint16:
        return av.VideoFrame.from_ndarray(pixels, format=kind)
    return av.VideoFrame.from_ndarray(pixels, format="gray" if pixels.ndim == 2 else "rgb24").reformat(format=kind)


def _add_tone(container: Any, stream: Any, seconds: float) -> None:
    time = np.arange(int(48000 * seconds)) / 48000
    samples = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    layout = stream.codec_context.layout.name
    for start in range(0, len(samples), 1024):
        part = np.repeat(samples[start : start + 1024], 2 if layout == "stereo" else 1)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.fixture
def make_film(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a film into the test's folder, see :func:`write_film`."""

    def make(name: str, frames: Sequence[NDArray[Any]], **changes: Any) -> Path:
        return write_film(tmp_path / name, frames, **changes)

    return make
