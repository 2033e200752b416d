"""Steadiness: flicker goes, colors go with what moves, nothing is smeared where something appears, or at a cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from tinct.color.lab import lab_to_srgb
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.film import Reader, examine
from tinct.video.flicker import Flicker
from tinct.video.flow import Linker, Way
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, make_plan
from tinct.video.shots import LONGEST, Shot, survey
from tinct.video.steady import Colored, steady
from tinct.video.tones import Frame
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
TABLE = np.linspace(0, 100, 256, dtype=np.float32)


def textured(seed: int, height: int, width: int) -> NDArray[np.float32]:
    """L of a surface that flow can hold on to."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(50 + 15 * smooth / smooth.std(), 0, 100).astype(np.float32)


def entry(number: int, light: NDArray[np.float32], ab: NDArray[np.float32]) -> Colored:
    cells = cv2.resize(light, ab.shape[1::-1], interpolation=cv2.INTER_AREA)
    return Colored(Frame(number, np.rint(light * 2.55).astype(np.uint8), TABLE), light, cells, ab)


def test_flicker_goes_and_color_stays() -> None:
    """Noise of deviation 10 on a still picture: a mean of n frames has 10 / sqrt(n)."""
    rng, light = np.random.default_rng(0), textured(0, 64, 96)
    noisy = [rng.normal((20, -10), 10, (16, 24, 2)).astype(np.float32) for _ in range(40)]
    found = [ab for _, ab in steady([entry(n, light, ab) for n, ab in enumerate(noisy)], Linker((16, 24), 4))]
    assert len(found) == 40
    middle = np.stack(found[10:30])
    assert middle.std(axis=0).mean() < 10 / np.sqrt(10)
    assert np.abs(middle.mean(axis=(0, 1, 2)) - (20, -10)).max() < 0.5


def test_frames_come_in_order_and_all() -> None:
    light = textured(1, 64, 96)
    for count in (1, 2, 19, 20, 21, 45):
        frames = [entry(n, light, np.full((16, 24, 2), n, np.float32)) for n in range(count)]
        assert [colored.frame.number for colored, _ in steady(frames, Linker((16, 24), 4))] == list(range(count))


def test_colors_move_with_things() -> None:
    """A camera pans over a wall that is red on the left and blue on the right: so is every frame."""
    wall = textured(2, 64, 192)
    colors = np.where(np.arange(192)[np.newaxis, :, np.newaxis] < 96, (40.0, 20.0), (-20.0, -40.0))
    colors = np.broadcast_to(colors, (64, 192, 2)).astype(np.float32)
    frames, truth = [], []
    for number in range(24):
        start = 3 * number
        seen = np.ascontiguousarray(colors[:, start : start + 96])
        truth.append(cv2.resize(seen, (24, 16), interpolation=cv2.INTER_AREA))
        frames.append(entry(number, np.ascontiguousarray(wall[:, start : start + 96]), truth[-1]))
    found = [ab for _, ab in steady(frames, Linker((16, 24), 4))]
    errors = [np.abs(ab - true)[2:-2, 2:-2].mean() for ab, true in zip(found, truth, strict=True)]
    assert np.mean(errors) < 2.0
    unaligned = np.mean(truth[6:18], axis=0)
    assert np.mean(errors) < np.abs(unaligned - truth[12]).mean() / 3


def test_what_comes_into_sight_begins_anew() -> None:
    """A patch appears at once, of another lightness and color: nothing of the other's color is there."""
    light = textured(3, 64, 96)
    with_patch = light.copy()
    with_patch[16:48, 32:64] = 100 - textured(4, 32, 32) * 0.2
    wall, patch = np.zeros((16, 24, 2), np.float32), np.zeros((16, 24, 2), np.float32)
    patch[4:12, 8:16] = 50
    frames = [entry(n, light if n < 12 else with_patch, wall if n < 12 else patch) for n in range(24)]
    found = [ab for _, ab in steady(frames, Linker((16, 24), 4))]
    assert np.abs(found[11][6:10, 10:14]).mean() < 2
    assert np.abs(found[12][6:10, 10:14] - 50).mean() < 2


def test_trust_ends_at_the_border_and_behind_things() -> None:
    still = textured(5, 64, 96)
    moved = np.roll(still, 8, axis=1)
    moved[:, :8] = textured(6, 64, 8)
    link = Linker((64, 96), 1).link(still, moved)
    assert link.back.trust[8:-8, 20:-8].mean() > 0.9
    assert link.back.trust[:, :4].mean() < 0.3, "came into sight"
    assert link.on.trust[:, -6:].mean() < 0.3, "went out of sight"
    assert np.abs(link.back.shift[8:-8, 20:-8, 0].mean() + 8) < 0.5


def test_way_brings_planes() -> None:
    ramp = np.tile(np.arange(24, dtype=np.float32), (16, 1))
    shift = np.zeros((16, 24, 2), np.float32)
    shift[..., 0] = 2
    brought = Way(shift, np.ones((16, 24), np.float32)).bring(ramp)
    assert np.allclose(brought[:, :20], ramp[:, :20] + 2)


def test_cuts_are_found_to_the_frame(moving: Frames, make_film: Maker) -> None:
    source = make_film("in.mkv", [*moving(1, 13), *moving(5, 9), *moving(7, 30)])
    assert [(shot.first, shot.count) for shot in survey(examine(source)).shots] == [(0, 13), (13, 9), (22, 30)]


def test_long_shots_are_worked_on_in_pieces(make_film: Maker) -> None:
    source = make_film("in.mkv", [np.full((16, 16), 90, np.uint8)] * (LONGEST + 10))
    first, second = survey(examine(source)).shots
    half = (LONGEST + 10) // 2
    assert first == Shot(0, 0, half, 0, LONGEST + 10)
    assert second == Shot(1, half, half, 0, LONGEST + 10)
    assert second.seen.start < half < first.seen.stop


def colorize(source: Path, name: str, backend: Backend, options: FilmOptions) -> list[NDArray[np.uint8]]:
    target = source.with_name(name)
    job = Job(str(source), str(target), options, codec="ffv1")
    plan = make_plan(job, backend)
    studio = Studio(plan, backend)
    for shot in plan.survey.shots:
        studio.colorize_shot(shot)
    finish(job, plan, backend)
    with av.open(str(target)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def gray_clip(path: Path, first: int, count: int, height: int = 108) -> list[NDArray[np.uint8]]:
    film = examine(path)
    ticks = survey(film, (first + count + 1) / float(film.rate)).ticks
    frames = [frame.to_ndarray(format="gray") for frame in Reader(film, ticks, seekable=True).frames(first, count)]
    return [cv2.resize(frame, (144, height), interpolation=cv2.INTER_AREA) for frame in frames]


@pytest.mark.parametrize("name", ["cockatoo", "plants-window"])
def test_real_clips_flicker_less(
    name: str, shared_data: Path, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    """The bars: warp error at least 40 % lower than frame by frame, colorfulness within 5 %."""
    source = make_film("in.mkv", gray_clip(shared_data / "clips" / f"{name}.mp4", 0, 16))
    measured = []
    options = ColorizeOptions(size=96)
    for steadily in (False, True):
        flicker = Flicker()
        for frame in colorize(source, f"{steadily}.mkv", backend, FilmOptions(options, steady=steadily)):
            flicker.add(frame)
        measured.append(flicker)
    plain, steadied = measured
    assert steadied.warp_error < 0.6 * plain.warp_error
    assert steadied.cdc < plain.cdc
    assert steadied.colorfulness == pytest.approx(plain.colorfulness, rel=0.05)


def test_cut_is_not_smeared(shared_data: Path, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """Of two clips joined, each frame is what it is where its clip is alone: nothing comes over the cut."""
    one, other = (gray_clip(shared_data / "clips" / f"{name}.mp4", 0, 8) for name in ("bottles", "plants-window"))
    options = FilmOptions(small)
    joined = colorize(make_film("joined.mkv", [*one, *other]), "a.mkv", backend, options)
    apart = [
        *colorize(make_film("one.mkv", one), "b.mkv", backend, options),
        *colorize(make_film("other.mkv", other), "c.mkv", backend, options),
    ]
    for number in range(16):
        assert (joined[number] == apart[number]).all(), number


def test_cdc_and_warp_error_of_known_films() -> None:
    """No change, no error; a color that jumps by d in a of a still picture costs d / 2 (a and b are averaged)."""
    gray = np.repeat(textured(7, 96, 128)[..., np.newaxis] * 2.55, 3, axis=-1).astype(np.uint8)
    still = Flicker()
    for _ in range(6):
        still.add(gray)
    assert (still.warp_error, still.cdc) == (0.0, 0.0)
    lab = np.dstack([textured(7, 96, 128) * 0.5 + 25, np.zeros((96, 128, 2), np.float32)])
    pair = []
    for a in (0, 10):
        lab[..., 1] = a
        pair.append(np.rint(np.clip(lab_to_srgb(lab), 0, 1) * 255).astype(np.uint8))
    jumping = Flicker()
    for number in range(6):
        jumping.add(pair[number % 2])
    assert jumping.warp_error == pytest.approx(5, abs=0.4)
    counts = [[np.bincount(rgb[..., channel].ravel(), minlength=256) for channel in range(3)] for rgb in pair]
    # The oracle is SciPy's distance, which is the root; frames 2 and 4 apart are the same.
    divergence = np.mean([jensenshannon(one, other, base=2) ** 2 for one, other in zip(*counts, strict=True)])
    assert jumping.cdc == pytest.approx(divergence / 3)
