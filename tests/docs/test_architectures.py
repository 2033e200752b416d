"""The tables of architectures: what the script prints today, and the options that each network takes."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path
from pkgutil import resolve_name

from tinct.models.registry import ARCHITECTURES


def test_the_table_is_what_the_script_prints(repository: Path) -> None:
    lines = runpy.run_path(str(repository / "scripts" / "architectures.py"))["table"]()
    assert len(lines) > 10
    assert "\n".join(lines) in (repository / "docs" / "reference" / "architectures.md").read_text(encoding="utf-8")


def test_the_options_of_every_architecture_are_named(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "architectures.md").read_text(encoding="utf-8")
    lines = page.partition("| options besides `size` |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {}
    for line in lines:
        _, name, *_, options, _ = line.split("|")
        # What stands in brackets are values and explanations.
        named[name.strip(" `")] = set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", options)))
    taken = {name: inspect.signature(resolve_name(place)).parameters for name, place in ARCHITECTURES.items()}
    assert named == {name: set(options) - {"size"} for name, options in taken.items()}
