// Draws with Vega's interpreter (ast: true): the Content-Security-Policy allows no eval.
const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
for (const place of document.querySelectorAll(".chart")) {
  const spec = JSON.parse(document.getElementById(`${place.id}-spec`).textContent);
  const draw = () => vegaEmbed(place, spec, {
    actions: false, ast: true, renderer: "svg", theme: dark.matches ? "dark" : undefined,
    config: { background: "transparent" }, hover: !still, tooltip: { theme: dark.matches ? "dark" : "light" },
  });
  dark.addEventListener("change", draw);
  draw();
}
