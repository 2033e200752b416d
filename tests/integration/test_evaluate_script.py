"""``tinct evaluate`` on twenty photographs against a short script that shares nothing with it but NumPy and Pillow.

The formulas are typed anew from their papers: SSIM (Wang 2004) with its 11x11 window, CIEDE2000 (Sharma 2005), the
area under the cumulative curve of ab errors (Zhang 2016, thresholds 0 to 150, over all pixels of the set).
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
COUNT, NEAR = 20, 1e-3


def lab(rgb: NDArray[np.uint8]) -> Floats:
    v = rgb / 255.0
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ matrix.T / matrix.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def psnr(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    return min(50.0, 10 * np.log10(255**2 / np.mean((one.astype(float) - two) ** 2)))


def ssim(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    kernel = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()

    def mean(x: Floats) -> Floats:
        for axis in (0, 1):
            x = np.apply_along_axis(np.convolve, axis, x, kernel, "valid")
        return x

    values = []
    for channel in range(3):
        a, b = one[..., channel].astype(float), two[..., channel].astype(float)
        ma, mb = mean(a), mean(b)
        va, vb, both = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        values.append(((2 * ma * mb + c1) * (2 * both + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean())
    return float(np.mean(values))


def ciede2000(one: Floats, two: Floats) -> float:
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(two, -1, 0)
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * np.sqrt(c7 / (c7 + 25.0**7))
    c1, c2 = np.hypot(a1 * g, b1), np.hypot(a2 * g, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * g)) % 360 for a, b in ((a1, b1), (a2, b2)))
    gray = c1 * c2 == 0
    turn = np.where(gray, 0, (h2 - h1 + 180) % 360 - 180)
    # The mean hue lies on the shorter way round; of a gray and a color it is the color's.
    mean_h = np.where(gray, h1 * (c1 > 0) + h2 * (c2 > 0), (h1 + turn / 2) % 360)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    cosines = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(factor * np.cos(np.radians(times * mean_h + shift)) for factor, times, shift in cosines)
    sl = 1 + 0.015 * (ml - 50) ** 2 / np.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rotation = -2 * np.sqrt(mc**7 / (mc**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    x, y, z = (l2 - l1) / sl, (c2 - c1) / sc, dh / sh
    return float(np.sqrt(x * x + y * y + z * z + rotation * y * z).mean())


def test_the_retyped_difference_is_the_published_one() -> None:
    """Pairs 1, 7, 17 and 25 of Sharma's table."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ]
    for one, two, difference in pairs:
        assert ciede2000(np.array(one, float), np.array(two, float)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.skipif(sys.platform == "win32", reason="the command of this test is a Unix shell's")
def test_twenty_photographs(run: Callable[..., Any], workspace: Path, shared_data: Path) -> None:
    (workspace / "photos").mkdir()
    with tarfile.open(shared_data / "photos" / "val.tar") as tar:
        members = [member for member in tar if member.name.endswith(".jpg")][:: 1000 // COUNT][:COUNT]
        for number, member in enumerate(members):
            file = tar.extractfile(member)
            assert file is not None
            (workspace / "photos" / f"{number:02}.jpg").write_bytes(file.read())
    tool = workspace / "tool.py"  # a colorizer with an opinion: red to the left, blue to the right
    tool.write_text(
        "import sys, pathlib, numpy as np, PIL.Image as I\n"
        "given, made = map(pathlib.Path, sys.argv[1:])\n"
        "for path in given.iterdir():\n"
        "    gray = np.asarray(I.open(path)).astype(int)\n"
        "    tint = np.linspace(50, -50, gray.shape[1]).astype(int)\n"
        "    rgb = np.stack([gray + tint, gray, gray - tint], -1).clip(0, 255).astype('uint8')\n"
        "    I.fromarray(rgb).save(made / path.name)\n",
        "utf-8",
    )
    command = f"{sys.executable} {tool} {{in}} {{out}}"
    metrics = "psnr,ssim,ciede2000,auc"
    done = run("evaluate", "--data", "photos", "--command", command, "--metrics", metrics, "--json", "o.json", "-q")
    assert done.code == 0, done.err
    found = {row["name"]: row for row in json.loads(Path("o.json").read_text("utf-8"))["rows"]}

    values: dict[str, list[tuple[float, float, float]]] = {"gray": [], "command": []}
    errors: dict[str, list[Floats]] = {"gray": [], "command": []}
    for path in sorted((workspace / "photos").iterdir()):
        whole = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
        original = np.asarray(whole.resize((256, 256), Image.Resampling.BICUBIC))
        truth = lab(original)
        if np.hypot(truth[..., 1], truth[..., 2]).mean() < 3:
            continue
        y = np.where(truth[..., 0] > 8, ((truth[..., 0] + 16) / 116) ** 3, truth[..., 0] * (3 / 29) ** 3)
        gray = np.rint(255 * np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)).astype(int)
        tint = np.linspace(50, -50, 256).astype(int)
        results = {"gray": [gray] * 3, "command": [gray + tint, gray, gray - tint]}
        for name, channels in results.items():
            result = np.stack(channels, -1).clip(0, 255).astype(np.uint8)
            made = lab(result)
            values[name].append((psnr(original, result), ssim(original, result), ciede2000(truth, made)))
            errors[name].append(np.hypot(*np.moveaxis(made[..., 1:] - truth[..., 1:], -1, 0)).ravel())
    for name, lines in values.items():
        assert found[name]["photos"] == len(lines)
        for key, value in zip(("psnr", "ssim", "ciede2000"), np.mean(lines, axis=0), strict=True):
            assert found[name][key] == pytest.approx(value, abs=NEAR), (name, key)
        everything = np.concatenate(errors[name])
        area = 100 * np.mean([(everything <= threshold).mean() for threshold in range(151)])
        assert found[name]["auc"] == pytest.approx(area, abs=NEAR), name
    assert found["gray"]["auc"] != found["command"]["auc"]
