/**
 * The engine that colors photographs in the browser; engine-server.js says what an engine is.
 *
 * Photographs are read, colored and kept on this device alone; the work is done by local/worker.js.
 */
import {MOST_PIXELS} from './local/canvas.js';

/** Make the engine. */
export function createEngine() {
  const worker = new Worker(new URL('./local/worker.js', import.meta.url), {type: 'module'});
  const waiting = new Map();
  const thumbnails = new Map();
  let last = 0;
  let broken = null;

  worker.onmessage = ({data: {id, result, error, progress}}) => {
    const asked = waiting.get(id);
    if (!asked) return;
    if (progress !== undefined) asked.onProgress?.(progress);
    else if (error) asked.reject(Object.assign(new Error(error.message), error));
    else asked.resolve(result);
  };
  worker.onerror = () => {
    broken = new Error('the engine could not be started; load the page again');
    for (const {reject} of waiting.values()) reject(broken);
  };

  const ask = (name, args, {onProgress, signal} = {}) => {
    const id = (last += 1);
    const stopped = () => new DOMException('stopped', 'AbortError');
    if (broken) return Promise.reject(broken);
    if (signal?.aborted) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const abort = () => {
        worker.postMessage({cancel: id});
        reject(stopped());
      };
      signal?.addEventListener('abort', abort, {once: true});
      waiting.set(id, {resolve, reject, onProgress});
      worker.postMessage({id, name, args});
    }).finally(() => waiting.delete(id));
  };

  // The model comes while the first photograph is chosen; whoever needs it waits, and hears why it doesn't come.
  ask('ready', []).catch(() => {});
  return {
    views: ['colorize', 'correct'],
    local: true,
    features: new Set(['region', 'colors', 'points', 'zip']),
    formats: ['', 'jpeg', 'png'],
    limits: async () => ({bytes: Infinity, pixels: MOST_PIXELS}),
    ready: (onProgress) => ask('ready', [], {onProgress}),
    list: () => ask('list', []),
    open: (file, options) => ask('open', [file], options),
    remove: async (photo) => {
      await ask('remove', [photo.id]);
      URL.revokeObjectURL(thumbnails.get(photo.id));
      thumbnails.delete(photo.id);
    },
    thumbnail: async (photo) => {
      if (!thumbnails.has(photo.id)) {
        const blob = await ask('thumbnail', [photo.id]);
        if (!thumbnails.has(photo.id)) thumbnails.set(photo.id, URL.createObjectURL(blob));
      }
      return thumbnails.get(photo.id);
    },
    plain: (photo) => ask('plain', [photo.id]),
    render: (photo, look, options) => ask('render', [photo.id, look], options),
    region: (photo, box, scale, look, options) => ask('region', [photo.id, box, scale, look], options),
    colors: (photo, place) => ask('colors', [photo.id, place]),
    points: (photo, look) => ask('points', [photo.id, look]),
    hints: (photo) => ask('hints', [photo.id]),
    keepHints: (photo, hints, revision) => ask('keepHints', [photo.id, hints, revision]),
    beside: (photo, kind) => ask('beside', [photo.id, kind]),
    keepBeside: (photo, kind, blob) => ask('keepBeside', [photo.id, kind, blob]),
    download: (photo, look, {format, quality, onProgress, signal} = {}) =>
      ask('download', [photo.id, look, {format, quality}], {onProgress, signal}),
    downloadAll: (wanted, options) => ask('downloadAll', [wanted.map(([photo, look]) => [photo.id, look])], options),
  };
}
