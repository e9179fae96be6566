// Results: the errors that the studies found, against what they varied.

const STUDIES = DATA.studies;
const shownResults = { study: null, view: null, places: [] };

const format = (value) => (Math.abs(value) < 1 ? number(value, 3) : value.toFixed(2));
const unique = (values) => [...new Set(values)];
const studyOf = (name) => STUDIES.find((study) => study.name === name);

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

/** Options of a select: the earlier choice stays if it is still there. */
function refill(id, options) {
  const earlier = byId(id).value;
  const values = options.map(([value]) => value);
  fill(byId(id), options, values.includes(earlier) ? earlier : values[0]);
}

function chooseStudy() {
  const study = studyOf(byId("study").value);
  shownResults.study = study;
  const has = study.views.length > 0;
  byId("shown").hidden = !has;
  for (const id of ["axis", "measure"]) byId(id).disabled = !has;

  if (has) {
    const networks = study.runs.reduce((sum, run) => sum + run.seeds.length, 0);
    const smoke = study.budget === "smoke" ? " This budget only shows that everything runs: no conclusion can be drawn." : "";
    byId("study-words").textContent = `${study.title}: ${networks} networks, budget ${study.budget}.${smoke}`;
  } else {
    const code = document.createElement("code");
    code.textContent = study.command;
    byId("study-words").replaceChildren(`${study.title}: no results yet. They come with `, code, ".");
  }
  byId("axis").value = "";
  refill("axis", unique(study.views.map((view) => view.axis)).map((axis) => [axis, study.views.find((v) => v.axis === axis).label]));
  chooseAxis();
}

function chooseAxis() {
  const views = shownResults.study.views.filter((view) => view.axis === byId("axis").value);
  refill("measure", views.map((view) => [view.measure, view.words]));
  chooseMeasure();
}

function chooseMeasure() {
  const { study } = shownResults;
  shownResults.view = study.views.find((view) => view.axis === byId("axis").value && view.measure === byId("measure").value);
  if (!shownResults.view) return;

  const places = unique(shownResults.view.lines.flatMap((line) => line.points.map((p) => p.x)));
  shownResults.places = shownResults.view.scale === "words" ? places : places.sort((a, b) => a - b);
  byId("place").max = shownResults.places.length - 1;
  byId("place").value = Math.min(Number(byId("place").value), shownResults.places.length - 1);
  showLegend();
  showAll();
  showResults();
}

function runOf(point) {
  const run = shownResults.study.runs[point.run];
  const [first, last] = [run.seeds[0], run.seeds.at(-1)];
  const joined = last - first + 1 === run.seeds.length;
  const seeds = run.seeds.length === 1 ? `seed ${first}` : joined ? `seeds ${first} to ${last}` : `seeds ${run.seeds.join(", ")}`;
  return `${run.condition}; ${seeds}`;
}

function cells(line, point) {
  const sure = point.values ? `seeds: ${point.values.map(format).join(", ")}` : `${format(point.low)} to ${format(point.high)}`;
  return [line.name, format(point.mean), sure, runOf(point)];
}

function fillTable(id, found) {
  const body = byId(id).tBodies[0];
  body.replaceChildren();
  for (const texts of found) {
    const row = body.insertRow();
    for (const text of texts) row.insertCell().textContent = text;
  }
}

function pointsAt(place) {
  return shownResults.view.lines.flatMap((line) => line.points.filter((p) => p.x === place).map((p) => cells(line, p)));
}

function placeInWords(place) {
  const { view } = shownResults;
  return view.scale === "words" ? place : `${place.toLocaleString("en")} (${view.label})`;
}

function showAll() {
  const all = shownResults.places.flatMap((place) => pointsAt(place).map(([name, ...rest]) => [`${name}, ${placeInWords(place)}`, ...rest]));
  fillTable("all", all);
}

function showLegend() {
  const { view } = shownResults;
  byId("legend").replaceChildren(...view.lines.map((line, i) => {
    const { color, dash, marker } = lookOf(i);
    const item = document.createElement("li");
    const sample = element("svg", { viewBox: "0 0 36 16", "aria-hidden": "true" });
    sample.append(element("path", { d: "M0 8H36", stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));
    sample.append(element("path", { d: marker, fill: color, transform: "translate(18 8)" }));
    item.append(sample, ` ${line.name}`);
    return item;
  }));
}

/** The range of all values, with a margin. */
function rangeOf(lines) {
  const all = lines.flatMap((line) => line.points.flatMap((p) => [p.mean, p.low ?? p.mean, p.high ?? p.mean, ...(p.values ?? [])]));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = 0.06 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [Math.max(0, low - margin), high + margin];
}

function showResults() {
  const { study, view, places } = shownResults;
  const at = Number(byId("place").value);
  const place = places[at];
  const lines = view.lines.map((line, i) => ({ ...line, look: lookOf(i), points: line.points.map((p) => ({ ...p, y: p.mean })) }));
  const title = view.scale === "words" ? `${study.title}: ${view.words}` : `${study.title}: ${view.words} against ${view.label}`;
  const label = `Chart: ${title}. ${view.lines.length} lines: ${view.lines.map((line) => line.name).join("; ")}. The table "All points" has the numbers.`;

  byId("results-title").textContent = title;
  if (view.scale === "words") {
    drawRows(byId("chart"), { lines, label, y: rangeOf(lines), here: at, xLabel: view.words });
  } else {
    const log = view.scale === "log";
    drawChart(byId("chart"), {
      lines, label, log, x: [places[0], places.at(-1)], y: rangeOf(lines), xTicks: places, here: place, xLabel: view.label,
      labels: byId("chart").clientWidth > 700 && lines.length <= 12,
    });
  }

  const words = placeInWords(place);
  byId("place-words").textContent = words;
  byId("place").setAttribute("aria-valuetext", words);
  byId("points-title").textContent = `${view.words} at ${words}`;
  fillTable("points", pointsAt(place));
  byId("read").textContent = `${words}: ${pointsAt(place).map(([name, value]) => `${name} ${value}`).join("; ")}.`;
}

/** A press on the chart moves the slider to the nearest place. */
function pointTo(event) {
  const { view, places } = shownResults;
  const svg = byId("chart").querySelector("svg");
  const box = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll("path[transform]")].map((mark) => mark.getBoundingClientRect());
  const distance = (mark) => Math.hypot(mark.x + mark.width / 2 - event.clientX, mark.y + mark.height / 2 - event.clientY);
  const nearest = marks.reduce((best, mark, i) => (distance(mark) < distance(marks[best]) ? i : best), 0);
  const inOrder = view.scale === "words"
    ? places.flatMap((place) => view.lines.flatMap((line) => line.points.filter((p) => p.x === place)))
    : view.lines.flatMap((line) => line.points);
  if (!marks.length || event.clientX < box.left) return;
  byId("place").value = places.indexOf(inOrder[nearest].x);
  showResults();
}

fill(byId("study"), STUDIES.map((study) => [study.name, study.views.length ? study.title : `${study.title} (no results yet)`]),
  (STUDIES.find((study) => study.views.length) ?? STUDIES[0]).name);
byId("study").addEventListener("change", chooseStudy);
byId("axis").addEventListener("change", chooseAxis);
byId("measure").addEventListener("change", chooseMeasure);
byId("place").addEventListener("input", showResults);
byId("chart").addEventListener("pointerdown", pointTo);
chooseStudy();

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  showCharts();
  if (shownResults.view) showResults();
});
