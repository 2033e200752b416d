/**
 * XMP that is longer than a segment of a JPEG: a packet of what is looked for first, and the rest in pieces.
 *
 * Source: XMP part 3, 1.1.3.1 (extended XMP in JPEG); tinct.media.extended does the same.
 */
import {ascii, begins, concat, utf8} from './bytes.js';

export const PREFIX = 'http://ns.adobe.com/xap/1.0/\0';
export const EXTENSION = 'http://ns.adobe.com/xmp/extension/\0';
const MOST = 65533; // bytes of a segment
const PIECE = 65400; // of them of the rest
const END = '</rdf:RDF>';
const NOTE =
  /\sxmpNote:HasExtendedXMP\s*=\s*["'](\w{32})["']|<xmpNote:HasExtendedXMP>\s*(\w{32})\s*<\/xmpNote:HasExtendedXMP>/;

/** A packet of descriptions. */
export const wrapped = (descriptions) =>
  '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">' +
  `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">${descriptions}${END}</x:xmpmeta>\n` +
  '<?xpacket end="w"?>';

/** Put descriptions into a packet; null where it has no place for them. */
export const added = (xmp, descriptions) =>
  xmp?.includes(END) ? xmp.replace(END, () => `${descriptions}${END}`) : null;

/** The contents of the segments that hold a packet: `whole`, or where that is too long `shown` and the `rest`. */
export function splitXmp(whole, shown, rest) {
  const alone = concat(ascii(PREFIX), utf8(whole));
  if (alone.length <= MOST) return [alone];
  const bytes = utf8(rest.replace(/<\?.*?\?>/gs, '').trim());
  const digest = md5(bytes);
  const note = `xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="${digest}"`;
  const contents = [concat(ascii(PREFIX), utf8(added(shown, `<rdf:Description rdf:about="" ${note}/>`)))];
  for (let start = 0; start < bytes.length; start += PIECE) {
    const sizes = new DataView(new ArrayBuffer(8));
    sizes.setUint32(0, bytes.length);
    sizes.setUint32(4, start);
    const piece = bytes.subarray(start, start + PIECE);
    contents.push(concat(ascii(EXTENSION + digest), new Uint8Array(sizes.buffer), piece));
  }
  return contents;
}

/** A packet with the rest that it says there is; pieces that are damaged or of another count as none. */
export function joinXmp(xmp, pieces) {
  const note = xmp?.match(NOTE);
  if (!note) return xmp;
  const digest = note[1] ?? note[2];
  const plain = xmp.replace(NOTE, '');
  const begin = EXTENSION.length + digest.length;
  const found = pieces
    .filter((piece) => begins(piece, EXTENSION + digest) && piece.length >= begin + 8)
    .map((piece) => ({
      start: new DataView(piece.buffer, piece.byteOffset).getUint32(begin + 4),
      content: piece.subarray(begin + 8),
    }))
    .sort((one, other) => one.start - other.start);
  const rest = concat(...found.map(({content}) => content));
  return md5(rest) === digest ? merged(plain, new TextDecoder().decode(rest)) : plain;
}

/** A packet with the descriptions of another; as it was where they can't be taken over as they stand. */
function merged(xmp, rest) {
  const root = /^.*?<rdf:RDF\b[^>]*/s;
  const [own, others] = [xmp, rest].map((text) => text.match(root)?.[0]);
  const end = rest.lastIndexOf(END);
  if (own === undefined || others === undefined || end < 0) return xmp;
  const names = declared(own);
  let missing = '';
  for (const [prefix, space] of declared(others)) {
    if (!names.has(prefix)) missing += ` xmlns:${prefix}="${space}"`;
    else if (names.get(prefix) !== space) return xmp;
  }
  const descriptions = rest.slice(others.length + 1, end);
  return added(own + missing + xmp.slice(own.length), descriptions) ?? xmp;
}

const declared = (text) =>
  new Map(Array.from(text.matchAll(/\sxmlns:([\w.-]+)\s*=\s*["']([^"']*)["']/g), (found) => found.slice(1)));

const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/** MD5 (RFC 1321), which browsers don't have, in capital hex digits. */
export function md5(bytes) {
  const length = (((bytes.length + 8) >> 6) + 1) * 64;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, bytes.length << 3, true);
  view.setUint32(length - 4, bytes.length >>> 29, true);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  const sines = Array.from({length: 64}, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
  for (let block = 0; block < length; block += 64) {
    let [a, b, c, d] = state;
    for (let step = 0; step < 64; step++) {
      const round = step >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
      const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round] % 16;
      const sum = (a + mixed + sines[step] + view.getUint32(block + 4 * word, true)) | 0;
      const shift = SHIFTS[round][step % 4];
      [a, b, c, d] = [d, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0, b, c];
    }
    [a, b, c, d].forEach((value, index) => {
      state[index] = (state[index] + value) | 0;
    });
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((value, index) => digest.setInt32(4 * index, value, true));
  const hex = Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, '0'));
  return hex.join('').toUpperCase();
}
