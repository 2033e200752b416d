/**
 * From a network's raw output to colors; tinct.inference.readout, and what it believes; tinct.inference.confidence.
 *
 * An output is {data, channels, height, width}: channel by channel, cut to the photograph.
 */
import {CONFIDENCE} from './constants.js';
import {srgbToLab} from './color.js';

/**
 * Part a network's output into what colors are read from and the likeness after it, if it has any: {output, likeness},
 * the latter {data, channels}, cell by cell.
 */
export function split(raw, spec) {
  const channels = spec.likeness;
  if (!channels) return {output: raw, likeness: null};
  const {height, width} = raw;
  const count = height * width;
  const first = (raw.channels - channels) * count;
  const data = new Float32Array(channels * count);
  for (let cell = 0; cell < count; cell++) {
    for (let channel = 0; channel < channels; channel++) {
      data[cell * channels + channel] = raw.data[first + channel * count + cell];
    }
  }
  const output = {data: raw.data.subarray(0, first), channels: raw.channels - channels, height, width};
  return {output, likeness: {data, channels}};
}

/** Find the read-out for a vividness in 0..1, or for a mode where there is none. */
export function choose(spec, mode, vividness) {
  if (spec.path.length < 2 || !(mode in spec.modes)) {
    return spec.path[0] ?? {vividness: 0, division: 0, temperature: 1, chroma: 1};
  }
  const at = Math.min(Math.max(vividness ?? spec.modes[mode], 0), 1);
  let index = 0;
  while (index < spec.path.length - 2 && at > spec.path[index + 1].vividness) index++;
  const [first, second] = [spec.path[index], spec.path[index + 1]];
  const share = Math.min(Math.max((at - first.vividness) / (second.vividness - first.vividness), 0), 1);
  const between = (name) => first[name] + share * (second[name] - first[name]);
  return {
    vividness: at,
    division: between('division'),
    temperature: between('temperature'),
    chroma: between('chroma'),
  };
}

/** Read a and b of each cell from an output. */
export function readColors(output, spec, knot) {
  const {data, channels, height, width} = output;
  const count = height * width;
  const ab = new Float32Array(2 * count);
  if (spec.output === 'bins') {
    const shift = Float64Array.from(spec.weights, (weight) => knot.division * Math.log(weight));
    const levels = new Float64Array(channels);
    for (let cell = 0; cell < count; cell++) {
      const sum = softmax(levels, data, cell, count, shift, knot.temperature);
      let a = 0;
      let b = 0;
      for (let bin = 0; bin < channels; bin++) {
        a += levels[bin] * spec.bins[bin][0];
        b += levels[bin] * spec.bins[bin][1];
      }
      ab[2 * cell] = (a / sum) * knot.chroma;
      ab[2 * cell + 1] = (b / sum) * knot.chroma;
    }
    return ab;
  }
  const clip = (value) => Math.min(Math.max(value, 0), 1);
  for (let cell = 0; cell < count; cell++) {
    const values = [0, 1, 2].map((channel) => data[channel * count + cell]);
    const [a, b] = spec.output === 'ab' ? values : srgbToLab(...values.map(clip)).slice(1);
    ab[2 * cell] = a * knot.chroma;
    ab[2 * cell + 1] = b * knot.chroma;
  }
  return ab;
}

/** Fill `levels` with exp((logits - shift) / temperature), the largest 1, and return their sum. */
function softmax(levels, data, cell, count, shift, temperature) {
  let largest = -Infinity;
  for (let bin = 0; bin < levels.length; bin++) {
    levels[bin] = data[bin * count + cell] - shift[bin];
    largest = Math.max(largest, levels[bin]);
  }
  let sum = 0;
  for (let bin = 0; bin < levels.length; bin++) {
    levels[bin] = Math.exp((levels[bin] - largest) / temperature);
    sum += levels[bin];
  }
  return sum;
}

/** How probable each color is in each cell, before any hint: (cells, bins), each cell's summing to 1. */
export function believe(output, spec) {
  const {data, channels, height, width} = output;
  const count = height * width;
  const shift = Float64Array.from(spec.weights, Math.log);
  const chances = new Float32Array(count * channels);
  const levels = new Float64Array(channels);
  for (let cell = 0; cell < count; cell++) {
    const sum = softmax(levels, data, cell, count, shift, CONFIDENCE.temperature);
    for (let bin = 0; bin < channels; bin++) chances[cell * channels + bin] = levels[bin] / sum;
  }
  return chances;
}

/** How probable it is that the true color of each cell lies within a radius (a cell) of a color (a cell). */
export function within(chances, bins, ab, radius) {
  const softness = (CONFIDENCE.grid / Math.sqrt(12)) * (Math.sqrt(3) / Math.PI);
  return Float32Array.from(radius, (reach, cell) => {
    let found = 0;
    for (let bin = 0; bin < bins.length; bin++) {
      const distance = Math.hypot(bins[bin][0] - ab[2 * cell], bins[bin][1] - ab[2 * cell + 1]);
      const beyond = Math.min(Math.max((distance - reach) / softness, -60), 60);
      found += chances[cell * bins.length + bin] / (1 + Math.exp(beyond));
    }
    return Math.min(Math.max(found, 0), 1);
  });
}

/** How probable it is that each shown color is right; `left` is the share of variance that hints leave, or null. */
export function chance(chances, bins, before, shown, left) {
  const count = shown.length / 2;
  if (left === null) return within(chances, bins, shown, new Float32Array(count).fill(CONFIDENCE.nearby));
  const kept = left.map((share) => Math.max(share, CONFIDENCE.leastLeft));
  const radius = kept.map((share) => CONFIDENCE.nearby / Math.sqrt(share));
  const middle = before.map((value, index) => value + kept[index >> 1] * (shown[index] - value));
  return within(chances, bins, middle, radius);
}
