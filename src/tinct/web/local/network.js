/** The network under onnxruntime-web. */
import * as ort from '../vendor/onnxruntime-web/ort.js';

/**
 * Load a model: returns the function that Prepared runs.
 *
 * model: its bytes; threads: how many it may use, more than 1 only where the page is isolated from other origins.
 */
export async function loadNetwork(model, spec, threads = 1) {
  ort.env.wasm.numThreads = threads;
  const vendor = (name) => new URL(`../vendor/onnxruntime-web/${name}`, import.meta.url).href;
  ort.env.wasm.wasmPaths = {mjs: vendor('ort-wasm.js'), wasm: vendor('ort-wasm.wasm')};
  const session = await ort.InferenceSession.create(model, {executionProviders: ['wasm']});
  return async (lightness, hints, height, width) => {
    const feeds = {lightness: new ort.Tensor('float32', lightness, [1, 1, height, width])};
    if (spec.takesHints) {
      feeds.hints = new ort.Tensor('float32', hints ?? new Float32Array(3 * height * width), [1, 3, height, width]);
    }
    const results = await session.run(feeds);
    const output = results[session.outputNames[0]];
    const [, channels, rows, columns] = output.dims;
    return {data: output.data, channels, height: rows, width: columns};
  };
}
