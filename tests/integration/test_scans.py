"""Scans as an archive has them, from the command line: deep, tiled, of several pages, JPEG 2000, restored, signed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from tinct.media.pages import Pages
from tinct.media.photo import read_pages, read_photo
from tinct.media.tiff_layout import read_layouts
from tinct.media.xmp import Packet


@pytest.fixture
def album(workspace: Path, gray_pixels: Any) -> Path:
    """``album.tif``, of three pages: two of 8 bits, and a smaller one of 16."""
    deep = gray_pixels[:40, :50].astype(np.uint16) * 257
    pages = [Image.fromarray(pixels) for pixels in (gray_pixels, gray_pixels[::-1].copy(), deep)]
    pages[0].save("album.tif", save_all=True, append_images=pages[1:])
    return Path("album.tif")


@pytest.fixture
def signed_by(make_chain: Callable[..., Any], tmp_path: Path) -> tuple[str, ...]:
    """Options that sign with a certificate made here."""
    pytest.importorskip("c2pa", reason="the extra [c2pa] isn't installed")
    chain = make_chain(tmp_path / "chain")
    return ("--sign-cert", str(chain.certificate), "--sign-key", str(chain.key))


def ramp() -> np.ndarray:
    """All 65,536 levels, each in eight pixels."""
    return np.repeat(np.arange(65536, dtype=np.uint16), 8).reshape(1024, 512)


@pytest.mark.parametrize("result", ["out.tif", "out.png", "out.jp2"])
def test_sixteen_bits_from_end_to_end(run: Any, picture: Any, result: str) -> None:
    if result.endswith("jp2"):
        pytest.importorskip("imagecodecs", reason="the extra [jp2] isn't installed")
    picture("scan.tif", ramp())
    assert run("colorize", "scan.tif", "-o", result).code == 0
    found = read_photo(result)
    pixels = found.to_numpy()
    assert (found.depth, pixels.dtype, pixels.shape) == (16, np.uint16, (1024, 512, 3))
    # A step through 8 bits would leave 256 of each channel, one through 12 bits 4,096.
    levels = [len(np.unique(pixels[..., channel])) for channel in range(3)]
    assert min(levels) > 30_000, levels
    assert np.abs(found.small_lightness(64, 32) - read_photo("scan.tif").small_lightness(64, 32)).max() < 0.1


@pytest.mark.parametrize("subifd", [True, False])
def test_tiled_pyramidal_bigtiff_comes_out_as_it_went_in(run: Any, workspace: Path, subifd: bool) -> None:
    pixels = ramp()
    image = pyvips.Image.new_from_array(pixels, interpretation="grey16")
    options = {"tile": True, "tile_width": 128, "tile_height": 128, "pyramid": True, "subifd": subifd}
    image.tiffsave("scan.tif", bigtiff=True, compression="deflate", **options)
    assert run("colorize", "scan.tif", "-o", "out.tif").code == 0
    layouts = []
    for name in ("scan.tif", "out.tif"):
        with Path(name).open("rb") as file:
            layouts.append(read_layouts(file, name))
    assert layouts[0] == layouts[1]
    (layout,) = layouts[1]
    assert (layout.big, layout.tile, len(layout.levels) >= 2) == (True, (128, 128), True)
    small = read_photo("out.tif").small_lightness(128, 64)
    np.testing.assert_allclose(small, read_photo("scan.tif").small_lightness(128, 64), atol=0.4)


def test_all_pages_one_page_and_the_first(run: Any, album: Path) -> None:
    done = run("colorize", album, "-o", "all.tif", "--pages", "all")
    assert (done.code, "note" in done.err) == (0, False)
    photos = list(read_pages("all.tif", Pages()))
    assert [(photo.height, photo.width, photo.depth) for photo in photos] == [(48, 64, 8), (48, 64, 8), (40, 50, 16)]
    for number, photo in enumerate(photos, start=1):
        assert run("colorize", album, "-o", f"{number}.png", "--pages", number).code == 0
        np.testing.assert_array_equal(read_photo(f"{number}.png").to_numpy(), photo.to_numpy())
    done = run("colorize", album, "-o", "first.png")
    assert "it has 3 pages; only the first is used" in done.err
    np.testing.assert_array_equal(read_photo("first.png").to_numpy(), photos[0].to_numpy())
    assert run("colorize", album, "-o", "two.tif", "--pages", "3,1").code == 0
    assert [photo.width for photo in read_pages("two.tif", Pages())] == [50, 64]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--pages", "5"), 1, "album.tif has 3 pages; there is no page 5"),
        (("--pages", "x"), 2, "expected all, or numbers and ranges"),
        (("--pages", "all", "--format", "jpeg"), 1, "jpeg holds one page"),
        (("--pages", "all", "--variants", "2"), 2, "other ways to color one page"),
        (("--pages", "all", "--confidence", "map.png"), 2, "a map of one page"),
        (("--restore", "blur"), 2, "can't restore 'blur'"),
        (("--restore", "contrast", "--layer"), 2, "which restores nothing"),
        (("--sign-cert", "c.pem"), 2, "needs both --sign-cert and --sign-key"),
        (("--sign-cert", "c.pem", "--sign-key", "k.pem", "--no-mark"), 2, "leave one of the two out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_can_t_be_done_is_said(refused: Any, album: Path, options: tuple[str, ...], code: int, says: str) -> None:
    refused(album, "-o", "out.tif", *options, code=code, says=says)


def test_a_sidecar_can_t_go_to_standard_output(refused: Any, album: Path) -> None:
    refused(album, "-o", "-", "--sidecar", code=2, says="no --sidecar; give -o a file")


@pytest.mark.parametrize(
    ("result", "options"),
    [
        ("out.tif", ("--pages", "all")),
        ("out.tif", ("--pages", "3,1", "--restore", "contrast")),
        ("out.jpg", ("--pages", "2", "--restore", "dust,scratches", "--restore", "contrast")),
        ("out.jp2", ("--restore", "contrast")),
        ("out.webp", ("--sidecar",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_the_very_same_file_is_made_again(
    run: Any, album: Path, quick_model: Path, result: str, options: tuple[str, ...]
) -> None:
    pytest.importorskip("cv2", reason="the extra [restore] isn't installed")
    pytest.importorskip("imagecodecs", reason="the extra [jp2] isn't installed")
    write_sidecar("album.tif.xmp", "Harbor")
    assert run("colorize", album, "-o", result, *options).code == 0
    done = run("reproduce", result, "--source", album, "-o", "again.bin", "--model", quick_model)
    assert (done.code, "is identical to" in done.err) == (0, True), done.err
    assert Path("again.bin").read_bytes() == Path(result).read_bytes()


def write_sidecar(name: str, title: str) -> None:
    packet = Packet()
    packet.set_default_language("dc:title", title)
    packet.set_text("xmp:Rating", "5")
    Path(name).write_bytes(packet.to_bytes())


def test_sidecars_are_read_written_and_checked(run: Any, album: Path, quick_model: Path, contents: Any) -> None:
    write_sidecar("album.xmp", "Harbor")
    assert run("colorize", album, "-o", "out.jpg", "--sidecar").code == 0
    for xmp in (Path("out.jpg.xmp").read_bytes(), read_photo("out.jpg").metadata.xmp):
        packet = Packet(xmp)
        assert (packet.text("dc:title"), packet.text("xmp:Rating")) == ("Harbor", "5")
        assert packet.text("Iptc4xmpExt:DigitalSourceType").endswith("/compositeWithTrainedAlgorithmicMedia")
    Path("out.jpg").unlink()
    before = contents()
    done = run("colorize", album, "-o", "out.jpg", "--sidecar")
    assert (done.code, "out.jpg.xmp exists" in done.err, contents()) == (1, True, before)
    assert run("colorize", album, "-o", "out.jpg", "--sidecar", "--overwrite").code == 0
    write_sidecar("album.xmp", "Wharf")
    again = ("reproduce", "out.jpg", "--source", album, "-o", "again.jpg", "--model", quick_model)
    assert "isn't the sidecar of the result" in run(*again).err
    Path("album.xmp").rename("kept.xmp")
    assert "was made with a sidecar; give it with --sidecar" in run(*again).err
    write_sidecar("kept.xmp", "Harbor")
    assert run(*again, "--sidecar", "kept.xmp").code == 0
    Path("album.xmp").write_text("junk")
    before = contents()
    done = run("colorize", album, "-o", "other.jpg", "--sidecar")
    assert (done.code, "is no XMP, or damaged" in done.err, contents()) == (1, True, before)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_signed_results_are_shown_and_made_again(
    run: Any, album: Path, quick_model: Path, signed_by: tuple[str, ...], suffix: str, monkeypatch: Any
) -> None:
    result = Path(f"out.{suffix}")
    assert run("colorize", album, "-o", result, "--pages", "2", *signed_by).code == 0
    facts = json.loads(run("inspect", result, "--source", album, "--json").out)
    assert (facts["signature"], facts["signed_by"]) == ("valid", "Scanning desk, City Archive")
    assert (facts["settings"], facts["source_matches"]) == ({"page": 2}, True)
    done = run("reproduce", result, "--source", album, "-o", f"again.{suffix}", "--model", quick_model)
    assert (done.code, "as it was before it was signed" in done.err) == (0, True), done.err
    assert run("colorize", album, "-o", f"plain.{suffix}", "--pages", "2").code == 0
    assert Path(f"again.{suffix}").read_bytes() == Path(f"plain.{suffix}").read_bytes()
    data = bytearray(result.read_bytes())
    data[len(data) // 2 if suffix == "tif" else -50] ^= 1
    result.write_bytes(data)
    done = run("inspect", result)
    assert (done.code, "doesn't hold (assertion.dataHash.mismatch)" in done.err) == (1, True)
    # Configured in the environment, everything is signed.
    monkeypatch.setenv("TINCT_SIGN_CERT", signed_by[1])
    monkeypatch.setenv("TINCT_SIGN_KEY", signed_by[3])
    assert run("colorize", album, "-o", f"other.{suffix}").code == 0
    assert json.loads(run("inspect", f"other.{suffix}", "--json").out)["signature"] == "valid"


def test_inspect_shows_the_settings_of_all_pages(run: Any, album: Path) -> None:
    assert run("colorize", album, "-o", "all.tif", "--pages", "all", "--restore", "contrast").code == 0
    facts = json.loads(run("inspect", "all.tif", "--json").out)
    restored = {"restore": ["contrast"]}
    assert (facts["pages"], facts["settings"]) == (3, [restored, restored | {"page": 2}, restored | {"page": 3}])
    caption = Packet(read_photo("all.tif").metadata.xmp).text("dc:description")
    assert caption.endswith("colors are inferred; restored before: contrast")


def test_where_the_mask_is_black_nothing_is_restored(run: Any, picture: Any, gray_pixels: Any) -> None:
    faded = (gray_pixels // 3 + 90).astype(np.uint8)
    mask = np.zeros_like(faded)
    mask[:, 32:] = 255
    picture("scan.png", faded)
    picture("mask.png", mask)
    assert run("colorize", "scan.png", "-o", "out.png", "--mask", "mask.png", "--restore", "contrast").code == 0
    pixels = read_photo("out.png").to_numpy()
    np.testing.assert_array_equal(pixels[:, :30], np.dstack([faded] * 3)[:, :30])
    spread = [np.ptp(found[:, 34:].astype(int)) for found in (faded, pixels[..., 1])]
    assert spread[1] > 1.5 * spread[0]


def test_a_batch_takes_pages_restores_and_signs(
    run: Any, album: Path, picture: Any, signed_by: tuple[str, ...]
) -> None:
    Path("scans").mkdir()
    os.replace(album, "scans/album.tif")
    picture("scans/one.jpg")
    options = ("--pages", "all", "--restore", "contrast", "--no-thumbnails")
    assert run("batch", "scans", "done", *options).code == 0
    assert len(list(read_pages("done/album.tif", Pages()))) == 3
    before = Path("done/album.tif").read_bytes()
    assert "2 done before" in run("batch", "scans", "done", *options).err
    again = ("reproduce", "done/album.tif", "--source", "scans/album.tif", "-o", "again.tif")
    assert run(*again, "--model", os.environ["TINCT_MODEL"]).code == 0
    assert Path("again.tif").read_bytes() == before
    done = run("batch", "scans", "done", "--pages", "2", "--no-thumbnails", *signed_by)
    assert (done.code, "one.jpg has one page; there is no page 2" in done.err) == (1, True)
    assert json.loads(run("inspect", "done/album.tif", "--json").out)["signature"] == "valid"
    assert "settings changed" not in run("batch", "scans", "done", "--pages", "2", *signed_by, "--dry-run").out
    assert run("batch", "scans", "other", "--sign-cert", "none.pem", "--sign-key", "none.pem").code == 2
    assert not Path("other").exists()
