from __future__ import annotations

import numpy as np
import pytest

from tinct.color.lab import gray_to_lightness, lab_to_srgb
from tinct.media.tone import tone_of


def picture(ab) -> np.ndarray:
    rows, columns = np.mgrid[0:60, 0:80]
    lightness = gray_to_lightness(((rows * 2 + columns * 3) % 256) / 255 * 0.8 + 0.1)
    lab = np.concatenate([lightness[..., np.newaxis], np.broadcast_to(ab(rows, columns, lightness), (60, 80, 2))], -1)
    return (np.clip(lab_to_srgb(lab.astype(np.float32)), 0, 1) * 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("ab", "expected"),
    [
        (lambda rows, columns, light: np.array([0, 0]), "gray"),
        (lambda rows, columns, light: np.array([1, 2]), "gray"),
        (lambda rows, columns, light: np.array([6, 18]), "toned"),
        (lambda rows, columns, light: np.stack([8 - light / 20, 25 - light / 5], -1), "toned"),
        (lambda rows, columns, light: np.array([-5, -20]), "toned"),
        (lambda rows, columns, light: np.stack([rows / 2 - 15, columns / 2 - 20], -1), "color"),
        (lambda rows, columns, light: np.where(rows[..., None] < 30, [25, 20], [-5, -15]), "color"),
    ],
)
def test_tones(ab, expected):
    assert tone_of(picture(ab)) == expected


def test_one_pixel():
    assert tone_of(np.full((1, 1, 3), 90, np.uint8)) == "gray"
    assert tone_of(np.array([[[200, 30, 30]]], np.uint8)) in ("toned", "color")


def test_real_photographs(shared_data):
    import io
    import tarfile

    from PIL import Image

    wrong = 0
    for name, colored, count in (("legacy.tar", False, 20), ("photos/val.tar", True, 40)):
        with tarfile.open(shared_data / name) as archive:
            members = [member for member in archive if member.isfile()][:count]
            for member in members:
                file = archive.extractfile(member)
                assert file is not None
                photo = Image.open(io.BytesIO(file.read())).convert("RGB")
                photo.thumbnail((192, 192))
                wrong += (tone_of(np.asarray(photo)) == "color") != colored
    assert wrong <= 1
