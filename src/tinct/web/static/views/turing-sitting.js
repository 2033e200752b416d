/**
 * One way through a Turing test. Both pictures of a pair are loaded first, then each is shown for one second, then the
 * answer is asked for. Which picture is which never comes here.
 */

import {api, connection} from '../api.js';
import {fail} from '../notify.js';
import {html, LitElement, nothing} from '../vendor/lit.js';

const SHOWN = 1000; // milliseconds
const PAUSE = 700; // before the first picture, so that the eye is there
const KEYS = {ArrowLeft: 'first', ArrowUp: 'first', 1: 'first', ArrowRight: 'second', ArrowDown: 'second', 2: 'second'};
const PLACES = ['first', 'second'];

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

class Sitting extends LitElement {
  static properties = {sitting: {attribute: false}, phase: {state: true}, told: {state: true}};

  constructor() {
    super();
    this.sitting = null;
    /** 'intro', 'look', 'ask' or 'told'. */
    this.phase = 'intro';
    this.told = '';
    this.answer = null;
    this.since = 0;
    this.press = (event) => this.pressed(event);
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener('keydown', this.press);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.press);
  }

  render() {
    const {answered, total, practice, next} = this.sitting;
    if (!next) {
      return html`<section class="panel stack sitting"><p>That was the last pair. Thank you.</p>
        <button type="button" class="main" @click=${() => this.dispatchEvent(new Event('ended'))}>See the score</button></section>`;
    }
    if (this.phase === 'intro') return this.renderIntro();
    const place = next.practice ? `Practice ${next.number + 1} of ${practice}` : `Pair ${next.number + 1 - practice} of ${total - practice}`;
    const said = {look: 'Look …', ask: 'In which one did a computer make the colors?', told: this.told}[this.phase];
    const choice = (name, wide, narrow) => html`<button type="button" ?disabled=${this.phase !== 'ask'} @click=${() => this.choose(name)}>
      <span class="on-wide">${wide}</span><span class="on-narrow">${narrow}</span></button>`;
    return html`<section class="panel stack sitting" aria-label="Test">
      <div class="row"><span class="note">${place}</span><progress max=${total} value=${answered} aria-label="Progress"></progress></div>
      <div class="pair">${PLACES.map((name) => html`<div class="frame"><img class=${name} alt="" width="256" height="256" hidden /></div>`)}</div>
      <p class="ask" role="status">${said}</p>
      <div class="row choices">${choice('first', '← Left', '↑ Top')} ${choice('second', 'Right →', '↓ Bottom')}
        ${this.phase === 'told' ? html`<button type="button" class="main" @click=${() => this.go()}>Go on</button>` : nothing}</div>
    </section>`;
  }

  renderIntro() {
    const {answered, total, practice} = this.sitting;
    const first = practice ? `${practice} ${practice === 1 ? 'pair' : 'pairs'} for practice, in which you are told the answer, then ` : '';
    return html`<section class="panel stack sitting"><p>You will see pairs of photographs. In one of both the colors are the camera’s; in the
        other a computer put them over the same picture in gray. Each is shown for one second, one after the other. Then say in which one
        <strong>a computer made the colors</strong>, by the buttons or the arrow keys.</p>
      <p>There are ${first}${total - practice} that count: about ${Math.max(1, Math.ceil(total / 9))} minutes. You may stop at any time and go on later.</p>
      <button type="button" class="main" @click=${() => this.go()}>${answered ? `Go on after pair ${answered}` : 'Begin'}</button></section>`;
  }

  /** Show the next pair, and ask. */
  async go() {
    const {next} = this.sitting;
    this.phase = 'look';
    await this.updateComplete;
    try {
      do {
        if (!(await this.load(next.number))) return;
        await untilVisible();
        await wait(PAUSE);
        if (!this.isConnected) return;
      } while (!((await this.flash('first')) && (await this.flash('second'))));
    } catch (error) {
      await this.recover(error);
      return;
    }
    this.phase = 'ask';
    this.since = performance.now();
  }

  /** Load both pictures, ready to be drawn. */
  async load(number) {
    for (const place of PLACES) {
      const blob = await api('GET', `turing/sittings/${this.sitting.id}/pairs/${number}/${place}`, {as: 'blob'});
      if (!this.isConnected) return false;
      const image = this.querySelector(`img.${place}`);
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(blob);
      await image.decode();
    }
    return true;
  }

  /** Show a picture for a second; false where the page was out of sight meanwhile. */
  async flash(place) {
    const image = this.querySelector(`img.${place}`);
    let seen = !document.hidden;
    const look = () => (seen &&= !document.hidden);
    document.addEventListener('visibilitychange', look);
    image.hidden = false;
    const begun = await frame();
    // A frame comes every 16 ms or less, and none while the page is out of sight.
    while ((await frame()) - begun < SHOWN - 8);
    image.hidden = true;
    document.removeEventListener('visibilitychange', look);
    return seen;
  }

  pressed(event) {
    if (this.phase !== 'ask' || event.repeat || event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
    event.preventDefault();
    this.choose(KEYS[event.key]);
  }

  async choose(choice) {
    const {number} = this.sitting.next;
    const seconds = (performance.now() - this.since) / 1000;
    this.phase = 'look';
    try {
      const {right, sitting} = await api('POST', `turing/sittings/${this.sitting.id}/pairs/${number}`, {json: {choice, seconds}});
      this.sitting = sitting;
      if (right === null) {
        if (sitting.next) await this.go();
        return;
      }
      const narrow = matchMedia('(max-width: 700px)').matches;
      const names = narrow ? {first: 'top', second: 'bottom'} : {first: 'left', second: 'right'};
      const made = right ? choice : PLACES.find((place) => place !== choice);
      this.told = `${right ? 'Right' : 'No'}: a computer made the colors of the ${names[made]} one.`;
      this.phase = 'told';
      await this.updateComplete;
      this.querySelector('.choices .main')?.focus();
    } catch (error) {
      await this.recover(error);
    }
  }

  /** Go on where the server says that the sitting stands: it was away, or the pair was answered in another tab. */
  async recover(error) {
    if (![0, 404, 409].includes(error.status)) fail(error);
    if (error.status === 0) await new Promise((resolve) => connection.addEventListener('back', resolve, {once: true}));
    try {
      this.sitting = await api('GET', `turing/sittings/${this.sitting.id}`);
      this.phase = 'intro';
    } catch (again) {
      fail(again);
    }
  }
}
customElements.define('tinct-sitting', Sitting);

async function untilVisible() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, {once: true}));
  }
}
