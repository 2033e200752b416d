"""``tinct evaluate`` as a user runs it: the table, external commands, what goes wrong."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tinct.evaluation import runner
from tinct.evaluation.features import Lite
from tinct.evaluation.protocol import fit

COPY = "cp -r {in}/. {out}"
QUICK = ("--metrics", "psnr,ssim,ciede2000,auc,auc_rebalanced,colorfulness,dcf")
NOT_ALIKE = {"name", "baseline", "milliseconds", "milliseconds_ci95"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands of these tests are a Unix shell's")
Run = Callable[..., Any]


def rows(path: Path) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(path.read_text("utf-8"))["rows"]}


@posix
def test_a_tool_that_copies_is_exactly_gray(run: Run, workspace: Path, photographs: Path) -> None:
    done = run("evaluate", "--data", photographs, "--command", COPY, "--json", "o.json", "--csv", "o.csv")
    assert done.code == 0, done.err
    found = json.loads((workspace / "o.json").read_text("utf-8"))
    table = rows(workspace / "o.json")
    assert list(table) == ["gray", "one-ab", "random", "command", "original"]
    differ = {key for key in table["gray"] if table["gray"][key] != table["command"][key]}
    assert differ == NOT_ALIKE - {"milliseconds_ci95"}
    assert table["original"]["psnr"] == 50
    assert table["original"]["auc"] == 100
    assert table["gray"]["colorfulness"] == 0
    assert table["gray"]["psnr"] < table["one-ab"]["psnr"]
    assert table["gray"]["fid"] == table["gray"]["lpips"] == "not available"
    assert table["gray"]["fid_ci95"] is None
    low, high = table["random"]["psnr_ci95"]
    assert low < table["random"]["psnr"] < high
    assert found["protocol"] == "stretch256"
    assert found["data"][0]["near_gray"] == 1
    assert found["data"][0]["measured"] == table["gray"]["photos"] == 6
    assert {entry["status"] for entry in found["manifest"]} == {"measured", "near gray"}
    lines = list(csv.DictReader((workspace / "o.csv").read_text("utf-8").splitlines()))
    assert [line["name"] for line in lines] == list(table)
    assert float(lines[0]["psnr"]) == table["gray"]["psnr"]
    assert "fid is not available" in done.err
    # The features of ImageNet photographs are told apart by their file's name.
    assert table["original"]["semantic_top1"] in (0, 50, 100)


def test_agrees_with_a_short_script(run: Run, workspace: Path, photographs: Path) -> None:
    assert run("evaluate", "--data", photographs, *QUICK, "--json", "o.json", "-q").code == 0
    found: dict[str, list[tuple[float, ...]]] = {"gray": [], "one-ab": []}
    for path in sorted(photographs.rglob("*.png")):
        if path.name == "gray.png":
            continue
        original = np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC))
        lab = rgb2lab(original)
        tint = lab.copy()
        tint[..., 1:] = tint[..., 1:].mean((0, 1))
        # Gray has one channel; the library's matrix lets the three drift apart by a level here and there.
        gray = np.repeat(lab2rgb(lab * [1, 0, 0])[..., 1:2], 3, axis=-1)
        for name, made in (("gray", gray), ("one-ab", lab2rgb(tint))):
            result = np.rint(made.clip(0, 1) * 255).astype(np.uint8)
            error = np.linalg.norm(rgb2lab(result)[..., 1:] - lab[..., 1:], axis=-1)
            found[name].append(
                (
                    peak_signal_noise_ratio(original, result),
                    structural_similarity(
                        *(original, result),
                        channel_axis=-1,
                        gaussian_weights=True,
                        sigma=1.5,
                        use_sample_covariance=False,
                    ),
                    deltaE_ciede2000(lab, rgb2lab(result)).mean(),
                    100 * np.mean([(error <= threshold).mean() for threshold in range(151)]),
                )
            )
    table = rows(workspace / "o.json")
    for name, values in found.items():
        ours = [table[name][key] for key in ("psnr", "ssim", "ciede2000", "auc")]
        assert ours == pytest.approx(list(np.mean(values, axis=0)), abs=1e-3), name


@posix
def test_missing_and_misfit_outputs_are_named(run: Run, workspace: Path, photographs: Path) -> None:
    tool = workspace / "tool.py"
    tool.write_text(
        "import sys, pathlib, PIL.Image\n"
        "given, made = map(pathlib.Path, sys.argv[1:])\n"
        "for number, path in enumerate(sorted(given.iterdir())):\n"
        "    picture = PIL.Image.open(path)\n"
        "    assert picture.mode == 'L' and picture.size == (256, 256)\n"
        "    if number == 1:\n"
        "        picture = picture.resize((10, 20))\n"
        "    if number == 2:\n"
        "        (made / path.name).write_bytes(b'no picture')\n"
        "    elif number:\n"
        "        picture.convert('RGB').save(made / (path.stem + '.webp'), lossless=True)\n",
        "utf-8",
    )
    command = f"{sys.executable} {tool} {{in}} {{out}}"
    done = run("evaluate", "--data", photographs, *QUICK, "--command", command, "--json", "o.json")
    assert done.code == 1
    row = rows(workspace / "o.json")["command"]
    assert row["photos"] == row["failed"] == 3
    assert row["faults"]["a.png"] == "missing from the command's output"
    assert "10 x 20 pixels of 256 x 256" in row["faults"]["b.png"]
    assert "command: a.png: missing" in done.err
    assert "c.png" in done.err


@posix
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("echo the weights are gone >&2; exit 3 # {in} {out}", ("exit code 3", "the weights are gone")),
        ("echo still busy; sleep 60 # {in} {out}", ("more than 0.5 seconds", "--time-limit", "still busy")),
        ("no-such-tool {in} {out}", ("exit code 127", "no-such-tool")),
    ],
)
def test_a_command_that_fails(
    run: Run, contents: Callable[[], dict[str, bytes]], photographs: Path, command: str, says: tuple[str, ...]
) -> None:
    done = run(
        "evaluate", "--data", photographs, *QUICK, "--command", command, "--time-limit", 0.5, "--report", "o.html"
    )
    assert done.code == 1
    assert all(part in done.err for part in says), done.err
    assert contents() == {}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--metrics", "psnr,lpipz"), 2, "unknown metric 'lpipz'; choose from mse, psnr"),
        (("--protocol", "square"), 2, "stretch256, native, center256"),
        (("--mode", "loud"), 2, "vivid, faithful"),
        (("--command", "tool {in}"), 2, "without {out}"),
        (("--count", "0"), 2, "--count is 0"),
        (("--jobs", "0"), 2, "--jobs is 0"),
        (("--model", "nobody"), 2, "unknown model 'nobody'"),
        (("--raw-rgb",), 2, "not RGB"),
        (("--json", "nowhere/o.json"), 2, "folder that doesn't exist"),
        (("--json", "o.json", "--report", "./o.json"), 2, "o.json is given for two outputs"),
        (("--json", "o.json", "--csv", "o.json"), 2, "o.json is given for two outputs"),
        (("--json", "o.json", "--store", "o.json"), 2, "o.json is given for two outputs"),
        (("--csv", "o.measured"), 2, "o.measured is given for two outputs"),
        (("--time-limit", "-1", "--command", "tool {in} {out}"), 2, "--time-limit is -1"),
    ],
)
def test_wrong_usage(run: Run, photographs: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = run("evaluate", "--data", photographs, *arguments)
    assert (done.code, says in done.err) == (code, True), done.err


def test_nothing_to_measure_on(run: Run, workspace: Path, gray_pixels: NDArray[np.uint8]) -> None:
    empty, gray, broken = (workspace / name for name in ("empty", "gray", "broken"))
    for folder in (empty, gray, broken):
        folder.mkdir()
    Image.fromarray(gray_pixels).save(gray / "one.png")
    (broken / "one.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    for folder, says in ((empty, "no photo"), (gray, "no color in the set"), (broken, "can be read")):
        done = run("evaluate", "--data", folder, *QUICK, "--json", "o.json")
        assert (done.code, says in done.err) == (1, True), done.err
        assert not (workspace / "o.json").exists()
    assert run("evaluate", "--data", workspace / "missing").code == 1


def test_an_unreadable_photograph_is_named(run: Run, workspace: Path, photographs: Path) -> None:
    folder = workspace / "photos"
    folder.mkdir()
    for path in photographs.glob("[abc].png"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "d.png").write_bytes((photographs / "d.png").read_bytes()[:300])
    done = run("evaluate", "--data", folder, *QUICK, "--json", "o.json")
    assert done.code == 1
    assert "d.png: " in done.err
    assert rows(workspace / "o.json")["gray"]["photos"] == 3


def test_goes_on_where_it_stopped(
    run: Run, workspace: Path, photographs: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate", "--data", photographs, "--model", quick_model, *QUICK, "-j", 1, "--json")
    whole = run(*arguments, "whole.json")
    assert whole.code == 0, whole.err
    measured: list[Any] = []
    real = runner.measure

    def counting(original: Any, pixels: Any, groups: Any) -> Any:
        measured.append(original)
        if len(measured) == limit:
            raise KeyboardInterrupt
        return real(original, pixels, groups)

    monkeypatch.setattr(runner, "measure", counting)
    limit = 18
    stopped = run(*arguments, "o.json")
    assert stopped.code == 130
    assert not (workspace / "o.json").exists()
    done_before = (limit - 1) // 5
    limit = 0
    measured.clear()
    again = run(*arguments, "o.json")
    assert again.code == 0, again.err
    # Five results of each photograph that wasn't whole before; of the few under way some were measured again.
    assert 5 <= len(measured) <= 5 * (6 - done_before) + 5
    assert "had been measured before" in again.err
    measured.clear()
    assert run(*arguments, "o.json").code == 0
    assert measured == []
    old, new = (json.loads((workspace / name).read_text("utf-8")) for name in ("whole.json", "o.json"))
    assert old == new


def test_what_is_kept_holds_for_a_photograph_by_another_name(run: Run, workspace: Path, photographs: Path) -> None:
    folder = workspace / "renamed"
    folder.mkdir()
    for name in ("a.png", "twin.png", "b.png"):
        (folder / name).write_bytes((photographs / name.replace("twin", "a")).read_bytes())
    arguments = ("evaluate", "--data", folder, "--metrics", "psnr,semantic_top1", "-q", "--json")
    assert run(*arguments, "kept.json").code == 0
    assert rows(workspace / "kept.json")["original"]["semantic_top1"] == "not available"
    picture = np.asarray(Image.open(folder / "a.png"))
    (seen,) = Lite().look([fit(picture, "stretch256")])[1]
    identities = files("tinct.evaluation").joinpath("imagenet_ids.txt").read_text("ascii").split()
    # One of the twins is what the network takes it for, the other isn't.
    (folder / "a.png").rename(folder / f"{identities[seen]}.png")
    (folder / "twin.png").rename(folder / f"{identities[seen - 1]}.png")
    assert run(*arguments, "kept.json").code == 0
    assert rows(workspace / "kept.json")["original"]["semantic_top1"] == 50


def test_several_sets_models_and_protocols(run: Run, workspace: Path, photographs: Path, quick_model: Path) -> None:
    other = workspace / "other.onnx"
    other.write_bytes(quick_model.read_bytes())
    models = ("--model", quick_model, "--model", other)
    data = ("--data", photographs, "--data", photographs / "imagenet")
    for protocol in ("native", "center256"):
        done = run("evaluate", *data, *models, "--protocol", protocol, *QUICK, "--count", 3, "--json", "o.json")
        assert done.code == 0, done.err
        found = json.loads((workspace / "o.json").read_text("utf-8"))
        assert found["protocol"] == protocol
        assert [entry["name"] for entry in found["data"]] == [photographs.name, "imagenet"]
        assert len(found["rows"]) == 12
        assert found["rows"][3]["name"] == str(quick_model)
        pairs = {(entry["first"], entry["second"]) for entry in found["comparisons"]}
        assert pairs == {
            (str(quick_model), str(other)),
            (str(quick_model), "gray"),
            (str(other), "gray"),
        }
        alike = [e for e in found["comparisons"] if e["second"] == str(other)]
        assert {(entry["difference"], entry["p"]) for entry in alike} == {(0, 1)}


def test_the_manifest_is_the_photographs_not_their_place(run: Run, workspace: Path, photographs: Path) -> None:
    import tarfile

    with tarfile.open(workspace / "photos.tar", "w") as tar:
        tar.add(photographs, "elsewhere")
    hashes = []
    for data in (photographs, workspace / "photos.tar", photographs / "imagenet"):
        assert run("evaluate", "--data", data, "--metrics", "psnr", "--json", "o.json", "-q").code == 0
        hashes.append(json.loads((workspace / "o.json").read_text("utf-8"))["manifest_sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_hint_curve_and_report(
    run: Run, workspace: Path, photographs: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinct.evaluation.hints.COUNTS", (0, 1, 50))
    arguments = ("--metrics", "psnr,ciede2000,colorfulness,auc,bleeding", "--hint-curve", "--count", 4)
    done = run(
        "evaluate", "--data", photographs, "--model", quick_model, *arguments, "--report", "o.html", "--json", "o.json"
    )
    assert done.code == 0, done.err
    found = json.loads((workspace / "o.json").read_text("utf-8"))
    points = {(p["protocol"], p["hints"]): p["psnr"] for p in found["hint_curve"]}
    assert len(points) == 6
    for placement in ("6x6 normal", "2x2 uniform"):
        assert points[placement, 0] < points[placement, 50]
    assert points["6x6 normal", 0] == pytest.approx(rows(workspace / "o.json")[str(quick_model)]["psnr"], abs=1e-9)
    page = (workspace / "o.html").read_text("utf-8")
    assert found["manifest_sha256"] in page
    assert "siggraph17, published" in page
    assert "stretch256" in page
    assert "http:" not in page
    assert "https:" not in page
