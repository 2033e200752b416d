"""What adapting the default model to pictures of a new kind gains on others of it, and loses on ordinary photographs.

    python benchmarks/bench_adaptation.py {medicine,air} [--data FOLDER] [--budget 8min] [--no-replay] [--init MODEL]

medicine: 160 skin close-ups and 30 fundus photographs of domains.tar, drawn by hash, against the other 50. air: frames
of the first half of clips/cars-from-above.mp4 against frames of the second. It runs ``tinct train tinct`` with the
recipe as it is, and prints what that cost and a line of JSON for each set of pictures: PSNR at 256x256 as
``tinct evaluate`` has it, before and after; of the clip also frames as muted as a road, which that leaves out. Needs
the photo corpus, and PyAV for the clip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos import corpus
from tinct import ColorizeOptions, Colorizer
from tinct.color.figures import psnr
from tinct.evaluation.protocol import open_dataset, read_original
from tinct.evaluation.request import Request
from tinct.evaluation.runner import evaluate
from tinct.evaluation.statistics import mean_intervals

TRAINED = {"medical/skin-": 160, "medical/fundus-": 30}
FRAMES = {"train": 150, "test": 50}
FAITHFUL = ColorizeOptions(mode="faithful")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["medicine", "air"])
    parser.add_argument("--data", type=Path, default=corpus())
    parser.add_argument("--budget", help="as for tinct train; the recipe's unless given")
    parser.add_argument("--no-replay", action="store_true", help="without ordinary photographs")
    parser.add_argument("--init", default="default", help="the model to adapt")
    parser.add_argument("--pictures", type=int, help="adapt to this many only")
    parser.add_argument("--photographs", type=int, default=150, help="of val.tar to measure on")
    parser.add_argument("--set", action="append", default=[], help="as for tinct train")
    parser.add_argument("--keep", type=Path, help="a folder for the run, which must not exist; not kept unless given")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"there is no folder {options.data}; name that of the photo corpus by --data")
    with tempfile.TemporaryDirectory() as made:
        folder, run = Path(made), options.keep or Path(made) / "run"
        tests = (divide_medicine if options.kind == "medicine" else divide_clip)(options.data, folder)
        if options.pictures is not None:
            for path in sorted((folder / "train").iterdir(), key=lambda path: rank(path.name))[options.pictures :]:
                path.unlink()
        began = time.monotonic()
        adapt(folder / "train", run, options)
        wall = time.monotonic() - began
        spent = os.times()
        cost = {"minutes": round(wall / 60, 1)}
        cost["minutes of processors"] = round((spent.children_user + spent.children_system) / 60, 1)
        count = len(list((folder / "train").iterdir()))
        print(json.dumps({"kind": options.kind, "pictures": count, **cost}), flush=True)
        for test in tests:
            (compare_all if options.kind == "air" else compare)(folder / test, options.init, run)
        compare(options.data / "photos" / "val.tar", options.init, run, options.photographs)


def adapt(pictures: Path, run: Path, options: argparse.Namespace) -> None:
    """Run ``tinct train tinct``."""
    environment = dict(os.environ)
    environment.pop("TINCT_DATA", None)
    command = [sys.executable, "-m", "tinct", "train", "tinct", "--init", options.init]
    command += ["--data", str(pictures), "--out", str(run)]
    command += [] if options.no_replay else ["--replay", str(options.data / "photos")]
    command += [] if options.budget is None else ["--budget", options.budget]
    for setting in options.set:
        command += ["--set", setting]
    subprocess.run(command, check=True, env=environment)


def compare(pictures: Path, before: str, after: Path, count: int | None = None) -> None:
    """Print what two models make of the same pictures."""
    figures = ("psnr", "colorfulness")
    request = Request(data=(pictures,), models=(before, str(after)), mode="faithful", count=count, metrics=figures)
    with evaluate(request) as (evaluation, _):
        rows = {row.name: row for row in evaluation.rows}
        # The models come in the order of the request, after the rows of gray, the original and others.
        first, last = (row for row in evaluation.rows if not row.baseline)
        show(pictures.name, [np.array(row.per_photo["psnr"]) for row in (rows["gray"], first, last)])


def compare_all(pictures: Path, before: str, after: Path) -> None:
    """The same, of nearly gray pictures too."""
    rows: list[list[float]] = []
    colorizers = [Colorizer(before), Colorizer(after)]
    for item in open_dataset(pictures).items:
        original = read_original(item.source, "stretch256")
        made = [colorizer.colorize(original.levels, FAITHFUL).photo.to_numpy() for colorizer in colorizers]
        gray = np.repeat(original.levels[..., np.newaxis], 3, axis=2)
        rows.append([psnr(original.rgb, picture) for picture in (gray, *made)])
    show(pictures.name, list(np.array(rows).T))


def show(name: str, psnr_of: list[NDArray[np.float64]]) -> None:
    """Print the PSNR of gray, before and after, given for each picture."""
    change = psnr_of[2] - psnr_of[1]
    line: dict[str, object] = {"pictures": name, "count": len(change)}
    names = ("gray", "before", "after")
    line |= {f"psnr {name}": round(float(value.mean()), 2) for name, value in zip(names, psnr_of, strict=True)}
    line |= {"change": round(float(change.mean()), 2)}
    line |= {"its 95 % interval": [round(end, 2) for end in mean_intervals(change[:, np.newaxis])[0]]}
    line |= {"worse": int((change < 0).sum())}
    print(json.dumps(line), flush=True)


def divide_medicine(data: Path, folder: Path) -> list[str]:
    """Write the pictures to adapt to into ``train``, the others into a folder each kind; return the names of these."""
    with tarfile.open(data / "domains.tar") as tar:
        members = sorted((member for member in tar if member.isfile()), key=lambda member: rank(member.name))
        for kind, count in TRAINED.items():
            of_kind = [member for member in members if member.name.startswith(kind)]
            for index, member in enumerate(of_kind):
                name = Path(member.name).name
                for part in ["train"] if index < count else ["all others", f"other {kind.split('/')[1].rstrip('-')}"]:
                    (folder / part).mkdir(exist_ok=True)
                    file = tar.extractfile(member)
                    assert file is not None
                    (folder / part / name).write_bytes(file.read())
    return ["all others", "other skin", "other fundus"]


def divide_clip(data: Path, folder: Path) -> list[str]:
    """Write frames of the first half of the clip into ``train``, of the second into ``second half``."""
    import av

    with av.open(str(data / "clips" / "cars-from-above.mp4")) as clip:
        frames = [frame.to_image() for frame in clip.decode(video=0)]
    half = len(frames) // 2
    for part, some, count in (
        ("train", frames[:half], FRAMES["train"]),
        ("second half", frames[half:], FRAMES["test"]),
    ):
        (folder / part).mkdir()
        for index in np.unique(np.linspace(0, len(some) - 1, count).round().astype(int)):
            some[index].save(folder / part / f"{index:05}.png")
    return ["second half"]


def rank(name: str) -> bytes:
    """Return what pictures are drawn by."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).digest()


if __name__ == "__main__":
    main()
