"""The reference of recipes holds the tables that the schema gives, and names every recipe and preset."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tinct.training.recipes import list_presets, list_recipes, load_config

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reference" / "recipes.md").read_text(encoding="utf-8")


def test_every_setting_has_its_line() -> None:
    specification = importlib.util.spec_from_file_location("recipe_settings", ROOT / "scripts" / "recipe_settings.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    # Where this fails: python scripts/recipe_settings.py prints the text as it should be.
    assert script.terms() in TEXT
    assert "\n".join(script.tables()).strip() in TEXT


def test_every_recipe_and_preset_is_named() -> None:
    named = {"as `lab-cnn`": "lab-cnn", "as `colorful`": "colorful", "as `efficientnet`": "efficientnet"}
    for name in list_recipes():
        line = next(line for line in TEXT.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1])
        presets = line.split("|")[3].strip()
        expected = list_presets(named.get(presets, name))
        assert list_presets(name) == expected
        if presets not in named:
            assert sorted(preset.strip(" `") for preset in presets.split(",") if preset.strip()) == expected


def test_the_published_systems_have_the_defaults_that_are_said() -> None:
    said = re.findall(r"^- `(\w+)\.(\w+): (\S+)`: (.*)$", TEXT, re.MULTILINE)
    assert len(said) == 6
    for name in ("lab-cnn", "lab-cnn-gan", "cifar-cnn", "colorful", "encdec-rgb", "efficientnet"):
        config = load_config(name).model_dump()
        for section, setting, default, rest in said:
            other = dict(re.findall(r"`([a-z-]+)`: ([\w.]+)", rest))
            value = config[section][setting]
            assert other.get(name, default) == (str(value).lower() if isinstance(value, (bool, str)) else f"{value:g}")
