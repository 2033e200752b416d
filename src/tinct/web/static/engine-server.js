/**
 * The engine that colors photographs by asking the server. engine-local.js does the same in the browser.
 *
 * An engine module exports createEngine(); the engine has these members. All functions are asynchronous, and throw an
 * Error whose message can be shown to a person (Problem of api.js, or one named 'Refused'), or AbortError where their
 * `signal` said so. Places are in pixels of the upright photograph at full size, from its upper left corner.
 *
 * Photo: {id, name, width, height, created, notes}    created in seconds since 1970; notes: string[], may be empty
 * Look:  {mode, vividness, saturation, hints, variant, variants, seed, model}
 *        mode 'vivid'|'faithful'; vividness 0..1 or null (mode says); saturation 0..2; hints: Hint[];
 *        variant and variants: null, or which of how many; seed: integer, another one gives other variants; model: name
 *        or null. A member that is missing or null is as usual; without `hints`, those count that are kept with the
 *        photograph.
 * Hint:  {x, y, color, radius}                        as in the command's file of hints; color '#rrggbb'
 *
 * views       string[]            names of the views that can be shown
 * local       boolean             whether photographs never leave this device
 * features    Set<string>         what else it can do: 'variants', 'region', 'colors', 'points', 'reference', 'accept',
 *                                 'models', 'zip'; controls of what is missing aren't shown
 * formats     string[]            what results can be written as: '' (as the photograph was), 'jpeg', 'png', ...
 * together    number              most photographs of one downloadAll(); missing where there is no limit
 * limits()                        -> {bytes, pixels}: most of a file; Infinity where there is no limit
 * ready(onProgress)               prepares what takes time (a model to load); onProgress(share 0..1). Idempotent.
 * list()                          -> Photo[], those that are kept, the newest first
 * open(file, {onProgress, signal, truncated}) -> Photo; takes a File, keeps it until remove(); onProgress(share of the
 *                                 upload); an error of `kind` 'TruncatedPhoto' where it is damaged, unless `truncated`
 *                                 says that what is there of it is to be used
 * remove(photo)                   deletes it for good, with all that was made of it
 * thumbnail(photo)                -> URL of a small gray copy, to be put into an <img>
 * plain(photo)                    -> Blob, the photograph without color, at most a megapixel, as browsers show it
 * render(photo, look, {signal})   -> {blob, notes}, the same size in color. Answers in under 300 ms once it has
 *                                 answered for this photograph; only a new model or set of hints may take longer
 * region(photo, box, scale, look, {signal}) -> Blob, a part of the photograph at full resolution: box {x, y, width,
 *                                 height} in pixels, scaled by `scale` (at most 1); in color, or plain where look is null
 * colors(photo, {x, y, count, model}) -> [{color, probability}], plausible for that place, the most probable first
 * points(photo, look)             -> {points: [{x, y, score}], confidence: number[][]}: where a hint helps most, the
 *                                 best first; and rows of cells that cover the photograph, how sure the model is, 0..1
 * hints(photo)                    -> {hints, accepted, revision, beside}, as kept with the photograph; beside names
 *                                 what else is: 'mask', 'reference'
 * keepHints(photo, hints, revision) -> the same; an error with `status` 409 where they were changed meanwhile by
 *                                 another tab
 * beside(photo, kind)             -> Blob; kind 'mask' (white is colored, black stays) or 'reference'
 * keepBeside(photo, kind, blob)   keeps it with the photograph, from then on used by render and download; null removes
 * download(photo, look, {format, quality, onProgress, signal}) -> {blob, name}: at full size, metadata kept, marked
 * downloadAll([[photo, look], ...], {onProgress, signal}) -> {blob, name, failed}: a ZIP; failed: {name, error}[], what
 *                                 isn't in it and why, may be missing
 * accept(photo, look)             the user is content with the colors: models may learn from them
 * takeBack(photo)                 models learn no more from them
 * models()                        -> {names: string[], default: string, own: string[]}; own: those that the user made
 */

import {api, connection, follow, Problem, ROOT, upload} from './api.js';

const POLL_SECONDS = 0.7;
/** Orders that the server takes at once. */
const MOST_TOGETHER = 500;

/** Make the engine. */
export function createEngine() {
  return {
    views: ['colorize', 'correct', 'train', 'models', 'turing'],
    local: false,
    features: new Set(['variants', 'region', 'colors', 'points', 'reference', 'accept', 'models', 'zip']),
    formats: ['', 'jpeg', 'png', 'tiff', 'webp', 'avif'],
    together: MOST_TOGETHER,
    limits: () => api('GET', 'limits'),
    ready: async () => {},
    list,
    open,
    remove: (photo) => api('DELETE', `pictures/${photo.id}`),
    thumbnail: async (photo) => `${ROOT}pictures/${photo.id}/copies/thumbnail`,
    plain: (photo) => api('GET', `pictures/${photo.id}/copies/preview`, {as: 'blob'}),
    render,
    region,
    colors: async (photo, place) => (await api('POST', `pictures/${photo.id}/colors`, {json: place})).colors,
    points,
    hints: (photo) => api('GET', `pictures/${photo.id}/hints`),
    keepHints: (photo, hints, revision) => api('PUT', `pictures/${photo.id}/hints`, {json: {hints, revision}}),
    beside: (photo, kind) => api('GET', `pictures/${photo.id}/${kind}`, {as: 'blob'}),
    keepBeside,
    download,
    downloadAll,
    accept: (photo, look) => api('POST', `corrections/${photo.id}`, {json: asked(look)}),
    takeBack: (photo) => api('DELETE', `corrections/${photo.id}`),
    models,
  };
}

async function list() {
  const found = [];
  for (;;) {
    const page = await api('GET', `pictures?limit=500&offset=${found.length}`);
    found.push(...page.map(described));
    if (page.length < 500) return found;
  }
}

function described(picture) {
  const {width, height, notes} = picture.facts;
  return {id: picture.id, name: picture.name, width, height, created: picture.created, notes: notes ?? []};
}

async function open(file, {truncated = false, ...options} = {}) {
  const form = new FormData();
  if (truncated) form.append('allow-truncated', 'true');
  form.append('file', file, file.name || 'picture');
  return described(await upload('pictures', form, options));
}

/** Return a look as the API takes it: without what is as usual. */
function asked(look) {
  return Object.fromEntries(Object.entries(look).filter(([, value]) => value !== null && value !== undefined));
}

async function render(photo, look, {signal} = {}) {
  const answer = await api('POST', `pictures/${photo.id}/preview`, {json: asked(look), signal, as: 'response'});
  return {blob: await answer.blob(), notes: JSON.parse(answer.headers.get('Tinct-Notes') ?? '[]')};
}

function region(photo, box, scale, look, {signal} = {}) {
  const json = {...box, scale, look: look && asked(look)};
  return api('POST', `pictures/${photo.id}/region`, {json, signal, as: 'blob'});
}

async function points(photo, look) {
  const found = await api('POST', `pictures/${photo.id}/points`, {json: asked(look)});
  const share = (text) => Number.parseFloat(text) / 100;
  return {
    confidence: found.confidence,
    points: found.points.map(({x, y, score}) => ({x: share(x) * photo.width, y: share(y) * photo.height, score})),
  };
}

async function keepBeside(photo, kind, blob) {
  if (blob === null) {
    await api('DELETE', `pictures/${photo.id}/${kind}`);
    return;
  }
  const form = new FormData();
  form.append('file', blob, blob.name ?? kind);
  await upload(`pictures/${photo.id}/${kind}`, form, {method: 'PUT'});
}

/** Wait for a job's end. */
function finished(id, {onProgress, signal} = {}) {
  return new Promise((resolve, reject) => {
    const end = (settle) => (value) => {
      stop();
      signal?.removeEventListener('abort', abort);
      settle(value);
    };
    const good = end(resolve);
    const bad = end(reject);
    const abort = () => {
      api('POST', `jobs/${id}/stop`).catch(() => {});
      bad(new DOMException('stopped', 'AbortError'));
    };
    const stop = follow(`jobs/${id}`, {
      job: (job) => {
        onProgress?.(job.progress);
        if (job.state === 'done') good(job);
        else if (job.state === 'failed') bad(new Problem(422, job.error ?? 'it failed', {kind: job.error_kind}));
        else if (job.state === 'stopped') bad(new DOMException('stopped', 'AbortError'));
      },
      failed: bad,
    });
    signal?.addEventListener('abort', abort, {once: true});
  });
}

/** Get what the server makes meanwhile, also where the line breaks. */
async function getInTheEnd(path, options) {
  for (;;) {
    try {
      return await api('GET', path, options);
    } catch (error) {
      if (error.status !== 0) throw error;
      await new Promise((resolve) => {
        connection.addEventListener('back', resolve, {once: true});
        options.signal?.addEventListener('abort', resolve, {once: true});
      });
    }
  }
}

async function download(photo, look, {format, quality, onProgress, signal} = {}) {
  const order = {...asked(look), ...(format ? {format} : {}), ...(quality ? {quality} : {})};
  const job = await api('POST', `pictures/${photo.id}/jobs`, {json: order, signal});
  await finished(job.id, {onProgress, signal});
  return named(await getInTheEnd(`jobs/${job.id}/result`, {signal, as: 'response'}));
}

async function downloadAll(wanted, {onProgress, signal} = {}) {
  const orders = wanted.map(([photo, look]) => ({picture: photo.id, ...asked(look)}));
  let batch = await api('POST', 'batches/pictures', {json: {orders}, signal});
  for (;;) {
    const over = batch.jobs.filter((job) => ['done', 'failed', 'stopped'].includes(job.state));
    onProgress?.(over.length / batch.jobs.length);
    if (over.length === batch.jobs.length) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_SECONDS * 1000));
    batch = await getInTheEnd(`batches/${batch.id}`, {signal});
  }
  const names = new Map(wanted.map(([photo]) => [photo.id, photo.name]));
  const failed = batch.jobs
    .filter((job) => job.state !== 'done')
    .map((job) => ({name: names.get(job.picture_id), error: job.error ?? 'it was stopped'}));
  if (failed.length === batch.jobs.length) throw new Problem(422, failed.map(({name, error}) => `${name}: ${error}`).join('; '));
  return {...(await named(await getInTheEnd(`batches/${batch.id}/zip`, {signal, as: 'response'}))), failed};
}

async function named(answer) {
  const [, name] = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get('Content-Disposition') ?? '') ?? [];
  return {blob: await answer.blob(), name: name ? decodeURIComponent(name) : 'picture'};
}

async function models() {
  const found = await api('GET', 'models');
  const [own, installed] = [found.own, found.installed].map((models) => models.map((model) => model.name));
  return {names: [...own, ...installed], default: found.default, own};
}
