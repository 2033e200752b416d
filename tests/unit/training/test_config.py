from __future__ import annotations

from pathlib import Path

import pytest

from tinct.errors import ConfigError
from tinct.training.config import Budget
from tinct.training.recipes import load_config


def test_a_recipe_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\narchitecture: tinkt\ndata: {batch: 0}\noptimizer: {ratee: 1}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert len(caught.value.faults) == 3
    for part in ("unknown architecture 'tinkt'", "data.batch", "optimizer.ratee"):
        assert part in str(caught.value)


def test_a_likeness_needs_a_network_that_has_one() -> None:
    with pytest.raises(ConfigError, match=r"loss\.likeness: .*options\.likeness"):
        load_config("colorful", settings=["loss.likeness=1"])
    with pytest.raises(ConfigError, match=r"loss\.likeness: .*options\.likeness"):
        load_config("tinct", settings=["options.likeness=0"])


def test_weights_that_shall_learn_must_be_there() -> None:
    assert load_config("tinct", settings=["optimizer.only=[likeness., up4.]"]).optimizer.only == ("likeness.", "up4.")
    with pytest.raises(ConfigError, match=r"optimizer\.only: no weight's name begins with 'hats\.'"):
        load_config("tinct", settings=["optimizer.only=[likeness., hats.]"])


@pytest.mark.parametrize("text", ["- a\n", "name: [", "", "1: 2\nname: x\narchitecture: tinct\n"])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_config(str(path))


def test_an_unknown_recipe_names_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"choose one of .*tinct"):
        load_config("tinkt")


def test_a_budget_replaces_the_recipes_and_is_checked() -> None:
    assert load_config("tinct", "3epochs").budget == "3epochs"
    with pytest.raises(ConfigError, match="10min, 2h, 500steps or 3epochs"):
        load_config("tinct", "soon")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10min", Budget(10, "min")),
        ("1.5h", Budget(90, "min")),
        ("500steps", Budget(500, "steps")),
        ("1epoch", Budget(1, "epochs")),
    ],
)
def test_budgets_are_read(text: str, expected: Budget) -> None:
    assert Budget.parse(text) == expected


@pytest.mark.parametrize("text", ["", "0min", "-3epochs", "10", "ten steps", "5days"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Budget.parse(text)
