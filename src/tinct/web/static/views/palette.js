/** <tinct-palette>: colors for a hint, brush, suggestions, the list of hints, the reference, files, learning. */

import {commandOf} from '../command.js';
import {readHints, toPng} from '../correction.js';
import {engine} from '../engine.js';
import {fail, toast} from '../notify.js';
import {shelf} from '../photos.js';
import {html, LitElement, nothing} from '../vendor/lit.js';
import {go, saveFile} from '../view.js';
import './reference.js';

const RECENT = 'tinct-colors';
const MOST_RECENT = 12;

class Palette extends LitElement {
  static properties = Object.fromEntries(
    ['view', 'look', 'marks', 'chosen', 'colors', 'color', 'brush', 'tool', 'guide', 'guided', 'unsure', 'accepted', 'referenced', 'mask', 'recent'].map(
      (name) => [name, {attribute: false}],
    ),
  );

  constructor() {
    super();
    this.recent = readRecent();
    /** What is done with a slider or the mixer until it is let go: one step back. */
    this.gesture = {};
  }

  createRenderRoot() {
    return this;
  }

  render() {
    return html`<section class="panel stack" aria-label="Correction">
      ${this.renderColors()} ${this.renderBrush()} ${this.renderGuide()} ${this.renderMarks()}
      <tinct-reference .view=${this.view} .referenced=${this.referenced}></tinct-reference>
      ${this.renderFiles()} ${engine.features.has('accept') ? this.renderLearn() : nothing}
    </section>`;
  }

  renderColors() {
    const {view, chosen, colors} = this;
    const shown = chosen?.color ?? this.color;
    const swatch = ({color, probability}) => html`<button type="button" class="swatch" .style=${`--color: ${color}`}
      aria-label=${probability === undefined ? color : `${color}, ${Math.round(probability * 100)} percent`}
      title=${probability === undefined ? color : `${color} · ${Math.round(probability * 100)} %`}
      aria-pressed=${color === shown} @click=${() => this.use(color)}></button>`;
    return html`<div class="stack">
      <div class="row apart"><h2>${chosen ? 'Color of this hint' : 'Color'}</h2>
        <label><span class="unseen">Any color</span><input type="color" .value=${shown}
          @input=${(event) => view.setColor(event.target.value, this.gesture)}
          @change=${(event) => this.mixed(event.target.value)} /></label></div>
      ${chosen && engine.features.has('colors') && colors?.length !== 0
        ? html`<div role="group" aria-label="Plausible here" class="stack tight"><span class="note">Plausible here</span>
            <div class="swatches">${colors?.map(swatch) ?? html`<span class="note">…</span>`}</div></div>`
        : nothing}
      ${this.recent.length
        ? html`<div role="group" aria-label="Used before" class="stack tight"><span class="note">Used before</span>
            <div class="swatches">${this.recent.map((color) => swatch({color}))}</div></div>`
        : nothing}
      ${chosen ? html`<button type="button" @click=${() => view.erase(chosen.id)}>Remove this ${name(chosen)}</button>` : nothing}
    </div>`;
  }

  mixed(color) {
    this.use(color, this.gesture);
    this.gesture = {};
  }

  use(color, gesture = null) {
    this.view.setColor(color, gesture);
    this.recent = [color, ...this.recent.filter((other) => other !== color)].slice(0, MOST_RECENT);
    try {
      localStorage.setItem(RECENT, JSON.stringify(this.recent));
    } catch {
      // Storage is switched off; the colors are there until the page is closed.
    }
  }

  renderBrush() {
    return html`<label class="field"><span>Size of brush and hints</span>
      <input type="range" min="0.0025" max="0.08" step="0.0005" .value=${String(this.brush)}
        @input=${(event) => this.resize(event.target.valueAsNumber)} @change=${() => (this.gesture = {})} /></label>`;
  }

  resize(brush) {
    const {view, chosen} = this;
    view.brush = brush;
    if (chosen && chosen.points.length === 1) view.alter(chosen.id, {radius: Math.round(view.radius())}, this.gesture);
  }

  renderGuide() {
    if (!engine.features.has('points')) return nothing;
    const {view} = this;
    const toggle = (name) => (event) => {
      view[name] = event.target.checked;
      view.recolor();
    };
    return html`<div class="stack tight">
      <label class="check"><input type="checkbox" .checked=${this.guided} @change=${toggle('guided')} />
        Where the next hint helps most</label>
      <label class="check"><input type="checkbox" .checked=${this.unsure} @change=${toggle('unsure')} />
        Where the model is unsure</label>
      ${this.unsure ? html`<p class="note legend"><i></i> the stronger, the less sure</p>` : nothing}
    </div>`;
  }

  renderMarks() {
    const {view, marks, chosen} = this;
    if (!marks.length) return nothing;
    return html`<details class="marklist"><summary>${marks.length === 1 ? '1 hint' : `${marks.length} hints`}</summary>
      <ul>
        ${marks.map((mark, index) => html`<li class="row">
          <button type="button" class="swatch" .style=${`--color: ${mark.color}`} aria-pressed=${mark.id === chosen?.id}
            aria-label="Choose ${name(mark)} ${index + 1}, ${mark.color}" @click=${() => view.choose(mark.id)}></button>
          <span>${name(mark)} ${index + 1}</span>
          <button type="button" class="quiet icon" aria-label="Remove ${name(mark)} ${index + 1}"
            @click=${() => view.erase(mark.id)}>×</button></li>`)}
      </ul>
      <button type="button" @click=${() => view.change({marks: []})}>Remove all hints</button>
    </details>`;
  }

  renderFiles() {
    const {view, look, marks} = this;
    const stem = view.photo.name.replace(/\.[^.]+$/, '');
    const files = {
      hints: marks.length ? `${stem}.hints.json` : null,
      mask: this.mask ? `${stem}.mask.png` : null,
      reference: this.referenced ? `${stem}.reference` : null,
    };
    const command = commandOf(view.photo.name, look, files, shelf.models);
    return html`<details><summary>Files for the command line</summary>
      <div class="stack">
        <p class="note"><code>${command}</code> makes the same${
          look.variant ? `, as number ${look.variant} of its results` : ''}${
          command.includes('.onnx') ? '; Models exports the model' : ''}.</p>
        <div class="row">
          ${navigator.clipboard ? html`<button type="button" @click=${() => this.copy(command)}>Copy the command</button>` : nothing}
          <button type="button" ?disabled=${!files.hints} @click=${() => this.saveHints(files.hints)}>Save hints</button>
          <button type="button" ?disabled=${!files.mask} @click=${() => this.saveMask(files.mask)}>Save mask</button>
          ${files.reference
            ? html`<button type="button" @click=${() => this.saveReference(files.reference)}>Save reference</button>`
            : nothing}
          <label class="button">Open hints<input class="unseen" type="file" accept=".json,application/json"
            @change=${(event) => this.open(event.target)} /></label>
        </div>
      </div></details>`;
  }

  async copy(command) {
    try {
      await navigator.clipboard.writeText(command);
      toast('The command is copied.', {kind: 'good'});
    } catch (error) {
      fail(error, 'The command can’t be copied');
    }
  }

  saveHints(name) {
    const text = JSON.stringify(this.view.correction.hints(), null, 1);
    saveFile(new Blob([text], {type: 'application/json'}), name);
  }

  async saveMask(name) {
    saveFile(await toPng(this.view.correction.mask), name);
  }

  async saveReference(name) {
    try {
      saveFile(await engine.beside(this.view.photo, 'reference'), name);
    } catch (error) {
      fail(error, 'The reference');
    }
  }

  async open(input) {
    const {view} = this;
    const [file] = input.files;
    input.value = '';
    if (!file) return;
    try {
      view.change({marks: readHints(await file.text(), view.photo)});
    } catch (error) {
      fail(error, file.name);
    }
  }

  renderLearn() {
    return html`<div class="stack tight">
      <button type="button" class="main" @click=${() => this.learn()}>Learn from my corrections</button>
      <p class="note">${this.accepted
        ? html`Models may learn from the colors that it had when you pressed it.
            <button type="button" class="quiet" @click=${() => this.takeBack()}>Take back</button>`
        : 'Press it when the colors are right: this photograph joins those that a model can be trained on.'}</p>
    </div>`;
  }

  async learn() {
    const {view} = this;
    const {correction} = view;
    try {
      await correction.save();
      await engine.accept(correction.photo, {...view.look(), hints: undefined});
      correction.accepted = true;
      view.requestUpdate();
      toast('A model may learn from this photograph now.', {kind: 'good', seconds: 8, action: {label: 'Train', run: () => go('train')}});
    } catch (error) {
      fail(error, 'It wasn’t accepted');
    }
  }

  async takeBack() {
    const {view} = this;
    const {correction} = view;
    try {
      await engine.takeBack(correction.photo);
      correction.accepted = false;
      view.requestUpdate();
    } catch (error) {
      fail(error);
    }
  }
}
customElements.define('tinct-palette', Palette);

function name(mark) {
  return mark.points.length > 1 ? 'scribble' : 'hint';
}

function readRecent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT)) ?? [];
  } catch {
    return [];
  }
}
