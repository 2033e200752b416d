/**
 * EXIF as a TIFF structure, without the prefix of a JPEG's segment: what it says of the picture.
 *
 * Source: TIFF 6.0, Exif 2.32.
 */
import {decoded} from './bytes.js';

const DESCRIPTION = 0x010e;
const ORIENTATION = 0x0112;
/** Types of text: ASCII, and UTF-8 of Exif 3. */
const TEXTS = [2, 129];

/** The entries of the main directory that can be read, each with where its value is, or at what `place` a long one. */
function* entries(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
  try {
    const little = view.getUint16(0) === 0x4949;
    const main = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(main, little); entry++) {
      const at = main + 2 + 12 * entry;
      const [count, place] = [4, 8].map((offset) => view.getUint32(at + offset, little));
      const [tag, type] = [0, 2].map((offset) => view.getUint16(at + offset, little));
      yield {tag, type, count, place, at: at + 8, view, little};
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Cut short: nobody reads more there either.
  }
}

/** The result is upright: say so in place, and return how the source was stored, 1..8. */
export function turn(exif) {
  let found = 1;
  for (const {tag, at, view, little} of entries(exif)) {
    if (tag !== ORIENTATION) continue;
    const orientation = view.getUint16(at, little);
    if (2 <= orientation && orientation <= 8) found = orientation;
    view.setUint16(at, 1, little);
  }
  return found;
}

/** The picture's caption; null where there is none. */
export function description(exif) {
  for (const {tag, type, count, at, place} of entries(exif)) {
    if (tag !== DESCRIPTION || !TEXTS.includes(type)) continue;
    const start = count > 4 ? place : at;
    if (start + count <= exif.length) return decoded(exif.subarray(start, start + count)) || null;
  }
  return null;
}
