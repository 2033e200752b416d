// One pair after another: both pictures are loaded first, then each is shown for one second, then the answer is asked for.
// Which picture is which never comes here.

const SHOWN = 1000; // milliseconds
const PAUSE = 700; // before the first picture, so that the eye is there
const RETRY = 2000;

const part = (id) => document.getElementById(id);
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const frame = () => new Promise((done) => requestAnimationFrame(done));
let state = null;

/** Ask the server until it answers; what it refuses is thrown, with its status. */
async function ask(method, path, body) {
  const options = { method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body) };
  for (;;) {
    let answer = null;
    try {
      answer = await fetch(path, options);
    } catch {
      // not reached
    }
    part("lost").hidden = answer !== null && answer.status < 500;
    if (answer !== null && answer.ok) return answer.json();
    if (answer !== null && answer.status < 500 && answer.status !== 429) {
      throw Object.assign(new Error(`${method} ${path}: ${answer.status}`), { status: answer.status });
    }
    await wait(RETRY);
  }
}

function show(section) {
  for (const id of ["intro", "test", "end"]) part(id).hidden = id !== section;
}

function intro() {
  const counted = state.total - state.practice;
  const practice = state.practice ? `${state.practice} pairs for practice, in which you are told the answer, then ` : "";
  part("length").textContent = `There are ${practice}${counted} pairs that count: about ${Math.ceil(state.total / 9)} minutes.`;
  part("begin").textContent = state.answered ? `Go on after pair ${state.answered}` : "Begin";
  show("intro");
}

/** Load both pictures of a pair, ready to be drawn. */
async function load(number) {
  for (const place of ["first", "second"]) {
    const image = part(place);
    for (;;) {
      image.src = `api/pairs/${number}/${place}`;
      try {
        await image.decode();
        break;
      } catch {
        // The server is away, or this pair was answered in another tab.
        state = await ask("GET", "api/session");
        if (state.next?.number !== number) return false;
        await wait(RETRY);
      }
    }
  }
  return true;
}

/** Show a picture for a second; false where the page was out of sight meanwhile. */
async function flash(place) {
  const image = part(place);
  let seen = document.visibilityState === "visible";
  const look = () => (seen &&= document.visibilityState === "visible");
  document.addEventListener("visibilitychange", look);
  image.parentElement.classList.add("now");
  image.hidden = false;
  const begun = await frame();
  // A frame comes every 16 ms or less, and none while the page is out of sight.
  while ((await frame()) - begun < SHOWN - 8);
  image.hidden = true;
  image.parentElement.classList.remove("now");
  document.removeEventListener("visibilitychange", look);
  return seen;
}

async function untilVisible() {
  while (document.visibilityState !== "visible") {
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}

async function present(number) {
  do {
    if (!(await load(number))) return false;
    await untilVisible();
    part("ask").textContent = "Look …";
    await wait(PAUSE);
  } while (!((await flash("first")) && (await flash("second"))));
  return true;
}

/** Wait for a button or a key; returns the choice. */
function choose() {
  const buttons = { first: part("choose-first"), second: part("choose-second") };
  const keys = { ArrowLeft: "first", ArrowUp: "first", 1: "first", ArrowRight: "second", ArrowDown: "second", 2: "second" };
  return new Promise((done) => {
    const finish = (choice) => {
      document.removeEventListener("keydown", press);
      for (const button of Object.values(buttons)) {
        button.disabled = true;
        button.onclick = null;
      }
      done(choice);
    };
    const press = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !(event.key in keys)) return;
      event.preventDefault();
      finish(keys[event.key]);
    };
    document.addEventListener("keydown", press);
    for (const [choice, button] of Object.entries(buttons)) {
      button.disabled = false;
      button.onclick = () => finish(choice);
    }
  });
}

async function tell(right, choice) {
  const narrow = matchMedia("(max-width: 599px)").matches;
  const names = narrow ? { first: "top", second: "bottom" } : { first: "left", second: "right" };
  const made = right ? choice : choice === "first" ? "second" : "first";
  part("ask").textContent = `${right ? "Right" : "No"}: a computer made the colors of the ${names[made]} one.`;
  const button = part("go-on");
  button.hidden = false;
  button.focus();
  await new Promise((done) => (button.onclick = done));
  button.hidden = true;
}

async function run() {
  show("test");
  while (state.next !== null) {
    const { number, practice } = state.next;
    part("place").textContent = practice ? `Practice ${number + 1} of ${state.practice}` : `Pair ${number + 1 - state.practice} of ${state.total - state.practice}`;
    part("progress").max = state.total;
    part("progress").value = state.answered;
    if (!(await present(number))) continue;
    part("ask").textContent = "In which one did a computer make the colors?";
    const since = performance.now();
    const choice = await choose();
    const seconds = (performance.now() - since) / 1000;
    part("ask").textContent = "\u00a0";
    try {
      const answer = await ask("POST", `api/pairs/${number}`, { choice, seconds });
      state = answer.state;
      if (answer.right !== null) await tell(answer.right, choice);
    } catch (error) {
      if (error.status !== 409 && error.status !== 404) throw error;
      state = await ask("GET", "api/session"); // answered in another tab, or the test is another one now
    }
  }
  if (state.joined) show("end");
  else intro();
}

part("begin").onclick = async () => {
  state = await ask("POST", "api/session");
  await run();
};
part("another").onclick = async () => {
  state = await ask("DELETE", "api/session");
  intro();
};

state = await ask("GET", "api/session");
if (state.joined && state.next === null) show("end");
else intro();
