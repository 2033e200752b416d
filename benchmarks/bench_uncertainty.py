"""What the model knows of its own doubt: confidence, suggested points, variants, colors from a reference.

    python benchmarks/bench_uncertainty.py [reliability] [temperature] [points] [variants] [reference]
        [--photos PHOTOS.tar|FOLDER] [--count 60] [--clips FOLDER] [--plot PLOT.png] [--sheet SHEET.png] [--model NAME]

reliability: how often the true color lies within 20 Lab units of the shown one, pixel by pixel, by the confidence
    there, drawn into --plot.
temperature: the same mean gap by the temperature, to choose that by on training photos, never on those that judge.
points: what ten hints with true colors gain at the suggested points, and at random ones.
variants: how much four variants differ, and what they cost by the model's own likelihood.
reference: what a frame of a clip gains from another one of the same clip.
Each part prints a line of JSON for each mode; --sheet draws the photographs with what was made of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage.color import deltaE_ciede2000

from photos import corpus, held_photos, read_photos
from sheet import save_sheet
from tinct import ColorizeOptions, Colorizer, Hint
from tinct.color.figures import Pixels, psnr
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import Floats, lab_to_srgb, lightness_to_gray, srgb_to_lab
from tinct.evaluation.statistics import mean_intervals
from tinct.inference import confidence
from tinct.inference.confidence import NEARBY
from tinct.inference.options import Mode
from tinct.inference.resolution import pool
from tinct.inference.variants import likelihood

LONGEST = 320
"""Photographs are shrunk to this, in pixels of the long side."""
MODES: tuple[Mode, ...] = ("faithful", "vivid")
HINTS, DRAWS, VARIANTS, BINS = 10, 2, 4, 10
TEMPERATURES = (0.7, 0.8, 0.9, 1.0, 1.2)
AMBIGUOUS = 0.5
"""Share of the photographs that counts as ambiguous: those of which the model is least sure."""
SECONDS = {"cockatoo": (0, 1), "cars-from-above": (0, 1), "bottles": (0, 1), "plants-window": (0, 0.6)}
"""Frames of the clips: the reference, and the one that is colored."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure")
    parser.add_argument("--photos", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, default=60, help="draw this many photographs")
    parser.add_argument("--clips", type=Path, default=corpus() / "clips")
    parser.add_argument("--plot", type=Path, help="of the reliability")
    parser.add_argument("--sheet", type=Path, help="of the variants or points")
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    for name in options.parts or PARTS:
        PARTS[name](colorizer, options)


def photographs(options: argparse.Namespace) -> Iterator[tuple[Pixels, Pixels, Floats]]:
    """Yield original, gray copy (H, W), and the Lab colors of the original."""
    for _, picture in read_photos(options.photos, options.count):
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        original = np.asarray(picture)
        lab = srgb_to_lab(original.astype(np.float32) / 255)
        yield original, np.rint(lightness_to_gray(lab[..., 0]) * 255).astype(np.uint8), lab


def measure_reliability(colorizer: Colorizer, options: argparse.Namespace) -> None:
    found: dict[str, list[tuple[Floats, Floats]]] = {mode: [] for mode in MODES}
    for mode, chances, right in judged(colorizer, options):
        found[mode].append((chances, right))
    curves = {}
    for mode in MODES:
        chances, right = (np.concatenate(parts) for parts in zip(*found[mode], strict=True))
        gap, curves[mode] = reliability(chances, right)
        gaps = [abs(float(a.mean() - b.mean())) for a, b in found[mode]]
        line = {"part": "reliability", "mode": mode, "mean gap": gap, "stated": chances.mean(), "right": right.mean()}
        say(line | {"gap of one photograph's mean": float(np.mean(gaps)), "photos": len(gaps)})
        say({"stated, right, share": tuple(curves[mode])})
    if options.plot:
        draw(curves, options.plot)


def measure_temperature(colorizer: Colorizer, options: argparse.Namespace) -> None:
    for value in TEMPERATURES:
        confidence.TEMPERATURE = value
        found: dict[str, list[tuple[Floats, Floats]]] = {mode: [] for mode in MODES}
        for mode, chances, right in judged(colorizer, options):
            found[mode].append((chances, right))
        gaps = {
            mode: reliability(*(np.concatenate(part) for part in zip(*parts, strict=True)))[0]
            for mode, parts in found.items()
        }
        say({"part": "temperature", "temperature": value} | gaps)


def judged(colorizer: Colorizer, options: argparse.Namespace) -> Iterator[tuple[Mode, Floats, Floats]]:
    """Yield, for each photograph and mode, how probable pixels are said to be right, and whether they are."""
    for _, gray, lab in photographs(options):
        prepared = colorizer.prepare(gray)
        for mode in MODES:
            result = colorizer.colorize(prepared, ColorizeOptions(mode=mode))
            shown = srgb_to_lab(result.photo.to_numpy().astype(np.float32) / 255)[..., 1:]
            right = (np.linalg.norm(shown - lab[..., 1:], axis=-1) < NEARBY).astype(np.float32)
            yield mode, result.confidence(full=True)[::4, ::4].ravel(), right[::4, ::4].ravel()


def reliability(chances: Floats, right: Floats) -> tuple[float, list[tuple[float, float, float]]]:
    """Return the expected calibration error over ten bins, and their means and shares."""
    where = np.minimum((chances * BINS).astype(int), BINS - 1)
    rows = []
    for index in range(BINS):
        chosen = where == index
        if chosen.any():
            rows.append((float(chances[chosen].mean()), float(right[chosen].mean()), float(chosen.mean())))
    return sum(share * abs(stated - true) for stated, true, share in rows), rows


def draw(curves: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for mode, rows in curves.items():
        stated, right, share = zip(*rows, strict=True)
        axes.plot(stated, right, marker="o", label=mode)
        axes.bar(stated, share, width=0.03, alpha=0.25)
    axes.set(xlabel="confidence stated (bars: share of pixels)", ylabel=f"true color within {NEARBY:g} Lab units")
    axes.legend()
    figure.savefig(path, dpi=110, bbox_inches="tight")


def measure_points(colorizer: Colorizer, options: argparse.Namespace) -> None:
    gains: dict[str, list[float]] = {"suggested": [], "random": [], "suggested over random": []}
    strips = []
    for index, (original, gray, lab) in enumerate(photographs(options)):
        prepared, rng = colorizer.prepare(gray), np.random.default_rng(index)
        height, width = gray.shape
        points = [(point.x, point.y) for point in colorizer.suggest_points(prepared, HINTS)]
        draws = [
            list(zip(rng.integers(0, width, HINTS), rng.integers(0, height, HINTS), strict=True)) for _ in range(DRAWS)
        ]
        plain = score(colorizer, prepared, [], original, lab)
        suggested = score(colorizer, prepared, points, original, lab) - plain
        random = float(np.mean([score(colorizer, prepared, draw, original, lab) for draw in draws])) - plain
        for name, value in zip(gains, (suggested, random, suggested - random), strict=True):
            gains[name].append(value)
        if options.sheet:
            picture = Image.fromarray(original)
            for number, (x, y) in enumerate(points):
                color = (255, 0, 0) if number < 3 else (255, 255, 0)
                picture.paste(color, (max(x - 4, 0), max(y - 4, 0), x + 4, y + 4))
            strips.append(row([Image.fromarray(gray), heat(colorizer, prepared), picture]))
    for name, values in gains.items():
        say(
            {
                "part": "points",
                "what": name,
                "dB": float(np.mean(values)),
                "95 %": mean_intervals(np.array(values)[:, np.newaxis])[0],
                "photos": len(values),
            }
        )
    if options.sheet:
        save_sheet(strips, 3, options.sheet)


def score(colorizer: Colorizer, prepared: Any, points: list[Any], original: Pixels, lab: Floats) -> float:
    """Return the PSNR, faithful, with hints of the true colors."""
    hints = []
    for x, y in points:
        patch = lab[max(0, y - 3) : y + 3, max(0, x - 3) : x + 3].reshape(-1, 3).mean(axis=0)
        rgb = np.rint(np.clip(lab_to_srgb(reduce_chroma(patch)), 0, 1) * 255).astype(int)
        hints.append(Hint(int(x), int(y), "#{:02x}{:02x}{:02x}".format(*rgb)))
    found = colorizer.colorize(prepared, ColorizeOptions(mode="faithful", hints=tuple(hints))).photo.to_numpy()
    return psnr(found.astype(np.uint8), original)


def heat(colorizer: Colorizer, prepared: Any) -> Image.Image:
    chances = colorizer.colorize(prepared).confidence(full=True)
    return Image.fromarray((chances * 255).astype(np.uint8))


def measure_variants(colorizer: Colorizer, options: argparse.Namespace) -> None:
    for mode in MODES:
        doubt, differences, costs, strips = [], [], [], []
        for original, gray, _ in photographs(options):
            prepared, chosen = colorizer.prepare(gray), ColorizeOptions(mode=mode)
            pictures = [colorizer.colorize(prepared, chosen), *colorizer.variants(prepared, VARIANTS, chosen)]
            shown = [srgb_to_lab(result.photo.to_numpy().astype(np.float32) / 255) for result in pictures]
            belief = prepared.believe(chosen)
            cells = [to_cells(lab[..., 1:], belief.lightness.shape) for lab in shown]
            usual, *others = (likelihood(belief, ab) for ab in cells)
            costs.append(max(usual - other for other in others))
            pairs = [(a, b) for a in range(1, VARIANTS + 1) for b in range(a + 1, VARIANTS + 1)]
            differences.append(float(np.mean([deltaE_ciede2000(shown[a], shown[b]).mean() for a, b in pairs])))
            doubt.append(float(belief.variance(prepared.cells(chosen)[1]).mean()))
            if options.sheet:
                images = [Image.fromarray(gray), *(result.photo.to_pil() for result in pictures)]
                strips.append(row([*images, Image.fromarray(original)]))
        ambiguous = np.array(doubt) >= np.quantile(doubt, 1 - AMBIGUOUS)
        chosen_ones = np.array(differences)[ambiguous].tolist()
        line = {"part": "variants", "mode": mode, "mean pairwise dE2000, ambiguous": float(np.mean(chosen_ones))}
        line |= {
            "95 %": mean_intervals(np.array(chosen_ones)[:, np.newaxis])[0],
            "all": float(np.mean(differences)),
            "photos": len(differences),
        }
        say(line | {"nats dearer, mean of the dearest": float(np.mean(costs)), "most": max(costs)})
        if options.sheet:
            save_sheet(strips, 1, options.sheet.with_stem(f"{options.sheet.stem}-{mode}"))


def to_cells(ab: Floats, shape: tuple[int, ...]) -> Floats:
    """Average colors (H, W, 2) down to cells."""
    height, width = shape
    planes = [
        np.asarray(Image.fromarray(ab[..., channel]).resize((width * 4, height * 4), Image.Resampling.BILINEAR))
        for channel in (0, 1)
    ]
    return pool(np.stack(planes, axis=-1), 4)


def measure_reference(colorizer: Colorizer, options: argparse.Namespace) -> None:
    strips = []
    for name, times in SECONDS.items():
        first, second = (frame(options.clips / f"{name}.mp4", seconds) for seconds in times)
        gray = np.rint(lightness_to_gray(srgb_to_lab(second.astype(np.float32) / 255)[..., 0]) * 255).astype(np.uint8)
        prepared = colorizer.prepare(gray)
        line: dict[str, Any] = {"part": "reference", "clip": name}
        pictures = [Image.fromarray(first), Image.fromarray(gray)]
        for mode in MODES:
            plain, guided = (
                colorizer.colorize(prepared, ColorizeOptions(mode=mode, reference=reference)).photo.to_numpy()
                for reference in (None, first)
            )
            line[f"gain {mode}"] = psnr(guided.astype(np.uint8), second) - psnr(plain.astype(np.uint8), second)
            pictures += [Image.fromarray(plain), Image.fromarray(guided)]
        say(line)
        strips.append(row([*pictures, Image.fromarray(second)]))
    if options.sheet:
        save_sheet(strips, 1, options.sheet)


def frame(path: Path, seconds: float) -> Pixels:
    """Return the frame of a clip that is shown then, at most :data:`LONGEST` pixels long."""
    import av

    with av.open(str(path)) as file:
        for found in file.decode(video=0):
            if found.time is not None and found.time >= seconds:
                picture = found.to_image()
                picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
                return np.asarray(picture)
    raise SystemExit(f"{path} ends before {seconds} s")


def row(pictures: list[Image.Image], height: int = 150) -> Image.Image:
    """Paste pictures side by side."""
    sizes = [max(1, round(picture.width * height / picture.height)) for picture in pictures]
    strip = Image.new("RGB", (sum(sizes) + 3 * len(sizes), height), "white")
    left = 0
    for picture, width in zip(pictures, sizes, strict=True):
        strip.paste(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        left += width + 3
    return strip


def say(line: dict[str, Any]) -> None:
    def rounded(value: Any) -> Any:
        if isinstance(value, tuple):
            return [rounded(part) for part in value]
        return round(float(value), 3) if isinstance(value, (float, np.floating)) else value

    print(json.dumps({key: rounded(value) for key, value in line.items()}), flush=True)


PARTS = {
    "reliability": measure_reliability,
    "temperature": measure_temperature,
    "points": measure_points,
    "variants": measure_variants,
    "reference": measure_reference,
}

if __name__ == "__main__":
    main()
