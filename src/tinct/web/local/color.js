/**
 * sRGB and CIE Lab (D65, L in 0..100), as tinct.color has them. All figures come from there, by constants.js.
 */
import {COLOR, GAMUT, SATURATION} from './constants.js';

const {rgbToXyz, xyzToRgb, white, epsilon, slope, offset} = COLOR;
const LINE_END = slope * epsilon + offset;
const TO_RGB = xyzToRgb.map((row) => row.map((factor, index) => factor * white[index]));
const TO_XYZ = rgbToXyz.map((row, index) => row.map((factor) => factor / white[index]));

const forward = (share) => (share > epsilon ? Math.cbrt(share) : share * slope + offset);
const inverse = (level) => (level > LINE_END ? level * level * level : (level - offset) / slope);

/** Linear light of an sRGB value in 0..1. */
export function decode(value) {
  return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
}

/** sRGB value of linear light; below 0 the straight part goes on. */
export function encode(linear) {
  return linear > 0.0031308 ? 1.055 * linear ** (1 / 2.4) - 0.055 : linear * 12.92;
}

/** L of an sRGB gray in 0..1. */
export function grayToLightness(gray) {
  return 116 * forward(decode(gray)) - 16;
}

/** L of a luminance, the share of white, in 0..1. */
export function luminanceToLightness(share) {
  return 116 * forward(share) - 16;
}

/** [L, a, b] of sRGB in 0..1. */
export function srgbToLab(red, green, blue) {
  const linear = [decode(red), decode(green), decode(blue)];
  const [x, y, z] = TO_XYZ.map((row) => forward(row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** [red, green, blue], not clipped, of a Lab color. */
export function labToSrgb(lightness, a, b) {
  return linearOf(lightness, a, b).map(encode);
}

/** Linear [red, green, blue], not clipped, of a Lab color. */
export function linearOf(lightness, a, b) {
  const level = (lightness + 16) / 116;
  const x = inverse(level + a / 500);
  const y = inverse(level);
  const z = inverse(level - b / 200);
  return TO_RGB.map((row) => row[0] * x + row[1] * y + row[2] * z);
}

const LOWEST = decode(-GAMUT.tolerance);
const HIGHEST = decode(1 + GAMUT.tolerance);
const [[RX, RY, RZ], [GX, GY, GZ], [BX, BY, BZ]] = TO_RGB;

/** Whether sRGB has a Lab color. */
export function inside(lightness, a, b) {
  const level = (lightness + 16) / 116;
  const x = inverse(level + a / 500);
  const y = inverse(level);
  const z = inverse(level - b / 200);
  const red = RX * x + RY * y + RZ * z;
  if (red < LOWEST || red > HIGHEST) return false;
  const green = GX * x + GY * y + GZ * z;
  if (green < LOWEST || green > HIGHEST) return false;
  const blue = BX * x + BY * y + BZ * z;
  return blue >= LOWEST && blue <= HIGHEST;
}

const SLOPES = GAMUT.yellowHue.map((hue) => -Math.tan(((hue - 90) * Math.PI) / 180));

/** The largest factor in 0..1 by which a and b come into the gamut at constant L; tinct.color.gamut.reduce_chroma. */
export function chromaFactor(lightness, a, b) {
  if (inside(lightness, a, b)) return 1;
  let inner = 0;
  let width = 1;
  // Light yellows leave the gamut and come back further out.
  const light = lightness > GAMUT.yellowLightness[0] && lightness < GAMUT.yellowLightness[1] && b > 0;
  if (light && a < b * SLOPES[0] && a > b * SLOPES[1] && Math.hypot(a, b) > GAMUT.yellowChroma) {
    for (let step = GAMUT.yellowSteps - 1; step > 0; step--) {
      const factor = step / GAMUT.yellowSteps;
      if (inside(lightness, a * factor, b * factor)) {
        inner = factor;
        width = 1 / GAMUT.yellowSteps;
        break;
      }
    }
  }
  for (let halving = 0; halving < GAMUT.halvings; halving++) {
    width /= 2;
    if (inside(lightness, a * (inner + width), b * (inner + width))) inner += width;
  }
  return inner;
}

const clip = (value) => Math.min(Math.max(value, 0), 1);

function ramp(x, [start, end]) {
  const share = clip((x - start) / (end - start));
  return share * share * (3 - 2 * share);
}

function skin(red, green, blue, value, chroma) {
  if (red !== value) return 0;
  const {skinHue, skinSaturation, skinValue} = SATURATION;
  const hue = 60 * (chroma === 0 ? 1 : (green - blue) / chroma);
  const saturation = value === 0 ? 1 : chroma / value;
  const within = (x, edges) => ramp(x, edges.slice(0, 2)) * (1 - ramp(x, edges.slice(2)));
  return within(hue, skinHue) * within(saturation, skinSaturation) * ramp(value, skinValue);
}

/** Multiply the saturation of HSV, skin and near-gray protected; sRGB in 0..1. tinct.color.enhance. */
export function scaleSaturation([red, green, blue], saturation) {
  const rgb = [clip(red), clip(green), clip(blue)];
  const value = Math.max(...rgb);
  const chroma = value - Math.min(...rgb);
  let gain = saturation;
  if (saturation > 1) gain = 1 + (saturation - 1) * (1 - skin(...rgb, value, chroma)) * ramp(chroma, SATURATION.gray);
  gain = Math.min(gain, chroma === 0 ? 1 : value / chroma);
  return rgb.map((channel) => clip((channel - value) * gain + value));
}

/** Put colors (cells of a and b) through the stage of saturation; their L stays the photograph's. */
export function saturate(lightness, ab, saturation) {
  const changed = new Float32Array(ab.length);
  for (let cell = 0; cell < lightness.length; cell++) {
    const [a, b] = [ab[2 * cell], ab[2 * cell + 1]];
    const factor = chromaFactor(lightness[cell], a, b);
    const rgb = labToSrgb(lightness[cell], a * factor, b * factor);
    const lab = srgbToLab(...scaleSaturation(rgb, saturation));
    changed[2 * cell] = lab[1];
    changed[2 * cell + 1] = lab[2];
  }
  return changed;
}

/** [red, green, blue] in 0..1 of #rrggbb. */
export function parseHex(text) {
  if (!/^#[0-9a-f]{6}$/i.test(text)) throw new RangeError(`a hint's color is ${text}, expected #RRGGBB`);
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16) / 255);
}

/** #rrggbb of a Lab color, brought into the gamut. */
export function labToHex(lightness, a, b) {
  const factor = chromaFactor(lightness, a, b);
  const rgb = labToSrgb(lightness, a * factor, b * factor);
  return `#${rgb
    .map((channel) =>
      Math.round(clip(channel) * 255)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}
