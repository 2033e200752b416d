"""``tinct batch --engine ray``: the same results as here, whatever dies on the way."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tinct.media.photo import read_photo

pytest.importorskip("ray", reason="needs the extra [ray]")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters are for Linux and macOS")


def fill(folder: Path, count: int, height: int = 90, width: int = 120) -> None:
    """Write photographs, each another one."""
    folder.mkdir(parents=True)
    slopes = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)
    for number in range(count):
        read_photo(np.roll(slopes, 3 * number, axis=1)).save(folder / f"{number:04}.{('jpg', 'png')[number % 2]}")


def results(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the batch's own files; hidden files too."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and "_tinct" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def table(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the report, without what depends on the day."""
    with (folder / "_tinct" / "report.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return {row["source"]: {name: value for name, value in row.items() if name != "seconds"} for row in rows}


def workers() -> list[psutil.Process]:
    """Return the processes that have a worker of a batch in them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith("ray::RemoteWorke"):  # Linux cuts the name off
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition: Any, process: Any) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def finish(process: subprocess.Popen[bytes]) -> str:
    """Wait for the command, which does all, and return what it said."""
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    return err.decode()


def test_the_same_as_here(run: Any, start: Any, cluster: str, workspace: Path) -> None:
    fill(workspace / "in", 12)
    (workspace / "in" / "broken.jpg").write_bytes(b"no picture")
    assert run("batch", "in", "here").code == 1
    process = start("batch", "in", "out", "--engine", "ray", "--ray-address", cluster)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1, err.decode()
    assert "12 done, 1 failed" in err.decode()
    assert results(workspace / "out") == results(workspace / "here")
    assert table(workspace / "out") == table(workspace / "here")
    assert sorted(path.name for path in (workspace / "out" / "_tinct").iterdir()) == sorted(
        path.name for path in (workspace / "here" / "_tinct").iterdir()
    )
    # One goes on with what the other did; settings that changed are noticed.
    assert "12 done before" in run("batch", "in", "out").err
    (workspace / "in" / "broken.jpg").unlink()
    process = start("batch", "in", "out", "--engine", "ray", "--ray-address", cluster, "--value-shift", "0.1")
    assert "12 done" in finish(process)
    assert run("batch", "in", "here", "--value-shift", "0.1").code == 0
    assert results(workspace / "out") == results(workspace / "here")


def test_a_worker_that_is_killed_loses_nothing(run: Any, start: Any, cluster: str, workspace: Path) -> None:
    fill(workspace / "in", 24, 600, 800)
    assert run("batch", "in", "here", "-q").code == 0
    process = start("batch", "in", "out", "--engine", "ray", "--ray-address", cluster)
    for count in (2, 10):
        wait_for(lambda count=count: len(results(workspace / "out")) >= count, process)
        workers()[0].kill()
    err = finish(process)
    assert err.count("another does what it was at") == 2
    assert "24 done" in err
    assert "changed by somebody" not in err
    assert results(workspace / "out") == results(workspace / "here")
    assert not (workspace / "out" / "_tinct" / "partial").exists()


def test_a_run_that_is_killed_goes_on(run: Any, start: Any, cluster: str, workspace: Path) -> None:
    fill(workspace / "in", 16, 600, 800)
    assert run("batch", "in", "here", "-q").code == 0
    process = start("batch", "in", "out", "--engine", "ray", "--ray-address", cluster)
    wait_for(lambda: len(results(workspace / "out")) >= 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    # Its workers may still be at it.
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert results(workspace / "out") == results(workspace / "here")


def test_series_share_their_colors(run: Any, start: Any, cluster: str, workspace: Path) -> None:
    fill(workspace / "in", 4)
    assert run("batch", "in", "here", "--consistent").code == 0
    finish(start("batch", "in", "out", "--consistent", "--engine", "ray", "--ray-address", cluster))
    assert results(workspace / "out") == results(workspace / "here")


def test_clusters_that_are_not_there(run: Any, start: Any, workspace: Path) -> None:
    fill(workspace / "in", 1)
    for address, says in (("127.0.0.1:1", "refused"), ("nonsense", "HOST:PORT")):
        process = start("batch", "in", "out", "--engine", "ray", "--ray-address", address)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"Stopped: the Ray cluster at {address} can't be used" in err.decode()
        assert says in err.decode()
        assert "Traceback" not in err.decode()
    done = run("batch", "in", "out", "--ray-address", "head:6379")
    assert (done.code, "--engine ray" in done.err) == (2, True)
    done = run("batch", "in", "out", "--engine", "dask")
    assert (done.code, "choose one of local, ray" in done.err) == (2, True)
    assert run("batch", "in", "out").code == 0


@pytest.mark.slow
def test_a_cluster_of_its_own(run: Any, start: Any, workspace: Path) -> None:
    """Started for the batch, closed to strangers, gone afterwards; Ctrl-C finishes what is under way."""
    fill(workspace / "in", 30, 900, 1200)
    (workspace / "temporary").mkdir()
    # Ray's own files stay where they are, as names of sockets mustn't be long.
    there = os.environ | {"TMPDIR": str(workspace / "temporary"), "RAY_TMPDIR": tempfile.gettempdir()}
    process = start("batch", "in", "out", "--engine", "ray", "-j", 2, start_new_session=True, env=there)
    wait_for(lambda: len(results(workspace / "out")) >= 2, process)
    wait_for(lambda: len(list((workspace / "temporary").glob("tinct-worker-*"))) == 2, process)
    process.send_signal(signal.SIGSTOP)  # it hands nothing out while we look around
    own = psutil.Process(process.pid).children(recursive=True)
    raylet = next(child for child in own if child.name() == "raylet")
    options = dict(word[2:].split("=", 1) for word in raylet.cmdline() if word.startswith("--") and "=" in word)
    stranger = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    code = f"import ray; ray.init(address={options['gcs-address']!r})"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=stranger, check=False)
    assert refused.returncode != 0
    assert "Authentication" in refused.stderr
    process.send_signal(signal.SIGCONT)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err.decode()
    assert "Stopping after what is under way" in err.decode()
    assert "died" not in err.decode()
    assert not list((workspace / "temporary").glob("tinct-worker-*"))
    psutil.wait_procs(own, timeout=20)
    assert not [child for child in own if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert run("batch", "in", "out", "-q").code == 0
    assert len(results(workspace / "out")) == 30
