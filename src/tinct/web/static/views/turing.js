/** Turing test: make one of photographs, take it, see the score so far. */

import {api, connection, follow, upload} from '../api.js';
import {confirmed, fail, notify, toast} from '../notify.js';
import {html, nothing} from '../vendor/lit.js';
import {go, MODELS, View} from '../view.js';
import './turing-sitting.js';

const FINAL = ['done', 'failed', 'stopped'];
/** Names of data sets of which no test can be made. */
const UNFIT = ['cifar10', 'corrections'];

export default class Turing extends View {
  static properties = {
    tests: {state: true},
    known: {state: true},
    score: {state: true},
    sitting: {state: true},
    making: {state: true},
    sending: {state: true},
    data: {state: true},
  };

  constructor() {
    super();
    this.tests = this.known = this.score = this.sitting = this.sending = null;
    /** The job that makes a test. */
    this.making = null;
    this.data = '';
    this.reload = () => this.shown();
    this.forgetKnown = () => this.loadKnown();
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', this.reload);
    document.addEventListener(MODELS, this.forgetKnown);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    connection.removeEventListener('back', this.reload);
    document.removeEventListener(MODELS, this.forgetKnown);
  }

  async shown() {
    const [test, sitting] = this.parts;
    this.sitting = null;
    try {
      await Promise.all([this.loadTests(), this.loadKnown(), this.findMaking()]);
      this.score = test ? {test, ...(await api('GET', `turing/${test}/score`))} : null;
      if (sitting) this.sitting = await api('GET', `turing/sittings/${sitting}`);
      await this.updateComplete;
      this.querySelector('.score')?.scrollIntoView({block: 'nearest'});
    } catch (error) {
      fail(error, 'The test can’t be shown');
    }
  }

  left() {
    this.sitting = null; // a pair that nobody saw to its end is shown again
  }

  async loadTests() {
    this.tests = await api('GET', 'turing');
  }

  /** Go on following what is being made, also where the page was closed meanwhile. */
  async findMaking() {
    const found = await Promise.all(['running', 'queued'].map((state) => api('GET', `jobs?state=${state}&limit=500`)));
    const job = found.flat().find(({kind}) => kind === 'turing');
    if (job && !this.making) this.watch(job, 'The test');
  }

  watch(job, name) {
    this.making = job;
    const failed = (problem) => {
      this.making = null;
      fail(problem, `${name} can’t be followed`);
    };
    follow(`jobs/${job.id}`, {job: (news) => this.note(news, name), failed});
  }

  async loadKnown() {
    const [data, models] = await Promise.all([api('GET', 'datasets'), api('GET', 'models')]);
    const sets = [
      ...data.uploaded.map((set) => ({id: set.id, text: `${set.name} (${set.facts.pictures} pictures)`})),
      ...data.named.filter((name) => !UNFIT.includes(name)).map((name) => ({id: name, text: `${name} (on the server)`})),
    ];
    this.known = {sets, models: [...models.own, ...models.installed].map((model) => model.name), default: models.default};
  }

  render() {
    if (this.sitting) {
      return html`<h1 class="sitting-title">Which colors are real?</h1>
        <tinct-sitting .sitting=${this.sitting} @ended=${() => go('turing', this.sitting.test)}></tinct-sitting>`;
    }
    const tests = this.tests ?? [];
    return html`<h1>Turing test</h1>
      <div class="workshop">
        <div class="stack">
          ${tests.length
            ? html`<section class="panel" aria-labelledby="tests-title"><h2 id="tests-title">Tests</h2>
                <ul class="runs">${tests.map((test) => this.renderEntry(test))}</ul></section>`
            : nothing}
          ${this.renderForm()}
        </div>
        ${this.score ? this.renderScore(tests.find((test) => test.id === this.score.test)) : this.renderIntro(tests.length)}
      </div>`;
  }

  renderIntro(some) {
    return html`<p class="note hint">Figures say how near colors are to the real ones; people say whether they look real. You see pairs of
      photographs, each for one second: in one the colors are the camera’s, in the other a computer made them. A model whose colors nobody
      sees through fools in half of the pairs. ${some ? 'Choose a test to take it.' : 'Make a test of photographs that you haven’t looked at lately.'}</p>`;
  }

  renderEntry(test) {
    const active = this.score?.test === test.id;
    return html`<li><a href="#/turing/${test.id}" aria-current=${active ? 'true' : 'false'}><strong>${test.name}</strong>
      <span class="note">${test.facts.photos} photographs · ${test.facts.models.join(', ')}</span></a></li>`;
  }

  renderForm() {
    if (!this.known) return html`<section class="panel"><p class="note">Asking the server…</p></section>`;
    if (this.making) {
      return html`<section class="panel stack" aria-label="A new test"><h2>A new test is made</h2>
        <progress max="1" value=${this.making.progress || nothing} aria-label="Progress"></progress>
        <p class="note status">${this.making.message ?? 'Waiting for a worker that has time.'}</p>
        <button type="button" @click=${this.stop}>Stop</button></section>`;
    }
    const {sets, models} = this.known;
    const chosen = sets.some((set) => set.id === this.data) ? this.data : sets[0]?.id;
    return html`<form class="panel stack" aria-labelledby="test-title" @submit=${this.make}>
      <h2 id="test-title">A new test</h2>
      <div class="field"><label for="test-data">Color photographs</label>
        ${sets.length
          ? html`<select id="test-data" name="data" @change=${(event) => (this.data = event.target.value)}>
              ${sets.map((set) => html`<option value=${set.id} .selected=${set.id === chosen}>${set.text}</option>`)}</select>`
          : nothing}
        ${this.sending === null
          ? html`<label class="button">Upload a ZIP of photographs
              <input class="unseen" id=${sets.length ? 'test-zip' : 'test-data'} type="file" name="zip" accept=".zip,application/zip" @change=${this.send} /></label>`
          : html`<progress max="1" value=${this.sending} aria-label="Upload of the ZIP"></progress>`}</div>
      <fieldset class="field"><legend>Models</legend>
        ${models.map((name) => html`<label class="check"><input type="checkbox" name="model" value=${name} ?checked=${name === this.known.default} />${name}</label>`)}
      </fieldset>
      <div class="row bottom">
        <label class="field"><span>Photographs that count</span><input name="count" type="number" min="1" max="500" value="20" required /></label>
        <label class="field"><span>For practice</span><input name="practice" type="number" min="0" max="50" value="3" required /></label>
      </div>
      <label class="field">Name <input name="name" maxlength="100" required pattern="\\w[\\w .\\(\\)+\\-]*" value="My test" /></label>
      <button class="main" ?disabled=${!sets.length || this.sending !== null}>Make the test</button>
    </form>`;
  }

  renderScore(test) {
    if (!test) return nothing;
    const {models, participants, photos, left_out: leftOut} = this.score;
    const flagged = participants.filter((one) => one.flags);
    return html`<section class="panel stack score" aria-labelledby="score-title">
      <div class="row apart"><h2 id="score-title">${test.name}</h2>
        <div class="row"><button type="button" class="main" @click=${() => this.sit(test.id)}>Take the test</button>
          <button type="button" class="danger" @click=${() => this.discard(test)}>Delete</button></div></div>
      ${models.length
        ? html`<h3>The score so far</h3>
            <div class="wide"><table><thead><tr><th scope="col">Model</th><th scope="col">Fooled</th><th scope="col">95 %</th><th scope="col">Pairs</th></tr></thead>
              <tbody>${models.map((row) => html`<tr><td>${row.model}</td>
                <td><strong>${row.fooled_percent.toFixed(1)} %</strong> ± ${row.standard_error.toFixed(1)}</td>
                <td>${row.low.toFixed(0)} to ${row.high.toFixed(0)} %</td><td>${row.answers}</td></tr>`)}</tbody></table></div>
            <p class="note">How often colors that a computer made were taken for the camera’s; 50 % can’t be told apart.</p>`
        : html`<p class="note">${leftOut ? 'No answers count yet.' : 'Nobody has answered yet.'}</p>`}
      ${flagged.map((one) => html`<p class="bad">Way ${one.participant} through the test is left out: ${one.flags}.</p>`)}
      ${photos.length
        ? html`<details><summary>Photographs, the most convincing first</summary><div class="wide"><table>
            <thead><tr><th scope="col">Photograph</th><th scope="col">Model</th><th scope="col">Fooled</th></tr></thead>
            <tbody>${photos.map((row) => html`<tr><td>${row.photo}</td><td>${row.model}</td><td>${row.fooled} of ${row.answers}</td></tr>`)}</tbody>
          </table></div></details>`
        : nothing}
    </section>`;
  }

  async sit(id) {
    try {
      const sitting = await api('POST', `turing/${id}/sittings`);
      go('turing', id, sitting.id);
    } catch (error) {
      fail(error);
    }
  }

  async discard(test) {
    if (!(await confirmed(`Delete “${test.name}” with all answers for good?`, {yes: 'Delete', danger: true}))) return;
    try {
      await api('DELETE', `turing/${test.id}`);
      go('turing');
    } catch (error) {
      fail(error);
    }
  }

  async send(event) {
    const [file] = event.target.files;
    event.target.value = '';
    if (!file) return;
    const form = new FormData();
    form.append('file', file, file.name);
    this.sending = 0;
    try {
      const set = await upload('datasets', form, {onProgress: (share) => (this.sending = share)});
      this.data = set.id;
      await this.loadKnown();
      toast(`${set.name} is there: ${set.facts.pictures} pictures.`, {kind: 'good'});
    } catch (error) {
      fail(error, file.name);
    } finally {
      this.sending = null;
    }
  }

  async make(event) {
    event.preventDefault();
    const given = new FormData(event.target);
    const order = {
      name: given.get('name').trim(),
      data: given.get('data'),
      models: given.getAll('model'),
      count: Number(given.get('count')),
      practice: Number(given.get('practice')),
    };
    try {
      this.watch(await api('POST', 'turing', {json: order}), `“${order.name}”`);
    } catch (error) {
      fail(error);
    }
  }

  note(job, name) {
    this.making = FINAL.includes(job.state) ? null : job;
    if (job.state === 'failed') fail(new Error(job.error), `${name} can’t be made`);
    if (job.state !== 'done') return;
    notify(`${name} is ready.`, '', {action: {label: 'Show', run: () => go('turing', job.id)}});
    this.loadTests().catch(fail);
  }

  async stop() {
    try {
      await api('POST', `jobs/${this.making.id}/stop`);
    } catch (error) {
      fail(error);
    }
  }
}
customElements.define('tinct-turing', Turing);
