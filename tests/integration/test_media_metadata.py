"""Metadata from every format to every format, read back by Pillow, and by ExifTool where it is installed."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, IptcImagePlugin, PngImagePlugin, TiffImagePlugin

from tinct.media.marking import SENTENCE, Marking
from tinct.media.photo import read_photo, write_photo

FORMS = ("jpeg", "png", "tiff", "webp", "avif")
MARK = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, "cd" * 32, {"mode": "vivid"})
SENTENCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmp:Rating="4" xmp:CreatorTool="Scanner 5" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""
IPTC = b"".join(
    b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text
    for number, text in ((90, b"Oslo"), (120, b"The harbor"))
)
needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="ExifTool isn't installed")


def make_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0131], exif[0x013B] = "Kodak", 6, "Scanner 5", "Wilse"
    exif[0x4746] = 5  # Rating: libexif would drop it
    details = exif.get_ifd(0x8769)
    details[0x9003] = "1931:05:06 01:02:03"
    details[0x927C] = b"Maker\0\1\2" * 12
    details[0xFDE8] = "Owner"  # private: libexif would drop it
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (59.0, 54.0, 30.0)
    return exif


def profile() -> bytes:
    """Display P3, from libvips."""
    image = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb").icc_transform("p3", input_profile="srgb")
    return bytes(image.get("icc-profile-data"))


def make_source(form: str, pixels: np.ndarray, icc: bytes) -> bytes:
    """A picture on its side, with all the metadata that the format has a place for."""
    picture, file = Image.fromarray(pixels), io.BytesIO()
    options: dict[str, Any] = {"exif": make_exif(), "icc_profile": icc, "xmp": XMP}
    if form == "png":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        texts.add_text("Author", "Wilse")
        options |= {"pnginfo": texts, "dpi": (300, 300)}
        del options["xmp"]
    elif form == "jpeg":
        options |= {"dpi": (300, 300), "quality": 95, "comment": b"by hand"}
    elif form == "tiff":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        exif = options.pop("exif")
        for tag in (0x010F, 0x0112, 0x0131, 0x013B, 0x4746):
            tags[tag] = exif[tag]
        for pointer in (0x8769, 0x8825):
            tags[pointer] = dict(exif.get_ifd(pointer))
        tags[700], tags[33723] = options.pop("xmp"), IPTC
        tags.tagtype[700] = tags.tagtype[33723] = 1
        options |= {"tiffinfo": tags, "dpi": (300, 300)}
    else:
        options["exif"][0x011A] = options["exif"][0x011B] = 300.0
        options["exif"][0x0128] = 2
        options["quality"] = 95
    picture.save(file, form, **options)
    data = file.getvalue()
    if form == "jpeg":
        block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
        data = data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 16) + b"Photoshop 3.0\0" + block + data[2:]
    return data


@dataclass
class Told:
    """What a program other than ours reads in a file."""

    main: dict[int, Any] = field(default_factory=dict)
    details: dict[int, Any] = field(default_factory=dict)
    gps: dict[int, Any] = field(default_factory=dict)
    info: dict[Any, Any] = field(default_factory=dict)
    iptc: dict[Any, Any] = field(default_factory=dict)


def ask_pillow(path: Path) -> Told:
    with Image.open(path) as picture:
        picture.load()
        exif = picture.getexif()
        told = Told(dict(exif), dict(exif.get_ifd(0x8769)), dict(exif.get_ifd(0x8825)), dict(picture.info))
        told.info["xmp"] = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp", "").encode()
        if picture.format in ("JPEG", "TIFF"):
            told.iptc = IptcImagePlugin.getiptcinfo(picture) or {}
    return told


@pytest.fixture(scope="module")
def told_by_exiftool(results: dict[tuple[str, str], Path]) -> dict[str, dict[str, Any]]:
    """What ExifTool reads in each result, by file name: one run, as it takes long to start."""
    command = ["exiftool", "-j", "-G1", "-n", "-u", *(str(path) for path in results.values())]
    done = subprocess.run(command, capture_output=True, check=True)
    return {Path(told["SourceFile"]).name: told for told in json.loads(done.stdout)}


def muted(pixels: np.ndarray) -> np.ndarray:
    """Colors that both profiles have."""
    return (pixels // 3 + 80).astype(np.uint8)


@pytest.fixture(scope="module")
def sources(color_pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, icc = tmp_path_factory.mktemp("sources"), profile()
    for form in FORMS:
        (folder / form).write_bytes(make_source(form, muted(color_pixels), icc))
    return {form: folder / form for form in FORMS}


@pytest.fixture(scope="module")
def results(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("results")
    for before, path in sources.items():
        for after in FORMS:
            photo = read_photo(path)
            write_photo(photo.open(), folder / f"{before}.{after}", like=photo, mark=MARK)
    return {(before, after): folder / f"{before}.{after}" for before in FORMS for after in FORMS}


@pytest.mark.parametrize("after", FORMS)
@pytest.mark.parametrize("before", FORMS)
def test_pillow_finds_all(before, after, results):
    told = ask_pillow(results[before, after])
    assert told.main[0x010F].rstrip("\0") == "Kodak"
    assert told.main[0x013B].rstrip("\0") == "Wilse"
    assert told.main[0x4746] == 5
    assert told.main[0x0131].rstrip("\0") == "Scanner 5; Tinct 0.1.0"
    assert told.main.get(0x0112, 1) == 1  # AVIF may turn its pixels by itself
    assert told.details[0x9003].rstrip("\0") == "1931:05:06 01:02:03"
    assert told.details[0x927C] == b"Maker\0\1\2" * 12
    assert told.details[0xFDE8].rstrip("\0") == "Owner"
    assert (told.details[0xA002], told.details[0xA003]) == (48, 64)
    assert told.gps[1].rstrip("\0") == "N"
    assert tuple(told.gps[2]) == (59, 54, 30)
    assert told.info["icc_profile"] == profile()
    assert "P3" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(told.info["icc_profile"])))
    resolution = told.info.get("dpi") or (told.main[0x011A], told.main[0x011B])
    np.testing.assert_allclose(np.array(resolution, float), 300, atol=0.02)
    xmp = told.info["xmp"]
    for part in (b'xmp:Rating="4"', b"Scanner 5; Tinct 0.1.0", SENTENCE_TYPE.encode(), SENTENCE.encode()):
        assert part in xmp
    assert b'tiff:Orientation="6"' not in xmp
    if before in ("jpeg", "tiff"):
        assert f"The harbor. {SENTENCE}".encode() in xmp
        if after in ("jpeg", "tiff"):
            assert told.iptc[2, 90] == b"Oslo"
    if before == "jpeg" and after in ("jpeg", "png"):
        assert told.info.get("comment") == b"by hand" or told.info.get("Comment") == "by hand"
    if before == "png" and after == "png":
        assert told.info["Author"] == "Wilse"


@pytest.mark.parametrize("after", FORMS)
@pytest.mark.parametrize("before", FORMS)
def test_pixels_are_upright_and_of_the_profile(before, after, color_pixels, results):
    """The profile's numbers come back: to sRGB for work, and back again for the file."""
    expected = np.rot90(muted(color_pixels), -1).astype(int)
    with Image.open(results[before, after]) as picture:
        found = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(found - expected).mean() < (0.5 if {before, after} <= {"png", "tiff"} else 5)


@needs_exiftool
@pytest.mark.parametrize("after", FORMS)
@pytest.mark.parametrize("before", FORMS)
def test_exiftool_finds_all(before, after, told_by_exiftool):
    told = told_by_exiftool[f"{before}.{after}"]
    assert told["IFD0:Make"] == "Kodak"
    assert told.get("IFD0:Orientation", 1) == 1
    assert told["IFD0:Software"] == "Scanner 5; Tinct 0.1.0"
    assert told["IFD0:XResolution"] == 300
    assert told["IFD0:ResolutionUnit"] == 2
    assert told["ExifIFD:DateTimeOriginal"] == "1931:05:06 01:02:03"
    assert told["ExifIFD:OwnerName"] == "Owner"
    assert told["GPS:GPSLatitude"] == pytest.approx(59.908, abs=0.001)
    assert "P3" in told["ICC_Profile:ProfileDescription"]
    assert told["XMP-xmp:Rating"] == 4
    assert told["XMP-xmp:CreatorTool"] == "Scanner 5; Tinct 0.1.0"
    assert told["XMP-iptcExt:DigitalSourceType"] == SENTENCE_TYPE
    assert told["XMP-xmpMM:DerivedFromDocumentID"] == f"sha256:{'cd' * 32}"
    assert told["XMP-xmpMM:HistorySoftwareAgent"] == "Tinct 0.1.0"
    if before in ("jpeg", "tiff"):
        assert told["IPTC:City" if after in ("jpeg", "tiff", "png") else "XMP-photoshop:City"] == "Oslo"
    warnings = [value for key, value in told.items() if re.search("Warning|Error", key) and "MakerNote" not in value]
    assert not warnings


@pytest.mark.parametrize("form", FORMS)
def test_without_a_mark_the_source_stays_in_its_own_words(form, sources, tmp_path):
    photo = read_photo(sources[form])
    write_photo(photo.open(), tmp_path / "a", like=photo, format=form)
    told = ask_pillow(tmp_path / "a")
    assert told.main[0x0131].rstrip("\0") == "Scanner 5"
    assert b"Tinct" not in (tmp_path / "a").read_bytes()
    assert b"tiff:Orientation" in told.info["xmp"]
    assert b'tiff:Orientation="6"' not in told.info["xmp"]
    again = read_photo(tmp_path / "a")
    for name in ("iptc", "icc", "text"):
        assert getattr(again.metadata, name) == getattr(photo.metadata, name)
    assert again.metadata.dpi == pytest.approx(photo.metadata.dpi, abs=0.02)
    assert again.metadata.orientation == 1


@pytest.mark.parametrize("form", FORMS)
def test_gray_results_of_gray_sources_keep_what_fits(form, gray_pixels, tmp_path):
    """A source without metadata gets the mark and nothing else; no resolution is made up."""
    photo = read_photo(gray_pixels)
    write_photo(photo.open(), tmp_path / "a", like=photo, format=form, mark=MARK)
    told = ask_pillow(tmp_path / "a")
    assert told.main[0x0131].rstrip("\0") == "Tinct 0.1.0"
    assert told.main.keys() & {0x011A, 0x0128} == set() or told.main[0x0128] == 1
    assert told.info.get("jfif_unit", 0) == 0
    assert "icc_profile" not in told.info
    assert SENTENCE.encode() in told.info["xmp"]


def test_exif_too_long_for_a_jpeg_loses_its_longest_value_only(gray_pixels, tmp_path):
    exif = make_exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + b"x" * 70_000
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "PNG", exif=exif)
    photo = read_photo(file.getvalue())
    write_photo(photo.open(), tmp_path / "a.jpg", like=photo)
    told = ask_pillow(tmp_path / "a.jpg")
    assert told.main[0x010F].rstrip("\0") == "Kodak"
    assert 0x9286 not in told.details
    assert 0x9003 in told.details
