"""How much the colors depend on what they should not: the network's size, the age of the print, the tone of a skin.

    python benchmarks/bench_robustness.py [sizes] [old] [skin] [bleeding] [--data FOLDER] [--count 100] [--model NAME]

sizes: mean distance of a and b between the colors at --size 192 ... 512 and those at the default size; the bar is 4.
old: PSNR lost, in the mode faithful, where the colors come from a photograph made old (emulsion, fading, blur, grain,
    scratches, a poor scan's JPEG) and are put onto the clean lightness; the bar is 0.5 dB, of all ways together.
skin: mean error of a and b in the middle of faces that no training saw, by the group in their names; the bars are 12
    for each group, and 1.2 times the best group's for the worst, of groups of ten faces and more.
bleeding: slope of color where lightness has no edge, in both modes, over that of the true colors, reduced to the cells
    of the network and joined back in the same way; the bar is 1.25.
Each part prints a line of JSON for each size, way or group, and adds it to history.jsonl.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from history import note
from photos import corpus
from tinct import ColorizeOptions, Colorizer
from tinct.color.figures import Pixels, psnr
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import Floats, gray_to_lightness, lab_to_srgb, lightness_to_gray, srgb_to_lab
from tinct.data.degrade import add_grain, bend, blur, degrade, expose, fade
from tinct.data.source import Source
from tinct.data.split import divide, hold_back
from tinct.evaluation.metrics import bleeding
from tinct.evaluation.protocol import Original, open_dataset, read_original
from tinct.evaluation.statistics import mean_intervals
from tinct.inference.options import MODES
from tinct.models.registry import ModelSpec

FAITHFUL = ColorizeOptions(mode="faithful")
SIZES = (192, 256, 320, 384, 512)
HELD_BACK = {"utkface": 200}
"""As the default model's recipe holds them back."""
GROUPS = ("white", "black", "asian", "indian", "others")
"""Of UTKFace, by the third number in the names."""
FEWEST = 10
"""Faces of a group whose mean says something."""
MIDDLE = slice(3, 7)
"""Tenths of a face crop that are skin: forehead to chin, cheek to cheek."""

Print = Callable[[Original, np.random.Generator], Floats]
"""Returns the lightness of an old print, (H, W)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure")
    parser.add_argument("--data", type=Path, default=corpus())
    parser.add_argument("--count", type=int, default=100, help="draw this many photographs")
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"there is no folder {options.data}; name that of the photo corpus by --data")
    colorizer = Colorizer(options.model)
    for name in options.parts or PARTS:
        for line in PARTS[name](colorizer, options.data / "photos", options.count):
            note({"part": name, "model": options.model, **line})


def measure_sizes(colorizer: Colorizer, photos: Path, count: int) -> Iterator[dict[str, object]]:
    distances: dict[int, list[float]] = {size: [] for size in SIZES}
    for original in originals(photos, count):
        usual = colors(colorizer, original.levels, FAITHFUL)
        for size, found in distances.items():
            other = colors(colorizer, original.levels, ColorizeOptions(mode="faithful", size=size))
            found.append(float(np.hypot(*(other - usual).transpose(2, 0, 1)).mean()))
    for size, found in distances.items():
        yield {"size": size, "photos": len(found), "mean distance of ab, at most 4": round(float(np.mean(found)), 3)}


def measure_old(colorizer: Colorizer, photos: Path, count: int) -> Iterator[dict[str, object]]:
    losses: dict[str, list[float]] = {way: [] for way in WAYS}
    for index, original in enumerate(originals(photos, count)):
        clean = psnr(original.rgb, joined(original, colors(colorizer, original.levels, FAITHFUL)))
        for way, age in WAYS.items():
            lightness = age(original, np.random.default_rng((index, 7)))
            levels = np.rint(lightness_to_gray(lightness) * np.float32(255)).astype(np.uint8)
            losses[way].append(clean - psnr(original.rgb, joined(original, colors(colorizer, levels, FAITHFUL))))
    for way, lost in losses.items():
        values = np.array(lost)
        interval = [round(end, 3) for end in mean_intervals(values[:, np.newaxis])[0]]
        yield {
            "way": way,
            "photos": len(lost),
            "dB lost, at most 0.5": round(float(values.mean()), 3),
            "its 95 % interval": interval,
        }


def _expose(kind: str) -> Print:
    return lambda original, rng: gray_to_lightness(expose(original.rgb, kind))


def _change(change: Callable[[Floats, np.random.Generator], Floats]) -> Print:
    return lambda original, rng: gray_to_lightness(change(original.levels.astype(np.float32) / 255, rng))


WAYS: dict[str, Print] = {
    "orthochromatic": _expose("orthochromatic"),
    "blue-sensitive": _expose("blue-sensitive"),
    "contrast": _change(lambda plane, rng: bend(plane, float(np.exp(rng.normal(0, 0.25))), rng.uniform(-0.3, 0.5))),
    "blur": _change(lambda plane, rng: blur(plane, 1.5)),
    "grain": _change(lambda plane, rng: add_grain(plane, 0.04, 0.5, rng)),
    "fading": _change(lambda plane, rng: fade(plane, 0.2, 0.75, 0.2, rng)),
    "all": lambda original, rng: degrade(original.rgb, rng),
}


def measure_skin(colorizer: Colorizer, photos: Path, _: int) -> Iterator[dict[str, object]]:
    """Measure all faces that are held back, however many photographs were asked for."""
    errors: dict[str, list[float]] = {}
    for source in held_back(photos):
        original = read_original(source, "stretch256")
        group = GROUPS[int(Path(source.name).name.split("-")[2])]
        found = colors(colorizer, original.levels, FAITHFUL)
        part = tuple(slice(side * MIDDLE.start // 10, side * MIDDLE.stop // 10) for side in found.shape[:2])
        away = (found - original.lab[..., 1:])[part]
        errors.setdefault(group, []).append(float(np.hypot(away[..., 0], away[..., 1]).mean()))
    means = {group: float(np.mean(found)) for group, found in sorted(errors.items())}
    for group, mean in means.items():
        yield {"group": group, "faces": len(errors[group]), "mean error of ab, at most 12": round(mean, 2)}
    large = [mean for group, mean in means.items() if len(errors[group]) >= FEWEST]
    yield {"group": "worst over best, at most 1.2", "ratio": round(max(large) / min(large), 3)}


class Oracle:
    """A network that knows the true colors, and says them for each cell.

    Args:
        spec: of the network whose cells they are.
        ab: the true colors, (H, W, 2).
    """

    model_hash = ""

    def __init__(self, spec: ModelSpec, ab: Floats) -> None:
        self.spec = replace(spec, output="ab", takes_hints=False, path=(), modes={}, bins=(), weights=())
        self._ab = ab

    def run(self, lightness: Floats, hints: Floats | None) -> Floats:
        """Return a and b, (2, h, w), of a picture's cells."""
        del hints
        height, width = (side // self.spec.stride for side in lightness.shape)
        cells: Floats = cv2.resize(self._ab, (width, height), interpolation=cv2.INTER_AREA)
        return cells.transpose(2, 0, 1)


def measure_bleeding(colorizer: Colorizer, photos: Path, count: int) -> Iterator[dict[str, object]]:
    slopes: dict[str, list[float]] = {"faithful": [], "vivid": [], "true": [], "original": []}
    for original in originals(photos, count):
        ways = {mode: colors(colorizer, original.levels, ColorizeOptions(mode=mode)) for mode in MODES}
        true = original.lab[..., 1:]
        ways |= {"true": colors(Colorizer(Oracle(colorizer.spec, true)), original.levels, FAITHFUL), "original": true}
        for way, ab in ways.items():
            lab = np.concatenate([original.lab[..., :1], ab], axis=2)
            slopes[way].append(bleeding(lab, original.lightness_slope)[0])
    means = {way: float(np.mean(found)) for way, found in slopes.items()}
    for way, mean in means.items():
        over = round(mean / means["true"], 3)
        yield {"colors": way, "photos": len(slopes[way]), "slope": round(mean, 4), "over true ones, at most 1.25": over}


def originals(photos: Path, count: int) -> Iterator[Original]:
    """Yield photographs at 256x256, without nearly gray ones."""
    for item in open_dataset(photos / "val.tar", count).items:
        original = read_original(item.source, "stretch256")
        if not original.near_gray:
            yield original


def held_back(photos: Path) -> list[Source]:
    """List the faces that the recipe holds back."""
    sources = divide(photos, 0.02).train
    kept = {source.name for source in hold_back(sources, HELD_BACK)}
    return [source for source in sources if source.name not in kept]


def colors(colorizer: Colorizer, levels: Pixels, options: ColorizeOptions) -> Floats:
    """Return a and b of what becomes of a gray picture, (H, W, 2)."""
    made = colorizer.colorize(levels, options).photo.to_numpy()
    return srgb_to_lab(made.astype(np.float32) / 255)[..., 1:]


def joined(original: Original, ab: Floats) -> NDArray[np.uint8]:
    """Put colors onto the original's lightness; 8-bit sRGB."""
    lab = reduce_chroma(np.concatenate([original.lab[..., :1], ab], axis=2))
    return np.rint(lab_to_srgb(lab).clip(0, 1) * 255).astype(np.uint8)


PARTS = {"sizes": measure_sizes, "old": measure_old, "skin": measure_skin, "bleeding": measure_bleeding}


if __name__ == "__main__":
    main()
