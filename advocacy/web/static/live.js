// Shows new figures of a campaign without a reload. The server announces that they changed; then the
// page is fetched again, and each part with `data-live` is replaced. If the server has no stream free,
// the page polls every few seconds. A hidden page does neither.
const status = document.getElementById("live");
const announcement = document.getElementById("live-said");
const words = status.dataset;
const MINIMUM_PAUSE = 2000, POLL = 10000, RECONNECT = 60000, ANNOUNCE_EVERY = 20000;

// The parts as served: charts are drawn into them later.
const served = new Map();
for (const part of document.querySelectorAll("[data-live]")) served.set(part.id, part.innerHTML);

let token = words.mark, stream = null, pollTimer = 0, reconnectTimer = 0, left = false;
let busy = false, again = false, failed = 0, announceTimer = 0, announcedAt = -ANNOUNCE_EVERY;

function state(word) {
  status.textContent = word;
  status.hidden = false;
}

function leave() {
  left = true;
  disconnect();
  state("");
  announcement.textContent = words.left;
}

// The figures.

async function refresh() {
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
  // Wait longer if the server is slow or failing.
  const pause = Math.max(MINIMUM_PAUSE, 5 * (performance.now() - began)) * 2 ** Math.min(failed, 5);
  setTimeout(() => { busy = false; if (again) refresh(); }, pause);
}

function swap(fresh) {
  const now = fresh.getElementById("live");
  if (!now) return;
  let changed = false, later = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === served.get(part.id)) continue;
    // Do not replace a part in which text is selected.
    const selection = getSelection();
    if (!selection.isCollapsed && selection.containsNode(part, true)) { later = true; continue; }
    served.set(part.id, next.innerHTML);
    put(part, next);
    changed = true;
  }
  if (later) again = true; else token = now.dataset.mark;
  if (changed) {
    document.dispatchEvent(new Event("figures"));
    announce(words.changed.replace("{actions}", now.dataset.actions).replace("{supporters}", now.dataset.supporters));
  }
}

function put(part, next) {
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  const before = [...part.querySelectorAll("dd, td.num")].map((each) => each.textContent);
  const path = pathTo(document.activeElement, part);
  part.replaceChildren(...next.childNodes);
  part.querySelectorAll("details").forEach((each, at) => { each.open = open[at] ?? each.open; });
  part.querySelectorAll("dd, td.num").forEach((each, at) => {
    each.classList.toggle("fresh", each.textContent !== before[at]);
  });
  if (path) path.reduce((at, number) => at?.children[number], part)?.focus({ preventScroll: true });
}

// The path to the focused element as child indexes, to restore the focus.
function pathTo(element, part) {
  if (!part.contains(element) || element === part) return null;
  const path = [];
  for (let at = element; at !== part; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

// Announced to screen readers, but not for every single action.
function announce(text) {
  clearTimeout(announceTimer);
  const wait = Math.max(0, announcedAt + ANNOUNCE_EVERY - performance.now());
  announceTimer = setTimeout(() => { announcedAt = performance.now(); announcement.textContent = text; }, wait);
}

// The stream, or polling.

function connect() {
  if (left || stream || document.hidden) return;
  const address = new URL(words.stream, location.href);
  address.searchParams.set("mark", token);
  stream = new EventSource(address);
  stream.addEventListener("open", () => { stopPolling(); state(words.says); });
  stream.addEventListener("figures", (event) => { if (event.lastEventId !== token) refresh(); });
  stream.addEventListener("ended", leave);
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    poll();
    reconnectTimer = setTimeout(connect, RECONNECT * (0.75 + Math.random() / 2));
  });
}

function disconnect() {
  stream?.close();
  stream = null;
  clearTimeout(reconnectTimer);
  stopPolling();
}

function stopPolling() {
  clearTimeout(pollTimer);
  pollTimer = 0;
}

const streaming = () => stream?.readyState === EventSource.OPEN;

async function poll() {
  stopPolling();
  if (left || document.hidden) return;
  try {
    const answer = await fetch(words.ask, { cache: "no-store" });
    if (answer.redirected) return leave();
    const newest = answer.ok ? (await answer.json()).mark : token;
    // A stream may have begun meanwhile; then its events suffice.
    if (streaming()) return;
    state(answer.ok ? words.asks : words.lost);
    if (newest !== token) refresh();
  } catch {
    if (streaming()) return;
    state(words.lost);
  }
  stopPolling();
  if (!left && !document.hidden) pollTimer = setTimeout(poll, POLL * (0.75 + Math.random() / 2));
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
addEventListener("pagehide", disconnect);
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
connect();
