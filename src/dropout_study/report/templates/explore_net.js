"use strict";
// The mathematics of dropout_study.dropout: a mask is an argument, and a rule averages subnetworks.

const DATA = JSON.parse(document.getElementById("data").textContent);
const NET = DATA.net;
const WIDTHS = NET.widths.slice(1, -1);
const UNITS = WIDTHS.reduce((sum, width) => sum + width, 0);
const CLASSES = NET.widths.at(-1);
const WEIGHTS = NET.weights.map((layer) => layer.map((row) => Float64Array.from(row)));
const LEVELS = 16; // of grey
const IMAGES = NET.pixels.map((text) => Float64Array.from(text, (c) => parseInt(c, 17) / LEVELS));

/** The probability of keeping a unit as the package draws it: a multiple of 2^-16. */
function keepOf(rate) {
  const levels = 2 ** 16;
  return rate > 0 ? Math.min(Math.max(Math.round((1 - rate) * levels), 1), levels - 1) / levels : 1;
}

/** The units of every layer behind the inputs, the logits last, under a mask of all hidden units; null drops nothing. */
function layers(x, mask, rate) {
  const factor = 1 / keepOf(rate);
  const outputs = [];
  let units = x;
  let first = 0; // of the layer's units in the mask

  WEIGHTS.forEach((weight, i) => {
    const output = Float64Array.from(NET.biases[i]);

    units.forEach((unit, j) => {
      if (unit === 0) return;
      const row = weight[j];
      for (let o = 0; o < row.length; o++) output[o] += unit * row[o];
    });

    if (i < WIDTHS.length) {
      for (let o = 0; o < output.length; o++) {
        const kept = mask === null ? 1 : mask[first + o] * factor;
        output[o] = Math.max(output[o], 0) * kept;
      }
      first += output.length;
    }

    outputs.push(output);
    units = output;
  });

  return outputs;
}

function logSoftmax(logits) {
  const highest = Math.max(...logits);
  const total = logits.reduce((sum, z) => sum + Math.exp(z - highest), 0);
  return logits.map((z) => z - highest - Math.log(total));
}

/** Log-probabilities of one subnetwork; of the whole net in one pass, which is weight scaling, if the mask is null. */
function logProbs(x, mask, rate) {
  return logSoftmax(layers(x, mask, rate).at(-1));
}

/** Both means of subnetworks, one after the other: see dropout_study.dropout.ensemble. */
class Means {
  constructor() {
    this.count = 0;
    this.total = new Float64Array(CLASSES);
    this.logTotal = new Float64Array(CLASSES).fill(-Infinity);
  }

  add(logs) {
    this.count += 1;
    logs.forEach((log, c) => {
      const [low, high] = [Math.min(log, this.logTotal[c]), Math.max(log, this.logTotal[c])];
      this.total[c] += log;
      this.logTotal[c] = high + Math.log1p(Math.exp(low - high));
    });
  }

  get arithmetic() {
    return this.logTotal.map((log) => log - Math.log(this.count));
  }

  get geometric() {
    return logSoftmax(this.total.map((log) => log / this.count));
  }
}

/** A mask: 1 keeps a unit, 0 drops it with the probability `rate`. */
function drawMask(rate) {
  return Array.from({ length: UNITS }, () => (Math.random() < 1 - keepOf(rate) ? 0 : 1));
}

/** The class of the highest log-probability; a tie goes to the lower class. */
function classOf(logs) {
  return logs.indexOf(Math.max(...logs));
}
