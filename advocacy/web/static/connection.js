// The page of a tool: the lamp turns green when its first delivery arrives, and a test action is sent
// without leaving the page, whose address and secret are shown once. A hidden page does not ask.
const lamp = document.getElementById("waiting");
const EVERY = 2000, LONGEST = 30000;
let timer = 0, failed = 0;

async function ask() {
  clearTimeout(timer);
  if (document.hidden || lamp.classList.contains("on")) return;
  try {
    const answer = await fetch(lamp.dataset.ask, { cache: "no-store" });
    if (answer.redirected) return;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    failed = 0;
    if ((await answer.json()).real) {
      lamp.textContent = lamp.dataset.received;
      lamp.classList.add("on");
      return;
    }
  } catch {
    failed += 1;
  }
  timer = setTimeout(ask, Math.min(EVERY * 2 ** failed, LONGEST));
}

document.querySelector("form[data-test]")?.addEventListener("submit", async (event) => {
  const form = event.target, button = form.querySelector("button");
  event.preventDefault();
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["test-result", "requests"]) {
      const fresh = page.getElementById(id);
      if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
    }
  } catch {
    form.submit();
  }
  button.disabled = false;
});

document.addEventListener("visibilitychange", ask);
ask();
