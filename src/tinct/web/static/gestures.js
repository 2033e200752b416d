/** What pointers, the wheel and keys do to a <tinct-viewer>. */

import {say} from './notify.js';

export const STEP = 1.25;

export class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map();
    /** null, 'pan', 'pinch', 'split' or 'tool' */
    this.doing = null;
  }

  wheel(event) {
    if (!this.viewer.photo) return;
    event.preventDefault();
    const box = this.viewer.stage.getBoundingClientRect();
    this.viewer.zoomBy(STEP ** (-event.deltaY / 100), [event.clientX - box.left, event.clientY - box.top]);
  }

  double(event) {
    if (this.viewer.tool || event.target.closest('.split, .marks > *')) return;
    const box = this.viewer.stage.getBoundingClientRect();
    if (this.viewer.fitted) this.viewer.zoomTo(1 / devicePixelRatio, [event.clientX - box.left, event.clientY - box.top]);
    else this.viewer.fit();
  }

  down(event) {
    if (!this.viewer.photo || event.button > 1 || event.target.closest('.marks > *')) return;
    this.pointers.set(event.pointerId, event);
    this.viewer.stage.setPointerCapture(event.pointerId);
    if (this.pointers.size > 1) {
      if (this.doing === 'tool') this.viewer.tell('tool-cancel', event);
      this.doing = 'pinch';
    } else if (event.target.closest('.split')) this.doing = 'split';
    else if (this.viewer.tool && event.button === 0) {
      this.doing = 'tool';
      this.viewer.cross = null;
      this.viewer.tell('tool-down', event);
    } else if (this.viewer.fitted && this.viewer.split !== null) {
      this.doing = 'split';
      this.moveSplit(event);
    } else this.doing = 'pan';
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    if (this.doing === 'pinch') this.pinch(event);
    else if (this.doing === 'split') this.moveSplit(event);
    else if (this.doing === 'tool') this.viewer.tell('tool-move', event);
    else this.viewer.pan(event.clientX - last.clientX, event.clientY - last.clientY);
    this.pointers.set(event.pointerId, event);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.doing === 'tool') this.viewer.tell(event.type === 'pointerup' ? 'tool-up' : 'tool-cancel', event);
    if (this.pointers.size === 0) this.doing = null;
    else this.doing = 'pan';
  }

  pinch(event) {
    const [a, b] = [...this.pointers.values()];
    const other = a.pointerId === event.pointerId ? b : a;
    const last = a.pointerId === event.pointerId ? a : b;
    const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const box = this.viewer.stage.getBoundingClientRect();
    const middle = [(event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top];
    this.viewer.zoomBy(distance(event) / Math.max(1, distance(last)), middle);
    this.viewer.pan((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
  }

  moveSplit(event) {
    const box = this.viewer.stage.getBoundingClientRect();
    const [left] = this.viewer.toStage(0, 0);
    const from = Math.max(0, left);
    const to = Math.min(box.width, left + this.viewer.photo.width * this.viewer.zoom);
    this.viewer.setSplit((event.clientX - box.left - from) / Math.max(1, to - from));
  }

  splitKey(event) {
    const step = {ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1}[event.key];
    const share = {Home: 0, End: 1}[event.key] ?? (step ? this.viewer.split + step : null);
    if (share === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.viewer.setSplit(share);
  }

  key(event) {
    if (!this.viewer.photo || event.target !== this.viewer.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (arrows && this.viewer.tool) this.moveCross(...arrows, event.shiftKey ? 40 : 8);
    else if (arrows) this.viewer.pan(-40 * arrows[0], -40 * arrows[1]);
    else if (event.key === '+' || event.key === '=') this.viewer.zoomBy(STEP);
    else if (event.key === '-') this.viewer.zoomBy(1 / STEP);
    else if (event.key === '0') this.viewer.fit();
    else if (event.key === '1') this.viewer.zoomTo(1 / devicePixelRatio);
    else if ((event.key === 'Enter' || event.key === ' ') && this.viewer.tool && !this.viewer.cross) {
      this.moveCross(0, 0, 0);
      say('The cross is in the middle; arrow keys move it, Enter uses it');
    } else if ((event.key === 'Enter' || event.key === ' ') && this.viewer.tool) {
      this.viewer.tell('tool-down', event, this.viewer.cross);
      this.viewer.tell('tool-up', event, this.viewer.cross);
    } else return;
    event.preventDefault();
  }

  moveCross(right, down, step) {
    const {width, height} = this.viewer.photo;
    const at = this.viewer.cross ?? {x: width / 2, y: height / 2};
    const bound = (value, side) => Math.min(side - 1, Math.max(0, value));
    this.viewer.cross = {x: bound(at.x + (right * step) / this.viewer.zoom, width), y: bound(at.y + (down * step) / this.viewer.zoom, height)};
    this.viewer.tell('tool-cross', null, this.viewer.cross);
    this.viewer.draw();
  }
}
