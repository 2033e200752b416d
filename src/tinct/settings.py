"""What the environment may set: variables named ``TINCT_...``, and a file ``.env`` in the working folder.

Plain dataclasses on purpose: pydantic-settings takes a quarter of a second to import, a third of what a whole
photograph takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinct.errors import ConfigError

PREFIX = "TINCT_"
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults that the environment may change; an option on the command line goes before them."""

    model: str = "default"
    """``TINCT_MODEL``: name or file of the model."""
    device: str = "auto"
    """``TINCT_DEVICE``: auto, cpu or cuda."""
    jobs: int | None = None
    """``TINCT_JOBS``: photographs worked on at once; None chooses by the processor."""
    max_pixels: int = 2_000_000_000
    """``TINCT_MAX_PIXELS``: a photograph with more pixels is refused."""
    weights: Path | None = None
    """``TINCT_WEIGHTS``: a folder of further models."""
    cache: Path | None = None
    """``TINCT_CACHE``: a folder for what can be made again, in place of the user's cache folder."""

    def cache_folder(self) -> Path:
        """Return the folder for what can be made again; it may not be there yet."""
        if self.cache is not None:
            return self.cache
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "tinct"
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tinct" / "cache"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinct"


def load_settings(environment: Mapping[str, str] | None = None, file: Path | None = Path(".env")) -> Settings:
    """Read the settings; a variable of the environment goes before one of the file, an empty one counts as unset.

    Args:
        environment: the variables; those of the process by default.
        file: lines ``NAME=value``, ``#`` for comments; may be missing. None reads no file.

    Raises:
        ConfigError: values out of range; all of them at once.

    >>> load_settings({"TINCT_JOBS": "3"}, file=None).jobs
    3
    """
    values = {**_read_file(file), **(os.environ if environment is None else environment)}
    given = {name[len(PREFIX) :].lower(): value for name, value in values.items() if name.startswith(PREFIX) and value}
    faults: list[str] = []
    defaults = Settings()
    device = given.get("device", defaults.device)
    if device not in DEVICES:
        faults.append(f"{PREFIX}DEVICE is {device!r}; choose one of {', '.join(DEVICES)}")
    settings = Settings(
        model=given.get("model", defaults.model),
        device=device,
        jobs=_count("jobs", given, faults),
        max_pixels=_count("max_pixels", given, faults) or defaults.max_pixels,
        weights=Path(given["weights"]) if "weights" in given else None,
        cache=Path(given["cache"]) if "cache" in given else None,
    )
    if faults:
        raise ConfigError("environment", faults)
    return settings


def _count(name: str, given: Mapping[str, str], faults: list[str]) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        faults.append(f"{PREFIX}{name.upper()} is {text!r}; give a whole number from 1 up")
        return None
    return number


def _read_file(file: Path | None) -> dict[str, str]:
    if file is None or not file.is_file():
        return {}
    values: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("\"'")
    return values
