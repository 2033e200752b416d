"""What a colorized film keeps of its source: timestamps, sound, subtitles, rotation, aspect, metadata, lightness."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.lab import lightness
from tinct.errors import OptionError, OutputError
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, Plan, make_plan
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]


def colorize(source: Path, target: Path, backend: Backend, options: ColorizeOptions, **changes: Any) -> Plan:
    film = {
        name: changes.pop(name) for name in ("steady", "deflicker", "seconds", "hints", "references") if name in changes
    }
    job = Job(str(source), str(target), FilmOptions(colors=options, **film), **changes)
    plan = make_plan(job, backend)
    studio = Studio(plan, backend)
    for shot in plan.survey.shots:
        studio.colorize_shot(shot)
    finish(job, plan, backend)
    return plan


def times(path: Path, kind: str = "video") -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return sorted(packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None)


def payload(path: Path, kind: str) -> bytes:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return b"".join(bytes(packet) for packet in container.demux(stream) if packet.size)


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(179, 6)], ids=str)
def test_exact_rate(rate: Fraction, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mp4", moving(), codec="libx264", pixels="yuv420p", rate=rate)
    colorize(source, target := source.with_name("out.mp4"), backend, small)
    assert times(target) == times(source)
    with av.open(str(target)) as container:
        assert container.streams.video[0].average_rate == rate
    assert not source.with_name("out.mp4.shots").exists()


def test_variable_rate_over_several_shots(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    frames = [*moving(1, 20), *moving(5, 20), *moving(7, 20)]
    steps = np.random.default_rng(0).integers(100, 5000, len(frames))
    ticks = [900, *(900 + np.cumsum(steps)[:-1]).tolist()]
    source = make_film("in.mp4", frames, codec="libx264", pixels="yuv420p", ticks=ticks, time_base=Fraction(1, 30000))
    plan = colorize(source, target := source.with_name("out.mp4"), backend, small)
    assert [shot.first for shot in plan.survey.shots] == [0, 20, 40]
    assert times(target) == times(source)
    assert len(pictures(target)) == 60


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_rate_of_another_time_base(
    name: str, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    """The stream of H.264 says 25 frames a second, whatever the source counts time in."""
    ticks = [1200 * number for number in range(12)]
    source = make_film("in.mkv", moving(), ticks=ticks, time_base=Fraction(1, 30000))
    colorize(source, target := source.with_name(name), backend, small)
    assert times(target) == times(source)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.framerate == stream.average_rate == 25


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out.webm"])
def test_the_same_film_again(
    name: str, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    """Byte for byte; from enough frames for an encoder to look ahead."""
    source = make_film("in.mkv", moving(count=50, height=180, width=320), sound=name != "out.webm")
    found = []
    for folder in ("one", "other"):
        (source.parent / folder).mkdir()
        colorize(source, target := source.parent / folder / name, backend, small, steady=False)
        found.append(target.read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("name", "codec", "depth", "pixels"),
    [
        ("out.mp4", None, None, "yuv420p"),
        ("out.mp4", "h265", 10, "yuv420p10le"),
        ("out.mov", "prores", None, "yuv422p10le"),
        ("out.mkv", "ffv1", 10, "yuv444p10le"),
        ("out.mkv", "ffv1", 16, "yuv444p16le"),
        ("out.webm", None, None, "yuv420p"),
        ("out.mkv", "h264", 10, "yuv420p10le"),
        ("out.mp4", "av1", 10, "yuv420p10le"),
    ],
)
def test_codecs(
    name: str,
    codec: str | None,
    depth: int | None,
    pixels: str,
    moving: Frames,
    make_film: Maker,
    backend: Backend,
    small: ColorizeOptions,
) -> None:
    source = make_film("in.mkv", [*moving(1, 8), *moving(5, 8)], pixels="gray", rate=25)
    colorize(source, target := source.with_name(name), backend, small, codec=codec, depth=depth)
    assert times(target) == times(source)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == pixels
        assert stream.codec_context.colorspace == 1
        frames = list(container.decode(video=0))
    assert len(frames) == 16
    before, after = pictures(source), [frame.to_ndarray(format="rgb24") for frame in frames]
    difference = np.abs(_light(before[9]) - _light(after[9]))
    assert difference.mean() < 0.8
    assert np.ptp(after[9].astype(int), axis=-1).max() > 10


def _light(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return lightness(rgb.astype(np.float32) / np.float32(255))


def test_lightness_is_kept(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """Of the studio range of an ordinary film, without loss: what rounding to 8 bits changes."""
    source = make_film("in.mkv", moving(), codec="ffv1", pixels="yuv420p")
    colorize(source, target := source.with_name("out.mkv"), backend, small, codec="ffv1")
    for before, after in zip(pictures(source), pictures(target), strict=True):
        assert np.abs(_light(before) - _light(after)).mean() < 0.26


@pytest.mark.parametrize(("bits", "held"), [(10, 10), (12, 12), (14, 16), (16, 16)])
def test_all_bits_are_kept(bits: int, held: int, backend: Backend, make_film: Maker, small: ColorizeOptions) -> None:
    """A ramp as fine as the film can show comes out with its levels, but for rounding; 2 bits less would leave 64."""
    ramp = np.tile((np.arange(256) + (1 << bits) * 2 // 5).astype(np.uint16), (64, 1))
    source = make_film("in.mkv", [ramp] * 4, codec="ffv1", pixels=f"gray{bits}le")
    plan = colorize(source, target := source.with_name("out.mkv"), backend, small, codec="ffv1")
    assert plan.notes == ()
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == f"yuv444p{held}le"
        luma = np.frombuffer(frame.planes[0], "<u2").reshape(64, -1)[32, :256]
    assert len(np.unique(luma)) > 150


def test_bits_that_a_codec_lacks_are_named(backend: Backend, make_film: Maker) -> None:
    source = make_film("in.mkv", [np.full((48, 64), 3000, np.uint16)] * 2, pixels="gray12le")
    for name, changes, note in (
        ("out.mp4", {}, "its 12 bits a channel were reduced to 10; ffv1 (.mkv) keeps up to 16"),
        (
            "out.mov",
            {"codec": "h264", "depth": 8},
            "its 12 bits a channel were reduced to 8; ffv1 (.mkv) keeps up to 16",
        ),
    ):
        assert note in make_plan(Job(str(source), str(source.with_name(name)), **changes), backend).notes


def test_av1_says_nothing(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_film("in.mkv", moving(count=2))
    colorize(source, source.with_name("out.webm"), backend, small)
    assert "Svt" not in capfd.readouterr().err


def test_sound_and_language(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mp4", moving(count=25), codec="libx264", pixels="yuv420p", sound=True)
    colorize(source, target := source.with_name("out.mp4"), backend, small)
    assert payload(target, "audio") == payload(source, "audio")
    assert times(target, "audio") == times(source, "audio")
    with av.open(str(target)) as container:
        assert container.streams.audio[0].language == "deu"


def test_subtitles_and_metadata(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film(
        "in.mkv",
        moving(count=25),
        sound=True,
        subtitles=[(0.1, "Guten Tag"), (0.5, "Auf Wiedersehen")],
        metadata={"title": "Test", "comment": "From the attic."},
    )
    colorize(source, target := source.with_name("out.mkv"), backend, small)
    assert payload(target, "subtitle") == payload(source, "subtitle")
    assert times(target, "subtitle") == times(source, "subtitle")
    assert payload(target, "audio") == payload(source, "audio")
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "Test"
        assert container.metadata["COMMENT"].startswith("From the attic. Colorized from a black-and-white original")


@pytest.mark.parametrize(
    ("name", "changes", "target", "said"),
    [
        (
            "in.mkv",
            {"subtitles": [(0.1, "Guten Tag")]},
            "out.mp4",
            r"stream 1, subtitle.*; name the output \.mkv, which",
        ),
        ("in.mov", {"tone": "pcm_mulaw"}, "out.mkv", r"stream 1, audio.*; name the output \.mov, which"),
        (
            "in.avi",
            {"tone": "adpcm_ms"},
            "out.mov",
            r"stream 1, audio.*; leave it out \(--no-sound\), or convert it first: ffmpeg -i .* -c:a flac",
        ),
    ],
)
def test_what_does_not_fit(
    name: str, changes: dict[str, Any], target: str, said: str, moving: Frames, make_film: Maker, backend: Backend
) -> None:
    """The message names what holds all of the film, or how to make it fit; never what was just refused."""
    source = make_film(name, moving(count=2), **{"codec": "mpeg4", "pixels": "yuv420p"} | changes)
    with pytest.raises(OptionError, match=said):
        make_plan(Job(str(source), str(source.with_name(target))), backend)
    assert list(source.parent.iterdir()) == [source]


def test_sound_that_is_cut_away(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    """An MP4 may hold sound that its list of edits leaves out; Matroska has no such list."""
    whole = make_film("in.mp4", moving(count=25), codec="libx264", pixels="yuv420p", sound=True)
    source = tmp_path / "cut.mp4"
    with av.open(str(whole)) as container, av.open(str(source), "w") as cut:
        copies = {stream.index: cut.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.dts is None:
                continue
            packet.stream = copies[packet.stream.index]
            if packet.stream.type == "audio":
                packet.pts, packet.dts = packet.pts - 24000, packet.dts - 24000
            cut.mux(packet)
    colorize(source, target := tmp_path / "out.mkv", backend, small)
    assert 0.4 < len(times(target, "audio")) / len(times(whole, "audio")) < 0.6
    assert min(times(target, "audio")) >= Fraction(-1, 20)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation(rotation: int, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """A turned film is colorized upright, and says that it is turned just as its source did."""
    frames = moving()
    turns = rotation // 90
    stored = [np.ascontiguousarray(np.rot90(frame, -turns)) for frame in frames]
    plain = make_film("plain.mp4", frames, codec="libx264", pixels="yuv420p")
    source = make_film("in.mp4", stored, codec="libx264", pixels="yuv420p", rotation=rotation)
    colorize(plain, plain_target := plain.with_name("a.mp4"), backend, small)
    colorize(source, target := source.with_name("b.mp4"), backend, small)
    with av.open(str(source)) as first, av.open(str(target)) as second:
        one, other = next(first.decode(video=0)), next(second.decode(video=0))
        assert one.rotation == other.rotation != 0
        assert bytes(one.side_data.get("DISPLAYMATRIX")) == bytes(other.side_data.get("DISPLAYMATRIX"))
    upright = np.rot90(pictures(target)[5], other.rotation // 90)
    assert np.abs(upright.astype(int) - pictures(plain_target)[5]).mean() < 4


def test_aspect(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mp4", moving(), codec="libx264", pixels="yuv420p", aspect=Fraction(16, 11))
    colorize(source, target := source.with_name("out.mp4"), backend, small)
    with av.open(str(target)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)


def test_odd_size(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mkv", moving(height=95, width=127), pixels="gray")
    colorize(source, target := source.with_name("out.mp4"), backend, small)
    assert pictures(target)[0].shape == (95, 127, 3)
    with pytest.raises(OptionError, match="even sizes"):
        colorize(source, source.with_name("out.webm"), backend, small)


def test_preview(moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    source = make_film("in.mp4", moving(count=50), codec="libx264", pixels="yuv420p", sound=True)
    colorize(source, target := source.with_name("out.mp4"), backend, small, seconds=0.4)
    assert times(target) == times(source)[:10]
    assert 0.3 < times(target, "audio")[-1] < 0.4


def test_gray_stays_gray_where_nothing_is_seen(make_film: Maker, backend: Backend, small: ColorizeOptions) -> None:
    """Black and white have no color, whatever the network says."""
    frames = [np.full((64, 64), value, np.uint8) for value in (0, 0, 255, 255)]
    source = make_film("in.mkv", frames)
    colorize(source, target := source.with_name("out.mkv"), backend, small, codec="ffv1")
    for before, after in zip(pictures(source), pictures(target), strict=True):
        assert np.abs(before.astype(int) - after).max() <= 2


def test_missing_encoder(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_film("in.mkv", moving())
    known = av.codec.Codec

    def without(name: str, mode: str = "r") -> Any:
        if name == "libx265":
            raise av.codec.codec.UnknownCodecError(name)
        return known(name, mode)

    monkeypatch.setattr(av.codec, "Codec", without)
    with pytest.raises(OutputError, match=r"no encoder libx265.*pip install"):
        colorize(source, source.with_name("out.mp4"), backend, small, codec="h265")
