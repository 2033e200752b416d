"""What all tests share: small pictures made here, and the folder of real photographs where there is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photographs (photos/, legacy.tar and others); tests that need it skip where there is none."""
    given = os.environ.get("TINCT_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no folder of real photographs at {folder}; set TINCT_DATA to one")
    return folder


@pytest.fixture(scope="session")
def example_photo() -> Path:
    """The gray photograph that the repository ships, 512x512, as JPEG."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def gray_pixels() -> NDArray[np.uint8]:
    """A gray picture with slopes and edges, (48, 64) uint8."""
    rows, columns = np.mgrid[0:48, 0:64]
    pixels = 40 + 2 * columns + rows
    pixels[12:30, 20:44] = 220
    return pixels.astype(np.uint8)


@pytest.fixture(scope="session")
def color_pixels(gray_pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A colored picture of the same shape, (48, 64, 3) uint8 sRGB."""
    return np.stack([gray_pixels, gray_pixels[::-1], 255 - gray_pixels], axis=-1)


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from or left in the user's cache folder, by commands in processes of their own either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINCT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_training_left_behind() -> Iterator[None]:
    """Accelerate keeps the precision of a process's first training; the next test may train with another."""
    yield
    if "accelerate.state" in sys.modules:
        sys.modules["accelerate.state"].AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def peak_memory() -> str:
    """Python source of ``peak_memory()``: this process's own peak in MiB, 0 where the system doesn't tell.

    The usual ``ru_maxrss`` of a new process begins at the peak of the one that started it, here of all tests before.
    """
    return """
def peak_memory():
    from pathlib import Path
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)
"""
