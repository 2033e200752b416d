"""The table of architectures is what the script prints today."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_the_table_is_what_the_script_prints(repository: Path) -> None:
    lines = runpy.run_path(str(repository / "scripts" / "architectures.py"))["table"]()
    assert len(lines) > 10
    assert "\n".join(lines) in (repository / "docs" / "reference" / "architectures.md").read_text(encoding="utf-8")
