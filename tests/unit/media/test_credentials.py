"""Content Credentials: signed with chains made here, checked by the C2PA library with our root as its only trust."""

from __future__ import annotations

import dataclasses
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tinct.errors import MissingExtra, OptionError, OutputError
from tinct.media.credentials import load_signer, read_credentials
from tinct.media.formats import AVIF, JP2, JPEG, PNG, TIFF, WEBP
from tinct.media.marking import Marking
from tinct.media.pages import Pages
from tinct.media.photo import Photo, read_pages, read_photo, write_pages

c2pa = pytest.importorskip("c2pa", reason="the extra [c2pa] isn't installed")
FORMS = {"jpg": JPEG, "png": PNG, "tif": TIFF, "webp": WEBP, "avif": AVIF}
SETTINGS = {"mode": "vivid", "restore": ["dust"]}


@pytest.fixture(scope="module")
def chain(make_chain, tmp_path_factory):
    """A certificate of an archive's scanning desk, its key and the root."""
    return make_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture
def colored(color_pixels, tmp_path):
    """A photograph as read from a file, and what was made of it."""
    Image.fromarray(color_pixels[..., 1]).save(tmp_path / "scan.png")
    source = read_photo(tmp_path / "scan.png")
    mark = Marking("Tinct", "0.1.0", "m", "ab" * 32, source.source_hash, SETTINGS)
    return Photo.from_image(read_photo(color_pixels).open, like=source, mark=mark)


@pytest.mark.parametrize("suffix", FORMS)
def test_every_format_that_can_is_signed_and_trusted(suffix, colored, chain, tmp_path):
    target, plain = tmp_path / f"out.{suffix}", tmp_path / f"plain.{suffix}"
    colored.save(target, signer=load_signer(chain.certificate, chain.key))
    colored.save(plain)
    trust = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": chain.root.read_text()}}
    with target.open("rb") as file, c2pa.Reader(_type(suffix), file, context=c2pa.Context.from_dict(trust)) as reader:
        assert reader.get_validation_state() == "Trusted"
        told = json.loads(reader.json())
    manifest = told["manifests"][told["active_manifest"]]
    assertions = {entry["label"]: entry["data"] for entry in manifest["assertions"]}
    actions = assertions["c2pa.actions.v2"]["actions"]
    assert actions[-1]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert "restored before: dust" in actions[-1]["description"]
    making = assertions["org.tinct.making"]
    assert making["settings"] == SETTINGS
    assert making["sourceHash"] == f"sha256:{colored.source_hash}"
    import hashlib

    assert making["unsigned"] == hashlib.sha256(plain.read_bytes()).hexdigest()
    (parent,) = manifest["ingredients"]
    assert (parent["relationship"], parent["format"]) == ("parentOf", "image/png")
    np.testing.assert_array_equal(read_photo(target).to_numpy(), read_photo(plain).to_numpy())
    assert read_photo(target).metadata.xmp == read_photo(plain).metadata.xmp
    for path in (str(tmp_path), "scan.png"):
        assert path.encode() not in target.read_bytes()


def _type(suffix: str) -> str:
    return "image/" + {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519"])
def test_keys_of_every_kind(kind, make_chain, colored, tmp_path):
    made = make_chain(tmp_path, kind=kind)
    colored.save(tmp_path / "out.png", signer=load_signer(made.certificate, made.key))
    found = read_credentials(tmp_path / "out.png", PNG)
    assert (found.state, found.signer, found.problems) == ("valid", "Scanning desk, City Archive", ())


def test_a_changed_file_is_invalid_and_a_plain_one_has_none(colored, chain, tmp_path):
    colored.save(tmp_path / "plain.jpg")
    assert read_credentials(tmp_path / "plain.jpg", JPEG) is None
    colored.save(tmp_path / "out.jpg", signer=load_signer(chain.certificate, chain.key))
    data = bytearray((tmp_path / "out.jpg").read_bytes())
    data[-100] ^= 1
    (tmp_path / "out.jpg").write_bytes(data)
    found = read_credentials(tmp_path / "out.jpg", JPEG)
    assert (found.state, found.problems) == ("invalid", ("assertion.dataHash.mismatch",))


def test_credentials_of_the_source_are_kept_as_its_parent_s(colored, chain, tmp_path, color_pixels):
    signer = load_signer(chain.certificate, chain.key)
    colored.save(tmp_path / "first.jpg", signer=signer)
    source = read_photo(tmp_path / "first.jpg")
    again = Photo.from_image(source.open, like=source, mark=colored.mark)
    again.save(tmp_path / "second.jpg", signer=signer)
    again.save(tmp_path / "unsigned.jpg")
    assert read_credentials(tmp_path / "second.jpg", JPEG).state == "valid"
    with (tmp_path / "second.jpg").open("rb") as file, c2pa.Reader("image/jpeg", file) as reader:
        assert len(json.loads(reader.json())["manifests"]) == 2
    # Unsigned, nothing claims what no longer holds.
    assert read_credentials(tmp_path / "unsigned.jpg", JPEG) is None


def test_an_array_has_no_parent(color_pixels, chain, tmp_path):
    photo = read_photo(color_pixels)
    mark = Marking("Tinct", "0.1.0", "m", "ab" * 32, photo.source_hash)
    signer = load_signer(chain.certificate, chain.key)
    Photo.from_image(photo.open, like=photo, mark=mark).save(tmp_path / "out.png", signer=signer)
    assert read_credentials(tmp_path / "out.png", PNG).state == "valid"


def test_what_can_t_be_signed_is_refused_before_it_is_written(colored, chain, tmp_path):
    signer = load_signer(chain.certificate, chain.key)
    with pytest.raises(OutputError, match="jp2 holds no Content Credentials"):
        colored.save(tmp_path / "out.jp2", signer=signer)
    album = io.BytesIO()
    Image.new("L", (40, 30)).save(album, "TIFF", save_all=True, append_images=[Image.new("L", (20, 30))])
    with pytest.raises(OptionError, match="several pages can't be signed"):
        write_pages(read_pages(album.getvalue(), Pages()), tmp_path / "out.tif", signer=signer)
    pyramid = io.BytesIO(read_photo(np.zeros((600, 800), np.uint8)).open().tiffsave_buffer(tile=True, pyramid=True))
    with pytest.raises(OutputError, match="several directories"):
        read_photo(pyramid.getvalue()).save(tmp_path / "out.tif", signer=signer)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.png"]
    assert read_credentials(tmp_path / "scan.png", JP2) is None


def test_certificates_and_keys_that_don_t_do(make_chain, chain, tmp_path):
    other = make_chain(tmp_path)
    (tmp_path / "junk.pem").write_text("no PEM")
    (tmp_path / "torn.pem").write_text(chain.certificate.read_text()[:200])
    cases = [
        (tmp_path / "none.pem", chain.key, "can't be read"),
        (tmp_path / "junk.pem", chain.key, "no PEM file"),
        (tmp_path / "torn.pem", chain.key, "can't be read"),
        (chain.certificate, tmp_path / "junk.pem", "no PEM file"),
        (chain.certificate, other.key, "isn't that of the certificate"),
        (chain.certificate, chain.certificate, "can't be read"),
        (*_pair(make_chain(tmp_path / "old", days=-2)), "which isn't today"),
        (*_pair(make_chain(tmp_path / "locked", password=b"secret")), "has a password"),
        (*_pair(make_chain(tmp_path / "web", signing=False)), "can't sign pictures"),
    ]
    for certificate, key, said in cases:
        with pytest.raises(OptionError, match=said):
            load_signer(certificate, key)


def _pair(made):
    return made.certificate, made.key


def test_without_the_library_the_extra_is_named(colored, chain, tmp_path, monkeypatch):
    colored.save(tmp_path / "out.jpg", signer=load_signer(chain.certificate, chain.key))
    colored.save(tmp_path / "plain.jpg")
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingExtra, match=r"tinct\[c2pa\]"):
        load_signer(chain.certificate, chain.key)
    with pytest.raises(MissingExtra, match=r"tinct\[c2pa\]"):
        read_credentials(tmp_path / "out.jpg", JPEG)
    assert read_credentials(tmp_path / "plain.jpg", JPEG) is None


def test_a_photograph_without_a_mark_can_be_signed(colored, chain, tmp_path):
    bare = dataclasses.replace(colored, mark=None)
    bare.save(tmp_path / "out.png", signer=load_signer(chain.certificate, chain.key))
    assert read_credentials(tmp_path / "out.png", PNG).state == "valid"
