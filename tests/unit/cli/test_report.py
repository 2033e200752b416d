from __future__ import annotations

import json

import pytest

from tinct.cli.report import Outcome, Report

DONE = Outcome("in.jpg", "out.jpg", "done", "tinct", 1.23456, ("recolorized from its lightness",))


def test_json_holds_every_field_and_any_name() -> None:
    line = Outcome("gr\udcfcn [red].jpg", None, "failed", error="no picture").to_json()
    assert line.isascii()
    assert json.loads(line) == {
        "input": "gr\udcfcn [red].jpg",
        "output": None,
        "status": "failed",
        "model": None,
        "seconds": None,
        "notes": [],
        "error": "no picture",
    }
    assert json.loads(DONE.to_json())["seconds"] == 1.235


def test_counts_and_says(capsys: pytest.CaptureFixture[str]) -> None:
    with Report(3) as report:
        report.add(DONE)
        report.add(Outcome("[b]x[/b].jpg", "y.jpg", "skipped"))
        report.add(Outcome("bad.jpg", None, "failed", error="bad.jpg is empty"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "in.jpg -> out.jpg" in err
    assert "note: recolorized" in err
    assert "[b]x[/b].jpg: skipped" in err
    assert "bad.jpg is empty" in err
    assert "bad.jpg: bad.jpg" not in err
    assert err.rstrip().endswith("1 done, 1 skipped, 1 failed")


def test_one_photograph_needs_no_bar_and_no_count(capsys: pytest.CaptureFixture[str]) -> None:
    with Report(1) as report:
        report.add(DONE)
    assert capsys.readouterr().err.splitlines() == ["in.jpg -> out.jpg", "  note: recolorized from its lightness"]


def test_quiet_says_failures_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Report(2, quiet=True) as report:
        report.note("left out 3")
        report.add(DONE)
        report.add(Outcome("bad.jpg", None, "failed", error="empty"))
    assert capsys.readouterr().err == "bad.jpg: empty\n"


def test_json_goes_to_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with Report(1, as_json=True) as report:
        report.add(DONE)
    out, err = capsys.readouterr()
    assert (json.loads(out)["input"], err) == ("in.jpg", "")
