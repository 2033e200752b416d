/** One training: how far it is, its losses, figures and pictures after each epoch, and what can be done with it. */

import {api, follow, ROOT} from '../api.js';
import {chart, short} from '../chart.js';
import {confirmed, fail, say, toast} from '../notify.js';
import {isActive, stateOf, trainings} from '../runs.js';
import {html, LitElement, nothing} from '../vendor/lit.js';
import {go} from '../view.js';
import {loadModel, modelsChanged, useModel} from './model-actions.js';

const EPOCH = /^epoch-(\d+)\.png$/;
const BUDGET = '\\d{1,6}(\\.\\d{1,3})?(min|h|steps|epochs)';

class TrainRun extends LitElement {
  static properties = {
    run: {attribute: false},
    details: {attribute: false},
    sheet: {state: true},
    saving: {state: true},
    saved: {state: true},
  };

  constructor() {
    super();
    this.run = this.details = null;
    /** Name of the picture that is looked at; null for the newest. */
    this.sheet = null;
    this.saving = false;
    /** Names of the models that were saved from this run. */
    this.saved = [];
    this.told = 0;
  }

  createRenderRoot() {
    return this;
  }

  willUpdate(changed) {
    const before = changed.get('run');
    if (changed.has('run') && before?.id !== this.run.id) {
      this.sheet = null;
      this.saved = [];
      this.told = 0;
    }
    if (changed.has('run') && (before?.id !== this.run.id || before?.job?.state !== this.run.job?.state)) this.findModels();
    const figures = this.validations();
    if (figures.length > this.told && this.told) say(`After epoch ${short(figures.at(-1).body.epochs)}: ${this.inWords(figures.at(-1))}`);
    this.told = figures.length;
  }

  async findModels() {
    const {id} = this.run;
    try {
      const {own} = await api('GET', 'models');
      if (this.run.id === id) this.saved = own.filter((model) => model.run_id === id).map((model) => model.name);
    } catch {
      // The page says by itself that the server is away; the rest can be seen all the same.
    }
  }

  validations() {
    return this.details.points.filter((point) => point.kind === 'validation');
  }

  losses() {
    return this.details.points.filter((point) => point.kind === 'loss' && 'loss' in point.body.figures);
  }

  /** What it told, once each: a training that goes on says some of it again. */
  notes() {
    return new Set(this.details.points.filter((point) => point.kind === 'note').map((point) => point.body.note));
  }

  inWords(point) {
    const {figures} = point.body;
    const name = mainFigure(figures, 'psnr');
    return name ? `PSNR ${figures[name].toFixed(2)} decibels` : 'measured';
  }

  render() {
    const {run} = this;
    const {job} = run;
    const active = isActive(run);
    const last = this.details.points.findLast((point) => point.kind !== 'note');
    return html`<section class="panel stack" aria-labelledby="run-title">
      <div class="row apart"><h2 id="run-title">${run.name}</h2><span class="state ${job?.state}">${stateOf(run)}</span></div>
      <p class="note">${run.recipe} on ${run.options.data_name ?? run.options.data}${run.options.init ? `, beginning with ${run.options.init}` : ''}, for
        ${run.options.budget ?? 'as long as the recipe has it'}</p>
      ${active
        ? html`<div><progress max="1" value=${job.state === 'running' && job.progress ? job.progress : nothing} aria-label="Progress"></progress>
            <p class="note status">${this.status(job, last)}</p></div>`
        : nothing}
      ${job?.state === 'failed' ? html`<p class="bad">${job.error}</p>` : nothing}
      ${job?.notes.map((note) => html`<p class="good">${note[0].toUpperCase() + note.slice(1)}.</p>`)}
      ${this.renderActions(active)}
      ${this.renderSaved()}
      ${Array.from(this.notes(), (note) => html`<p class="note">${note}</p>`)}
      ${this.renderCurves()}
      ${this.renderSheets()}
      ${this.renderTable()}
    </section>`;
  }

  status(job, last) {
    if (job.state === 'queued') return 'Waiting for a worker that has time.';
    const said = [job.message];
    if (last && job.message?.startsWith('training')) {
      said.push(`epoch ${short(last.body.epochs)}`);
      if (last.body.photos_per_second) said.push(`${Math.round(last.body.photos_per_second)} photographs a second`);
      if (last.body.seconds_left) said.push(`${duration(last.body.seconds_left)} left`);
    }
    return said.filter(Boolean).join(' · ');
  }

  renderActions(active) {
    const done = this.validations().length > 0 || this.details.sheets.some((name) => EPOCH.test(name));
    return html`<div class="row">
      ${active
        ? html`<button type="button" class="danger" @click=${this.stop}>Stop</button>`
        : html`<form class="row" @submit=${this.resume}>
            <button>Resume</button>
            <label class="row">until <input class="budget" name="budget" pattern=${BUDGET} placeholder=${this.run.options.budget ?? 'the end'}
              title="Such as 10epochs, 30min or 500steps; empty: as before" /></label></form>
            <button type="button" class="danger" @click=${this.discard}>Delete</button>`}
      ${!active && done
        ? html`<form class="row" @submit=${this.save}>
            <input name="name" maxlength="100" required pattern="\\w[\\w .\\(\\)+\\-]*" placeholder="Name of the model" aria-label="Name of the model" />
            <button class="main" ?disabled=${this.saving}>Save the model</button></form>`
        : nothing}
    </div>`;
  }

  renderSaved() {
    if (!this.saved.length) return nothing;
    return html`<ul class="plain stack">${this.saved.map(
      (name) => html`<li class="row saved"><strong>${name}</strong> <span class="note">in the database</span>
        <button type="button" @click=${() => loadModel(name)}>Load</button>
        <button type="button" class="main" @click=${() => useModel(name)}>Use in Colorize</button></li>`,
    )}</ul>`;
  }

  renderCurves() {
    const losses = this.losses().map(({body}) => [body.epochs, body.figures.loss]);
    const rows = this.validations();
    if (!losses.length && !rows.length) return nothing;
    const of = (name) => rows.filter(({body}) => name in body.figures).map(({body}) => [body.epochs, body.figures[name]]);
    const names = rows.length ? Object.keys(rows[0].body.figures) : [];
    const psnr = names.filter((name) => name.startsWith('psnr') && !/_(gray|hints)$/.test(name)).slice(0, 2);
    const line = (name) => ({name: figureName(name), points: of(name), dots: true});
    return html`<div class="charts">
      ${chart('Loss', [{name: 'loss', points: losses}], {log: true})}
      ${chart('PSNR in dB', [...psnr, ...names.filter((name) => name === 'psnr_gray')].map(line))}
    </div>`;
  }

  renderSheets() {
    const sheets = this.details.sheets.filter((name) => EPOCH.test(name));
    if (!sheets.length) return nothing;
    const shown = sheets.includes(this.sheet) ? this.sheet : sheets.at(-1);
    const epoch = (name) => Number(EPOCH.exec(name)[1]);
    const rows = Object.keys(this.validations()[0]?.body.figures ?? {}).filter((name) => /^psnr(?!.*(_gray|_hints))/.test(name)).length;
    const what = rows > 1 ? 'gray, the model’s colors in each mode, the original' : 'gray, the model’s colors, the original';
    return html`<figure class="sheets">
      <figcaption class="row apart"><span>Photographs that it never learned from, after epoch ${epoch(shown)}: ${what}</span>
        ${sheets.length > 1
          ? html`<label class="row">Epoch <select @change=${(event) => (this.sheet = event.target.value || null)}>
              <option value="">the newest</option>
              ${sheets.toReversed().map((name) => html`<option value=${name} .selected=${name === this.sheet}>${epoch(name)}</option>`)}
            </select></label>`
          : nothing}</figcaption>
      <img src="${ROOT}runs/${this.run.id}/sheets/${shown}" alt="Validation pictures after epoch ${epoch(shown)}" />
    </figure>`;
  }

  renderTable() {
    const rows = this.validations();
    if (!rows.length) return nothing;
    const {figures} = rows[0].body;
    const names = ['psnr', 'ssim', 'colorfulness'].map((start) => mainFigure(figures, start)).filter(Boolean);
    const losses = this.losses();
    const loss = (number) => losses.findLast((point) => point.number < number)?.body.figures.loss;
    return html`<details open><summary>Figures after each epoch</summary><div class="wide"><table>
      <thead><tr><th scope="col">Epoch</th><th scope="col">Loss</th>${names.map((name) => html`<th scope="col">${figureName(name)}</th>`)}</tr></thead>
      <tbody>${rows.toReversed().map(({number, body}) => html`<tr><td>${short(body.epochs)}</td><td>${short(loss(number) ?? Number.NaN)}</td>
        ${names.map((name) => html`<td>${short(body.figures[name])}</td>`)}</tr>`)}</tbody></table></div></details>`;
  }

  async stop() {
    try {
      await trainings.stop(this.run.id);
    } catch (error) {
      fail(error);
    }
  }

  async resume(event) {
    event.preventDefault();
    try {
      await trainings.resume(this.run.id, event.target.elements.budget.value.trim());
    } catch (error) {
      fail(error);
    }
  }

  async discard() {
    const {run} = this;
    if (!(await confirmed(`Delete “${run.name}” with its checkpoint and pictures for good? Saved models stay.`, {yes: 'Delete', danger: true}))) return;
    try {
      await trainings.remove(run.id);
      go('train');
    } catch (error) {
      fail(error);
    }
  }

  async save(event) {
    event.preventDefault();
    const form = event.target;
    const name = form.elements.name.value.trim();
    this.saving = true;
    try {
      const job = await api('POST', `runs/${this.run.id}/save`, {json: {name}});
      const ended = await new Promise((resolve, reject) => {
        const heard = (news) => ['done', 'failed', 'stopped'].includes(news.state) && resolve(news);
        follow(`jobs/${job.id}`, {job: heard, failed: reject});
      });
      if (ended.state !== 'done') throw new Error(ended.error ?? 'it was stopped');
      form.reset();
      toast(`The model is saved in the database as ${name}.`, {kind: 'good'});
      modelsChanged();
      await this.findModels();
    } catch (error) {
      fail(error, `${name} can’t be saved`);
    } finally {
      this.saving = false;
    }
  }
}
customElements.define('tinct-train-run', TrainRun);

/** Return the name of the figure of a kind that stands for the model as it colors by itself. */
function mainFigure(figures, start) {
  return Object.keys(figures).find((name) => name.startsWith(start) && !/_(gray|hints|original)$/.test(name));
}

const WORDS = {psnr: 'PSNR', ssim: 'SSIM', mse: 'MSE', colorfulness: 'colorfulness'};

function figureName(name) {
  const [first, ...rest] = name.split('_');
  return [WORDS[first] ?? first, ...rest].join(' ');
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
