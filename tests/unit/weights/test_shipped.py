"""What the package carries: room for it, and that each file is what it says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tinct.inference.backends import read_spec
from tinct.models.registry import create_model
from tinct.training.runs import make_record
from tinct.weights import checkpoint, store


@pytest.fixture(scope="module")
def shipping() -> ModuleType:
    """The script that ships."""
    path = Path(__file__).resolve().parents[3] / "scripts" / "ship_model.py"
    specification = importlib.util.spec_from_file_location("ship_model", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_shipped_models_keep_to_their_sizes() -> None:
    sizes = {path.stem: path.stat().st_size for path in store.SHIPPED.glob("*.onnx")}
    assert sizes.pop("tinct") < 14e6
    sizes.pop("tinct-small", 0)
    assert {name: size for name, size in sizes.items() if size >= 8e6} == {}
    assert {name: size for name, size in sizes.items() if name.startswith("colorful") and size >= 4e6} == {}
    assert sum(sizes.values()) < 36e6


def test_each_shipped_model_has_its_name_its_card_and_its_place_in_the_table() -> None:
    table = (store.SHIPPED / "README.md").read_text("utf-8")
    files = {path.name for path in store.SHIPPED.iterdir()}
    names = [path.stem for path in store.SHIPPED.glob("*.onnx")]
    assert files == {f"{name}{ending}" for name in names for ending in (".onnx", ".md")} | {
        "README.md",
        "manifest.json",
    }
    for name in names:
        path = store.SHIPPED / f"{name}.onnx"
        assert read_spec(path).name == name
        assert store.verify(name) is not None
        assert store.facts(path)["figures"]
        assert f"[`{name}`]({name}.md)" in table


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A training run's folder."""
    folder = tmp_path / "run"
    network = create_model("encdec_rgb", widths=[4, 8, 8])
    spec = network.make_spec("recipe-name")  # type: ignore[operator]
    checkpoint.save(folder, spec, network.state_dict(), {})
    figures = {"psnr_gray": 22.5, "psnr": 23.25, "ssim_gray": 0.9, "ssim": 0.91, "mse_raw": 0.004}
    figures |= {"colorfulness_original": 40.0, "colorfulness": 10.0}
    record = make_record(
        {"name": "recipe-name", "budget": "10min", "validation": {"photos": 200, "size": 160}},
        asked={"recipe": "encdec-rgb", "preset": None, "init": None, "settings": ["data.batch=8"]},
        seed=3,
        data={"photos": 500},
    )
    record.update(seen=1000, step=62, hours=0.5, figures=figures)
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    return folder


def test_a_run_is_shipped_under_a_name(shipping: ModuleType, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "default"
    folder.mkdir()
    shipping.main(run, "mine", None, folder)
    assert {path.name for path in folder.iterdir()} == {"mine.onnx", "mine.md", "README.md", "manifest.json"}
    assert read_spec(folder / "mine.onnx").name == "mine"
    known = store.facts(folder / "mine.onnx")
    assert known["figures"] == {"psnr_over_gray": 0.75, "ssim_over_gray": 0.01, "colorfulness_share": 0.25}
    assert known["trained"] == {"seen": 1000, "step": 62, "hours": 0.5, "seed": 3}
    card = (folder / "mine.md").read_text("utf-8")
    assert "1,000 photos seen (2.0 passes over 500), 0.50 hours" in card
    assert "tinct train encdec-rgb --data PHOTOS --out RUN --budget 10min --set data.batch=8" in card
    assert "[`mine`](mine.md) | 0.0 | +0.75 | 1,000 | 0.50 |" in (folder / "README.md").read_text("utf-8")


def test_figures_on_ordinary_photographs_are_left_out(shipping: ModuleType, run: Path) -> None:
    record = json.loads((run / "run.json").read_text("utf-8"))
    before = shipping.facts(record, None)
    record["figures"] |= {"psnr_ordinary_gray": 24.5, "psnr_ordinary": 25.0, "colorfulness_ordinary_original": 38.0}
    assert shipping.facts(record, None) == before


def test_shipping_again_keeps_what_a_person_wrote(shipping: ModuleType, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "default"
    folder.mkdir()
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"psnr_over_gray": 0.5, "measured": "by eye"}), "utf-8")
    shipping.main(run, "mine", None, folder)
    card = folder / "mine.md"
    card.write_text(card.read_text("utf-8").partition("## Limits")[0] + "## Limits\n\nGrass is brown.\n", "utf-8")
    shipping.main(run, "mine", figures, folder)
    assert card.read_text("utf-8").endswith("## Limits\n\nGrass is brown.\n")
    assert "Measured: by eye." in card.read_text("utf-8")
    assert store.facts(folder / "mine.onnx")["figures"] == {"psnr_over_gray": 0.5}


def test_a_model_without_room_is_refused_and_nothing_changes(
    shipping: ModuleType, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "default"
    folder.mkdir()
    for limit, said in (("MOST_BYTES", "narrower"), ("MOST_BYTES_TOGETHER", "systems would have")):
        with monkeypatch.context() as patch:
            patch.setattr(shipping, limit, 10)
            with pytest.raises(SystemExit, match=said):
                shipping.main(run, "mine", None, folder)
        assert list(folder.iterdir()) == []


def test_random_weights_of_all_systems_fit_together(shipping: ModuleType) -> None:
    """Two of lab-cnn, four of colorful, one each of the others, at the sizes in which they are shipped."""
    networks: list[tuple[str, dict[str, object], int]] = [
        ("lab_cnn", {}, 2), ("cifar_cnn", {}, 1), ("colorful", {"width": 0.24}, 4), ("encdec_rgb", {}, 1),
        ("efficientnet_unet", {}, 1),
    ]  # fmt: skip
    together = 0
    for architecture, options, count in networks:
        with torch.device("meta"):
            state = create_model(architecture, **options).state_dict().values()
        size = sum(value.numel() * (2 if value.ndim > 1 else 4) for value in state) + 60_000  # of the graph
        assert size < (4e6 if architecture == "colorful" else shipping.MOST_BYTES)
        together += count * size
    assert together < shipping.MOST_BYTES_TOGETHER
