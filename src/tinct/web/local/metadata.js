/**
 * What a file says beside its pixels: kept in the result, with the mark that its colors were inferred.
 *
 * The mark is the one that tinct.media.marking writes, so `tinct inspect` reads it. Formats: JPEG (ISO 10918-1 and
 * Exif 2.32) and PNG (ISO 15948).
 */
import {ascii, begins, concat, utf8} from './bytes.js';
import {ABOUT} from './constants.js';
import {description, turn} from './exif.js';
import {EXTENSION, joinXmp, PREFIX, splitXmp} from './extended.js';
import {caption} from './iptc.js';
import {turnRegions} from './regions.js';

const SENTENCE = 'Colorized from a black-and-white original; colors are inferred';
const HINTED = ', some from hints that a person gave';
/** What was said of an earlier coloring, here or by other versions of Tinct. */
const SAID = new RegExp(String.raw`\s*${SENTENCE}(${HINTED})?(; restored before: \w+(, \w+)*)?\.?`, 'g');
const SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia';
/** Properties whose earlier values the history's entry keeps. */
const REPLACED = ['Iptc4xmpExt:DigitalSourceType', 'xmpMM:DerivedFrom', 'xmpMM:InstanceID'];
/** Properties that speak of the source's file, and would be wrong of the result's; as in tinct.media.outgoing. */
const STALE = [
  'xmp:Thumbnails',
  'photoshop:ColorMode',
  'photoshop:ICCProfile',
  'tiff:BitsPerSample',
  'tiff:Compression',
  'tiff:ImageLength',
  'tiff:ImageWidth',
  'tiff:PhotometricInterpretation',
  'tiff:SamplesPerPixel',
  'tiff:YCbCrSubSampling',
  'exif:ColorSpace',
  'exif:PixelXDimension',
  'exif:PixelYDimension',
];
/** Likewise where the pixels were turned: places count from another corner. */
const TURNED = ['exif:SubjectArea', 'exif:SubjectLocation'];
const EXIF = 'Exif\0\0';
const PNG_XMP = 'XML:com.adobe.xmp';

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

/** A list of programs with one more at its end, unless it is there already. */
function appended(tools, tool) {
  const named = (tools ?? '').split('; ').filter(Boolean);
  return (named.includes(tool) ? named : [...named, tool]).join('; ');
}

/** A caption with the sentence at its end, in place of what was said there of an earlier coloring. */
function captioned(text, sentence) {
  const own = (text ?? '').replace(SAID, '').trim();
  return own ? `${own}${/[.!?]$/.test(own) ? '' : '.'} ${sentence}` : sentence;
}

/** Set a property where it is there and says something else. */
function putRight(packet, name, value) {
  if (![null, value].includes(packet.text(name))) packet.setText(name, value);
}

/** Put right in a packet what isn't true of the result; `orientation`: how the source was stored; `type`: the result's. */
function tidy(packet, orientation, type) {
  for (const name of [...STALE, ...(orientation === 1 ? [] : TURNED)]) packet.remove(name);
  if (orientation !== 1) turnRegions(packet, orientation);
  putRight(packet, 'tiff:Orientation', '1');
  putRight(packet, 'dc:format', type);
}

/**
 * Write the mark into a packet: what others look for, and how the result was made. What it replaces is kept in the
 * history's entry. `outside` is the source's caption outside XMP, for a packet that has none.
 */
async function markXmp(packet, source, look, mask, outside) {
  const tool = `Tinct ${ABOUT.version}`;
  const replaced = REPLACED.map((name) => [name, packet.plain(name)]).filter(([, value]) => value !== null);
  const [before, instance] = [packet.text('xmpMM:DocumentID'), packet.text('xmpMM:InstanceID')];
  packet.setText('Iptc4xmpExt:DigitalSourceType', SOURCE_TYPE);
  packet.setText('Iptc4xmpExt:AISystemUsed', 'Tinct');
  packet.setText('Iptc4xmpExt:AISystemVersionUsed', `${ABOUT.version} (model ${ABOUT.model})`);
  packet.setText('xmp:CreatorTool', appended(packet.text('xmp:CreatorTool'), tool));
  const sentence = look.hints?.length ? SENTENCE + HINTED : SENTENCE;
  packet.setDefaultLanguage('dc:description', captioned(packet.text('dc:description') || outside, sentence));
  const hash = await sha256(source);
  if (hash === null) {
    packet.remove('xmpMM:InstanceID'); // which is the source's
    return;
  }
  const chosen = settings(look);
  if (mask) chosen.mask = await sha256(mask);
  const parameters = {
    model: ABOUT.model,
    modelHash: `sha256:${ABOUT.modelHash}`,
    settings: chosen,
    sourceHash: `sha256:${hash}`,
  };
  const id = (await sha256(utf8(canonical({tool, ...parameters})))).slice(0, 32);
  if (before && packet.text('xmpMM:OriginalDocumentID') === null) packet.setText('xmpMM:OriginalDocumentID', before);
  packet.setText('xmpMM:DocumentID', `xmp.did:${id}`);
  packet.setText('xmpMM:InstanceID', `xmp.iid:${id}`);
  packet.setStruct('xmpMM:DerivedFrom', {
    'stRef:documentID': before || `sha256:${hash}`,
    ...(instance ? {'stRef:instanceID': instance} : {}),
  });
  if (replaced.length) parameters.replaced = Object.fromEntries(replaced);
  packet.appendStruct('xmpMM:History', {
    'stEvt:action': 'edited',
    'stEvt:instanceID': `xmp.iid:${id}`,
    'stEvt:softwareAgent': tool,
    'stEvt:changed': '/',
    'stEvt:parameters': canonical(parameters),
  });
}

/** The segments of a JPEG before its picture, each with its marker: {kind, start, end}. */
function* segments(bytes) {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    while (bytes[at + 1] === 0xff) at++; // any number of them may come before a marker
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

/**
 * What is kept of a source: {exif (TIFF structure), iptc (segments), texts (chunks), packet (of XMP)}; beside it its
 * `caption` outside XMP, and its `orientation`, 1..8, which is 1 in the result.
 */
function read(bytes) {
  const found = {exif: null, iptc: [], texts: [], caption: null, orientation: 1};
  const pieces = [];
  let xmp = null;
  if (isJpeg(bytes)) {
    for (const {kind, start, end, content} of segments(bytes)) {
      if (kind === 0xe1 && begins(content, EXIF)) found.exif ??= content.slice(EXIF.length);
      else if (kind === 0xe1 && begins(content, PREFIX)) xmp ??= content.subarray(PREFIX.length);
      else if (kind === 0xe1 && begins(content, EXTENSION)) pieces.push(content);
      else if (kind === 0xed || kind === 0xfe) {
        found.iptc.push(bytes.slice(start, end));
        found.caption ??= caption(content);
      }
    }
  } else if (isPng(bytes)) {
    for (const {kind, start, end, content} of chunks(bytes)) {
      if (kind === 'eXIf') found.exif ??= content.slice();
      else if (kind === 'iTXt' && begins(content, PNG_XMP)) {
        if (content[PNG_XMP.length + 1] === 0) xmp ??= content.subarray(PNG_XMP.length + 5);
      } else if (['tEXt', 'zTXt', 'iTXt', 'pHYs', 'tIME'].includes(kind)) found.texts.push(bytes.slice(start, end));
    }
  }
  found.packet = joinXmp(xmp, pieces);
  if (found.exif) {
    found.caption = description(found.exif) ?? found.caption;
    found.orientation = turn(found.exif);
  }
  return found;
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
  tidy(kept.packet, kept.orientation, isJpeg(result) ? 'image/jpeg' : 'image/png');
  await markXmp(kept.packet, source, look, mask, kept.caption);
  if (isJpeg(result)) {
    const exif = kept.exif ? segment(0xe1, ascii(EXIF), kept.exif) : new Uint8Array();
    let start = 2;
    for (const {kind, end} of segments(result)) if (kind === 0xe0) start = end;
    const own = [exif, ...splitXmp(kept.packet).map((content) => segment(0xe1, content)), ...kept.iptc];
    return concat(result.subarray(0, start), ...own, result.subarray(start));
  }
  const [{end: header}] = chunks(result);
  const own = [
    ...kept.texts,
    ...(kept.exif ? [chunk('eXIf', kept.exif)] : []),
    chunk('iTXt', concat(ascii(`${PNG_XMP}\0\0\0\0\0`), kept.packet.toBytes())),
  ];
  return concat(result.subarray(0, header), ...own, result.subarray(header));
}
