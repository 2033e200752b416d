/**
 * The photograph's own lightness and the network's colors, joined at full size; tinct.inference.join and atlas.
 *
 * A table from L, a and b to sRGB has the reduction to the gamut inside, so that each pixel is one bilinear read.
 */
import {COLOR, JOIN} from './constants.js';
import {chromaFactor, decode, grayToLightness, labToSrgb, luminanceToLightness} from './color.js';
import {Fringe} from './fringe.js';

const LEVELS = 256;
const GRAYS = Float32Array.from({length: LEVELS}, (_, code) => grayToLightness(code / 255));
const LINEAR = Float64Array.from({length: LEVELS}, (_, code) => decode(code / 255));
/** L of the levels of pictures in color, between which their colors are blended. */
const EVEN = Float32Array.from({length: LEVELS}, (_, level) => (100 * level) / (LEVELS - 1));
const STEPS = 65535;
const LIGHTNESS = Float32Array.from({length: STEPS + 1}, (_, code) => luminanceToLightness(code / STEPS));
const [RED, GREEN, BLUE] = COLOR.rgbToXyz[1];

/** L of an sRGB pixel of 8 bits, in 0..100. */
export function lightnessOf(red, green, blue) {
  if (red === green && green === blue) return GRAYS[red];
  const luminance = RED * LINEAR[red] + GREEN * LINEAR[green] + BLUE * LINEAR[blue];
  return LIGHTNESS[Math.min(Math.round(luminance * STEPS), STEPS)];
}

/** Nodes a side: a and b in steps from -HALF to HALF of them, so that gray is one. */
const HALF = Math.ceil(JOIN.reach / JOIN.step);
const SIDE = 2 * HALF + 1;
const TILE = SIDE * SIDE * 3;

/** Tables of nodes (level, b, a, RGB): of the grays of 8 bits, and of even steps of L. Computed where they are asked for. */
const atlases = new Map();

/** The range of nodes that colors may have: [least, most] of a and of b. */
function rangeOf(lines, overlay) {
  const low = lines.low.map((value) => value - JOIN.margin);
  const high = lines.high.map((value) => value + JOIN.margin);
  for (let entry = 0; overlay && entry < overlay.table.length; entry += 3) {
    if (overlay.table[entry] !== 1) continue;
    for (const channel of [0, 1]) {
      low[channel] = Math.min(low[channel], overlay.table[entry + 1 + channel]);
      high[channel] = Math.max(high[channel], overlay.table[entry + 1 + channel]);
    }
  }
  const node = (value) => Math.min(Math.max(value / JOIN.step + HALF, 0), SIDE - 1);
  return [0, 1].map((channel) => [
    Math.min(Math.floor(node(low[channel])), HALF - 1),
    Math.max(Math.ceil(node(high[channel])), HALF + 1),
  ]);
}

/** A table in which a range of nodes is there: sRGB times 255, with the half that makes cutting into rounding. */
function makeAtlas(levels, [[left, right], [top, bottom]]) {
  if (!atlases.has(levels)) {
    const empty = new Float32Array(levels.length * TILE).fill(NaN);
    atlases.set(levels, {nodes: empty, fringe: new Fringe(levels, SIDE, HALF, JOIN.step)});
  }
  const {nodes, fringe} = atlases.get(levels);
  levels.forEach((lightness, level) => {
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const place = level * TILE + (row * SIDE + column) * 3;
        if (!Number.isNaN(nodes[place])) continue;
        const factor = chromaFactor(lightness, fringe.value(column), fringe.value(row));
        const [a, b] = fringe.extend(level, row, column, factor);
        labToSrgb(lightness, a, b).forEach((channel, band) => {
          nodes[place + band] = Math.min(Math.max(channel, 0), 1) * 255 + 0.5;
        });
      }
    }
  });
  return nodes;
}

/** For each pixel of a line, the first of the two cells between whose middles it lies, and its share of the second. */
function between(count, start, length, cells, most) {
  const first = new Int32Array(count);
  const share = new Float32Array(count);
  for (let at = 0; at < count; at++) {
    const place = Math.min(Math.max(((start + at + 0.5) * cells) / length - 0.5, 0), most - 1);
    first[at] = Math.min(Math.floor(place), Math.max(most - 2, 0));
    share[at] = place - first[at];
  }
  return {first, share};
}

/**
 * Color a photograph, or a part of it.
 *
 * pixels: RGBA, {data, width, height}; lines: of guide(); cells: how many cover the photograph's height and width;
 * overlay: hinted pixels of the photograph, or null; mask: a byte a pixel, 255 where color is wanted, or null;
 * frame: {x, y, width, height}, where the pixels begin and how large the photograph is, in pixels of this size.
 * Returns RGBA of the size of the pixels.
 */
export function join(pixels, lines, cells, {overlay = null, mask = null, frame = {x: 0, y: 0, ...pixels}} = {}) {
  const {data, width, height} = pixels;
  const range = rangeOf(lines, overlay);
  const [[left, right], [top, bottom]] = range;
  const gray = isGray(data);
  const nodes = makeAtlas(gray ? GRAYS : EVEN, range);
  const down = between(height, frame.y, frame.height, cells[0], lines.height);
  const across = between(width, frame.x, frame.width, cells[1], lines.width);
  const result = new Uint8ClampedArray(data.length);
  const row = new Float64Array(lines.width * 4);
  const next = lines.width > 1 ? 4 : 0;
  const color = new Float64Array(3);
  const hinted = new Float64Array(3);
  for (let y = 0; y < height; y++) {
    blendRow(row, lines, down.first[y], down.share[y]);
    const hintedRow = overlay && placeOf(overlay.rows, frame.y + y);
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      const cell = across.first[x] * 4;
      const share = across.share[x];
      const lightness = gray ? GRAYS[data[at]] : lightnessOf(data[at], data[at + 1], data[at + 2]);
      const slopeA = row[cell] + share * (row[cell + next] - row[cell]);
      const slopeB = row[cell + 1] + share * (row[cell + next + 1] - row[cell + 1]);
      const offsetA = row[cell + 2] + share * (row[cell + next + 2] - row[cell + 2]);
      const offsetB = row[cell + 3] + share * (row[cell + next + 3] - row[cell + 3]);
      let a = Math.min(Math.max(slopeA * lightness + offsetA, left), right);
      let b = Math.min(Math.max(slopeB * lightness + offsetB, top), bottom);
      if (overlay !== null) {
        hinted.fill(0);
        blend(hinted, overlay.table, 0, overlay.entries, placeOf(overlay.columns, frame.x + x), hintedRow, 1);
        a = a * (1 - hinted[0]) + hinted[1] / JOIN.step + hinted[0] * HALF;
        b = b * (1 - hinted[0]) + hinted[2] / JOIN.step + hinted[0] * HALF;
      }
      const level = gray ? data[at] : lightness * ((LEVELS - 1) / 100);
      const below = Math.floor(level);
      color.fill(0);
      blend(color, nodes, below * TILE, SIDE, a, b, 1 - (level - below));
      if (level > below) blend(color, nodes, (below + 1) * TILE, SIDE, a, b, level - below);
      const wanted = mask === null ? 1 : mask[y * width + x] / 255;
      for (let band = 0; band < 3; band++) {
        const found = Math.floor(color[band]);
        result[at + band] = wanted === 1 ? found : data[at + band] + wanted * (found - data[at + band]);
      }
      result[at + 3] = data[at + 3];
    }
  }
  return {data: result, width, height};
}

function placeOf(places, at) {
  return places[Math.min(Math.max(Math.round(at), 0), places.length - 1)];
}

function isGray(data) {
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] !== data[at + 1] || data[at + 1] !== data[at + 2]) return false;
  }
  return true;
}

/** Slopes and offsets of a, b along a row of pixels, in nodes of the table: four numbers a cell. */
function blendRow(row, lines, first, share) {
  const {slope, offset, width, height} = lines;
  const next = height > 1 ? width : 0;
  for (let column = 0; column < width; column++) {
    for (const channel of [0, 1]) {
      const here = 2 * (first * width + column) + channel;
      const there = here + 2 * next;
      const blended = (planes) => planes[here] + share * (planes[there] - planes[here]);
      row[4 * column + channel] = blended(slope) / JOIN.step;
      row[4 * column + 2 + channel] = blended(offset) / JOIN.step + HALF;
    }
  }
}

/** Add a share of a table's three bands, at a column and row between its entries, to what `sum` holds. */
function blend(sum, table, start, entries, column, row, share) {
  const left = Math.min(Math.floor(column), entries - 2);
  const top = Math.floor(row);
  const right = column - left;
  const lower = row - top;
  const near = start + (top * entries + left) * 3;
  const far = lower > 0 ? near + entries * 3 : near;
  for (let band = 0; band < 3; band++) {
    const above = table[near + band] + right * (table[near + 3 + band] - table[near + band]);
    const below = table[far + band] + right * (table[far + 3 + band] - table[far + band]);
    sum[band] += share * (above + lower * (below - above));
  }
}
