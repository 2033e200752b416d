"""Which photos a run learns from, and which it is validated with."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from accelerate import Accelerator
from PIL import Image

from tinct.data.split import divide
from tinct.errors import DataError, OptionError, OutputError
from tinct.models.registry import create_model
from tinct.training.prepare import make_accelerator, make_network, read_photos
from tinct.training.progress import silent
from tinct.training.recipes import load_config
from tinct.training.run import train
from tinct.training.runs import read_record
from tinct.weights import checkpoint


def test_unusable_photos_to_validate_with_give_way_to_others(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    config = load_config("lab-cnn")
    (chosen,) = divide(folder, 0.001).held
    Image.new("L", (64, 48), 99).save(folder / chosen.name)
    division = divide(folder, 0.001)
    learned, held = read_photos(config, division, None, silent)
    assert (len(learned), len(held)) == (10, 1)
    assert {chosen.name, *learned.names, *held.names} == {path.name for path in folder.iterdir()}
    # What a data set chose itself is not replaced.
    with pytest.raises(DataError, match="none of the 1 photos is usable"):
        read_photos(config, dataclasses.replace(division, published=True), None, silent)
    with pytest.raises(DataError, match="none of the 1 photos is usable"):
        read_photos(config, dataclasses.replace(division, train=division.train[:1]), None, silent)


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_a_folder_that_cant_be_made_is_told_before_photos_are_read(
    out: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tinct.training.run.read_photos", lambda *given: pytest.fail("photos were read"))
    with pytest.raises(OutputError, match=f"{out} can't be made"):
        train("encdec-rgb", photos, tmp_path / out)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"seed is {seed}, expected"):
        train("encdec-rgb", photos, tmp_path, seed=seed)


def test_what_is_left_out_is_told_and_named_in_the_record(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    for name in ("broken.jpg", "cut.png"):
        (folder / name).write_bytes((folder / "1.png").read_bytes()[:120])
    Image.new("L", (64, 48), 99).save(folder / "gray.png")
    notes: list[str] = []
    run = tmp_path / "run"
    train("encdec-rgb", folder, run, budget="1steps", settings=small, report=lambda said: notes.append(said.note))
    told = [note for note in notes if note]
    assert told[:2] == [
        "3 of 14 photos to learn from are left out: 1 nearly gray, 2 unreadable: broken.jpg, cut.png",
        "11 photos to learn from, 1 to validate with, by a hash of their names",
    ]
    data = read_record(run)["data"]
    assert data["left_out"] == {"nearly gray": 1, "unreadable": 2}
    assert data["left_out_of_validation"] == {}
    assert data["unreadable"].keys() == {"broken.jpg", "cut.png"}


def test_the_first_process_reads_before_the_others(
    photos: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[str] = []

    @contextmanager
    def first(self: Accelerator) -> Iterator[None]:
        waiting.append("others wait")
        yield
        waiting.append("others read")

    monkeypatch.setattr(Accelerator, "local_main_process_first", first)
    monkeypatch.setattr("tinct.training.run.read_photos", lambda *given: waiting.append("read") or read_photos(*given))
    train("encdec-rgb", photos, tmp_path / "run", budget="1steps", settings=small)
    assert waiting == ["others wait", "read", "others read"]


def test_a_run_inside_its_photos_goes_on_with_the_same(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    for budget in ("1steps", "2steps"):
        train("encdec-rgb", folder, folder / "run", budget=budget, settings=small, resume=True)
    assert (folder / "run" / "curves.png").is_file()
    assert checkpoint.load_state(folder / "run")["step"] == 2


def test_trainings_of_a_process_may_differ_in_precision() -> None:
    found = [make_accelerator(precision, "cpu").mixed_precision for precision in ("fp32", "bf16", "fp32")]
    assert found == ["no", "bf16", "no"]


def test_options_that_a_recipe_leaves_unsaid_are_those_of_the_model_it_starts_from() -> None:
    widths = [8, 8, 8, 8]
    config = load_config("tinct-finetune", settings=[f"options.widths={widths}", "options.queries=2"])
    assert "stages" not in config.options
    basis = create_model("tinct", stages=6, widths=[16, 16, 16, 16], queries=3).make_spec("start")  # type: ignore[operator]
    found, fresh = (make_network(config, start).options for start in (basis, None))
    assert found == {**basis.options, **config.options}
    assert (found["stages"], fresh["stages"]) == (6, 7)
    other = create_model("lab_cnn").make_spec("start")  # type: ignore[operator]
    assert make_network(config, other).options == fresh
