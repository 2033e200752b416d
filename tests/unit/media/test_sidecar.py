"""XMP beside a picture: found, merged, written; damaged ones are refused."""

from __future__ import annotations

import pytest
from PIL import Image

from tinct.errors import OutputExists, UnreadablePhoto
from tinct.media.photo import encode_photo, read_photo
from tinct.media.sidecar import find_sidecar, sidecar_beside, sidecar_of, with_sidecar
from tinct.media.xmp import Packet

OPEN = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"{}>'
CLOSE = "</rdf:RDF></x:xmpmeta>"
OWN = (
    OPEN.format("")
    + """<rdf:Description rdf:about="uuid:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="2" xmp:Label="old">
<a:kept xmlns:a="http://example.org/a/">yes</a:kept>
<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Alt><rdf:li xml:lang="x-default">Old</rdf:li></rdf:Alt></dc:title>
</rdf:Description>"""
    + CLOSE
)
# Prefixes declared above the description, one of them meaning something else than in the other packet.
BESIDE = (
    OPEN.format(' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:a="http://ns.adobe.com/xap/1.0/"')
    + """<rdf:Description rdf:about="" a:Rating="5">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Harbor</rdf:li><rdf:li xml:lang="no">Havn</rdf:li></rdf:Alt></dc:title>
<lr:place xmlns:lr="http://ns.adobe.com/lightroom/1.0/"><rdf:Bag><rdf:li>Oslo</rdf:li></rdf:Bag></lr:place>
</rdf:Description>"""
    + CLOSE
)


@pytest.fixture
def scan(tmp_path, gray_pixels):
    Image.fromarray(gray_pixels).save(tmp_path / "scan.tif")
    return tmp_path / "scan.tif"


def test_both_ways_to_name_it_are_found(scan):
    assert find_sidecar(scan) is None
    scan.with_name("scan.xmp").write_text(OWN)
    assert find_sidecar(scan).name == "scan.xmp"
    scan.with_name("scan.tif.xmp").write_text(OWN)
    assert find_sidecar(scan).name == "scan.tif.xmp"
    assert sidecar_of(scan).name == "scan.tif.xmp"


@pytest.mark.parametrize(("own", "said"), [(1, "6"), (8, "1")])
def test_an_orientation_that_turned_nothing_stays(scan, own, said):
    exif = Image.Exif()
    exif[0x0112] = own
    Image.open(scan).save(scan.with_name("scan.jpg"), exif=exif)
    packet = Packet()
    packet.set_text("tiff:Orientation", "6")
    scan.with_name("scan.jpg.xmp").write_bytes(packet.to_bytes())
    photo = with_sidecar(read_photo(scan.with_name("scan.jpg")), scan.with_name("scan.jpg.xmp"))
    written = read_photo(encode_photo(photo.open(), like=photo, format="png"))
    assert Packet(written.metadata.xmp).text("tiff:Orientation") == said


def test_what_it_says_goes_first_and_the_rest_stays():
    packet = Packet(OWN.encode())
    packet.merge(Packet(BESIDE.encode()))
    again = Packet(packet.to_bytes())
    assert again.text("xmp:Rating") == "5"
    assert again.text("xmp:Label") == "old"
    assert again.text("dc:title") == "Harbor"
    text = again.to_bytes().decode()
    assert text.count("Rating") == 1
    assert "Old<" not in text
    for kept in ("http://example.org/a/", ">yes<", ">Havn<", ">Oslo<"):
        assert kept in text
    assert text.count('rdf:about="uuid:1"') == 2
    # It's still XML after another change, and after merging the same once more.
    packet.merge(Packet(BESIDE.encode()))
    packet.set_text("xmp:Label", "new")
    assert Packet.is_sound(packet.to_bytes())
    assert Packet(packet.to_bytes()).text("dc:title") == "Harbor"


def test_a_photograph_takes_it_over_with_its_hash(scan):
    beside = scan.with_name("scan.xmp")
    beside.write_text(BESIDE)
    photo = with_sidecar(read_photo(scan), beside)
    assert Packet(photo.metadata.xmp).text("dc:title") == "Harbor"
    # sha256sum of the file
    import hashlib

    assert photo.metadata.sidecar_hash == hashlib.sha256(BESIDE.encode()).hexdigest()


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"<x/>", BESIDE.encode()[:-30], b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + BESIDE.encode()]
)
def test_what_is_no_xmp_is_refused(scan, content):
    scan.with_name("scan.xmp").write_bytes(content)
    with pytest.raises(UnreadablePhoto, match="is no XMP, or damaged"):
        with_sidecar(read_photo(scan), scan.with_name("scan.xmp"))
    with pytest.raises(UnreadablePhoto, match="can't be read"):
        with_sidecar(read_photo(scan), scan.with_name("none.xmp"))


def test_it_is_there_only_where_the_result_is(scan, tmp_path):
    target = tmp_path / "out.png"
    with pytest.raises(ZeroDivisionError), sidecar_beside(target, overwrite=False):
        raise ZeroDivisionError
    assert not sidecar_of(target).exists()
    photo = with_sidecar(read_photo(scan), _written(scan.with_name("scan.xmp"), BESIDE))
    with sidecar_beside(target, overwrite=False) as file:
        file.take(photo, target, None, None)
    assert Packet(sidecar_of(target).read_bytes()).text("xmp:Rating") == "5"
    with pytest.raises(OutputExists), sidecar_beside(target, overwrite=False):
        pass


def _written(path, text):
    path.write_text(text)
    return path
