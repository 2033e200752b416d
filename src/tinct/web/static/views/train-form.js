/** What to train: recipe, photographs, length, where to start from, what to call the model. */

import {api, connection, upload} from '../api.js';
import {confirmed, fail, mayNotify, toast} from '../notify.js';
import {trainings} from '../runs.js';
import {html, LitElement, nothing} from '../vendor/lit.js';
import {MODELS} from '../view.js';

const UNITS = {epochs: 'epochs', min: 'minutes', h: 'hours', steps: 'steps', '': 'as the recipe has it'};
const NAMES = {cifar10: 'CIFAR-10 (fetched when it is needed)'};
const CORRECTIONS = 'corrections';

class TrainForm extends LitElement {
  static properties = {
    known: {state: true},
    order: {state: true},
    sending: {state: true},
    starting: {state: true},
    wrong: {state: true},
  };

  constructor() {
    super();
    /** What the server offers; null until it is known. */
    this.known = null;
    this.order = {recipe: 'cifar-cnn', data: 'cifar10', amount: 3, unit: 'epochs', init: '', saveAs: null, seed: '', settings: ''};
    this.sending = null;
    this.starting = false;
    this.wrong = '';
    this.reload = () => this.load();
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', this.reload);
    document.addEventListener(MODELS, this.reload);
    this.load();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    connection.removeEventListener('back', this.reload);
    document.removeEventListener(MODELS, this.reload);
  }

  async load() {
    try {
      const [recipes, data, models] = await Promise.all([api('GET', 'recipes'), api('GET', 'datasets'), api('GET', 'models')]);
      this.known = {recipes, data, models};
    } catch (error) {
      fail(error, 'What can be trained can’t be listed');
    }
  }

  change(changed) {
    this.order = {...this.order, ...changed};
  }

  /** Corrections are few: they adapt the model that made them rather than make a new one. */
  chooseData(data) {
    const adapting = {recipe: 'tinct', init: this.known.models.default, unit: ''};
    const usual = this.order.data === CORRECTIONS ? {recipe: 'cifar-cnn', init: '', unit: 'epochs'} : {};
    this.change({data, ...(data === CORRECTIONS ? adapting : usual)});
  }

  /** The name that the model gets unless another is given: one that isn't taken. */
  get saveAs() {
    if (this.order.saveAs !== null) return this.order.saveAs;
    const taken = new Set([...this.known.models.own, ...this.known.models.installed].map((model) => model.name));
    const base = `my ${this.order.recipe}`;
    for (let number = 1; ; number += 1) {
      const name = number > 1 ? `${base} ${number}` : base;
      if (!taken.has(name)) return name;
    }
  }

  render() {
    if (!this.known) return html`<section class="panel"><p class="note">Asking the server…</p></section>`;
    const {order} = this;
    const {recipes, models} = this.known;
    const about = recipes.find((recipe) => recipe.name === order.recipe)?.about ?? '';
    const choice = (value, text, chosen) => html`<option value=${value} .selected=${value === chosen}>${text}</option>`;
    return html`<form class="panel stack" @submit=${this.start} aria-labelledby="train-title">
      <h2 id="train-title">A new training</h2>
      <div class="field"><label for="train-recipe">Recipe</label>
        <select id="train-recipe" name="recipe" aria-describedby="train-about" @change=${(event) => this.change({recipe: event.target.value})}>
          ${recipes.map((recipe) => choice(recipe.name, recipe.name, order.recipe))}
        </select><span id="train-about" class="note">${about}</span></div>
      ${this.renderData()}
      <div class="row bottom">
        <label class="field"><span>How long</span>
          <select name="unit" @change=${(event) => this.change({unit: event.target.value})}>
            ${Object.entries(UNITS).map(([value, text]) => choice(value, text, order.unit))}
          </select></label>
        ${order.unit
          ? html`<label class="field"><span>${UNITS[order.unit][0].toUpperCase() + UNITS[order.unit].slice(1)}</span>
              <input name="amount" type="number" min="1" max="999999" step=${['min', 'h'].includes(order.unit) ? 'any' : 1} required
                .value=${String(order.amount)} @change=${(event) => this.change({amount: event.target.valueAsNumber})} /></label>`
          : nothing}
      </div>
      <label class="field">Begin with
        <select name="init" @change=${(event) => this.change({init: event.target.value})}>
          ${choice('', 'nothing learned yet', order.init)}
          ${[...models.own, ...models.installed].map((model) => choice(model.name, `what ${model.name} knows`, order.init))}
        </select></label>
      <label class="field">When it is done, save the model as
        <input name="save-as" maxlength="100" placeholder="empty: don’t save by itself" pattern="\\w[\\w .\\(\\)+\\-]*"
          title="Begin with a letter or digit, then also . ( ) + -" .value=${this.saveAs}
          @change=${(event) => this.change({saveAs: event.target.value.trim()})} /></label>
      <details><summary>More settings</summary>
        <div class="stack">
          <label class="field">Seed of every choice
            <input name="seed" type="number" min="0" max="2147483647" placeholder="0" .value=${order.seed}
              @change=${(event) => this.change({seed: event.target.value})} /></label>
          <label class="field">Single settings of the recipe, a line each
            <textarea name="settings" rows="3" spellcheck="false" placeholder="data.batch=64" .value=${order.settings}
              @change=${(event) => this.change({settings: event.target.value})}></textarea></label>
        </div>
      </details>
      <p class="bad" role="alert" ?hidden=${!this.wrong}>${this.wrong}</p>
      <button class="main" ?disabled=${this.starting || this.sending !== null}>Start the training</button>
    </form>`;
  }

  renderData() {
    const {data} = this.known;
    const {order} = this;
    const many = data.corrections === 1 ? '1 picture' : `${data.corrections} pictures`;
    const text = (name) => (name === CORRECTIONS ? `my corrections (${many})` : (NAMES[name] ?? `${name} (on the server)`));
    const uploaded = data.uploaded.find((set) => set.id === order.data);
    return html`<div class="field">
      <label for="train-data">Photographs</label>
      <select id="train-data" name="data" @change=${(event) => this.chooseData(event.target.value)}>
        ${data.named.map((name) => html`<option value=${name} .selected=${name === order.data}
          ?disabled=${name === CORRECTIONS && data.corrections < 2}>${text(name)}</option>`)}
        ${data.uploaded.map((set) => html`<option value=${set.id} .selected=${set.id === order.data}>${set.name}
          (${set.facts.pictures} pictures)</option>`)}
      </select>
      <div class="row">
        ${this.sending === null
          ? html`<label class="button">Upload a ZIP of photographs
              <input class="unseen" type="file" name="zip" accept=".zip,application/zip" @change=${this.send} /></label>`
          : html`<progress max="1" value=${this.sending} aria-label="Upload of the ZIP"></progress>`}
        ${uploaded ? html`<button type="button" class="danger" @click=${() => this.forget(uploaded)}>Delete it</button>` : nothing}
      </div>
      ${order.data === CORRECTIONS
        ? html`<span class="note">The model is adapted to the pictures that you corrected and accepted; twenty or more tell it
            better what they have in common.</span>`
        : nothing}
    </div>`;
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
      await this.load();
      this.chooseData(set.id);
      toast(`${set.name} is there: ${set.facts.pictures} pictures.`, {kind: 'good'});
    } catch (error) {
      fail(error, file.name);
    } finally {
      this.sending = null;
    }
  }

  async forget(set) {
    if (!(await confirmed(`Delete ${set.name} for good? Models that learned from it stay.`, {yes: 'Delete', danger: true}))) return;
    try {
      await api('DELETE', `datasets/${set.id}`);
      this.chooseData('cifar10');
      await this.load();
    } catch (error) {
      fail(error);
    }
  }

  async start(event) {
    event.preventDefault();
    if (this.starting) return;
    const {order} = this;
    mayNotify(); // asks the user, who may take their time
    const lines = order.settings.split('\n').map((line) => line.trim()).filter(Boolean);
    const name = this.saveAs;
    this.starting = true;
    this.wrong = '';
    try {
      const run = await trainings.start({
        recipe: order.recipe,
        data: order.data,
        settings: lines,
        ...(order.unit ? {budget: `${order.amount}${order.unit}`} : {}),
        ...(order.init ? {init: order.init} : {}),
        ...(name ? {save_as: name, name} : {}),
        ...(order.seed === '' ? {} : {seed: Number(order.seed)}),
      });
      this.change({saveAs: null});
      this.dispatchEvent(new CustomEvent('started', {detail: run.id}));
      this.load();
    } catch (error) {
      if (error.status === 0) fail(error);
      else this.wrong = error.message;
    } finally {
      this.starting = false;
    }
  }
}
customElements.define('tinct-train-form', TrainForm);
