/**
 * The shell of the page: tabs, theme, which view is shown, and the line to the server.
 *
 * Conventions
 * - A view is views/NAME.js, whose default export is a subclass of View (view.js), defined as <tinct-NAME>. It is
 *   loaded when its tab is first opened, and stays in the document, hidden, while others are shown; shown() and left()
 *   are called then. Register it in VIEWS below.
 * - Addresses are #/NAME/PART/...; a view finds the parts in this.parts, and go('correct', id) of view.js goes there.
 * - Views have no shadow DOM: styles.css counts for all of them. Colors and spaces are its tokens (var(--accent), ...),
 *   never literals; begin a view's own rules with its element (tinct-train .curves). Shared classes: panel, row, stack,
 *   grid, button.main, button.danger, button.quiet, .icon, .field, .note, .bad, .unseen, progress, table.
 * - The policy of the page forbids style attributes and inline scripts: in templates bind .style=${'left: 3px'}, a
 *   property. Nothing is loaded from elsewhere; URLs of blobs are revoked when they are replaced.
 * - The server is asked by api.js alone: api('GET', 'runs'), upload(...), follow('runs/ID', {job, point, failed}).
 *   Colorize and Correct don't even know the server: they ask the engine (engine.js; engine-server.js says what it can).
 * - What goes wrong is shown by fail(error) of notify.js; toast(text) for the rest, say(text) for screen readers,
 *   confirmed(question) before anything is deleted, notify(title, text) for what ends while nobody looks.
 * - connection (api.js) sends `back` when the server is there again: load anew what may have changed.
 * - Everything works by keyboard, has a name for screen readers, and targets of 40 px or more; look at 390 and 1280 px.
 */

import {api, connection} from './api.js';
import {engine} from './engine.js';
import {setUpLogin} from './login.js';
import {fail} from './notify.js';
import {html, render} from './vendor/lit.js';
import {address} from './view.js';

const VIEWS = [
  {name: 'colorize', title: 'Colorize', icon: 'M12 3c3.5 4.5 6 7.3 6 10.5a6 6 0 0 1-12 0C6 10.3 8.5 7.5 12 3z'},
  {name: 'correct', title: 'Correct', icon: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3'},
  {name: 'train', title: 'Train', icon: 'M4 5v14h16M7 9c3 6 6 7 12 7.5'},
  {name: 'models', title: 'Models', icon: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9'},
  {name: 'turing', title: 'Turing test', icon: 'M9 9a3 3 0 1 1 4 2.8c-.8.4-1 1-1 2.2M12 17.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z'},
];

const main = document.getElementById('main');
const views = VIEWS.filter((view) => engine.views.includes(view.name));
const opened = new Map();
let current = null;

/** Show the view that the address names. */
async function route() {
  const [name, ...parts] = address();
  const found = views.find((view) => view.name === name) ?? views[0];
  drawTabs(found.name);
  document.title = `${found.title} · Tinct`;
  try {
    if (!opened.has(found.name)) {
      const {default: Kind} = await import(`./views/${found.name}.js`);
      if (!opened.has(found.name)) {
        const element = new Kind();
        element.hidden = true;
        opened.set(found.name, element);
        main.append(element);
      }
    }
  } catch (error) {
    const away = !engine.local && (await api('GET', 'health').then(() => false, ({status}) => status === 0));
    if (away) connection.addEventListener('back', route, {once: true});
    else fail(error, `${found.title} can’t be shown`);
    return;
  }
  if (address()[0] !== name) return; // gone elsewhere meanwhile
  const element = opened.get(found.name);
  if (current !== element) {
    current?.left();
    if (current) current.hidden = true;
    element.hidden = false;
    if (current) main.focus({preventScroll: true});
    current = element;
  }
  element.parts = parts;
  element.shown();
}

function drawTabs(active) {
  const tab = ({name, title, icon}) => html`<a href="#/${name}" aria-current=${name === active ? 'page' : 'false'}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icon} /></svg><span>${title}</span></a
  >`;
  render(views.map(tab), document.getElementById('tabs'));
}

function setUpTheme() {
  const button = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const draw = () => {
    const path = isDark()
      ? 'M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5'
      : 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z';
    render(html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>`, button);
    button.setAttribute('aria-label', isDark() ? 'Switch to the light theme' : 'Switch to the dark theme');
  };
  button.addEventListener('click', () => {
    const chosen = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = chosen;
    try {
      localStorage.setItem('tinct-theme', chosen);
    } catch {
      // Storage is switched off; it holds until the page is closed.
    }
    draw();
  });
  system.addEventListener('change', draw);
  draw();
}

if (!engine.local) setUpLogin();
setUpTheme();
const lost = document.getElementById('lost');
connection.addEventListener('lost', () => (lost.hidden = false));
connection.addEventListener('back', () => (lost.hidden = true));
// Whatever part of the page is looked at, who started a training is told when it ends.
if (engine.views.includes('train')) import('./runs.js').then(({watchTrainings}) => watchTrainings());
addEventListener('hashchange', route);
// A file that is dropped beside its place must not replace the page.
for (const name of ['dragover', 'drop']) addEventListener(name, (event) => event.preventDefault());
route();
