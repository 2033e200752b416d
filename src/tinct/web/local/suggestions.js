/**
 * What a person could say that helps most: colors that a place may have, and places where a hint would help;
 * tinct.inference.suggestions.
 */
import {SUGGESTIONS} from './constants.js';
import {chromaFactor, labToHex} from './color.js';
import {cover} from './cover.js';
import {alike, see, variance} from './kriging.js';

const {apart, nearby, least, candidates} = SUGGESTIONS;

/** Distinct colors of a place (a hint in place) that together cover most of its distribution: {color, probability}. */
export function suggestColors(hint, seen, chances, bins, scale, count) {
  const [rows, columns] = cover(hint, seen.height, seen.width, scale);
  const mixed = new Float64Array(bins.length);
  let lightness = 0;
  for (const [row, down] of rows) {
    for (const [column, across] of columns) {
      const cell = row * seen.width + column;
      lightness += down * across * seen.lightness[cell];
      for (let bin = 0; bin < bins.length; bin++) mixed[bin] += down * across * chances[cell * bins.length + bin];
    }
  }
  const distance = (first, second) => Math.hypot(first[0] - second[0], first[1] - second[1]);
  const closeness = (first, second) => Math.exp(-0.5 * (distance(first, second) / apart) ** 2);
  const uncovered = Float64Array.from(mixed);
  const middles = [];
  for (let number = 0; number < count; number++) {
    let [best, most] = [0, -Infinity];
    bins.forEach((middle, index) => {
      const mass = bins.reduce((sum, bin, other) => sum + closeness(middle, bin) * uncovered[other], 0);
      if (mass > most) [best, most] = [index, mass];
    });
    middles.push(bins[best]);
    bins.forEach((bin, other) => {
      if (distance(bins[best], bin) < nearby) uncovered[other] = 0;
    });
  }
  const swatches = middles.map(() => ({mass: 0, weight: 0, a: 0, b: 0}));
  bins.forEach((bin, index) => {
    const distances = middles.map((middle) => distance(middle, bin));
    const owner = distances.indexOf(Math.min(...distances));
    const weight = mixed[index] * closeness(middles[owner], bin);
    const swatch = swatches[owner];
    swatch.mass += mixed[index];
    swatch.weight += weight;
    swatch.a += weight * bin[0];
    swatch.b += weight * bin[1];
  });
  return merge(
    swatches.filter((swatch) => swatch.mass >= least),
    lightness,
  );
}

/** Drop colors that the gamut has made one; near black and white there is only gray. */
function merge(swatches, lightness) {
  const kept = [];
  for (const swatch of swatches.sort((first, second) => second.mass - first.mass)) {
    let [a, b] = [swatch.a / swatch.weight, swatch.b / swatch.weight];
    const factor = chromaFactor(lightness, a, b);
    [a, b] = [a * factor, b * factor];
    const same = kept.find((other) => Math.hypot(other.a - a, other.b - b) < apart);
    if (same) same.probability += swatch.mass;
    else kept.push({a, b, probability: swatch.mass});
  }
  kept.sort((first, second) => second.probability - first.probability);
  return kept.map(({a, b, probability}) => ({color: labToHex(lightness, a, b), probability}));
}

/** Cells whose colors would help most, the most helpful first: {row, column, score}. */
export function choosePoints(seen, chances, bins, ab, left, count) {
  const {height, width} = seen;
  const step = Math.ceil(Math.sqrt((height * width) / candidates));
  const line = (length) => {
    const found = [];
    for (let at = Math.min(Math.floor(step / 2), length - 1); at < length; at += step) found.push(at);
    return found;
  };
  const cells = line(height).flatMap((row) => line(width).map((column) => row * width + column));
  const {looks, columns, kernels: used} = see(seen, chances, bins, ab);
  const deviation = cells.map((cell) =>
    Math.sqrt(Math.max(0, variance(chances, bins, cell, ab.slice(2 * cell, 2 * cell + 2)) * (left?.[cell] ?? 1))),
  );
  const kernels = [...used.near, ...used.wide];
  const whole = kernels.reduce((sum, kernel) => sum + kernel.variance, 0);
  const size = cells.length;
  const shared = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (alike(looks, cells[i], looks, cells[j], columns, kernels) / whole) * deviation[i] * deviation[j];
      shared[i * size + j] = value;
      shared[j * size + i] = value;
    }
  }
  let total = 1e-12;
  for (let i = 0; i < size; i++) total += shared[i * size + i];
  const noise = (used.nearNoise * total) / size + 1e-12;
  const taken = new Set();
  const found = [];
  for (let number = 0; number < Math.min(count, size); number++) {
    let [best, most] = [0, -1];
    for (let i = 0; i < size; i++) {
      if (taken.has(i)) continue;
      let gain = 0;
      for (let j = 0; j < size; j++) gain += shared[i * size + j] ** 2;
      gain /= shared[i * size + i] + noise;
      if (gain > most) [best, most] = [i, gain];
    }
    taken.add(best);
    found.push({row: Math.floor(cells[best] / width), column: cells[best] % width, score: most / total});
    const row = shared.slice(best * size, (best + 1) * size);
    const own = row[best] + noise;
    for (let i = 0; i < size; i++) {
      const share = row[i] / own;
      for (let j = 0; j < size; j++) shared[i * size + j] -= share * row[j];
    }
  }
  return found;
}
