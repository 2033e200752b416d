/**
 * The size at which the network sees a photograph, and colors as lines over L; tinct.inference.resolution.
 *
 * Planes are row by row: L one number a cell, colors two (a, b).
 */
import {GRID} from './constants.js';

/** Round as Python does: halves go to the even neighbor. */
export function round(value) {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Choose the copy's height and width, and those of the padded input. */
export function fit(height, width, size, multiple) {
  const area = Math.min(GRID.mostArea * size * size, Math.max(GRID.mostPixels, 2 * size * size));
  const scale = Math.min(size / Math.min(height, width), Math.sqrt(area / (height * width)));
  const longest = GRID.mostArea * size;
  const [rows, columns] = [height, width].map((side) => Math.min(longest, Math.max(1, round(side * scale))));
  const up = (length) => Math.ceil(length / multiple) * multiple;
  return {height: rows, width: columns, paddedHeight: up(rows), paddedWidth: up(columns)};
}

/** Mirror L beyond its lower and right border, to the padded size. */
export function pad(plane, fitted) {
  const {height, width, paddedHeight, paddedWidth} = fitted;
  const padded = new Float32Array(paddedHeight * paddedWidth);
  const mirror = (index, length) => {
    const place = index % (2 * length);
    return place < length ? place : 2 * length - 1 - place;
  };
  for (let y = 0; y < paddedHeight; y++) {
    const row = mirror(y, height) * width;
    for (let x = 0; x < paddedWidth; x++) padded[y * paddedWidth + x] = plane[row + mirror(x, width)];
  }
  return padded;
}

/** How many output cells a side are averaged into one. */
export function pooling(fitted, stride) {
  const factor = Math.max(1, Math.floor(GRID.cell / stride));
  const side = Math.floor(Math.min(fitted.height, fitted.width) / (stride * factor));
  return side >= GRID.leastCells ? factor : 1;
}

/** Average squares of planes of some channels; the last ones over what there is of them. */
export function pool(planes, height, width, channels, factor) {
  if (factor === 1) return planes;
  const rows = Math.ceil(height / factor);
  const columns = Math.ceil(width / factor);
  const pooled = new Float32Array(rows * columns * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const target = (Math.floor(y / factor) * columns + Math.floor(x / factor)) * channels;
      for (let c = 0; c < channels; c++) pooled[target + c] += planes[(y * width + x) * channels + c];
    }
  }
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const count = Math.min(factor, height - y * factor) * Math.min(factor, width - x * factor);
      for (let c = 0; c < channels; c++) pooled[(y * columns + x) * channels + c] /= count;
    }
  }
  return pooled;
}

/** Average planes over squares of 2 * GRID.radius + 1 cells a side, which are cut at the borders. */
function windowMean(planes, height, width, channels) {
  const {radius} = GRID;
  let current = planes;
  for (const [length, step, lines, stride] of [
    [height, width * channels, width * channels, 1],
    [width, channels, height, width * channels],
  ]) {
    const next = new Float64Array(current.length);
    const inner = step === channels ? channels : 1;
    for (let line = 0; line < lines; line++) {
      for (let channel = 0; channel < inner; channel++) {
        const start = line * stride + channel;
        for (let at = 0; at < length; at++) {
          const first = Math.max(at - radius, 0);
          const last = Math.min(at + radius, length - 1);
          let sum = 0;
          for (let other = first; other <= last; other++) sum += current[start + other * step];
          next[start + at * step] = sum / (last - first + 1);
        }
      }
    }
    current = next;
  }
  return current;
}

/** Fit colors as straight lines over L in windows: {slope, offset} of each cell, and the range of the colors. */
export function guide(lightness, ab, height, width) {
  const count = height * width;
  const squares = Float64Array.from(lightness, (light) => light * light);
  const products = Float64Array.from(ab, (value, index) => value * lightness[index >> 1]);
  const meanLight = windowMean(lightness, height, width, 1);
  const meanColor = windowMean(ab, height, width, 2);
  const meanSquare = windowMean(squares, height, width, 1);
  const meanProduct = windowMean(products, height, width, 2);
  const slope = new Float64Array(2 * count);
  const offset = new Float64Array(2 * count);
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let cell = 0; cell < count; cell++) {
    const variance = Math.max(meanSquare[cell] - meanLight[cell] ** 2, 0) + GRID.epsilon;
    for (let channel = 0; channel < 2; channel++) {
      const place = 2 * cell + channel;
      slope[place] = (meanProduct[place] - meanLight[cell] * meanColor[place]) / variance;
      offset[place] = meanColor[place] - slope[place] * meanLight[cell];
      low[channel] = Math.min(low[channel], ab[place]);
      high[channel] = Math.max(high[channel], ab[place]);
    }
  }
  const smooth = (planes) => windowMean(planes, height, width, 2);
  return {slope: smooth(slope), offset: smooth(offset), low, high, height, width};
}
