// A chart of lines, drawn as SVG. Lines differ in colour, dash and marker.

const DASHES = ["", "7 3", "8 3 2 3", "2 3"];
const MARKERS = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "M-3.6 -3.6h7.2v7.2h-7.2z", "M0 -4.6L4.4 3.6H-4.4z", "M0 -5L5 0L0 5L-5 0z",
  "M0 4.6L4.4 -3.6H-4.4z", "M-1.4 -4.5h2.8v3.1h3.1v2.8h-3.1v3.1h-2.8v-3.1h-3.1v-2.8h3.1z", "M-4.6 0L3.6 -4.4V4.4z",
  "M4.6 0L-3.6 -4.4V4.4z",
];
const LINE_HEIGHT = 15;

function lookOf(i) {
  const dash = DASHES[(i + Math.floor(i / 8)) % DASHES.length];
  return { color: `var(--c${i % 8})`, dash, marker: MARKERS[i % MARKERS.length] };
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A number to some significant digits, without trailing zeros. */
function number(value, digits = 3) {
  return String(Number(value.toPrecision(digits)));
}

/** Round numbers that divide an axis. */
function ticks(low, high, log, most) {
  if (!log) {
    const raw = (high - low) / most || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const found = [];
    for (let t = Math.ceil(low / step - 1e-9); t * step <= high + 1e-9 * step; t++) found.push(Number((t * step).toPrecision(10)));
    return found;
  }

  for (const multiples of [[1, 2, 3, 5, 7], [1, 2, 5], [1]]) {
    const found = [];
    for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) found.push(...multiples.map((m) => m * 10 ** p));
    const inside = found.filter((t) => t >= low * 0.999 && t <= high * 1.001);
    if (inside.length <= most || multiples.length === 1) return inside;
  }
}

/** Labels at the ends of lines, moved down until none covers another. */
function apart(labels, bottom) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => { if (i) label.y = Math.max(label.y, labels[i - 1].y + LINE_HEIGHT); });
  let limit = bottom;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, limit);
    limit = label.y - LINE_HEIGHT;
  }
}

/**
 * Draw lines into a place.
 * options: label (for screen readers), lines [{name, points [{x, y, low, high, values}], look, plain}], xLabel, log, x, y
 * (ranges), xTicks, here (a place that is marked), labels (whether names stand at the ends), dots [{x, y}].
 */
function drawChart(place, options) {
  const width = Math.max(280, place.clientWidth || 600);
  const height = Math.round(Math.min(420, Math.max(240, width * 0.55)));
  const longest = Math.max(0, ...options.lines.map((line) => line.name.length));
  const right = options.labels ? Math.min(0.35 * width, 12 + 6.8 * longest) : 14;
  const box = { left: 46, right: width - right, top: 10, bottom: height - 44 };
  const scaled = options.log ? Math.log : (v) => v;
  const [x0, x1] = options.x.map(scaled);
  const [y0, y1] = options.y;
  const px = (x) => (x1 === x0 ? (box.left + box.right) / 2 : box.left + ((scaled(x) - x0) / (x1 - x0)) * (box.right - box.left));
  const py = (y) => box.bottom - ((y - y0) / (y1 - y0)) * (box.bottom - box.top);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.label });

  for (const t of ticks(y0, y1, false, 6)) {
    svg.append(element("line", { class: "grid", x1: box.left, x2: box.right, y1: py(t), y2: py(t) }));
    svg.append(element("text", { x: box.left - 6, y: py(t) + 4, "text-anchor": "end" }, number(t)));
  }
  svg.append(element("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));

  const most = Math.max(2, Math.floor((box.right - box.left) / 55));
  for (const t of options.xTicks && options.xTicks.length <= most ? options.xTicks : ticks(...options.x, options.log, most)) {
    svg.append(element("line", { class: "axis", x1: px(t), x2: px(t), y1: box.bottom, y2: box.bottom + 4 }));
    svg.append(element("text", { x: px(t), y: box.bottom + 18, "text-anchor": "middle" }, t.toLocaleString("en")));
  }
  svg.append(element("text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, options.xLabel));

  if (options.here !== undefined) {
    svg.append(element("line", { class: "here", x1: px(options.here), x2: px(options.here), y1: box.top, y2: box.bottom }));
  }
  for (const dot of options.dots ?? []) {
    svg.append(element("circle", { cx: px(dot.x), cy: py(dot.y), r: 2.2, fill: "var(--c7)", opacity: 0.7 }));
  }

  const labels = [];
  for (const line of options.lines.filter((each) => each.points.length)) {
    const { color, dash, marker } = line.look;
    const path = line.points.map((p, i) => `${i ? "L" : "M"}${px(p.x).toFixed(1)} ${py(p.y).toFixed(1)}`).join("");
    svg.append(element("path", { d: path, fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));

    for (const p of line.plain ? [] : line.points) {
      if (p.low !== undefined) {
        svg.append(element("path", { d: `M${px(p.x)} ${py(p.low)}V${py(p.high)}`, stroke: color, "stroke-width": 1.5 }));
      }
      for (const value of p.values ?? []) svg.append(element("circle", { cx: px(p.x), cy: py(value), r: 2, fill: color }));
      svg.append(element("path", { d: marker, fill: color, transform: `translate(${px(p.x)} ${py(p.y)})` }));
    }
    labels.push({ text: line.name, color, x: px(line.points.at(-1).x) + 9, y: py(line.points.at(-1).y) + 4 });
  }

  if (options.labels) {
    apart(labels, box.bottom + 4);
    for (const l of labels) svg.append(element("text", { x: l.x, y: l.y, style: `fill: ${l.color}` }, l.text));
  }
  place.replaceChildren(svg);
  return { px, width };
}

/** Names below each other with a value each: no axis but that of the values. */
function drawRows(place, options) {
  const width = Math.max(280, place.clientWidth || 600);
  const wide = width > 620;
  const names = [...new Set(options.lines.flatMap((line) => line.points.map((p) => p.x)))];
  const step = (wide ? 22 : 40) + 6 * (options.lines.length - 1);
  const longest = Math.max(...names.map((name) => name.length));
  const box = { left: wide ? Math.min(0.5 * width, 16 + 6.8 * longest) : 10, right: width - 14, top: 8 };
  const bottom = box.top + step * names.length;
  const [x0, x1] = options.y;
  const px = (v) => box.left + ((v - x0) / (x1 - x0)) * (box.right - box.left);
  const svg = element("svg", { viewBox: `0 0 ${width} ${bottom + 44}`, role: "img", "aria-label": options.label });

  for (const t of ticks(x0, x1, false, Math.floor((box.right - box.left) / 60))) {
    svg.append(element("line", { class: "grid", x1: px(t), x2: px(t), y1: box.top, y2: bottom }));
    svg.append(element("text", { x: px(t), y: bottom + 18, "text-anchor": "middle" }, number(t)));
  }
  svg.append(element("text", { x: (box.left + box.right) / 2, y: bottom + 38, "text-anchor": "middle" }, options.xLabel));

  names.forEach((name, i) => {
    const y = box.top + step * i;
    const most = Math.floor((wide ? box.left : width) / 6.8);
    const shown = name.length > most ? `${name.slice(0, most - 1)}…` : name;
    const at = wide ? { x: box.left - 10, y: y + step / 2 + 4, "text-anchor": "end" } : { x: 4, y: y + 14 };
    if (i === options.here) svg.append(element("rect", { x: 0, y, width, height: step, fill: "var(--panel)" }));
    svg.append(element("text", at, shown));

    options.lines.forEach((line, j) => {
      const middle = y + (wide ? 11 : 27) + 6 * j;
      for (const p of line.points.filter((point) => point.x === name)) {
        const { color, marker } = line.look;
        if (p.low !== undefined) svg.append(element("path", { d: `M${px(p.low)} ${middle}H${px(p.high)}`, stroke: color, "stroke-width": 1.5 }));
        for (const value of p.values ?? []) svg.append(element("circle", { cx: px(value), cy: middle, r: 2, fill: color }));
        svg.append(element("path", { d: marker, fill: color, transform: `translate(${px(p.y)} ${middle})` }));
      }
    });
  });
  place.replaceChildren(svg);
}
