// Masks: a digit, the units of the net, and the subnetworks that were drawn.

const MOST_MASKS = 1000;
const SIDE = 8;
const PEN = 1.35; // pixels around the pen that get ink
const HARD = 0.6; // a probability of the right class below which a test digit is hard
const byId = (id) => document.getElementById(id);

const state = {
  x: IMAGES[0].slice(),
  digit: 0, // number of the test digit; null for one of the reader's own
  rate: NET.rate,
  mask: null, // of the subnetwork that is shown; null before the first
  masks: [], // drawn so far
  erasing: false,
  trace: [], // of the digit, a point per mask
  errors: [], // of all test digits, a point per mask
};
let testMeans = [];

const shareOf = (log) => Math.exp(log) * 100;
const NARROW = "\u202f"; // a space at which no line breaks
const inPercent = (value, digits = value < 10 ? 1 : 0) => `${value.toFixed(digits)}${NARROW}%`;
const saying = (logs) => `${classOf(logs)} (${inPercent(shareOf(Math.max(...logs)))})`;

/** Subnetworks of some masks, both means of them, and weight scaling, for one input: log-probabilities. */
function predict(x, masks, rate) {
  const means = new Means();
  const subnetworks = masks.map((mask) => logProbs(x, mask, rate));
  subnetworks.forEach((logs) => means.add(logs));

  return {
    subnetworks, arithmetic: means.count ? means.arithmetic : null, geometric: means.count ? means.geometric : null,
    weightScaling: logProbs(x, null, rate),
  };
}

/** The share of test digits that a prediction gets wrong, in percent. */
function testError(logsOf) {
  const wrong = IMAGES.filter((x, i) => classOf(logsOf(x, i)) !== NET.labels[i]).length;
  return (100 * wrong) / IMAGES.length;
}

/** Count further masks: their votes for the digit, and their errors on all test digits. */
function addMasks(masks) {
  for (const mask of masks) {
    state.masks.push(mask);
    const alone = testError((x, i) => {
      const logs = logProbs(x, mask, state.rate);
      testMeans[i].add(logs);
      return logs;
    });
    state.errors.push({
      subnetwork: alone,
      arithmetic: testError((x, i) => testMeans[i].arithmetic),
      geometric: testError((x, i) => testMeans[i].geometric),
    });
  }
  state.mask = masks.at(-1).slice();
}

function forgetMasks() {
  Object.assign(state, { masks: [], errors: [], mask: null });
  testMeans = IMAGES.map(() => new Means());
}

function draw(count) {
  const first = state.masks.length + 1;
  const added = Math.min(count, MOST_MASKS - state.masks.length);
  addMasks(Array.from({ length: added }, () => drawMask(state.rate)));
  const last = state.masks.length;
  show(added > 1 ? `Masks ${first} to ${last} drawn.` : `Mask ${last} drawn.`);
}

/** The class whose probability the chart shows: the digit's own, or that of weight scaling. */
function watchedClass(whole) {
  return state.digit === null ? classOf(whole) : NET.labels[state.digit];
}

/** Predictions of the digit after each of the masks, and its votes. */
function follow(watched) {
  const means = new Means();
  const votes = new Array(CLASSES).fill(0);

  state.trace = state.masks.map((mask) => {
    const logs = logProbs(state.x, mask, state.rate);
    means.add(logs);
    votes[classOf(logs)] += 1;
    return { subnetwork: shareOf(logs[watched]), arithmetic: shareOf(means.arithmetic[watched]), geometric: shareOf(means.geometric[watched]) };
  });
  return { means, votes };
}

/** Show the state, and say what has happened. */
function show(event) {
  const whole = logProbs(state.x, null, state.rate);
  const watched = watchedClass(whole);
  const { means, votes } = follow(watched);
  const alone = state.mask ? logProbs(state.x, state.mask, state.rate) : null;
  const k = state.masks.length;

  showPixels();
  showUnits();
  showTable({ alone, votes, whole, arithmetic: k ? means.arithmetic : null, geometric: k ? means.geometric : null });
  showCharts();
  showWords(event, alone, votes, means, whole);
  for (const id of ["one", "ten", "hundred"]) byId(id).disabled = k >= MOST_MASKS;
}

function showWords(event, alone, votes, means, whole) {
  const k = state.masks.length;
  const kept = state.mask ? state.mask.reduce((sum, unit) => sum + unit, 0) : UNITS;
  const words = [event];
  if (alone) words.push(`${kept} of ${UNITS} units are kept; this subnetwork says ${saying(alone)}.`);
  if (k) {
    const favourite = classOf(votes);
    words.push(`${votes[favourite]} of ${k} votes are for ${favourite}. Arithmetic mean: ${saying(means.arithmetic)}, geometric mean: ${saying(means.geometric)}.`);
  }
  words.push(`Weight scaling: ${saying(whole)}.`);
  if (k >= MOST_MASKS) words.push(`${MOST_MASKS} masks are as many as this page draws.`);
  byId("said").textContent = words.filter(Boolean).join(" ");
  byId("rate-words").textContent = `${state.rate.toFixed(2)}: a kept unit counts ${number(1 / keepOf(state.rate))} times`;
  byId("rate").setAttribute("aria-valuetext", `rate ${state.rate.toFixed(2)}`);
  byId("digit-words").textContent = state.digit === null
    ? "A digit of your own." : `Test digit ${state.digit + 1} of ${IMAGES.length}: a ${NET.labels[state.digit]}.`;
}

// The digit

const pixels = Array.from({ length: SIDE * SIDE }, (_, i) => {
  const pixel = document.createElement("button");
  pixel.type = "button";
  pixel.tabIndex = i ? -1 : 0;
  byId("pixels").append(pixel);
  return pixel;
});

function showPixels() {
  pixels.forEach((pixel, i) => {
    const ink = Math.round(state.x[i] * LEVELS);
    pixel.style.setProperty("--grey", (100 * ink) / LEVELS);
    pixel.setAttribute("aria-label", `row ${Math.floor(i / SIDE) + 1}, column ${(i % SIDE) + 1}: ink ${ink} of ${LEVELS}`);
  });
}

/** Put ink around a place, in pixels from the left upper corner, or take it away. */
function paint(column, row, erasing) {
  state.digit = null;
  state.x.forEach((ink, i) => {
    const distance = Math.hypot((i % SIDE) + 0.5 - column, Math.floor(i / SIDE) + 0.5 - row);
    const given = Math.round(LEVELS * Math.min(1, Math.max(0, PEN - distance))) / LEVELS;
    state.x[i] = erasing ? Math.min(ink, 1 - given) : Math.max(ink, given);
  });
}

function paintAt(event) {
  const box = byId("pixels").getBoundingClientRect();
  paint(((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE, state.erasing);
  show("Digit changed.");
}

byId("pixels").addEventListener("pointerdown", (event) => {
  byId("pixels").setPointerCapture(event.pointerId);
  paintAt(event);
});
byId("pixels").addEventListener("pointermove", (event) => { if (event.buttons & 1) paintAt(event); });
byId("pixels").addEventListener("click", (event) => {
  const i = pixels.indexOf(event.target);
  if (event.detail !== 0 || i < 0) return; // the pointer has painted already
  paint((i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5, state.erasing || state.x[i] > 0.5);
  show("Digit changed.");
});
byId("pixels").addEventListener("keydown", (event) => {
  const i = pixels.indexOf(document.activeElement);
  const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
  const [row, column] = [Math.floor(i / SIDE) + down, (i % SIDE) + across];
  if (i < 0 || (!down && !across)) return;
  event.preventDefault();
  if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) return;
  pixels[i].tabIndex = -1;
  pixels[row * SIDE + column].tabIndex = 0;
  pixels[row * SIDE + column].focus();
});

function chooseDigit(i, event = "") {
  state.digit = (i + IMAGES.length) % IMAGES.length;
  state.x = IMAGES[state.digit].slice();
  byId("digit").value = state.digit + 1;
  show(event || `Test digit ${state.digit + 1}, a ${NET.labels[state.digit]}.`);
}

function nextHard() {
  const start = state.digit ?? -1;
  for (let step = 1; step <= IMAGES.length; step++) {
    const i = (start + step + IMAGES.length) % IMAGES.length;
    if (shareOf(logProbs(IMAGES[i], null, state.rate)[NET.labels[i]]) < 100 * HARD) return chooseDigit(i);
  }
}

byId("previous").addEventListener("click", () => chooseDigit((state.digit ?? 0) - 1));
byId("next").addEventListener("click", () => chooseDigit((state.digit ?? -1) + 1));
byId("digit").addEventListener("change", () => {
  const typed = Math.round(Number(byId("digit").value)) || 1;
  chooseDigit(Math.min(Math.max(typed, 1), IMAGES.length) - 1);
});
byId("hard").addEventListener("click", nextHard);
byId("clear").addEventListener("click", () => {
  Object.assign(state, { x: new Float64Array(SIDE * SIDE), digit: null, erasing: false });
  byId("eraser").setAttribute("aria-pressed", "false");
  show("The digit is empty: draw one.");
});
byId("eraser").addEventListener("click", () => {
  state.erasing = !state.erasing;
  byId("eraser").setAttribute("aria-pressed", String(state.erasing));
});

// The units

const units = WIDTHS.flatMap((width, layer) => {
  const name = document.createElement("p");
  name.className = "layer-name";
  name.textContent = `Hidden layer ${layer + 1}`;
  const row = document.createElement("div");
  row.className = "layer";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", name.textContent);
  byId("units").append(name, row);

  return Array.from({ length: width }, (_, i) => {
    const unit = document.createElement("button");
    unit.type = "button";
    unit.className = "unit";
    unit.textContent = i + 1;
    unit.setAttribute("aria-label", `Keep unit ${i + 1} of layer ${layer + 1}`);
    row.append(unit);
    return unit;
  });
});

function showUnits() {
  const gives = layers(state.x, state.mask, state.rate).slice(0, -1);
  const shares = gives.flatMap((layer) => Array.from(layer, (unit) => (100 * unit) / (Math.max(...layer) || 1)));
  units.forEach((unit, i) => {
    unit.setAttribute("aria-pressed", String(state.mask === null || state.mask[i] === 1));
    unit.style.setProperty("--gives", shares[i].toFixed(1));
  });
}

units.forEach((unit, i) => unit.addEventListener("click", () => {
  state.mask = state.mask?.slice() ?? new Array(UNITS).fill(1);
  state.mask[i] = 1 - state.mask[i];
  show("A mask by hand.");
}));

// Predictions

const rows = Array.from({ length: CLASSES }, (_, c) => {
  const row = byId("predictions").tBodies[0].insertRow();
  row.innerHTML = `<th scope="row">${c}</th><td></td><td></td><td></td><td></td><td></td>`;
  return row;
});

function showTable({ alone, votes, whole, arithmetic, geometric }) {
  const k = state.masks.length;
  const columns = [alone, k ? votes.map((n) => Math.log(n / k)) : null, arithmetic, geometric, whole];

  rows.forEach((row, c) => {
    row.className = state.digit !== null && NET.labels[state.digit] === c ? "truth" : "";
    columns.forEach((logs, i) => {
      const cell = row.cells[i + 1];
      cell.textContent = logs ? (i === 1 ? votes[c] : inPercent(shareOf(logs[c]))) : "–";
      cell.style.setProperty("--share", logs ? shareOf(logs[c]).toFixed(1) : 0);
      cell.className = logs && classOf(logs) === c ? "best" : "";
    });
  });

  const last = state.errors.at(-1);
  const shown = [
    state.mask ? testError((x) => logProbs(x, state.mask, state.rate)) : null, null, last?.arithmetic, last?.geometric,
    testError((x) => logProbs(x, null, state.rate)),
  ];
  shown.forEach((error, i) => {
    byId("predictions").tFoot.rows[0].cells[i + 1].textContent = error == null ? "–" : inPercent(error, 1);
  });
}

// Both charts

const LINES = [["arithmetic", "arithmetic mean", 2], ["geometric", "geometric mean", 3]];

function traces(points, scaled) {
  const k = Math.max(points.length, 1);
  const lines = LINES.map(([key, name, i]) => ({
    name, look: lookOf(i), plain: points.length > 1, points: points.map((p, j) => ({ x: j + 1, y: p[key] })),
  }));
  lines.push({ name: "weight scaling", look: lookOf(1), plain: true, points: [{ x: 1, y: scaled }, { x: Math.max(k, 10), y: scaled }] });
  return { lines, dots: points.map((p, j) => ({ x: j + 1, y: p.subnetwork })) };
}

function showCharts() {
  const logs = logProbs(state.x, null, state.rate);
  const watched = watchedClass(logs);
  const scaled = shareOf(logs[watched]);
  const whole = testError((x) => logProbs(x, null, state.rate));
  const k = state.masks.length;
  const title = `Probability of class ${watched}${state.digit === null ? "" : ", the right one"} (%), against the number of masks k`;
  const highest = Math.max(20, whole, ...state.errors.map((e) => e.subnetwork));
  byId("probability-title").textContent = title;

  for (const [id, points, flat, y, words] of [
    ["probability", state.trace, scaled, [0, 100], title],
    ["error", state.errors, whole, [0, Math.min(100, Math.ceil(highest / 10) * 10)], "Error on all test digits (%) against the number of masks k"],
  ]) {
    const { lines, dots } = traces(points, flat);
    const ends = lines.map((line) => `${line.name} ${line.points.length ? inPercent(line.points.at(-1).y) : "not yet"}`);
    drawChart(byId(id), {
      lines, dots, y, log: true, x: [1, Math.max(k, 10)], xLabel: "masks k (dots: one subnetwork each)", labels: true,
      label: `Line chart: ${words}. After ${k} masks: ${ends.join(", ")}.`,
    });
  }
}

byId("rate").addEventListener("input", () => {
  state.rate = Number(byId("rate").value);
  forgetMasks();
  show("Another rate: the masks drawn before are forgotten.");
});
byId("one").addEventListener("click", () => draw(1));
byId("ten").addEventListener("click", () => draw(10));
byId("hundred").addEventListener("click", () => draw(100));
byId("restart").addEventListener("click", () => {
  forgetMasks();
  show("No masks yet: the whole net.");
});

forgetMasks();
show("No masks yet: the whole net.");
