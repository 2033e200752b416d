from __future__ import annotations

import dataclasses
import json

import pytest

from tinct.media.marking import SENTENCE, Marking, mark_xmp
from tinct.media.xmp import Packet

MARK = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, "cd" * 32, {"mode": "vivid", "hints": [[1, 2]]})


def marked(mark: Marking = MARK, packet: Packet | None = None, caption: str | None = None) -> Packet:
    packet = packet or Packet()
    mark_xmp(packet, mark, caption)
    return Packet(packet.to_bytes())


def test_the_mark_says_what_the_standard_asks():
    packet = marked()
    source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    assert packet.text("Iptc4xmpExt:DigitalSourceType") == source_type
    assert packet.text("Iptc4xmpExt:AISystemUsed") == "Tinct"
    assert packet.text("Iptc4xmpExt:AISystemVersionUsed") == "0.1.0 (model tinct)"
    assert packet.text("xmp:CreatorTool") == "Tinct 0.1.0"
    assert packet.text("dc:description") == SENTENCE
    assert packet.plain("xmpMM:DerivedFrom") == {"stRef:documentID": f"sha256:{'cd' * 32}"}
    [event] = packet.plain("xmpMM:History")
    assert event["stEvt:softwareAgent"] == "Tinct 0.1.0"
    assert json.loads(event["stEvt:parameters"]) == {
        "model": "tinct",
        "modelHash": f"sha256:{'ab' * 32}",
        "settings": {"hints": [[1, 2]], "mode": "vivid"},
        "sourceHash": f"sha256:{'cd' * 32}",
    }


def test_equal_work_gives_equal_bytes_and_other_work_other_ids():
    assert marked().to_bytes() == marked().to_bytes()
    other = dataclasses.replace(MARK, settings={"mode": "faithful"})
    assert marked(other).text("xmpMM:InstanceID") != marked().text("xmpMM:InstanceID")


def test_hints_of_a_person():
    hinted = marked(dataclasses.replace(MARK, hinted=True))
    assert "hints that a person gave" in (hinted.text("dc:description") or "")
    assert (hinted.text("Iptc4xmpExt:DigitalSourceType") or "").endswith("compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("caption", "expected"),
    [(None, SENTENCE), ("Harbor", f"Harbor. {SENTENCE}"), ("Harbor!", f"Harbor! {SENTENCE}"), (SENTENCE, SENTENCE)],
)
def test_the_caption_comes_first(caption, expected):
    assert marked(caption=caption).text("dc:description") == expected


def test_the_caption_says_what_is_true_of_the_last_coloring():
    steps = dataclasses.replace(MARK, hinted=True, settings={"restore": ["dust", "contrast"]})
    first = marked(steps, caption="Harbor")
    assert first.text("dc:description").endswith("a person gave; restored before: dust, contrast")
    assert marked(MARK, first).text("dc:description") == f"Harbor. {SENTENCE}"
    assert marked(MARK, marked(steps)).text("dc:description") == SENTENCE
    assert marked(steps, marked(MARK)).text("dc:description") == steps.sentence
    assert marked(MARK, caption=f"{steps.sentence}. Box 7").text("dc:description") == f"Box 7. {SENTENCE}"


def test_marking_twice_keeps_the_first_and_says_the_sentence_once():
    first = marked(caption="Harbor")
    document = first.text("xmpMM:DocumentID")
    second = marked(dataclasses.replace(MARK, settings={}, source_hash="ef" * 32), first, "Harbor")
    assert second.text("dc:description") == f"Harbor. {SENTENCE}"
    assert second.text("xmp:CreatorTool") == "Tinct 0.1.0"
    assert second.text("xmpMM:OriginalDocumentID") == document
    events = second.plain("xmpMM:History")
    assert len(events) == 2
    replaced = json.loads(events[1]["stEvt:parameters"])["replaced"]
    assert replaced["xmpMM:DerivedFrom"] == {"stRef:documentID": f"sha256:{'cd' * 32}"}
    assert replaced["Iptc4xmpExt:DigitalSourceType"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert second.plain("xmpMM:DerivedFrom")["stRef:documentID"] == document
