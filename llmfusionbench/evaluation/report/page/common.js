"use strict";
// Shared by the other scripts. Texts of the logs become text nodes only; the policy refuses anything else.

const data = JSON.parse(document.getElementById("data").textContent);
const NONE = "\u2013";

function make(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** A name from the logs: it keeps its reading direction to itself, and may break after a mark. */
const bdi = (text) => el("bdi", {}, text.split(/(?<=[_/-])(?=.)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])));

function significant(value) {
  if (value === 0) return "0";
  const decimals = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
function written(value, kind) {
  if (value === null || value === undefined) return NONE;
  if (kind === "cost") return significant(value * 1000);
  const digits = Math.abs(value) < 1000 ? 3 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "\u2212");
}
function withInterval(estimate, kind) {
  const [value, low, high, n] = estimate;
  const ends = low === null || high === null ? "" : ` (${written(low, kind)} to ${written(high, kind)})`;
  return written(value, kind) + ends + (n === null ? "" : `, n = ${n.toLocaleString("en")}`);
}
const signed = (value) => (value === null ? NONE : (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(3));

let fields = 0;
/** A labelled control. */
function field(label, control) {
  control.id = `field-${++fields}`;
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control);
}
function choice(label, options, onchange) {
  const control = el("select", {}, options.map(([value, text]) => el("option", { value }, text)));
  control.addEventListener("change", () => onchange(control.value));
  return field(label, control);
}
function tick(label, checked, onchange) {
  const box = el("input", { type: "checkbox", checked });
  box.addEventListener("change", () => onchange(box.checked));
  return el("label", { class: "tick" }, box, label);
}

/** Round values between two ends, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
/** 1, 2 and 5 times the powers of ten between two ends; the powers alone where those are too many. */
function logTicks(low, high, count) {
  const pick = (steps) => {
    const found = [];
    for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
      for (const m of steps) if (m * 10 ** p >= low && m * 10 ** p <= high) found.push(Number((m * 10 ** p).toPrecision(3)));
    return found;
  };
  return [[1, 2, 5], [1, 3], [1]].map(pick).find((found) => found.length <= count) || pick([1]);
}
const plain = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3, maximumFractionDigits: 9 });

/** Draws again whenever the width of the box changes: letters keep their size on a phone. */
function drawn(box, draw) {
  let width = 0;
  const again = () => {
    const now = Math.floor(box.clientWidth);
    if (now > 0 && now !== width) draw((width = now));
  };
  new ResizeObserver(again).observe(box);
  again();
  return () => width && draw(width);
}
