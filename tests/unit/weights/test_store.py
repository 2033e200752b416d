"""From names of models to verified files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tinct.errors import BadModelFile, UnknownModel
from tinct.inference.backends import load_backend
from tinct.weights import store


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models with a manifest, in place of the package's."""
    folder = tmp_path / "default"
    folder.mkdir()
    (folder / "tinct.onnx").write_bytes(b"weights")
    (folder / "other.onnx").write_bytes(b"more")
    store.write_manifest(folder)
    monkeypatch.setattr(store, "SHIPPED", folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TINCT_WEIGHTS", raising=False)
    return folder


def test_names_and_the_alias_give_files(shipped: Path) -> None:
    assert store.list_models() == ["tinct", "other"]
    assert store.resolve("default") == store.resolve("tinct") == shipped / "tinct.onnx"
    assert store.verify("default") == hashlib.sha256(b"weights").hexdigest()


def test_a_damaged_file_is_refused(shipped: Path) -> None:
    (shipped / "tinct.onnx").write_bytes(b"wights")
    for check in (lambda: store.verify("default"), lambda: load_backend("default")):
        with pytest.raises(BadModelFile, match=r"tinct\.onnx is damaged"):
            check()
    assert store.verify("other")


def test_a_missing_file_is_refused(shipped: Path) -> None:
    (shipped / "tinct.onnx").unlink()
    with pytest.raises(BadModelFile, match=r"tinct\.onnx can't be read"):
        store.verify("tinct")


def test_a_damaged_manifest_is_refused(shipped: Path) -> None:
    for damage in ("{", '{"tinct.onnx": "a hash"}', '["tinct.onnx"]'):
        (shipped / "manifest.json").write_text(damage)
        with pytest.raises(BadModelFile, match=r"manifest\.json"):
            store.list_models()


def test_a_further_folder_adds_models_and_replaces_none(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    for name in ("mine.onnx", "tinct.onnx", "notes.txt"):
        (extra / name).write_bytes(b"x")
    monkeypatch.setenv("TINCT_WEIGHTS", str(extra))
    assert store.list_models() == ["tinct", "mine", "other"]
    assert store.resolve("mine") == extra / "mine.onnx"
    assert store.resolve("tinct") == shipped / "tinct.onnx"
    assert store.verify("mine") is None


def test_a_path_is_itself(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x")
    assert store.resolve(path) == path
    assert store.resolve(str(tmp_path)) == tmp_path


def test_unknown_names_list_the_choices(shipped: Path) -> None:
    for ask in (store.resolve, store.verify):
        with pytest.raises(UnknownModel, match="'tincture'; choose one of default, other, tinct"):
            ask("tincture")


def test_the_manifest_lists_every_model(shipped: Path) -> None:
    assert json.loads((shipped / "manifest.json").read_text()) == {
        "other.onnx": {"sha256": hashlib.sha256(b"more").hexdigest()},
        "tinct.onnx": {"sha256": hashlib.sha256(b"weights").hexdigest()},
    }


def test_the_manifest_keeps_facts_and_takes_new_ones(shipped: Path) -> None:
    store.write_manifest(shipped, {"other.onnx": {"hours": 2}})
    (shipped / "third.onnx").write_bytes(b"third")
    store.write_manifest(shipped, {"third.onnx": {"hours": 3}})
    assert [store.facts(shipped / f"{name}.onnx") for name in ("other", "third", "tinct", "none")] == [
        {"hours": 2},
        {"hours": 3},
        {},
        {},
    ]
    assert store.list_models() == ["tinct", "other", "third"]


def test_what_the_package_ships_verifies() -> None:
    for name in store.list_models():
        assert len(store.verify(name) or "0" * 64) == 64
