"""The whole way from a photograph to its colors, with small random models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

import tinct
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import gray_to_lightness, lightness, srgb_to_lab
from tinct.errors import HintError, OptionError
from tinct.inference.backends import load_backend
from tinct.inference.options import ColorizeOptions, Hint
from tinct.inference.pipeline import Colorizer, Prepared
from tinct.media.photo import read_photo
from tinct.models.registry import ModelSpec

MakeModel = Callable[..., Path]


class Counting:
    """A backend that counts how often its network runs."""

    def __init__(self, path: Path) -> None:
        self._backend = load_backend(path, "cpu")
        self.spec: ModelSpec = self._backend.spec
        self.model_hash = self._backend.model_hash
        self.runs = 0

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        self.runs += 1
        return self._backend.run(lightness, hints)


def pixels(colorizer: Colorizer, photo: Any, **options: Any) -> NDArray[Any]:
    return colorizer.colorize(photo, ColorizeOptions(**options)).photo.to_numpy()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("output", ["bins", "ab", "rgb"])
@pytest.mark.parametrize("takes_hints", [False, True])
def test_every_kind_of_model_colorizes(
    output: str, takes_hints: bool, make_model: MakeModel, gray_pixels: NDArray[np.uint8]
) -> None:
    path = make_model(output, takes_hints=takes_hints, stride=1 if output == "rgb" else 4)
    result = tinct.Colorizer(path).colorize(gray_pixels)
    found = result.photo.to_numpy()
    assert found.shape == (*gray_pixels.shape, 3)
    lab = srgb_to_lab(found.astype(np.float32) / 255)
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 1
    assert np.abs(lab[..., 0] - gray_to_lightness(gray_pixels / np.float32(255))).max() < 0.5
    assert result.model == f"random-{output}"
    assert ("one read-out" in " ".join(result.notes)) == (output != "bins")
    assert result.photo.notes == result.notes
    assert tinct.Colorizer(path).colorize(result.photo.origin).notes == result.notes


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (300, 1), (1, 5000), (3, 2), (257, 31)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_every_shape_is_colorized(shape: tuple[int, int], depth: type, make_model: MakeModel) -> None:
    gray = noise(*shape).astype(depth)
    found = pixels(Colorizer(make_model("bins")), gray, hints=(Hint("50%", "50%", "#a03020"),))
    assert found.shape == (*shape, 3)
    assert found.dtype == depth


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_stay_as_they_are(level: int, make_model: MakeModel) -> None:
    gray = np.full((20, 30), level, np.uint8)
    assert (pixels(Colorizer(make_model("bins")), gray) == level).all()


@pytest.mark.parametrize("size", [16, 50, 200])
def test_a_size_is_what_the_network_sees(size: int, make_model: MakeModel) -> None:
    backend = Counting(make_model("bins", multiple=8))
    seen: list[tuple[int, ...]] = []
    run = backend.run
    backend.run = lambda lightness, hints: seen.append(lightness.shape) or run(lightness, hints)  # type: ignore[method-assign, func-returns-value]
    Prepared(read_photo(noise(60, 90)), backend).colorize(ColorizeOptions(size=size))
    # At a size larger than its own the network looks twice.
    sides = [size] if size <= backend.spec.size else [size, backend.spec.size]
    assert seen == [(-(-side // 8) * 8, -(-round(side * 1.5) // 8) * 8) for side in sides]


def test_the_network_runs_once_for_each_set_of_hints(make_model: MakeModel) -> None:
    backend = Counting(make_model("bins", takes_hints=True))
    prepared = Prepared(read_photo(noise(60, 90)), backend)
    hint = Hint(10, 10, "#a03020")
    for options in (
        ColorizeOptions(),
        ColorizeOptions(vividness=0.3),
        ColorizeOptions(saturation=1.5),
        ColorizeOptions(mode="faithful"),
    ):
        prepared.colorize(options)
    assert backend.runs == 1
    prepared.colorize(ColorizeOptions(hints=(hint,)))
    prepared.colorize(ColorizeOptions(hints=(hint,), vividness=0.1))
    prepared.colorize(ColorizeOptions())
    assert backend.runs == 2
    prepared.colorize(ColorizeOptions(size=100))
    assert backend.runs == 3


def test_hints_don_t_run_a_network_that_takes_none(make_model: MakeModel) -> None:
    backend = Counting(make_model("bins"))
    prepared = Prepared(read_photo(noise(60, 90)), backend)
    prepared.colorize(ColorizeOptions())
    prepared.colorize(ColorizeOptions(hints=(Hint(10, 10, "#a03020"),)))
    assert backend.runs == 1


def test_a_prepared_photograph_gives_what_a_fresh_one_does(make_model: MakeModel) -> None:
    colorizer = Colorizer(make_model("bins", takes_hints=True))
    gray = noise(50, 70)
    prepared = colorizer.prepare(gray)
    for options in ({"vividness": 0.2}, {"hints": (Hint(9, 9, "#2030a0"),)}, {"saturation": 2.0}, {}):
        assert (pixels(colorizer, prepared, **options) == pixels(colorizer, gray, **options)).all()


@pytest.mark.parametrize("takes_hints", [False, True])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_hinted_pixels_have_the_asked_color(takes_hints: bool, depth: type, make_model: MakeModel) -> None:
    gray = (noise(90, 120).astype(float) * (np.iinfo(depth).max / 255)).round().astype(depth)
    hints = (Hint(30, 40, "#a03020"), Hint("75%", "50%", "#3060c0", 8), Hint(0, 89, "#209040", 2))
    found = pixels(Colorizer(make_model("bins", takes_hints=takes_hints)), gray, hints=hints)
    lab = srgb_to_lab(found.astype(np.float32) / np.iinfo(depth).max)
    light = gray_to_lightness(gray.astype(np.float32) / np.iinfo(depth).max)
    for hint in hints:
        top, bottom, left, right = hint.place(90, 120)
        asked = np.concatenate(
            [light[top:bottom, left:right, None], np.broadcast_to(hint.ab(), (bottom - top, right - left, 2))], -1
        )
        # Less near black and white, where the gamut is narrower than the steps of the table.
        distance = np.linalg.norm(lab[top:bottom, left:right] - reduce_chroma(asked), axis=-1)
        assert np.median(distance) < 1.5
        middle = (asked[..., 0] > 20) & (asked[..., 0] < 80)
        assert distance[middle].max() < 5


def test_a_covered_hint_colors_nothing(make_model: MakeModel) -> None:
    colorizer, gray = Colorizer(make_model("bins", takes_hints=True)), noise(60, 80)
    first, second = Hint(40, 30, "#ff0000", 8), Hint(40, 30, "#0000ff", 8)
    assert (pixels(colorizer, gray, hints=(first, second)) == pixels(colorizer, gray, hints=(second,))).all()


def test_five_hundred_hints_are_quick(make_model: MakeModel) -> None:
    rng = np.random.default_rng(0)
    hints = tuple(Hint(int(x), int(y), f"#{color:06x}") for x, y, color in rng.integers(0, 256, (500, 3)))
    colorizer = Colorizer(make_model("bins", takes_hints=True))
    started = time.process_time()
    pixels(colorizer, noise(256, 256), hints=hints)
    assert time.process_time() - started < 2


def test_a_hint_outside_the_picture_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(HintError, match="outside the picture of 30 x 20"):
        pixels(Colorizer(make_model("ab")), noise(20, 30), hints=(Hint(30, 5, "#102030"),))


def test_a_mask_of_another_shape_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(OptionError, match="40 x 20 pixels"):
        pixels(Colorizer(make_model("ab")), noise(20, 30), mask=noise(20, 40))


def test_a_mask_is_a_file_or_an_array(make_model: MakeModel, tmp_path: Path) -> None:
    gray, mask = noise(20, 30), np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    path = tmp_path / "mask.png"
    read_photo(mask).save(path)
    colorizer = Colorizer(make_model("bins"))
    from_file, from_array = pixels(colorizer, gray, mask=path), pixels(colorizer, gray, mask=mask)
    assert (from_file == from_array).all()
    assert (from_file[:, :14] == gray[:, :14, None]).all()
    assert (from_file[:, 16:] != gray[:, 16:, None]).any()


def test_a_mask_and_a_reference_from_file_objects_serve_again(make_model: MakeModel, tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.png" for name in ("mask", "reference")}
    read_photo(noise(20, 30)).save(paths["mask"])
    read_photo(np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)).save(paths["reference"])
    colorizer = Colorizer(make_model("bins"))
    with paths["mask"].open("rb") as mask, paths["reference"].open("rb") as reference:
        options = ColorizeOptions(mask=mask, reference=reference)
    found = [colorizer.colorize(noise(20, 30), options).photo for _ in range(2)]
    expected = colorizer.colorize(noise(20, 30), ColorizeOptions(**paths)).photo
    for each in found:
        assert (each.to_numpy() == expected.to_numpy()).all()
        assert each.mark == expected.mark


@pytest.mark.parametrize("place", ["photo", "mask", "reference"])
def test_a_result_that_is_not_saved_is_refused(place: str, make_model: MakeModel, tmp_path: Path) -> None:
    colorizer = Colorizer(make_model("bins"))
    result = colorizer.colorize(noise(20, 30)).photo
    given: dict[str, Any] = {"photo": noise(20, 30), place: result}
    with pytest.raises(OptionError, match=r"is a result, .*save it"):
        colorizer.colorize(given.pop("photo"), ColorizeOptions(**given))
    result.save(tmp_path / "result.png")
    saved = {"photo": noise(20, 30), place: tmp_path / "result.png"}
    colorizer.colorize(saved.pop("photo"), ColorizeOptions(**saved))
    colorizer.colorize(result.origin)


def test_a_layer_is_sixteen_bits_deep(make_model: MakeModel) -> None:
    layer = pixels(Colorizer(make_model("bins")), noise(20, 30), layer=True)
    assert layer.shape == (20, 30, 3)
    assert layer.dtype == np.uint16
    assert np.ptp(lightness(layer.astype(np.float32) / 65535)) < 40


def test_vividness_and_saturation_make_livelier(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins"))
    prepared = colorizer.prepare(gray_pixels)

    def chroma(**options: Any) -> float:
        lab = srgb_to_lab(pixels(colorizer, prepared, **options).astype(np.float32) / 255)
        return float(np.hypot(lab[..., 1], lab[..., 2]).mean())

    assert chroma(vividness=0) < chroma(vividness=0.5) < chroma(vividness=1)
    assert chroma(vividness=1) == chroma(mode="vivid")
    assert chroma(saturation=0) < 0.6
    assert chroma(saturation=0.5) < chroma() < chroma(saturation=1.6)


def test_saturation_keeps_lightness(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    found = pixels(Colorizer(make_model("bins")), gray_pixels, saturation=2.0).astype(np.float32) / 255
    assert np.abs(lightness(found) - gray_to_lightness(gray_pixels / np.float32(255))).max() < 0.5


def test_threads_get_the_same_bytes(make_model: MakeModel) -> None:
    colorizer = Colorizer(make_model("bins", takes_hints=True))
    photos = [noise(40, 50 + index) for index in range(6)]
    expected = [pixels(colorizer, photo) for photo in photos]
    prepared = colorizer.prepare(photos[0])
    found: dict[int, NDArray[Any]] = {}

    def work(index: int) -> None:
        found[index] = pixels(colorizer, prepared if index == 0 else photos[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[index] == expected[index]).all() for index in range(6))


def test_the_function_takes_options_by_name(make_model: MakeModel) -> None:
    model, gray = make_model("bins"), noise(20, 30)
    plain = tinct.colorize(gray, model=model)
    assert plain.mark is not None
    assert (plain.mark.settings, plain.mark.hinted, plain.mark.model) == ({}, False, "random-bins")
    hint = Hint("50%", 4, "#a03020")
    hinted = tinct.colorize(gray, model=model, vividness=0.2, hints=[hint])
    assert hinted.mark is not None
    assert hinted.mark.hinted
    assert hinted.mark.settings["vividness"] == 0.2
    assert hinted.mark.settings["hints"] == [{"x": "50%", "y": 4, "color": "#a03020", "radius": 3}]
    assert (plain.to_numpy() != hinted.to_numpy()).any()
    with pytest.raises(TypeError, match="vividnes"):
        tinct.colorize(gray, vividnes=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["result.png", "result.jpg", "result.tif"])
def test_the_same_input_gives_the_same_file(name: str, make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model("bins", takes_hints=True)
    files = []
    for run in ("a", "b"):
        result = Colorizer(model).colorize(noise(70, 60), ColorizeOptions(hints=(Hint(5, 5, "#a03020"),)))
        path = tmp_path / run / name
        path.parent.mkdir()
        result.photo.save(path)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_a_mask_keeps_colors_that_only_the_file_s_profile_has(make_model: MakeModel, tmp_path: Path) -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, 48:] = (0, 255, 0)
    picture = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    wide = picture.icc_transform("p3", input_profile="srgb").get("icc-profile-data")
    picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", wide)
    picture.pngsave(str(tmp_path / "wide.png"), keep="icc")
    mask = np.zeros((64, 96), np.uint8)
    mask[:, :24] = 255
    result = tinct.Colorizer(make_model("bins")).colorize(tmp_path / "wide.png", ColorizeOptions(mask=mask))
    result.photo.save(tmp_path / "out.png")
    found = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert found.get("icc-profile-data") == wide
    np.testing.assert_array_equal(found.numpy()[:, 24:], pixels[:, 24:])


def test_a_photograph_prepared_for_another_model_is_refused(
    make_model: MakeModel, gray_pixels: NDArray[np.uint8]
) -> None:
    path, other = make_model("bins"), make_model("ab")
    prepared = Colorizer(path).prepare(gray_pixels)
    with pytest.raises(OptionError, match="the array was prepared for random-bins; prepare it for random-ab"):
        Colorizer(other).colorize(prepared)
    assert Colorizer(path).colorize(prepared).model == "random-bins"  # the same one, loaded again


@pytest.mark.parametrize("threads", [-1, 0, 1.5, "2", True])
def test_threads_are_a_whole_number(threads: Any, make_model: MakeModel) -> None:
    with pytest.raises(OptionError, match=r"threads is .*, expected a whole number from 1 up"):
        Colorizer(make_model("bins"), threads=threads)


@pytest.mark.parametrize("model", [None, 5, b"tinct"])
def test_what_is_no_model_is_refused(model: Any, gray_pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(OptionError, match=r"model is .*, expected a name"):
        Colorizer(model)
    with pytest.raises(OptionError, match=r"model is .*, expected a name"):
        tinct.colorize(gray_pixels, model=model)


def test_a_result_is_shown_in_a_few_words_and_as_a_small_picture(
    make_model: MakeModel, gray_pixels: NDArray[np.uint8]
) -> None:
    result = Colorizer(make_model("bins")).colorize(gray_pixels)
    assert repr(result) == "<Result 64 x 48, 8 bits, the array, by random-bins>"
    shown = read_photo(result._repr_jpeg_())
    assert (shown.width, shown.height) == (64, 48)
