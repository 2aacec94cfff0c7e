// The keys in one table: what each does, and its text in the help.
import { fill, get, make } from "inspect/dom";
import { exportAnswers } from "inspect/files";

const focus = (id) => { get(id).focus(); get(id).select?.(); };

// A comment is continued, not replaced by what is typed.
function comment() {
  const field = get("comment");
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

function smooth(by) {
  const field = get("smooth");
  field.value = Number(field.value) + by;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

const toggle = (id) => get(id).click();

// Key -> what it does, and how.
export const KEYS = {
  n: ["next spectrum", (inspector) => inspector.step(1)],
  p: ["previous spectrum", (inspector) => inspector.step(-1)],
  m: ["next spectrum without an answer", (inspector) => inspector.nextOpen()],
  s: ["class STAR", (inspector) => inspector.setClass("STAR")],
  g: ["class GALAXY", (inspector) => inspector.setClass("GALAXY")],
  q: ["class QSO", (inspector) => inspector.setClass("QSO")],
  b: ["class QSO_BAL", (inspector) => inspector.setClass("QSO_BAL")],
  0: ["quality 0: no information", (inspector) => inspector.setQuality(0)],
  1: ["quality 1: a guess", (inspector) => inspector.setQuality(1)],
  2: ["quality 2: possible", (inspector) => inspector.setQuality(2)],
  3: ["quality 3: secure, one clear feature", (inspector) => inspector.setQuality(3)],
  4: ["quality 4: secure, two features", (inspector) => inspector.setQuality(4)],
  a: ["accept the model's class and z", (inspector) => inspector.accept()],
  z: ["edit z; Enter accepts it, Esc discards it", () => focus("z")],
  v: ["take the z on the screen", (inspector) => inspector.takeZ()],
  x: ["next peak of p(z)", (inspector) => inspector.nextPeak()],
  ",": ["z down by 100 km/s", (inspector) => inspector.nudge(-100)],
  ".": ["z up by 100 km/s", (inspector) => inspector.nudge(100)],
  "<": ["z down by 1000 km/s", (inspector) => inspector.nudge(-1000)],
  ">": ["z up by 1000 km/s", (inspector) => inspector.nudge(1000)],
  c: ["comment; Esc saves it", comment],
  u: ["undo", (inspector) => inspector.undo()],
  "[": ["smooth less", () => smooth(-1)],
  "]": ["smooth more", () => smooth(1)],
  l: ["lines on or off", () => toggle("show-lines")],
  "+": ["zoom in", (inspector) => inspector.plots.zoom(0.5)],
  "-": ["zoom out", (inspector) => inspector.plots.zoom(2)],
  "←": ["move to shorter wavelengths", (inspector) => inspector.plots.zoom(1, -0.25)],
  "→": ["move to longer wavelengths", (inspector) => inspector.plots.zoom(1, 0.25)],
  y: ["fit the flux axis to the pixels in view", (inspector) => inspector.plots.fitHeight()],
  r: ["reset the view", (inspector) => inspector.plots.resetView()],
  f: ["find a name", () => { get("limits").open = true; focus("filter-text"); }],
  t: ["contact sheet", (inspector) => inspector.toggleSheet()],
  e: ["export CSV", (inspector) => exportAnswers(inspector.about, inspector.store)],
  "?": ["this help", () => get("help").showModal()],
};

const SAME = { ArrowDown: "n", ArrowUp: "p", ArrowLeft: "←", ArrowRight: "→", "=": "+" };

// Whether an element takes the keys for itself.
function typing({ tagName, type }) {
  return tagName === "TEXTAREA" || (tagName === "INPUT" && !["checkbox", "range"].includes(type));
}

export function listen(inspector) {
  document.addEventListener("keydown", (event) => {
    // AltGr, with which some keyboards write [ and ], reads as Ctrl and Alt.
    const command = (event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph");
    if (command || event.metaKey || get("help").open) return;
    const { target } = event;
    if (event.key === "Escape" && typing(target)) { target.blur(); return; }
    if (typing(target)) return;
    if (target.tagName === "SELECT" && (event.key.length > 1 || event.key === " ")) return;
    if (event.key in SAME && target.type === "range") return;
    const key = SAME[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!Object.hasOwn(KEYS, key)) return;
    event.preventDefault();
    KEYS[key][1](inspector);
  });
  fill("help-keys", ...Object.entries(KEYS).map(([key, [what]]) => make("div", {}, make("kbd", {}, key), what)));
}
