// Actions by day with uPlot: stacked bars by kind, the period before as a dashed line, and marks
// where posts were published. uPlot sets styles through the CSSOM, which the policy allows.
// Colours are the page's own, so that the chart is read in dark as in light.
const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const font = () => `12px ${getComputedStyle(document.body).fontFamily}`;
const number = (value) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });

function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function tooltip(place, spec) {
  const box = element("div", "", "plot-tip");
  box.hidden = true;
  place.append(box);
  return (u) => {
    const at = u.cursor.idx;
    box.hidden = at == null || u.cursor.left < 0;
    if (box.hidden) return;
    const total = spec.series.reduce((sum, each) => sum + each.values[at], 0);
    box.replaceChildren(element("strong", spec.labels[at]), element("div", `${number(total)} ${spec.actions}`));
    for (const each of spec.series) {
      if (!each.values[at]) continue;
      const row = element("div", `${each.label} ${number(each.values[at])}`, `of-kind ${each.kind}`);
      box.append(row);
    }
    if (spec.before.length) box.append(element("div", `${spec.earlier}: ${number(spec.before[at])}`, "hint"));
    for (const mark of spec.marks.filter((each) => each.at === at).slice(0, 4)) box.append(element("div", `▲ ${mark.text}`));
    const left = u.valToPos(at, "x") + u.over.offsetLeft;
    const width = box.offsetWidth;
    box.style.left = `${Math.max(0, Math.min(place.clientWidth - width, left > place.clientWidth / 2 ? left - width - 12 : left + 12))}px`;
  };
}

function marks(spec) {
  return (u) => {
    const at = new Set(spec.marks.map((each) => each.at));
    const size = 4 * devicePixelRatio, y = u.bbox.top + u.bbox.height;
    u.ctx.save();
    u.ctx.fillStyle = colour("ink");
    for (const each of at) {
      const x = u.valToPos(each, "x", true);
      u.ctx.beginPath();
      u.ctx.moveTo(x, y - size); u.ctx.lineTo(x - size, y + size); u.ctx.lineTo(x + size, y + size);
      u.ctx.fill();
    }
    u.ctx.restore();
  };
}

function draw(place) {
  const spec = JSON.parse(document.getElementById(`${place.id}-spec`).textContent);
  drawn.get(place)?.destroy();
  place.replaceChildren();
  const count = spec.labels.length, numbers = spec.labels.map((_, at) => at);
  // Each bar reaches from the ground to the sum so far; the highest is drawn first.
  let sum = numbers.map(() => 0);
  const stacks = spec.series.map((each) => (sum = sum.map((value, at) => value + each.values[at])));
  const bars = uPlot.paths.bars({ size: [0.8, 48 * devicePixelRatio] });
  const series = spec.series.map((each) => ({
    label: each.label, fill: colour(each.kind) || colour("other"), width: 0, paths: bars, points: { show: false },
  }));
  const data = [numbers, ...stacks.reverse()];
  series.reverse();
  if (spec.before.length) {
    data.push(spec.before);
    series.push({ label: spec.earlier, stroke: colour("ink"), width: 1.5, dash: [5, 4], points: { show: count === 1 } });
  }
  const axis = { stroke: colour("soft"), font: font(), ticks: { show: false } };
  const tip = tooltip(place, spec);
  const chart = new uPlot({
    width: place.clientWidth, height: place.clientHeight,
    scales: {
      x: { time: false, range: () => [-0.6, count - 0.4] },
      y: { range: (_, low, high) => [0, Math.max(1, (high || 0) * 1.08)] },
    },
    axes: [
      {
        ...axis, size: 30, grid: { show: false }, incrs: [1, 2, 3, 5, 7, 10, 14, 21, 28, 35, 56], space: 64,
        splits: (u, index, low, high, step) => numbers.filter((at) => at % Math.max(1, Math.round(step)) === 0),
        values: (_, splits) => splits.map((at) => spec.labels[at] ?? ""),
      },
      {
        ...axis, grid: { stroke: colour("line"), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
        values: (_, splits) => splits.map(number), size: (_, values) => 16 + 7.5 * Math.max(2, ...(values ?? []).map((each) => each.length)),
      },
    ],
    series: [{}, ...series],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    hooks: { setCursor: [tip], draw: [marks(spec)] },
  }, data, place);
  drawn.set(place, chart);
  place.dataset.bars = count;
}

function drawAll() {
  for (const place of drawn.keys()) if (!place.isConnected) { drawn.get(place).destroy(); drawn.delete(place); }
  for (const place of document.querySelectorAll(".plot")) { draw(place); resized.observe(place); }
}

const widths = new WeakMap();
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (widths.get(target) === target.clientWidth) continue;
    widths.set(target, target.clientWidth);
    drawn.get(target)?.setSize({ width: target.clientWidth, height: target.clientHeight });
  }
});

dark.addEventListener("change", drawAll);
// live.js has put new figures in.
document.addEventListener("figures", drawAll);
drawAll();
