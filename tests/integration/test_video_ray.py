"""``tinct video --engine ray``: the shots of a film on several workers, and the same film as here."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

av = pytest.importorskip("av", reason="needs the extra [video]")
pytest.importorskip("scenedetect", reason="needs the extra [video]")
pytest.importorskip("ray", reason="needs the extra [ray]")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters are for Linux and macOS")


def write_film(path: Path, scene: Any, shots: int, frames: int) -> None:
    """Write a gray film of that many shots, in each of which the camera moves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "gray"
        for number in range(shots):
            pixels = scene(number, 96, 128 + 2 * frames).mean(axis=-1).astype(np.uint8)
            if number % 2:
                pixels = 255 - pixels
            for at in range(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:, 2 * at : 2 * at + 128]), "gray")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def frames_of(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_film_from_several_workers_is_the_same(
    run: Any, start: Any, cluster: str, workspace: Path, scene: Any
) -> None:
    write_film(workspace / "film.mkv", scene, 4, 10)
    done = run("video", "film.mkv", "-o", "here.mkv", "--codec", "ffv1")
    assert done.code == 0, done.err
    process = start(
        *("video", "film.mkv", "-o", "far.mkv", "--codec", "ffv1", "--engine", "ray", "--ray-address", cluster)
    )
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    assert "4 shots" in err.decode()
    here, far = frames_of(workspace / "here.mkv"), frames_of(workspace / "far.mkv")
    assert len(here) == len(far) == 40
    assert all(np.array_equal(*pair) for pair in zip(here, far, strict=True))
    assert not (workspace / "far.mkv.shots").exists()


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_no_shot(run: Any, start: Any, cluster: str, workspace: Path, scene: Any) -> None:
    write_film(workspace / "film.mkv", scene, 6, 40)
    assert run("video", "film.mkv", "-o", "here.mkv", "--codec", "ffv1").code == 0
    process = start(
        *("video", "film.mkv", "-o", "far.mkv", "--codec", "ffv1", "--engine", "ray", "--ray-address", cluster)
    )
    end = time.monotonic() + 200
    while not list(workspace.glob("far.mkv.shots/shot-*.mkv")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    next(found for found in psutil.process_iter() if found.name().startswith("ray::RemoteStud")).send_signal(
        signal.SIGKILL
    )
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    assert "another does what it was at" in err.decode()
    here, far = frames_of(workspace / "here.mkv"), frames_of(workspace / "far.mkv")
    assert all(np.array_equal(*pair) for pair in zip(here, far, strict=True))
