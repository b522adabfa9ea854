// Draws with Vega's interpreter (ast: true): the Content-Security-Policy allows no eval.
// Colours of text and lines are the page's own, so that the chart is read in dark as in light.
const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function look(place) {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: "transparent", font,
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: soft, tickColor: soft },
    // On a phone the legend goes over several lines.
    legend: { labelColor: ink, columns: place.clientWidth < 480 ? 3 : 8 },
  };
}

const drawn = new WeakMap();

async function draw() {
  for (const place of document.querySelectorAll(".chart")) {
    const spec = JSON.parse(document.getElementById(`${place.id}-spec`).textContent);
    drawn.get(place)?.finalize();
    drawn.set(place, await vegaEmbed(place, spec, {
      actions: false, ast: true, renderer: "svg", config: look(place), hover: !still,
      // Their styles are in style.css: what a script writes into the page, the policy refuses.
      defaultStyle: false, tooltip: { disableDefaultStyle: true },
    }));
  }
}

dark.addEventListener("change", draw);
// live.js has put new figures in.
document.addEventListener("figures", draw);
draw();
