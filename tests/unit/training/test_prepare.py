"""Which photos a run learns from, and which it is validated with."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tinct.data.split import divide
from tinct.errors import DataError
from tinct.training.prepare import read_photos
from tinct.training.progress import silent
from tinct.training.recipes import load_config


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
