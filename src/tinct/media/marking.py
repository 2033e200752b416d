"""The mark that says a picture's colors were inferred, in XMP and EXIF.

It holds no time, random id or path: ids come from the source's hash and the settings, so equal work gives equal bytes.
Sources: IPTC Photo Metadata Standard 2025.1 (AI properties), IPTC NewsCodes "Digital Source Type", XMP part 2 (xmpMM).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tinct.media.exif import append_tool
from tinct.media.xmp import Packet

SENTENCE = "Colorized from a black-and-white original; colors are inferred"
_HINTED = ", some from hints that a person gave"
_RESTORED = "; restored before: "
Step = Literal["dust", "scratches", "contrast"]
STEPS: tuple[Step, ...] = get_args(Step)
"""Steps of restoration before coloring, in the order in which they are carried out."""
_HASH = "sha256:"
_SAID = re.compile(rf"\s*{SENTENCE}({_HINTED})?({_RESTORED}\w+(, \w+)*)?\.?")
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Address of the digital source type in the IPTC's vocabulary."""


@dataclass(frozen=True, slots=True)
class Marking:
    """What a colorized picture says of its making."""

    software: str
    """Name of the program."""
    version: str
    """Version of the program."""
    model: str
    """Name of the model."""
    model_hash: str
    """SHA-256 of the model's file, in hex."""
    source_hash: str
    """SHA-256 of the source, in hex."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The options that shaped the colors, as JSON holds them; no path of this computer."""
    hinted: bool = False
    """Whether a person gave hints."""
    output: Mapping[str, Any] = field(default_factory=dict)
    """How the file was written: ``format``, ``quality`` where one counts, ``libvips`` (its version)."""

    @property
    def tool(self) -> str:
        """Name and version of the program."""
        return f"{self.software} {self.version}"

    @property
    def sentence(self) -> str:
        """What a caption says of it."""
        steps = self.settings.get("restore", ())
        return SENTENCE + (_HINTED if self.hinted else "") + (_RESTORED + ", ".join(steps) if steps else "")

    def parameters(self) -> dict[str, Any]:
        """Return what the colors came from."""
        found = {
            "model": self.model,
            "modelHash": f"{_HASH}{self.model_hash}",
            "settings": dict(self.settings),
            "sourceHash": f"{_HASH}{self.source_hash}",
        }
        return found | ({"output": dict(self.output)} if self.output else {})

    def id(self) -> str:
        """Return an id that is the same for the same work, and another for any other."""
        return hashlib.sha256(_json({"tool": self.tool} | self.parameters()).encode()).hexdigest()[:32]


def mark_xmp(packet: Packet, mark: Marking, caption: str | None) -> None:
    """Write a mark into an XMP packet. What it replaces is kept in the history's entry.

    Args:
        packet: the source's, changed in place.
        mark: what to say.
        caption: description of the source outside XMP, for a packet that has none: programs show XMP's first.
    """
    replaced = {
        name: value
        for name in ("Iptc4xmpExt:DigitalSourceType", "xmpMM:DerivedFrom", "xmpMM:InstanceID")
        if (value := packet.plain(name)) is not None
    }
    document = packet.text("xmpMM:DocumentID")
    origin = {"stRef:documentID": document or f"sha256:{mark.source_hash}"}
    if instance := packet.text("xmpMM:InstanceID"):
        origin["stRef:instanceID"] = instance

    packet.set_text("Iptc4xmpExt:DigitalSourceType", SOURCE_TYPE)
    packet.set_text("Iptc4xmpExt:AISystemUsed", mark.software)
    packet.set_text("Iptc4xmpExt:AISystemVersionUsed", f"{mark.version} (model {mark.model})")
    packet.set_text("xmp:CreatorTool", append_tool(packet.text("xmp:CreatorTool"), mark.tool))
    packet.set_default_language("dc:description", _describe(packet.text("dc:description") or caption, mark.sentence))
    if document and packet.text("xmpMM:OriginalDocumentID") is None:
        packet.set_text("xmpMM:OriginalDocumentID", document)
    packet.set_text("xmpMM:DocumentID", f"xmp.did:{mark.id()}")
    packet.set_text("xmpMM:InstanceID", f"xmp.iid:{mark.id()}")
    packet.set_struct("xmpMM:DerivedFrom", origin)
    parameters = mark.parameters() | ({"replaced": replaced} if replaced else {})
    packet.append_struct(
        "xmpMM:History",
        {
            "stEvt:action": "edited",
            "stEvt:instanceID": f"xmp.iid:{mark.id()}",
            "stEvt:softwareAgent": mark.tool,
            "stEvt:changed": "/",
            "stEvt:parameters": _json(parameters),
        },
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A mark as a file has it."""

    mark: Marking
    """Who made the colors, and how."""
    changed: bool
    """Whether another program wrote the file since."""


def read_mark(xmp: bytes | None) -> Found | None:
    """Read the last mark that :func:`mark_xmp` wrote into an XMP packet; None where there is none that is whole.

    Args:
        xmp: the file's packet.
    """
    packet = Packet(xmp)
    history = packet.plain("xmpMM:History")
    for event in reversed(history if isinstance(history, list) else []):
        try:
            parameters = json.loads(event["stEvt:parameters"])
            software, _, version = event["stEvt:softwareAgent"].rpartition(" ")
            mark = Marking(
                software=software,
                version=version,
                model=parameters["model"],
                model_hash=parameters["modelHash"].removeprefix(_HASH),
                source_hash=parameters["sourceHash"].removeprefix(_HASH),
                settings=dict(parameters["settings"]),
                hinted="hints" in parameters["settings"],
                output=_checked(dict(parameters.get("output", {}))),
            )
        except (AttributeError, KeyError, TypeError, ValueError):  # another program's event, or a damaged one
            continue
        return Found(mark, packet.text("xmpMM:InstanceID") != f"xmp.iid:{mark.id()}")
    return None


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    """Pass on what a mark says of the file's writing, where the values are of the kinds they should be.

    Raises:
        TypeError: they aren't.
    """
    if output and not (isinstance(output.get("format"), str) and isinstance(output.get("quality", 1), int)):
        raise TypeError("no format, or a quality that is no number")
    return output


def _describe(caption: str | None, sentence: str) -> str:
    """Return a caption with the sentence at its end, in place of what was said there of an earlier coloring."""
    caption = _SAID.sub("", caption or "").strip()
    if not caption:
        return sentence
    return f"{caption}{'' if caption.endswith(('.', '!', '?')) else '.'} {sentence}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
