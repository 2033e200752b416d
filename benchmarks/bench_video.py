"""How steady the colors of films are, and how fast they come; prints a line of JSON a clip, kept in history.jsonl.

    python benchmarks/bench_video.py [--clips FOLDER] [--seconds 6] [--model NAME] [--jobs 2] [--sheets FOLDER]

Each clip is made gray first, then colorized frame by frame and with steadiness, both encoded without loss. Of both, the
warp error, CDC and colorfulness are measured, as tinct.video.flicker explains. The bars: a warp error at least 40 %
lower, colorfulness within 5 %; at 640x360 at least 4 frames/s with steadiness on two idle cores. Processor seconds a
frame count the same on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from history import note
from photos import corpus
from tinct.inference.backends import Backend, load_backend
from tinct.video.film import Reader, examine
from tinct.video.flicker import Flicker
from tinct.video.flow import one_thread
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, make_plan
from tinct.video.shots import Survey, survey
from tinct.video.work import Studio, finish

SHOWN = (0.25, 0.5, 0.75)
"""Places of the frames on the sheets, as shares of a clip."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=corpus() / "clips")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--model", default="default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sheets", type=Path, help="folder for pictures: frame by frame above, steadied below")
    options = parser.parse_args()
    backend = load_backend(options.model, "cpu", 1)
    with tempfile.TemporaryDirectory(prefix="tinct-bench-") as name:
        for clip in sorted(options.clips.glob("*.mp4")):
            measure(clip, Path(name), backend, options)


def measure(clip: Path, folder: Path, backend: Backend, options: argparse.Namespace) -> None:
    gray = make_gray(clip, folder / f"{clip.stem}.gray.mkv", options.seconds)
    found = {}
    for steady in (False, True):
        target = folder / f"{clip.stem}.{steady}.mkv"
        job = Job(str(gray), str(target), FilmOptions(steady=steady), codec="ffv1")
        plan = make_plan(job, backend)
        studio = Studio(plan, backend, options.jobs)
        wall, work = time.perf_counter(), time.process_time()
        for shot in plan.survey.shots:
            studio.colorize_shot(shot)
        wall, work = time.perf_counter() - wall, time.process_time() - work
        finish(job, plan, backend)
        found[steady] = (*judge(target, plan.survey), len(plan.survey.ticks) / wall, work / len(plan.survey.ticks))
    if options.sheets is not None:
        draw(folder / f"{clip.stem}.False.mkv", folder / f"{clip.stem}.True.mkv", options.sheets / f"{clip.stem}.jpg")
    plain, steadied = found[False], found[True]
    film = examine(gray)
    note(
        {
            "part": "video",
            "clip": clip.stem,
            "size": f"{film.width}x{film.height}",
            "frames": len(plan.survey.ticks),
            "jobs": options.jobs,
            "warp error, frame by frame and steadied": [round(plain[0], 3), round(steadied[0], 3)],
            "lower by, at least 0.4": round(1 - steadied[0] / plain[0], 3),
            "CDC": [round(plain[1], 5), round(steadied[1], 5)],
            "colorfulness": [round(plain[2], 2), round(steadied[2], 2)],
            "colorfulness changes by, at most 0.05": round(steadied[2] / plain[2] - 1, 4),
            "frames/s": [round(plain[3], 2), round(steadied[3], 2)],
            "processor seconds a frame": [round(plain[4], 3), round(steadied[4], 3)],
        }
    )


def make_gray(clip: Path, target: Path, seconds: float) -> Path:
    """Write a clip's luma alone, without loss."""
    film = examine(clip)
    ticks = survey(film, seconds).ticks
    with av.open(str(target), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=film.rate, width=film.width, height=film.height, pix_fmt="gray")
        stream.codec_context.time_base = film.time_base
        for frame in Reader(film, ticks, seekable=True).frames(0, len(ticks)):
            plain = frame.reformat(format="rgb24").to_ndarray()
            luma = cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY)
            made = av.VideoFrame.from_ndarray(luma, format="gray")
            made.pts, made.time_base = frame.pts, Fraction(film.time_base)
            container.mux(stream.encode(made))
        container.mux(stream.encode(None))
    return target


def judge(film: Path, looked: Survey) -> tuple[float, float, float]:
    """Return warp error, CDC and colorfulness, over the shots by their lengths."""
    borders = sorted({shot.whole_first for shot in looked.shots})
    figures: list[NDArray[np.float64]] = []
    weights: list[int] = []
    flicker, count = Flicker(), 0
    with one_thread():
        for number, rgb in enumerate(pictures(film)):
            if number in borders and number:
                figures.append(np.array([flicker.warp_error, flicker.cdc, flicker.colorfulness]))
                weights.append(count)
                flicker, count = Flicker(), 0
            flicker.add(rgb)
            count += 1
    figures.append(np.array([flicker.warp_error, flicker.cdc, flicker.colorfulness]))
    error, cdc, colors = np.average(figures, axis=0, weights=[*weights, count])
    return float(error), float(cdc), float(colors)


def pictures(film: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(film)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def draw(plain: Path, steadied: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for film in (plain, steadied):
        frames = pictures(film)
        shown = [frames[int(share * len(frames)) + step] for share in SHOWN for step in (0, 2)]
        rows.append(np.hstack([cv2.resize(frame, (320, 320 * frame.shape[0] // frame.shape[1])) for frame in shown]))
    cv2.imwrite(str(target), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
