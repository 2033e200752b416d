"""``tinct video`` as a user runs it: exit codes, messages, going on after a kill, the mark, memory."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.cli.app import main
from tinct.cli.filming import SMALL_MODEL
from tinct.weights.store import list_models

TINCT = [sys.executable, "-m", "tinct"]
SMALL = ("--size", "32", "--jobs", "1")


def write(path: Path, frames: list[NDArray[np.uint8]], codec: str = "libx264") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, time_base=Fraction(1, 25))
        stream.height, stream.width = frames[0].shape
        stream.pix_fmt = "yuv420p"
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def shots(count: int, each: int) -> list[NDArray[np.uint8]]:
    """Gray frames of several pictures without likeness, each moving a little."""
    found = []
    for seed in range(count):
        noise = np.random.default_rng(seed).integers(0, 256, (6, 10)).astype(np.float32)
        large = np.kron(noise, np.ones((16, 16)))
        found += [np.roll(large, number, axis=1)[:, :128].astype(np.uint8) for number in range(each)]
    return found


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which saves loading all libraries each time."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as done:
        main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, int(done.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four shots of six frames."""
    return write(tmp_path_factory.mktemp("film") / "film.mp4", shots(4, 6))


@pytest.fixture(scope="module")
def finished(film: Path) -> Path:
    """The film colorized without an interruption."""
    target = film.with_name("finished.mp4")
    done = run("video", film, "-o", target, *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["frames"], facts["shots"], facts["damage"]) == (24, 4, [])
    assert facts["frames_per_second"] > 0
    assert "24 frames, 0:01.0, 128 x 96, 4 shots" in done.stderr
    assert "frames/s" in done.stderr
    return target


def test_mark(film: Path, finished: Path, tmp_path: Path) -> None:
    found = run("inspect", finished, "--source", film, "--json")
    assert found.returncode == 0, found.stderr
    facts = json.loads(found.stdout)
    assert facts["settings"] == {"film": {"steady": True}, "size": 32}
    assert (facts["model"], facts["source_matches"], facts["inferred"]) == ("tinct", True, True)
    assert facts["output"]["codec"] == "h264"
    assert run("inspect", film).returncode == 1
    assert run("inspect", finished, "--source", finished).returncode == 1
    again = run("reproduce", finished, "--source", film, "-o", tmp_path / "again.mp4")
    assert (again.returncode, "tinct video" in again.stderr) == (1, True)


def test_mark_in_matroska_and_none(film: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    options = ("--preview", "0.2", "--deflicker", "--no-steady", *SMALL)
    assert run("video", film, "-o", target, *options, "--quiet").returncode == 0
    facts = json.loads(run("inspect", target, "--json").stdout)
    assert facts["settings"] == {"film": {"seconds": 0.2, "steady": False}, "restore": ["deflicker"], "size": 32}
    assert run("video", film, "-o", target, *options, "--no-mark", "--overwrite").returncode == 0
    assert run("inspect", target).returncode == 1


def test_without_sound(film: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.mov", tmp_path / "out.mkv"
    with av.open(str(film)) as container, av.open(str(source), "w") as written:
        copy = written.add_stream_from_template(container.streams.video[0])
        sound = written.add_stream("pcm_mulaw", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 500), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        written.mux([*sound.encode(frame), *sound.encode(None)])
        for packet in container.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                written.mux(packet)
    refused = run("video", source, "-o", target, *SMALL, "--preview", "0.1")
    assert (refused.returncode, "audio of the codec pcm_mulaw, can't be copied" in refused.stderr) == (2, True)
    done = run("video", source, "-o", target, *SMALL, "--preview", "0.1", "--no-sound", "--no-subtitles")
    assert done.returncode == 0, done.stderr
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_killed_and_gone_on(film: Path, finished: Path, tmp_path: Path) -> None:
    """Killed after its second shot and run again: shots aren't done twice, and the film is the same, byte for byte."""
    target, state = tmp_path / "finished.mp4", tmp_path / "state"
    command = [*TINCT, "video", str(film), "-o", str(target), *SMALL, "--state", str(state)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (state / "shot-00001.mkv").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not target.exists()
    pieces = sorted(state.glob("shot-*.mkv"))
    assert 2 <= len(pieces) <= 4
    stamps = {piece.name: piece.stat().st_mtime_ns for piece in pieces}
    # One of them as a disk that was full would leave it.
    pieces[0].write_bytes(pieces[0].read_bytes()[:700])
    (state / ".tinct-0123456789abcdef.tmp").write_bytes(b"left over")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(stamps) - 1} of them done before" in done.stderr
    assert target.read_bytes() == finished.read_bytes()
    assert not state.exists()


def test_other_options_begin_anew(film: Path, tmp_path: Path) -> None:
    """Shots of another mode are never joined with those of this one."""
    target, state = tmp_path / "out.mkv", tmp_path / "state"
    command = ("video", film, "-o", target, *SMALL, "--state", state, "--preview", "0.5")
    process = subprocess.Popen([*TINCT, *map(str, command)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (state / "shot-00000.mkv").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    done = run(*command, "--mode", "faithful")
    assert done.returncode == 0, done.stderr
    assert "done before" not in done.stderr


def test_damage_is_named_and_the_rest_kept(tmp_path: Path) -> None:
    film = write(tmp_path / "in.mkv", shots(1, 40), "ffv1")
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    done = run("video", film, "-o", tmp_path / "out.mkv", *SMALL)
    assert done.returncode == 1
    assert "it ends at" in done.stderr
    assert (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("missing.mp4", "-o", "out.mp4"), 1, "can't be read"),
        (("FILM", "-o", "out.avi"), 2, ".mkv"),
        (("FILM", "-o", "FILM"), 2, "is the film itself"),
        (("FILM", "-o", "FILM", "--overwrite", "--preview", "0.1"), 2, "is the film itself"),
        (("FILM", "-o", "out.mp4", "--preview", "0"), 2, "more than 0"),
        (("FILM", "-o", "out.mp4", "--hint", "1,2,#a03020"), 2, "TIME@X,Y"),
        (("FILM", "-o", "out.mp4", "--reference", "no.png"), 1, "no.png"),
        (("FILM", "-o", "out.mp4", "--jobs", "0"), 2, "--jobs"),
        (("FILM", "-o", "out.mp4", "--model", "nobody"), 2, "unknown model"),
        (("FILM",), 2, "--output"),
    ],
)
def test_bad_usage(
    arguments: tuple[str, ...],
    code: int,
    said: str,
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["video", *(str(film) if word == "FILM" else word for word in arguments)])
    assert done.value.code == code
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_realtime_says_that_there_is_no_small_model(film: Path, tmp_path: Path) -> None:
    done = run("video", film, "-o", tmp_path / "out.mp4", "--realtime", "--preview", "0.1", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert ("there is no small model here" in done.stderr) == (SMALL_MODEL not in list_models())


def test_without_the_libraries(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit) as done:
        main(["video", str(film), "-o", str(tmp_path / "out.mp4")])
    assert done.value.code == 1
    assert 'pip install "tinct[video]"' in capsys.readouterr().err


MEASURE = """
import sys
from tinct.cli.app import main
{peak}
try:
    main(["video", sys.argv[1], "-o", sys.argv[2], "--size", "32", "--jobs", "1", "--quiet"])
except SystemExit as error:
    print(peak_memory(), error.code)
"""


def compare_memory(folder: Path, peak: str, short: int, long: int) -> None:
    peaks = []
    for count in (short, long):
        still = shots(1, 8)
        source = write(folder / f"{count}.mkv", [still[abs(number % 14 - 7)] for number in range(count)])
        target = folder / f"{count}.out.mkv"
        command = [sys.executable, "-c", MEASURE.format(peak=peak), str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found, code = done.stdout.split()
        assert code == "0", done.stderr
        peaks.append(int(found))
    if peaks[0] == 0:
        pytest.skip("this system doesn't tell how much memory a process takes")
    assert peaks[1] < 1.1 * peaks[0], peaks


def test_memory_is_flat(tmp_path: Path, peak_memory: str) -> None:
    """The short form: 2 seconds and 8 of one shot."""
    compare_memory(tmp_path, peak_memory, 50, 200)


@pytest.mark.slow
def test_memory_of_ten_minutes(tmp_path: Path, peak_memory: str) -> None:
    compare_memory(tmp_path, peak_memory, 250, 15000)
