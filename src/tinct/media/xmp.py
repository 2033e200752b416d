"""XMP packets: read, changed in place, written back. What isn't touched stays as it was, under the names it had.

Source: ISO 16684-1 (XMP, data model and serialization).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS = "http://www.w3.org/2000/xmlns/"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "rdf": RDF,
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (2.2) doesn't have, such as control characters in an old caption."""
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'
_BEGIN = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = b'\n<?xpacket end="w"?>'


class Packet:
    """An XMP packet; properties are named with their usual prefix, as in ``dc:description``."""

    def __init__(self, data: bytes | None = None) -> None:
        """Read a packet; one that is missing, damaged, or declares entities (no XMP does) counts as empty."""
        self._document = self._parse(data) or minidom.parseString(_EMPTY)
        self._rdf = self._document.getElementsByTagNameNS(RDF, "RDF")[0]
        if not self._descriptions():
            first = self._child(self._rdf, "rdf:Description")
            first.setAttributeNS(RDF, "rdf:about", "")

    def text(self, name: str) -> str | None:
        """Return a property: a plain value, or the default language's of several; None where there is none."""
        for found in self._find(name):
            items = [] if isinstance(found, minidom.Attr) else list(found.getElementsByTagNameNS(RDF, "li"))
            items.sort(key=lambda item: item.getAttribute("xml:lang") != "x-default")
            return _value(items[0] if items else found)
        return None

    def plain(self, name: str) -> Any:
        """Return a property of any kind as JSON holds it: text, list or dictionary; None where there is none."""
        for found in self._find(name):
            return found.value if isinstance(found, minidom.Attr) else _plain(found)
        return None

    def remove(self, name: str) -> bool:
        """Take a property out, and say whether it was there."""
        prefix, _, local = name.partition(":")
        return self._drop(NAMESPACES[prefix], local)

    def set_text(self, name: str, value: str) -> None:
        """Set a plain property."""
        self.remove(name)
        self._add_text(self._descriptions()[0], name, value)

    def set_attribute(self, name: str, value: str) -> None:
        """Set a plain property as an attribute, for readers that look for this form alone."""
        self.remove(name)
        prefix, first = name.partition(":")[0], self._descriptions()[0]
        first.setAttributeNS(XMLNS, f"xmlns:{prefix}", NAMESPACES[prefix])
        first.setAttributeNS(NAMESPACES[prefix], name, value)

    def set_struct(self, name: str, fields: Mapping[str, str]) -> None:
        """Set a property that has fields of its own."""
        self.remove(name)
        self._add_fields(self._child(self._descriptions()[0], name), fields)

    def set_default_language(self, name: str, value: str) -> None:
        """Set the default language's text of a property that may have several; the other languages stay."""
        found = next((node for node in self._find(name) if isinstance(node, minidom.Element)), None)
        items = list(found.getElementsByTagNameNS(RDF, "li")) if found is not None else []
        for item in items:
            if item.getAttribute("xml:lang") == "x-default":
                self._set_value(item, value)
                return
        self.remove(name)
        languages = self._child(self._child(self._descriptions()[0], name), "rdf:Alt")
        self._add_text(languages, "rdf:li", value).setAttribute("xml:lang", "x-default")
        for item in items:
            languages.appendChild(item)

    def set_list(self, name: str, kind: str, values: Sequence[str]) -> None:
        """Set a property that is a list: ``rdf:Bag`` without order, ``rdf:Seq`` in order."""
        self.remove(name)
        row = self._child(self._child(self._descriptions()[0], name), kind)
        for value in values:
            self._add_text(row, "rdf:li", value)

    def append_struct(self, name: str, fields: Mapping[str, str]) -> None:
        """Append to a property that is a list of structures in order."""
        found = next((node for node in self._find(name) if isinstance(node, minidom.Element)), None)
        if found is None:
            found = self._child(self._descriptions()[0], name)
        rows = found.getElementsByTagNameNS(RDF, "Seq")
        row = rows[0] if rows else self._child(found, "rdf:Seq")
        self._add_fields(self._child(row, "rdf:li"), fields)

    def change_fields(self, name: str, prefix: str, change: Callable[[dict[str, str]], Mapping[str, str]]) -> bool:
        """Change plain fields of the structures inside a property, however deep, and say whether any differ now.

        Args:
            name: of the property.
            prefix: of the fields.
            change: gets those of a structure by their local names, and returns the new values of some.
        """
        differs = False
        for found in self._find(name):
            inside = [found, *found.getElementsByTagName("*")] if isinstance(found, minidom.Element) else []
            for element in inside:
                nodes = (*element.attributes.values(), *element.childNodes)
                fields = {node.localName: node for node in nodes if node.namespaceURI == NAMESPACES[prefix]}
                values = {local: _value(node) for local, node in fields.items()}
                for local, value in change(values).items() if values else ():
                    if value != values[local]:
                        self._set_value(fields[local], value)
                        differs = True
        return differs

    def merge(self, other: Packet) -> None:
        """Take all properties of another packet, in place of those of the same name; none are left in that one."""
        for description in other._descriptions():
            _declare_as_above(description, description)
            for node in _properties(description):
                self._drop(node.namespaceURI, node.localName)
            description.setAttributeNS(RDF, "rdf:about", self._descriptions()[0].getAttributeNS(RDF, "about"))
            self._rdf.appendChild(description)

    def split(self, most: int, staying: Sequence[str]) -> Packet:
        """Move properties, the longest first, to another packet, until this one has no more bytes than ``most``.

        Args:
            most: bytes.
            staying: names of properties that stay here.
        """
        names = [name.partition(":") for name in staying]
        kept = {(NAMESPACES[prefix], local) for prefix, _, local in names}
        excess = len(self.to_bytes()) - most
        found = [(_length(node), node) for description in self._descriptions() for node in _properties(description)]
        moving = set()
        for length, node in sorted(found, key=lambda pair: pair[0], reverse=True):
            if excess > 0 and (node.namespaceURI, node.localName) not in kept:
                moving.add(node)
                excess -= length
        other = Packet()
        blank = other._descriptions()[0]
        for description in self._descriptions():
            twin: Any = description.cloneNode(False)
            other._rdf.appendChild(twin)
            _declare_as_above(twin, description)
            for node in _properties(description):
                if isinstance(node, minidom.Attr):
                    (description if node in moving else twin).removeAttribute(node.name)
                elif node in moving:
                    twin.appendChild(node)
        other._rdf.removeChild(blank)
        return other

    def to_bytes(self) -> bytes:
        """Return the packet, in UTF-8."""
        return _BEGIN + self.body() + _END

    def body(self) -> bytes:
        """Return the packet without what wraps it, in UTF-8."""
        nodes = self._document.childNodes
        return "".join(node.toxml() for node in nodes if node.nodeType != node.PROCESSING_INSTRUCTION_NODE).encode()

    @classmethod
    def is_sound(cls, data: bytes) -> bool:
        """Tell whether a packet can be read, and has properties or could have."""
        return cls._parse(data) is not None

    @staticmethod
    def _parse(data: bytes | None) -> minidom.Document | None:
        if not data or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            return None
        if b"\0" not in data[:4]:  # else it is UTF-16
            data = data.strip(b"\0 \r\n\t")
        try:
            document = minidom.parseString(data)
        except (ExpatError, ValueError, LookupError):
            return None
        return document if document.getElementsByTagNameNS(RDF, "RDF") else None

    def _descriptions(self) -> list[minidom.Element]:
        return [
            node
            for node in self._rdf.childNodes
            if isinstance(node, minidom.Element) and (node.namespaceURI, node.localName) == (RDF, "Description")
        ]

    def _find(self, name: str) -> Iterator[Any]:
        prefix, _, local = name.partition(":")
        yield from self._nodes(NAMESPACES[prefix], local)

    def _drop(self, space: str, local: str) -> bool:
        found = list(self._nodes(space, local))
        for node in found:
            _detach(node)
        return bool(found)

    def _nodes(self, space: str, local: str) -> Iterator[Any]:
        for description in self._descriptions():
            if description.hasAttributeNS(space, local):
                yield description.getAttributeNodeNS(space, local)
            for node in list(description.childNodes):
                if isinstance(node, minidom.Element) and (node.namespaceURI, node.localName) == (space, local):
                    yield node

    def _child(self, parent: Any, name: str) -> Any:
        """Append an element."""
        prefix = name.partition(":")[0]
        element = parent.appendChild(self._document.createElementNS(NAMESPACES[prefix], name))
        self._declare(element, prefix)
        return element

    @staticmethod
    def _declare(element: Any, prefix: str) -> None:
        """Declare a prefix at an element where it isn't known or means something else."""
        space, above = NAMESPACES[prefix], element
        while isinstance(above, minidom.Element) and not above.hasAttribute(f"xmlns:{prefix}"):
            above = above.parentNode
        if not isinstance(above, minidom.Element) or above.getAttribute(f"xmlns:{prefix}") != space:
            element.setAttributeNS(XMLNS, f"xmlns:{prefix}", space)

    def _text(self, value: str) -> Any:
        return self._document.createTextNode(_NO_XML.sub("", value))

    def _add_text(self, parent: Any, name: str, value: str) -> Any:
        element = self._child(parent, name)
        element.appendChild(self._text(value))
        return element

    def _set_value(self, node: Any, value: str) -> None:
        """Replace the text of an attribute or an element."""
        if isinstance(node, minidom.Attr):
            node.value = value
            return
        for child in list(node.childNodes):
            node.removeChild(child)
        node.appendChild(self._text(value))

    def _add_fields(self, element: Any, fields: Mapping[str, str]) -> None:
        self._declare(element, "rdf")
        element.setAttributeNS(RDF, "rdf:parseType", "Resource")
        for name, value in fields.items():
            self._add_text(element, name, value)


def _detach(node: Any) -> None:
    owner: Any = node.ownerElement if isinstance(node, minidom.Attr) else node.parentNode
    (owner.removeAttributeNode if isinstance(node, minidom.Attr) else owner.removeChild)(node)


def _properties(description: minidom.Element) -> list[Any]:
    """Return the nodes of a description's properties, attributes and elements, in order."""
    return [
        node
        for nodes in (description.attributes.values(), description.childNodes)
        for node in nodes
        if isinstance(node, (minidom.Attr, minidom.Element)) and node.namespaceURI not in (RDF, XMLNS, None)
    ]


def _declare_as_above(node: Any, description: minidom.Element) -> None:
    """Declare at a node the prefixes that are declared above a description."""
    above = description.parentNode
    while isinstance(above, minidom.Element):
        for attribute in above.attributes.values():
            if attribute.namespaceURI == XMLNS and not node.hasAttribute(attribute.name):
                node.setAttributeNS(XMLNS, attribute.name, attribute.value)
        above = above.parentNode


def _length(node: Any) -> int:
    """Return how many bytes a property takes at least."""
    return len((f'{node.name}=""{node.value}' if isinstance(node, minidom.Attr) else node.toxml()).encode())


def _value(node: Any) -> str:
    return str(node.value) if isinstance(node, minidom.Attr) else _content(node).strip()


def _content(element: Any) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text))


def _plain(element: Any) -> Any:
    children = [node for node in element.childNodes if isinstance(node, minidom.Element)]
    if len(children) == 1 and children[0].namespaceURI == RDF:
        if children[0].localName in ("Seq", "Bag", "Alt"):
            return [_plain(item) for item in children[0].childNodes if isinstance(item, minidom.Element)]
        return _plain(children[0])
    fields = {
        attribute.name: attribute.value
        for attribute in element.attributes.values()
        if attribute.namespaceURI not in (RDF, XMLNS) and attribute.prefix != "xml"
    }
    fields |= {node.nodeName: _plain(node) for node in children}
    return fields or _content(element).strip()
