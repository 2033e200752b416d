"""Average the weights of two runs of one network: ``python scripts/average.py RUN OTHER OUT [--share 0.5]``.

A mean of runs that began at the same weights is often better than either ("Model soups", Wortsman 2022). OUT becomes a
folder that ``tinct colorize --model``, ``tinct export`` and ``tinct train --init`` take; its record is that of RUN.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tinct.errors import OptionError, TinctError
from tinct.media.atomic import atomic_path
from tinct.training.runs import FILE, read_record
from tinct.weights import checkpoint


def main(run: Path, other: Path, out: Path, share: float = 0.5) -> None:
    """Write the mean of two runs' weights into ``out``, which must not exist.

    Raises:
        OptionError: ``share`` is out of range, the runs are of different networks, or ``out`` exists.
        DataError: ``run`` has no record.
    """
    if not 0 <= share <= 1:
        raise OptionError(f"share is {share:g}, expected 0 to 1: that of the first run's weights")
    if out.exists():
        raise OptionError(f"{out} exists already; give another folder")
    record = {**read_record(run), "averaged": {"with": str(other), "share": share}}
    (spec, first), (theirs, second) = checkpoint.load_network(run), checkpoint.load_network(other)
    if (spec.architecture, spec.options, spec.weights) != (theirs.architecture, theirs.options, theirs.weights):
        raise OptionError(f"{run} and {other} differ in network or rebalancing; their mean has no meaning")
    others = second.state_dict()
    mean = {
        name: others[name].lerp(value, share) if value.is_floating_point() else value
        for name, value in first.state_dict().items()
    }
    checkpoint.save_weights(out / checkpoint.FOLDER, spec, mean)
    with atomic_path(out / FILE) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("other", type=Path, metavar="OTHER")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--share", type=float, default=0.5, help="of RUN's weights in the mean, 0 to 1")
    options = parser.parse_args()
    try:
        main(options.run, options.other, options.out, options.share)
    except TinctError as error:
        sys.exit(str(error))
