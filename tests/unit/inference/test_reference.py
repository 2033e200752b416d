"""Colors taken over from another picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import ab_bins
from tinct.color.lab import srgb_to_lab
from tinct.errors import OptionError, UnreadablePhoto
from tinct.inference import reference
from tinct.inference.confidence import Belief
from tinct.inference.options import ColorizeOptions, Hint
from tinct.inference.pipeline import Colorizer
from tinct.inference.reference import find_hints, read_colors
from tinct.media.photo import read_photo

MakeModel = Callable[..., Path]


def scene(shift: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture of colored shapes with a texture, and its gray copy; shifted, as another frame of the same place."""
    rows, columns = np.mgrid[0:96, 0:128]
    columns = columns + shift
    rgb = np.zeros((96, 128, 3), np.uint8)
    rgb[:] = np.stack([60 + rows, 110 + rows, 170 + rows // 2], axis=-1).astype(np.uint8)
    rgb[rows > 60] = (90, 120, 40)
    rgb[(rows - 50) ** 2 + (columns - 40) ** 2 < 500] = (200, 60, 50)
    rgb[(abs(rows - 40) < 18) & (abs(columns - 95) < 14)] = (210, 190, 60)
    rgb = np.clip(rgb + np.random.default_rng(0).integers(-6, 7, rgb.shape), 0, 255).astype(np.uint8)
    gray = (rgb @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return rgb, gray


def error(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    lab = [srgb_to_lab(picture.astype(np.float32) / 255)[..., 1:] for picture in (found, truth)]
    return float(np.linalg.norm(lab[0] - lab[1], axis=-1).mean())


def colored(colorizer: Colorizer, gray: NDArray[np.uint8], **options: object) -> NDArray[np.uint8]:
    return colorizer.colorize(gray, ColorizeOptions(**options)).photo.to_numpy()  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("takes_hints", [False, True])
def test_another_frame_gives_its_colors(takes_hints: bool, make_model: MakeModel) -> None:
    colorizer = Colorizer(make_model("bins", takes_hints=takes_hints))
    other, _ = scene(6)
    truth, gray = scene()
    plain, guided = colored(colorizer, gray), colored(colorizer, gray, reference=other)
    assert error(guided, truth) < 0.5 * error(plain, truth)


def test_hints_stay_exact_beside_a_reference(make_model: MakeModel) -> None:
    colorizer = Colorizer(make_model("bins", takes_hints=True))
    truth, gray = scene()
    hint = Hint(40, 50, "#3050a0", 4)
    found = colored(colorizer, gray, reference=truth, hints=(hint,))
    lab = srgb_to_lab(found[47:53, 37:43].astype(np.float32) / 255)
    assert np.abs(lab[..., 1:].mean(axis=(0, 1)) - hint.ab()).max() < 4


def sure(middle: tuple[float, float]) -> Belief:
    bins = ab_bins(20)
    chances = np.exp(-((bins - middle) ** 2).sum(axis=1) / 200).astype(np.float32)
    light = np.mgrid[0:20, 0:30].sum(axis=0).astype(np.float32)
    return Belief(light, np.tile(chances / chances.sum(), (20, 30, 1)), bins)


def test_what_the_model_takes_for_something_else_is_no_match() -> None:
    red = np.full((20, 30, 2), (50, 30), np.float32)
    hints = find_hints(sure((-40, 40)), sure((-40, 40)), red, (4.0, 4.0))
    assert len(hints) > 50
    assert all(0 <= hint.top < hint.bottom <= 80 and 0 <= hint.left < hint.right <= 120 for hint in hints)
    assert all(hint.ab == pytest.approx((50, 30)) for hint in hints)
    assert find_hints(sure((-40, 40)), sure((0, -40)), red, (4.0, 4.0)) == []


def test_matches_that_disagree_say_nothing() -> None:
    motley = np.random.default_rng(0).uniform(-60, 60, (20, 30, 2)).astype(np.float32)
    assert len(find_hints(sure((0, 0)), sure((0, 0)), motley, (4.0, 4.0))) < 20


def test_no_match_changes_nothing_and_is_said(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    colorizer = Colorizer(make_model("bins"))
    truth, gray = scene()
    monkeypatch.setattr(reference, "find_hints", lambda *_: [])
    result = colorizer.colorize(gray, ColorizeOptions(reference=truth))
    assert "nothing in the reference" in " ".join(result.notes)
    assert (result.photo.to_numpy() == colored(colorizer, gray)).all()


def test_the_mark_names_the_reference_by_its_hash(make_model: MakeModel, tmp_path: Path) -> None:
    truth, gray = scene()
    path = tmp_path / "reference.png"
    read_photo(truth).save(path)
    mark = Colorizer(make_model("bins")).colorize(gray, ColorizeOptions(reference=path)).photo.mark
    assert mark is not None
    assert mark.settings == {"reference": read_photo(path).source_hash}


@pytest.mark.parametrize("bands", [1, 3])
def test_a_gray_reference_is_refused(bands: int, make_model: MakeModel) -> None:
    _, gray = scene()
    other = gray if bands == 1 else np.repeat(gray[..., np.newaxis], 3, axis=-1)
    with pytest.raises(OptionError, match="is gray; give a color picture"):
        Colorizer(make_model("bins")).colorize(gray, ColorizeOptions(reference=other))


def test_a_missing_reference_and_a_model_of_single_colors(make_model: MakeModel, tmp_path: Path) -> None:
    truth, gray = scene()
    with pytest.raises(UnreadablePhoto):
        Colorizer(make_model("bins")).colorize(gray, ColorizeOptions(reference=tmp_path / "none.png"))
    with pytest.raises(OptionError, match="one color for each place"):
        Colorizer(make_model("ab")).colorize(gray, ColorizeOptions(reference=truth))


@pytest.mark.parametrize("size", [(96, 128), (200, 150), (50, 40)])
def test_colors_come_at_the_size_asked_for(size: tuple[int, int]) -> None:
    truth, _ = scene()
    found = read_colors(read_photo(truth), *size)
    assert found.shape == (*size, 2)
    mean = srgb_to_lab(truth.astype(np.float32) / 255)[..., 1:].mean(axis=(0, 1))
    assert np.abs(found.mean(axis=(0, 1)) - mean).max() < 8
