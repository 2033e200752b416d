"""The history of the speed figures: ``history.jsonl``, a line of JSON for each part of each run, newest last."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

import tinct

HISTORY = Path(__file__).resolve().parent / "history.jsonl"


def note(figures: Mapping[str, object], file: Path = HISTORY) -> None:
    """Print figures, and append them with what they were measured of and on."""
    print(json.dumps(figures), flush=True)
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=file.parent, capture_output=True, text=True, check=False
    )
    line = {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "tinct": tinct.__version__,
        "commit": done.stdout.strip() or None,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        # Above the number of processors, other work counted against the figures.
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    with file.open("a", encoding="utf-8") as history:
        history.write(json.dumps(line | dict(figures)) + "\n")
