/**
 * XMP that is longer than a segment of a JPEG: a packet of what is looked for first, and the rest in pieces.
 *
 * Source: XMP part 3, 1.1.3.1 (extended XMP in JPEG); tinct.media.extended does the same.
 */
import {ascii, begins, concat} from './bytes.js';
import {Packet} from './xmp.js';

export const PREFIX = 'http://ns.adobe.com/xap/1.0/\0';
export const EXTENSION = 'http://ns.adobe.com/xmp/extension/\0';
const NOTE = 'xmpNote:HasExtendedXMP';
const DIGITS = 32; // of an MD5 in hex
const MOST = 65533; // bytes of a segment
const PIECE = 65400; // of them of the rest
/** What stays in the packet: the note that there is more, and the part of the mark that others read. */
const STAYING = [
  NOTE,
  'Iptc4xmpExt:DigitalSourceType',
  'Iptc4xmpExt:AISystemUsed',
  'Iptc4xmpExt:AISystemVersionUsed',
];

/** The contents of the segments that hold a packet. */
export function splitXmp(packet) {
  const alone = concat(ascii(PREFIX), packet.toBytes());
  if (alone.length <= MOST) return [alone];
  packet.setAttribute(NOTE, '0'.repeat(DIGITS));
  const rest = packet.split(MOST - PREFIX.length, STAYING).body();
  const digest = md5(rest);
  packet.setAttribute(NOTE, digest);
  const contents = [concat(ascii(PREFIX), packet.toBytes())];
  for (let start = 0; start < rest.length; start += PIECE) {
    const sizes = new DataView(new ArrayBuffer(8));
    sizes.setUint32(0, rest.length);
    sizes.setUint32(4, start);
    const piece = rest.subarray(start, start + PIECE);
    contents.push(concat(ascii(EXTENSION + digest), new Uint8Array(sizes.buffer), piece));
  }
  return contents;
}

/** The packet of a JPEG with the rest that it says there is; pieces that are damaged or of another count as none. */
export function joinXmp(bytes, pieces) {
  const packet = new Packet(bytes);
  const digest = packet.text(NOTE);
  if (digest === null) return packet;
  packet.remove(NOTE);
  const begin = EXTENSION.length + digest.length;
  const found = pieces
    .filter((piece) => begins(piece, EXTENSION + digest) && piece.length >= begin + 8)
    .map((piece) => ({
      start: new DataView(piece.buffer, piece.byteOffset).getUint32(begin + 4),
      content: piece.subarray(begin + 8),
    }))
    .sort((one, other) => one.start - other.start);
  const rest = concat(...found.map(({content}) => content));
  if (md5(rest) === digest) packet.merge(new Packet(rest));
  return packet;
}

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
