"""Films that are truncated, corrupt, empty, colored, or change on the way: what is readable is kept, the rest named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.errors import OptionError, OutputExists, UnreadableVideo
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.film import Reader, decode, examine
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, Plan, make_plan
from tinct.video.shots import survey
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
H264 = {"codec": "libx264", "pixels": "yuv420p", "options": {"g": "10", "bf": "0"}}


def colorize(source: Path, backend: Backend, options: ColorizeOptions) -> tuple[Plan, Path]:
    target = source.with_name("out.mkv")
    job = Job(str(source), str(target), FilmOptions(colors=options))
    plan = make_plan(job, backend)
    studio = Studio(plan, backend)
    for shot in plan.survey.shots:
        studio.colorize_shot(shot)
    finish(job, plan, backend)
    return plan, target


def count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize("name", ["in.mkv", "in.ts", "in.avi"])
def test_truncated(name: str, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film(name, moving(count=60), **(H264 | {"sound": name == "in.mkv"}))
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) * 55 // 100])
    plan, target = colorize(source, backend, small)
    assert 15 < len(plan.survey.ticks) < 55
    assert count(target) == len(plan.survey.ticks)
    assert plan.survey.damage
    if name == "in.mkv":  # whose header promises a length
        assert any(line.endswith("of the 0:02.4 that it promises") for line in plan.survey.damage)


def test_mp4_without_its_index(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mp4", moving(), **H264)
    source.write_bytes(source.read_bytes()[:2000])
    with pytest.raises(UnreadableVideo, match=r"damaged from its beginning on"):
        colorize(source, backend, small)
    assert list(source.parent.iterdir()) == [source]


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts"])
def test_corrupt(name: str, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """Noise in the middle costs some frames; those around it are there, at their times, and what is lost is named."""
    source = make_film(name, moving(count=60), **H264)
    whole = bytearray(source.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 1500] = np.random.default_rng(0).integers(0, 256, 1500, np.uint8).tobytes()
    source.write_bytes(whole)
    plan, target = colorize(source, backend, small)
    assert plan.survey.damage
    assert all(line.startswith(("at 0:0", "between 0:0", "what follows", "it ends")) for line in plan.survey.damage)
    assert len(plan.survey.ticks) > 25
    assert count(target) == len(plan.survey.ticks)
    assert not plan.survey.seekable


def test_frames_that_are_not_there(moving: Frames, make_film: Maker) -> None:
    """Nothing says that they were lost, but that all others follow each other evenly; a film of many rates has gaps."""
    ticks = [*range(10), *range(22, 30)]
    source = make_film("in.mkv", moving(count=18), ticks=ticks)
    assert survey(examine(source)).notes == ("between 0:00.4 and 0:00.9 there is no picture",)
    uneven = np.cumsum(np.tile([1, 3, 9], 6)).tolist()
    assert survey(examine(make_film("uneven.mkv", moving(count=18), ticks=uneven))).notes == ()


def test_no_film(tmp_path: Path, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(UnreadableVideo, match="no film"):
        colorize(tmp_path / "text.mp4", backend, small)
    with pytest.raises(UnreadableVideo, match="can't be read"):
        colorize(tmp_path / "missing.mp4", backend, small)
    with pytest.raises(UnreadableVideo):
        colorize(tmp_path, backend, small)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(UnreadableVideo):
        colorize(tmp_path / "empty.mp4", backend, small)


def test_sound_alone(tmp_path: Path, backend: Backend, small: ColorizeOptions) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(UnreadableVideo, match=r"no moving pictures \(but audio\)"):
        colorize(path, backend, small)


def test_no_frames(tmp_path: Path, backend: Backend, small: ColorizeOptions) -> None:
    """A stream of pictures that holds none."""
    path = tmp_path / "none.mkv"
    with av.open(str(path), "w") as container:
        container.add_stream("libx264", rate=25, width=64, height=48)
        container.start_encoding()
    with pytest.raises(UnreadableVideo, match=r"without a frame|no frame of it"):
        colorize(path, backend, small)


def test_undecodable_codec(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """A codec that nobody knows: the four letters of it replaced."""
    source = make_film("in.avi", moving(), codec="mjpeg", pixels="yuvj420p")
    source.write_bytes(source.read_bytes().replace(b"MJPG", b"QQQQ"))
    with pytest.raises(UnreadableVideo, match=r"package av|no frame"):
        colorize(source, backend, small)


def test_color_is_replaced(
    scene: Callable[..., NDArray[np.uint8]], make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    frames = [np.ascontiguousarray(scene(3, 96, 160)[:, start : start + 128]) for start in range(8)]
    source = make_film("in.mp4", frames, codec="libx264", pixels="yuv420p")
    plan, target = colorize(source, backend, small)
    assert plan.survey.colored
    assert any("has colors already" in note for note in plan.notes)
    assert count(target) == 8


def test_gray_counts_as_gray(moving: Frames, make_film: Maker) -> None:
    film = make_film("in.mp4", moving(), codec="libx264", pixels="yuv420p", options={"crf": "40"})
    assert not survey(examine(film)).colored


def test_changing_size(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """Two transport streams of different sizes put after each other, as recorders do."""
    first = make_film("a.ts", moving(1, 20), **H264)
    second = make_film("b.ts", moving(4, 20, height=64, width=160), **H264, ticks=[25 + n for n in range(20)])
    source = first.with_name("in.ts")
    source.write_bytes(first.read_bytes() + second.read_bytes())
    plan, target = colorize(source, backend, small)
    assert any("160 x 64 pixels" in note for note in plan.notes)
    assert len(plan.survey.ticks) >= 38
    with av.open(str(target)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert {frame.shape for frame in frames} == {(96, 128, 3)}
    assert frames[-1][:15].max() < 20, "black above what is wider"


def test_times_missing_or_backwards(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """A raw stream has no times at all."""
    source = make_film("in.h264", moving(count=20), codec="libx264", pixels="yuv420p")
    plan, target = colorize(source, backend, small)
    assert count(target) == 20
    assert (np.diff(plan.survey.ticks) > 0).all()


def test_seeking_gives_the_same_frames(moving: Frames, make_film: Maker) -> None:
    source = make_film("in.mp4", moving(count=60), codec="libx264", pixels="yuv420p", options={"g": "25", "bf": "3"})
    film = examine(source)
    ticks = survey(film).ticks
    whole = [frame.to_ndarray(format="gray") for frame in Reader(film, ticks, seekable=True).frames(0, 60)]
    reader = Reader(film, ticks, seekable=True)
    for first, number in ((40, 5), (45, 5), (3, 2), (59, 1)):
        found = [frame.to_ndarray(format="gray") for frame in reader.frames(first, number)]
        assert len(found) == number
        assert all((one == other).all() for one, other in zip(found, whole[first:], strict=False))
    by_counting = [f.to_ndarray(format="gray") for f in Reader(film, ticks, seekable=False).frames(40, 5)]
    assert all((one == other).all() for one, other in zip(by_counting, whole[40:], strict=False))


def test_going_through_a_damaged_film_decodes_it_few_times(
    moving: Frames, make_film: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shots in pieces that overlap, each shot gone through as a whole before, as for hints."""
    film = examine(make_film("in.mkv", moving(count=120), **H264))
    decoded = 0

    def counted(*arguments: Any) -> Iterator[Any]:
        nonlocal decoded
        for frame in decode(*arguments):
            decoded += 1
            yield frame

    monkeypatch.setattr("tinct.video.film.decode", counted)
    reader = Reader(film, np.arange(120), seekable=False)
    whole = [frame.to_ndarray(format="gray") for frame in reader.frames(0, 120)]
    for passes in (2, 3):
        reader, decoded = Reader(film, np.arange(120), seekable=False), 0
        for shot in range(0, 120, 40):
            calls = [range(shot, shot + 40)] * (passes == 3)
            calls += [range(max(shot, piece - 4), min(shot + 40, piece + 14)) for piece in range(shot, shot + 40, 10)]
            for seen in calls:
                found = [frame.to_ndarray(format="gray") for frame in reader.frames(seen.start, len(seen))]
                assert (np.array(found) == np.array(whole[seen.start : seen.stop])).all()
        assert decoded <= passes * 120


def test_nothing_is_replaced(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mkv", moving())
    source.with_name("out.mkv").write_bytes(b"mine")
    with pytest.raises(OutputExists):
        colorize(source, backend, small)
    assert source.with_name("out.mkv").read_bytes() == b"mine"


def test_the_film_itself_is_never_replaced(moving: Frames, make_film: Maker, backend: Backend) -> None:
    """Not by --overwrite either, nor by another name of it."""
    source = make_film("in.mkv", moving(count=2))
    before = source.read_bytes()
    link = source.with_name("link.mkv")
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(OptionError, match="is the film itself, which is never replaced; give another name"):
            make_plan(Job(str(source), str(target), overwrite=True), backend)
    assert source.read_bytes() == before
    assert sorted(path.name for path in source.parent.iterdir()) == ["in.mkv", "link.mkv"]


def test_source_that_changes(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mkv", moving(count=4))
    job = Job(str(source), str(source.with_name("out.mkv")), FilmOptions(colors=small))
    plan = make_plan(job, backend)
    Studio(plan, backend).colorize_shot(plan.survey.shots[0])
    source.write_bytes(source.read_bytes() + b"more")
    with pytest.raises(UnreadableVideo, match="changed while"):
        finish(job, plan, backend)
    assert not source.with_name("out.mkv").exists()


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("out.avi", {}, r"\.mp4, \.m4v, \.mov, \.mkv, \.webm"),
        ("out.mp4", {"codec": "ffv1"}, r"doesn't hold ffv1; .*\.mkv"),
        ("out.mp4", {"codec": "divx"}, "choose one of h264"),
        ("out.mov", {"codec": "prores", "depth": 8}, "doesn't have 8 bits"),
        ("out.mp4", {"depth": 12}, "h265 doesn't have 12 bits a channel, but 8, 10"),
        ("out.mkv", {"codec": "ffv1", "depth": 14}, "but 8, 10, 12, 16"),
        ("out.mp4", {"quality": 60}, r"0 \(best\) to 51"),
        ("out.mkv", {"codec": "ffv1", "quality": 3}, "has no quality"),
    ],
)
def test_wrong_wishes(
    name: str, changes: dict[str, object], said: str, moving: Frames, make_film: Maker, backend: Backend
) -> None:
    source = make_film("in.mkv", moving(count=2))
    with pytest.raises(OptionError, match=said):
        make_plan(Job(str(source), str(source.with_name(name)), **changes), backend)  # type: ignore[arg-type]
