/**
 * Colors chosen by hand: for the network, and exactly where they were put; tinct.inference.guidance.
 */
import {GUIDANCE} from './constants.js';
import {parseHex, srgbToLab} from './color.js';
import {round} from './grid.js';

const {mostHints} = GUIDANCE;

function position(value, length, name) {
  const text = typeof value === 'string' ? value.trim() : value;
  let found = Number(text);
  if (typeof text === 'string' && text.endsWith('%')) {
    const share = Number(text.slice(0, -1)) / 100;
    found = share <= 1 ? Math.min(share * length, length - 1e-6) : Infinity;
  }
  if (text === '' || Number.isNaN(found))
    throw new RangeError(`a hint's ${name} is ${value}, expected pixels or '40%'`);
  if (!(found >= 0 && found < length))
    throw new RangeError(`a hint's ${name} is ${value}, outside of 0 to ${length - 1}`);
  return Math.trunc(found);
}

/** Put hints ({x, y, color, radius}) into a photograph of that size; those that later ones cover wholly are left out. */
export function place(hints, height, width) {
  if (hints.length > mostHints)
    throw new RangeError(`${hints.length} hints are too many, expected at most ${mostHints}`);
  const placed = hints.map((hint) => {
    const [row, column, r] = [position(hint.y, height, 'y'), position(hint.x, width, 'x'), hint.radius ?? 3];
    if (!Number.isInteger(r) || r < 1) throw new RangeError(`a hint's radius is ${r}, expected 1 pixel or more`);
    return {
      top: Math.max(0, row - r),
      bottom: Math.min(height, row + r),
      left: Math.max(0, column - r),
      right: Math.min(width, column + r),
      ab: srgbToLab(...parseHex(hint.color)).slice(1),
    };
  });
  const seen = new Set(owners(placed, height, width).owner);
  return placed.filter((_, index) => seen.has(index));
}

function shrink(start, end, scale, length) {
  let first = round(start * scale);
  let last = round(end * scale);
  if (last <= first) {
    first = Math.min(Math.trunc(((start + end) / 2) * scale), length - 1);
    last = first + 1;
  }
  return [first, last];
}

/** The network's input for hints: mask, a, b, one plane after the other. */
export function encode(placed, height, width, fitted) {
  const size = fitted.paddedHeight * fitted.paddedWidth;
  const planes = new Float32Array(3 * size);
  for (const hint of placed) {
    const [top, bottom] = shrink(hint.top, hint.bottom, fitted.height / height, fitted.height);
    const [left, right] = shrink(hint.left, hint.right, fitted.width / width, fitted.width);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const place = y * fitted.paddedWidth + x;
        [1, ...hint.ab].forEach((value, plane) => (planes[plane * size + place] = value));
      }
    }
  }
  return planes;
}

/**
 * Hinted pixels at full size, as a small table of the crossings of all their borders: a pixel's entry is at
 * columns[x], rows[y], between entries by bilinear interpolation. An entry is opacity, and a and b times opacity.
 */
export function overlay(placed, height, width) {
  const {tops, lefts, owner} = owners(placed, height, width);
  const [m, n] = [tops.length - 1, lefts.length - 1];
  const smallest = Math.min(...placed.map((hint) => Math.max(hint.bottom - hint.top, hint.right - hint.left)));
  const slope = Math.max(2, Math.floor(smallest / 2));
  const table = new Float32Array((m + 1) * (n + 1) * 3);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      const index = owner[row * n + column];
      if (index >= 0) table.set([1, ...placed[index].ab], (row * (n + 1) + column) * 3);
    }
  }
  return {
    table,
    entries: n + 1,
    rows: places(tops, (line, other) => owner[line * n + other], n, slope),
    columns: places(lefts, (line, other) => owner[other * n + line], m, slope),
  };
}

/** The borders of all hints along y and x, and which hint has each stretch between them: the last one, or -1. */
function owners(placed, height, width) {
  const tops = borders(
    placed.flatMap((hint) => [hint.top, hint.bottom]),
    height,
  );
  const lefts = borders(
    placed.flatMap((hint) => [hint.left, hint.right]),
    width,
  );
  const n = lefts.length - 1;
  const owner = new Int32Array((tops.length - 1) * n).fill(-1);
  placed.forEach((hint, index) => {
    for (let row = tops.indexOf(hint.top); tops[row] < hint.bottom; row++) {
      for (let column = lefts.indexOf(hint.left); lefts[column] < hint.right; column++) owner[row * n + column] = index;
    }
  });
  return {tops, lefts, owner};
}

function borders(edges, length) {
  return [...new Set([0, length, ...edges])].sort((first, second) => first - second);
}

/** For each pixel of a line its place among the stretches between borders. */
function places(edges, owner, others, slope) {
  const found = new Float32Array(edges[edges.length - 1]);
  for (let stretch = 0; stretch < edges.length - 1; stretch++) found.fill(stretch, edges[stretch], edges[stretch + 1]);
  for (let index = 0; index < edges.length - 2; index++) {
    const border = edges[index + 1];
    let [freeBefore, freeAfter] = [true, true];
    for (let other = 0; other < others; other++) {
      const [before, after] = [owner(index, other), owner(index + 1, other)];
      // A slope may lie only where no hinted pixel would be touched by it.
      if (before !== after && before >= 0) freeBefore = false;
      if (before !== after && after >= 0) freeAfter = false;
    }
    for (const [stretch, free] of [
      [index, freeBefore],
      [index + 1, freeAfter],
    ]) {
      if (!free) continue;
      const room = Math.min(slope, Math.floor((edges[stretch + 1] - edges[stretch]) / 2));
      for (let step = 1; step <= room; step++) {
        const ramp = step / (room + 1);
        if (stretch === index) found[border - room + step - 1] = index + ramp;
        else found[border + room - step] = index + 1 - ramp;
      }
    }
  }
  return found;
}
