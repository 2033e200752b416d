/** <tinct-shelf>: where files are dropped, and the photographs that are kept, with what can be done with several. */

import {engine} from '../engine.js';
import {confirmed, fail, sentence, toast} from '../notify.js';
import {lookOf, shelf} from '../photos.js';
import {unfinished} from '../unfinished.js';
import {html, LitElement, nothing, repeat} from '../vendor/lit.js';
import {saveFile} from '../view.js';

const SHOWN = 60;

/** Return lists of as many photographs as one ZIP takes. */
function inParts(items) {
  const most = engine.together ?? Infinity;
  return items.length > most ? [items.slice(0, most), ...inParts(items.slice(most))] : [items];
}

class ShelfList extends LitElement {
  static properties = {
    items: {attribute: false},
    current: {attribute: false},
    over: {state: true},
    marked: {state: true},
    packing: {state: true},
    most: {state: true},
  };

  constructor() {
    super();
    this.items = [];
    this.current = null;
    this.over = false;
    this.marked = new Set();
    this.packing = null;
    this.most = SHOWN;
    shelf.addEventListener('change', () => this.requestUpdate());
  }

  createRenderRoot() {
    return this;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }

  render() {
    const marked = this.chosen();
    const local = engine.local ? 'Your photographs stay on this device.' : '';
    return html`
      <section class="drop ${this.over ? 'over' : ''}" aria-label="Add photographs"
        @dragenter=${this.drag} @dragover=${this.drag} @dragleave=${this.drag} @drop=${this.drop}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01" /></svg>
        <p class="wide">Drop photographs here, or paste one</p>
        <div class="row">
          <label class="button main">Choose photographs
            <input class="unseen" type="file" multiple accept="image/*,.tif,.tiff,.jp2,.heic,.avif" @change=${this.pick} />
          </label>
          <label class="button camera">Take one
            <input class="unseen" type="file" accept="image/*" capture="environment" @change=${this.pick} />
          </label>
        </div>
        ${local ? html`<p class="note">${local}</p>` : nothing}
      </section>
      ${this.items.length
        ? html`<section class="kept" aria-label="Your photographs">
            <div class="row apart">
              <h2>Your photographs <span class="note">${this.items.length}</span></h2>
              <label class="check"><input type="checkbox" .checked=${marked.length > 0 && marked.length === this.items.length}
                  @change=${(event) => this.markAll(event.target.checked)} /> All</label>
            </div>
            ${marked.length ? this.renderMany(marked) : nothing}
            <ul class="thumbnails">
              ${repeat(this.items.slice(0, this.most), (item) => item.key, (item) => this.renderOne(item))}
            </ul>
            ${this.items.length > this.most
              ? html`<button type="button" @click=${() => (this.most += SHOWN)}>Show ${this.items.length - this.most} more</button>`
              : nothing}
          </section>`
        : nothing}
    `;
  }

  renderMany(marked) {
    const ready = marked.filter((item) => item.photo);
    const count = inParts(ready).length;
    return html`<div class="row many" role="group" aria-label="With ${marked.length} photographs">
      ${engine.features.has('zip') && ready.length
        ? html`<button type="button" ?disabled=${this.packing !== null} @click=${() => this.pack(ready)}>Download ${ready.length} as ${count > 1 ? `${count} ZIPs` : 'ZIP'}</button>`
        : nothing}
      <button type="button" class="danger" @click=${() => this.remove(marked)}>Delete ${marked.length}</button>
      ${this.packing === null
        ? nothing
        : html`<progress aria-label="Coloring for the ZIP" max="1" .value=${this.packing}></progress>`}
    </div>`;
  }

  renderOne(item) {
    const state = item.error ? 'failed' : item.photo ? '' : 'under';
    return html`<li class=${state} aria-current=${item === this.current ? 'true' : 'false'}>
      <button type="button" class="thumbnail" ?disabled=${!item.photo} @click=${() => this.tell('choose', item)}
        aria-label="Show ${item.name}">
        ${item.thumbnail ? html`<img src=${item.thumbnail} alt="" />` : html`<span></span>`}
      </button>
      <span class="name" title=${item.name}>${item.name}</span>
      ${item.error
        ? html`<p class="bad">${sentence(item.error)}</p>
            ${item.retry ? html`<button type="button" @click=${() => shelf.again(item)}>${item.damaged ? 'Use what is there' : 'Send again'}</button>` : nothing}`
        : item.photo
          ? nothing
          : html`<progress aria-label="${item.name} is sent" max="1"
              value=${item.progress < 1 ? item.progress : nothing}></progress>`}
      <label class="tick"><input type="checkbox" aria-label="Mark ${item.name}" .checked=${this.marked.has(item.key)}
        @change=${(event) => this.mark(item, event.target.checked)} /></label>
      <button type="button" class="quiet icon" aria-label="Delete ${item.name}" title="Delete"
        @click=${() => this.remove([item])}>×</button>
    </li>`;
  }

  chosen() {
    return this.items.filter((item) => this.marked.has(item.key));
  }

  mark(item, on) {
    const marked = new Set(this.marked);
    if (on) marked.add(item.key);
    else marked.delete(item.key);
    this.marked = marked;
  }

  markAll(on) {
    this.marked = new Set(on ? this.items.map((item) => item.key) : []);
  }

  drag(event) {
    event.preventDefault();
    const inside = event.type === 'dragleave' && this.querySelector('.drop').contains(event.relatedTarget);
    this.over = event.type !== 'dragleave' || inside;
  }

  drop(event) {
    event.preventDefault();
    this.over = false;
    this.tell('add', event.dataTransfer.files);
  }

  pick(event) {
    this.tell('add', event.target.files);
    event.target.value = ''; // the same file may be chosen again
  }

  async remove(items) {
    const kept = items.filter((item) => item.photo);
    const what = kept.length === 1 ? kept[0].name : `${kept.length} photographs`;
    const question = `Delete ${what} for good, with hints and results?`;
    if (kept.length && !(await confirmed(question, {yes: 'Delete', danger: true}))) return;
    try {
      await shelf.remove(items);
    } catch (error) {
      fail(error, 'Not everything was deleted');
      shelf.load();
    }
    this.marked = new Set();
    this.tell('remove', items);
  }

  /** Give marked photographs to the user, in as many ZIPs as are needed. */
  async pack(items) {
    this.packing = 0;
    unfinished.add(this);
    const parts = inParts(items);
    for (const [index, part] of parts.entries()) {
      const number = parts.length > 1 ? ` ${index + 1} of ${parts.length}` : '';
      try {
        const wanted = part.map((item) => [item.photo, lookOf(item.photo)]);
        const onProgress = (share) => (this.packing = (index + share) / parts.length);
        const {blob, name, failed = []} = await engine.downloadAll(wanted, {onProgress});
        saveFile(blob, number ? name.replace(/(?=\.zip$)/, `-${index + 1}`) : name);
        const left = failed.map((one) => `${one.name} (${one.error})`);
        if (left.length) toast(`Not in the ZIP${number}: ${left.join('; ')}.`, {kind: 'error'});
      } catch (error) {
        fail(error, `The ZIP${number} wasn’t made`);
      }
    }
    unfinished.delete(this);
    this.packing = null;
  }
}
customElements.define('tinct-shelf', ShelfList);
