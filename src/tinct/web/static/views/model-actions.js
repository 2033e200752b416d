/** What can be done with a model from several places: load it from the database, use it. */

import {api} from '../api.js';
import {fail, toast} from '../notify.js';
import {go, MODELS} from '../view.js';

export function modelsChanged() {
  document.dispatchEvent(new Event(MODELS));
}

/** Load a model from the database, and say that it is what was saved. */
export async function loadModel(name) {
  try {
    const {facts} = await api('POST', `models/${encodeURIComponent(name)}/load`);
    toast(`${name} is loaded from the database and whole: ${facts.architecture}, ${facts.parameters.toLocaleString()} parameters.`, {kind: 'good'});
    return true;
  } catch (error) {
    fail(error, `${name} can’t be loaded`);
    return false;
  }
}

/** Make a model the one that colors unless another is chosen. */
export async function makeDefault(name) {
  await api('PATCH', `models/${encodeURIComponent(name)}`, {json: {default: true}});
  modelsChanged();
}

/** Load a model, make it the default, and go where photographs are colored. */
export async function useModel(name) {
  if (!(await loadModel(name))) return;
  try {
    await makeDefault(name);
    go('colorize');
  } catch (error) {
    fail(error);
  }
}
