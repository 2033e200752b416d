"""Every field of EXIF, IPTC and XMP, before and after, as ExifTool reads them: nothing is lost or changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinct.media.marking import Marking
from tinct.media.photo import Photo, read_photo

pytestmark = pytest.mark.skipif(shutil.which("exiftool") is None, reason="ExifTool isn't installed")
SOURCES = ("jpg", "tif", "png", "webp", "jp2")
RESULTS = ("jpg", "tif", "png", "webp", "avif", "jp2")
TAGS = {
    "IFD0": {
        "ImageDescription": "Wharf, Bjørvika",
        "Make": "Kodak",
        "Model": "Brownie",
        "Artist": "A. B. Wilse",
        "Copyright": "Public domain",
        "ModifyDate": "1931:05:06 01:02:03",
        "Rating": "4",
        "XPTitle": "Wharf",
        "XPKeywords": "harbor;ship",
        "HostComputer": "desk 4",
    },
    "ExifIFD": {
        "DateTimeOriginal": "1931:05:06 01:02:03",
        "CreateDate": "2019:10:11 12:13:14",
        "OffsetTimeOriginal": "+01:00",
        "SubSecTimeOriginal": "42",
        "ExposureTime": "1/50",
        "FNumber": "11",
        "ISO": "25",
        "ExposureProgram": "1",
        "FocalLength": "75",
        "LensModel": "Meniscus",
        "LensInfo": "75 75 11 11",
        "UserComment": "box 17, ø",
        "OwnerName": "Oslo museum",
        "SerialNumber": "0042",
        "ImageUniqueID": "00112233445566778899aabbccddeeff",
        "Gamma": "2.2",
        "FileSource": "Film Scanner",
        "SceneCaptureType": "1",
        "SubjectArea": "10 20 30 40",
    },
    "GPS": {
        "GPSLatitude": "59.9083",
        "GPSLatitudeRef": "N",
        "GPSLongitude": "10.7550",
        "GPSLongitudeRef": "E",
        "GPSAltitude": "3.5",
        "GPSImgDirection": "181.5",
        "GPSDateStamp": "1931:05:06",
        "GPSProcessingMethod": "map",
    },
    "IPTC": {
        "ObjectName": "Wharf",
        "Caption-Abstract": "Wharf with a barque",
        "Keywords": "harbor",
        "By-line": "Wilse",
        "By-lineTitle": "photographer",
        "City": "Oslo",
        "Province-State": "Oslo",
        "Country-PrimaryLocationName": "Norway",
        "Country-PrimaryLocationCode": "NOR",
        "Sub-location": "Bjørvika",
        "DateCreated": "1931:05:06",
        "TimeCreated": "01:02:03+01:00",
        "Credit": "Museum",
        "Source": "Glass plates",
        "CopyrightNotice": "Public domain",
        "Headline": "At the wharf",
        "SpecialInstructions": "none",
        "Writer-Editor": "NN",
        "OriginalTransmissionReference": "17/4",
        "Urgency": "5",
        "CodedCharacterSet": "UTF8",
    },
    "XMP": {
        "Subject": "ship",
        "Title": "Wharf",
        "Creator": "Wilse",
        "Rights": "Public domain",
        "XMP-xmp:Rating": "4",
        "XMP-xmp:Label": "Blue",
        "XMP-photoshop:City": "Oslo",
        "XMP-photoshop:History": "cleaned",
        "XMP-lr:HierarchicalSubject": "Place|Oslo",
        "XMP-dc:Source": "glass plate 1713",
        "XMP-iptcCore:Location": "Bjørvika",
        "XMP-iptcExt:PersonInImage": "N. N.",
        "XMP-xmpRights:UsageTerms": "free",
        "XMP-mwg-rs:RegionName": "barque",
        "XMP-aux:Lens": "Meniscus",
    },
}
GROUPS = ("IFD0", "ExifIFD", "InteropIFD", "GPS", "IPTC", "XMP-")
# What tells of the file and not of the picture, and what the mark adds to.
OF_THE_FILE = {
    *(
        "IFD0:ImageWidth",
        "IFD0:ImageHeight",
        "IFD0:BitsPerSample",
        "IFD0:Compression",
        "IFD0:PhotometricInterpretation",
    ),
    *("IFD0:StripOffsets", "IFD0:StripByteCounts", "IFD0:RowsPerStrip", "IFD0:SamplesPerPixel", "IFD0:SampleFormat"),
    *("IFD0:PlanarConfiguration", "IFD0:Predictor", "IFD0:Orientation", "IFD0:YCbCrPositioning", "IFD0:SubfileType"),
    *("ExifIFD:ExifImageWidth", "ExifIFD:ExifImageHeight", "ExifIFD:ColorSpace", "ExifIFD:ComponentsConfiguration"),
    *("IFD0:XResolution", "IFD0:YResolution", "IFD0:ResolutionUnit", "ExifIFD:ExifVersion", "ExifIFD:FlashpixVersion"),
    *("IFD0:Software", "XMP-x:XMPToolkit", "XMP-xmp:CreatorTool", "XMP-dc:Description"),
}
OF_THE_MARK = ("XMP-xmpMM:", "XMP-iptcExt:AISystem", "XMP-iptcExt:DigitalSourceType")
# Other names for the same, where a format has no place for IPTC itself.
IN_XMP = {
    "ObjectName": "XMP-dc:Title",
    "Keywords": "XMP-dc:Subject",
    "By-line": "XMP-dc:Creator",
    "City": "XMP-photoshop:City",
    "Headline": "XMP-photoshop:Headline",
    "Credit": "XMP-photoshop:Credit",
    "Country-PrimaryLocationCode": "XMP-iptcCore:CountryCode",
    "Sub-location": "XMP-iptcCore:Location",
    "Urgency": "XMP-photoshop:Urgency",
}


def ask(paths: list[Path]) -> dict[str, dict[str, Any]]:
    """Return what ExifTool reads in files, unknown tags too, by group and name."""
    command = ["exiftool", "-j", "-G1", "-n", "-u", "-a", "-charset", "iptc=UTF8", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, check=True)
    return {Path(told["SourceFile"]).name: told for told in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("fields")
    pixels = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
    for suffix in SOURCES:
        form = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(suffix, suffix.upper())
        Image.fromarray(pixels).save(folder / f"scan.{suffix}", form)
    arguments = [
        f"-{group}:{name}={value}".replace("-XMP:XMP", "-XMP")
        for group, tags in TAGS.items()
        for name, value in tags.items()
        if group != "IPTC"
    ]
    iptc = [f"-IPTC:{name}={value}" for name, value in TAGS["IPTC"].items()]
    base = ["exiftool", "-q", "-q", "-m", "-n", "-overwrite_original", "-charset", "iptc=UTF8"]
    files = [str(folder / f"scan.{suffix}") for suffix in SOURCES]
    subprocess.run([*base, *arguments, *files], check=True)
    with_iptc = [str(folder / f"scan.{suffix}") for suffix in ("jpg", "tif", "png", "jp2")]
    subprocess.run([*base, *iptc, *with_iptc], check=True)
    made = [folder / f"scan.{suffix}" for suffix in SOURCES]
    for before in SOURCES:
        source = read_photo(folder / f"scan.{before}")
        mark = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, source.source_hash, {"mode": "vivid"})
        result = Photo.from_image(source.open, like=source, mark=mark)
        for after in RESULTS:
            made.append(folder / f"{before}.{after}")
            result.save(made[-1])
    return ask(made)


@pytest.mark.parametrize("after", RESULTS)
@pytest.mark.parametrize("before", SOURCES)
def test_every_field_is_there_with_its_value(before: str, after: str, told: dict[str, dict[str, Any]]) -> None:
    source, result = told[f"scan.{before}"], told[f"{before}.{after}"]
    fields = {
        name: value
        for name, value in source.items()
        if name.startswith(GROUPS) and name not in OF_THE_FILE and not name.startswith(OF_THE_MARK)
    }
    changed: set[str] = set()
    assert len(fields) > (70 if before != "webp" else 50)
    if after in ("webp", "avif"):
        for name, other in IN_XMP.items():
            if f"IPTC:{name}" in fields:
                found = result[other]
                assert fields[f"IPTC:{name}"] in (found if isinstance(found, list) else [found]), name
                changed.add("XMP-dc:Subject")  # both say keywords, and both are kept
        fields = {name: value for name, value in fields.items() if not name.startswith("IPTC:")}
    wrong = {n: (value, result.get(n)) for n, value in fields.items() if result.get(n) != value and n not in changed}
    assert wrong == {}
    assert "XMP-iptcExt:DigitalSourceType" in result
    added = {name for name in result if name.startswith(GROUPS)} - set(source) - OF_THE_FILE
    allowed = {*IN_XMP.values(), "XMP-photoshop:State", "XMP-photoshop:Country", "XMP-photoshop:DateCreated"}
    allowed |= {"XMP-photoshop:Source", "XMP-photoshop:Instructions", "XMP-photoshop:CaptionWriter", "XMP-dc:Rights"}
    allowed |= {"XMP-photoshop:AuthorsPosition", "XMP-photoshop:TransmissionReference"}
    assert {name for name in added if not name.startswith(OF_THE_MARK)} <= allowed
