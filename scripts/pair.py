"""Put a second network beside that of a run: ``python scripts/pair.py RUN SECOND OUT [--share 0.4]``.

SECOND is a run of a recipe like tinct-second, with the same bins. OUT becomes a folder that ``tinct colorize --model``,
``tinct export`` and ``tinct train --init`` take; its record is that of RUN.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from tinct.errors import OptionError, TinctError
from tinct.media.atomic import atomic_path
from tinct.models.registry import create_model
from tinct.training.runs import FILE, read_record
from tinct.weights import checkpoint


def main(run: Path, second: Path, out: Path, share: float = 0.4) -> None:
    """Write a run's network with another one beside it into ``out``, which must not exist.

    Args:
        run: of the first network; a second one that it has already goes.
        second: of the second network.
        out: the folder to write.
        share: of the second network's logits in the mean of both.

    Raises:
        OptionError: ``share`` is out of range, a network is of another architecture, or ``out`` exists.
        DataError: a run has no record.
    """
    if not 0 < share < 1:
        raise OptionError(f"share is {share:g}, expected a number between 0 and 1: that of the second network")
    if out.exists():
        raise OptionError(f"{out} exists already; give another folder")
    (spec, first), (theirs, other) = checkpoint.load_network(run), checkpoint.load_network(second)
    if not spec.architecture == theirs.architecture == "tinct" or spec.bins != theirs.bins:
        raise OptionError(f"{run} and {second} must be networks of the architecture tinct with the same bins")
    options = {**spec.options, "second": theirs.options, "share": share}
    network = create_model("tinct", **options)
    weights = {name: value for name, value in first.state_dict().items() if not name.startswith("second.")}
    weights |= {f"second.{name}": value for name, value in other.state_dict().items()}
    checkpoint.fit_weights(network, weights, str(second))
    both = network.make_spec(spec.name)  # type: ignore[operator]
    checkpoint.save_weights(out / checkpoint.FOLDER, dataclasses.replace(both, weights=spec.weights), weights)
    record = {**read_record(run), "second": read_record(second)}
    with atomic_path(out / FILE) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("second", type=Path, metavar="SECOND")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--share", type=float, default=0.4, help="of SECOND's logits in the mean, between 0 and 1")
    options = parser.parse_args()
    try:
        main(options.run, options.second, options.out, options.share)
    except TinctError as error:
        sys.exit(str(error))
