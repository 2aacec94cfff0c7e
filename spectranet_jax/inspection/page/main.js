// Starts the page: makes what it is of, and ties its fields and buttons to the inspector.
import { data, fill, get, make, warn } from "inspect/dom";
import { exportAnswers, importAnswers } from "inspect/files";
import { Inspector } from "inspect/inspector";
import { listen } from "inspect/keys";
import { Plots } from "inspect/plots";
import { isPossible } from "inspect/redshift";
import { isDone, keepSetting, setting, Store } from "inspect/store";

const about = data("about");
const store = new Store(about.fingerprint, warn);
const inspector = new Inspector(about, store, await Plots.make(about.lines));

const on = (id, event, act) => get(id).addEventListener(event, act);
const name = { STAR: "STAR", GALAXY: "GALAXY", QSO: "QSO", QSO_BAL: "BAL" };
const key = { STAR: "s", GALAXY: "g", QSO: "q", QSO_BAL: "b" };

function choices(id, values, label, act) {
  fill(id, ...values.map((value) => {
    const button = make("button", { type: "button", value, "aria-pressed": "false" }, ...label(value));
    button.addEventListener("click", () => act(value));
    return button;
  }));
}

choices("classes", about.classes, (kind) => [`${name[kind]} `, make("kbd", {}, key[kind])], (kind) => inspector.setClass(kind));
choices("qualities", [0, 1, 2, 3, 4], (quality) => [String(quality)], (quality) => inspector.setQuality(quality));
fill("lines-of", make("option", { value: "" }, "its class"), ...about.classes.map((kind) => make("option", { value: kind }, kind)));

for (const id of ["lines-of", "show-lines"]) on(id, "input", () => inspector.moveTo(inspector.z));
on("show-template", "input", () => inspector.redraw());
on("z-slider", "input", () => inspector.moveTo(10 ** Number(get("z-slider").value) - 1));
on("z", "input", () => {
  const text = get("z").value;
  if (text !== "" && isPossible(Number(text))) inspector.plots.drawLines({ z: Number(text) });
});
on("z", "keydown", ({ key: pressed }) => {
  if (pressed === "Escape") inspector.moveTo(inspector.z);
  if (pressed !== "Enter") return;
  inspector.typed(get("z").value);
  get("z").blur();
});
on("z", "change", () => inspector.typed(get("z").value));
on("take", "click", () => inspector.takeZ());
on("smooth", "input", () => {
  inspector.width = Number(get("smooth").value);
  get("smooth-text").value = inspector.width ? `${inspector.width} pixels` : "native";
  inspector.redraw();
});
on("reset", "click", () => inspector.plots.resetView());
on("accept", "click", () => inspector.accept());
on("next", "click", () => inspector.step(1));
on("previous", "click", () => inspector.step(-1));
on("undo", "click", () => inspector.undo());
// A field that is still open when the page is left counts too.
window.addEventListener("pagehide", () => document.activeElement?.blur());
on("comment", "change", () => inspector.give({ comment: get("comment").value }));
on("export", "click", () => exportAnswers(about, store));
on("import", "click", () => get("import-file").click());
on("import-file", "change", async () => {
  const [file] = get("import-file").files;
  if (file) await importAnswers(file, about, store);
  get("import-file").value = "";
});
on("sheet-toggle", "click", () => inspector.toggleSheet());
on("help-open", "click", () => get("help").showModal());
on("scanner", "change", () => keepSetting("scanner", get("scanner").value));
on("advance", "change", () => keepSetting("advance", get("advance").checked ? "yes" : ""));
get("scanner").value = setting("scanner", "");
get("advance").checked = setting("advance", "") === "yes";
get("smooth-text").value = "native";

if (about.pages.length > 1) {
  get("pages").hidden = false;
  const options = about.pages.map(([file, count], i) => make("option", { value: file, selected: i === about.number }, `page ${i + 1} (${count})`));
  const select = make("select", { "aria-label": "Page" }, ...options);
  select.addEventListener("change", () => { location.href = encodeURIComponent(select.value); });
  fill("pages", select);
}

function readout({ x }) {
  const at = inspector.plots.nearest(x);
  if (at < 0) return;
  const { wavelength, flux, sigma } = inspector.plots.data;
  const value = sigma[at] > 0 ? `flux ${flux[at].toPrecision(3)} ± ${sigma[at].toPrecision(2)}` : "masked";
  const rest = inspector.z === null ? "" : `rest ${(wavelength[at] / (1 + inspector.z)).toFixed(1)} Å   `;
  get("readout").textContent = `${wavelength[at].toFixed(1)} Å   ${rest}${value}`;
}
inspector.plots.spectrum.on_event("mousemove", readout);
inspector.plots.posterior.on_event("tap", ({ x }) => inspector.moveTo(10 ** x - 1));

listen(inspector);
inspector.list.update();
const open = inspector.list.order.find((index) => !isDone(store.of(about.rows[index].row)));
await inspector.show(open ?? inspector.list.order[0]);
if (about.thumbnails) inspector.toggleSheet(true);
window.inspector = inspector;
document.documentElement.dataset.ready = "yes";
