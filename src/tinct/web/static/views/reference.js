/** <tinct-reference>: another picture, to take colors from with the eyedropper, or to steer all colors. */

import {engine} from '../engine.js';
import {fail, Refused} from '../notify.js';
import {html, LitElement, nothing} from '../vendor/lit.js';
import '../viewer.js';

class Reference extends LitElement {
  static properties = {
    view: {attribute: false},
    /** Whether a reference is kept, and steers the colors. */
    referenced: {attribute: false},
    bitmap: {state: true},
    busy: {state: true},
  };

  constructor() {
    super();
    this.bitmap = this.file = null;
    this.busy = false;
  }

  createRenderRoot() {
    return this;
  }

  willUpdate(changed) {
    if (changed.has('referenced') && this.referenced && !this.file) this.show();
  }

  /** Show the reference that is kept. */
  async show() {
    try {
      await this.open(await engine.beside(this.view.photo, 'reference'));
    } catch (error) {
      fail(error, 'The reference');
    }
  }

  render() {
    const {bitmap, referenced} = this;
    return html`<details ?open=${bitmap !== null || referenced}><summary>Reference picture</summary>
      <div class="stack">
        ${bitmap
          ? html`<tinct-viewer class="small" label="Reference picture: click a color to use it. Arrow keys move the cross, Enter takes the color."
                .photo=${bitmap} .before=${bitmap} .after=${bitmap} .split=${null} .tool=${'pick'}
                @tool-up=${({detail}) => this.pick(detail)}></tinct-viewer>`
          : html`<p class="note">A color picture of the same or like things: take its colors by clicking them${
              engine.features.has('reference') ? ', or let it steer all' : ''}.</p>`}
        <div class="row">
          <label class="button">${bitmap ? 'Another' : 'Open a picture'}<input class="unseen" type="file" accept="image/*"
            @change=${(event) => this.choose(event.target)} /></label>
          ${(bitmap || referenced) && engine.features.has('reference')
            ? html`<label class="check"><input type="checkbox" .checked=${referenced} ?disabled=${this.busy}
                @change=${(event) => this.steer(event.target.checked)} /> Let it steer the colors</label>`
            : nothing}
        </div>
      </div></details>`;
  }

  choose(input) {
    const [file] = input.files;
    input.value = '';
    if (!file) return;
    this.open(file).then(
      () => this.referenced && this.steer(true),
      (error) => fail(error, file.name),
    );
  }

  async open(blob) {
    try {
      this.bitmap = await createImageBitmap(blob);
    } catch {
      throw new Refused('this browser can’t show the picture; save it as JPEG or PNG first');
    }
    this.file = blob;
  }

  pick({x, y}) {
    const {bitmap, view} = this;
    if (x < 0 || y < 0 || x >= bitmap.width || y >= bitmap.height) return;
    view.setColor(view.pickFrom(bitmap, x / bitmap.width, y / bitmap.height));
  }

  async steer(on) {
    const {view} = this;
    const {correction} = view;
    this.busy = true;
    try {
      await engine.keepBeside(correction.photo, 'reference', on ? this.file : null);
      correction.referenced = on;
      view.requestUpdate();
      view.recolor();
    } catch (error) {
      fail(error);
      this.querySelector('input[type=checkbox]').checked = this.referenced;
    }
    this.busy = false;
  }
}
customElements.define('tinct-reference', Reference);
