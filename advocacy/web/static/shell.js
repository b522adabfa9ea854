// Keyboard shortcuts of the signed-in pages. They can be switched off in the list that "?" opens,
// and do nothing while somebody types or holds a modifier key (WCAG 2.1.4).
const list = document.getElementById("shortcuts");
const KEY = "shortcuts";
const PAGES = { o: "/", l: "/links", g: "/goals", c: "/connections", r: "/reports" };
const RANGES = ["d", "w", "m", "a"];

function isOn() {
  try { return localStorage.getItem(KEY) !== "off"; } catch { return true; }
}

function setOn(on) {
  try { localStorage.setItem(KEY, on ? "on" : "off"); } catch { /* private window: until reload */ }
}

function typing(target) {
  return target.closest?.("input, select, textarea, [contenteditable]");
}

function go(name) {
  const link = document.querySelector(`[data-shortcut="${name}"]`);
  if (link) link.click();
}

if (list) {
  const box = document.getElementById("shortcuts-on");
  box.checked = isOn();
  box.addEventListener("change", () => setOn(box.checked));
  let waits = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || list.open) return;
    if (event.key === "?") { list.showModal(); return; }
    if (!isOn()) return;
    if (waits) {
      clearTimeout(waits);
      waits = 0;
      if (PAGES[event.key]) location.href = PAGES[event.key];
    } else if (event.key === "g") {
      waits = setTimeout(() => { waits = 0; }, 1500);
    } else if (RANGES.includes(event.key) || event.key === "x") {
      go(event.key);
    }
  });
}

// The sheet of the bottom bar closes like a menu.
const sheet = document.querySelector(".bottom-bar details");
if (sheet) {
  document.addEventListener("click", (event) => {
    if (!sheet.contains(event.target)) sheet.open = false;
  });
  sheet.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { sheet.open = false; sheet.querySelector("summary").focus(); }
  });
}

// Menus close like menus: with Escape, or when something else is clicked.
const menus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});
