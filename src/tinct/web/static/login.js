/** Who uses the page, where the server asks for a token: logging in, and out again. */

import {api, connection, Problem, setLogin} from './api.js';
import {fail} from './notify.js';
import {tabs} from './photos.js';
import {html, render} from './vendor/lit.js';

const OURS = 'tinct-';
/** What the next user of this browser may see. */
const EVERYBODYS = 'tinct-theme';

const button = document.getElementById('log-out');
const notice = document.getElementById('out');
/** Whether the user closed the dialog: it doesn't come again by itself. */
let declined = false;

/** Ask for a token where the server does, and offer to log out then. */
export function setUpLogin() {
  setLogin(async () => !declined && askToken());
  notice.querySelector('button').addEventListener('click', askToken);
  button.addEventListener('click', logOut);
  tabs.addEventListener('message', ({data}) => {
    if (data.kind === 'out') leave();
    else if (data.kind === 'in') comeIn();
  });
  connection.addEventListener('back', offerLogOut);
  offerLogOut();
}

async function offerLogOut() {
  try {
    button.hidden = !(await api('GET', 'session')).by_token;
  } catch {
    // Nobody is logged in yet, or the server is away: it is asked for again then.
  }
}

/** Ask for a token, and log the browser in with it. */
function askToken() {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    let wrong = '';
    const draw = () =>
      render(
        html`<form method="dialog" @submit=${send}>
          <h2>A token is needed</h2>
          <p>Whoever runs this server gives you one.</p>
          <input name="user" autocomplete="username" value="tinct" hidden />
          <label class="field">Token <input name="token" type="password" autocomplete="current-password" required /></label>
          <p class="bad" role="alert">${wrong}</p>
          <div class="row end"><button class="main">Log in</button></div>
        </form>`,
        dialog,
      );
    const send = async (event) => {
      event.preventDefault();
      const token = new FormData(event.target).get('token');
      try {
        await api('POST', 'session', {json: {token}});
        dialog.close('in');
      } catch (error) {
        wrong = error instanceof Problem ? error.message : String(error);
        draw();
      }
    };
    dialog.addEventListener('close', () => {
      dialog.remove();
      const inside = dialog.returnValue === 'in';
      resolve(inside);
      if (inside) tabs.postMessage({kind: 'in'});
      if (inside) comeIn();
      else declined = true;
      notice.hidden = inside;
    });
    draw();
    dialog.showModal();
  });
}

/** The browser is logged in: what was refused before is asked for again. */
function comeIn() {
  notice.hidden = true;
  if (declined) connection.dispatchEvent(new Event('back'));
  else offerLogOut();
  declined = false;
}

/** Log the browser out, in all tabs, and forget what it remembers. */
async function logOut() {
  try {
    await api('DELETE', 'session');
  } catch (error) {
    if (error.status !== 401) return fail(error, 'You are still logged in'); // 401: the session had ended already
  }
  tabs.postMessage({kind: 'out'});
  leave();
}

/** Open the page anew, at its beginning; what this one still writes on its way out is forgotten too. */
function leave() {
  addEventListener('pagehide', forget);
  history.replaceState(null, '', location.pathname);
  location.reload();
}

function forget() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(OURS) && key !== EVERYBODYS);
    for (const key of keys) localStorage.removeItem(key);
  } catch {
    // Storage is switched off; there is nothing to forget.
  }
}
