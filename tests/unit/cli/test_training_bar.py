from __future__ import annotations

import pytest

from tinct.cli.training_bar import TrainingBar
from tinct.training.progress import Progress


def test_speed_losses_and_time_left_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingBar(quiet=False) as bar:
        bar.update(
            Progress("training", 0.5, 40, 1280, photos_per_second=33.3, seconds_left=3725.0, figures={"loss": 2.5})
        )
    said = capsys.readouterr().err
    for part in ("training", "50%", "step 40", "33 photos/s", "1:02:05 left", "loss 2.5"):
        assert part in said


def test_a_validation_s_figures_stay(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingBar(quiet=False) as bar:
        bar.update(Progress("validating", 0.5, 40))
        bar.update(Progress("training", 0.5, 40, figures={"psnr": 23.456, "mse": 0.007}))
        bar.update(Progress("training", 0.6, 50, figures={"loss": 2.0}))
    said = capsys.readouterr().err
    assert "validation at step 40, psnr 23.46" in said
    assert "mse" not in said


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingBar(quiet=True) as bar:
        bar.update(Progress("training", 0.5, 40))
    assert capsys.readouterr().err == ""
