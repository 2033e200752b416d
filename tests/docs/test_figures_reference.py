"""The reference of figures names exactly those that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tinct.evaluation.catalog import FIGURES


def test_every_figure_is_explained(repository: Path) -> None:
    text = (repository / "docs" / "reference" / "figures.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [figure.key for figure in FIGURES]
