/**
 * A photograph's small copy, averaged down without aliasing: whole pixels first, then Lanczos, as libvips does it;
 * a picture that is smaller is enlarged.
 */
import {lightnessOf} from './join.js';

const LOBES = 3;
/** Half of the shrinking at least is left to the better filter. */
const GAP = 2;

/** L of a copy of RGBA pixels, rows by columns, in 0..100. */
export function smallLightness(pixels, rows, columns) {
  const small = shrink(pixels, rows, columns);
  return Float32Array.from({length: rows * columns}, (_, at) =>
    lightnessOf(small[3 * at], small[3 * at + 1], small[3 * at + 2]),
  );
}

/** RGB of a copy, 8 bits. */
export function shrink(pixels, rows, columns) {
  const tall = Math.max(1, Math.floor(pixels.height / rows / GAP));
  const wide = Math.max(1, Math.floor(pixels.width / columns / GAP));
  const boxed = average(pixels, tall, wide);
  // A last box that is cut counts for what there is of it.
  const down = weights(pixels.height / tall, rows, boxed.height);
  const across = weights(pixels.width / wide, columns, boxed.width);
  // Each step is rounded, as it is in libvips, which enlarges across first, and shrinks down first.
  const upwards = rows > boxed.height;
  const first = upwards ? stretch(boxed, across, 'width') : stretch(boxed, down, 'height');
  const second = upwards ? stretch(first, down, 'height') : stretch(first, across, 'width');
  return Uint8ClampedArray.from(second.data);
}

/** Resample a picture along its height or its width; `wanted` is of weights(). */
function stretch({data, width, height}, wanted, side) {
  const size = {width, height, [side]: wanted.length};
  const result = new Int16Array(size.width * size.height * 3);
  const step = side === 'width' ? 3 : 3 * width;
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const {first, shares} = wanted[side === 'width' ? x : y];
      const start = 3 * (side === 'width' ? y * width + first : first * width + x);
      for (let band = 0; band < 3; band++) {
        let sum = 0.5;
        for (let k = 0; k < shares.length; k++) sum += shares[k] * data[start + k * step + band];
        result[(y * size.width + x) * 3 + band] = Math.floor(sum);
      }
    }
  }
  return {data: result, ...size};
}

function average({data, width, height}, tall, wide) {
  const [rows, columns] = [Math.ceil(height / tall), Math.ceil(width / wide)];
  const means = new Float32Array(rows * columns * 3);
  const counts = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    counts.fill(0);
    const end = Math.min((row + 1) * tall, height);
    for (let y = row * tall; y < end; y++) {
      for (let column = 0; column < columns; column++) {
        const last = Math.min((column + 1) * wide, width);
        const place = (row * columns + column) * 3;
        for (let x = column * wide; x < last; x++) {
          const at = (y * width + x) * 4;
          means[place] += data[at];
          means[place + 1] += data[at + 1];
          means[place + 2] += data[at + 2];
        }
        counts[column] += last - column * wide;
      }
    }
    for (let at = 0; at < columns * 3; at++) means[row * columns * 3 + at] /= counts[Math.floor(at / 3)];
  }
  // As libvips, which rounds after each step.
  return {data: Uint8ClampedArray.from(means), width: columns, height: rows};
}

/** For each place of a line, which of the longer (or shorter) line's places count for how much. */
function weights(from, to, there) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const [kernel, reach] = scale > 1 ? [lanczos, LOBES] : [cubic, 2];
  return Array.from({length: to}, (_, at) => {
    // libvips enlarges from the corner of a pixel, and works at 64ths of one: the network is more sensitive than that.
    const exact = scale > 1 ? (at + 0.5) * scale - 0.5 : scale < 1 ? at * scale - 0.5 : at;
    const middle = Math.round(exact * 64) / 64;
    const begin = Math.ceil(middle - reach * stretch);
    const end = Math.floor(middle + reach * stretch);
    const first = Math.min(Math.max(begin, 0), there - 1);
    const last = Math.min(Math.max(end, first), there - 1);
    const shares = new Float64Array(last - first + 1);
    let total = 0;
    for (let place = begin; place <= end; place++) {
      const weight = kernel((place - middle) / stretch);
      shares[Math.min(Math.max(place, first), last) - first] += weight;
      total += weight;
    }
    return {first, shares: shares.map((share) => share / total)};
  });
}

/** Catmull and Rom's. */
function cubic(x) {
  const away = Math.abs(x);
  if (away <= 1) return 1.5 * away ** 3 - 2.5 * away ** 2 + 1;
  return away < 2 ? -0.5 * away ** 3 + 2.5 * away ** 2 - 4 * away + 2 : 0;
}

function lanczos(x) {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}
