/** Correct: hints, scribbles and masks by hand, with what the model suggests. */

import {connection} from '../api.js';
import {Correction, kept, MaskCanvas, newMark} from '../correction.js';
import {engine} from '../engine.js';
import {fail, say, toast} from '../notify.js';
import {Latest, lookOf, shelf, tabs} from '../photos.js';
import {html, nothing} from '../vendor/lit.js';
import {address, go, settle, View} from '../view.js';
import '../viewer.js';
import {Marking, TOOLS} from './marking.js';
import './palette.js';

const SUGGESTED = 5;
const COLORS = 6;
const FINEST = 1 / 400;
const BRUSH = 1 / 80;

export default class Correct extends View {
  static properties = Object.fromEntries(
    ['photo', 'before', 'after', 'busy', 'tool', 'color', 'brush', 'chosen', 'colors', 'guided', 'unsure', 'guide', 'plain', 'saved'].map(
      (name) => [name, {state: true}],
    ),
  );

  constructor() {
    super();
    this.photo = this.before = this.after = this.correction = this.chosen = this.guide = null;
    this.busy = this.guided = this.unsure = this.plain = false;
    this.tool = 'hint';
    this.color = '#a03020';
    this.brush = BRUSH;
    /** Those that are plausible for the chosen hint; null while they are asked for. */
    this.colors = null;
    this.saved = true;
    this.marking = new Marking(this);
    this.coloring = new Latest((photo) => this.paintColors(photo));
    this.guiding = new Latest((photo) => this.ask(photo));
    shelf.addEventListener('change', () => {
      if (this.photo && !shelf.find(this.photo.id)) this.close();
      this.requestUpdate();
    });
    connection.addEventListener('back', () => this.again());
    addEventListener('keydown', (event) => this.shortcut(event));
    tabs.addEventListener('message', ({data}) => data.kind === 'look' && data.id === this.photo?.id && this.recolor());
  }

  async shown() {
    this.visible = true;
    if (!shelf.loaded) await shelf.load();
    const wanted = this.parts[0] ? shelf.find(this.parts[0])?.photo : this.photo ?? shelf.items.find((item) => item.photo)?.photo;
    if (!wanted) this.close();
    else if (wanted.id !== this.photo?.id) this.open(wanted);
    else this.recolor();
  }

  left() {
    this.visible = false;
  }

  /** Let go of the photograph. */
  close() {
    this.correction?.close();
    this.photo = this.correction = this.before = this.after = this.guide = this.chosen = null;
  }

  async open(photo) {
    this.close();
    this.photo = photo;
    this.colors = null;
    this.loaded = false;
    this.busy = true;
    if (this.parts[0] !== photo.id) settle('correct', photo.id);
    try {
      const before = await createImageBitmap(await engine.plain(photo));
      if (this.photo !== photo) return;
      this.before = before;
      this.brushes = new MaskCanvas(before, null);
      const correction = new Correction(photo, {width: before.width, height: before.height});
      this.correction = correction;
      const whileOpen = (handle) => (event) => this.correction === correction && handle(event);
      correction.addEventListener('change', whileOpen(({detail}) => this.changed(detail.mask)));
      correction.addEventListener('saved', whileOpen(() => (this.saved = correction.settled)));
      correction.addEventListener('error', ({detail}) => this.notKept(correction, detail));
      await kept(photo); // by the last time that it was open
      await correction.load();
      if (this.correction === correction) this.loaded = true;
    } catch (error) {
      if (this.photo === photo) this.gone(error);
    }
  }

  /** The server is back. */
  again() {
    if (!this.photo) {
      if (this.visible) this.shown();
    } else if (this.before && this.loaded) {
      this.recolor();
      this.choose(this.chosen);
    } else this.open(this.photo);
  }

  notKept(correction, error) {
    if (this.correction !== correction) {
      if (![0, 404].includes(error.status)) fail(error, correction.photo.name);
    } else if (error.status === 409) {
      toast('The hints were changed in another tab, which is what you see now. Undo brings yours back.');
    } else this.gone(error);
  }

  gone(error) {
    this.busy = false;
    if (error.status === 0) return; // the shell says it, and all is asked for again when the server is back
    fail(error, this.photo?.name);
    if (error.status === 404) {
      shelf.load();
      this.close();
      if (address()[0] === 'correct') go('colorize'); // the user may be on the way elsewhere
    }
  }

  /** Marks or mask are others. */
  async changed(mask) {
    const {correction} = this;
    if (mask) this.brushes = new MaskCanvas(correction.size, correction.mask);
    if (!correction.marks.some((mark) => mark.id === this.chosen)) this.chosen = null;
    this.saved = correction.settled;
    this.requestUpdate();
    if (mask) await correction.save(); // the engine must know it
    this.recolor();
  }

  recolor() {
    if (!this.correction || !this.before) return;
    this.coloring.run(this.photo);
    if (this.guided || this.unsure) this.guiding.run(this.photo);
  }

  look() {
    return {...lookOf(this.photo), hints: this.correction.hints()};
  }

  async paintColors(photo) {
    if (photo !== this.photo || !this.correction) return;
    this.busy = true;
    try {
      const {blob} = await engine.render(photo, this.look());
      const bitmap = await createImageBitmap(blob);
      if (photo !== this.photo) return;
      this.after?.close();
      this.after = bitmap;
      const item = shelf.find(photo.id);
      if (item) shelf.noteColors(item, bitmap);
    } catch (error) {
      if (photo === this.photo) this.gone(error);
    } finally {
      this.busy = this.coloring.next !== null;
    }
  }

  /** Ask how sure the model is, and where a hint would help. */
  async ask(photo) {
    if (photo !== this.photo || !this.correction) return;
    try {
      const found = await engine.points(photo, this.look());
      if (photo === this.photo) this.guide = found;
    } catch (error) {
      if (error.status !== 0) fail(error, 'Suggestions');
    }
  }

  render() {
    if (!this.photo) return this.renderNone();
    const {photo, correction, tool} = this;
    const ready = this.before && correction;
    return html`
      <h1 class="unseen">Correct</h1>
      <div class="desk two">
        <section class="middle stack" aria-label=${photo.name}>
          ${this.renderTools()}
          <tinct-viewer
            label="${photo.name}: ${TOOLS[tool].help} Arrow keys move the cross, Enter uses the tool."
            .photo=${photo}
            .before=${this.before}
            .after=${this.plain ? null : this.after}
            .split=${null}
            .tool=${tool === 'move' ? null : tool}
            .region=${engine.features.has('region') ? this.region : null}
            .paint=${(context, toStage, zoom) => this.marking.paint(context, toStage, zoom)}
            ?busy=${this.busy}
            @tool-down=${({detail}) => this.marking.down(detail)}
            @tool-move=${({detail}) => this.marking.move(detail)}
            @tool-up=${({detail}) => this.marking.up(detail)}
            @tool-cancel=${() => this.marking.cancel()}
          ></tinct-viewer>
          <p class="note" aria-live="polite">${TOOLS[tool].help} ${this.saved ? '' : 'Saving…'}</p>
        </section>
        ${ready
          ? html`<tinct-palette
              .view=${this}
              .look=${lookOf(photo)}
              .marks=${correction.marks}
              .chosen=${this.mark()}
              .colors=${this.colors}
              .color=${this.color}
              .brush=${this.brush}
              .tool=${tool}
              .guide=${this.guide}
              .guided=${this.guided}
              .unsure=${this.unsure}
              .accepted=${correction.accepted}
              .referenced=${correction.referenced}
              .mask=${correction.mask}
            ></tinct-palette>`
          : nothing}
      </div>
    `;
  }

  renderNone() {
    const items = shelf.items.filter((item) => item.photo);
    return html`<h1>Correct</h1>
      ${items.length
        ? html`<p>Which photograph?</p>
            <ul class="thumbnails">
              ${items.map((item) => html`<li><button type="button" class="thumbnail" aria-label="Correct ${item.name}"
                @click=${() => go('correct', item.photo.id)}><img src=${item.thumbnail} alt="" /></button>
                <span class="name">${item.name}</span></li>`)}
            </ul>`
        : html`<p>First <a href="#/colorize">bring a photograph</a>; then its colors can be corrected here.</p>`}`;
  }

  renderTools() {
    const {correction} = this;
    const tool = ([name, {title, icon}]) => html`<button type="button" class="icon" title=${title} aria-label=${title}
      aria-pressed=${this.tool === name} @click=${() => (this.tool = name)}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icon} /></svg></button>`;
    return html`<div class="row tools" role="toolbar" aria-label="Tools">
      ${Object.entries(TOOLS).map(tool)}
      <span class="gap"></span>
      <button type="button" class="icon" aria-label="Undo" title="Undo (Ctrl+Z)" ?disabled=${!correction?.before.length}
        @click=${() => correction.undo()}>↶</button>
      <button type="button" class="icon" aria-label="Redo" title="Redo (Ctrl+Y)" ?disabled=${!correction?.after.length}
        @click=${() => correction.redo()}>↷</button>
      <button type="button" aria-pressed=${this.plain} @click=${() => (this.plain = !this.plain)}>Without color</button>
    </div>`;
  }

  updated() {
    const viewer = this.querySelector('tinct-viewer');
    if (viewer?.marks) this.marking.renderMarks(viewer);
  }

  region = async (box, scale, colored) => engine.region(this.photo, box, scale, colored ? this.look() : null);

  /** Radius of the brush, in pixels of the photograph. */
  radius() {
    return Math.max(1, Math.max(this.brush, FINEST) * Math.min(this.photo.width, this.photo.height));
  }

  mark() {
    return this.correction?.marks.find((mark) => mark.id === this.chosen) ?? null;
  }

  change(changed, gesture = null) {
    try {
      this.correction.change(changed, gesture);
    } catch (error) {
      fail(error);
    }
  }

  /** Place a hint of the color that is there, and offer others for it. */
  place(x, y) {
    const color = this.pickFrom(this.after ?? this.before, x / this.photo.width, y / this.photo.height);
    const mark = newMark(color, this.radius(), [[x, y]]);
    this.change({marks: [...this.correction.marks, mark]});
    this.choose(mark.id);
    say('A hint is placed; choose its color');
  }

  choose(id) {
    this.chosen = id;
    const mark = this.mark();
    this.colors = null;
    if (mark && engine.features.has('colors')) this.suggest(mark);
  }

  async suggest(mark) {
    const [x, y] = mark.points[Math.floor(mark.points.length / 2)];
    try {
      const {model} = lookOf(this.photo);
      const found = await engine.colors(this.photo, {x: Math.floor(x), y: Math.floor(y), count: COLORS, ...(model ? {model} : {})});
      if (this.chosen === mark.id) this.colors = found;
    } catch (error) {
      if (error.status === 0) return; // they are asked for again when the server is back
      fail(error, 'Suggested colors');
      if (this.chosen === mark.id) this.colors = [];
    }
  }

  /** Replace a mark by what it becomes. */
  alter(id, altered, gesture = null) {
    this.change({marks: this.correction.marks.map((mark) => (mark.id === id ? {...mark, ...altered} : mark))}, gesture);
  }

  erase(id) {
    this.change({marks: this.correction.marks.filter((mark) => mark.id !== id)});
  }

  /** Color of a place of a picture, as #rrggbb; places are shares of its sides. */
  pickFrom(bitmap, x, y) {
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d');
    const at = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
    context.drawImage(bitmap, -at(x, bitmap.width), -at(y, bitmap.height));
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return `#${[red, green, blue].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  }

  setColor(color, gesture = null) {
    this.color = color;
    if (this.chosen !== null) this.alter(this.chosen, {color}, gesture);
  }

  shortcut(event) {
    if (!this.visible || !this.correction || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === 'z' && !event.shiftKey) this.correction.undo();
    else if (key === 'y' || (key === 'z' && event.shiftKey)) this.correction.redo();
    else return;
    event.preventDefault();
  }

  suggestions() {
    return this.guided && this.guide ? this.guide.points.slice(0, SUGGESTED) : [];
  }
}
customElements.define('tinct-correct', Correct);
