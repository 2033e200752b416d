/**
 * What a table of colors holds just outside the gamut, so that reading between its nodes is right just inside;
 * tinct.inference.fringe.
 */
import {COLOR, FRINGE} from './constants.js';
import {inside, linearOf} from './color.js';

const {leastChange, mostShift, leastYellowChange, mostYellowShift, halvings, spikes, yellow, parts} = FRINGE;
const LUMINANCE = COLOR.rgbToXyz[1];
const [UNKNOWN, COLORED, EMPTY] = [0, 1, 2];

/** The nodes of a table: `side` by `side` for each level of L, b along rows and a along columns, gray at `half`. */
export class Fringe {
  constructor(levels, side, half, step) {
    Object.assign(this, {levels, side, half, step});
    this.cells = new Uint8Array(levels.length * side * side);
  }

  /** a and b that a node shall hold, which may be outside the gamut; `factor` brings its own color into it. */
  extend(level, row, column, factor) {
    const lightness = this.levels[level];
    const [a, b] = [this.value(column), this.value(row)];
    const light = lightness > yellow[0] && b > yellow[1];
    const within = [a * factor, b * factor];
    if (Math.hypot(a, b) * (1 - factor) <= (light ? leastYellowChange : leastChange)) return within;
    if (!this.atBorder(level, row, column)) return within;
    const most = light ? mostYellowShift : mostShift;
    const along = (share) => [within[0] + share * (a - within[0]), within[1] + share * (b - within[1])];
    if (shift(lightness, a, b) <= most) return [a, b];
    let share = 0;
    for (let halving = 1; halving <= halvings; halving++) {
      const further = share + 0.5 ** halving;
      if (shift(lightness, ...along(further)) <= most) share = further;
    }
    return along(share);
  }

  value(node) {
    return (node - this.half) * this.step;
  }

  /** Whether a node is a corner of a cell that has colors of sRGB at its level, or at one beside it. */
  atBorder(level, row, column) {
    for (const beside of [level, level - 1, level + 1]) {
      for (const top of [row - 1, row]) {
        for (const left of [column - 1, column]) {
          if (this.hasColors(beside, top, left)) return true;
        }
      }
    }
    return false;
  }

  hasColors(level, top, left) {
    const {levels, side, cells} = this;
    const last = side - 2;
    if (level < 0 || level >= levels.length || top < 0 || left < 0 || top > last || left > last) return false;
    const place = (level * side + top) * side + left;
    if (cells[place] === UNKNOWN) cells[place] = this.look(levels[level], top, left) ? COLORED : EMPTY;
    return cells[place] === COLORED;
  }

  look(lightness, top, left) {
    const {step} = this;
    const [a, b] = [this.value(left), this.value(top)];
    for (const [right, down] of [[0, 0], [step, 0], [0, step], [step, step]]) {
      if (inside(lightness, a + right, b + down)) return true;
    }
    const spiky = spikes.some(
      ([light, as, bs]) =>
        lightness >= light[0] && lightness <= light[1] && meets(a, step, as) && meets(b, step, bs),
    );
    for (let part = 0; spiky && part < parts * parts; part++) {
      const [right, down] = [(part % parts) / parts, Math.floor(part / parts) / parts];
      if (inside(lightness, a + right * step, b + down * step)) return true;
    }
    return false;
  }
}

function meets(start, length, [low, high]) {
  return start + length >= low && start <= high;
}

/** By how much L of a color may move at most where channels outside 0..1 are cut. */
function shift(lightness, a, b) {
  const light = (lightness + 16) / 116;
  const slope = light ** 3 > COLOR.epsilon ? 116 / 3 / Math.max(light, 0.1) ** 2 : 116 * COLOR.slope;
  const cut = linearOf(lightness, a, b).map((value) => Math.abs(value - Math.min(Math.max(value, 0), 1)));
  return cut.reduce((sum, value, channel) => sum + value * LUMINANCE[channel], 0) * slope;
}
