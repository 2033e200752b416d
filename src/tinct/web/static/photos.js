/** The photographs that are kept, and the look that each was given last: what Colorize and Correct share. */

import {connection} from './api.js';
import {engine} from './engine.js';
import {fail, Refused} from './notify.js';

const AT_ONCE = 2;
const THUMBNAIL = 200;
const MOST_NOTED = 300;
const NOTED = 'tinct-photos';
export const USUAL = {mode: 'vivid', vividness: null, saturation: 1, variant: null, variants: null, seed: 0, model: null};

/** Tells other tabs of this page what was changed: {kind: 'photos'} or {kind: 'hints'|'look', id}. */
export const tabs = new BroadcastChannel('tinct');

/**
 * One photograph of the shelf, or a file on its way there.
 *
 * @typedef {{key: string, name: string, photo: object|null, progress: number|null, error: string|null,
 *   thumbnail: string|null}} Item
 */

class Shelf extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} the newest first */
    this.items = [];
    this.loaded = false;
    this.waiting = [];
    this.working = 0;
    this.numbered = 0;
    this.limits = null;
    tabs.addEventListener('message', ({data}) => data.kind === 'photos' && this.load());
    connection.addEventListener('back', () => {
      this.load();
      for (const item of this.items) if (item.retry && !item.repeated) this.again(item);
    });
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** Load what is kept. */
  async load() {
    try {
      const photos = await engine.list();
      const known = new Map(this.items.filter((item) => item.photo).map((item) => [item.photo.id, item]));
      const under = this.items.filter((item) => !item.photo);
      this.items = [...under, ...photos.map((photo) => known.get(photo.id) ?? this.itemOf(photo))];
      this.loaded = true;
      for (const item of this.items) if (item.photo && !item.thumbnail) this.fetchThumbnail(item);
      forgetOthers(photos.map((photo) => photo.id));
    } catch (error) {
      this.loaded = true;
      if (error.status !== 0) fail(error, 'The photographs can’t be listed');
    }
    this.changed();
  }

  itemOf(photo) {
    const thumbnail = noted()[photo.id]?.thumbnail ?? null;
    return {key: photo.id, name: photo.name, photo, progress: null, error: null, thumbnail};
  }

  async fetchThumbnail(item) {
    try {
      item.thumbnail ??= await engine.thumbnail(item.photo);
      this.changed();
    } catch {
      // It stays without one.
    }
  }

  find(id) {
    return this.items.find((item) => item.photo?.id === id);
  }

  /** Take files, two at a time; returns their items, which tell how far they are. */
  add(files) {
    const added = [...files].map((file) => {
      this.numbered += 1;
      const item = {key: `new-${this.numbered}`, name: file.name || 'pasted picture', photo: null, progress: 0, error: null, thumbnail: null};
      this.waiting.push([item, file]);
      return item;
    });
    this.items = [...added, ...this.items];
    this.changed();
    while (this.working < AT_ONCE && this.waiting.length) this.work();
    return added;
  }

  async work() {
    this.working += 1;
    while (this.waiting.length) {
      const [item, file] = this.waiting.shift();
      if (!this.items.includes(item)) continue; // taken away meanwhile
      await this.take(item, file);
    }
    this.working -= 1;
  }

  async take(item, file) {
    item.stop = new AbortController();
    try {
      await this.check(file);
      const onProgress = (share) => {
        item.progress = share;
        this.changed();
      };
      item.photo = await engine.open(file, {onProgress, signal: item.stop.signal});
      item.name = item.photo.name;
      item.progress = null;
      await this.fetchThumbnail(item);
      tabs.postMessage({kind: 'photos'});
      this.dispatchEvent(new CustomEvent('taken', {detail: item}));
    } catch (error) {
      item.progress = null;
      item.error = error.name === 'AbortError' ? 'stopped' : error.message;
      item.retry = error.status === 0 ? file : null;
      this.dispatchEvent(new CustomEvent('refused', {detail: item}));
    }
    this.changed();
  }

  /** Refuse what the engine would refuse, before it is sent. */
  async check(file) {
    this.limits ??= await engine.limits();
    if (file.size === 0) throw new Refused('the file is empty');
    if (file.size > this.limits.bytes) {
      throw new Refused(`the file has ${megabytes(file.size)}, more than ${megabytes(this.limits.bytes)}`);
    }
  }

  /** Send a file again whose connection was lost. */
  again(item) {
    const file = item.retry;
    this.items = this.items.filter((other) => other !== item);
    const [added] = this.add([file]);
    added.repeated = true; // by itself it is sent once more, not for ever
  }

  /** Delete photographs for good, or take files away that failed or are on their way. */
  async remove(items) {
    for (const item of items) {
      item.stop?.abort();
      if (item.photo) {
        try {
          await engine.remove(item.photo);
        } catch (error) {
          if (error.status !== 404) throw error; // another tab was quicker
        }
        forget(item.photo.id);
      }
      this.items = this.items.filter((other) => other !== item);
      this.changed();
    }
    tabs.postMessage({kind: 'photos'});
  }

  /** Keep a small copy in color, of what render() gave, for the list. */
  async noteColors(item, bitmap) {
    const scale = Math.min(1, THUMBNAIL / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    item.thumbnail = canvas.toDataURL('image/jpeg', 0.75);
    note(item.photo.id, {thumbnail: item.thumbnail});
    this.changed();
  }
}

export const shelf = new Shelf();

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toLocaleString('en', {maximumFractionDigits: bytes < 2 ** 20 ? 2 : 0})} MB`;
}

// What this browser remembers of each photograph: its look, and its small copy in color.

function noted() {
  try {
    return JSON.parse(localStorage.getItem(NOTED)) ?? {};
  } catch {
    return {};
  }
}

function write(all) {
  const entries = Object.entries(all);
  for (let kept = Math.min(entries.length, MOST_NOTED); kept >= 0; kept = Math.floor(kept / 2) || (kept ? 0 : -1)) {
    try {
      localStorage.setItem(NOTED, JSON.stringify(Object.fromEntries(entries.slice(entries.length - kept))));
      return;
    } catch {
      // Storage is full, or switched off: fewer.
    }
  }
}

function note(id, found) {
  const {[id]: before, ...others} = noted();
  write({...others, [id]: {...before, ...found}});
}

function forget(id) {
  const {[id]: gone, ...others} = noted();
  if (gone) write(others);
}

function forgetOthers(ids) {
  const all = noted();
  const left = Object.entries(all).filter(([id]) => ids.includes(id));
  if (left.length < Object.keys(all).length) write(Object.fromEntries(left));
}

/** Return the look that a photograph was given last. */
export function lookOf(photo) {
  return {...USUAL, ...noted()[photo.id]?.look};
}

/** Remember a photograph's look. */
export function keepLook(photo, look) {
  note(photo.id, {look});
  tabs.postMessage({kind: 'look', id: photo.id});
}

/** Calls an async function with the latest argument only: while one call is under way, others wait, all but the last dropped. */
export class Latest {
  constructor(work) {
    this.work = work;
    this.next = null;
    this.busy = false;
  }

  async run(...wanted) {
    this.next = wanted;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.next) {
        const now = this.next;
        this.next = null;
        await this.work(...now);
      }
    } finally {
      this.busy = false;
    }
  }
}
