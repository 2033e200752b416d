/**
 * The caption of IPTC records (IIM), which a JPEG has among Photoshop's image resources.
 *
 * Source: IPTC Photo Metadata Standard 2025.1; Adobe Photoshop File Formats Specification, "Image Resources Section".
 */
import {begins, decoded} from './bytes.js';

const PHOTOSHOP = 'Photoshop 3.0\0';
const RECORDS = 0x0404;
const CAPTION = 120;
/** From this size on a length is an extended one; no text is that long. */
const EXTENDED = 0x8000;

/** The caption in a segment's content; null where there is none. */
export function caption(content) {
  if (!begins(content, PHOTOSHOP)) return null;
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  for (let at = PHOTOSHOP.length; at + 12 <= content.length && begins(content.subarray(at, at + 4), '8BIM');) {
    const name = 1 + content[at + 6];
    const start = at + 6 + name + (name % 2) + 4;
    if (start > content.length) return null;
    const end = start + view.getUint32(start - 4);
    if (end > content.length) return null;
    if (view.getUint16(at + 4) === RECORDS) return captionOf(content.subarray(start, end));
    at = end + ((end - start) % 2);
  }
  return null;
}

function captionOf(records) {
  for (let at = 0; at + 5 <= records.length && records[at] === 0x1c;) {
    const [record, number, high, low] = records.subarray(at + 1, at + 5);
    const size = high * 256 + low;
    if (size >= EXTENDED) return null;
    const text = record === 2 && number === CAPTION ? decoded(records.subarray(at + 5, at + 5 + size)) : '';
    if (text) return text;
    at += 5 + size;
  }
  return null;
}
