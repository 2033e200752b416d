from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tinct.errors import DataError
from tinct.training import runs
from tinct.training.runs import Asked, differences, find_runs, git_revision, make_record, note_progress, read_record


def write(run: Path, *, rows: str = "", **recipe: object) -> Path:
    run.mkdir(parents=True)
    if rows:
        (run / "validation.csv").write_text("step,seen,seconds,psnr_gray,psnr,mse\n" + rows)
    record = make_record({"name": run.name, "budget": "3steps", **recipe}, seed=1, asked={}, data={"photos": 7})
    note_progress(record, run, "finished", {"step": 3, "seen": 12, "seconds": 1800.0})
    return run


def test_a_record_holds_the_last_figures_and_the_best(tmp_path: Path) -> None:
    run = write(tmp_path / "one", rows="1,4,1.5,22,25,0.02\n3,12,9,22,24,0.01\n")
    record = read_record(run)
    assert record["figures"] == {"psnr_gray": 22, "psnr": 24, "mse": 0.01}
    assert record["best"] == {"psnr": 25, "mse": 0.01}
    assert (record["hours"], record["seen"], record["state"]) == (0.5, 12, "finished")
    assert read_record(run / runs.FILE) == record


def test_runs_are_found_below_folders(tmp_path: Path) -> None:
    found = [write(tmp_path / name) for name in ("b", "a/c", "a/d")]
    (tmp_path / "a" / "none").mkdir()
    assert find_runs([tmp_path]) == sorted(found)
    assert find_runs([found[0], tmp_path]) == sorted(found)
    with pytest.raises(DataError, match="is no folder"):
        find_runs([tmp_path / "missing"])


def test_what_is_no_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no run"):
        read_record(tmp_path)
    for text in ("{", "[]", '{"name": "x"}'):
        (tmp_path / runs.FILE).write_text(text)
        with pytest.raises(DataError, match=r"run\.json"):
            read_record(tmp_path)


def test_differences_are_listed_by_dotted_names() -> None:
    one = {"a": 1, "b": {"c": [1], "d": 2}, "e": {"f": 1}}
    other = {"a": 1, "b": {"c": [2], "d": 2}, "g": None, "e": None}
    assert differences(one, other) == {"b.c": ([1], [2]), "e.f": (1, None)}


def test_what_was_asked_holds_on_unless_asked_anew(tmp_path: Path) -> None:
    asked = {"budget": "9h", "seed": 4, "init": None, "presets": ["light"], "settings": ["a=1"]}
    (tmp_path / runs.FILE).write_text(
        json.dumps({"name": "", "recipe": {}, "seen": 0, "hours": 0, "figures": {}, "started": "", "asked": asked})
    )
    assert Asked().filled_from(tmp_path) == Asked("9h", 4, None, ("light",), ("a=1",))
    given = Asked("1h", 0, "default", ("x",), ("b=2",))
    assert given.filled_from(tmp_path) == given
    assert given.filled_from(tmp_path / "missing") == given


def test_the_revision_is_that_of_the_checkout_that_tracks_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        return subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *words], check=True, capture_output=True, text=True
        ).stdout

    code = tmp_path / "runs.py"
    code.write_text("one\n")
    monkeypatch.setattr(runs, "__file__", str(code))
    assert git_revision() is None
    git("init", "-q")
    assert git_revision() is None
    git("add", "runs.py")
    git("commit", "-qm", "one")
    revision = git("rev-parse", "HEAD").strip()
    assert git_revision() == revision
    code.write_text("two\n")
    assert git_revision() == f"{revision}-dirty"
