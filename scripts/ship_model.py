"""Put a training run's model into the package: export it, and write the manifest of all shipped models."""

from __future__ import annotations

import sys
from pathlib import Path

from tinct.weights.export import export
from tinct.weights.store import SHIPPED, SUFFIX, write_manifest


def main(run: Path, name: str) -> None:
    """Export the checkpoint of ``run`` as the shipped model ``name``."""
    target = SHIPPED / f"{name}{SUFFIX}"
    difference = export(run, target, overwrite=True)
    write_manifest(SHIPPED)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, differs from the network by at most {difference:.2g}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: ship_model.py RUN NAME")
    main(Path(sys.argv[1]), sys.argv[2])
