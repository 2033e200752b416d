"""What the page that works without a server writes into files beside the pixels, in Chromium."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tinct
from tinct.media.extended import EXTENSION, PREFIX
from tinct.media.formats import sniff
from tinct.media.marking import SENTENCE, Marking, read_mark
from tinct.media.outgoing import prepare
from tinct.media.photo import encode_photo, read_photo
from tinct.media.xmp import Packet

WEB = Path(tinct.__file__).parent / "web"
ABOUT = {"version": "0.1.0", "model": "tinct", "modelFile": "tinct.onnx", "modelHash": "ab" * 32}
ADDRESS = "http://localhost/"
COUNT = 800
# A packet such as raw converters write: a prefix that the root declares, characters of more than a byte.
SETTINGS = " ".join(f'crs:Setting{number}="{number:0180}é"' for number in range(COUNT))
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"><rdf:Description rdf:about="" {SETTINGS}/>
</rdf:RDF></x:xmpmeta>"""
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
TOOLS = 'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
IDS = """xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" """
PHOTOSHOP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 9.1-c001 79.675d0f7, 2023/06/11-19:21:16"><rdf:RDF {RDF}>
 <rdf:Description rdf:about="" {DC} {TOOLS} {IDS} xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
  xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmp:CreatorTool="Adobe Photoshop 25.0 (Windows)" dc:format="image/jpeg"
  photoshop:ColorMode="1" photoshop:ICCProfile="Dot Gain 20%" tiff:Orientation="6" xmpMM:InstanceID="xmp.iid:2&amp;3"
  xmpMM:DocumentID="adobe:docid:photoshop:1" xmpMM:OriginalDocumentID="xmp.did:0">
  <dc:description><rdf:Alt><rdf:li xml:lang="x-default">A &lt;street&gt; &amp; a café</rdf:li>
   <rdf:li xml:lang="de-DE">Eine Straße</rdf:li></rdf:Alt></dc:description>
  <dc:subject><rdf:Bag><rdf:li>street</rdf:li><rdf:li>Münster</rdf:li></rdf:Bag></dc:subject>
  <xmpMM:History><rdf:Seq>
   <rdf:li stEvt:action="created" stEvt:instanceID="xmp.iid:0" stEvt:softwareAgent="Adobe Photoshop 25.0 (Windows)"/>
   <rdf:li stEvt:action="saved" stEvt:instanceID="xmp.iid:2" stEvt:changed="/"/></rdf:Seq></xmpMM:History>
  <xmpMM:DerivedFrom stRef:instanceID="xmp.iid:1" stRef:documentID="xmp.did:0"/>
  <MP:RegionInfo xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:R="http://ns.microsoft.com/photo/1.2/t/Region#">
   <R:Rectangle>.1, 0.2, 0.3, 0.123456789012</R:Rectangle></MP:RegionInfo>
  <Regions xmlns="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:a="http://ns.adobe.com/xmp/sType/Area#"
   xmlns:d="http://ns.adobe.com/xap/1.0/sType/Dimensions#" d:w="64" d:h="48"><Area a:x="0.2" a:y="1" a:w="1" a:h="0"/>
   <Area><a:x>3e-1</a:x><a:y>0.7</a:y><a:h>0.1</a:h></Area><Area a:x="left" a:y="0.5"/></Regions>
 </rdf:Description></rdf:RDF></x:xmpmeta>{" " * 2000}<?xpacket end="w"?>"""
ELEMENTS = f"""<rdf:RDF {RDF} {DC} {TOOLS} {IDS}><rdf:Description rdf:about="uuid:1"><xmp:CreatorTool>Scan; Tinct 0.1.0
 </xmp:CreatorTool><dc:description>Two <![CDATA[<people>]]>!</dc:description><xmpMM:DocumentID>1</xmpMM:DocumentID>
 <xmpMM:DerivedFrom rdf:parseType="Resource"><stRef:documentID>0</stRef:documentID></xmpMM:DerivedFrom>
 <xmpMM:History><rdf:Seq><rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action></rdf:li></rdf:Seq>
 </xmpMM:History></rdf:Description></rdf:RDF>"""
PREFIXES = f"""<rdf:RDF {RDF} xmlns:xmp="urn:mine" xmlns:xap="http://ns.adobe.com/xap/1.0/"><rdf:Description
 rdf:about="" xap:CreatorTool="Scan" xmp:Mood="calm" xmlns:stRef="urn:third" stRef:Own="yes">
 <subject xmlns="http://purl.org/dc/elements/1.1/"><rdf:Bag><rdf:li>street</rdf:li></rdf:Bag></subject>
 <description xmlns="http://purl.org/dc/elements/1.1/"><rdf:Alt><rdf:li xml:lang="fr">Une rue</rdf:li></rdf:Alt>
 </description></rdf:Description></rdf:RDF>"""
SEVERAL = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}><!-- of a scanner -->
 <rdf:Description rdf:about="" {TOOLS} xmp:Rating="3"/><rdf:Description rdf:about="" {TOOLS} {IDS}
 xmp:CreatorTool="Scan" xmpMM:InstanceID="7"/><rdf:Description rdf:about="" {DC} dc:description="A street"/>
 </rdf:RDF></x:xmpmeta>"""
PACKETS = {
    "photoshop": PHOTOSHOP,
    "elements": ELEMENTS,
    "prefixes": PREFIXES,
    "several": SEVERAL,
    "padded": f"{ELEMENTS}\n\n\0",
    "unlike": f"<rdf:RDF {RDF}/>",
    "damaged": ELEMENTS[:-4],
    "unbound": ELEMENTS.replace(DC, ""),
    "unwritable": ELEMENTS.replace("Two", "T&#1;o"),
    "entities": f'<!DOCTYPE a [<!ENTITY e "e">]>{ELEMENTS}',
    "latin": ELEMENTS.replace("Two", "\udce9"),
    "none": None,
}
MARKED = """
dc:description dc:format dc:subject
Iptc4xmpExt:AISystemUsed Iptc4xmpExt:AISystemVersionUsed Iptc4xmpExt:DigitalSourceType
photoshop:ColorMode tiff:Orientation xmp:CreatorTool
xmpMM:DerivedFrom xmpMM:DocumentID xmpMM:History xmpMM:InstanceID xmpMM:OriginalDocumentID
""".split()
MARK = """async ({result, source, look}) => {
  const {mark} = await import('./metadata.js');
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  let text = '';
  for (const byte of await mark(bytes(result), bytes(source), look)) text += String.fromCharCode(byte);
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page beside the modules of the local page; nothing is served, and no network is asked."""

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        if not name:
            route.fulfill(content_type="text/html", body="")
        elif name == "constants.js":
            route.fulfill(content_type="text/javascript", body=f"export const ABOUT = {json.dumps(ABOUT)};")
        else:
            folder = WEB / ("static" if name.startswith("vendor/") else "local")
            route.fulfill(content_type="text/javascript", path=folder / name)

    opened = browser.new_page()
    opened.route("**/*", answer)
    opened.goto(ADDRESS)
    yield opened
    opened.close()


@pytest.fixture
def write(gray_pixels: NDArray[np.uint8]) -> Callable[..., bytes]:
    """Returns a function that makes a photograph with a packet."""

    def encoded(xmp: str | None, kind: str = "jpeg") -> bytes:
        plain = read_photo(gray_pixels)
        metadata = dataclasses.replace(plain.metadata, xmp=None if xmp is None else xmp.encode())
        photo = dataclasses.replace(plain, metadata=metadata)
        return encode_photo(photo.open(), like=photo, format=kind)

    return encoded


@pytest.fixture
def mark(page: Any) -> Callable[..., bytes]:
    """Returns a function that lets the page write what it says of a result into it."""

    def marked(result: bytes, source: bytes, **look: Any) -> bytes:
        given = {name: base64.b64encode(data).decode() for name, data in (("result", result), ("source", source))}
        return base64.b64decode(page.evaluate(MARK, {**given, "look": look}))

    return marked


def scan(
    pixels: NDArray[np.uint8], xmp: str | None, caption: bytes = b"", iptc: bytes = b"", orientation: int = 1
) -> bytes:
    """Return a JPEG with just this packet and these captions."""
    image, file, segments = Image.fromarray(pixels), io.BytesIO(), b""
    exif = image.getexif()
    exif[0x0112] = orientation
    if caption:
        exif[0x010E] = caption
    if xmp is not None:
        content = PREFIX + xmp.encode(errors="surrogateescape")
        segments += b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    if iptc:
        records = b"\x1c\x02\x19\0\4city\x1c\x02\x78" + struct.pack(">H", len(iptc)) + iptc
        block = b"8BIM\x03\xed\0\0\0\0\0\x03abc\0" + b"8BIM\x04\x04\x02no\0" + struct.pack(">I", len(records)) + records
        content = b"Photoshop 3.0\0" + block + bytes(len(records) % 2)
        segments += b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
    image.save(file, "jpeg", exif=exif, extra=segments)
    return file.getvalue()


def xmp_of(file: bytes) -> bytes:
    xmp = read_photo(file).metadata.xmp
    assert xmp is not None
    return xmp


def commands(source: bytes, result: bytes, settings: dict[str, Any] | None = None) -> bytes:
    """Return the packet that the command writes of a source and the same settings into a file like the result."""
    digest = hashlib.sha256(source).hexdigest()
    hinted = "hints" in (settings or {})
    made = Marking("Tinct", ABOUT["version"], ABOUT["model"], ABOUT["modelHash"], digest, settings or {}, hinted)
    metadata = read_photo(source).metadata
    outgoing = prepare(metadata, made, sniff(result, "the result"), height=48, width=64, icc=None, srgb=True)
    assert outgoing.xmp is not None
    return outgoing.xmp


def canonical(xmp: bytes) -> str:
    """Return a packet as it is whatever the prefixes are called, wherever they are declared."""
    return ET.canonicalize(xmp.decode(), rewrite_prefixes=True, strip_text=True)


def first_packet(file: bytes) -> bytes:
    """Return the packet that readers see who know of no other segments."""
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        found: list[bytes] = [data for name, data in image.applist if name == "APP1" and data.startswith(PREFIX)]
    assert len(found) == 1
    return found[0].removeprefix(PREFIX)


def check(file: bytes, source: bytes, settings: dict[str, Any], count: int = COUNT) -> None:
    xmp = read_photo(file).metadata.xmp
    assert xmp is not None
    assert Packet.is_sound(xmp)
    assert b"HasExtendedXMP" not in xmp
    found = read_mark(xmp)
    assert found is not None
    assert not found.changed
    assert found.mark.settings == settings
    assert found.mark.source_hash == hashlib.sha256(source).hexdigest()
    text = xmp.decode()
    assert all(f'crs:Setting{number}="{number:0180}é"' in text for number in range(count))


@pytest.mark.parametrize("before", ["jpeg", "png"])
def test_long_xmp_stays_beside_the_mark(before: str, write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP, before)
    assert (source.count(EXTENSION) > 1) == (before == "jpeg")
    file = mark(write(None), source, vividness=0.5)
    check(file, source, {"vividness": 0.5})
    shown = Packet(first_packet(file))
    assert (shown.text("Iptc4xmpExt:DigitalSourceType") or "").endswith("compositeWithTrainedAlgorithmicMedia")
    png = mark(write(None, "png"), source, vividness=0.5)
    check(png, source, {"vividness": 0.5})


def test_short_xmp_is_in_one_segment(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP.replace(SETTINGS, SETTINGS[: SETTINGS.index(" crs:Setting9=")]))
    file = mark(write(None), source)
    assert EXTENSION not in file
    check(file, source, {}, 9)


def test_the_mark_of_many_hints_is_kept_whole(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    hints = [{"x": number, "y": 7, "color": "#a03020", "radius": 3} for number in range(2000)]
    source = write(None)
    file = mark(source, source, hints=hints)
    assert file.count(EXTENSION) > 1
    check(file, source, {"hints": hints}, 0)


def test_a_damaged_rest_counts_as_none(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP)
    at = source.rindex(b"crs:Setting")
    damaged = source[:at] + b"crs:Damaged" + source[at + len(b"crs:Damaged") :]
    file = mark(write(None), damaged)
    check(file, damaged, {}, 0)
    assert b"crs:Damaged" not in file


@pytest.mark.parametrize("name", PACKETS)
def test_the_packet_is_the_command_s(
    name: str, gray_pixels: NDArray[np.uint8], write: Callable[..., bytes], mark: Callable[..., bytes]
) -> None:
    source = scan(gray_pixels, PACKETS[name], orientation=6 if name == "photoshop" else 1)
    hints = [{"x": 3, "y": 4, "color": "#a03020", "radius": 5}]
    for settings in ({}, {"mode": "faithful", "hints": hints}):
        for kind in ("jpeg", "png"):
            file = mark(write(None, kind), source, **settings)
            assert canonical(xmp_of(file)) == canonical(commands(source, file, settings))
            found = read_mark(xmp_of(file))
            assert found is not None
            assert not found.changed
            assert found.mark.settings == settings


def test_what_photoshop_wrote_stays(gray_pixels: NDArray[np.uint8], mark: Callable[..., bytes]) -> None:
    source = scan(gray_pixels, PHOTOSHOP, b"not this", b"nor this")
    packet = Packet(xmp_of(mark(source, source)))
    assert packet.plain("dc:subject") == ["street", "Münster"]
    assert packet.plain("dc:description") == [f"A <street> & a café. {SENTENCE}", "Eine Straße"]
    assert packet.text("xmp:CreatorTool") == "Adobe Photoshop 25.0 (Windows); Tinct 0.1.0"
    assert packet.plain("xmpMM:DerivedFrom") == {
        "stRef:documentID": "adobe:docid:photoshop:1",
        "stRef:instanceID": "xmp.iid:2&3",
    }
    created, saved, colored = packet.plain("xmpMM:History")
    assert [created["stEvt:action"], saved["stEvt:instanceID"]] == ["created", "xmp.iid:2"]
    assert json.loads(colored["stEvt:parameters"])["replaced"] == {
        "xmpMM:DerivedFrom": {"stRef:documentID": "xmp.did:0", "stRef:instanceID": "xmp.iid:1"},
        "xmpMM:InstanceID": "xmp.iid:2&3",
    }
    assert packet.text("photoshop:ColorMode") is None


@pytest.mark.parametrize(
    ("xmp", "caption", "iptc"),
    [
        (None, b"Dad", b""),
        (None, "Großvater im Garten!".encode(), b"not this"),
        (None, "Gro\xdfvater".encode("latin-1"), b""),
        (None, b" ", "Ein Wald, größer.".encode()),
        (SEVERAL.replace("A street", ""), b"", "Ein Wald, gr\xf6\xdfer".encode("latin-1")),
    ],
)
def test_captions_outside_xmp_stay(
    xmp: str | None, caption: bytes, iptc: bytes, gray_pixels: NDArray[np.uint8], mark: Callable[..., bytes]
) -> None:
    source = scan(gray_pixels, xmp, caption, iptc)
    file = mark(source, source)
    assert canonical(xmp_of(file)) == canonical(commands(source, file))
    said = (caption.strip() or iptc).decode("utf-8" if b"\xc3" in caption + iptc else "latin-1")
    assert (Packet(xmp_of(file)).text("dc:description") or "").startswith(said)


def test_a_caption_that_xml_can_not_hold_is_written_without_it(
    gray_pixels: NDArray[np.uint8], mark: Callable[..., bytes]
) -> None:
    source = scan(gray_pixels, None, b"A\x01 street")
    assert Packet(xmp_of(mark(source, source))).text("dc:description") == f"A street. {SENTENCE}"


@pytest.mark.parametrize("name", PACKETS)
def test_coloring_twice_adds_an_event_and_nothing_else(
    name: str, gray_pixels: NDArray[np.uint8], mark: Callable[..., bytes]
) -> None:
    source = scan(gray_pixels, PACKETS[name], b"A caption")
    once = mark(source, source)
    twice = mark(once, once)
    assert canonical(xmp_of(twice)) == canonical(commands(once, twice))
    first, second = Packet(xmp_of(once)), Packet(xmp_of(twice))
    for said in ("dc:description", "xmp:CreatorTool", "dc:subject"):
        assert second.plain(said) == first.plain(said)
    assert second.plain("xmpMM:History")[:-1] == first.plain("xmpMM:History")


def test_a_packet_whose_prefixes_are_all_others_stays(
    gray_pixels: NDArray[np.uint8], mark: Callable[..., bytes]
) -> None:
    source = scan(gray_pixels, ELEMENTS.replace("rdf:", "r:").replace(":rdf=", ':rdf="urn:other" xmlns:r='))
    packet = Packet(xmp_of(mark(source, source)))
    assert packet.text("dc:description") == f"Two <people>! {SENTENCE}"
    assert packet.plain("xmpMM:DerivedFrom") == {"stRef:documentID": "1"}
    assert len(packet.plain("xmpMM:History")) == 2


def test_a_long_packet_with_properties_of_the_mark_s_stays(
    write: Callable[..., bytes], mark: Callable[..., bytes]
) -> None:
    table = f"<dc:source>{'é&lt;' * 20000}</dc:source><dc:subject>"
    source = write(PHOTOSHOP.replace("<dc:subject>", table))
    assert EXTENSION in source
    file = mark(write(None), source)
    assert canonical(xmp_of(file)).count("é&lt;") == 20000
    packet, shown, expected = (Packet(xmp) for xmp in (xmp_of(file), first_packet(file), commands(source, file)))
    for name in MARKED:
        assert packet.plain(name) == shown.plain(name) == expected.plain(name)
    assert (packet.plain("dc:source"), shown.plain("dc:source")) == (expected.plain("dc:source"), None)
