"""Two networks as one model: what they give together, how they are put together, and how such a model trains."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from PIL import Image
from tester import ModelTester

from tinct.errors import OptionError
from tinct.models.registry import create_model
from tinct.training.recipes import load_config
from tinct.training.run import train
from tinct.training.runs import make_record, read_record
from tinct.weights import checkpoint
from tinct.weights.export import example, export

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "pair.py"
FIRST: dict[str, Any] = {"widths": [16, 16, 16, 16], "queries": 4, "query_width": 16, "grid": 20, "likeness": 5}
SECOND: dict[str, Any] = {"widths": [8, 8, 8, 8], "queries": 2, "query_width": 8, "grid": 20, "encoder": "lite1"}


class TestPair:
    architecture = "tinct"
    full: ClassVar = {"likeness": 33, "second": {"encoder": "lite2", "widths": [128, 112, 80, 56], "queries": 24}}
    full["second"]["query_width"] = 64
    parameters = 11_959_181
    most_gmacs = 5.0
    test_size_and_cost_are_as_published = ModelTester.test_size_and_cost_are_as_published

    def test_the_full_size_is_that_of_the_recipes(self) -> None:
        asked = load_config("tinct-second").options
        assert create_model("tinct", **asked).options.items() >= self.full["second"].items()  # type: ignore[union-attr, operator]


@pytest.fixture
def pair() -> Callable[..., None]:
    main: Callable[..., None] = runpy.run_path(str(SCRIPT))["main"]
    return main


def make_run(folder: Path, seed: int, **options: Any) -> torch.nn.Module:
    torch.manual_seed(seed)
    network = create_model("tinct", **options).eval()
    spec = network.make_spec("tinct")  # type: ignore[operator]
    checkpoint.save_weights(folder / checkpoint.FOLDER, spec, network.state_dict())
    record = make_record({"name": "tinct", "budget": "1steps"}, started="") | {"seen": 10 + seed}
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    return network


def test_both_are_weighed_and_only_the_first_sees_hints(pair: Callable[..., None], tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a", 1, **FIRST), make_run(tmp_path / "b", 2, **SECOND)
    torch.nn.init.normal_(first.hints.stem[-1].weight)  # type: ignore[union-attr, operator, index, arg-type]
    checkpoint.save_weights(
        tmp_path / "a" / checkpoint.FOLDER, checkpoint.read_spec(tmp_path / "a"), first.state_dict()
    )
    pair(tmp_path / "a", tmp_path / "b", tmp_path / "both", 0.3)
    export(tmp_path / "both", tmp_path / "both.onnx", half=False)
    for path in (tmp_path / "both", tmp_path / "both.onnx"):
        spec, network = checkpoint.load_network(path)
        lightness, hints = example(spec, 64, 96)
        bins = len(spec.bins)
        with torch.inference_mode():
            alone, other = first(lightness, hints), second(lightness, torch.zeros_like(hints))
            assert not torch.equal(alone, first(lightness, torch.zeros_like(hints)))
            found = network(lightness, hints)
        torch.testing.assert_close(found[:, :bins], 0.7 * alone[:, :bins] + 0.3 * other, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(found[:, bins:], alone[:, bins:], rtol=1e-3, atol=1e-4)
        assert spec.parameters == sum(p.numel() for n in (first, second) for p in n.parameters())
    record = read_record(tmp_path / "both")
    assert (record["seen"], record["second"]["seen"]) == (11, 12)


def test_another_second_takes_the_place_of_the_one_before(pair: Callable[..., None], tmp_path: Path) -> None:
    make_run(tmp_path / "a", 1, **FIRST, second=SECOND)
    second = make_run(tmp_path / "b", 2, **SECOND)
    pair(tmp_path / "a", tmp_path / "b", tmp_path / "both")
    _, network = checkpoint.load_network(tmp_path / "both")
    assert torch.equal(network.second.local.weight, second.local.weight)  # type: ignore[union-attr, arg-type]


def test_what_makes_no_pair_is_refused(pair: Callable[..., None], tmp_path: Path) -> None:
    make_run(tmp_path / "a", 1, **FIRST)
    make_run(tmp_path / "coarse", 2, **{**SECOND, "grid": 30})
    with pytest.raises(OptionError, match="same bins"):
        pair(tmp_path / "a", tmp_path / "coarse", tmp_path / "both")
    with pytest.raises(OptionError, match="exists already"):
        pair(tmp_path / "a", tmp_path / "a", tmp_path / "coarse")
    with pytest.raises(OptionError, match="between 0 and 1"):
        pair(tmp_path / "a", tmp_path / "a", tmp_path / "both", 1.0)


def test_a_run_that_starts_from_a_pair_is_one_and_leaves_the_second_as_it_is(tmp_path: Path) -> None:
    start = make_run(tmp_path / "start", 1, **FIRST, second=SECOND)
    rng = np.random.default_rng(0)
    for index in range(6):
        small = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        picture = Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "photos" / f"{index}.png")
    settings = [f"options.{name}={value}" for name, value in FIRST.items()]
    settings += ["data.sizes={32: 1}", "data.batch=2", "validation={photos: 2, size: 32}", "precision=fp32"]
    run, photos = tmp_path / "run", tmp_path / "photos"
    train("tinct-finetune", photos, run, budget="1steps", init=str(tmp_path / "start"), adapt=False, settings=settings)
    train("tinct-finetune", photos, run, budget="2steps", resume=True)
    _, trained = checkpoint.load_network(run)
    before, after = start.state_dict(), trained.state_dict()
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("encoder.") for name in changed)
    assert not {name for name in changed if name.startswith("second.")}
