"""Layers of every architecture can be found, caught and brought to one length."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tinct.errors import OptionError
from tinct.evaluation.layers import (
    LONGEST,
    Network,
    calibrate,
    catching,
    check_side,
    find_layers,
    load_networks,
    to_vectors,
)
from tinct.models.registry import create_model
from tinct.weights.checkpoint import save_weights

BLOCKS = {
    "cifar_cnn": (
        {"widths": [8, 8, 8]},
        [*(f"down{n}.{step}" for n in (1, 2, 4) for step in (0, 1)), "up2", "up1", "head"],
    ),
    "colorful": ({"width": 0.125}, [*(f"blocks.{n}" for n in range(8)), "head"]),
    "encdec_rgb": ({"widths": [4, 4, 4]}, ["encode1", "encode2", "encode3", "decode1", "decode2", "head"]),
    "efficientnet_unet": (
        {"encoder": "lite0", "widths": [8, 8, 8, 8]},
        ["encoder.stem", *(f"encoder.stages.{n}" for n in range(7)), "up16", "up8", "up4", "up2", "head"],
    ),
    "tinct": (
        {"widths": [8, 8, 8, 8], "query_width": 8, "queries": 2},
        ["encoder.stem", *(f"encoder.stages.{n}" for n in range(7)), "bottom", "up16", "up8", "up4", "local"],
    ),
}


def make(architecture: str) -> Network:
    torch.manual_seed(0)
    body = create_model(architecture, **BLOCKS[architecture][0])  # type: ignore[arg-type]
    spec = body.make_spec("some")  # type: ignore[operator]
    return Network("some", body.eval(), spec.multiple, spec.takes_hints)


@pytest.mark.parametrize("architecture", BLOCKS)
def test_blocks_are_found_in_the_order_of_running(architecture: str) -> None:
    network = make(architecture)
    (found,) = find_layers([network], 64)
    assert list(found) == BLOCKS[architecture][1]
    with catching(network, found) as caught:
        network(torch.rand(3, 1, 64, 64) * 100)
    for name, shape in found.items():
        assert tuple(caught[name].shape) == (3, *shape)
        vectors = to_vectors(caught[name])
        assert vectors.shape[0] == 3
        assert vectors.shape[1] <= max(LONGEST, shape[0])


def test_lab_cnn_is_walked_one_step_into_its_sequences() -> None:
    body = create_model("lab_cnn")
    (found,) = find_layers([Network("some", body.eval(), body.make_spec("x").multiple, False)], 64)  # type: ignore[operator]
    assert {name.split(".")[0] for name in found} == {"down", "up", "head"}
    assert len(found) > 5


def test_any_module_can_be_named_also_one_that_gives_tokens() -> None:
    network = make("tinct")
    (found,) = find_layers([network], 64, ["layers.2", "encoder.stages.2.0"])
    assert found == {"encoder.stages.2.0": (40, 8, 8), "layers.2": (2, 8)}
    for name in ("nothing", "encoder", ""):
        with pytest.raises(OptionError, match=r"some has encoder\.stem"):
            find_layers([network], 64, [name])


def test_vectors_are_means_over_equal_cells() -> None:
    maps = torch.arange(2 * 512 * 4 * 4, dtype=torch.float32).reshape(2, 512, 4, 4)
    assert torch.equal(to_vectors(maps), maps.mean((2, 3)))
    assert torch.equal(to_vectors(maps, 512 * 4), torch.nn.functional.avg_pool2d(maps, 2).flatten(1))
    assert torch.equal(to_vectors(maps[:, :10]), maps[:, :10].flatten(1))
    tokens = torch.rand(2, 6, 512)
    assert torch.allclose(to_vectors(tokens, 512), tokens.mean(1))


def test_random_weights_get_the_statistics_of_photographs() -> None:
    network = make("efficientnet_unet")
    photographs = torch.rand(70, 1, 32, 32) * 100
    calibrate(network, photographs)
    with catching(network, ["encoder.stages.6"]) as caught:
        network(photographs)
    assert 0.2 < float(caught["encoder.stages.6"].std()) < 5
    assert not any(module.training for module in network.body.modules())


def test_networks_of_models_and_what_they_are_compared_with(tmp_path: Path) -> None:
    for name in ("one", "two"):
        body = create_model("cifar_cnn", widths=[8, 8, 8])
        save_weights(tmp_path / name, body.make_spec(name), body.state_dict())  # type: ignore[operator]
    networks = load_networks([str(tmp_path / "one"), str(tmp_path / "two")], seed=3)
    assert [network.kind for network in networks] == ["model", "model", "random", "imagenet"]
    assert [network.twin for network in networks] == ["random cifar_cnn"] * 2 + [None] * 2
    with pytest.raises(OptionError, match="imagenet takes multiples of 32"):
        check_side(networks, 48)
    again = load_networks([str(tmp_path / "one")], seed=3)
    assert torch.equal(again[1].body.head.weight, networks[2].body.head.weight)  # type: ignore[union-attr,arg-type]
