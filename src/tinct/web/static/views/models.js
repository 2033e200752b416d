/** Models: what is at hand, how good each is, how each colors; import, export, choose, rename, delete. */

import {api, connection, ROOT, upload} from '../api.js';
import {short} from '../chart.js';
import {confirmed, fail, toast} from '../notify.js';
import {html, nothing} from '../vendor/lit.js';
import {MODELS, View} from '../view.js';
import {loadModel, makeDefault, modelsChanged, useModel} from './model-actions.js';

const SIZES = ['bytes', 'kB', 'MB', 'GB'];

export default class Models extends View {
  static properties = {found: {state: true}, sending: {state: true}};

  constructor() {
    super();
    /** What the server answers; null until it is known. */
    this.found = null;
    this.sending = null;
    this.reload = () => this.load();
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', this.reload);
    document.addEventListener(MODELS, this.reload);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    connection.removeEventListener('back', this.reload);
    document.removeEventListener(MODELS, this.reload);
  }

  shown() {
    this.load();
  }

  async load() {
    try {
      this.found = await api('GET', 'models');
    } catch (error) {
      fail(error, 'The models can’t be listed');
    }
  }

  render() {
    const head = html`<div class="row apart"><h1>Models</h1>
      ${this.sending === null
        ? html`<label class="button">Import a model
            <input class="unseen" type="file" accept=".onnx" name="model" @change=${this.send} /></label>`
        : html`<progress class="short" max="1" value=${this.sending} aria-label="Upload of the model"></progress>`}</div>`;
    if (!this.found) return html`${head}<p class="note">Asking the server…</p>`;
    const {own, installed} = this.found;
    const isDefault = (model) => model.name === this.found.default;
    return html`${head}
      <p class="note">The default colors all photographs for which no other model is chosen. An exported model is an ONNX file, which
        the command takes as <code>--model FILE</code> and another server imports.</p>
      <ul class="plain cards">
        ${installed.map((model) => this.renderModel(model, isDefault(model) && !own.some((one) => one.is_default), null))}
        ${own.map((model) => this.renderModel(model, model.is_default, model))}
      </ul>`;
  }

  renderModel(model, chosen, own) {
    const {name, facts} = model;
    const size = own?.size ?? facts.bytes;
    const path = `${ROOT}models/${encodeURIComponent(name)}`;
    return html`<li class="panel stack" aria-label=${name}>
      <div class="row apart"><h2>${name}</h2>
        ${chosen ? html`<span class="state done">default</span>` : nothing}</div>
      <img class="samples" loading="lazy" src="${path}/samples${own ? `?${own.sha256.slice(0, 8)}` : ''}" width="704" height="352"
        alt="Four sample photographs, gray above and in the colors of ${name} below" />
      <p class="note">${facts.architecture} · ${facts.parameters?.toLocaleString()} parameters · ${inBytes(size)}
        · ${facts.takes_hints ? 'takes hints' : 'takes no hints'} · ${origin(own)}</p>
      ${figures(facts.figures)}
      <div class="row">
        ${chosen ? nothing : html`<button type="button" class="main" @click=${() => this.choose(name)}>Make it the default</button>`}
        <button type="button" @click=${() => loadModel(name)}>Load</button>
        ${chosen ? html`<button type="button" @click=${() => useModel(name)}>Use in Colorize</button>` : nothing}
        ${own
          ? html`<a class="button" href="${path}/file" download>Export</a>
              <button type="button" @click=${() => this.rename(own)}>Rename</button>
              <button type="button" class="danger" @click=${() => this.discard(own)}>Delete</button>`
          : nothing}
      </div>
    </li>`;
  }

  async choose(name) {
    try {
      await makeDefault(name);
      toast(`${name} is the default from now on.`, {kind: 'good'});
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
      const model = await upload('models', form, {onProgress: (share) => (this.sending = share)});
      toast(`${model.name} is imported.`, {kind: 'good'});
      modelsChanged();
    } catch (error) {
      fail(error, file.name);
    } finally {
      this.sending = null;
    }
  }

  async rename(model) {
    const name = await asked(`What shall ${model.name} be called?`, model.name);
    if (!name || name === model.name) return;
    try {
      await api('PATCH', `models/${model.id}`, {json: {name}});
      modelsChanged();
    } catch (error) {
      fail(error);
    }
  }

  async discard(model) {
    if (!(await confirmed(`Delete the model ${model.name} for good?`, {yes: 'Delete', danger: true}))) return;
    try {
      await api('DELETE', `models/${model.id}`);
      modelsChanged();
    } catch (error) {
      fail(error);
    }
  }
}
customElements.define('tinct-models', Models);

/** Say where a model comes from. */
function origin(own) {
  if (!own) return 'came with the installation';
  const date = new Date(own.created * 1000).toLocaleDateString();
  return own.recipe ? `trained by ${own.recipe}, saved ${date}` : `imported ${date}`;
}

/** Return a table of what was measured. */
function figures(found) {
  const entries = Object.entries(found ?? {}).filter(([, value]) => typeof value === 'number');
  if (!entries.length) return html`<p class="note">No figures are known of it.</p>`;
  return html`<details><summary>Figures of its validation</summary><div class="wide"><table>
    <thead><tr><th scope="col">Figure</th><th scope="col">Value</th></tr></thead>
    <tbody>${entries.map(([name, value]) => html`<tr><td>${name.replaceAll('_', ' ')}</td><td>${short(value)}</td></tr>`)}</tbody>
  </table></div></details>`;
}

function inBytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value} ${SIZES[unit]}`;
}

/** Ask for a name in a dialog; null where there is none. */
async function asked(question, value) {
  let given = value;
  const field = html`<label class="field">${question}
    <input maxlength="100" .value=${value} @input=${(event) => (given = event.target.value)} /></label>`;
  return (await confirmed(field, {yes: 'Rename'})) ? given.trim() : null;
}
