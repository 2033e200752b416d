/** The photographs that are kept, and the look that each was given last: what Colorize and Correct share. */

import {connection} from './api.js';
import {engine} from './engine.js';
import {fail, Refused} from './notify.js';
import {unfinished} from './unfinished.js';
import {MODELS} from './view.js';

const AT_ONCE = 2;
const THUMBNAIL = 200;
const SETTLE_SECONDS = 0.4;
export const USUAL = {mode: 'vivid', vividness: null, saturation: 1, variant: null, variants: null, seed: 0, model: null};

/** Tells other tabs of this page: {kind: 'photos'} or {kind: 'hints'|'look', id} was changed, {kind: 'out'|'in'}, logged out or in. */
export const tabs = new BroadcastChannel('tinct');

/**
 * One photograph of the shelf, or a file on its way there.
 *
 * @typedef {{key: string, name: string, photo: object|null, progress: number|null, error: string|null,
 *   thumbnail: string|null, saving?: {progress: number, stop: AbortController}|null}} Item
 *   saving: how far its download is, null or missing where there is none
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
    /** What engine.models() gave; null until it is known. */
    this.models = null;
    tabs.addEventListener('message', ({data}) => data.kind === 'photos' && this.load());
    document.addEventListener(MODELS, async () => {
      await this.loadModels();
      this.dispatchEvent(new Event('models'));
    });
    connection.addEventListener('back', () => {
      this.load();
      for (const item of this.items) if (item.retry && !item.damaged && !item.repeated) this.again(item);
    });
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** Load what is kept. */
  async load() {
    const there = new Set(this.items.filter((item) => item.photo));
    try {
      const [photos] = await Promise.all([engine.list(), this.loadModels()]);
      const ids = new Set(photos.map((photo) => photo.id));
      const known = new Map(this.items.filter((item) => item.photo).map((item) => [item.photo.id, item]));
      // What is on its way, or came after the list was asked for.
      const under = this.items.filter((item) => !there.has(item) && !ids.has(item.photo?.id));
      this.items = [...under, ...photos.map((photo) => known.get(photo.id) ?? this.itemOf(photo))];
      this.loaded = true;
      for (const item of this.items) if (item.photo && !item.thumbnail) this.fetchThumbnail(item);
      forgetOthers(this.items.flatMap(({photo}) => photo?.id ?? []));
    } catch (error) {
      if (error.status !== 0) fail(error, 'The photographs can’t be listed');
    }
    this.changed();
  }

  async loadModels() {
    if (!engine.features.has('models')) return;
    try {
      this.models = await engine.models();
    } catch (error) {
      if (error.status !== 0) fail(error, 'The models can’t be listed');
    }
  }

  itemOf(photo) {
    const thumbnail = remembered(COPY + photo.id);
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
  add(files, how = {}) {
    const added = [...files].map((file) => {
      this.numbered += 1;
      const item = {key: `new-${this.numbered}`, name: file.name || 'pasted picture', photo: null, progress: 0, error: null, thumbnail: null, ...how};
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
    unfinished.add(this);
    while (this.waiting.length) {
      const [item, file] = this.waiting.shift();
      if (!this.items.includes(item)) continue; // taken away meanwhile
      await this.take(item, file);
    }
    this.working -= 1;
    if (!this.working) unfinished.delete(this);
  }

  async take(item, file) {
    item.stop = new AbortController();
    try {
      await this.check(file);
      const onProgress = (share) => {
        item.progress = share;
        this.changed();
      };
      item.photo = await engine.open(file, {onProgress, signal: item.stop.signal, truncated: item.truncated});
      item.name = item.photo.name;
      item.progress = null;
      await this.fetchThumbnail(item);
      tabs.postMessage({kind: 'photos'});
      this.dispatchEvent(new CustomEvent('taken', {detail: item}));
    } catch (error) {
      item.progress = null;
      item.error = error.name === 'AbortError' ? 'stopped' : error.message;
      item.damaged = error.kind === 'TruncatedPhoto' && !item.truncated;
      item.retry = [0, 401].includes(error.status) || error.status >= 500 || item.damaged ? file : null;
      this.dispatchEvent(new CustomEvent('refused', {detail: item}));
    }
    this.changed();
  }

  /** Refuse what the engine would refuse, before it is sent. */
  async check(file) {
    this.limits ??= await engine.limits();
    if (/\.zip$/i.test(file.name)) throw new Refused('this is a ZIP archive; unpack it, and choose the photographs in it');
    if (file.type.startsWith('video/')) throw new Refused('this is a film; films are colorized by the command tinct video');
    if (file.size === 0) throw new Refused('the file is empty');
    if (file.size > this.limits.bytes) {
      throw new Refused(`the file has ${megabytes(file.size)}, more than ${megabytes(this.limits.bytes)}`);
    }
  }

  /** Send a file again whose connection was lost, or of which what is there is to be used. */
  again(item) {
    const file = item.retry;
    this.items = this.items.filter((other) => other !== item);
    // By itself it is sent once more, not for ever.
    this.add([file], {repeated: true, truncated: item.damaged});
  }

  /** Delete photographs for good, or take files away that failed or are on their way. */
  async remove(items) {
    for (const item of items) {
      item.stop?.abort();
      item.saving?.stop.abort();
      if (item.photo) {
        try {
          await engine.remove(item.photo);
        } catch (error) {
          if (error.status !== 404) throw error; // another tab was quicker
        }
      }
      this.items = this.items.filter((other) => other !== item);
      this.changed();
    }
    forgetOthers(this.items.flatMap(({photo}) => photo?.id ?? []));
    tabs.postMessage({kind: 'photos'});
  }

  /** Keep a small copy in color, of what render() gave, for the list. */
  noteColors(item, bitmap) {
    clearTimeout(item.noting);
    item.noting = setTimeout(() => this.noteNow(item, bitmap), SETTLE_SECONDS * 1000);
  }

  noteNow(item, bitmap) {
    if (!bitmap.width || !this.items.includes(item)) return; // replaced or deleted meanwhile
    const scale = Math.min(1, THUMBNAIL / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    item.thumbnail = canvas.toDataURL('image/jpeg', 0.75);
    remember(COPY + item.photo.id, item.thumbnail);
    this.changed();
  }
}

export const shelf = new Shelf();

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toLocaleString('en', {maximumFractionDigits: bytes < 2 ** 20 ? 2 : 0})} MB`;
}

// What this browser remembers of each photograph: its look, and its small copy in color.

const LOOK = 'tinct-look:';
const COPY = 'tinct-copy:';

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off
  }
}

function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    try {
      // It is full, or switched off: looks are worth more than copies.
      for (const other of Object.keys(localStorage)) if (other.startsWith(COPY)) localStorage.removeItem(other);
      localStorage.setItem(key, text);
    } catch {
      // Then it holds until the page is closed.
    }
  }
}

/** Forget all photographs but those. */
function forgetOthers(ids) {
  try {
    const kept = new Set(ids.flatMap((id) => [LOOK + id, COPY + id]));
    const own = Object.keys(localStorage).filter((key) => key.startsWith(LOOK) || key.startsWith(COPY));
    for (const key of own) if (!kept.has(key)) localStorage.removeItem(key);
  } catch {
    // There is nothing to forget.
  }
}

/** Return the look that a photograph was given last. */
export function lookOf(photo) {
  const known = looks.get(photo.id) ?? JSON.parse(remembered(LOOK + photo.id) ?? '{}');
  const look = {...USUAL, ...known};
  // The model may have been renamed or deleted since.
  return shelf.models && !shelf.models.names.includes(look.model) ? {...look, model: null} : look;
}

const looks = new Map();

/** Remember a photograph's look. */
export function keepLook(photo, look) {
  looks.set(photo.id, look);
  remember(LOOK + photo.id, JSON.stringify(look));
  clearTimeout(telling);
  telling = setTimeout(() => tabs.postMessage({kind: 'look', id: photo.id}), SETTLE_SECONDS * 1000);
}

let telling = 0;

tabs.addEventListener('message', ({data}) => data.kind === 'look' && looks.delete(data.id));

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
