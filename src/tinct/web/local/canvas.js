/** Pictures in and out of files, by the browser's own decoders and encoders. */
import {mark} from './metadata.js';

/** Most pixels: the picture and its result are in memory as a whole, four bytes each. */
export const MOST_PIXELS = 60_000_000;
/** Of the copy for quick answers. */
export const PREVIEW_PIXELS = 1_000_000;
const THUMBNAIL = 320;
const MASK_ASPECT = 0.01;

/** An error whose message can be shown to a person. */
export class Refused extends Error {
  constructor(message, status = undefined) {
    super(message);
    this.name = 'Refused';
    this.status = status;
  }
}

/** Decode a file to an upright bitmap in sRGB. */
export async function decode(blob, name) {
  if (blob.size === 0) throw new Refused(`${name} is empty`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {imageOrientation: 'from-image', premultiplyAlpha: 'none'});
  } catch (error) {
    throw new Refused(
      `${name} can't be opened: it is damaged, or of a kind that this browser doesn't read ` +
        '(JPEG, PNG, WebP, AVIF, GIF and BMP mostly can be)',
    );
  }
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    bitmap.close();
    throw new Refused(`${name} has more than ${MOST_PIXELS / 1e6} megapixels, which is too much for a browser`);
  }
  return bitmap;
}

/** RGBA of a bitmap, or of a box of it, at a size. */
export function pixelsOf(bitmap, width = bitmap.width, height = bitmap.height, box = null) {
  const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  context.imageSmoothingQuality = 'high';
  const {x, y, width: w, height: h} = box ?? {x: 0, y: 0, width: bitmap.width, height: bitmap.height};
  context.drawImage(bitmap, x, y, w, h, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** The size of a copy within a number of pixels. */
export function preview(width, height) {
  const scale = Math.min(1, Math.sqrt(PREVIEW_PIXELS / (width * height)));
  return [width, height].map((side) => Math.max(1, Math.round(side * scale)));
}

/** A small gray copy as JPEG. */
export async function thumbnail(bitmap) {
  const scale = Math.min(1, THUMBNAIL / Math.max(bitmap.width, bitmap.height));
  const sides = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  return encode(grayed(pixelsOf(bitmap, ...sides)), 'image/jpeg', 0.8);
}

/** The same picture without color. */
export function grayed(pixels) {
  const data = new Uint8ClampedArray(pixels.data);
  for (let at = 0; at < data.length; at += 4) {
    data.fill(0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2], at, at + 3);
  }
  return {...pixels, data, width: pixels.width, height: pixels.height};
}

/** A file of RGBA pixels; `quality` in 0..1 counts for JPEG. */
export function encode({data, width, height}, type, quality) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {alpha: type !== 'image/jpeg'});
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas.convertToBlob({type, quality});
}

/** A result as a file with what the source's file said, and the mark. */
export async function finish(pixels, source, look, {type, quality, mask}) {
  const plain = await encode(pixels, type, quality);
  const [result, original, covered] = await Promise.all(
    [plain, source, mask].map(async (blob) => blob && new Uint8Array(await blob.arrayBuffer())),
  );
  return new Blob([await mark(result, original, look, covered)], {type});
}

/** A mask as a byte a pixel, at a size; the picture of it must have the photograph's shape. */
export async function readMask(blob, width, height, frame) {
  const bitmap = await decode(blob, 'the mask');
  try {
    if (Math.abs((bitmap.width * frame.height) / (bitmap.height * frame.width) - 1) > MASK_ASPECT) {
      throw new Refused('the mask has another shape than the photograph');
    }
    const [down, across] = [bitmap.height / frame.height, bitmap.width / frame.width];
    const box = {x: frame.x * across, y: frame.y * down, width: width * across, height: height * down};
    const {data} = pixelsOf(bitmap, width, height, box);
    // What is transparent wasn't painted.
    return Uint8Array.from({length: width * height}, (_, pixel) =>
      Math.round((data[4 * pixel] * data[4 * pixel + 3]) / 255),
    );
  } finally {
    bitmap.close();
  }
}
