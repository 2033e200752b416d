/**
 * The one way to the server: calls, uploads, events, and errors as problem details (RFC 9457).
 *
 * Whatever goes wrong is a Problem, whose message can be shown to a person. Where the server can't be reached the
 * page says so by itself (see `connection`), asks until it answers, and then `connection` sends `back`.
 */

export const ROOT = new URL('../api/v1/', import.meta.url).pathname;
const TRIES = 4;
const HEALTH_SECONDS = 5;
const UNREACHED = 'the server can’t be reached';
const CUT = 'the connection was lost while the file was sent';
/** What a proxy answers for a server that is away, and a server whose database is. */
const AWAY = [502, 503, 504];

/** What the server refused, or that it can't be reached (status 0). */
export class Problem extends Error {
  constructor(status, detail, body = {}) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    /** Class of the error on the server, such as PhotoTooLarge. */
    this.kind = body.kind ?? null;
    this.body = body;
  }
}

/** Sends `lost` when the server can't be reached, and `back` when it is there again. */
export const connection = new EventTarget();
let lost = false;
let askToken = async () => false;

/** Tell how to ask the user for a token: an async function, true when the browser is logged in. */
export function setLogin(ask) {
  askToken = ask;
}

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Whether the server answers, and works. */
async function isThere() {
  try {
    return (await fetch(`${ROOT}health`, {signal: AbortSignal.timeout(HEALTH_SECONDS * 1000)})).ok;
  } catch {
    return false;
  }
}

/** Whether a status means that the server is away, rather than that it can't do this one thing. */
const isAway = async (status) => AWAY.includes(status) && (lost || !(await isThere()));

/** Note that the server is away, and return the error that says so. */
function away(detail) {
  reportLost();
  return new Problem(0, detail);
}

/** Tell of a server that is away; ask now and then until it answers. */
async function reportLost() {
  if (lost) return;
  lost = true;
  connection.dispatchEvent(new Event('lost'));
  do await wait(1.5);
  while (!(await isThere()));
  lost = false;
  connection.dispatchEvent(new Event('back'));
}

async function problemOf(path, status, text) {
  if (status === 401 && path !== 'session') return new Problem(status, 'you aren’t logged in');
  try {
    const body = JSON.parse(text);
    return new Problem(status, body.detail ?? body.title ?? `error ${status}`, body);
  } catch {
    return new Problem(status, `the server answered with an error (${status})`);
  }
}

let loggingIn = null;

/** Get a new session: by opening the page again, which is enough where no token is needed; then with a token. */
function logIn(tried) {
  const open = async () => (await fetch(new URL('../', import.meta.url), {cache: 'reload'})).ok;
  loggingIn ??= (tried === 1 ? open() : askToken()).finally(() => {
    loggingIn = null;
  });
  return loggingIn;
}

/**
 * Ask the server.
 *
 * @param {string} method GET, POST, PUT, PATCH, DELETE
 * @param {string} path below /api/v1/, such as `jobs/ID`
 * @param {{json?: unknown, form?: FormData, signal?: AbortSignal, as?: 'json'|'blob'|'text'|'response'}} options
 *     `json` or `form` is the body; `as` is how the answer is read (204 gives null).
 * @throws {Problem} anything but 2xx; AbortError where `signal` said so.
 */
export async function api(method, path, {json, form, signal, as = 'json'} = {}) {
  const headers = json === undefined ? {} : {'Content-Type': 'application/json'};
  const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
  for (let tried = 1; ; tried += 1) {
    let answer;
    try {
      answer = await fetch(ROOT + path, {method, headers, body, signal});
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw away(UNREACHED);
    }
    if (answer.ok) {
      if (as === 'response') return answer;
      return answer.status === 204 ? null : answer[as]();
    }
    if (answer.status === 401 && path !== 'session' && tried <= 2 && (await logIn(tried))) continue;
    // Refused before anything was done: too many requests. Once more in a while.
    if (answer.status === 429 && tried < TRIES) {
      await wait(Math.min(10, Number(answer.headers.get('Retry-After')) || 2) * (0.5 + Math.random()));
      continue;
    }
    if (await isAway(answer.status)) throw away(UNREACHED);
    throw await problemOf(path, answer.status, await answer.text());
  }
}

/**
 * Send a form with files, telling how far it is.
 *
 * @param {string} path below /api/v1/
 * @param {FormData} form
 * @param {{onProgress?: (share: number) => void, signal?: AbortSignal, method?: string}} options share in 0..1
 */
export async function upload(path, form, {onProgress, signal, method = 'POST'} = {}) {
  for (let tried = 1; ; tried += 1) {
    const request = new XMLHttpRequest();
    await new Promise((resolve, reject) => {
      const stop = () => {
        request.abort();
        reject(new DOMException('stopped', 'AbortError'));
      };
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, {once: true});
      request.open(method, ROOT + path);
      request.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
      request.onload = resolve;
      request.onerror = () => reject(away(CUT));
      request.send(form);
    });
    if (request.status >= 200 && request.status < 300) {
      return request.status === 204 ? null : JSON.parse(request.responseText);
    }
    if (request.status === 401 && tried <= 2 && (await logIn(tried))) continue;
    if (request.status === 429 && tried < TRIES) {
      await wait(Math.min(10, Number(request.getResponseHeader('Retry-After')) || 2) * (0.5 + Math.random()));
      continue;
    }
    if (await isAway(request.status)) throw away(CUT);
    throw await problemOf(path, request.status, request.responseText);
  }
}

/**
 * Follow a job or a run by server-sent events until the server says `end`; a line that breaks is taken up again.
 *
 * @param {string} path of what is followed, below /api/v1/, such as `runs/ID`
 * @param {Record<string, (body: any) => void>} handlers name of an event -> what is done with its JSON; `end` when it
 *     is over, `failed` with a Problem where it can't be followed to its end: it is gone, or the user isn't let in.
 * @returns {() => void} stops following
 */
export function follow(path, {failed, ...heard}) {
  let source = null;
  let over = false;
  const stop = () => {
    over = true;
    source?.close();
  };
  const fail = (problem) => {
    stop();
    failed(problem);
  };
  const open = () => {
    if (over) return;
    source = new EventSource(`${ROOT}${path}/events`);
    for (const [name, handle] of Object.entries(heard)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.addEventListener('deleted', () => fail(new Problem(404, 'it was deleted meanwhile')));
    source.addEventListener('end', stop);
    // The browser itself goes on after a break, but not after an error of the server.
    source.onerror = () => source.readyState === EventSource.CLOSED && !over && takeUp();
  };
  // What the error was, events don't say; asking logs in again where that is all.
  const takeUp = async () => {
    let status = 200;
    try {
      await api('GET', path);
    } catch (problem) {
      status = problem.status;
      if (!over && status >= 400 && status < 500 && status !== 429) fail(problem);
    }
    if (status === 0) connection.addEventListener('back', open, {once: true});
    else setTimeout(open, 2000);
  };
  open();
  return stop;
}
