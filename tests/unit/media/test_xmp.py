from __future__ import annotations

import pytest

from tinct.media.xmp import Packet

LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 5.6">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:zoo="http://zoo.example/ns/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:m="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:e="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmp:CreatorTool="Lightroom" xmp:Rating="4" zoo:animal="llama &amp; kid">
   <dc:description><rdf:Alt>
     <rdf:li xml:lang="x-default">Harbor</rdf:li><rdf:li xml:lang="de">Hafen</rdf:li>
   </rdf:Alt></dc:description>
   <dc:subject><rdf:Bag><rdf:li>ship</rdf:li><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>
   <m:History><rdf:Seq><rdf:li e:action="saved" e:when="2019-01-01"/></rdf:Seq></m:History>
   <m:DerivedFrom rdf:parseType="Resource"><e:action>none</e:action></m:DerivedFrom>
   <!-- kept -->
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def test_reading():
    packet = Packet(LIGHTROOM)
    assert packet.text("xmp:CreatorTool") == "Lightroom"
    assert packet.text("dc:description") == "Harbor"
    assert packet.plain("dc:subject") == ["ship", "sea"]
    assert packet.plain("xmpMM:History") == [{"e:action": "saved", "e:when": "2019-01-01"}]
    assert packet.plain("xmpMM:DerivedFrom") == {"e:action": "none"}
    assert packet.text("xmpMM:DocumentID") is None
    assert packet.plain("xmpMM:DocumentID") is None


def test_what_is_not_touched_stays():
    packet = Packet(LIGHTROOM)
    packet.set_text("xmp:CreatorTool", "Tinct")
    packet.set_default_language("dc:description", "Colored harbor")
    packet.append_struct("xmpMM:History", {"stEvt:action": "edited"})
    packet.set_struct("xmpMM:DerivedFrom", {"stRef:documentID": "sha256:00"})
    written = packet.to_bytes()
    for kept in (b'zoo:animal="llama &amp; kid"', b"Hafen", b"<!-- kept -->", b"xmp:Rating", b'e:when="2019-01-01"'):
        assert kept in written
    again = Packet(written)
    assert again.text("xmp:CreatorTool") == "Tinct"
    assert again.text("dc:description") == "Colored harbor"
    assert again.plain("dc:description") == ["Colored harbor", "Hafen"]
    assert again.plain("xmpMM:History") == [{"e:action": "saved", "e:when": "2019-01-01"}, {"stEvt:action": "edited"}]
    assert again.plain("xmpMM:DerivedFrom") == {"stRef:documentID": "sha256:00"}
    assert again.to_bytes() == written


def test_removing():
    packet = Packet(LIGHTROOM)
    assert packet.remove("xmp:Rating")
    assert packet.remove("dc:subject")
    assert not packet.remove("xmp:Rating")
    again = Packet(packet.to_bytes())
    assert again.text("xmp:Rating") is None
    assert again.text("dc:subject") is None


def test_a_new_packet():
    packet = Packet()
    packet.set_default_language("dc:description", "<Zoë & sons>")
    packet.append_struct("xmpMM:History", {"stEvt:action": "edited"})
    written = packet.to_bytes()
    assert written.startswith(b"<?xpacket begin=")
    assert Packet(written).text("dc:description") == "<Zoë & sons>"
    assert Packet(written).plain("xmpMM:History") == [{"stEvt:action": "edited"}]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no xml",
        b"<a/>",
        b"<x:xmpmeta",
        b'<!DOCTYPE a [<!ENTITY b "bb">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>',
        LIGHTROOM[:900],
    ],
)
def test_damaged_packets_count_as_empty(data):
    packet = Packet(data)
    packet.set_text("xmp:CreatorTool", "Tinct")
    assert Packet(packet.to_bytes()).text("xmp:CreatorTool") == "Tinct"


def test_utf16_and_padding_are_read():
    body = LIGHTROOM.decode().replace("\ufeff", "")
    assert Packet(body.encode("utf-16")).text("xmp:CreatorTool") == "Lightroom"
    assert Packet(LIGHTROOM + b" \n" * 50 + b"\0").text("xmp:CreatorTool") == "Lightroom"


def test_characters_that_xml_lacks_are_left_out():
    packet = Packet(LIGHTROOM)
    packet.set_default_language("dc:description", "The\x01 harbor\x0b,\n\ud800 \U0001f6a2")
    packet.set_text("xmp:CreatorTool", "scan\x00ner")
    written = Packet(packet.to_bytes())
    assert written.text("dc:description") == "The harbor,\n \U0001f6a2"
    assert written.text("xmp:CreatorTool") == "scanner"


def test_the_prefix_rdf_may_mean_something_else():
    root = LIGHTROOM.replace(b"rdf:", b"r:").replace(b"xmlns:rdf=", b"xmlns:r=")
    packet = Packet(root.replace(b"<r:RDF ", b'<r:RDF xmlns:rdf="http://zoo.example/rdf/" '))
    packet.set_struct("xmpMM:DerivedFrom", {"stRef:documentID": "one"})
    packet.append_struct("xmpMM:History", {"stEvt:action": "edited"})
    written = Packet(packet.to_bytes())
    assert written.plain("xmpMM:DerivedFrom") == {"stRef:documentID": "one"}
    assert written.plain("xmpMM:History")[-1] == {"stEvt:action": "edited"}
