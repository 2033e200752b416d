/**
 * <tinct-viewer>: a photograph, without and with color, to be zoomed and moved; full resolution where one looks closely.
 *
 * Properties: `photo` (as engines have it), `before` and `after` (ImageBitmaps of at most a megapixel), `region`
 * (async (box, scale, colored) -> Blob, for what these don't show), `split` (place of the line between both, 0..1; null
 * shows `after` alone), `tool` (null moves the photograph; else pointers and Enter are told as events), `paint`
 * (draws over the photograph: (context, toScreen) -> void). Children marked data-x and data-y (in pixels of the
 * photograph) are kept at their places.
 *
 * Events, all with places in pixels of the photograph: `tool-down`, `tool-move`, `tool-up` ({x, y, event}), and `split`.
 */

import {Gestures, STEP} from './gestures.js';
import {html, LitElement, nothing} from './vendor/lit.js';

const MOST_ZOOM = 8;
const SETTLE_SECONDS = 0.15;

export class Viewer extends LitElement {
  static properties = {
    photo: {attribute: false},
    before: {attribute: false},
    after: {attribute: false},
    split: {attribute: false},
    tool: {attribute: false},
    label: {},
    busy: {type: Boolean},
    zoom: {state: true},
  };

  constructor() {
    super();
    this.photo = this.before = this.after = this.region = this.paint = this.tool = null;
    this.split = null;
    this.busy = false;
    this.label = 'Photograph';
    /** Screen pixels for one of the photograph. */
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
    this.cross = null;
    this.close = {};
    this.gestures = new Gestures(this);
  }

  createRenderRoot() {
    return this;
  }

  // Light DOM: what is put inside <tinct-viewer> by others would be replaced, so marks go into `.marks` by `marks`.
  render() {
    const percent = Math.round((this.split ?? 0) * 100);
    return html`
      <div
        class="stage ${this.tool ? 'tooled' : ''} ${this.fitted ? 'fitted' : ''}"
        .style=${`--aspect: ${this.photo ? this.photo.width / this.photo.height : 1.5}`}
        tabindex="0"
        role="application"
        aria-roledescription="photograph"
        aria-label=${this.label}
        aria-busy=${this.busy}
        @pointerdown=${(event) => this.gestures.down(event)}
        @pointermove=${(event) => this.gestures.move(event)}
        @pointerup=${(event) => this.gestures.up(event)}
        @pointercancel=${(event) => this.gestures.up(event)}
        @dblclick=${(event) => this.gestures.double(event)}
        @keydown=${(event) => this.gestures.key(event)}
      >
        <canvas></canvas>
        <div class="marks"></div>
        ${this.split === null
          ? nothing
          : html`<span class="tag left" aria-hidden="true">Before</span><span class="tag right" aria-hidden="true">After</span>
              <div
                class="split"
                role="slider"
                tabindex="0"
                aria-label="Line between before and after"
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=${percent}
                aria-valuetext="${percent} percent before"
                @keydown=${(event) => this.gestures.splitKey(event)}
              ><i></i></div>`}
        ${this.busy ? html`<span class="busy" aria-hidden="true"></span>` : nothing}
      </div>
      <div class="zoom row" role="group" aria-label="Zoom">
        <button type="button" class="icon" aria-label="Smaller" @click=${() => this.zoomBy(1 / STEP)}>−</button>
        <span class="note">${Math.round(this.zoom * devicePixelRatio * 100)} %</span>
        <button type="button" class="icon" aria-label="Larger" @click=${() => this.zoomBy(STEP)}>+</button>
        <button type="button" @click=${() => this.fit()}>Fit</button>
        <button type="button" @click=${() => this.zoomTo(1 / devicePixelRatio)}>Full size</button>
      </div>
    `;
  }

  get stage() {
    return this.querySelector('.stage');
  }

  get marks() {
    return this.querySelector('.marks');
  }

  firstUpdated() {
    this.stage.addEventListener('wheel', (event) => this.gestures.wheel(event), {passive: false});
    new ResizeObserver(() => {
      if (this.fitted) this.fit();
      else this.draw();
    }).observe(this.stage);
  }

  updated(changed) {
    if (changed.has('photo')) {
      this.close = {};
      this.cross = null;
      this.fit();
    }
    if (changed.has('after')) delete this.close.true;
    if (changed.has('before')) delete this.close.false;
    if (changed.has('after') || changed.has('before')) this.look();
    this.draw();
  }

  /** Show the whole photograph. */
  fit() {
    if (!this.photo || !this.stage?.clientWidth) return;
    const {clientWidth: width, clientHeight: height} = this.stage;
    this.zoom = this.least();
    this.x = (this.photo.width - width / this.zoom) / 2;
    this.y = (this.photo.height - height / this.zoom) / 2;
    this.fitted = true;
    this.look();
    this.draw();
  }

  least() {
    return Math.min(this.stage.clientWidth / this.photo.width, this.stage.clientHeight / this.photo.height);
  }

  zoomBy(factor, at) {
    this.zoomTo(this.zoom * factor, at);
  }

  /** Zoom so that what is at a place of the stage (its middle by default) stays there. */
  zoomTo(zoom, at) {
    if (!this.photo) return;
    const least = this.least();
    const wanted = Math.min(Math.max(zoom, least), Math.max(MOST_ZOOM, least));
    const {clientWidth: width, clientHeight: height} = this.stage;
    const [left, top] = at ?? [width / 2, height / 2];
    this.x += left / this.zoom - left / wanted;
    this.y += top / this.zoom - top / wanted;
    this.zoom = wanted;
    this.settle();
  }

  pan(right, down) {
    this.x -= right / this.zoom;
    this.y -= down / this.zoom;
    this.settle();
  }

  settle() {
    const {clientWidth: width, clientHeight: height} = this.stage;
    const bound = (at, whole, side) => {
      const shown = side / this.zoom;
      return shown >= whole ? (whole - shown) / 2 : Math.min(Math.max(at, 0), whole - shown);
    };
    this.x = bound(this.x, this.photo.width, width);
    this.y = bound(this.y, this.photo.height, height);
    this.fitted = this.zoom <= this.least() * 1.001;
    this.look();
    this.draw();
  }

  /** Place in the photograph of a place on the screen. */
  toPhoto(event) {
    const box = this.stage.getBoundingClientRect();
    return {x: this.x + (event.clientX - box.left) / this.zoom, y: this.y + (event.clientY - box.top) / this.zoom};
  }

  /** Place on the stage of a place in the photograph. */
  toStage = (x, y) => [(x - this.x) * this.zoom, (y - this.y) * this.zoom];

  inside({x, y}) {
    return x >= 0 && y >= 0 && x < this.photo.width && y < this.photo.height;
  }

  // Drawing

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawNow();
    });
  }

  drawNow() {
    const canvas = this.querySelector('canvas');
    const {clientWidth: width, clientHeight: height} = this.stage;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.photo || !width) return;
    context.imageSmoothingQuality = 'high';
    context.imageSmoothingEnabled = this.zoom * ratio < 3;
    const after = this.after ?? this.before;
    const line = this.split === null || !this.after ? null : this.lineAt();
    if (after) this.drawOne(context, after, Boolean(this.after), line ?? 0, width);
    if (line !== null && this.before) this.drawOne(context, this.before, false, 0, line);
    this.paint?.(context, this.toStage, this.zoom);
    this.placeMarks(line);
  }

  /** Draw one of both between two columns of the stage. */
  drawOne(context, image, colored, from, to) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, this.stage.clientHeight);
    context.clip();
    const {width, height} = this.photo;
    const [left, top] = this.toStage(0, 0);
    context.drawImage(image, left, top, width * this.zoom, height * this.zoom);
    const close = this.close[colored];
    if (close && this.zoom * devicePixelRatio > image.width / width) {
      const [x, y] = this.toStage(close.box.x, close.box.y);
      context.drawImage(close.image, x, y, close.box.width * this.zoom, close.box.height * this.zoom);
    }
    context.restore();
  }

  /** Column of the stage where before ends and after begins. */
  lineAt() {
    const {clientWidth: width} = this.stage;
    const [left] = this.toStage(0, 0);
    const right = left + this.photo.width * this.zoom;
    const [from, to] = [Math.max(0, left), Math.min(width, right)];
    return from + (to - from) * this.split;
  }

  placeMarks(line) {
    const split = this.querySelector('.split');
    if (split) split.style.cssText = line === null ? 'display: none' : `left: ${line}px`;
    for (const mark of this.marks.querySelectorAll('[data-x]')) {
      const [left, top] = this.toStage(Number(mark.dataset.x), Number(mark.dataset.y));
      mark.style.transform = `translate(${left}px, ${top}px)`;
    }
    if (this.cross) {
      const context = this.querySelector('canvas').getContext('2d');
      const [x, y] = this.toStage(this.cross.x, this.cross.y);
      for (const [style, width] of [['#000', 4], ['#fff', 2]]) {
        context.strokeStyle = style;
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(x - 12, y);
        context.lineTo(x + 12, y);
        context.moveTo(x, y - 12);
        context.lineTo(x, y + 12);
        context.stroke();
      }
    }
  }

  // Full resolution

  /** Ask for what is looked at closer than a megapixel shows. */
  look() {
    clearTimeout(this.timer);
    if (!this.region || !this.photo || !this.before) return;
    const enough = this.before.width / this.photo.width;
    const wanted = this.zoom * devicePixelRatio;
    if (enough >= 1 || wanted <= enough * 1.05) return;
    this.timer = setTimeout(() => this.lookNow(Math.min(1, wanted)), SETTLE_SECONDS * 1000);
  }

  async lookNow(scale) {
    const {photo} = this;
    const {clientWidth, clientHeight} = this.stage;
    const x = Math.max(0, Math.floor(this.x));
    const y = Math.max(0, Math.floor(this.y));
    const box = {
      x,
      y,
      width: Math.min(photo.width, Math.ceil(this.x + clientWidth / this.zoom)) - x,
      height: Math.min(photo.height, Math.ceil(this.y + clientHeight / this.zoom)) - y,
    };
    const kinds = this.split === null ? [true] : [true, false];
    for (const colored of kinds) {
      const known = this.close[colored];
      if (colored && !this.after) continue;
      if (known && ['x', 'y', 'width', 'height'].every((side) => known.box[side] === box[side])) continue;
      const basis = colored ? this.after : this.before;
      try {
        const image = await createImageBitmap(await this.region(box, scale, colored));
        // Another picture, or other colors, meanwhile?
        if (photo !== this.photo || basis !== (colored ? this.after : this.before)) return;
        this.close[colored] = {box, image};
        this.draw();
      } catch (error) {
        if (error.name !== 'AbortError') console.warn(`full resolution: ${error.message}`);
        return;
      }
    }
  }

  // What gestures.js does

  tell(name, event, place = this.toPhoto(event)) {
    this.dispatchEvent(new CustomEvent(name, {detail: {...place, event}}));
  }

  setSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    this.dispatchEvent(new CustomEvent('split', {detail: this.split}));
  }
}
customElements.define('tinct-viewer', Viewer);
