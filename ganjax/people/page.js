"use strict";
const $ = id => document.getElementById(id);
const STORE = `ganjax.${STUDY.page}`;
const TOO_FAST = 150; // ms: an answer this soon after an image is a second press for the last one
const canvas = $("image"), context = canvas.getContext("2d");
let session = null, item = null, shown = 0, ready = false, saved = false;

// FNV-1a: its highest bit tells what a token stands for, where the page must know.
function hash(text) {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return value;
}
const truth = token => hash(STUDY.salt + token) >>> 31 ? "generated" : "real";

// A browser may refuse storage, for files or in private windows.
function stored() {
  try { return JSON.parse(localStorage.getItem(STORE)); } catch { return null; }
}
function store() {
  try { localStorage.setItem(STORE, JSON.stringify(session)); }
  catch { $("volatile").hidden = false; }
}

// The order of the images, a permutation that the judge's seed sets.
function order(count, seed) {
  const places = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const other = Math.floor(seed / 2 ** 32 * (last + 1));
    [places[last], places[other]] = [places[other], places[last]];
  }
  return places.map(place => STUDY.images[place]);
}

function exposure() {
  const { start, up, down, run, low, high } = STUDY.staircase;
  let now = start, streak = 0;
  const tokens = Object.fromEntries(STUDY.images.map(image => [image.id, image.token]));
  for (const { image, answer } of session.answers) {
    const right = truth(tokens[image]) === answer;
    streak = right ? streak + 1 : 0;
    if (!right) now = Math.min(now + up, high);
    else if (streak === run) { now = Math.max(now - down, low); streak = 0; }
  }
  return now;
}

const frame = () => new Promise(requestAnimationFrame);
async function wait(milliseconds) { // to the nearest frame
  const from = await frame();
  let now = from;
  while (now - from < milliseconds - 8) now = await frame();
  return now - from;
}

function draw(cell) {
  const { width, height, columns } = STUDY;
  const left = cell % columns * width, top = Math.floor(cell / columns) * height;
  context.drawImage($("atlas"), left, top, width, height, 0, 0, width, height);
}
// Blocks of all images, mixed: they cover the afterimage.
function mask() {
  const { width, height } = STUDY, side = Math.ceil(Math.max(width, height) / 8);
  const sheet = $("atlas");
  for (let y = 0; y < height; y += side) for (let x = 0; x < width; x += side) {
    const left = Math.random() * (sheet.naturalWidth - side);
    const top = Math.random() * (sheet.naturalHeight - side);
    context.drawImage(sheet, left, top, side, side, x, y, side, side);
  }
}
const clear = () => context.clearRect(0, 0, STUDY.width, STUDY.height);

async function flash(milliseconds) {
  clear();
  for (const digit of "321") {
    $("count").textContent = digit;
    await wait(500);
  }
  $("count").textContent = "";
  draw(item.cell);
  const seen = await wait(milliseconds);
  for (let times = 0; times < 4; times++) {
    mask();
    await wait(30);
  }
  clear();
  return seen;
}

function enable(on) {
  ready = on;
  $("real").disabled = $("generated").disabled = !on;
}

async function next() {
  const practice = session.practised < STUDY.practice.length, done = session.answers.length;
  if (session.finished || (!practice && done === STUDY.images.length)) return end();
  const count = practice ? STUDY.practice.length : STUDY.images.length;
  const place = practice ? session.practised : done;
  item = practice ? STUDY.practice[place] : order(count, session.seed)[place];
  $("place").textContent = `${practice ? TEXT.practising + " " : ""}${place + 1} / ${count}`;
  $("progress").max = count;
  $("progress").value = place;
  if (STUDY.staircase) {
    enable(false);
    item.exposure = practice ? STUDY.staircase.start : exposure();
    item.seen = Math.round(await flash(item.exposure));
    if (session.finished) return;
  } else draw(item.cell);
  shown = performance.now();
  enable(true);
}

function answer(said) {
  const after = performance.now() - shown;
  if (!ready || after < TOO_FAST) return;
  if (item.token) {
    const is = truth(item.token), verdict = is === said ? TEXT.right : TEXT.wrong;
    $("feedback").textContent = `${verdict} ${is === "real" ? TEXT.was_real : TEXT.was_generated}`;
  }
  $("resumed").hidden = true;
  if (session.practised < STUDY.practice.length) {
    session.practised++;
    if (session.practised === STUDY.practice.length && !STUDY.staircase)
      setTimeout(() => { $("feedback").textContent = ""; }, 2000);
  } else {
    const row = { image: item.id, answer: said, milliseconds: Math.round(after) };
    if (STUDY.staircase) Object.assign(row, { exposure: item.exposure, seen: item.seen });
    session.answers.push(row);
  }
  saved = false;
  store();
  next();
}

function show(part) {
  for (const id of ["intro", "judging", "end"]) $(id).hidden = id !== part;
}

function begin() {
  show("judging");
  next();
}

function end() {
  enable(false);
  session.finished = true;
  store();
  show("end");
  const { judge, expert, seed, answers } = session;
  const kept = { page: STUDY.page, judge, expert, seed, language: STUDY.language, answers };
  const text = JSON.stringify(kept, null, 1);
  $("thanks").textContent = TEXT.thanks
    .replace("{done}", answers.length).replace("{count}", STUDY.images.length);
  $("save").download = `answers-${STUDY.page.slice(0, 8)}-${judge}.json`;
  $("save").href = `data:application/json;charset=utf-8,${encodeURIComponent(text)}`;
  $("text").value = text;
}

$("intro").addEventListener("submit", event => {
  event.preventDefault();
  const [a, b, seed] = crypto.getRandomValues(new Uint32Array(3));
  const judge = [a, b].map(part => part.toString(16).padStart(8, "0")).join("");
  const expert = new FormData(event.target).get("expert") === "yes";
  session = { judge, expert, seed, practised: 0, answers: [], finished: false };
  store();
  begin();
});
$("real").addEventListener("click", () => answer("real"));
$("generated").addEventListener("click", () => answer("generated"));
$("stop").addEventListener("click", end);
$("save").addEventListener("click", () => { saved = true; });
$("again").addEventListener("click", () => {
  if (!saved && !confirm(TEXT.sure)) return;
  try { localStorage.removeItem(STORE); } catch { /* nothing was kept */ }
  saved = true;
  location.reload();
});
addEventListener("keydown", event => {
  const said = { ArrowLeft: "real", ArrowRight: "generated" }[event.key];
  const free = !event.repeat && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (!said || !free || $("judging").hidden) return;
  event.preventDefault();
  answer(said);
});
addEventListener("beforeunload", event => {
  if (!$("volatile").hidden && session?.answers.length && !saved) event.preventDefault();
});

$("atlas").decode().then(() => {
  try {
    localStorage.setItem(`${STORE}.try`, "");
    localStorage.removeItem(`${STORE}.try`);
  } catch { $("volatile").hidden = false; }
  session = stored();
  if (!session) return show("intro");
  $("resumed").hidden = session.finished;
  begin();
});
