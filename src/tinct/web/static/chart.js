/** Lines over epochs, as SVG; the numbers themselves stand in a table beside it. */

import {html, nothing, svg} from './vendor/lit.js';

const WIDTH = 460;
const HEIGHT = 200;
const LEFT = 58;
const RIGHT = 14;
const BELOW = 26;
const MOST = 300;

/**
 * Draw lines.
 *
 * @param {string} title
 * @param {{name: string, points: [number, number][], dots?: boolean}[]} lines places and values of each
 * @param {{log?: boolean, across?: string}} options
 */
export function chart(title, lines, {log = false, across = 'epochs'} = {}) {
  const shown = lines
    .map((line) => ({...line, points: thin(line.points.filter(([, y]) => Number.isFinite(y) && (!log || y > 0)))}))
    .filter((line) => line.points.length);
  if (!shown.length) return nothing;
  const all = shown.flatMap((line) => line.points);
  const scale = (y) => (log ? Math.log10(y) : y);
  const [left, right] = span(all.map(([x]) => x), 0);
  const [low, high] = span(all.map(([, y]) => scale(y)), null);
  const x = (value) => LEFT + ((value - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => 8 + (1 - (scale(value) - low) / (high - low)) * (HEIGHT - BELOW - 8);
  const rows = [0, 0.5, 1].map((share) => low + share * (high - low)).map((at) => (log ? 10 ** at : at));
  const columns = [left, (left + right) / 2, right];
  const words = shown.map(({name, points}) => `${name}: ${short(points[0][1])} to ${short(points.at(-1)[1])}`).join('; ');
  return html`<figure class="chart">
    <figcaption>${title}
      ${shown.length > 1 ? shown.map((line, index) => html`<span class="key line-${index}">${line.name}</span>`) : nothing}
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${`${title}, ${words}`}>
      ${rows.map(
        (value) => svg`<line class="rule" x1=${LEFT} x2=${WIDTH - RIGHT} y1=${y(value)} y2=${y(value)}></line>
          <text class="label end" x=${LEFT - 6} y=${y(value) + 4}>${short(value)}</text>`,
      )}
      ${columns.map((value, index) => svg`<text class="label ${index === 2 ? 'end' : 'mid'}" x=${index === 2 ? WIDTH : x(value)}
        y=${HEIGHT - 8}>${short(value)}${index === 2 ? ` ${across}` : ''}</text>`)}
      ${shown.map(
        (line, index) => svg`<g class="line line-${index}">
          <polyline points=${line.points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ')}></polyline>
          ${line.dots || line.points.length === 1
            ? line.points.map(([a, b]) => svg`<circle cx=${x(a)} cy=${y(b)} r="3"></circle>`)
            : nothing}</g>`,
      )}
    </svg>
  </figure>`;
}

/** Return least and largest value, apart from one another. */
function span(values, least) {
  const low = Math.min(...values, ...(least === null ? [] : [least]));
  const high = Math.max(...values);
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

/** Leave out points where there are more than can be seen. */
function thin(points) {
  const step = Math.ceil(points.length / MOST);
  return step > 1 ? points.filter((_, index) => index % step === 0 || index === points.length - 1) : points;
}

/** Return a number with some three digits. */
export function short(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 100000)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}
