"""Which photographs have which label, and in which part they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinct.errors import DataError, OptionError
from tinct.evaluation.labelled import open_labelled, read_levels


def fill(folder: Path, names: Sequence[str], size: tuple[int, int] = (32, 32)) -> Path:
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (place % 256, 40, 90)).save(path)
    return folder


def test_a_divided_set_keeps_its_parts(tmp_path: Path) -> None:
    names = [f"{part}/{kind}/{n}.png" for part in ("train", "test") for kind in ("cat", "dog") for n in range(6)]
    found = open_labelled(fill(tmp_path, [*names, "train/owl/1.png"]))
    assert found.classes == ("cat", "dog")
    assert [source.name.split("/")[1] for source in found.train] == ["cat"] * 6 + ["dog"] * 6
    assert found.test_labels.tolist() == [0] * 6 + [1] * 6
    assert found.left_out == {"owl": 1}
    again = open_labelled(tmp_path)
    assert again.sha256 == found.sha256


def test_folders_that_are_not_divided_are_so_by_a_hash(tmp_path: Path) -> None:
    found = open_labelled(fill(tmp_path, [f"{kind}/deep/{n}.png" for kind in "ab" for n in range(60)]), "source")
    assert found.classes == ("a", "b")
    assert (len(found.train), found.test_labels.tolist()) == (96, [0] * 12 + [1] * 12)
    assert not {s.name for s in found.train} & {s.name for s in found.test}
    # By default the first part of the name is the label, and by wish the folder.
    assert open_labelled(tmp_path).classes == ("a", "b")
    with pytest.raises(DataError, match=r"there are 1 \(deep\)"):
        open_labelled(tmp_path, "class")
    assert open_labelled(tmp_path, "source", 100).sha256 != found.sha256


@pytest.mark.parametrize(
    ("labels", "count", "says"), [("kind", None, "choose one of class, source"), (None, 0, "--count is 0")]
)
def test_options_that_cannot_be(tmp_path: Path, labels: str | None, count: int | None, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        open_labelled(tmp_path, labels, count)  # type: ignore[arg-type]


def test_photographs_without_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a classifier needs two classes"):
        open_labelled(fill(tmp_path, [f"{n}.png" for n in range(40)]))


def test_levels_are_the_middle_square_and_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, 20:60] = 200
    Image.fromarray(picture).save(tmp_path / "a.png")
    fill(tmp_path, [f"{kind}/{n}.png" for kind in "ab" for n in range(40)])
    (tmp_path / "a" / "0.png").write_bytes(b"no picture")
    (tmp_path / "a.png").rename(tmp_path / "a" / "1.png")
    sources = [
        s for s in (*open_labelled(tmp_path).train, *open_labelled(tmp_path).test) if s.name in ("a/0.png", "a/1.png")
    ]
    found = dict(zip([s.name for s in sources], read_levels(sources, 32, 2), strict=True))
    assert found["a/0.png"] is None
    levels = found["a/1.png"]
    assert levels is not None
    assert levels.shape == (32, 32)
    # What lies beside the square shows at its edges alone, by the kernel of the resampling.
    assert set(levels[:, 2:-2].ravel().tolist()) == {200}
