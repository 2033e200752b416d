"""Loading of models: what is taken, and what is refused with a reason."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinct.errors import BadModelFile, OptionError, UnknownModel
from tinct.inference.backends import OnnxBackend, TorchBackend, load_backend
from tinct.inference.loading import LoadingBackend
from tinct.weights import store

MakeModel = Callable[..., Path]


@pytest.mark.parametrize("output", ["bins", "ab", "rgb"])
@pytest.mark.parametrize("takes_hints", [False, True])
def test_an_onnx_file_runs_at_any_multiple(output: str, takes_hints: bool, make_model: MakeModel) -> None:
    path = make_model(output, takes_hints=takes_hints)
    backend = load_backend(path, "cpu")
    assert backend.spec.output == output
    assert backend.model_hash == store.digest(path)
    for height, width in ((8, 8), (16, 40)):
        raw = backend.run(np.full((height, width), 50, np.float32), None)
        assert raw.shape[1:] == (height // 4, width // 4)
        assert raw.dtype == np.float32


def test_a_network_sees_its_hints(make_model: MakeModel) -> None:
    backend = load_backend(make_model("ab", takes_hints=True))
    lightness, hints = np.full((8, 8), 50, np.float32), np.zeros((3, 8, 8), np.float32)
    plain = backend.run(lightness, None)
    assert (backend.run(lightness, hints) == plain).all()
    hints[:, 2:4, 2:4] = [[[1]], [[40]], [[-20]]]
    changed = backend.run(lightness, hints) != plain
    assert changed[:, 0, 0].all()
    assert not changed[:, 1, 1].any()


def test_the_number_of_threads_changes_nothing(make_model: MakeModel) -> None:
    path = make_model("bins")
    lightness = np.random.default_rng(0).uniform(0, 100, (96, 64)).astype(np.float32)
    one, three = (OnnxBackend(path, "cpu", threads).run(lightness, None) for threads in (1, 3))
    assert (one == three).all()


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07" * 500])
def test_a_corrupt_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match=r"model\.onnx"):
        load_backend(path)


def test_a_cut_file_is_refused(make_model: MakeModel) -> None:
    path = make_model("bins")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(BadModelFile, match=path.name):
        load_backend(path)


def test_a_foreign_onnx_file_is_refused(make_model: MakeModel) -> None:
    import onnx

    path = make_model("ab")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(BadModelFile, match="no model of Tinct"):
        load_backend(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"takes_hints": True}, "inputs"), ({"output": "rgb"}, "outputs"), ({"speed": 3}, "specification")],
)
def test_a_specification_that_does_not_fit_is_refused(
    changes: dict[str, object], reason: str, make_model: MakeModel
) -> None:
    import onnx

    path = make_model("ab")
    model = onnx.load(path)
    entry = model.metadata_props[0]
    entry.value = json.dumps({**json.loads(entry.value), **changes})
    onnx.save(model, path)
    with pytest.raises(BadModelFile, match=reason):
        load_backend(path)


def test_bins_without_a_way_to_read_them_are_refused(make_model: MakeModel) -> None:
    with pytest.raises(BadModelFile, match="color bins"):
        load_backend(make_model("bins", path=()))


def test_unknown_names_list_the_choices(monkeypatch: pytest.MonkeyPatch, make_model: MakeModel) -> None:
    monkeypatch.setenv("TINCT_WEIGHTS", str(make_model("ab").parent))
    with pytest.raises(UnknownModel, match=r"default, .*random-ab"):
        load_backend("tincture")


def test_a_device_that_is_not_there_is_refused(make_model: MakeModel) -> None:
    import onnxruntime

    path = make_model("ab")
    with pytest.raises(OptionError, match="choose one of auto, cpu, cuda"):
        load_backend(path, "gpu")  # type: ignore[arg-type]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(OptionError, match="onnxruntime-gpu"):
            load_backend(path, "cuda")


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"model\.safetensors is missing"):
        load_backend(tmp_path)


def _checkpoint(folder: Path, architecture: str = "tinct", **weights: np.ndarray) -> Path:  # type: ignore[type-arg]
    from safetensors.numpy import save_file

    from tinct.models.registry import ModelSpec

    folder.mkdir(parents=True)
    save_file(weights, folder / "model.safetensors")
    (folder / "spec.json").write_text(ModelSpec("x", architecture, "ab").to_json())
    return folder


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path / "run" / "checkpoint", foreign=np.zeros(3, np.float32))
    with pytest.raises(BadModelFile, match="weights of another architecture"):
        load_backend(folder.parent)


def test_a_checkpoint_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="resnet"):
        TorchBackend(_checkpoint(tmp_path / "run", "resnet"))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path / "run")
    (folder / "model.safetensors").write_bytes(b"\x01")
    with pytest.raises(BadModelFile, match=r"model\.safetensors"):
        load_backend(folder / "model.safetensors")


def test_a_checkpoint_runs_like_its_network(tmp_path: Path) -> None:
    import torch

    from tinct.models.registry import create_model

    torch.manual_seed(0)
    network: torch.nn.Module = create_model("tinct").eval()
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    folder = _checkpoint(tmp_path / "run" / "checkpoint", **weights)
    spec = network.make_spec("small")  # type: ignore[operator]
    (folder / "spec.json").write_text(spec.to_json())
    lightness = np.random.default_rng(0).uniform(0, 100, (32, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(lightness)[None, None], torch.zeros(1, 3, 32, 64))[0].numpy()
    assert load_backend(tmp_path / "run", "cpu").run(lightness, None) == pytest.approx(expected, abs=1e-5)


def test_checkpoints_of_the_same_weights_with_other_options_are_told_apart(tmp_path: Path) -> None:
    from tinct.models.registry import create_model
    from tinct.weights.checkpoint import save_weights

    networks = [create_model("colorful", width=0.06, grid=40, temperature=each) for each in (0.38, 0.5, 0.38)]
    hashes = []
    for network in networks:
        save_weights(tmp_path, network.make_spec("x"), networks[0].state_dict())  # type: ignore[operator]
        hashes.append(TorchBackend(tmp_path, "cpu").model_hash)
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_model_loads_beside_other_work(make_model: MakeModel) -> None:
    path = make_model("bins")
    loading, loaded = LoadingBackend(path, "cpu"), load_backend(path, "cpu")
    assert loading.spec == loaded.spec
    assert loading.model_hash == loaded.model_hash
    lightness = np.full((32, 64), 50, np.float32)
    assert np.array_equal(loading.run(lightness, None), loaded.run(lightness, None))
    assert loading.wait() is loading.wait()


def test_the_specification_is_there_before_the_model(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_model("bins")
    allowed = threading.Event()
    monkeypatch.setattr(
        "tinct.inference.backends.load_backend", lambda *_: allowed.wait(60) and OnnxBackend(path, "cpu")
    )
    loading = LoadingBackend(path, "cpu")
    assert loading.spec.name == "random-bins"
    allowed.set()
    assert loading.wait().spec == loading.spec


def test_what_is_wrong_with_a_model_shows_when_it_is_waited_for(make_model: MakeModel) -> None:
    path = make_model("bins")
    path.write_bytes(path.read_bytes().replace(b"lightness", b"darkness_"))
    loading = LoadingBackend(path, "cpu")
    with pytest.raises(BadModelFile, match=path.name):
        loading.wait()
