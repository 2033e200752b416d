"""The shipped model on real photographs: the floor that every change of the pipeline must keep."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tinct
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb, lightness_to_gray, srgb_to_lab

SIDE, COUNT = 256, 16


@pytest.fixture(scope="module")
def originals(shared_data: Path) -> list[NDArray[np.uint8]]:
    """Photographs of the validation set, every thirtieth, as squares."""
    from PIL import Image

    path = shared_data / "photos" / "val.tar"
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    found: list[NDArray[np.uint8]] = []
    with tarfile.open(path) as tar:
        for member in [m for m in tar.getmembers() if m.isfile() and m.name.endswith(".jpg")][::30]:
            file = tar.extractfile(member)
            assert file is not None
            picture = Image.open(io.BytesIO(file.read())).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            pixels = np.asarray(picture)
            if np.hypot(*np.moveaxis(lab_of(pixels)[..., 1:], -1, 0)).mean() > 3:
                found.append(pixels)
    return found[:COUNT]


@pytest.fixture(scope="module")
def colorizer() -> tinct.Colorizer:
    return tinct.Colorizer()


def lab_of(pixels: NDArray[Any]) -> NDArray[np.float32]:
    return srgb_to_lab(pixels.astype(np.float32) / 255)


def gray_of(original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.rint(lightness_to_gray(lab_of(original)[..., 0]) * 255).astype(np.uint8)


def psnr(first: NDArray[Any], second: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2)))


def mean_psnr(colorizer: tinct.Colorizer, originals: list[NDArray[np.uint8]], hints: int = 0) -> float:
    rng = np.random.default_rng(0)
    figures = []
    for original in originals:
        lab, chosen = lab_of(original), []
        for x, y in np.clip(rng.normal(SIDE / 2, SIDE / 4, (hints, 2)).astype(int), 3, SIDE - 3):
            patch = lab[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 3).mean(axis=0)
            rgb = np.rint(np.clip(lab_to_srgb(reduce_chroma(patch)), 0, 1) * 255).astype(int)
            chosen.append(tinct.Hint(int(x), int(y), "#{:02x}{:02x}{:02x}".format(*rgb)))
        options = tinct.ColorizeOptions(mode="faithful", hints=tuple(chosen))
        figures.append(psnr(colorizer.colorize(gray_of(original), options).photo.to_numpy(), original))
    return float(np.mean(figures))


def test_faithful_is_nearer_than_gray(colorizer: tinct.Colorizer, originals: list[NDArray[np.uint8]]) -> None:
    gray = np.mean([psnr(gray_of(original)[..., np.newaxis], original) for original in originals])
    assert mean_psnr(colorizer, originals) > gray + 0.7


def test_ten_hints_bring_it_nearer(colorizer: tinct.Colorizer, originals: list[NDArray[np.uint8]]) -> None:
    assert mean_psnr(colorizer, originals, 10) > mean_psnr(colorizer, originals) + 1.5


@pytest.mark.parametrize("options", [{}, {"vividness": 1.0}, {"saturation": 2.0}], ids=["vivid", "most", "saturated"])
def test_lightness_is_the_photograph_s(
    options: dict[str, float], colorizer: tinct.Colorizer, originals: list[NDArray[np.uint8]]
) -> None:
    for original in originals[:6]:
        gray = gray_of(original)
        found = colorizer.colorize(gray, tinct.ColorizeOptions(**options)).photo.to_numpy()  # type: ignore[arg-type]
        error = np.abs(lab_of(found)[..., 0] - lab_of(np.repeat(gray[..., np.newaxis], 3, -1))[..., 0])
        assert error.max() < 0.5
        assert error.mean() < 0.15


def test_vivid_is_livelier_than_faithful(colorizer: tinct.Colorizer, originals: list[NDArray[np.uint8]]) -> None:
    chroma = {}
    for mode in ("faithful", "vivid"):
        options = tinct.ColorizeOptions(mode=mode)  # type: ignore[arg-type]
        found = [lab_of(colorizer.colorize(gray_of(original), options).photo.to_numpy()) for original in originals[:8]]
        chroma[mode] = float(np.mean([np.hypot(lab[..., 1], lab[..., 2]).mean() for lab in found]))
    assert chroma["vivid"] > 1.3 * chroma["faithful"]
