/**
 * The trainings, as the page knows them: one store for all views, which follows what is under way and tells its end.
 *
 * `trainings` sends `change` whenever something is new. It begins with the page, not with a view, so that somebody who
 * does something else meanwhile, or had the page closed, is told when a training ends.
 */

import {api, connection, follow} from './api.js';
import {notify, toast} from './notify.js';
import {go} from './view.js';
import {modelsChanged} from './views/model-actions.js';

const TOLD = 'tinct-trainings-told';
const LOOK_SECONDS = 20;
const FINAL = ['done', 'failed', 'stopped'];
const STATES = {queued: 'waiting', running: 'training', done: 'done', failed: 'failed', stopped: 'stopped'};

/** Return whether a run is under way, or waits to be. */
export function isActive(run) {
  return Boolean(run.job) && !FINAL.includes(run.job.state);
}

/** Return a run's state in words. */
export function stateOf(run) {
  return STATES[run.job?.state] ?? 'not begun';
}

class Trainings extends EventTarget {
  constructor() {
    super();
    /** @type {any[] | null} all runs, the newest first; null until they are known */
    this.list = null;
    /** @type {Map<string, {points: any[], sheets: string[]}>} what is known of single runs, by their ids */
    this.details = new Map();
    this.following = null;
    this.asked = new Set();
  }

  /** Load the list anew, and follow what is under way. */
  async refresh() {
    const list = await api('GET', 'runs?limit=100');
    this.list = list;
    for (const run of list) this.tellEnd(run);
    const next = list.findLast((run) => run.job?.state === 'running') ?? list.findLast(isActive);
    if (this.following?.id !== next?.id) this.follow(next);
    this.changed();
  }

  find(id) {
    return this.list?.find((run) => run.id === id) ?? null;
  }

  /** Load a run's reports; one that is followed gets further ones by itself. */
  async open(id) {
    const {run, points, sheets} = await api('GET', `runs/${id}`);
    const known = this.detailsOf(id);
    for (const point of points) this.addPoint(known, point);
    known.sheets = sheets;
    this.put(run);
  }

  async start(order) {
    const run = await api('POST', 'runs', {json: order});
    this.put(run);
    await this.refresh();
    return run;
  }

  async stop(id) {
    this.asked.add(id);
    this.put(await api('POST', `runs/${id}/stop`));
  }

  async resume(id, budget) {
    this.put(await api('POST', `runs/${id}/resume`, {json: budget ? {budget} : {}}));
    await this.refresh();
  }

  async remove(id) {
    await api('DELETE', `runs/${id}`);
    this.details.delete(id);
    await this.refresh();
  }

  follow(run) {
    this.following?.stop();
    this.following = null;
    if (!run) return;
    const known = this.detailsOf(run.id);
    const stop = follow(`runs/${run.id}`, {
      point: (point) => {
        this.addPoint(known, point);
        this.changed();
      },
      sheets: (sheets) => {
        known.sheets = sheets;
        this.changed();
      },
      job: (job) => {
        const found = this.find(run.id);
        if (found) this.put({...found, job});
      },
      failed: () => this.refreshSoon(),
      end: () => this.refreshSoon(),
    });
    this.following = {id: run.id, stop};
  }

  refreshSoon() {
    this.follow(null);
    this.refresh().catch(() => {});
  }

  detailsOf(id) {
    if (!this.details.has(id)) this.details.set(id, {points: [], sheets: []});
    return this.details.get(id);
  }

  /** Add a report in its place; a line that was taken up again tells some twice. */
  addPoint(known, point) {
    const last = known.points.at(-1)?.number ?? 0;
    if (point.number > last) known.points.push(point);
  }

  put(run) {
    const list = this.list ?? [];
    this.list = list.some(({id}) => id === run.id) ? list.map((old) => (old.id === run.id ? run : old)) : [run, ...list];
    this.tellEnd(run);
    this.changed();
  }

  /** Tell the user of a run's end, once, also where the page was closed when it came. */
  tellEnd(run) {
    const {job} = run;
    const told = readTold();
    if (!job || told[run.id] === job.id) return;
    if (!FINAL.includes(job.state)) {
      // Its end will be news, whatever the clocks say.
      if (told[run.id] === undefined) writeTold({...told, [run.id]: ''});
      return;
    }
    const first = told[run.id] === undefined && !('since' in told && job.finished > told.since);
    writeTold({...told, [run.id]: job.id});
    if (first) return; // it ended before this browser first saw the page
    const action = {label: 'Show', run: () => go('train', run.id)};
    if (job.state === 'done') {
      const saved = job.notes.length ? ` ${job.notes.join('; ')}.` : '';
      notify(`“${run.name}” is trained.`, capital(saved.trim()), {action});
      modelsChanged();
    } else if (job.state === 'failed') {
      notify(`“${run.name}” can’t be trained.`, capital(job.error ?? ''), {kind: 'error', action});
    } else if (this.asked.delete(run.id)) {
      toast(`“${run.name}” is stopped; it can be resumed.`);
    }
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

const capital = (text) => (text ? text[0].toUpperCase() + text.slice(1) : '');

function readTold() {
  try {
    return JSON.parse(localStorage.getItem(TOLD) ?? '{}');
  } catch {
    return {};
  }
}

function writeTold(told) {
  try {
    // The newest ones suffice: older ends were told long ago.
    const entries = Object.entries(told).filter(([name]) => name !== 'since').slice(-200);
    localStorage.setItem(TOLD, JSON.stringify({since: told.since ?? Date.now() / 1000, ...Object.fromEntries(entries)}));
  } catch {
    // Storage is switched off; what ended is told again when the page is opened again.
  }
}

export const trainings = new Trainings();

/** Begin to watch. */
export function watchTrainings() {
  if (!('since' in readTold())) writeTold({});
  const look = () => trainings.refresh().catch(() => {}); // a server that is away is told by the page itself
  connection.addEventListener('back', look);
  document.addEventListener('visibilitychange', () => document.hidden || look());
  // Runs that were started in another tab, or by a program.
  setInterval(look, LOOK_SECONDS * 1000);
  look();
}
