/** The tools of Correct: what pointers do with each, and how marks, masks and doubts are drawn over the photograph. */

import {newMark} from '../correction.js';
import {html, render} from '../vendor/lit.js';

export const TOOLS = {
  hint: {
    title: 'Hint',
    help: 'Click where a color is wrong, then choose another.',
    icon: 'M12 21s6-5.5 6-10.5a6 6 0 0 0-12 0C6 15.5 12 21 12 21zM12 8v5M9.5 10.5h5',
  },
  scribble: {title: 'Scribble', help: 'Draw with the chosen color over what should have it.', icon: 'M4 17c4-9 6-9 7-5s3 3 5-1 3-2 4-1'},
  pick: {title: 'Eyedropper', help: 'Click a color in the photograph to use it.', icon: 'M14 6l4 4M12 8l4 4-8 8H4v-4zM15 5a2 2 0 0 1 4 4'},
  gray: {title: 'Keep gray', help: 'Paint over what should stay as it was: borders, captions.', icon: 'M4 20h16M7 15l8-8 3 3-8 8H7z'},
  ungray: {title: 'Color again', help: 'Paint over what should be colored after all.', icon: 'M4 20h16M9 16l-4-4 7-7 6 6-5 5zM8 9l6 6'},
  move: {title: 'Move', help: 'Drag the photograph; zoom with the wheel or two fingers.', icon: 'M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3'},
};
const FAR = 6;
const SPACING = 1.8;
const TINT = 0.5;

export class Marking {
  constructor(view) {
    this.view = view;
    this.scribble = null;
    this.line = null;
    this.drag = null;
    this.doubts = {of: null, canvas: null};
  }

  get viewer() {
    return this.view.querySelector('tinct-viewer');
  }

  // What pointers and the Enter key do, in pixels of the photograph

  down({x, y, event}) {
    const {view} = this;
    if (!view.correction || !view.before) return;
    this.start = {x, y, event};
    if (view.tool === 'scribble') this.scribble = newMark(view.color, view.radius(), [[x, y]]);
    if (view.tool === 'gray' || view.tool === 'ungray') {
      this.line = this.toMask(x, y);
      this.stroke(x, y);
    }
    this.viewer.draw();
  }

  move({x, y}) {
    if (this.scribble) this.lengthen(x, y);
    else if (this.line) this.stroke(x, y);
    this.viewer.draw();
  }

  /** Draw the scribble on to a place; a quick hand leaves no gaps. */
  lengthen(x, y) {
    const {points, radius} = this.scribble;
    const [fromX, fromY] = points.at(-1);
    const steps = Math.floor(Math.hypot(x - fromX, y - fromY) / (SPACING * radius));
    for (let step = 1; step <= steps; step += 1) {
      const point = [fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps];
      if (this.viewer.inside({x: point[0], y: point[1]})) points.push(point);
    }
  }

  up({x, y}) {
    const {view, start} = this;
    this.start = null;
    if (!start) return;
    if (this.scribble) {
      const {scribble} = this;
      this.scribble = null;
      if (this.viewer.inside({x: scribble.points[0][0], y: scribble.points[0][1]})) {
        view.change({marks: [...view.correction.marks, scribble]});
        view.choose(scribble.id);
      }
    } else if (this.line) {
      this.line = null;
      view.change({mask: view.brushes.read()});
    } else if (this.viewer.inside({x, y}) && Math.hypot(x - start.x, y - start.y) * this.viewer.zoom <= FAR) {
      if (view.tool === 'hint') view.place(x, y);
      else if (view.tool === 'pick') this.pick(x, y);
    }
    this.viewer.draw();
  }

  cancel() {
    this.start = this.scribble = null;
    if (this.line) {
      this.line = null;
      this.view.changed(true); // draws the mask as it was
    }
    this.viewer.draw();
  }

  pick(x, y) {
    const {view} = this;
    view.setColor(view.pickFrom(view.after ?? view.before, x / view.photo.width, y / view.photo.height));
  }

  stroke(x, y) {
    const {view} = this;
    const to = this.toMask(x, y);
    const width = Math.max(1.5, (2 * view.radius() * view.before.width) / view.photo.width);
    view.brushes.line(this.line, to, width, view.tool === 'gray');
    this.line = to;
  }

  toMask(x, y) {
    const {before, photo} = this.view;
    return [(x * before.width) / photo.width, (y * before.height) / photo.height];
  }

  // Drawing over the photograph

  paint(context, toStage, zoom) {
    const {view} = this;
    if (!view.correction || !view.before) return;
    const {width, height} = view.photo;
    const box = [...toStage(0, 0), width * zoom, height * zoom];
    if (view.unsure && view.guide) {
      context.imageSmoothingEnabled = true;
      context.drawImage(this.doubtful(view.guide.confidence), ...box);
    }
    context.globalAlpha = TINT;
    context.drawImage(view.brushes.canvas, ...box);
    context.globalAlpha = 1;
    for (const mark of view.correction.marks) if (mark.points.length > 1) this.paintScribble(context, toStage, zoom, mark);
    if (this.scribble) this.paintScribble(context, toStage, zoom, this.scribble);
  }

  paintScribble(context, toStage, zoom, {points, color, radius, id}) {
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    for (const [x, y] of points) context.lineTo(...toStage(x, y));
    const width = Math.max(3, 2 * radius * zoom);
    for (const [style, wide] of [[id === this.view.chosen ? '#fff' : 'rgb(0 0 0 / 60%)', width + 3], [color, width]]) {
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.stroke();
    }
  }

  /** The confidence of cells as a picture: the less sure, the more it covers. */
  doubtful(confidence) {
    if (this.doubts.of === confidence) return this.doubts.canvas;
    const [height, width] = [confidence.length, confidence[0].length];
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    const image = context.createImageData(width, height);
    confidence.flat().forEach((sure, at) => image.data.set([255, 0, 170, Math.round(150 * (1 - sure))], 4 * at));
    context.putImageData(image, 0, 0);
    this.doubts = {of: confidence, canvas};
    return canvas;
  }

  // Marks, which can be focused and dragged

  renderMarks(viewer) {
    const {view} = this;
    const {marks} = view.correction ?? {marks: []};
    const one = (mark, number) => {
      const [x, y] = mark.points[Math.floor(mark.points.length / 2)];
      return html`<button type="button" class="mark ${mark.id === view.chosen ? 'chosen' : ''}" data-x=${x} data-y=${y}
        .style=${`--color: ${mark.color}`} aria-pressed=${mark.id === view.chosen}
        aria-label="${mark.points.length > 1 ? 'Scribble' : 'Hint'} ${number + 1}, ${mark.color}"
        @click=${() => view.choose(mark.id)} @keydown=${(event) => this.markKey(event, mark)}
        @pointerdown=${(event) => this.grab(event, mark)} @pointermove=${(event) => this.pull(event)}
        @pointerup=${(event) => this.drop(event)} @pointercancel=${(event) => this.drop(event)}></button>`;
    };
    const next = ({x, y}, number) => html`<button type="button" class="mark next" data-x=${x} data-y=${y}
      aria-label="Place ${number + 1} where a hint helps most" @click=${() => view.place(x, y)}>${number + 1}</button>`;
    const active = ['hint', 'move', 'pick'].includes(view.tool);
    viewer.marks.classList.toggle('through', !active);
    render([...marks.map(one), ...view.suggestions().map(next)], viewer.marks);
    viewer.draw();
  }

  grab(event, mark) {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    this.drag = {mark, from: this.viewer.toPhoto(event), moved: false, id: event.pointerId};
  }

  pull(event) {
    if (!this.drag || event.pointerId !== this.drag.id) return;
    const to = this.viewer.toPhoto(event);
    const [right, down] = [to.x - this.drag.from.x, to.y - this.drag.from.y];
    if (!this.drag.moved && Math.hypot(right, down) * this.viewer.zoom < FAR) return;
    // All that is moved at once is one step back.
    this.shift(this.drag.mark, right, down, this.drag);
    this.drag.moved = true;
  }

  drop() {
    const moved = this.drag?.moved;
    const id = this.drag?.mark.id;
    this.drag = null;
    if (moved) this.view.choose(id);
  }

  shift(mark, right, down, gesture = null) {
    const {width, height} = this.view.photo;
    const bound = (value, side) => Math.min(side - 1, Math.max(0, value));
    const points = mark.points.map(([x, y]) => [bound(x + right, width), bound(y + down, height)]);
    this.view.alter(mark.id, {points}, gesture);
  }

  markKey(event, mark) {
    const step = (event.shiftKey ? 10 : 1) / this.viewer.zoom;
    const arrows = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
    if (arrows) this.shift(mark, ...arrows);
    else if (event.key === 'Delete' || event.key === 'Backspace') {
      this.view.erase(mark.id);
      this.viewer.stage.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
