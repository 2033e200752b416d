"""What a worker on another machine insists on, and what it does; in this process, as Ray isn't needed for that."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

import tinct
from tinct.inference.backends import load_backend
from tinct.jobs.cluster import RemoteWorker, Terms, make_terms
from tinct.jobs.items import Item, Made
from tinct.jobs.recipe import Recipe
from tinct.jobs.worker import Setup, Worker
from tinct.media.photo import read_photo

HELPERS = Path(__file__).parents[1] / "inference" / "conftest.py"


class NoCrew:
    """Sends nothing anywhere."""

    def put(self, value: Any) -> Any:
        return value


@pytest.fixture
def given(tmp_path: Path, gray_pixels: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Terms, bytes | None, Setup]:
    """What a worker is made with: a photograph, a folder for results, a model."""
    monkeypatch.setenv("VIPS_CONCURRENCY", "1")
    specification = importlib.util.spec_from_file_location("model_helpers", HELPERS)
    assert specification is not None
    assert specification.loader is not None
    helpers = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(helpers)
    model = tmp_path / "quick.onnx"
    helpers.write_model(model, "bins", size=32)
    for name in ("in", "out", "out/_tinct/partial"):
        (tmp_path / name).mkdir(parents=True)
    read_photo(gray_pixels).save(tmp_path / "in" / "one.jpg")
    setup = Setup(
        source=str(tmp_path / "in"),
        target=str(tmp_path / "out"),
        partial=tmp_path / "out" / "_tinct" / "partial",
        recipe=Recipe(),
        model=str(model),
        device="cpu",
    )
    seen = [tmp_path / "in" / "one.jpg"]
    terms, content = make_terms(NoCrew(), setup.model, "cpu", load_backend(model, "cpu"), seen)  # type: ignore[arg-type]
    return terms, content, setup


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the machine's temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def item_of(path: Path) -> Item:
    status = path.stat()
    return Item(
        1,
        path.name,
        path.name,
        status.st_size,
        str(status.st_mtime_ns),
        "w",
        *(None,) * 3,
        Made(),
        Made(),
        *(None,) * 4,
    )


def test_it_does_what_a_worker_here_does(given: tuple[Terms, bytes | None, Setup], tmp_path: Path) -> None:
    terms, content, setup = given
    worker = RemoteWorker(terms, content, setup)
    assert worker.greet().refusal is None
    item = item_of(tmp_path / "in" / "one.jpg")
    far = worker.work(item)
    assert far.state == "done", far.error
    first = (tmp_path / "out" / "one.jpg").read_bytes()
    here = Worker(setup).work(item)  # what is there is the very file that comes out again
    assert here.output_hash == far.output_hash
    assert (tmp_path / "out" / "one.jpg").read_bytes() == first
    assert worker.look(item).content == Worker(setup).look(item).content != ""
    worker.leave()


def test_the_model_is_sent_along(given: tuple[Terms, bytes | None, Setup]) -> None:
    terms, content, setup = given
    os.unlink(terms.model)
    worker = RemoteWorker(terms, content, setup)
    assert worker.greet().refusal is None
    worker.leave()
    refusal = RemoteWorker(terms, None, setup).greet().refusal
    assert refusal is not None
    assert "quick.onnx" in refusal


def test_what_differs_is_refused(given: tuple[Terms, bytes | None, Setup], tmp_path: Path, temporary: Path) -> None:
    terms, content, setup = given
    for changes, says in (
        ({"version": "0.0.1"}, f"it has Tinct {tinct.__version__}, here is 0.0.1"),
        ({"model_hash": "00"}, "is another than the one here"),
        ({"seen": (str(tmp_path / "elsewhere"),)}, "it doesn't see"),
    ):
        refusal = RemoteWorker(dataclasses.replace(terms, **changes), content, setup).greet().refusal  # type: ignore[arg-type]
        assert refusal is not None
        assert says in refusal
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_on_its_machine(given: tuple[Terms, bytes | None, Setup], temporary: Path) -> None:
    terms, content, setup = given
    worker = RemoteWorker(terms, content, setup)
    assert worker.greet().refusal is None
    assert list(temporary.rglob("*.sqlite"))
    assert not list(temporary.rglob("*.onnx"))  # it is in memory
    worker.leave()
    assert list(temporary.iterdir()) == []
