"""The notebook of the examples runs from top to bottom, shortened, and is kept without its outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "walkthrough.ipynb"
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
client = nbclient.NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": "."}})
client.execute()
nbformat.write(notebook, "run.ipynb")
"""


def cells(kind: str) -> list[dict[str, Any]]:
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    text = NOTEBOOK.read_text("utf-8")
    for long, short in ((r"= \"1min\"", r"= \"25steps\""), ("range(300)", "range(40)")):
        assert text.count(long) == 1
        text = text.replace(long, short)
    (tmp_path / "short.ipynb").write_text(text, "utf-8")
    # A process of its own: what Jupyter's libraries warn about isn't ours.
    folders = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "IPYTHONDIR": str(tmp_path / "ipython")}
    command = [sys.executable, "-c", RUN, "short.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | folders, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    ran = json.loads((tmp_path / "run.ipynb").read_text("utf-8"))
    outputs = [output for cell in ran["cells"] for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 8
    assert any("closer to the originals" in "".join(output.get("text", "")) for output in outputs)
    assert (tmp_path / "walkthrough" / "run" / "checkpoint").is_dir()


def test_it_is_kept_without_outputs_and_knows_no_computer() -> None:
    for cell in cells("code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert not re.search(r"[\"'](/|~|[A-Z]:\\)", "".join(cell["source"]))


def test_it_installs_the_package_where_it_is_missing() -> None:
    first = "".join(cells("code")[0]["source"])
    assert 'find_spec("tinct") is None' in first
    assert '"-m", "pip", "install"' in first
    assert "[train]" in first


@pytest.mark.parametrize("command", ["tinct data stats", "tinct train cifar-cnn", "tinct export walkthrough/run"])
def test_it_names_the_commands(command: str) -> None:
    assert any(command in "".join(cell["source"]) for cell in cells("markdown"))
