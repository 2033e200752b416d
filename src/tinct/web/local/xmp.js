/**
 * XMP packets: read, changed in place, written back. What isn't touched stays as it was, under the names it had.
 *
 * Source: ISO 16684-1 (XMP, data model and serialization); tinct.media.xmp does the same.
 */
import {DOMParser, onWarningStopParsing, XMLSerializer} from '../vendor/xmldom.js';
import {utf8} from './bytes.js';

const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
const NAMESPACES = {
  dc: 'http://purl.org/dc/elements/1.1/',
  exif: 'http://ns.adobe.com/exif/1.0/',
  MP: 'http://ns.microsoft.com/photo/1.2/',
  MPReg: 'http://ns.microsoft.com/photo/1.2/t/Region#',
  'mwg-rs': 'http://www.metadataworkinggroup.com/schemas/regions/',
  Iptc4xmpExt: 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/',
  photoshop: 'http://ns.adobe.com/photoshop/1.0/',
  rdf: RDF,
  stArea: 'http://ns.adobe.com/xmp/sType/Area#',
  stDim: 'http://ns.adobe.com/xap/1.0/sType/Dimensions#',
  stEvt: 'http://ns.adobe.com/xap/1.0/sType/ResourceEvent#',
  stRef: 'http://ns.adobe.com/xap/1.0/sType/ResourceRef#',
  tiff: 'http://ns.adobe.com/tiff/1.0/',
  xmp: 'http://ns.adobe.com/xap/1.0/',
  xmpMM: 'http://ns.adobe.com/xap/1.0/mm/',
  xmpNote: 'http://ns.adobe.com/xmp/note/',
};
/** Namespaces of attributes that are no properties. */
const SYNTAX = [RDF, 'http://www.w3.org/2000/xmlns/', 'http://www.w3.org/XML/1998/namespace'];
const EMPTY = utf8(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}"/></x:xmpmeta>`);
const BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n';
const END = '\n<?xpacket end="w"?>';
/** Letters that no XML may hold. */
const FOREIGN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const [ELEMENT, ATTRIBUTE, TEXT, CDATA, INSTRUCTION] = [1, 2, 3, 4, 7];

const isElement = (node) => node.nodeType === ELEMENT;
const isAttribute = (node) => node.nodeType === ATTRIBUTE;
const isDefault = (item) => item.getAttribute('xml:lang') === 'x-default';
const items = (element) => [...element.getElementsByTagNameNS(RDF, 'li')];
const serialize = (node) => new XMLSerializer().serializeToString(node);

/** Namespace and local name of a property that is named with its usual prefix. */
function resolve(name) {
  const [prefix, local] = name.split(':');
  return [NAMESPACES[prefix], local];
}

/** A packet as a document, without what wraps it; null where it is missing, damaged, or declares entities. */
function parse(bytes) {
  if (bytes === null) return null;
  try {
    const [text] = new TextDecoder('utf-8', {fatal: true}).decode(bytes).split('\0', 1);
    if (/<!DOCTYPE|<!ENTITY/.test(text)) return null;
    const found = new DOMParser({onError: onWarningStopParsing}).parseFromString(text.trim(), 'text/xml');
    for (const node of [...found.childNodes]) if (node.nodeType === INSTRUCTION) found.removeChild(node);
    const isSound = serialize(found).search(FOREIGN) < 0 && found.getElementsByTagNameNS(RDF, 'RDF').length > 0;
    return isSound ? found : null;
  } catch {
    // Whatever of it can't be read: it is damaged.
    return null;
  }
}

function detach(node) {
  if (isAttribute(node)) node.ownerElement.removeAttributeNode(node);
  else node.parentNode.removeChild(node);
}

/** How many bytes a property takes at least; declarations may be there for others already. */
function size(node) {
  if (isAttribute(node)) return utf8(`${node.name}=""${node.value}`).length;
  return utf8(serialize(node).replace(/ xmlns(:[^=\s]+)?="[^"]*"/g, '')).length;
}

function content(element) {
  const texts = [...element.childNodes].filter(({nodeType}) => nodeType === TEXT || nodeType === CDATA);
  return texts.map(({data}) => data).join('').trim();
}

function plain(element) {
  const children = [...element.childNodes].filter(isElement);
  if (children.length === 1 && children[0].namespaceURI === RDF) {
    const [inner] = children;
    return ['Seq', 'Bag', 'Alt'].includes(inner.localName)
      ? [...inner.childNodes].filter(isElement).map(plain)
      : plain(inner);
  }
  const attributes = [...element.attributes].filter(({namespaceURI}) => !SYNTAX.includes(namespaceURI));
  const fields = [
    ...attributes.map(({name, value}) => [name, value]),
    ...children.map((node) => [node.nodeName, plain(node)]),
  ];
  return fields.length ? Object.fromEntries(fields) : content(element);
}

/** An XMP packet; properties are named with their usual prefix, as in dc:description. */
export class Packet {
  /** Reads the bytes of a packet; one that is missing, damaged, or declares entities (no XMP does) counts as empty. */
  constructor(bytes = null) {
    this.document = parse(bytes) ?? parse(EMPTY);
    this.rdf = this.document.getElementsByTagNameNS(RDF, 'RDF').item(0);
    if (!this.descriptions().length) this.child(this.rdf, 'rdf:Description').setAttributeNS(RDF, 'rdf:about', '');
  }

  /** A property: a plain value, or the default language's of several; null where there is none. */
  text(name) {
    const [found] = this.nodes(...resolve(name));
    if (found === undefined) return null;
    if (isAttribute(found)) return found.value;
    const languages = items(found);
    return content(languages.find(isDefault) ?? languages[0] ?? found);
  }

  /** A property of any kind as JSON holds it: text, list or dictionary; null where there is none. */
  plain(name) {
    const [found] = this.nodes(...resolve(name));
    if (found === undefined) return null;
    return isAttribute(found) ? found.value : plain(found);
  }

  /** Take a property out. */
  remove(name) {
    this.nodes(...resolve(name)).forEach(detach);
  }

  /** Set a plain property. */
  setText(name, value) {
    this.remove(name);
    this.addText(this.descriptions()[0], name, value);
  }

  /** Set a plain property as an attribute, for readers that look for this form alone. */
  setAttribute(name, value) {
    this.remove(name);
    this.descriptions()[0].setAttributeNS(resolve(name)[0], name, value);
  }

  /** Set a property that has fields of its own. */
  setStruct(name, fields) {
    this.remove(name);
    this.addFields(this.child(this.descriptions()[0], name), fields);
  }

  /** Set the default language's text of a property that may have several; the other languages stay. */
  setDefaultLanguage(name, value) {
    const found = this.nodes(...resolve(name)).find(isElement);
    const languages = found ? items(found) : [];
    const own = languages.find(isDefault);
    if (own) {
      this.setValue(own, value);
      return;
    }
    this.remove(name);
    const all = this.child(this.child(this.descriptions()[0], name), 'rdf:Alt');
    this.addText(all, 'rdf:li', value).setAttribute('xml:lang', 'x-default');
    for (const language of languages) all.appendChild(language);
  }

  /** Append to a property that is a list of structures in order. */
  appendStruct(name, fields) {
    const found = this.nodes(...resolve(name)).find(isElement) ?? this.child(this.descriptions()[0], name);
    const row = found.getElementsByTagNameNS(RDF, 'Seq').item(0) ?? this.child(found, 'rdf:Seq');
    this.addFields(this.child(row, 'rdf:li'), fields);
  }

  /**
   * Change plain fields of the structures inside a property, however deep: `change` gets those with a prefix by their
   * local names, and returns the new values of some.
   */
  changeFields(name, prefix, change) {
    for (const found of this.nodes(...resolve(name)).filter(isElement)) {
      for (const element of [found, ...found.getElementsByTagName('*')]) {
        const nodes = [...element.attributes, ...element.childNodes];
        const fields = nodes.filter(({namespaceURI}) => namespaceURI === NAMESPACES[prefix]);
        const values = fields.map((node) => [node.localName, isAttribute(node) ? node.value : content(node)]);
        const changed = change(Object.fromEntries(values));
        for (const node of fields) if (node.localName in changed) this.setValue(node, changed[node.localName]);
      }
    }
  }

  /** Take over all properties of another packet, in place of those of the same name. */
  merge(other) {
    for (const description of other.descriptions()) {
      const node = this.document.importNode(description, true);
      for (const {namespaceURI, localName} of this.propertiesOf(node)) {
        this.nodes(namespaceURI, localName).forEach(detach);
      }
      node.setAttributeNS(RDF, 'rdf:about', this.descriptions()[0].getAttributeNS(RDF, 'about') ?? '');
      this.rdf.appendChild(node);
    }
  }

  /** Move properties, the longest first, but for those that are named, to a new packet until here are no more bytes. */
  split(most, staying) {
    const moved = new Packet(this.toBytes());
    const kept = new Set(staying.flatMap((name) => this.nodes(...resolve(name))));
    const copies = moved.properties();
    const pairs = this.properties().map((own, index) => ({own, copy: copies[index], length: size(own)}));
    let excess = this.toBytes().length - most;
    for (const {own, copy, length} of pairs.sort((one, other) => other.length - one.length)) {
      const stays = excess <= 0 || kept.has(own);
      detach(stays ? copy : own);
      if (!stays) excess -= length;
    }
    return moved;
  }

  /** The packet in UTF-8. */
  toBytes() {
    return utf8(`${BEGIN}${serialize(this.document)}${END}`);
  }

  /** The packet without what wraps it, in UTF-8. */
  body() {
    return utf8(serialize(this.document));
  }

  descriptions() {
    return [...this.rdf.childNodes].filter((node) => node.namespaceURI === RDF && node.localName === 'Description');
  }

  propertiesOf(description) {
    const nodes = [...description.attributes, ...description.childNodes];
    return nodes.filter(({namespaceURI}) => namespaceURI && !SYNTAX.includes(namespaceURI));
  }

  properties() {
    return this.descriptions().flatMap((description) => this.propertiesOf(description));
  }

  nodes(space, local) {
    return this.properties().filter((node) => node.namespaceURI === space && node.localName === local);
  }

  /** Append an element; its prefix is declared when it is written, where that isn't known or means something else. */
  child(parent, name) {
    return parent.appendChild(this.document.createElementNS(resolve(name)[0], name));
  }

  /** Replace the text of an attribute or an element. */
  setValue(node, value) {
    if (isAttribute(node)) {
      node.value = value;
      return;
    }
    [...node.childNodes].forEach(detach);
    this.write(node, value);
  }

  write(element, value) {
    element.appendChild(this.document.createTextNode(value.replace(FOREIGN, '')));
  }

  addText(parent, name, value) {
    const element = this.child(parent, name);
    this.write(element, value);
    return element;
  }

  addFields(element, fields) {
    element.setAttributeNS(RDF, 'rdf:parseType', 'Resource');
    for (const [name, value] of Object.entries(fields)) this.addText(element, name, value);
  }
}
