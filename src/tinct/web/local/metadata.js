/**
 * What a file says beside its pixels: kept in the result, with the mark that its colors were inferred.
 *
 * The mark is the one that tinct.media.marking writes, so `tinct inspect` reads it. Formats: JPEG (ISO 10918-1 and
 * Exif 2.32) and PNG (ISO 15948).
 */
import {ascii, begins, concat, utf8} from './bytes.js';
import {ABOUT} from './constants.js';
import {added, EXTENSION, joinXmp, PREFIX, splitXmp, wrapped} from './extended.js';

const SENTENCE = 'Colorized from a black-and-white original; colors are inferred';
const HINTED = `${SENTENCE}, some from hints that a person gave`;
const EXIF = 'Exif\0\0';
const PNG_XMP = 'XML:com.adobe.xmp';
const ORIENTATION = 0x0112;

async function sha256(bytes) {
  // Pages that weren't sent safely have no crypto.subtle; then the mark says not of which file it was made.
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** JSON as Python's json.dumps(sort_keys=True) has it. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** Settings of a look as the mark holds them: what differs from the usual. */
function settings(look) {
  const found = {};
  if (look.mode && look.mode !== 'vivid') found.mode = look.mode;
  if (look.vividness !== null && look.vividness !== undefined) found.vividness = look.vividness;
  if (look.saturation !== undefined && look.saturation !== 1) found.saturation = look.saturation;
  if (look.hints?.length) found.hints = look.hints.map(({x, y, color, radius = 3}) => ({x, y, color, radius}));
  return found;
}

const escape = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** The mark of a result as descriptions of an XMP packet: what others look for, and how it was made. */
async function describe(source, look, mask) {
  const tool = `Tinct ${ABOUT.version}`;
  const texts = {
    'Iptc4xmpExt:DigitalSourceType':
      'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia',
    'Iptc4xmpExt:AISystemUsed': 'Tinct',
    'Iptc4xmpExt:AISystemVersionUsed': `${ABOUT.version} (model ${ABOUT.model})`,
    'xmp:CreatorTool': tool,
  };
  const hash = await sha256(source);
  let history = '';
  if (hash !== null) {
    const chosen = settings(look);
    if (mask) chosen.mask = await sha256(mask);
    const parameters = {
      model: ABOUT.model,
      modelHash: `sha256:${ABOUT.modelHash}`,
      settings: chosen,
      sourceHash: `sha256:${hash}`,
    };
    const id = (await sha256(utf8(canonical({tool, ...parameters})))).slice(0, 32);
    texts['xmpMM:DocumentID'] = `xmp.did:${id}`;
    texts['xmpMM:InstanceID'] = `xmp.iid:${id}`;
    history =
      `<xmpMM:DerivedFrom rdf:parseType="Resource"><stRef:documentID>sha256:${hash}</stRef:documentID>` +
      `</xmpMM:DerivedFrom><xmpMM:History><rdf:Seq><rdf:li rdf:parseType="Resource"><stEvt:action>edited` +
      `</stEvt:action><stEvt:instanceID>xmp.iid:${id}</stEvt:instanceID><stEvt:softwareAgent>${escape(tool)}` +
      `</stEvt:softwareAgent><stEvt:changed>/</stEvt:changed><stEvt:parameters>${escape(canonical(parameters))}` +
      '</stEvt:parameters></rdf:li></rdf:Seq></xmpMM:History>';
  }
  const lines = Object.entries(texts).map(([name, text]) => `<${name}>${escape(text)}</${name}>`);
  const sentence = look.hints?.length ? HINTED : SENTENCE;
  const language = `<rdf:Alt><rdf:li xml:lang="x-default">${sentence}</rdf:li></rdf:Alt>`;
  return {
    shown: description(`${lines.join('')}<dc:description>${language}</dc:description>`),
    history: history && description(history),
  };
}

const description = (properties) =>
  '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" ' +
  'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ' +
  'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" ' +
  `xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#">${properties}</rdf:Description>`;

/** Put descriptions into the source's packet, or a new one where it has none or one with such properties of its own. */
function packet(own, descriptions) {
  const taken = /DigitalSourceType|AISystem|CreatorTool|xmpMM:|dc:description/;
  return (!taken.test(own) && added(own, descriptions)) || wrapped(descriptions);
}

/** The segments of a JPEG before its picture, each with its marker: {kind, start, end}. */
function* segments(bytes) {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const kind = bytes[at + 1];
    if (kind === 0xda || kind === 0xd9) return;
    const end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    if (end > bytes.length) return;
    yield {kind, start: at, end, content: bytes.subarray(at + 4, end)};
    at = end;
  }
}

function* chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield {kind, start: at, end, content: bytes.subarray(at + 8, end - 4)};
    at = end;
  }
}

const isJpeg = (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8;
const isPng = (bytes) => begins(bytes, '\x89PNG\r\n\x1a\n');

/** What is kept of a source: {exif (TIFF structure), iptc (segments), texts (chunks), xmp}. */
function read(bytes) {
  const found = {exif: null, iptc: [], texts: [], xmp: null};
  if (isJpeg(bytes)) {
    const pieces = [];
    for (const {kind, start, end, content} of segments(bytes)) {
      if (kind === 0xe1 && begins(content, EXIF)) found.exif ??= content.slice(EXIF.length);
      else if (kind === 0xe1 && begins(content, PREFIX)) {
        found.xmp ??= new TextDecoder().decode(content.subarray(PREFIX.length));
      } else if (kind === 0xe1 && begins(content, EXTENSION)) pieces.push(content);
      else if (kind === 0xed || kind === 0xfe) found.iptc.push(bytes.slice(start, end));
    }
    found.xmp = joinXmp(found.xmp, pieces);
  } else if (isPng(bytes)) {
    for (const {kind, start, end, content} of chunks(bytes)) {
      if (kind === 'eXIf') found.exif ??= content.slice();
      else if (kind === 'iTXt' && begins(content, PNG_XMP)) {
        if (content[PNG_XMP.length + 1] === 0) {
          found.xmp ??= new TextDecoder().decode(content.subarray(PNG_XMP.length + 5));
        }
      } else if (['tEXt', 'zTXt', 'iTXt', 'pHYs', 'tIME'].includes(kind)) found.texts.push(bytes.slice(start, end));
    }
  }
  if (found.exif) turn(found.exif);
  return found;
}

/** The result is upright: say so in an EXIF structure, in place. */
function turn(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
  const little = view.getUint16(0) === 0x4949;
  try {
    const main = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(main, little); entry++) {
      const at = main + 2 + 12 * entry;
      if (view.getUint16(at, little) === ORIENTATION) view.setUint16(at + 8, 1, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Cut short: nobody reads an orientation there either.
  }
}

function segment(kind, ...parts) {
  const content = concat(...parts);
  const length = content.length + 2;
  if (length > 65535) return new Uint8Array();
  return concat(Uint8Array.of(0xff, kind, length >> 8, length & 255), content);
}

let table = null;

/** CRC-32 of ISO 3309, as PNG and ZIP have it. */
export function crc32(bytes) {
  table ??= Uint32Array.from({length: 256}, (_, start) => {
    let value = start;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(kind, content) {
  const body = concat(ascii(kind), content);
  const framed = new Uint8Array(body.length + 8);
  const view = new DataView(framed.buffer);
  view.setUint32(0, content.length);
  framed.set(body, 4);
  view.setUint32(framed.length - 4, crc32(body));
  return framed;
}

/** Write what the source said, and the mark, into an encoded result; both are bytes of files, `mask` perhaps too. */
export async function mark(result, source, look, mask = null) {
  const kept = read(source);
  const {shown, history} = await describe(source, look, mask);
  const whole = packet(kept.xmp, shown + history);
  if (isJpeg(result)) {
    const xmp = splitXmp(whole, wrapped(shown), packet(kept.xmp, history));
    const exif = kept.exif ? segment(0xe1, ascii(EXIF), kept.exif) : new Uint8Array();
    let start = 2;
    for (const {kind, end} of segments(result)) if (kind === 0xe0) start = end;
    const own = [exif, ...xmp.map((content) => segment(0xe1, content)), ...kept.iptc];
    return concat(result.subarray(0, start), ...own, result.subarray(start));
  }
  const [{end: header}] = chunks(result);
  const own = [
    ...kept.texts,
    ...(kept.exif ? [chunk('eXIf', kept.exif)] : []),
    chunk('iTXt', concat(ascii(`${PNG_XMP}\0\0\0\0\0`), utf8(whole))),
  ];
  return concat(result.subarray(0, header), ...own, result.subarray(header));
}
