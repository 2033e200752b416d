"""The exported folder, without a browser: whole, listed, or not there at all."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from tinct.errors import BadModelFile, DataError, OptionError, OutputError, OutputExists, UnknownModel
from tinct.inference import guidance
from tinct.models import kernels
from tinct.web import export, runtime


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The package is at hand: a stand-in, as the real one is 31 MB from elsewhere."""

    def unpack(package: Path, folder: Path) -> None:
        for name in (*runtime.FILES.values(), "LICENSE"):
            (folder / name).write_text(name, "utf-8")

    monkeypatch.setattr(runtime, "find_package", lambda given, progress: tmp_path / "package.tgz")
    monkeypatch.setattr(runtime, "unpack", unpack)


def constants(folder: Path) -> dict[str, object]:
    text = (folder / "static" / "local" / "constants.js").read_text("utf-8")
    return {name: json.loads(value) for name, value in re.findall(r"export const (\w+) = (.*);", text)}


@pytest.mark.usefixtures("fetched")
def test_it_has_all_that_the_page_names(tmp_path: Path, quick_model: Path) -> None:
    folder = tmp_path / "page"
    size = export.export_page(folder, model=str(quick_model))
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert size == sum(path.stat().st_size for path in files.values())
    # Every file that a module imports, and that the page links to, is there and kept for offline use.
    listed = json.loads((folder / export.LISTED).read_text("utf-8").partition("self.TINCT = ")[2].rstrip(";\n"))
    assert {*listed["files"], "service-worker.js", export.LISTED} == {*files}
    for name, path in files.items():
        if not name.endswith((".js", ".html")) or "vendor" in name:
            continue
        imported = re.findall(r"""(?:from|import) ?\(?['"](\.[^'"$]+)['"]""", path.read_text("utf-8"))
        linked = re.findall(r'(?:href|src)="([^#"]+)"', path.read_text("utf-8")) if name.endswith(".html") else []
        for other in (*imported, *linked):
            target = (path.parent / other).resolve().relative_to(folder.resolve()).as_posix()
            assert target in files, (name, other)
    page = (folder / "index.html").read_text("utf-8")
    assert 'content="local"' in page
    assert 'content="server"' not in page
    assert "engine-server.js" not in str(files)


@pytest.mark.usefixtures("fetched")
def test_the_engine_computes_with_the_figures_of_this_version(tmp_path: Path, quick_model: Path) -> None:
    export.export_page(tmp_path / "page", model=str(quick_model))
    found = constants(tmp_path / "page")
    assert found["GUIDANCE"]["networkShare"] == guidance.NETWORK_SHARE  # type: ignore[index]
    wide = found["GUIDANCE"]["believed"]["wide"]  # type: ignore[index]
    assert [kernel["variance"] for kernel in wide] == [kernel.variance for kernel in kernels.BELIEVED.wide]
    assert wide[0]["place"] == pytest.approx(kernels.BELIEVED.wide[0].reach ** -2)
    assert wide[1]["place"] == 0  # reaches everywhere
    model = tmp_path / "page" / "model" / found["ABOUT"]["modelFile"]  # type: ignore[index]
    assert model.read_bytes() == quick_model.read_bytes()


@pytest.mark.usefixtures("fetched")
def test_another_version_is_kept_anew(tmp_path: Path, quick_model: Path) -> None:
    folder = tmp_path / "page"

    def version() -> str:
        text = (folder / export.LISTED).read_text("utf-8")
        return str(json.loads(text.partition("self.TINCT = ")[2].rstrip(";\n"))["version"])

    export.export_page(folder, model=str(quick_model))
    first = version()
    export.export_page(folder, model=str(quick_model), overwrite=True)
    assert version() == first
    export.export_page(folder, overwrite=True)
    assert version() != first
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


@pytest.mark.usefixtures("fetched")
def test_nothing_of_others_is_replaced(tmp_path: Path, quick_model: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it", "utf-8")
    with pytest.raises(OutputExists, match="holds other files"):
        export.export_page(folder, model=str(quick_model), overwrite=True)
    assert (folder / "thesis.txt").read_text("utf-8") == "all of it"
    export.export_page(tmp_path / "page", model=str(quick_model))
    with pytest.raises(OutputExists, match="--overwrite"):
        export.export_page(tmp_path / "page", model=str(quick_model))
    with pytest.raises(OutputExists, match="is no folder"):
        export.export_page(folder / "thesis.txt", model=str(quick_model))
    with pytest.raises(OutputError, match="make it first"):
        export.export_page(tmp_path / "no" / "page", model=str(quick_model))


def test_nothing_is_left_where_it_fails(
    tmp_path: Path, quick_model: Path, fetched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(package: Path, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runtime, "unpack", full)
    with pytest.raises(OutputError, match="No space left"):
        export.export_page(tmp_path / "page", model=str(quick_model))
    assert not list(tmp_path.iterdir())


def test_models_that_a_browser_can_not_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        export.export_page(tmp_path / "page", model="nobody")
    (tmp_path / "run").mkdir()
    with pytest.raises(BadModelFile, match="tinct export"):
        export.export_page(tmp_path / "page", model=str(tmp_path / "run"))
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(BadModelFile):
        export.export_page(tmp_path / "page", model=str(tmp_path / "broken.onnx"))


def test_another_package_is_refused(tmp_path: Path, quick_model: Path) -> None:
    other = tmp_path / "onnxruntime-web-1.0.0.tgz"
    other.write_bytes(b"something else")
    with pytest.raises(OptionError, match="npm pack onnxruntime-web@"):
        export.export_page(tmp_path / "page", model=str(quick_model), package=other)
    with pytest.raises(OptionError, match="can't be read"):
        export.export_page(tmp_path / "page", model=str(quick_model), package=tmp_path / "missing.tgz")


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "LONGEST_PAUSE", 0.0)
    monkeypatch.setenv("TINCT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # or the one of an earlier call counts, without the proxy
    with pytest.raises(DataError, match=r"can't be fetched from \S+ .*--runtime onnxruntime-web-"):
        export.export_page(tmp_path / "page", model=str(quick_model))
    assert not (tmp_path / "page").exists()
