"""Content Credentials (C2PA): a manifest inside the file, signed with the user's certificate.

It says what the mark in XMP says, names the source as the picture's parent with its own credentials where it has any,
and holds the hash of the file as it was before signing: a signature is another one each time, what was signed is not.
Source: C2PA specification 2.4; c2pa-python.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tinct.errors import MissingExtra, OptionError, OutputError
from tinct.media.atomic import scratch_beside
from tinct.media.formats import AVIF, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from tinct.media.ifd import Reader
from tinct.media.marking import SOURCE_TYPE, Marking

EXTRA = "c2pa"
ASSERTION = "org.tinct.making"
"""Label of the assertion that holds what the mark holds, and the hash of the unsigned file."""
_SIGNED = (JPEG, PNG, TIFF, WEBP, AVIF, HEIC, GIF)  # formats that the library reads
_CHUNK = 1 << 20
_BOX = b"jumdc2pa"  # the kind of box that holds a manifest, wherever a format puts it


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key, ready to sign."""

    chain: bytes
    """The certificate and those above it, PEM."""
    key: bytes
    """The private key, PEM, without a password."""
    algorithm: str
    """As C2PA names it: es256, es384, es512, ps256 or ed25519."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificates, in hex."""
        return hashlib.sha256(self.chain).hexdigest()

    @staticmethod
    def check(form: Format) -> None:
        """Refuse a format that holds no signature.

        Raises:
            OutputError: it does not.
        """
        if form not in _SIGNED:
            raise OutputError(f"{form.name} holds no Content Credentials; choose jpeg, png, tiff, webp or avif")

    def sign(
        self, path: Path, form: Format, mark: Marking | None, source: BinaryIO | None, source_format: Format | None
    ) -> None:
        """Sign a finished file in its place.

        Args:
            path: the file.
            form: its format.
            mark: how its colors were made.
            source: what it was made from, None where that is no file.
            source_format: the format of that.

        Raises:
            OutputError: it can't be signed.
        """
        with path.open("rb") as file:
            if form is TIFF and (reader := Reader(file)).next_of(reader.first):
                # The library puts the manifest into a directory of its own at the end, at which libtiff gives up.
                raise OutputError(
                    "a TIFF of several directories (pages, or a pyramid of pages) can't be signed so that "
                    "others can still read it; sign its pages one by one (--pages 2)"
                )
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with scratch_beside(path) as signed:
            with path.open("rb") as plain, signed.open("w+b") as target:
                self.embed(_definition(mark, digest), plain, target, form, source, source_format)
            signed.replace(path)

    def embed(
        self,
        definition: dict[str, Any],
        plain: BinaryIO,
        target: BinaryIO,
        form: Format,
        source: BinaryIO | None,
        source_format: Format | None,
    ) -> None:
        """Write a signed copy; see :meth:`sign`.

        Args:
            definition: the manifest.
            plain: the file to sign.
            target: where the signed one goes.
            form: format of both.
            source: what it was made from.
            source_format: the format of that.

        Raises:
            OutputError: it can't be signed.
        """
        c2pa = _library()
        kind = c2pa.C2paBuilderIntent
        try:
            context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
            with c2pa.Builder(definition, context) as builder:
                if source is not None and source_format in _SIGNED:
                    builder.set_intent(kind.EDIT)
                    parent = {"title": "Original", "relationship": "parentOf"}
                    builder.add_ingredient(parent, source_format.media_type, source)
                else:
                    composite = c2pa.C2paDigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
                    builder.set_intent(kind.CREATE, composite)
                with c2pa.Signer.from_info(c2pa.C2paSignerInfo(self.algorithm, self.chain, self.key, None)) as signer:
                    builder.sign(signer, form.media_type, plain, target)
        except c2pa.C2paError as error:
            raise OutputError(f"it can't be signed ({error})") from error


def load_signer(certificate: Path, key: Path) -> Signer:
    """Read a certificate and its key, and try them.

    Raises:
        MissingExtra: the library for it isn't installed.
        OptionError: a file can't be read, they don't belong together, or C2PA doesn't take such a certificate.
    """
    _library()
    chain, secret = _read("certificate", certificate), _read("key", key)
    signer = Signer(chain, secret, _check(certificate, chain, key, secret))
    try:
        signer.embed(_definition(None, None), io.BytesIO(_SMALLEST_PNG), io.BytesIO(), PNG, None, None)
    except OutputError as error:
        raise OptionError(
            f"the certificate {certificate} can't sign pictures: {error}; C2PA wants the chain of one that is issued "
            "for signing (key usage digitalSignature, extended key usage emailProtection or documentSigning)"
        ) from error
    return signer


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a file's Content Credentials say."""

    state: Literal["trusted", "valid", "invalid"]
    """``trusted``: by somebody on a list of this computer; ``valid``: nothing was changed since."""
    signer: str
    """Who signed it, as the certificate names them."""
    problems: tuple[str, ...]
    """What is wrong, where it is invalid."""
    unsigned: str | None
    """SHA-256 of the file before it was signed, where Tinct signed it."""


def read_credentials(path: Path, form: Format | None) -> Credentials | None:
    """Read and check the Content Credentials of a file; None where it has none.

    Raises:
        MissingExtra: it has some, and the library to read them isn't installed.
    """
    if form not in _SIGNED or not _has_box(path):
        return None
    c2pa = _library()
    try:
        with path.open("rb") as file, c2pa.Reader(form.media_type, file) as reader:
            state, told = reader.get_validation_state(), json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        return Credentials("invalid", "nobody known", (str(error),), None)
    manifest = told["manifests"][told["active_manifest"]]
    info = manifest.get("signature_info") or {}
    names = [info[name] for name in ("common_name", "issuer") if info.get(name)]
    own = [entry["data"] for entry in manifest.get("assertions", []) if entry["label"] == ASSERTION]
    # That nobody on this computer's list vouches for the signer is no fault of the file.
    problems = [entry["code"] for entry in told.get("validation_status", []) if not entry["code"].endswith("untrusted")]
    verdict: Literal["trusted", "valid", "invalid"] = "invalid"
    verdict = "trusted" if state == "Trusted" else "valid" if state == "Valid" else verdict
    unsigned = own[-1].get("unsigned") if own else None
    return Credentials(verdict, ", ".join(names) or "nobody known", tuple(dict.fromkeys(problems)), unsigned)


def _library() -> Any:
    try:
        import c2pa
    except ImportError as error:
        raise MissingExtra("signing, and reading what is signed,", EXTRA) from error
    return c2pa


def _definition(mark: Marking | None, unsigned: str | None) -> dict[str, Any]:
    """Return the manifest to sign."""
    if mark is None:  # a trial
        return {"claim_generator_info": [{"name": "Tinct"}]}
    tool = {"name": mark.software, "version": mark.version}
    action = {
        "action": "c2pa.edited",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": tool,
        "description": mark.sentence,
    }
    return {
        "claim_generator_info": [tool],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": ASSERTION, "data": mark.parameters() | {"unsigned": unsigned}},
        ],
    }


def _read(what: str, path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OptionError(f"the {what} {path} can't be read ({error.strerror or error})") from error
    if b"-----BEGIN" not in data:
        raise OptionError(f"the {what} {path} is no PEM file; convert it, for example with openssl")
    return data


def _check(certificate: Path, chain: bytes, key: Path, secret: bytes) -> str:
    """Return the algorithm of a key that belongs to a certificate which is valid today."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private: Any = load_pem_private_key(secret, None)
    except TypeError as error:
        raise OptionError(f"the key {key} has a password; give one without (openssl pkey -in KEY -out NEW)") from error
    except ValueError as error:
        raise OptionError(f"the key {key} can't be read ({error})") from error
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as error:
        raise OptionError(f"the certificate {certificate} can't be read ({error})") from error
    if own.public_key() != private.public_key():
        raise OptionError(f"the key {key} isn't that of the certificate {certificate} (the first of its chain)")
    now = dt.datetime.now(dt.UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise OptionError(
            f"the certificate {certificate} is valid from {own.not_valid_before_utc:%Y-%m-%d} to "
            f"{own.not_valid_after_utc:%Y-%m-%d}, which isn't today"
        )
    curves = {256: "es256", 384: "es384", 521: "es512"}
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.key_size in curves:
        return curves[private.curve.key_size]
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise OptionError(f"the key {key} is of a kind that C2PA doesn't take; it takes EC, RSA and Ed25519")


def _has_box(path: Path) -> bool:
    """Look for a manifest without the library."""
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if _BOX in tail + chunk:
                return True
            tail = chunk[-len(_BOX) :]
    return False


_SMALLEST_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000"
    "00003a7e9b550000000a49444154789c636000000002000148afa4"
    "710000000049454e44ae426082"
)
