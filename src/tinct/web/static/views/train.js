/** Train: choose a recipe and photographs, start, watch, stop, resume, keep the model. */

import {fail} from '../notify.js';
import {isActive, stateOf, trainings} from '../runs.js';
import {html, nothing} from '../vendor/lit.js';
import {go, View} from '../view.js';
import './train-form.js';
import './train-run.js';

export default class Train extends View {
  static properties = {making: {state: true}};

  constructor() {
    super();
    this.making = false;
    this.update_ = () => this.requestUpdate();
    this.opened = null;
  }

  connectedCallback() {
    super.connectedCallback();
    trainings.addEventListener('change', this.update_);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    trainings.removeEventListener('change', this.update_);
  }

  async shown() {
    this.querySelector('tinct-train-form')?.load();
    const [id] = this.parts;
    try {
      if (trainings.list === null) await trainings.refresh();
      if (id && this.opened !== id && trainings.find(id)) {
        this.opened = id;
        await trainings.open(id);
      }
    } catch (error) {
      this.opened = null;
      fail(error, 'The trainings can’t be listed');
    }
  }

  render() {
    const list = trainings.list ?? [];
    const chosen = trainings.find(this.parts[0]) ?? null;
    return html`<h1>Train</h1>
      <div class="workshop">
        <div class="stack">
          <tinct-train-form @started=${(event) => go('train', event.detail)}></tinct-train-form>
          ${list.length
            ? html`<section class="panel" aria-labelledby="runs-title"><h2 id="runs-title">Trainings</h2>
                <ul class="runs">${list.map((run) => this.renderEntry(run, run === chosen))}</ul></section>`
            : nothing}
        </div>
        ${chosen
          ? html`<tinct-train-run .run=${chosen} .details=${{...trainings.detailsOf(chosen.id)}}></tinct-train-run>`
          : html`<p class="note hint">${list.length
              ? 'Choose a training to see how far it is.'
              : 'A model learns colors from photographs that have some. The first one here can learn from CIFAR-10, sixty thousand tiny pictures that the server fetches by itself.'}</p>`}
      </div>`;
  }

  renderEntry(run, active) {
    const {job} = run;
    return html`<li><a href="#/train/${run.id}" aria-current=${active ? 'true' : 'false'}>
      <span class="row apart"><strong>${run.name}</strong><span class="state ${job?.state}">${stateOf(run)}</span></span>
      <span class="note">${run.recipe} · ${new Date(run.created * 1000).toLocaleString()}</span>
      ${isActive(run)
        ? html`<progress max="1" value=${job.progress || nothing} aria-label="Progress of ${run.name}"></progress>`
        : nothing}</a></li>`;
  }
}
customElements.define('tinct-train', Train);
