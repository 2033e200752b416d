/** Bytes of files. */

export const ascii = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const utf8 = (text) => new TextEncoder().encode(text);
export const begins = (bytes, text) => ascii(text).every((byte, index) => bytes[index] === byte);

export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Text up to the first zero, without space around it: UTF-8, or else Latin-1. */
export function decoded(bytes) {
  const end = bytes.indexOf(0);
  const written = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(written).trim();
  } catch {
    return new TextDecoder('latin1').decode(written).trim();
  }
}
