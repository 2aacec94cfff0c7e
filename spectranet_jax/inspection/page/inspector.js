// What an inspector does: looks at a spectrum, moves its redshift, answers, goes on.
import { get, tell } from "inspect/dom";
import { List } from "inspect/list";
import { showAnswer, showIdentity, showModel, showPeaks } from "inspect/panel";
import { unpacked } from "inspect/pixels";
import { peaks } from "inspect/posterior";
import { Sheet } from "inspect/sheet";
import { isDone } from "inspect/store";

export class Inspector {
  constructor(about, store, plots) {
    Object.assign(this, { about, store, plots, index: -1, z: 0, width: 0, peaks: [] });
    this.list = new List(about, store, (index) => this.show(index));
    this.sheet = new Sheet(about, (index) => { this.toggleSheet(false); this.show(index); });
    this.places = new Map(about.rows.map((row, index) => [row.row, index]));
    this.list.onUpdate = () => { if (!get("sheet").hidden) this.sheet.show(this.list.order, this.index); };
    store.listeners.push((rows) => this.answered(rows));
  }

  get row() { return this.about.rows[this.index]; }
  get answer() { return this.store.of(this.row.row); }
  get hidden() { return this.about.blind && !isDone(this.answer); }

  async show(index) {
    const before = this.index;
    this.index = index;
    this.list.select(index, before);
    const spectrum = await unpacked(index);
    if (this.index !== index) return; // another one was asked for meanwhile
    this.data = spectrum;
    this.z = this.answer.z ?? (this.hidden ? 0 : this.row.z ?? 0);
    this.plots.shown.z = this.z;
    get("template-label").hidden = !spectrum.template || this.hidden;
    this.redraw();
    this.plots.resetView();
    showIdentity(this.row, copy);
    this.refresh();
    const next = this.list.order[this.list.order.indexOf(index) + 1];
    if (next !== undefined) unpacked(next);
  }

  redraw() {
    const visible = get("show-template").checked && !this.hidden;
    this.plots.draw(this.data, this.width, { visible, z: this.row.z });
  }

  // All that depends on the answer.
  refresh() {
    showAnswer(this.row, this.answer);
    showModel(this.row, this.hidden, this.about);
    const p = this.hidden ? null : this.data.p;
    this.peaks = this.hidden ? [] : peaks(this.row, p, this.about.edges);
    get("p-of-z").hidden = !this.about.edges || this.hidden;
    this.plots.drawPosterior(p, this.about.edges, this.peaks, this.hidden ? null : this.row.reference_z);
    this.moveTo(this.z);
    this.count();
  }

  moveTo(z) {
    if (!Number.isFinite(z) || z <= -0.9) return;
    this.z = z;
    get("z").value = z.toFixed(5);
    get("z-slider").value = Math.log10(1 + z);
    const kind = get("lines-of").value || this.answer.class || (this.hidden ? "" : this.row.class) || "QSO";
    this.plots.drawLines({ z, kind, marked: get("show-lines").checked });
    showPeaks(this.peaks, z, (other) => this.moveTo(other));
  }

  // By so many km/s.
  nudge(kms) { this.moveTo((1 + this.z) * (1 + kms / 299792.458) - 1); }

  nextPeak() {
    if (!this.peaks.length) return;
    const at = this.peaks.findIndex((peak) => Math.abs(peak.z - this.z) < 1e-5);
    this.moveTo(this.peaks[(at + 1) % this.peaks.length].z);
  }

  give(changes) { this.store.set(this.row.row, { ...changes, scanner: get("scanner").value }); }

  setClass(name) { this.give({ class: name }); }

  // What is on the screen is confirmed: class and redshift are the model's unless others were given.
  setQuality(quality) {
    const kind = this.answer.class || (this.hidden ? "" : this.row.class);
    if (!kind) { tell("Give a class first: S, G, Q or B."); return; }
    this.give({ class: kind, quality, z: this.answer.z ?? this.z });
    if (get("advance").checked) this.step(1);
  }

  accept() {
    if (this.hidden) { tell("The model's answer is hidden: give your own first."); return; }
    if (!this.row.class) { tell("The model gives no class here."); return; }
    this.give({ class: this.row.class, z: this.row.z ?? 0 });
    this.moveTo(this.row.z ?? 0);
  }

  takeZ() { this.give({ z: this.z }); }

  undo() {
    const rows = this.store.undo();
    if (!rows.length) { tell("Nothing to undo."); return; }
    const index = this.places.get(rows[0]);
    if (rows.length === 1 && index !== undefined && index !== this.index) this.show(index);
    tell("Undone.");
  }

  answered(rows) {
    const indices = rows.map((row) => this.places.get(row)).filter((index) => index !== undefined);
    this.list.refresh(indices);
    if (indices.includes(this.index)) this.refresh();
    else this.count();
  }

  count() {
    const done = this.about.rows.filter((row) => isDone(this.store.of(row.row))).length;
    get("progress").value = done / this.about.rows.length;
    get("progress-text").textContent = `${done} / ${this.about.rows.length}`;
  }

  step(by) {
    const { order } = this.list;
    const at = order.indexOf(this.index);
    const index = at < 0 ? order[0] : order[at + by];
    if (index === undefined) tell(by > 0 ? "This is the last spectrum of the list." : "This is the first one.");
    else this.show(index);
  }

  toggleSheet(visible = get("sheet").hidden) {
    get("sheet").hidden = !visible;
    get("view").hidden = visible;
    get("sheet-toggle").setAttribute("aria-pressed", visible);
    if (visible) this.sheet.show(this.list.order, this.index);
  }
}

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    tell(`Copied ${field.value}`);
  } catch { tell(document.execCommand("copy") ? `Copied ${field.value}` : "Press Ctrl+C to copy."); }
}
