/** <tinct-controls>: how a photograph is colored, other ways to color it, and saving the result. */

import {engine} from '../engine.js';
import {fail} from '../notify.js';
import {USUAL} from '../photos.js';
import {html, LitElement, nothing} from '../vendor/lit.js';

const FORMATS = {'': 'As it was', jpeg: 'JPEG', png: 'PNG', tiff: 'TIFF', webp: 'WebP', avif: 'AVIF'};
const VARIANTS = 4;
const VIVID = {vivid: 0.7, faithful: 0};

class Controls extends LitElement {
  static properties = {
    photo: {attribute: false},
    look: {attribute: false},
    saving: {attribute: false},
    models: {attribute: false},
    variants: {state: true},
    format: {state: true},
  };

  constructor() {
    super();
    this.photo = this.look = this.saving = this.models = this.variants = null;
    this.format = '';
  }

  createRenderRoot() {
    return this;
  }

  willUpdate(changed) {
    if (changed.has('photo')) this.dropVariants();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.dropVariants();
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }

  change(changed) {
    this.tell('look', changed);
  }

  render() {
    const {look} = this;
    const vividness = look.vividness ?? VIVID[look.mode];
    const mode = (name, title) => html`<label class="choice">
      <input type="radio" name="mode" .checked=${look.vividness === null && look.mode === name}
        @change=${() => this.change({mode: name, vividness: null})} />
      <span class="button">${title}</span></label>`;
    return html`<section class="panel stack" aria-label="Colors">
      <div class="row modes" role="radiogroup" aria-label="Mode">${mode('vivid', 'Vivid')} ${mode('faithful', 'Faithful')}</div>
      <label class="field"><span class="row apart">Vividness <span class="value">${vividness.toFixed(2)}</span></span>
        <input type="range" min="0" max="1" step="0.01" .value=${String(vividness)}
          @input=${(event) => this.change({vividness: event.target.valueAsNumber})} /></label>
      <label class="field"><span class="row apart">Saturation <span class="value">${look.saturation.toFixed(2)}</span></span>
        <input type="range" min="0" max="2" step="0.01" .value=${String(look.saturation)}
          @input=${(event) => this.change({saturation: event.target.valueAsNumber})} /></label>
      ${this.models && this.models.names.length > 1
        ? html`<label class="field">Model
            <select @change=${(event) => this.change({model: event.target.value || null})}>
              <option value="" .selected=${look.model === null}>Default (${this.models.default})</option>
              ${this.models.names.map((name) => html`<option .selected=${look.model === name}>${name}</option>`)}
            </select></label>`
        : nothing}
      <div class="row">
        <button type="button" @click=${() => this.change(USUAL)}>Reset</button>
        <button type="button" @click=${() => this.tell('correct')}>Correct by hand</button>
      </div>
      ${engine.features.has('variants') ? this.renderVariants() : nothing}
      ${this.renderSave()}
    </section>`;
  }

  renderVariants() {
    if (!this.variants) {
      return html`<button type="button" @click=${() => this.vary(this.look.seed)}>Show other ways</button>`;
    }
    const {seed, urls} = this.variants;
    const active = (number) => this.look.variant === number && (number === null || this.look.seed === seed);
    const one = (number, url) => html`<label class="choice">
      <input type="radio" name="way" .checked=${active(number)} ?disabled=${url === null}
        aria-label=${number === null ? 'The usual way' : `Way ${number}`}
        @change=${() => this.change({variant: number, variants: number && VARIANTS, seed})} />
      <span class="button thumbnail">${url ? html`<img src=${url} alt="" />` : html`<span class="busy"></span>`}</span></label>`;
    return html`<div class="stack">
      <div class="row apart"><h2>Other ways</h2>
        <button type="button" @click=${() => this.vary(seed + 1)}>Others</button></div>
      <div class="strip" role="radiogroup" aria-label="Other ways">
        ${urls.map((url, index) => one(index || null, url))}
      </div>
    </div>`;
  }

  renderSave() {
    if (this.saving) {
      return html`<div class="stack"><progress aria-label="Coloring at full size" max="1"
          value=${this.saving.progress || nothing}></progress>
        <button type="button" @click=${() => this.saving.stop.abort()}>Stop</button></div>`;
    }
    return html`<div class="row save">
      <button type="button" class="main" @click=${() => this.tell('save', {format: this.format})}>Download</button>
      <label class="unseen" for="format">Format</label>
      <select id="format" @change=${(event) => (this.format = event.target.value)}>
        ${engine.formats.map((name) => html`<option value=${name} .selected=${name === this.format}>${FORMATS[name]}</option>`)}
      </select></div>`;
  }

  /** Color the photograph in the usual way and in others, one after the other. */
  async vary(seed) {
    this.dropVariants();
    const shown = {seed, urls: new Array(VARIANTS + 1).fill(null)};
    this.variants = shown;
    const {photo, look} = this;
    try {
      for (let number = 0; number <= VARIANTS; number += 1) {
        const chosen = number ? {variant: number, variants: VARIANTS, seed} : {variant: null, variants: null};
        const {blob} = await engine.render(photo, {...look, ...chosen});
        if (this.variants !== shown) return;
        shown.urls[number] = URL.createObjectURL(blob);
        this.requestUpdate();
      }
    } catch (error) {
      fail(error, 'Other ways');
      this.dropVariants();
    }
  }

  dropVariants() {
    for (const url of this.variants?.urls ?? []) if (url) URL.revokeObjectURL(url);
    this.variants = null;
  }
}
customElements.define('tinct-controls', Controls);
