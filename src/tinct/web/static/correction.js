/** What a person corrected of one photograph: hints, scribbles, a mask; undone, done again, and kept by the engine. */

import {connection} from './api.js';
import {engine} from './engine.js';
import {Refused} from './notify.js';
import {tabs} from './photos.js';
import {unfinished} from './unfinished.js';

export const MOST_HINTS = 1000;
const MOST_STEPS = 60;
const AGAIN_SECONDS = 5;
/** What no other try would change: it is deleted, changed by another, too large, or wrong. */
const REFUSED = [404, 409, 413, 422];

/**
 * A hint, or a scribble, which is hints of one color that follow each other.
 *
 * @typedef {{id: number, color: string, radius: number, points: number[][]}} Mark
 * Points are [x, y] in pixels of the photograph.
 *
 * A mask is {width, height, data: Uint8Array}, 255 where the photograph is colored and 0 where it stays as it was.
 */

/** Resolves when all that was changed of a photograph is kept, or that failed. */
export function kept(photo) {
  const own = [...unfinished].filter((one) => one instanceof Correction && one.photo.id === photo.id);
  return Promise.all(own.map((correction) => correction.save()));
}

let numbered = 0;

export function newMark(color, radius, points) {
  numbered += 1;
  return {id: numbered, color, radius: Math.max(1, Math.round(radius)), points};
}

/** Sends `change` when marks or mask are others, `saved` when it has tried to keep them, `error` with what went wrong. */
export class Correction extends EventTarget {
  constructor(photo, size) {
    super();
    this.photo = photo;
    /** {width, height} of masks that are drawn */
    this.size = size;
    this.marks = [];
    this.mask = null;
    this.accepted = false;
    /** Whether a reference is kept with the photograph. */
    this.referenced = false;
    this.before = [];
    this.after = [];
    /** What the last change was a part of. */
    this.gesture = null;
    this.revision = 0;
    this.unsaved = new Set();
    this.saving = null;
    /** Why the last try to keep it failed, which is told once; and the timer of the next. */
    this.trouble = null;
    this.later = 0;
    this.listener = new AbortController();
    const {signal} = this.listener;
    connection.addEventListener('back', () => this.save(), {signal});
    tabs.addEventListener(
      'message',
      ({data}) => data.kind === 'hints' && data.id === photo.id && this.settled && this.take(),
      {signal},
    );
  }

  /** Hear no more of other tabs, and of the server once all is kept. */
  close() {
    if (this.settled) this.listener.abort();
    else this.addEventListener('saved', () => this.close(), {once: true});
  }

  /** Load what is kept. */
  async load() {
    const kept = await engine.hints(this.photo);
    const mask = kept.beside.includes('mask') ? await engine.beside(this.photo, 'mask') : null;
    this.marks = toMarks(kept.hints, this.photo);
    this.unsaved.delete('hints');
    this.revision = kept.revision;
    this.accepted = kept.accepted;
    this.referenced = kept.beside.includes('reference');
    this.mask = mask && (await readMask(mask, this.size));
    this.unsaved.delete('mask');
    this.changed(true);
  }

  changed(mask) {
    this.dispatchEvent(new CustomEvent('change', {detail: {mask}}));
  }

  /** All hints, as in the command's file of hints. */
  hints() {
    const bound = (value, side) => Math.min(side - 1, Math.max(0, Math.floor(value)));
    const {width, height} = this.photo;
    return this.marks.flatMap(({color, radius, points}) =>
      points.map(([x, y]) => ({x: bound(x, width), y: bound(y, height), color, radius})),
    );
  }

  /**
   * Change marks or mask.
   *
   * @param {{marks?: Mark[], mask?: object|null}} changed
   * @param {object|null} gesture what it is a part of: changes of one gesture that follow each other are one step
   */
  change({marks = this.marks, mask = this.mask}, gesture = null) {
    const count = marks.reduce((sum, mark) => sum + mark.points.length, 0);
    if (count > MOST_HINTS) throw new Refused(`there are ${count} hints; a photograph takes at most ${MOST_HINTS}`);
    if (gesture === null || gesture !== this.gesture) this.note();
    this.gesture = gesture;
    this.put(marks, mask);
  }

  /** Begin a step: undo brings back what is there now. */
  note() {
    this.before = [...this.before.slice(1 - MOST_STEPS), {marks: this.marks, mask: this.mask}];
    this.after = [];
    this.gesture = null;
  }

  undo() {
    this.step(this.before, this.after);
  }

  redo() {
    this.step(this.after, this.before);
  }

  step(from, to) {
    const found = from.pop();
    if (!found) return;
    this.gesture = null;
    to.push({marks: this.marks, mask: this.mask});
    this.put(found.marks, found.mask);
  }

  put(marks, mask) {
    const masked = mask !== this.mask;
    if (marks !== this.marks) this.unsaved.add('hints');
    if (masked) this.unsaved.add('mask');
    this.marks = marks;
    this.mask = mask;
    this.save();
    this.changed(masked);
  }

  /** Have everything kept; resolves when nothing is left to be kept, or that failed. */
  save() {
    unfinished.add(this);
    this.saving ??= this.saveAll().finally(() => {
      this.saving = null;
      if (this.settled) unfinished.delete(this);
      this.dispatchEvent(new Event('saved'));
    });
    return this.saving;
  }

  /** Whether all is kept. */
  get settled() {
    return !this.saving && !this.unsaved.size;
  }

  async saveAll() {
    while (this.unsaved.size) {
      const [what] = this.unsaved;
      this.unsaved.delete(what);
      try {
        if (what === 'mask') {
          const blob = this.mask && (await toPng(this.mask));
          await engine.keepBeside(this.photo, 'mask', blob);
        } else {
          const kept = await engine.keepHints(this.photo, this.hints(), this.revision);
          this.revision = kept.revision;
          this.accepted = kept.accepted;
        }
        this.trouble = null;
        tabs.postMessage({kind: 'hints', id: this.photo.id});
      } catch (error) {
        if (what === 'mask' && this.mask === null && error.status === 404) continue; // it wasn't there
        let said = error;
        if (what === 'hints' && error.status === 409) said = (await this.take().catch((worse) => worse)) ?? error;
        if (said.status === 404) this.unsaved.clear(); // the photograph is deleted
        else if (!REFUSED.includes(said.status) && !this.keepLater(what, said)) return;
        this.dispatchEvent(new CustomEvent('error', {detail: said}));
        return;
      }
    }
  }

  /** Have it kept later: when the line is back, or the server's trouble may be over. Returns whether that is news. */
  keepLater(what, {status, message}) {
    this.unsaved.add(what);
    clearTimeout(this.later);
    if (status >= 429) this.later = setTimeout(() => this.save(), AGAIN_SECONDS * 1000);
    const news = message !== this.trouble;
    this.trouble = message;
    return news;
  }

  /** Take over what another tab made; one's own is a step back. */
  async take() {
    this.note();
    await this.load();
  }
}

// Hints as files have them

/** Return hints as marks: neighbors of one color and size are one scribble. */
export function toMarks(hints, {width, height}) {
  const marks = [];
  for (const hint of hints) {
    const point = [pixels(hint.x, width), pixels(hint.y, height)];
    const radius = hint.radius ?? 3;
    const last = marks.at(-1);
    const [x, y] = last?.points.at(-1) ?? [];
    const near = last && Math.hypot(point[0] - x, point[1] - y) <= 2.5 * radius + 2;
    if (near && last.color === hint.color.toLowerCase() && last.radius === radius) last.points.push(point);
    else marks.push(newMark(hint.color.toLowerCase(), radius, [point]));
  }
  return marks;
}

function pixels(place, side) {
  if (typeof place === 'number') return place;
  return /%\s*$/.test(place) ? Math.min(side - 1, (Number.parseFloat(place) / 100) * side) : Number(place);
}

/** Read the text of a file of hints. */
export function readHints(text, photo) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Refused('this is no file of hints: it is no JSON');
  }
  const sound = (hint) => /^#[0-9a-f]{6}$/i.test(hint?.color) && [hint.x, hint.y].every((at) => at !== undefined);
  if (!Array.isArray(found) || !found.every(sound)) {
    throw new Refused('this is no file of hints: a list of {"x": 12, "y": "40%", "color": "#a03020"} is expected');
  }
  const marks = toMarks(found, photo);
  const inside = ([x, y]) => x >= 0 && y >= 0 && x < photo.width && y < photo.height;
  if (!marks.every((mark) => mark.points.every(inside))) {
    throw new Refused('a hint lies outside of this photograph; the file belongs to another one');
  }
  return marks;
}

// Masks

function draw(bitmap, {width, height}) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

async function readMask(blob, size) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Refused('the mask of this photograph is of a kind that browsers can’t show; it still counts');
  }
  const colors = draw(bitmap, size);
  const data = new Uint8Array(size.width * size.height);
  for (let at = 0; at < data.length; at += 1) data[at] = colors[4 * at];
  return {...size, data};
}

/** Return a mask as a gray PNG, which the command takes as --mask. */
export async function toPng({width, height, data}) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let at = 0; at < data.length; at += 1) {
    image.data.fill(data[at], 4 * at, 4 * at + 3);
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({type: 'image/png'});
}

/** A mask that is being drawn: opaque where the photograph stays as it was. */
export class MaskCanvas {
  constructor(size, mask) {
    this.canvas = new OffscreenCanvas(size.width, size.height);
    this.context = this.canvas.getContext('2d', {willReadFrequently: true});
    const image = this.context.createImageData(size.width, size.height);
    if (mask) {
      for (let at = 0; at < mask.data.length; at += 1) {
        image.data.set([40, 120, 255, 255 - mask.data[at]], 4 * at);
      }
      this.context.putImageData(image, 0, 0);
    }
  }

  /** Draw a line between two places, in pixels of the mask; `gray` keeps the photograph as it was, else it is colored. */
  line([fromX, fromY], [toX, toY], width, gray) {
    const {context} = this;
    context.globalCompositeOperation = gray ? 'source-over' : 'destination-out';
    context.strokeStyle = 'rgb(40 120 255)';
    context.lineWidth = width;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(toX + 0.01, toY);
    context.stroke();
  }

  /** Return it as a mask, null where nothing is kept back. */
  read() {
    const {width, height} = this.canvas;
    const colors = this.context.getImageData(0, 0, width, height).data;
    const data = new Uint8Array(width * height);
    let some = false;
    for (let at = 0; at < data.length; at += 1) {
      data[at] = 255 - colors[4 * at + 3];
      some ||= data[at] < 255;
    }
    return some ? {width, height, data} : null;
  }
}
