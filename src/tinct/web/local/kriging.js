/**
 * How alike places err, and what is expected between known ones: the kernels of tinct.inference.guidance.
 *
 * What a place looks like is five numbers in a row of a Float64Array: y and x as shares of the short side, L, a, b.
 */
export const LOOKS = 5;

/** What each cell looks like. */
export function look(lightness, ab, height, width) {
  const looks = new Float64Array(lightness.length * LOOKS);
  const side = Math.min(height, width);
  for (let cell = 0; cell < lightness.length; cell++) {
    const y = (Math.floor(cell / width) + 0.5) / side;
    const x = ((cell % width) + 0.5) / side;
    looks.set([y, x, lightness[cell], ab[2 * cell], ab[2 * cell + 1]], cell * LOOKS);
  }
  return looks;
}

/** How the errors of a place of the first vary with those of one of the second. */
export function alike(first, i, second, j, kernels) {
  const [p, q] = [i * LOOKS, j * LOOKS];
  const distance = (first[p] - second[q]) ** 2 + (first[p + 1] - second[q + 1]) ** 2;
  const light = (first[p + 2] - second[q + 2]) ** 2;
  const color = (first[p + 3] - second[q + 3]) ** 2 + (first[p + 4] - second[q + 4]) ** 2;
  let covariance = 0;
  for (const kernel of kernels) {
    const exponent = distance * kernel.place + light * kernel.lightness + color * kernel.color;
    covariance += kernel.variance * Math.exp(-0.5 * exponent);
  }
  return covariance;
}

/** The lower triangle L of a covariance among spots, with noise on its diagonal: L times its transpose (Cholesky). */
export function factorize(spots, kernels, noise) {
  const count = spots.length / LOOKS;
  const lower = new Float64Array(count * count);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column <= row; column++) {
      let rest = alike(spots, row, spots, column, kernels) + (row === column ? noise : 0);
      for (let k = 0; k < column; k++) rest -= lower[row * count + k] * lower[column * count + k];
      lower[row * count + column] = row === column ? Math.sqrt(rest) : rest / lower[column * count + column];
    }
  }
  return lower;
}

/** Solve the triangle's equations for a right side, in place. */
export function solveLower(lower, values) {
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
export function krige(spots, values, places, kernels, noise) {
  const count = spots.length / LOOKS;
  const lower = factorize(spots, kernels, noise);
  const [a, b] = [0, 1].map((channel) => {
    const column = Float64Array.from({length: count}, (_, spot) => values[2 * spot + channel]);
    return solveUpper(lower, solveLower(lower, column));
  });
  const found = new Float64Array((places.length / LOOKS) * 2);
  for (let place = 0; 2 * place < found.length; place++) {
    for (let spot = 0; spot < count; spot++) {
      const weight = alike(places, place, spots, spot, kernels);
      found[2 * place] += weight * a[spot];
      found[2 * place + 1] += weight * b[spot];
    }
  }
  return found;
}
