"""How quickly the page answers, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tinct.media.photo import read_photo


@pytest.mark.slow
def test_sliders_answer_within_300_ms(
    open_page: Callable[..., Any], launch: Callable[..., Any], example_photo: Path, tmp_path: Path
) -> None:
    """On a prepared photograph of a megapixel, with the default model, on a machine that does little else."""
    image = read_photo(example_photo).open().resize(1.953)
    path = tmp_path / "megapixel.jpg"
    image.jpegsave(str(path))
    server = launch("--no-worker", TINCT_MODEL="default", OMP_NUM_THREADS="2")
    page = open_page(server.address)
    page.locator("tinct-shelf input[type=file]").first.set_input_files(path)
    page.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
    page.locator("tinct-colorize .stage[aria-busy=false]").wait_for()
    move = """async (value) => {
      const slider = [...document.querySelectorAll('tinct-controls label')]
        .find((label) => label.textContent.includes('Vividness')).querySelector('input');
      const viewer = document.querySelector('tinct-colorize tinct-viewer');
      const before = viewer.after;
      const began = performance.now();
      slider.value = value;
      slider.dispatchEvent(new Event('input', {bubbles: true}));
      while (!viewer.after || viewer.after === before) await new Promise(requestAnimationFrame);
      return performance.now() - began;
    }"""
    taken = sorted(page.evaluate(move, str(value / 40)) for value in range(1, 40))
    assert taken[len(taken) // 4] < 300, taken
