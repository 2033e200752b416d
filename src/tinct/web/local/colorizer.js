/**
 * The one path from a photograph to its colors, as tinct.inference.pipeline has it: small, network, read-out,
 * saturation, hints, lines over L, full size.
 */
import {GUIDANCE} from './constants.js';
import {saturate} from './color.js';
import {fit, guide, pad, pool, pooling} from './grid.js';
import {encode, overlay, place} from './guidance.js';
import {remaining, see, spread} from './kriging.js';
import {join} from './join.js';
import {believe, chance, choose, readColors, split} from './readout.js';
import {smallLightness} from './shrink.js';
import {choosePoints, suggestColors} from './suggestions.js';

/** Raw outputs that a photograph remembers, one for each set of hints. */
const KEPT = 4;

/** A photograph with what the network made of it. */
export class Prepared {
  /**
   * pixels: its upright RGBA, {data, width, height}; spec: the model's; run: a function from L and hints (padded
   * planes, hints perhaps null), their height and width, to the output's {data, channels, height, width}.
   */
  constructor(pixels, spec, run) {
    this.pixels = pixels;
    this.spec = spec;
    this.run = run;
    this.seen = new Map();
  }

  /** Colors of the cells: {seen, before, ab, hinted, scale}; before is without the hints' spreading. */
  async cells({mode = 'vivid', vividness = null, saturation = 1, hints = []} = {}) {
    const {pixels, spec} = this;
    const placed = place(hints, pixels.height, pixels.width);
    const seen = await this.look([]);
    const knot = choose(spec, mode, vividness);
    let ab = this.read(seen, knot);
    if (placed.length && spec.takesHints) {
      const told = this.read(await this.look(placed), knot);
      ab = ab.map((value, index) => value + GUIDANCE.networkShare * (told[index] - value));
    }
    if (saturation !== 1) ab = saturate(seen.lightness, ab, saturation);
    const scale = [pixels.height / seen.cells[0], pixels.width / seen.cells[1]];
    const before = ab;
    if (placed.length) ab = spread(placed, this.scene(seen, ab), ab, scale);
    return {seen, before, ab, placed, scale};
  }

  /**
   * The photograph in color: RGBA, {data, width, height}. `pixels` may be a smaller copy, or a part of one that `frame`
   * says; see join(). A mask has a byte for each of these pixels.
   */
  async colorize(options = {}, {mask = null, pixels = this.pixels, frame = {x: 0, y: 0, ...pixels}} = {}) {
    const {seen, ab} = await this.cells(options);
    const lines = guide(seen.lightness, ab, seen.height, seen.width);
    const [height, width] = [Math.round(frame.height), Math.round(frame.width)];
    const hints = (options.hints ?? []).map((hint) => this.scaled(hint, height, width));
    const hinted = hints.length ? overlay(place(hints, height, width), height, width) : null;
    return join(pixels, lines, seen.cells, {overlay: hinted, mask, frame});
  }

  /** A hint in a copy of another size. */
  scaled(hint, height, width) {
    if (width === this.pixels.width && height === this.pixels.height) return hint;
    const move = (value, from, to) => (typeof value === 'string' ? value : Math.min((value * to) / from, to - 1));
    return {
      ...hint,
      x: move(hint.x, this.pixels.width, width),
      y: move(hint.y, this.pixels.height, height),
      radius: Math.max(1, Math.round(((hint.radius ?? 3) * width) / this.pixels.width)),
    };
  }

  /** How probable it is that the color of each cell is right: {data, width, height, cells}, 0..1. */
  async confidence(options = {}) {
    const {seen, before, ab, placed, scale} = await this.cells(options);
    const {height, width} = seen;
    const left = placed.length ? remaining(placed, this.scene(seen, before), scale) : null;
    return {data: chance(this.believe(seen), this.spec.bins, before, ab, left), width, height, cells: seen.cells};
  }

  /** Colors that a place may have, the most probable first: {color, probability}. */
  async suggestColors(x, y, count = 5) {
    const {pixels} = this;
    const [hint] = place([{x, y, color: '#808080'}], pixels.height, pixels.width);
    const seen = await this.look([]);
    const scale = [pixels.height / seen.cells[0], pixels.width / seen.cells[1]];
    return suggestColors(hint, seen, this.believe(seen), this.spec.bins, scale, count);
  }

  /** Places where a hint would help most: {x, y, score}. */
  async suggestPoints(count = 10, options = {}) {
    const {pixels, spec} = this;
    const seen = await this.look([]);
    const ab = this.read(seen, choose(spec, options.mode ?? 'vivid', options.vividness ?? null));
    const placed = place(options.hints ?? [], pixels.height, pixels.width);
    const scale = [pixels.height / seen.cells[0], pixels.width / seen.cells[1]];
    const left = placed.length ? remaining(placed, this.scene(seen, ab), scale) : null;
    return choosePoints(seen, this.believe(seen), spec.bins, ab, left, count).map(({row, column, score}) => ({
      x: Math.min(Math.trunc((column + 0.5) * scale[1]), pixels.width - 1),
      y: Math.min(Math.trunc((row + 0.5) * scale[0]), pixels.height - 1),
      score,
    }));
  }

  read(seen, knot) {
    const {output, factor} = seen;
    return pool(readColors(output, this.spec, knot), output.height, output.width, 2, factor);
  }

  scene(seen, ab) {
    return see(seen, this.spec.output === 'bins' ? this.believe(seen) : null, this.spec.bins, ab);
  }

  believe(seen) {
    if (this.spec.output !== 'bins') {
      throw new RangeError(
        `the model ${this.spec.name} gives one color for each place, and doesn't say how sure it is`,
      );
    }
    const {output, factor} = seen;
    seen.chances ??= pool(believe(output, this.spec), output.height, output.width, this.spec.bins.length, factor);
    return seen.chances;
  }

  /** Run the network with those hints, or remember what it said. */
  async look(placed) {
    const key = JSON.stringify(placed);
    const known = this.seen.get(key);
    if (known) return known;
    const {pixels, spec} = this;
    const fitted = fit(pixels.height, pixels.width, spec.size, spec.multiple);
    const lightness = this.seen.get('[]')?.small ?? smallLightness(pixels, fitted.height, fitted.width);
    const hints = placed.length ? encode(placed, pixels.height, pixels.width, fitted) : null;
    const raw = await this.run(pad(lightness, fitted), hints, fitted.paddedHeight, fitted.paddedWidth);
    const kept = crop(raw, Math.ceil(fitted.height / spec.stride), Math.ceil(fitted.width / spec.stride));
    const {output, likeness} = split(kept, spec);
    const factor = pooling(fitted, spec.stride);
    if (likeness) likeness.data = pool(likeness.data, output.height, output.width, likeness.channels, factor);
    const cell = spec.stride * factor;
    const seen = {
      output,
      likeness,
      factor,
      small: lightness,
      lightness: pool(lightness, fitted.height, fitted.width, 1, cell),
      height: Math.ceil(fitted.height / cell),
      width: Math.ceil(fitted.width / cell),
      cells: [fitted.height / cell, fitted.width / cell],
    };
    // What was said without hints stays, for everything starts from it.
    const others = [...this.seen.keys()].filter((other) => other !== '[]');
    if (others.length >= KEPT - 1) this.seen.delete(others[0]);
    this.seen.set(key, seen);
    return seen;
  }
}

function crop({data, channels, height, width}, rows, columns) {
  if (rows === height && columns === width) return {data, channels, height, width};
  const kept = new Float32Array(channels * rows * columns);
  for (let line = 0; line < channels * rows; line++) {
    const start = (Math.floor(line / rows) * height + (line % rows)) * width;
    kept.set(data.subarray(start, start + columns), line * columns);
  }
  return {data: kept, channels, height: rows, width: columns};
}
