// Shows new figures of a campaign without a reload. The server says that they changed; the page is
// fetched anew, and each part that is marked `data-live` takes its place. Where there is no place for
// a stream, the page asks every few seconds. A page that nobody sees asks for nothing.
const place = document.getElementById("live");
const said = document.getElementById("live-said");
const words = place.dataset;
const SOON = 2000, ASK = 10000, TRY_AGAIN = 60000, SAY_AGAIN = 20000;

// What was served, since charts are drawn into it.
const served = new Map();
for (const part of document.querySelectorAll("[data-live]")) served.set(part.id, part.innerHTML);

let mark = words.mark, stream = null, asking = 0, trying = 0, left = false;
let busy = false, again = false, failed = 0, toSay = 0, saidAt = -SAY_AGAIN;

function state(word) {
  place.textContent = word;
  place.hidden = false;
}

function leave() {
  left = true;
  disconnect();
  state("");
  said.textContent = words.left;
}

// The figures.

async function renew() {
  if (busy || left) { again = true; return; }
  busy = true; again = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) return leave();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    failed = 0;
  } catch {
    failed += 1; again = true;
  }
  // Not sooner than the server has had some rest from us.
  const pause = Math.max(SOON, 5 * (performance.now() - began)) * 2 ** Math.min(failed, 5);
  setTimeout(() => { busy = false; if (again) renew(); }, pause);
}

function swap(fresh) {
  const now = fresh.getElementById("live");
  if (!now) return;
  let changed = false, later = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === served.get(part.id)) continue;
    // Whoever marks text to copy it keeps it.
    const marked = getSelection();
    if (!marked.isCollapsed && marked.containsNode(part, true)) { later = true; continue; }
    served.set(part.id, next.innerHTML);
    put(part, next);
    changed = true;
  }
  if (later) again = true; else mark = now.dataset.mark;
  if (changed) {
    document.dispatchEvent(new Event("figures"));
    say(words.changed.replace("{actions}", now.dataset.actions).replace("{supporters}", now.dataset.supporters));
  }
}

function put(part, next) {
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  const before = [...part.querySelectorAll("dd, td.num")].map((each) => each.textContent);
  const way = wayTo(document.activeElement, part);
  part.replaceChildren(...next.childNodes);
  part.querySelectorAll("details").forEach((each, at) => { each.open = open[at] ?? each.open; });
  part.querySelectorAll("dd, td.num").forEach((each, at) => {
    each.classList.toggle("fresh", each.textContent !== before[at]);
  });
  if (way) way.reduce((at, number) => at?.children[number], part)?.focus({ preventScroll: true });
}

// Where the focus is, as numbers of children, so that it can be put back.
function wayTo(element, part) {
  if (!part.contains(element) || element === part) return null;
  const way = [];
  for (let at = element; at !== part; at = at.parentElement) way.unshift([...at.parentElement.children].indexOf(at));
  return way;
}

// Said politely, and not at every single action.
function say(what) {
  clearTimeout(toSay);
  const wait = Math.max(0, saidAt + SAY_AGAIN - performance.now());
  toSay = setTimeout(() => { saidAt = performance.now(); said.textContent = what; }, wait);
}

// The stream, or else asking.

function connect() {
  if (left || stream || document.hidden) return;
  const address = new URL(words.stream, location.href);
  address.searchParams.set("mark", mark);
  stream = new EventSource(address);
  stream.addEventListener("open", () => { stopAsking(); state(words.says); });
  stream.addEventListener("figures", (event) => { if (event.lastEventId !== mark) renew(); });
  stream.addEventListener("ended", leave);
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    ask();
    trying = setTimeout(connect, TRY_AGAIN * (0.75 + Math.random() / 2));
  });
}

function disconnect() {
  stream?.close();
  stream = null;
  clearTimeout(trying);
  stopAsking();
}

function stopAsking() {
  clearTimeout(asking);
  asking = 0;
}

const told = () => stream?.readyState === EventSource.OPEN;

async function ask() {
  stopAsking();
  if (left || document.hidden) return;
  try {
    const answer = await fetch(words.ask, { cache: "no-store" });
    if (answer.redirected) return leave();
    const newest = answer.ok ? (await answer.json()).mark : mark;
    // Meanwhile a stream may have begun; it says all there is to say.
    if (told()) return;
    state(answer.ok ? words.asks : words.lost);
    if (newest !== mark) renew();
  } catch {
    if (told()) return;
    state(words.lost);
  }
  stopAsking();
  if (!left && !document.hidden) asking = setTimeout(ask, ASK * (0.75 + Math.random() / 2));
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
addEventListener("pagehide", disconnect);
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
connect();
