"""Put a training run's model into the package: export it, describe it, and list it among the shipped ones.

``python scripts/ship_model.py RUN NAME [--figures FILE.json]``. The model's card, ``NAME.md`` beside the weights, is
written from the run's record; what a person wrote from ``## Limits`` on is kept. The figures are those of the run's
validation, or those of a file: a mapping like ``{"psnr_over_gray": 0.71, "measured": "on what, by which command"}``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tinct.errors import TinctError
from tinct.media.atomic import move_file
from tinct.models.registry import ModelSpec
from tinct.training.runs import read_record
from tinct.weights import store
from tinct.weights.checkpoint import load_network
from tinct.weights.export import export

DEFAULT: Final = "tinct"
OWN: Final = (DEFAULT, "tinct-small")
"""Tinct's own models; the others are the published systems."""
MOST_BYTES: Final = 8_000_000
MOST_BYTES_OF_DEFAULT: Final = 14_000_000
MOST_BYTES_TOGETHER: Final = 36_000_000
"""Of the published systems: all but :data:`OWN`."""
LIMITS: Final = "## Limits"
TABLE: Final = "README.md"


def main(run: Path, name: str, figures: Path | None = None, folder: Path = store.SHIPPED) -> None:
    """Ship the checkpoint of ``run`` as the model ``name`` in ``folder``."""
    target = folder / f"{name}{store.SUFFIX}"
    record = read_record(run)
    known = facts(record, None if figures is None else json.loads(figures.read_text("utf-8")))
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / target.name
        difference = export(run, file, name=name)
        check_size(file, folder)
        move_file(file, target, overwrite=True)
    store.write_manifest(folder, {target.name: known})
    spec, _ = load_network(run)
    card = folder / f"{name}.md"
    before = card.read_text("utf-8") if card.is_file() else ""
    card.write_text(write_card(name, spec, target.stat().st_size, record, known, before), "utf-8")
    (folder / TABLE).write_text(write_table(folder), "utf-8")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, differs from the network by at most {difference:.2g}")
    print(f"{card}: look it over, and say under {LIMITS!r} what is wrong with its results")


def facts(record: dict[str, Any], figures: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the manifest says of a run: how it was trained, and by how much it is better than gray."""
    trained = {name: record[name] for name in ("seen", "step", "hours", "seed") if name in record}
    if figures is not None:
        measured = figures.pop("measured", "")
        return {"trained": trained, "figures": figures, "measured": measured}
    found = record["figures"]
    gains = {}
    for name, value in found.items():
        figure, _, mode = name.partition("_")
        if mode.startswith("ordinary"):  # of a run that adapts: on other photographs than those that are named below
            continue
        if figure in ("psnr", "ssim") and mode != "gray" and not mode.endswith("hints"):
            gains["_".join(filter(None, (figure, "over_gray", mode)))] = round(value - found[f"{figure}_gray"], 4)
        if figure == "colorfulness" and mode != "original":
            gains["_".join(filter(None, (figure, "share", mode)))] = round(value / found["colorfulness_original"], 4)
    held = record["recipe"]["validation"]
    measured = f"at most {held['photos']} validation photos of the run, stretched to {held['size']} pixels"
    return {"trained": trained, "figures": gains, "measured": measured}


def check_size(file: Path, folder: Path) -> None:
    """Refuse a file that the package has no room for."""
    most = MOST_BYTES_OF_DEFAULT if file.stem == DEFAULT else MOST_BYTES
    others = [path for path in folder.glob(f"*{store.SUFFIX}") if path.stem not in (*OWN, file.stem)]
    together = sum(path.stat().st_size for path in [*others, *([] if file.stem in OWN else [file])])
    if file.stat().st_size > most:
        sys.exit(f"{file.stem} would have {file.stat().st_size:,} bytes, more than {most:,}; take a narrower network")
    if together > MOST_BYTES_TOGETHER:
        sys.exit(f"with {file.stem} the systems would have {together:,} bytes, more than {MOST_BYTES_TOGETHER:,}")


def write_card(
    name: str, spec: ModelSpec, size: int, record: dict[str, Any], known: dict[str, Any], before: str
) -> str:
    """Return the model's card, with what a person wrote on the one before."""
    options = ", ".join(f"`{option}: {value}`" for option, value in spec.options.items())
    asked = record.get("asked", {})
    command = f"tinct train {asked.get('recipe', record['name'])} --data PHOTOS --out RUN --budget {record['budget']}"
    command += "".join(f" --preset {preset}" for preset in asked.get("presets", ()))
    if init := asked.get("init"):
        # The folder of a run is nobody else's; the models of the package are.
        command += f" --init {init if init in (*store.ALIASES, *store.list_models()) else 'MODEL'}"
    command += "".join(f" --set {setting}" for setting in asked.get("settings", ()))
    photos = record.get("data", {}).get("photos")
    passes = f" ({record['seen'] / photos:.1f} passes over {photos:,})" if photos else ""
    rows = [
        ("architecture", f"`{spec.architecture}` with {options}"),
        ("size", f"{spec.parameters:,} parameters, {size / 1e6:.1f} MB with 16-bit weights"),
        ("input, output", f"lightness (L of CIE Lab){' and hints' if spec.takes_hints else ''}; {spec.output}"),
        ("made by", f"`{command}`"),
        ("trained", f"{record['seen']:,} photos seen{passes}, {record['hours']:.2f} hours"),
        ("seed", str(record.get("seed", 0))),
    ]
    lines = [f"# Model card: `{name}`", "", f"Released under Apache-2.0 with Tinct. Use: `--model {name}`.", ""]
    lines += ["| | |", "|---|---|", *(f"| {label} | {text} |" for label, text in rows), ""]
    lines += ["## Figures", "", f"Measured: {known['measured']}.", "", "| figure | |", "|---|---|"]
    lines += [f"| {figure.replace('_', ' ')} | {value:g} |" for figure, value in known["figures"].items()]
    _, found, written = before.partition(LIMITS)
    rest = (
        found + written
        if found
        else f"{LIMITS}\n\nColors are inferred. They are no evidence of what a thing looked like.\n"
    )
    return "\n".join([*lines, "", rest])


def write_table(folder: Path) -> str:
    """Return the page of the folder: all models at a glance, from their files and the manifest."""
    lines = [
        "# The models in the package",
        "",
        "`tinct models list` shows them, `tinct models info NAME` all that is known of one.",
        "",
    ]
    lines += ["| model | MB | over gray, dB | photos seen | hours |", "|---|---|---|---|---|"]
    for path in sorted(folder.glob(f"*{store.SUFFIX}")):
        known = store.facts(path)
        gains = [
            f"{value:+.2f} {name.removeprefix('psnr_over_gray').strip('_')}".strip()
            for name, value in known.get("figures", {}).items()
            if name.startswith("psnr_over_gray")
        ]
        trained = known.get("trained", {})
        seen, hours = f"{trained.get('seen', 0):,}", f"{trained.get('hours', 0):.2f}"
        size = f"{path.stat().st_size / 1e6:.1f}"
        lines.append(f"| [`{path.stem}`]({path.stem}.md) | {size} | {', '.join(gains)} | {seen} | {hours} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the training run")
    parser.add_argument("name", help="of the model")
    parser.add_argument("--figures", type=Path, help="JSON file of figures, in place of the run's validation")
    given = parser.parse_args()
    try:
        main(given.run, given.name, given.figures)
    except TinctError as error:
        sys.exit(str(error))
