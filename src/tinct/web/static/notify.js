/** Messages: toasts, what screen readers hear, questions, and the browser's notifications. */

import {html, nothing, render} from './vendor/lit.js';

const SHOWN_SECONDS = 6;

/**
 * Show a message.
 *
 * @param {string} text
 * @param {{kind?: 'info'|'good'|'error', seconds?: number, action?: {label: string, run: () => void}}} options
 *     errors and messages with an action stay until they are closed, unless `seconds` says otherwise
 */
export function toast(text, {kind = 'info', seconds, action} = {}) {
  const box = document.createElement('div');
  box.className = `toast ${kind}`;
  box.setAttribute('role', kind === 'error' ? 'alert' : 'status');
  const close = () => box.remove();
  const act = () => {
    close();
    action.run();
  };
  document.getElementById('toasts').append(box);
  render(
    html`<p>${text}</p>
      ${action ? html`<button type="button" class="quiet" @click=${act}>${action.label}</button>` : nothing}
      <button type="button" class="quiet icon" aria-label="Close this message" @click=${close}>×</button>`,
    box,
  );
  const limit = seconds ?? (kind === 'error' || action ? 0 : SHOWN_SECONDS);
  if (limit) setTimeout(close, limit * 1000);
  return close;
}

/** What the page itself refuses, in words for a person. */
export class Refused extends Error {
  name = 'Refused';
}

/** Show an error as a message; one that the user caused by stopping something is none, and of a login the shell tells. */
export function fail(error, what = '') {
  if (error?.name === 'AbortError' || error?.status === 401) return;
  const said = error?.message ?? String(error);
  toast(sentence(what ? `${what}: ${said}` : said), {kind: 'error'});
  if (error?.name !== 'Problem' && error?.name !== 'Refused') console.error(error);
}

/** Return a text as a sentence: with a full stop, and a capital unless it begins with the name of a file. */
export function sentence(text) {
  const plain = String(text).trim();
  if (!plain) return '';
  const first = /^\S+\.\w/.test(plain) ? plain[0] : plain[0].toUpperCase();
  return first + plain.slice(1) + (/[.!?…]$/.test(plain) ? '' : '.');
}

/** Tell screen readers something that others see. */
export function say(text) {
  document.getElementById('said').textContent = text;
}

/**
 * Ask a question in a dialog.
 *
 * @returns {Promise<boolean>} whether the answer is yes
 */
export function confirmed(question, {yes = 'Yes', no = 'Cancel', danger = false} = {}) {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    const close = () => dialog.close();
    const agree = () => dialog.close('yes');
    render(
      html`<p>${question}</p>
        <div class="row end">
          <button type="button" @click=${close}>${no}</button>
          <button type="button" class=${danger ? 'danger' : 'main'} @click=${agree}>${yes}</button>
        </div>`,
      dialog,
    );
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    });
    dialog.showModal();
  });
}

/** Ask the browser whether notifications may be shown; call it from a click. */
export async function mayNotify() {
  if (!('Notification' in window)) return false;
  if (Notification.permission === 'default') await Notification.requestPermission();
  return Notification.permission === 'granted';
}

/** Tell something, also when the page is in the background: a toast, and a notification where that is allowed. */
export function notify(title, text, {kind = 'good', action} = {}) {
  toast(`${title} ${text}`.trim(), {kind, action});
  if ('Notification' in window && Notification.permission === 'granted') {
    const note = new Notification(title, {body: text, icon: new URL('icon.svg', import.meta.url).href});
    note.onclick = () => {
      window.focus();
      action?.run();
    };
  }
}
