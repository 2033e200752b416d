"""The figures of the engine, as a JavaScript module: what the browser's engine computes with comes from here."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from tinct.color import enhance, gamut, lab
from tinct.inference import atlas, confidence, fringe, guidance, join, kriging, resolution, suggestions
from tinct.models import kernels
from tinct.models.registry import ModelSpec


def constants_module(spec: ModelSpec, *, model: str, model_hash: str, version: str) -> str:
    """Return the module ``constants.js``.

    Args:
        spec: of the model that the page brings.
        model: name of its file.
        model_hash: its SHA-256, in hex.
        version: of Tinct.
    """
    about = {"version": version, "model": spec.name, "modelFile": model, "modelHash": model_hash}
    exports = {"ABOUT": about, "SPEC": _spec(spec), **_figures(spec)}
    lines = [f"export const {name} = {json.dumps(value, separators=(',', ':'))};" for name, value in exports.items()]
    return "\n".join(["/** Written by tinct export-web. */", *lines]) + "\n"


def _spec(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "output": spec.output,
        "stride": spec.stride,
        "multiple": spec.multiple,
        "size": spec.size,
        "takesHints": spec.takes_hints,
        "modes": dict(spec.modes),
        "path": [dataclasses.asdict(knot) for knot in spec.path],
        "bins": spec.bins,
        "weights": spec.weights,
        "likeness": spec.likeness,
    }


def _figures(spec: ModelSpec) -> dict[str, Any]:
    grid = float(np.min(np.diff(np.unique([a for a, _ in spec.bins])))) if spec.bins else 0.0
    return {
        "COLOR": {
            "rgbToXyz": lab.RGB_TO_XYZ,
            "xyzToRgb": lab.XYZ_TO_RGB,
            "white": lab.WHITE,
            "epsilon": lab.EPSILON,
            "slope": lab.SLOPE,
            "offset": lab.OFFSET,
        },
        "GAMUT": {
            "tolerance": gamut.TOLERANCE,
            "halvings": gamut.HALVINGS,
            "yellowLightness": gamut.YELLOW_LIGHTNESS,
            "yellowHue": gamut.YELLOW_HUE,
            "yellowChroma": gamut.YELLOW_CHROMA,
            "yellowSteps": gamut.YELLOW_STEPS,
        },
        "SATURATION": {
            "skinHue": enhance.SKIN_HUE,
            "skinSaturation": enhance.SKIN_SATURATION,
            "skinValue": enhance.SKIN_VALUE,
            "gray": enhance.GRAY_CHROMA,
        },
        "GRID": {
            "mostArea": resolution.MOST_AREA,
            "mostPixels": resolution.MOST_PIXELS,
            "cell": resolution.CELL,
            "leastCells": resolution.LEAST_CELLS,
            "radius": resolution.RADIUS,
            "epsilon": resolution.EPSILON,
        },
        "GUIDANCE": {
            "mostHints": guidance.MOST_HINTS,
            "networkShare": guidance.NETWORK_SHARE,
            "cast": kernels.CAST,
            "learned": _kernels(kernels.LEARNED),
            "believed": _kernels(kernels.BELIEVED),
            "sure": kriging.SURE,
            "shown": kriging.SHOWN,
        },
        "CONFIDENCE": {
            "temperature": confidence.TEMPERATURE,
            "nearby": confidence.NEARBY,
            "leastLeft": confidence.LEAST_LEFT,
            "grid": grid,
        },
        "SUGGESTIONS": {
            "apart": suggestions.APART,
            "nearby": confidence.NEARBY,
            "least": suggestions.LEAST,
            "candidates": suggestions.CANDIDATES,
        },
        "JOIN": {"margin": join.MARGIN, "reach": gamut.REACH, "step": atlas.STEP},
        "FRINGE": {
            "leastChange": fringe.LEAST_CHANGE,
            "mostShift": fringe.MOST_SHIFT,
            "leastYellowChange": fringe.LEAST_YELLOW_CHANGE,
            "mostYellowShift": fringe.MOST_YELLOW_SHIFT,
            "halvings": fringe.HALVINGS,
            "spikes": fringe.SPIKES,
            "yellow": fringe.YELLOW,
            "parts": fringe.PARTS,
        },
    }


def _kernels(used: kernels.Kernels) -> dict[str, Any]:
    """Return kernels by the factors of squared differences: 0 where a kernel looks at them not at all."""

    def factor(length: float) -> float:
        return 0.0 if math.isinf(length) else 1 / length**2

    def factors(kernel: kernels.Kernel) -> dict[str, float]:
        return {
            "variance": kernel.variance,
            "place": factor(kernel.reach),
            "lightness": factor(kernel.lightness),
            "likeness": factor(kernel.likeness),
        }

    return {
        "wide": [factors(kernel) for kernel in used.wide],
        "near": [factors(kernel) for kernel in used.near],
        "wideNoise": used.wide_noise,
        "nearNoise": used.near_noise,
    }
