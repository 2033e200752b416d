"""Dust, scratches and faded contrast: what is wrong goes, what is right stays, and no step is through 8 bits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinct.color.lab import gray_to_lightness
from tinct.errors import MissingExtra, OptionError, OutputError
from tinct.media.photo import read_photo
from tinct.media.restore import STEPS, parse_steps, restore, stretch

cv2 = pytest.importorskip("cv2", reason="the extra [restore] isn't installed")
SIDE = 480


def landscape() -> np.ndarray:
    """A sky, hills and a grainy field, uint16."""
    rng = np.random.default_rng(4)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    scene = 52000 - 30 * rows + 6 * columns
    hills = rows > 240 + 40 * np.sin(columns / 60)
    scene[hills] = 24000 + 8 * columns[hills]
    scene += rng.normal(0, 260, scene.shape)
    field = rows > 400
    scene[field] += rng.normal(0, 5000, int(field.sum()))
    return np.clip(scene, 0, 65535).astype(np.uint16)


def with_dust(scene: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thirty specks, light and dark, on the calm part of the scene; and where they are."""
    rng = np.random.default_rng(5)
    damaged, where = scene.copy(), np.zeros(scene.shape, bool)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    for number in range(30):
        y, x = int(rng.integers(15, 190)), int(rng.integers(15, SIDE - 15))
        speck = np.hypot(rows - y, columns - x) < rng.uniform(1.2, 2.4)
        damaged[speck] = 64000 if number % 2 else 4000
        where |= speck
    return damaged, where


def with_scratches(scene: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two thin lines down the scene, one of them slanted; and where they are."""
    damaged, where = scene.copy(), np.zeros(scene.shape, bool)
    for x, slope in ((120, 0.0), (300, 0.12)):
        for y in range(10, 190):
            where[y, int(x + slope * y) : int(x + slope * y) + 2] = True
    damaged[where] = 63000
    return damaged, where


def error(found: np.ndarray, scene: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(found.astype(float) - scene)[where].mean())


@pytest.mark.parametrize(("kind", "damage"), [("dust", with_dust), ("scratches", with_scratches)])
def test_what_is_damaged_is_filled_and_the_rest_is_left(kind, damage):
    scene = landscape()
    damaged, where = damage(scene)
    found = restore(read_photo(damaged), (kind,)).to_numpy()
    assert error(found, scene, where) < 0.12 * error(damaged, scene, where)
    rim = cv2.dilate(where.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert (found != damaged)[~rim].mean() < 0.001
    # Beyond the defects the very same levels of 16 bits are there.
    assert np.array_equal(found[~rim], damaged[~rim]) or (found == damaged)[~rim].mean() > 0.999
    other = "scratches" if kind == "dust" else "dust"
    kept = restore(read_photo(damaged), (other,)).to_numpy()
    assert error(kept, scene, where) > 0.7 * error(damaged, scene, where)


def test_texture_edges_and_eyes_stay():
    scene = landscape()
    scene[60:68, 60:400] = 9000  # a wire thicker than a scratch
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    scene[np.hypot(rows - 120, columns - 240) < 30] = 12000  # a dark disk
    found = restore(read_photo(scene), ("dust", "scratches")).to_numpy()
    assert (found != scene).mean() < 0.002


def test_faded_prints_reach_black_and_white_evenly():
    lightness = gray_to_lightness(np.linspace(0, 1, 65536, dtype=np.float32))
    counts = np.zeros(65536, np.int64)
    counts[(lightness > 35) & (lightness < 75)] = 10
    table = stretch(counts)
    assert (np.diff(table.astype(int)) >= 0).all()
    after = gray_to_lightness(table.astype(np.float32) / 65535)
    within = (lightness > 40) & (lightness < 70)
    slopes = np.diff(after[within]) / np.diff(lightness[within])
    assert slopes.mean() == pytest.approx(94 / 40, rel=0.05)  # from the 40 L there are to 3..97
    assert after[np.searchsorted(lightness, 36)] < 8
    assert after[np.searchsorted(lightness, 74)] > 92
    full = np.ones(65536, np.int64)  # nothing to do
    assert np.abs(stretch(full).astype(int) - np.arange(65536)).max() < 700
    blank = np.zeros(65536, np.int64)
    blank[40000:40100] = 1
    assert (np.diff(stretch(blank)[40000:40100].astype(int)) <= 8).all()  # a blank page isn't stretched to noise
    assert stretch(np.zeros(65536, np.int64)).shape == (65536,)


def test_no_step_goes_through_eight_bits():
    ramp = np.tile(np.linspace(20000, 45000, 60000).astype(np.uint16), (40, 1))
    before = len(np.unique(ramp))
    assert before > 24_000
    found = restore(read_photo(ramp), STEPS).to_numpy()
    assert len(np.unique(found)) > 0.9 * before
    assert int(found.max()) - int(found.min()) > 50_000


def test_eight_bits_stay_eight_and_colors_become_gray(gray_pixels, color_pixels):
    photo = read_photo(gray_pixels)
    restored = restore(photo, ("dust",))
    assert (restored.depth, restored.origin) == (8, photo)
    np.testing.assert_array_equal(restored.to_numpy() // 257, gray_pixels)
    restored = restore(read_photo(color_pixels), ("contrast",))
    assert restored.open().bands == 1
    assert restore(photo, ()) is photo


def test_defects_are_filled_at_full_size_where_they_were_found_in_a_smaller_copy(monkeypatch):
    scene = landscape()
    damaged, where = with_dust(scene)
    large, expected, mask = (np.kron(part, np.ones((3, 3), part.dtype)) for part in (damaged, scene, where))
    monkeypatch.setattr("tinct.media.restore.SEARCHED", SIDE)
    monkeypatch.setattr("tinct.media.restore.BLOCK", 400)
    found = restore(read_photo(large), ("dust",)).to_numpy()
    assert found.shape == large.shape
    assert error(found, expected, mask) < 0.2 * error(large, expected, mask)


def test_memory_doesn_t_grow_with_the_picture(tmp_path, peak_memory):
    """With a search in at most 600 pixels, all that could grow is what belongs to the full size."""
    import pyvips

    noise = pyvips.Image.gaussnoise(4500, 4500, mean=120, sigma=4, seed=1).cast("uchar").copy(interpretation="b-w")
    noise.draw_circle(250, 2250, 2250, 20, fill=True).tiffsave(str(tmp_path / "large.tif"), tile=True)
    code = f"""
import sys
import tinct.media.restore as restore
from tinct.media.photo import read_photo
{peak_memory}
restore.SEARCHED = 600
photo = restore.restore(read_photo(sys.argv[1]), restore.STEPS)
before = peak_memory()
photo.save(sys.argv[2])
print(before, peak_memory())
"""
    command = [sys.executable, "-c", code, str(tmp_path / "large.tif"), str(tmp_path / "out.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert max(int(peak) for peak in done.stdout.split()) < 260
    assert read_photo(tmp_path / "out.tif").height == 4500


def test_names():
    assert parse_steps(["contrast", "dust , SCRATCHES"]) == STEPS
    with pytest.raises(OptionError, match="'blur'"):
        parse_steps(["dust,blur"])


def test_without_the_library_the_extra_is_named(gray_pixels, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"tinct\[restore\]"):
        restore(read_photo(gray_pixels), ("dust",))
    assert restore(read_photo(gray_pixels), ("contrast",)).height == 48  # needs none


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (3, 3)])
def test_smallest_pictures(shape):
    for level in (0, 255):
        photo = read_photo(np.full(shape, level, np.uint8))
        assert restore(photo, STEPS).to_numpy().shape == shape


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_temporary_folder_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    photo = read_photo(with_dust(landscape())[0])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"temporary folder .*TMPDIR.* can't be written"):
            restore(photo, ["dust"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match="set TMPDIR"):
        restore(photo, ["dust"])
