/** Large files of the page, read with a bar and checked. */
import {Refused} from './canvas.js';

/** Bytes of a file whose SHA-256 is known; onProgress(share) in 0..1. */
export async function read(url, sha256, onProgress = () => {}) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Refused("the model can't be fetched; the first visit needs the network");
  }
  if (!response.ok) throw new Refused(`the model can't be fetched (error ${response.status})`);
  const total = Number(response.headers.get('Content-Length')) || 0;
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ;) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    if (total) onProgress(Math.min(size / total, 1));
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (found !== sha256) throw new Refused('the model is damaged; load the page again');
  }
  onProgress(1);
  return bytes;
}
