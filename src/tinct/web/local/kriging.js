/**
 * How alike places err, and what is expected between known ones; tinct.inference.kriging.
 *
 * A scene is {looks, columns, doubt, kernels}: what each cell looks like, a row of `columns` numbers each (y and x as
 * shares of the short side, L, and what else tells which are alike), how far its errors go, and the kernels for these.
 */
import {GUIDANCE} from './constants.js';
import {cover} from './cover.js';

const {cast: CAST, learned: LEARNED, believed: BELIEVED, sure: SURE, shown: SHOWN} = GUIDANCE;

/**
 * The cells of a photograph: seen {lightness, height, width, likeness}, their chances (cells, bins) or null, and
 * colors; the likeness {data, channels} is null where the model learned none.
 */
export function see(seen, chances, bins, ab) {
  const {lightness, height, width, likeness} = seen;
  const believed = likeness ? likeness.channels - 1 : chances ? bins.length : 2;
  const columns = 3 + believed;
  const looks = new Float64Array(lightness.length * columns);
  const doubt = new Float64Array(lightness.length).fill(1);
  const side = Math.min(height, width);
  for (let cell = 0; cell < lightness.length; cell++) {
    const row = cell * columns;
    looks[row] = (Math.floor(cell / width) + 0.5) / side;
    looks[row + 1] = ((cell % width) + 0.5) / side;
    looks[row + 2] = lightness[cell];
    const own = likeness?.data.subarray(cell * likeness.channels, (cell + 1) * likeness.channels);
    for (let part = 0; part < believed; part++) {
      if (likeness) looks[row + 3 + part] = own[part];
      else if (chances) looks[row + 3 + part] = Math.sqrt(chances[cell * believed + part]);
      else looks[row + 3 + part] = ab[2 * cell + part] / SHOWN;
    }
    if (likeness) doubt[cell] = own[believed];
    else if (chances) doubt[cell] = Math.sqrt(Math.sqrt(Math.max(0, variance(chances, bins, cell)) + SURE ** 2));
  }
  return {looks, columns, doubt, height, width, kernels: likeness ? LEARNED : BELIEVED};
}

/** How far the true color of a cell is expected to be from the mean, squared; or from another color [a, b]. */
export function variance(chances, bins, cell, from = null) {
  let [a, b, square] = [0, 0, 0];
  for (let bin = 0; bin < bins.length; bin++) {
    const share = chances[cell * bins.length + bin];
    a += share * bins[bin][0];
    b += share * bins[bin][1];
    square += share * (bins[bin][0] ** 2 + bins[bin][1] ** 2);
  }
  const away = from ? (from[0] - a) ** 2 + (from[1] - b) ** 2 : 0;
  return square - a * a - b * b + away;
}

/** How the errors of a place of the first vary with those of one of the second. */
export function alike(first, i, second, j, columns, kernels) {
  const [p, q] = [i * columns, j * columns];
  const distance = (first[p] - second[q]) ** 2 + (first[p + 1] - second[q + 1]) ** 2;
  const light = (first[p + 2] - second[q + 2]) ** 2;
  let likeness = 0;
  for (let part = 3; part < columns; part++) likeness += (first[p + part] - second[q + part]) ** 2;
  let covariance = 0;
  for (const kernel of kernels) {
    const exponent = distance * kernel.place + light * kernel.lightness + likeness * kernel.likeness;
    covariance += kernel.variance * Math.exp(-0.5 * exponent);
  }
  return covariance;
}

/** Average a plane of the cells, `columns` numbers each, over what each hint covers. */
function lookAt(placed, {height, width}, scale, plane, columns) {
  const spots = new Float64Array(placed.length * columns);
  placed.forEach((hint, spot) => {
    const [rows, across] = cover(hint, height, width, scale);
    for (const [row, down] of rows) {
      for (const [column, share] of across) {
        const cell = (row * width + column) * columns;
        for (let part = 0; part < columns; part++) spots[spot * columns + part] += down * share * plane[cell + part];
      }
    }
  });
  return spots;
}

/** Add to predicted colors what they lack at the hints, there and where the picture looks alike. */
export function spread(placed, scene, ab, scale) {
  const {looks, columns, doubt, kernels} = scene;
  const spots = lookAt(placed, scene, scale, looks, columns);
  const shown = lookAt(placed, scene, scale, ab, 2);
  const own = lookAt(placed, scene, scale, doubt, 1);
  const missing = new Float64Array(2 * placed.length);
  const cast = new Float64Array(2 * placed.length);
  placed.forEach((hint, spot) => {
    const [a, b] = [hint.ab[0] - shown[2 * spot], hint.ab[1] - shown[2 * spot + 1]];
    const weight = 1 / (1 + (a * a + b * b) / CAST ** 2);
    missing.set([a / own[spot], b / own[spot]], 2 * spot);
    cast.set([(a * weight) / own[spot], (b * weight) / own[spot]], 2 * spot);
  });
  const atSpots = krige(spots, cast, spots, columns, kernels.wide, kernels.wideNoise);
  const wide = krige(spots, cast, looks, columns, kernels.wide, kernels.wideNoise);
  const rest = missing.map((value, index) => value - atSpots[index]);
  const near = krige(spots, rest, looks, columns, kernels.near, kernels.nearNoise);
  return Float32Array.from(ab, (value, index) => value + (wide[index] + near[index]) * doubt[index >> 1]);
}

/** Which share of its variance each cell's error keeps once the hints are known, in 0..1. */
export function remaining(placed, scene, scale) {
  const {looks, columns, height, width, kernels} = scene;
  const spots = lookAt(placed, scene, scale, looks, columns);
  const known = factorize(spots, columns, kernels.near, kernels.nearNoise);
  const total = kernels.near.reduce((sum, kernel) => sum + kernel.variance, 0);
  const left = new Float32Array(height * width);
  const shared = new Float64Array(placed.length);
  for (let cell = 0; cell < left.length; cell++) {
    for (let spot = 0; spot < shared.length; spot++) {
      shared[spot] = alike(spots, spot, looks, cell, columns, kernels.near);
    }
    const explained = solveLower(known, shared).reduce((sum, value) => sum + value * value, 0);
    left[cell] = Math.min(Math.max(1 - explained / total, 0), 1);
  }
  for (const hint of placed) {
    const [rows, across] = cover(hint, height, width, scale);
    const [tall, wide] = [(hint.bottom - hint.top) / scale[0], (hint.right - hint.left) / scale[1]];
    for (const [row, down] of rows) {
      for (const [column, share] of across) {
        left[row * width + column] *= 1 - Math.min(down * tall, 1) * Math.min(share * wide, 1);
      }
    }
  }
  return left;
}

/** The lower triangle L of a covariance among spots, with noise on its diagonal: L times its transpose (Cholesky). */
function factorize(spots, columns, kernels, noise) {
  const count = spots.length / columns;
  const lower = new Float64Array(count * count);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column <= row; column++) {
      let rest = alike(spots, row, spots, column, columns, kernels) + (row === column ? noise : 0);
      for (let k = 0; k < column; k++) rest -= lower[row * count + k] * lower[column * count + k];
      lower[row * count + column] = row === column ? Math.sqrt(rest) : rest / lower[column * count + column];
    }
  }
  return lower;
}

/** Solve the triangle's equations for a right side, in place. */
function solveLower(lower, values) {
  const count = values.length;
  for (let row = 0; row < count; row++) {
    for (let k = 0; k < row; k++) values[row] -= lower[row * count + k] * values[k];
    values[row] /= lower[row * count + row];
  }
  return values;
}

function solveUpper(lower, values) {
  const count = values.length;
  for (let row = count - 1; row >= 0; row--) {
    for (let k = row + 1; k < count; k++) values[row] -= lower[k * count + row] * values[k];
    values[row] /= lower[row * count + row];
  }
  return values;
}

/** The values (a, b) expected at places, given those at spots. */
function krige(spots, values, places, columns, kernels, noise) {
  const count = spots.length / columns;
  const lower = factorize(spots, columns, kernels, noise);
  const [a, b] = [0, 1].map((channel) => {
    const column = Float64Array.from({length: count}, (_, spot) => values[2 * spot + channel]);
    return solveUpper(lower, solveLower(lower, column));
  });
  const found = new Float64Array((places.length / columns) * 2);
  for (let place = 0; 2 * place < found.length; place++) {
    for (let spot = 0; spot < count; spot++) {
      const weight = alike(places, place, spots, spot, columns, kernels);
      found[2 * place] += weight * a[spot];
      found[2 * place + 1] += weight * b[spot];
    }
  }
  return found;
}
