"""How often each color occurs in a training set, and what a survey of it tells."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from tinct.cli.app import main
from tinct.color.gamut import ab_bins, rebalancing_weights, smooth_prior
from tinct.data.inventory import take_inventory
from tinct.data.photos import PhotoSet
from tinct.data.source import Source
from tinct.errors import DataError, OptionError
from tinct.training import statistics
from tinct.training.color_figures import bin_colors, write_figures
from tinct.training.statistics import bin_counts, color_histogram, count_colors
from tinct.training.survey import survey


@pytest.fixture
def folder(tmp_path: Path, color_pixels: NDArray[np.uint8], gray_pixels: NDArray[np.uint8]) -> Path:
    place = tmp_path / "photos"
    for index in range(6):
        path = place / f"source{index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(color_pixels, 5 * index, axis=2)).save(path)
    Image.fromarray(gray_pixels).save(place / "source0" / "gray.png")
    (place / "source1" / "cut.png").write_bytes((place / "source1" / "1.png").read_bytes()[:120])
    return place


def test_colors_are_counted_into_their_nearest_bins(color_pixels: NDArray[np.uint8]) -> None:
    bins = ab_bins(12)
    counts = bin_counts(count_colors([color_pixels, color_pixels[::-1]]), bins)
    # Oracle: skimage.color.rgb2lab, rounded to whole units, and a plain search for the nearest bin.
    expected = np.zeros(len(bins))
    for photo in (color_pixels, color_pixels[::-1]):
        for ab in np.rint(rgb2lab(photo[::4, ::4])[..., 1:]).reshape(-1, 2):
            expected[np.square(bins - ab).sum(1).argmin()] += 1
    assert counts.sum() == expected.sum() == 2 * 12 * 16
    assert np.abs(counts - expected).sum() <= 4  # a color may lie on the border of two whole units


def test_the_sample_is_that_of_the_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "ENOUGH", 3)
    sources = take_inventory(folder).sources
    whole = PhotoSet(sources, 40)
    part = PhotoSet(statistics.sample(sources), 40)
    np.testing.assert_array_equal(color_histogram(whole), count_colors(part))
    assert 0 < len(part) <= 3


def test_counts_are_kept_and_a_damaged_file_is_counted_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = PhotoSet(take_inventory(folder).sources, 40)
    first = color_histogram(photos, tmp_path)
    (kept,) = (tmp_path / "statistics").iterdir()
    monkeypatch.setattr(statistics, "count_colors", lambda photos: pytest.fail("counted again"))
    np.testing.assert_array_equal(color_histogram(photos, tmp_path), first)
    monkeypatch.undo()
    for damage in (kept.read_bytes()[:50], b"", np.zeros(3).tobytes()):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(color_histogram(photos, tmp_path), first)


def test_a_survey_counts_what_is_there(folder: Path, tmp_path: Path) -> None:
    found = survey(folder, grid=20, sigma=6, mixing=0.25, short_side=40)
    facts = found.facts()
    assert facts["photos"] == 8
    assert facts["sources"] == {"source0": 4, "source1": 4}
    assert facts["left_out"] == {"nearly gray": 1, "unreadable": 1}
    (name,) = facts["unreadable"]
    assert f"unreadable   {name}: " in found.summary()
    assert facts["sizes"] == {"64x48": 8}
    assert facts["bins"] == len(ab_bins(20)) == len(found.weights)
    prior = smooth_prior(found.counts, found.bins, 6)
    np.testing.assert_allclose(found.weights, rebalancing_weights(prior, 0.25))
    assert "1 of these (12.5%)" in found.summary()


def test_a_second_survey_decodes_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = survey(folder, cache=tmp_path / "cache")
    monkeypatch.setattr(Source, "load", lambda self, side: pytest.fail("decoded again"))
    again = survey(folder, grid=12, cache=tmp_path / "cache")
    assert again.facts()["unreadable"] == first.facts()["unreadable"]
    assert again.facts()["sizes"] == first.facts()["sizes"]
    assert again.counts.sum() == first.counts.sum()
    assert len(again.bins) == 154


@pytest.mark.parametrize("options", [{"grid": 0}, {"sigma": 0.0}, {"sigma": float("nan")}, {"mixing": 1.5}])
def test_settings_out_of_range_are_told_before_anything_is_read(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        survey(Path("nowhere"), **options)


def test_no_photos_no_survey(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photo in it"):
        survey(tmp_path)


def test_the_three_figures_and_the_table(folder: Path, tmp_path: Path) -> None:
    found = survey(folder, short_side=40)
    (tmp_path / "out").mkdir()
    write_figures(found, tmp_path / "out")
    for name in ("ab-colors.png", "ab-probability.png", "ab-weight.png"):
        with Image.open(tmp_path / "out" / name) as figure:
            assert len(set(figure.convert("RGB").resize((60, 50)).get_flattened_data())) > 30
    with (tmp_path / "out" / "colors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 229
    assert sum(float(row["probability"]) for row in rows) == pytest.approx(1, abs=1e-4)
    assert json.loads((tmp_path / "out" / "stats.json").read_text())["settings"]["mixing"] == 0.5
    middle = next(row for row in rows if (row["a"], row["b"]) == ("0", "0"))
    assert [middle[name] for name in ("red", "green", "blue")] == ["119", "119", "119"]
    # Oracle: skimage.color.rgb2lab of the colors drawn, for the bins that sRGB has at L = 50.
    lab = rgb2lab(bin_colors(found.bins))
    assert np.abs(lab[:, 0] - 50).max() < 0.1
    near = np.hypot(*found.bins.T) < 30
    assert np.abs(lab[near, 1:] - found.bins[near]).max() < 0.1


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["data", *arguments])
    return int(done.value.code or 0)


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("stats", str(folder), "--out", str(tmp_path / "a" / "b"), "--cache", str(tmp_path / "c"), "-q") == 0
    said = capsys.readouterr()
    assert said.out.startswith("photos       8\n")
    assert (tmp_path / "a" / "b" / "ab-weight.png").is_file()
    assert len(list((tmp_path / "c" / "statistics").iterdir())) == 2
    assert run("stats", str(folder), "--json", "--no-cache") == 0
    assert json.loads(capsys.readouterr().out)["photos"] == 8


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["stats", "nowhere"], 1, "no such file or folder"),
        (["stats", ".", "--grid", "0"], 2, "grid size 0"),
        (["stats", ".", "--short-side", "0"], 2, "--short-side is 0"),
        (["stats", ".", "--no-cache", "--cache", "x"], 2, "contradict"),
        (["fetch", "imagenet"], 2, "choose one of cifar10, places365"),
        (["fetch", "places365"], 2, "--part train"),
        (["fetch", "cifar10", "--url", "file:///etc/passwd"], 2, "no web address"),
    ],
)
def test_wrong_use_of_the_command(
    arguments: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == code
    assert said in capsys.readouterr().err
