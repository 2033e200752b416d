"""How good the colors are: PSNR, colorfulness, AuC and the gain of hints, on photographs whose colors are known.

    python benchmarks/bench_quality.py [PHOTOS.tar|FOLDER] [--count 300] [--model NAME] [--no-hints]

Each photograph is stretched to 256x256 (bicubic); its Lab lightness goes in as a gray PNG; the result is compared in
8-bit RGB. Originals with a mean chroma under 3 are left out and counted. Hints follow siggraph17: 6x6 patches that
carry their mean a and b, at positions normal about the center with a standard deviation of a quarter of the side.
Prints JSON, a line for all and one a source (the first part of their names).
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from metrics import Curve, Floats, Pixels, colorfulness, interval, nearest_bins, psnr
from photos import read_photos, stretched
from tinct import ColorizeOptions, Colorizer, Hint
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb, lightness_to_gray, srgb_to_lab

DEFAULT = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "photos" / "val.tar"
SIDE = 256
LEAST_CHROMA = 3.0
MODES = ("faithful", "vivid")
HINTS = (1, 10, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--count", type=int, help="draw this many photographs")
    parser.add_argument("--model", default="default")
    parser.add_argument("--size", type=int, help="short side that the network sees")
    parser.add_argument("--no-hints", action="store_true", help="leave the hints out, which take most of the time")
    options = parser.parse_args()
    if not options.photos.exists():
        raise SystemExit(f"{options.photos} is missing; give a folder or a tar of color photographs")
    colorizer = Colorizer(options.model)
    bench = Bench(colorizer, options.size, () if options.no_hints else HINTS)
    for index, (name, picture) in enumerate(read_photos(options.photos, options.count)):
        bench.add(name, stretched(picture, SIDE), np.random.default_rng(index))
    bench.report()


class Bench:
    """Figures as they come in."""

    def __init__(self, colorizer: Colorizer, size: int | None, hints: tuple[int, ...]) -> None:
        self._colorizer, self._size, self._hints = colorizer, size, hints
        self._figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._curves: dict[str, Curve] = defaultdict(Curve)
        self._nearest = nearest_bins()[1]
        self._left_out = 0

    def add(self, name: str, original: Pixels, rng: np.random.Generator) -> None:
        """Colorize a photograph in every way, and note how well."""
        lab = srgb_to_lab(original.astype(np.float32) / 255)
        if np.hypot(lab[..., 1], lab[..., 2]).mean() < LEAST_CHROMA:
            self._left_out += 1
            return
        level = np.rint(lightness_to_gray(lab[..., 0]) * 255).astype(np.uint8)
        gray = np.repeat(level[..., np.newaxis], 3, axis=-1)
        prepared = self._colorizer.prepare(png(level))
        figures = {"psnr gray": psnr(gray, original), "colorfulness": colorfulness(original)}
        self._curves["gray"].add(np.zeros_like(lab[..., 1:]), lab[..., 1:], self._nearest)
        for mode in MODES:
            found = self._colorize(prepared, mode, ())
            figures[f"psnr {mode}"] = psnr(found, original)
            figures[f"colorfulness {mode}"] = colorfulness(found)
            of_found = srgb_to_lab(found.astype(np.float32) / 255)
            self._curves[mode].add(of_found[..., 1:], lab[..., 1:], self._nearest)
            given = srgb_to_lab(gray.astype(np.float32) / 255)[..., 0]
            figures[f"lightness error {mode}"] = float(np.abs(of_found[..., 0] - given).mean())
        for count in self._hints:
            hints = true_hints(lab, count, rng)
            found = self._colorize(prepared, "faithful", hints)
            figures[f"psnr faithful {count} hints"] = psnr(found, original)
            figures[f"dE at {count} hints"] = hint_error(found, level, hints)
        for source in ("all", Path(name).parts[0]):
            for key, value in figures.items():
                self._figures[source][key].append(value)

    def _colorize(self, prepared: object, mode: str, hints: tuple[Hint, ...]) -> Pixels:
        options = ColorizeOptions(mode=mode, hints=hints, size=self._size)  # type: ignore[arg-type]
        return self._colorizer.colorize(prepared, options).photo.to_numpy()  # type: ignore[return-value]

    def report(self) -> None:
        """Print everything."""
        for source, figures in sorted(self._figures.items(), key=lambda item: (item[0] != "all", item[0])):
            line: dict[str, object] = {"source": source, "photos": len(figures["colorfulness"])}
            mean = {key: float(np.mean(values)) for key, values in figures.items()}
            if source == "all":
                line["left out as near gray"] = self._left_out
                for name, curve in self._curves.items():
                    plain, balanced = curve.areas()
                    mean[f"AuC {name}"], mean[f"AuC rebalanced {name}"] = plain, balanced
                mean["AuC rebalanced gain vivid"] = mean["AuC rebalanced vivid"] - mean["AuC rebalanced gray"]
                gains = np.subtract(figures["psnr faithful"], figures["psnr gray"]).tolist()
                line["95 % interval of the gain, faithful over gray"] = [round(end, 3) for end in interval(gains)]
            for mode in MODES:
                mean[f"gain {mode} over gray"] = mean[f"psnr {mode}"] - mean["psnr gray"]
                mean[f"colorfulness ratio {mode}"] = mean[f"colorfulness {mode}"] / mean["colorfulness"]
            for count in self._hints:
                mean[f"gain of {count} hints"] = mean[f"psnr faithful {count} hints"] - mean["psnr faithful"]
            print(json.dumps(line | {key: round(value, 3) for key, value in mean.items()}), flush=True)


def png(level: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(level).save(buffer, "PNG")
    return buffer.getvalue()


def true_hints(lab: Floats, count: int, rng: np.random.Generator) -> tuple[Hint, ...]:
    """Draw hints: patches of 6x6 pixels, wholly in the picture, with the color of their mean a and b."""
    hints = []
    for x, y in np.clip(rng.normal(SIDE / 2, SIDE / 4, (count, 2)).astype(int), 3, SIDE - 3):
        patch = lab[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 3).mean(axis=0)
        rgb = np.rint(np.clip(lab_to_srgb(reduce_chroma(patch)), 0, 1) * 255).astype(int)
        hints.append(Hint(int(x), int(y), "#{:02x}{:02x}{:02x}".format(*rgb)))
    return tuple(hints)


def hint_error(found: Pixels, level: Pixels, hints: tuple[Hint, ...]) -> float:
    """Return the mean distance in Lab of hinted pixels from what was asked of them, in the gamut at their lightness."""
    asked = np.full((SIDE, SIDE, 2), np.nan, np.float32)
    for hint in hints:
        top, bottom, left, right = hint.place(SIDE, SIDE)
        asked[top:bottom, left:right] = hint.ab()
    hinted = ~np.isnan(asked[..., 0])
    lightness = srgb_to_lab(np.repeat(level[hinted][:, np.newaxis], 3, axis=-1).astype(np.float32) / 255)[:, :1]
    wanted = reduce_chroma(np.concatenate([lightness, asked[hinted]], axis=-1))
    return float(np.linalg.norm(srgb_to_lab(found[hinted].astype(np.float32) / 255) - wanted, axis=-1).mean())


if __name__ == "__main__":
    main()
