// The side: what the model answers, what names the object, and the inspector's answer.
import { digits, fill, get, make, percent } from "inspect/dom";
import { velocity } from "inspect/posterior";

export function showAnswer(row, answer, classes) {
  get("name").textContent = row.id || "(no name)";
  get("file").textContent = row.file;
  for (const button of get("classes").children) button.setAttribute("aria-pressed", button.value === answer.class);
  for (const button of get("qualities").children) {
    button.setAttribute("aria-pressed", answer.quality !== null && button.value === String(answer.quality));
  }
  get("your-z").textContent = answer.z === null ? "your z: not yet" : `your z: ${answer.z.toFixed(5)}`;
  if (document.activeElement !== get("comment")) get("comment").value = answer.comment;
}

export function showModel(row, hidden, { colors, lines }) {
  if (hidden) {
    fill("model", make("h3", {}, "Model"), make("p", {}, "Hidden until you have given class and quality."));
    return;
  }
  const z = row.z === null ? "no redshift" : `z = ${digits(row.z, 5)}${row.z_err === null ? "" : ` ± ${digits(row.z_err, 5)}`}`;
  const words = [...row.flags, ...row.warnings.map((word) => `ZWARN: ${word}`)];
  fill(
    "model",
    make("h3", {}, "Model"),
    make("p", { className: "answer-line" }, `${row.class || "no class"}   ${z}`),
    facts(numbers(row)),
    make("ul", { className: "flags" }, ...words.map((word) => make("li", {}, word))),
    ...probabilities(row, colors),
    ...evidence(row, lines),
  );
}

function numbers(row) {
  const found = [
    ["P(|Δv| < 3000)", percent(row.p_3000)],
    ["second z", row.z2 === null ? "" : `${digits(row.z2, 4)} ${row.p_3000_z2 === null ? "" : `(${percent(row.p_3000_z2)})`}`.trim()],
    ["z of network", digits(row.z_net, 5)],
    ["other catalog", `${row.reference_class} ${digits(row.reference_z, 5)}`.trim()],
    ["difference", row.dv === null ? "" : `${Math.round(row.dv).toLocaleString("en")} km/s`],
    ["S/N", digits(row.sn, 2)],
  ];
  return found.filter(([, value]) => value !== "");
}

function facts(pairs) {
  const items = pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  return make("dl", { className: "facts" }, ...items);
}

function probabilities(row, colors) {
  const shares = Object.entries(row.p).map(([name, p]) => ({ name, p, color: colors[name], number: percent(p) }));
  if (row.p_bal !== null) shares.push({ name: "BAL, if quasar", p: row.p_bal, color: colors.QSO_BAL, number: percent(row.p_bal) });
  if (!shares.length) return [];
  const bars = shares.flatMap(({ name, p, color, number }) => bar(name, number, 0, p, color));
  return [make("h3", {}, "Probability of the class"), make("dl", { className: "bars" }, ...bars)];
}

// Of each line, in natural logarithms: bars to the right speak for the redshift.
function evidence(row, named) {
  const lines = Object.entries(row.evidence).filter(([, value]) => Math.abs(value) >= 0.05);
  if (!lines.length) return [];
  lines.sort(([, one], [, other]) => other - one);
  const most = Math.max(...lines.map(([, value]) => Math.abs(value)));
  const bars = lines.flatMap(([name, value]) => {
    const end = 0.5 + (0.5 * value) / most;
    const color = value > 0 ? "#24508c" : "#9a3412";
    const label = named.find((line) => line.name === name)?.label ?? name;
    return bar(label, value.toFixed(1), Math.min(0.5, end), Math.max(0.5, end), color);
  });
  return [make("h3", {}, "Evidence per line for z (ln)"), make("dl", { className: "bars" }, ...bars)];
}

function bar(name, number, start, end, color) {
  const inner = make("span", { className: "fill" });
  Object.assign(inner.style, { left: `${100 * start}%`, right: `${100 * (1 - end)}%`, background: color });
  return [
    make("dt", {}, name),
    make("dd", { className: "track", "aria-hidden": "true" }, inner),
    make("dd", { className: "number" }, number),
  ];
}

// To 1e-6 degrees, 4 milliarcseconds: a position in a file may end in float64's noise.
const degrees = (text) => (Number.isFinite(Number(text)) ? String(Number(Number(text).toFixed(6))) : text);

export function showIdentity(row, copy) {
  const { RA, DEC } = row.identity;
  const entries = Object.entries(row.identity).map(([name, value]) => [name, name === "RA" || name === "DEC" ? degrees(value) : value]);
  const children = [make("h3", {}, "Identity"), facts(entries)];
  if (RA && DEC) {
    const field = make("input", { readOnly: true, value: `${degrees(RA)}, ${degrees(DEC)}`, id: "position", "aria-label": "RA, DEC in degrees" });
    const button = make("button", { type: "button", id: "copy" }, "Copy RA, DEC");
    button.addEventListener("click", () => copy(field));
    children.push(make("div", { className: "copy" }, field, button));
  }
  fill("identity", ...children);
}

export function showPeaks(peaks, z, choose) {
  fill("peaks", ...peaks.map((peak, number) => {
    const mass = peak.mass === null || peak.mass === undefined ? "" : ` (${percent(peak.mass)})`;
    const label = `${peak.name || `peak ${number + 1}`} ${peak.z.toFixed(4)}${mass}`;
    const button = make("button", { type: "button" }, label);
    button.setAttribute("aria-pressed", Math.abs(velocity(z, peak.z)) < 1);
    button.addEventListener("click", () => choose(peak.z));
    return button;
  }));
}
