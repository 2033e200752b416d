"""How fast Tinct is, and in how much memory; each part prints a line of JSON and adds it to history.jsonl.

    python benchmarks/bench_speed.py [import] [jpeg] [tiff] [model] [folder] [interactive] [--model NAME]

Times are medians in seconds. Without a name, all parts run. Other work on the machine counts against the figures: let
it be idle.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from history import note

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "astronaut.jpg"
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure")
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="tinct-bench-") as folder:
            note({"part": name} | PARTS[name](Path(folder), options.model))


def measure_import(_folder: Path, _model: str) -> dict[str, float]:
    """Starting up: `tinct --help` may take three times what its libraries take by themselves."""
    floor = timed(lambda: python("import typer, rich"))
    shown = timed(lambda: tinct("--help"))
    return {
        "python": timed(lambda: python("pass")),
        "import tinct": timed(lambda: python("import tinct")),
        "import typer, rich": floor,
        "tinct --help": shown,
        "ratio, at most 3": round(shown / floor, 2),
    }


def measure_jpeg(folder: Path, model: str) -> dict[str, float]:
    """A gray JPEG of 12 megapixels against decoding and encoding it: at most 8 times, under 700 MB."""
    source, target = folder / "gray.jpg", folder / "result.jpg"
    textured(4000, 3000).jpegsave(str(source), Q=90)
    code = f"import pyvips; pyvips.Image.new_from_file({str(source)!r}, access='sequential').jpegsave({str(target)!r})"
    floor = timed(lambda: python(code))
    runs = [tinct("colorize", source, "-o", target, "--overwrite", "-q", "--model", model) for _ in range(ROUNDS)]
    command, peak = median(seconds for seconds, _ in runs), max(peak for _, peak in runs)
    return {
        "decode and encode": floor,
        "tinct colorize": round(command, 3),
        "ratio, at most 8": round(command / floor, 2),
        "peak MB, under 700": peak,
    }


def measure_tiff(folder: Path, model: str) -> dict[str, float]:
    """A tiled TIFF of 400 megapixels: under 40 seconds and 700 MB."""
    figures: dict[str, float] = {}
    for bits in (8, 16):
        source, target = folder / "large.tif", folder / "result.tif"
        image = textured(20000, 20000)
        image = image if bits == 8 else (image.cast("ushort") * 257).cast("ushort").copy(interpretation="grey16")
        image.tiffsave(str(source), tile=True, tile_width=256, tile_height=256)
        seconds, peak = tinct("colorize", source, "-o", target, "--overwrite", "-q", "--model", model)
        figures |= {f"{bits} bits, under 40": round(seconds, 1), f"{bits} bits, peak MB, under 700": peak}
    return figures


def measure_model(_folder: Path, model: str) -> dict[str, float]:
    """The network at 256x256 against convolutions worth the 41.8 GMACs of eccv16: at least 6 times as fast."""
    from tinct.inference.backends import load_backend

    backend = load_backend(model, "cpu")
    lightness = np.full((256, 256), 50, np.float32)
    backend.run(lightness, None)
    own = timed(lambda: backend.run(lightness, None), 20)
    chain, macs = conv_chain()
    x = np.zeros((1, 512, 32, 32), np.float32)
    chain(x)
    other = timed(lambda: chain(x)) * 41.8 / macs
    return {"network": own, "41.8 GMACs": round(other, 4), "times as fast, at least 6": round(other / own, 2)}


def measure_folder(folder: Path, model: str) -> dict[str, float]:
    """A hundred photographs of a megapixel: at least 4 a second on two cores, in flat memory."""
    figures: dict[str, float] = {}
    for count in (20, 100):
        source = folder / f"in{count}"
        source.mkdir()
        for index in range(count):
            textured(1152, 868, seed=index).jpegsave(str(source / f"{index:03}.jpg"), Q=88)
        seconds, peak = tinct("colorize", source, "-o", folder / f"out{count}", "-q", "--model", model)
        figures[f"{count} photos, peak MB"] = peak
    return figures | {"photos a second, at least 4": round(count / seconds, 2)}


def measure_interactive(folder: Path, model: str) -> dict[str, float]:
    """A prepared megapixel: another vividness, another hint."""
    from tinct import ColorizeOptions, Colorizer, Hint

    colorizer = Colorizer(model)
    started = time.perf_counter()
    source = folder / "gray.jpg"
    textured(1152, 868).jpegsave(str(source))
    prepared = colorizer.prepare(source)
    colorizer.colorize(prepared)
    first = time.perf_counter() - started
    steps = iter(range(100))

    def slide() -> None:
        colorizer.colorize(prepared, ColorizeOptions(vividness=next(steps) / 100)).photo.to_numpy()

    def hint() -> None:
        hints = (Hint(100 + next(steps), 200, "#a03020"),)
        colorizer.colorize(prepared, ColorizeOptions(hints=hints)).photo.to_numpy()

    return {"prepare": round(first, 3), "vividness, at most 0.3": timed(slide), "hint": timed(hint)}


PARTS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "import": measure_import,
    "jpeg": measure_jpeg,
    "tiff": measure_tiff,
    "model": measure_model,
    "folder": measure_folder,
    "interactive": measure_interactive,
}


def timed(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of an action's seconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return round(median(times), 4)


def textured(width: int, height: int, seed: int = 0):  # type: ignore[no-untyped-def]
    """Return a gray picture with the detail of photographs: the example mirrored over the area, with grain."""
    import pyvips

    tile = pyvips.Image.new_from_file(str(EXAMPLE)).colourspace("b-w").extract_band(0)
    pair = tile.join(tile.fliphor(), "horizontal")
    block = pair.join(pair.flipver(), "vertical").resize(1.7, kernel="cubic")
    sheet = block.replicate(-(-width // block.width), -(-height // block.height)).crop(0, 0, width, height)
    return (
        (sheet + pyvips.Image.gaussnoise(width, height, mean=0, sigma=3, seed=seed))
        .cast("uchar")
        .copy(interpretation="b-w")
    )


def conv_chain() -> tuple[Callable[[np.ndarray], object], float]:  # type: ignore[type-arg]
    """Return seventeen 3x3 convolutions of 512 channels at 32x32 under onnxruntime, and their GMACs."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    count, weights = 17, np.random.default_rng(0).normal(0, 0.02, (512, 512, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", [f"x{i}", "w"], [f"x{i + 1}"], pads=[1, 1, 1, 1]) for i in range(count)]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 512, 32, 32]) for n in ("x0", f"x{count}")]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x0": x}), count * 512 * 512 * 9 * 1024 / 1e9


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def tinct(*arguments: object) -> tuple[float, float]:
    """Run the command; return its seconds and its peak memory in MB."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tinct", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return time.perf_counter() - started, round(usage.ru_maxrss / scale)


if __name__ == "__main__":
    main()
