/** What all views are made of, and what they share. */

import {LitElement} from './vendor/lit.js';

/** Sent by `document` when models came, went, or another one is the default. */
export const MODELS = 'tinct-models-changed';

/** A view: an element without shadow DOM, so that styles.css counts inside it. */
export class View extends LitElement {
  static properties = {parts: {attribute: false}};

  constructor() {
    super();
    /** @type {string[]} what follows the view's name in the address */
    this.parts = [];
  }

  createRenderRoot() {
    return this;
  }

  /** Called each time the view is opened, or its part of the address changes. */
  shown() {}

  /** Called when another view is opened; this one stays as it is, unseen. */
  left() {}
}

/** Return what the address says: the name of a view, '' for none, then its parts; escapes that are broken give ''. */
export function address() {
  return location.hash.replace(/^#\/?/, '').split('/').map(decode);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** Go to a view: go('correct', id). */
export function go(...parts) {
  location.hash = `#/${parts.map(encodeURIComponent).join('/')}`;
}

/**
 * Put what a view has opened into the address, unless the user is on the way to another view: what comes late of this
 * one must not call the user back.
 */
export function settle(name, id) {
  const [wanted] = address();
  if (wanted === name || (wanted === '' && name === 'colorize')) history.replaceState(null, '', `#/${name}/${id}`);
}

/** Give a file to the user. */
export function saveFile(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
