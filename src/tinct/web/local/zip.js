/** ZIP archives without compression, for pictures have none to spare. Source: PKWARE's APPNOTE 6.3.10. */
import {crc32} from './metadata.js';

const UTF8_NAMES = 0x0800;
/** Beyond it ZIP64 would be needed. */
const MOST = 0xffffffff;

function record(fields, name) {
  const bytes = new Uint8Array(fields.reduce((sum, [, size]) => sum + size, 0) + name.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, size] of fields) {
    if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += size;
  }
  bytes.set(name, at);
  return bytes;
}

/** Pack files, [name, bytes] each, into one Blob; equal names get a number. */
export function pack(files) {
  const parts = [];
  const directory = [];
  const taken = new Set();
  let offset = 0;
  for (const [wanted, bytes] of files) {
    const name = new TextEncoder().encode(unused(wanted, taken));
    // Made on the first of January 1980, so that equal work gives equal bytes.
    const common = [
      [UTF8_NAMES, 2],
      [0, 2],
      [0, 2],
      [0x0021, 2],
      [crc32(bytes), 4],
      [bytes.length, 4],
      [bytes.length, 4],
      [name.length, 2],
      [0, 2],
    ];
    const local = record([[0x04034b50, 4], [20, 2], ...common], name);
    directory.push(
      record([[0x02014b50, 4], [20, 2], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]], name),
    );
    parts.push(local, bytes);
    offset += local.length + bytes.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  if (offset + size > MOST) throw new RangeError('these are more than 4 GB; download fewer at once');
  const count = directory.length;
  const end = record(
    [
      [0x06054b50, 4],
      [0, 2],
      [0, 2],
      [count, 2],
      [count, 2],
      [size, 4],
      [offset, 4],
      [0, 2],
    ],
    new Uint8Array(),
  );
  return new Blob([...parts, ...directory, end], {type: 'application/zip'});
}

function unused(wanted, taken) {
  const [, stem, ending] = /^(.*?)(\.[^.]*)?$/s.exec(wanted);
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${stem}-${number}${ending ?? ''}`;
  taken.add(name);
  return name;
}
