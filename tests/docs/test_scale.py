"""What docs/explanation/scale.md works out is what the script prints from the figures that the page names."""

from __future__ import annotations

import dataclasses
import re
import runpy
from pathlib import Path

import pytest


def test_the_page_shows_what_the_script_works_out(repository: Path) -> None:
    script = runpy.run_path(str(repository / "scripts" / "scale.py"))
    page = (repository / "docs" / "explanation" / "scale.md").read_text(encoding="utf-8")
    assert "\n".join(script["table"]()) in page
    assert "\n".join(script["sizes"]()) in page
    defaults = {field.name: field.default for field in dataclasses.fields(script["Measured"])}
    named = dict(re.findall(r"^\| `(\w+)` \| ([\d.,]+)", page, re.MULTILINE))
    assert named.keys() == defaults.keys()
    for name, text in named.items():
        assert float(text.replace(",", "")) == pytest.approx(defaults[name]), name
