/**
 * The engine's work, off the page's thread: what engine-local.js asks, one thing after the other.
 *
 * A message is {id, name, args}; the answer {id, result} or {id, error}, meanwhile {id, progress}. {cancel: id} takes a
 * question back that wasn't begun. Only the model is loaded while other things are done.
 */
import {Prepared} from './colorizer.js';
import {decode, encode, finish, grayed, pixelsOf, preview, readMask, Refused, thumbnail} from './canvas.js';
import {ABOUT, SPEC} from './constants.js';
import {loadNetwork} from './network.js';
import {read} from './progress.js';
import * as store from './store.js';
import {pack} from './zip.js';

/** Photographs whose pixels are at hand. */
const KEPT = 2;
const JPEG_QUALITY = 0.95;
const ENDINGS = {'image/jpeg': '.jpg', 'image/png': '.png'};
const MOST_SCALE = 1;

const opened = new Map();
let network = null;

function ready(_, {onProgress}) {
  network ??= read(new URL(`../../model/${ABOUT.modelFile}`, import.meta.url), ABOUT.modelHash, onProgress)
    .then((model) => loadNetwork(model, SPEC))
    .catch((error) => {
      network = null;
      throw error instanceof Refused ? error : new Refused(`the model can't be loaded (${error.message})`);
    });
  return network.then(() => null);
}

const described = ({id, name, width, height, created, notes}) => ({id, name, width, height, created, notes});

async function open([file]) {
  const name = file.name || 'picture';
  const bitmap = await decode(file, name);
  try {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0'));
    const photo = {
      id: id.join(''),
      name,
      width: bitmap.width,
      height: bitmap.height,
      created: Date.now() / 1000,
      notes: isColored(pixelsOf(bitmap, 64, 64)) ? ['its own colors are replaced; lightness is kept'] : [],
      file: new Blob([await file.arrayBuffer()], {type: file.type}),
      thumbnail: await thumbnail(bitmap),
      hints: [],
      accepted: false,
      revision: 0,
      beside: {},
    };
    await store.put(photo);
    return described(photo);
  } finally {
    bitmap.close();
  }
}

function isColored({data}) {
  let spread = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = data.subarray(at, at + 3);
    spread += Math.max(red, green, blue) - Math.min(red, green, blue);
  }
  return spread / (data.length / 4) > 8;
}

/** A photograph with its pixels, its copy for quick answers, and what the network said of it. */
async function at(id) {
  const photo = await store.get(id);
  if (!opened.has(id)) {
    const bitmap = await decode(photo.file, photo.name);
    const pixels = pixelsOf(bitmap);
    const [width, height] = preview(bitmap.width, bitmap.height);
    const small = width === bitmap.width && height === bitmap.height ? pixels : pixelsOf(bitmap, width, height);
    const run = async (...inputs) => {
      await ready([], {});
      return (await network)(...inputs);
    };
    opened.set(id, {bitmap, pixels, small, prepared: new Prepared(pixels, SPEC, run)});
  }
  const found = opened.get(id);
  opened.delete(id);
  opened.set(id, found);
  while (opened.size > KEPT) close(opened.keys().next().value);
  return {photo, ...found};
}

function close(id) {
  opened.get(id)?.bitmap.close();
  opened.delete(id);
}

const whole = ({width, height}) => ({x: 0, y: 0, width, height});

/** A look as it is asked for: without hints, those count that are kept. */
const complete = (look, photo) => ({...look, hints: look.hints ?? photo.hints});

async function colored({photo, prepared}, look, pixels, frame = whole(pixels)) {
  const kept = photo.beside.mask;
  const mask = kept ? await readMask(kept, pixels.width, pixels.height, frame) : null;
  return prepared.colorize(complete(look, photo), {mask, pixels, frame});
}

async function render([id, look]) {
  const found = await at(id);
  return {blob: await encode(await colored(found, look, found.small), 'image/jpeg', 0.9), notes: []};
}

async function region([id, box, wanted, look]) {
  const found = await at(id);
  const scale = Math.min(wanted, MOST_SCALE);
  const [width, height] = [box.width, box.height].map((side) => Math.max(1, Math.round(side * scale)));
  const pixels = pixelsOf(found.bitmap, width, height, box);
  const across = width / box.width;
  const down = height / box.height;
  const frame = {
    x: box.x * across,
    y: box.y * down,
    width: found.photo.width * across,
    height: found.photo.height * down,
  };
  return encode(look === null ? grayed(pixels) : await colored(found, look, pixels, frame), 'image/jpeg', 0.92);
}

async function plain([id]) {
  const {small} = await at(id);
  return encode(grayed(small), 'image/jpeg', 0.92);
}

async function points([id, look]) {
  const {photo, prepared} = await at(id);
  const wanted = complete(look, photo);
  const {data, width, height} = await prepared.confidence(wanted);
  return {
    points: await prepared.suggestPoints(10, wanted),
    confidence: Array.from({length: height}, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width))),
  };
}

async function colors([id, {x, y, count = 5}]) {
  return (await at(id)).prepared.suggestColors(x, y, count);
}

const kept = ({hints, accepted, revision, beside}) => ({hints, accepted, revision, beside: Object.keys(beside)});

async function keepHints([id, hints, revision]) {
  return kept(
    await store.update(id, (photo) => {
      if (revision !== undefined && revision !== photo.revision) {
        throw new Refused('the hints were changed meanwhile, perhaps in another tab; load them again', 409);
      }
      return {...photo, hints, revision: photo.revision + 1};
    }),
  );
}

async function keepBeside([id, kind, blob]) {
  await store.update(id, (photo) => {
    const beside = {...photo.beside, [kind]: blob};
    if (blob === null) delete beside[kind];
    return {...photo, beside};
  });
}

async function download([id, look, {format, quality} = {}]) {
  const found = await at(id);
  const type = format ? `image/${format}` : found.photo.file.type === 'image/jpeg' ? 'image/jpeg' : 'image/png';
  if (!(type in ENDINGS)) throw new Refused(`pictures of the kind ${format} can't be written by a browser`);
  const pixels = await colored(found, look, found.pixels);
  const {file, beside} = found.photo;
  const share = quality ? quality / 100 : JPEG_QUALITY;
  const wanted = complete(look, found.photo);
  const blob = await finish(pixels, file, wanted, {type, quality: share, mask: beside.mask ?? null});
  return {blob, name: `${found.photo.name.replace(/\.[^.]*$/, '')}.color${ENDINGS[type]}`};
}

async function downloadAll([wanted], {onProgress, cancelled}) {
  const files = [];
  for (const [number, [id, look]] of wanted.entries()) {
    if (cancelled()) throw new DOMException('stopped', 'AbortError');
    const {blob, name} = await download([id, look]);
    files.push([name, new Uint8Array(await blob.arrayBuffer())]);
    onProgress((number + 1) / wanted.length);
  }
  return {blob: pack(files), name: 'colorized.zip'};
}

const ACTIONS = {
  ready,
  open,
  render,
  region,
  plain,
  points,
  colors,
  keepHints,
  download,
  downloadAll,
  keepBeside,
  list: async () => (await store.all()).map(described),
  thumbnail: async ([id]) => (await store.get(id)).thumbnail,
  hints: async ([id]) => kept(await store.get(id)),
  beside: async ([id, kind]) => (await store.get(id)).beside[kind],
  remove: async ([id]) => {
    close(id);
    await store.remove(id);
  },
};

const cancelled = new Set();
let line = Promise.resolve();

async function answer({id, name, args}) {
  if (cancelled.delete(id)) return;
  const onProgress = (progress) => postMessage({id, progress});
  try {
    const result = await ACTIONS[name](args, {onProgress, cancelled: () => cancelled.has(id)});
    postMessage({id, result});
  } catch (error) {
    // Out of range is what a person asked for; anything else is a fault of ours, and is told by its own name.
    const kind = error instanceof RangeError ? 'Refused' : error.name;
    postMessage({id, error: {name: kind, message: error.message, status: error.status}});
  } finally {
    cancelled.delete(id);
  }
}

onmessage = ({data}) => {
  if (data.cancel !== undefined) cancelled.add(data.cancel);
  else if (data.name === 'ready') answer(data);
  else line = line.then(() => answer(data));
};
