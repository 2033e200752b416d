"""Lightness in and out of frames: ranges and depths, turns, painting, and evening out of flicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinct.color.lab import gray_to_lightness, lightness, srgb_to_lab
from tinct.video.deflicker import deflicker
from tinct.video.film import FULL, LIMITED, Reader, examine
from tinct.video.painting import Painter
from tinct.video.tones import Frame, Toner, Turn, luma_format

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
TABLE = gray_to_lightness(np.arange(256) / 255)


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [
        ("ffv1", "gray"),
        ("ffv1", "yuv420p"),
        ("ffv1", "gray10le"),
        ("rawvideo", "nv12"),
        ("rawvideo", "yuyv422"),
        ("png", "rgb24"),
        ("mjpeg", "yuvj420p"),
    ],
)
def test_lightness_of_every_kind_of_format(codec: str, pixels: str, make_film: Maker) -> None:
    """A ramp of gray has the L of its grays, whatever range and depth it is stored in."""
    ramp = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (32, 1))
    film = examine(make_film("in.avi" if codec != "ffv1" else "in.mkv", [ramp] * 2, codec=codec, pixels=pixels))
    frame = next(Reader(film, np.arange(2), seekable=False).frames(0, 1))
    found = Toner(film, colored=False).take(0, frame).lightness()
    tolerance = 2.0 if codec == "mjpeg" else 0.6
    assert np.abs(found - gray_to_lightness(ramp / np.float32(255))).mean() < tolerance


@pytest.mark.parametrize(
    ("codec", "pixels", "said", "limited"),
    [
        ("libx265", "gray", LIMITED, True),
        ("libx265", "gray10le", LIMITED, True),
        ("libx265", "gray", FULL, False),
        ("ffv1", "gray", LIMITED, True),
        ("ffv1", "gray", FULL, False),
        ("ffv1", "gray", 0, False),
        ("rawvideo", "gray16be", 0, False),
    ],
)
def test_range_of_gray_alone(codec: str, pixels: str, said: int, limited: bool, tmp_path: Path) -> None:
    """Black is 16 of 255, and white 235, where a film of gray says so; where it says nothing, all codes are used."""
    bits = av.VideoFormat(pixels, 16, 16).components[0].bits
    ramp = np.tile(np.linspace(16 << bits - 8, 235 << bits - 8, 128).round().astype(np.uint16), (64, 1))
    path = tmp_path / ("in.nut" if codec == "rawvideo" else "in.mkv")
    with av.open(str(path), "w") as container:
        lossless = {"x265-params": "log-level=error:lossless=1"} if codec == "libx265" else {}
        stream = container.add_stream(codec, rate=25, options=lossless)
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.color_range = 128, 64, pixels, said
        frame = av.VideoFrame.from_ndarray(ramp if bits > 8 else ramp.astype(np.uint8), format=pixels)
        frame.color_range = said
        container.mux([*stream.encode(frame), *stream.encode(None)])
    film = examine(path)
    found = Toner(film, colored=False).take(0, next(Reader(film, np.arange(1), seekable=False).frames(0, 1)))
    black, white = (16 << bits - 8, 235 << bits - 8) if limited else (0, (1 << bits) - 1)
    assert np.abs(found.lightness() - gray_to_lightness((ramp - black) / np.float32(white - black))).max() < 0.01


def test_luma_is_not_converted() -> None:
    for name in ("yuv420p", "nv12", "gray10le", "gray", "yuvj422p"):
        assert luma_format(name) == name
    assert luma_format("yuyv422") == "yuv444p"
    assert luma_format("p010le") == "yuv444p10le"
    assert luma_format("gray12be") == "gray12le"
    assert luma_format("ya8") == "gray"
    for name in ("rgb24", "gbrp10le", "pal8", "monow"):
        assert luma_format(name) is None


@given(st.integers(0, 3), st.booleans())
def test_turning_back_and_forth(quarters: int, mirrored: bool) -> None:
    pixels = np.arange(24).reshape(4, 6)
    turn = Turn(quarters, mirrored)
    assert (turn.stored(turn.upright(pixels)) == pixels).all()


def test_display_matrices() -> None:
    """As FFmpeg's av_display_rotation_set and av_display_matrix_flip write them."""
    one = 65536
    assert Turn.of_matrix((one, 0, 0, 0, one, 0, 0, 0, 1 << 30)) == Turn(0)
    assert Turn.of_matrix((0, one, 0, -one, 0, 0, 0, 0, 1 << 30)) == Turn(3)  # 90 degrees clockwise
    assert Turn.of_matrix((-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30)) == Turn(2)
    assert Turn.of_matrix((-one, 0, 0, 0, one, 0, 0, 0, 1 << 30)) == Turn(0, mirrored=True)
    assert Turn.of_matrix((46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)) == Turn()
    assert Turn.of_matrix(()) == Turn()


@pytest.mark.parametrize("deep", [False, True])
def test_painting_keeps_lightness_and_gives_the_color(deep: bool) -> None:
    codes = np.tile(np.arange(20, 236, 2, dtype=np.uint8), (48, 1))
    ab = np.full((12, 27, 2), (12.0, -18.0), np.float32)
    cells = np.tile(TABLE[codes[0]].reshape(27, 4).mean(axis=1), (12, 1))
    painted = Painter(TABLE, deep=deep).paint(Frame(0, codes, TABLE), cells, ab, (4.0, 4.0))
    assert painted.dtype == (np.uint16 if deep else np.uint8)
    lab = srgb_to_lab(painted.astype(np.float32) / np.float32(np.iinfo(painted.dtype).max))
    assert np.abs(lab[..., 0] - TABLE[codes]).max() < (0.3 if deep else 0.6)
    assert np.abs(lab[:, 20:80, 1:] - (12, -18)).mean() < 0.8


def test_painting_gray_gives_gray() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    painted = Painter(TABLE, deep=False).paint(
        Frame(0, codes, TABLE), np.full((4, 4), 50, np.float32), np.zeros((4, 4, 2), np.float32), (4.0, 4.0)
    )
    assert np.abs(painted.astype(int) - codes[..., np.newaxis]).max() <= 1


def test_deflicker_evens_out_and_keeps_the_rest(moving: Frames) -> None:
    rng = np.random.default_rng(0)
    frames = [Frame(number, codes, TABLE) for number, codes in enumerate(moving(1, 30))]
    steady = [frame.lightness().mean() for frame in frames]
    flickering = [replace(frame, table=np.clip(TABLE * rng.uniform(0.85, 1.15), 0, 100)) for frame in frames]
    evened = list(deflicker(flickering))
    assert [frame.number for frame in evened] == list(range(30))

    def unrest(found: list[Frame]) -> float:
        return float(np.abs(np.diff([frame.lightness().mean() for frame in found] - np.array(steady))).mean())

    assert unrest(evened) < 0.35 * unrest(flickering)
    for before, after in zip(flickering, evened, strict=True):
        assert (np.diff(after.table) >= 0).all()
        assert np.corrcoef(before.lightness().ravel(), after.lightness().ravel())[0, 1] > 0.98


def test_deflicker_leaves_what_is_even(moving: Frames) -> None:
    frames = [Frame(number, codes, TABLE) for number, codes in enumerate([moving(1, 1)[0]] * 5)]
    for frame in deflicker(frames):
        assert np.abs(frame.table - TABLE).max() < 0.05


def test_color_frames_give_the_lightness_of_their_colors(
    scene: Callable[..., NDArray[np.uint8]], make_film: Maker
) -> None:
    rgb = scene(2, 48, 64)
    film = examine(make_film("in.avi", [rgb] * 2, codec="png", pixels="rgb24"))
    frame = next(Reader(film, np.arange(2), seekable=False).frames(0, 1))
    found = Toner(film, colored=True).take(0, frame).lightness()
    assert np.abs(found - lightness(rgb / np.float32(255))).max() < 0.1
