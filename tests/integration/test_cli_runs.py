"""tinct runs, tinct runs diff, and the options of tinct train about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinct.training.runs import make_record, note_progress

FAILED, WRONG_USAGE = 1, 2
HEADER = "step,seen,seconds,psnr_gray,ssim_gray,mse_gray,psnr,ssim,mse,colorfulness_original,colorfulness\n"


def write(run: Path, rate: float, psnr: float, seed: int = 0) -> None:
    run.mkdir(parents=True)
    row = f"22.0,0.92,0.01,{psnr},0.93,0.008,40,21.5\n"
    (run / "validation.csv").write_text(HEADER + f"1,4,1,{row}2,8,2,{row}")
    recipe = {"name": "lab-cnn", "budget": "2steps", "optimizer": {"rate": rate, "kind": "adam"}}
    record = make_record(recipe, seed=seed, start="random", asked={}, data={"photos": 9})
    note_progress(record, run, "finished", {"step": 2, "seen": 12_345, "seconds": 5400.0})


def test_runs_are_listed(run: Any, workspace: Path) -> None:
    write(workspace / "runs" / "one", 1e-3, 23.5)
    write(workspace / "runs" / "two", 1e-4, 23.0)
    for arguments in ((), ("runs",), ("list",), (str(Path("runs", "one")), str(Path("runs", "two")))):
        done = run("runs", *arguments)
        assert done.code == 0, done.err
        header, first, second = done.out.splitlines()
        assert header.split()[:3] == ["run", "model", "state"]
        figures = ["12,345", "1.50", "23.50", "+1.50", "23.50", "0.9300", "21.5"]
        assert first.split() == [str(Path("runs", "one")), "lab-cnn", "finished", *figures]
        assert second.startswith(str(Path("runs", "two")))
    lines = run("runs", "--json").out.splitlines()
    assert [json.loads(line)["figures"]["psnr"] for line in lines] == [23.5, 23.0]


def test_an_odd_record_hides_no_other_run(run: Any, workspace: Path) -> None:
    write(workspace / "runs" / "one", 1e-3, 23.5)
    for name, text in (("empty", "{}"), ("odd", json.dumps({**json.loads(record_of(workspace)), "hours": "two"}))):
        (workspace / "runs" / name).mkdir()
        (workspace / "runs" / name / "run.json").write_text(text)
    for form in ((), ("--json",)):
        done = run("runs", *form)
        assert done.code == FAILED
        assert len(done.out.splitlines()) == (1 if form else 2)
        assert str(Path("runs", "one")) in done.out
        empty, odd = done.err.splitlines()
        assert str(Path("runs", "empty", "run.json")) in empty
        assert str(Path("runs", "odd", "run.json")) in odd


def record_of(workspace: Path) -> str:
    return (workspace / "runs" / "one" / "run.json").read_text()


def test_two_runs_are_compared(run: Any, workspace: Path) -> None:
    write(workspace / "one", 1e-3, 23.5)
    write(workspace / "two", 1e-4, 23.0, seed=5)
    done = run("runs", "diff", "one", "two")
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert ["optimizer.rate", "0.001", "0.0001"] in lines
    assert ["seed", "0", "5"] in lines
    assert ["psnr", "23.5", "23"] in lines
    assert "optimizer.kind" not in done.out
    found = json.loads(run("runs", "diff", "one", "two", "--json").out)
    assert found["settings"] == {"optimizer.rate": [1e-3, 1e-4]}
    same = run("runs", "diff", "one", "one")
    assert same.out.startswith("the same recipe")


def test_where_there_are_no_runs(run: Any, workspace: Path) -> None:
    assert run("runs").code == FAILED
    (workspace / "runs").mkdir()
    done = run("runs")
    assert (done.code, done.out) == (0, "")
    assert "no runs" in done.err
    assert run("runs", "diff", "runs", "runs").code == FAILED
    assert run("runs", "diff", "runs").code == WRONG_USAGE


def test_wrong_settings_of_a_training_are_listed(run: Any, workspace: Path) -> None:
    arguments = ("train", "lab-cnn", "--data", "x", "--out", "y")
    done = run(*arguments, "--set", "optimizer.ratee=1", "--set", "data.batch=0", "--preset", "dark")
    assert done.code == WRONG_USAGE
    for fault in ("did you mean rate?", "data.batch", "no preset 'dark'; choose one of bilinear, light, perceptual"):
        assert fault in done.err
    assert not (workspace / "y").exists()


def test_a_device_that_is_not_there(run: Any, workspace: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments = ("train", "lab-cnn", "--data", "x", "--out", "y")
    done = run(*arguments, "--device", "cuda")
    assert done.code == FAILED
    assert "no CUDA device here" in done.err
    assert run(*arguments, "--device", "tpu").code == WRONG_USAGE
