/** Colorize: photographs in, colors chosen, results out. */

import {connection} from '../api.js';
import {engine} from '../engine.js';
import {fail, say, sentence} from '../notify.js';
import {keepLook, Latest, lookOf, shelf, tabs} from '../photos.js';
import {unfinished} from '../unfinished.js';
import {html, nothing} from '../vendor/lit.js';
import {go, saveFile, settle, View} from '../view.js';
import '../viewer.js';
import './controls.js';
import './shelf.js';

export default class Colorize extends View {
  static properties = {
    item: {state: true},
    look: {state: true},
    before: {state: true},
    after: {state: true},
    busy: {state: true},
    split: {state: true},
    notes: {state: true},
    loading: {state: true},
  };

  constructor() {
    super();
    this.item = this.look = this.before = this.after = null;
    this.busy = false;
    this.split = 0.5;
    this.notes = [];
    /** How much of the engine is there, null when it is ready. */
    this.loading = null;
    this.prepare();
    this.coloring = new Latest((item, look) => this.color(item, look));
    shelf.addEventListener('change', () => this.requestUpdate());
    shelf.addEventListener('taken', ({detail}) => {
      say(`${detail.name} is there`);
      if (!this.item?.photo || this.awaited === detail.key || detail.truncated) this.choose(detail);
    });
    shelf.addEventListener('refused', ({detail}) => say(`${detail.name}: ${sentence(detail.error)}`));
    // Another model may be the default, or the one that was chosen is gone.
    shelf.addEventListener('models', () => this.item?.photo && this.reload());
    tabs.addEventListener('message', ({data}) => {
      if (data.id && data.id === this.item?.photo?.id) this.reload();
    });
    connection.addEventListener('back', () => {
      if (this.item?.photo) this.reload();
      else if (this.visible) this.shown();
    });
    addEventListener('paste', (event) => this.paste(event));
  }

  async prepare() {
    try {
      await engine.ready((share) => (this.loading = share));
    } catch (error) {
      fail(error, 'The model can’t be loaded');
    }
    this.loading = null;
  }

  shown() {
    this.visible = true;
    if (!shelf.loaded) shelf.load().then(() => this.open());
    else this.open();
  }

  left() {
    this.visible = false;
  }

  /** Open what the address names, else what was open, else the newest. */
  open() {
    const wanted = this.parts[0] ? shelf.find(this.parts[0]) : this.item;
    const there = wanted && shelf.items.includes(wanted) ? wanted : shelf.items.find((item) => item.photo);
    if (there?.photo && there !== this.item) this.choose(there);
    else if (there) this.reload(); // hints may have changed in Correct
  }

  render() {
    const items = shelf.items;
    const photo = this.item?.photo;
    return html`
      <h1 class=${photo ? 'unseen' : ''}>${photo ? 'Colorize' : 'Color for black-and-white photographs'}</h1>
      ${this.loading === null
        ? nothing
        : html`<label class="field note">The model is loaded, once
            <progress max="1" value=${this.loading}></progress></label>`}
      <div class="desk ${items.length ? '' : 'empty'}">
        <tinct-shelf
          .items=${items}
          .current=${this.item}
          @add=${({detail}) => this.add(detail)}
          @choose=${({detail}) => this.chosen(detail)}
          @remove=${({detail}) => this.removed(detail)}
        ></tinct-shelf>
        ${photo
          ? html`<section class="middle stack" aria-label=${photo.name}>
                <tinct-viewer
                  label="${photo.name}: arrow keys move it, plus and minus zoom"
                  .photo=${photo}
                  .before=${this.before}
                  .after=${this.after}
                  .split=${this.split}
                  .region=${engine.features.has('region') ? this.region : null}
                  ?busy=${this.busy}
                  @split=${({detail}) => (this.split = detail)}
                ></tinct-viewer>
                <p class="note facts">
                  <strong>${photo.name}</strong> · ${photo.width} × ${photo.height}
                  ${[...new Set([...photo.notes, ...this.notes])].map((text) => html`<br />${sentence(text)}`)}
                </p>
              </section>
              <tinct-controls
                .photo=${photo}
                .look=${this.look}
                .saving=${this.item.saving ?? null}
                .models=${shelf.models}
                @look=${({detail}) => this.change(detail)}
                @save=${({detail}) => this.save(detail)}
                @correct=${() => go('correct', photo.id)}
              ></tinct-controls>`
          : nothing}
      </div>
    `;
  }

  add(files) {
    const pictures = [...files];
    if (!pictures.length) return;
    const [first] = shelf.add(pictures);
    this.awaited = first.key;
  }

  paste(event) {
    if (!this.visible || event.target.closest?.('input, textarea')) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      this.add(files);
    }
  }

  removed(items) {
    if (!items.includes(this.item)) return;
    this.item = this.before = this.after = null;
    const next = shelf.items.find((item) => item.photo);
    if (next) this.choose(next);
  }

  /** Show what the user wants to see now, rather than what is on its way. */
  chosen(item) {
    this.awaited = null;
    this.choose(item);
  }

  async choose(item) {
    if (!item.photo) return;
    this.item = item;
    this.look = lookOf(item.photo);
    this.before = this.after = null;
    this.notes = [];
    if (this.visible && this.parts[0] !== item.photo.id) settle('colorize', item.photo.id);
    try {
      this.busy = true;
      const before = await createImageBitmap(await engine.plain(item.photo));
      if (this.item !== item) return;
      this.before = before;
    } catch (error) {
      this.gone(item, error);
      return;
    }
    this.coloring.run(item, this.look);
  }

  reload() {
    this.look = lookOf(this.item.photo);
    if (!this.before) this.choose(this.item);
    else this.coloring.run(this.item, this.look);
  }

  change(changed) {
    this.look = {...this.look, ...changed};
    keepLook(this.item.photo, this.look);
    this.coloring.run(this.item, this.look);
  }

  async color(item, look) {
    if (item !== this.item) return;
    this.busy = true;
    try {
      const {blob, notes} = await engine.render(item.photo, look);
      const bitmap = await createImageBitmap(blob);
      if (item !== this.item) return;
      this.after?.close();
      this.after = bitmap;
      this.notes = notes;
      shelf.noteColors(item, bitmap);
    } catch (error) {
      this.gone(item, error);
    } finally {
      if (item === this.item) this.busy = this.coloring.next !== null;
    }
  }

  /** Say what went wrong; a photograph that another tab deleted goes. */
  gone(item, error) {
    this.busy = false;
    if (error.status === 0) return; // the shell says it, and all is asked for again when the server is back
    fail(error, item.name);
    if (error.status === 404) {
      shelf.load();
      this.removed([item]);
    }
  }

  region = async (box, scale, colored) => engine.region(this.item.photo, box, scale, colored ? this.look : null);

  async save({format, quality}) {
    const {item, look} = this;
    const stop = new AbortController();
    const onProgress = (progress) => {
      item.saving = {progress, stop};
      this.requestUpdate();
    };
    onProgress(0);
    unfinished.add(item);
    try {
      const {blob, name} = await engine.download(item.photo, look, {format, quality, onProgress, signal: stop.signal});
      saveFile(blob, name);
      say(`${name} is saved`);
    } catch (error) {
      fail(error, item.name);
    } finally {
      unfinished.delete(item);
      item.saving = null;
      this.requestUpdate();
    }
  }
}
customElements.define('tinct-colorize', Colorize);
