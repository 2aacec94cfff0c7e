// What an inspector does: looks at a spectrum, moves its redshift, answers, goes on.
import { get, tell } from "inspect/dom";
import { List } from "inspect/list";
import { showAnswer, showIdentity, showModel, showPeaks } from "inspect/panel";
import { unpacked } from "inspect/pixels";
import { peaks, SPEED_OF_LIGHT } from "inspect/posterior";
import { fits, isPossible, mustGo, shown } from "inspect/redshift";
import { Sheet } from "inspect/sheet";
import { isDone } from "inspect/store";

export class Inspector {
  constructor(about, store, plots) {
    Object.assign(this, { about, store, plots, index: -1, z: null, data: null, width: 0, peaks: [] });
    this.list = new List(about, store, (index) => this.show(index));
    this.sheet = new Sheet(about, (index) => { this.toggleSheet(false); this.show(index); });
    this.places = new Map(about.rows.map((row, index) => [row.row, index]));
    this.list.onUpdate = () => { if (!get("sheet").hidden) this.sheet.show(this.list.order, this.index); };
    store.listeners.push((rows) => this.answered(rows));
  }

  get row() { return this.about.rows[this.index]; }
  get answer() { return this.store.of(this.row.row); }
  get hidden() { return this.about.blind && !isDone(this.answer); }

  // The class on the screen; "" where there is none.
  get kind() { return this.answer.class || (this.hidden ? "" : this.row.class); }

  // The redshift that a spectrum is shown at first: the inspector's, or the model's if it is of such
  // a class; null where none is known.
  get usualZ() {
    const star = this.kind === "STAR";
    const same = !this.hidden && star === (this.row.class === "STAR");
    return this.answer.z ?? (same ? this.row.z : null) ?? (star ? 0 : null);
  }

  // Keys may come before the pixels do: all but the drawing is of the new spectrum at once.
  async show(index) {
    const before = this.index;
    this.index = index;
    this.data = null;
    this.z = this.usualZ;
    this.list.select(index, before);
    if (!get("sheet").hidden) this.sheet.mark(index, before);
    if (before >= 0 && before !== index) tell(""); // what was said of another spectrum
    showIdentity(this.row, copy);
    get("missing").hidden = !this.row.missing;
    get("missing").textContent = `No spectrum to show: ${this.row.missing}`;
    get("readout").textContent = "";
    this.refresh();
    const spectrum = await unpacked(index);
    if (this.index !== index) return; // another one was asked for meanwhile
    this.data = spectrum;
    this.refresh();
    this.plots.resetView();
    const next = this.list.order[this.list.order.indexOf(index) + 1];
    if (next !== undefined) unpacked(next);
  }

  redraw() {
    if (!this.data) return;
    const visible = get("show-template").checked && !this.hidden;
    const attribution = this.hidden ? null : this.data.attribution;
    get("why").hidden = !attribution;
    get("why-what").textContent = this.row.class ? "class" : "redshift"; // of a model without classes
    this.plots.draw(this.data, this.width, { visible, z: this.row.z }, attribution);
  }

  // All that depends on the answer.
  refresh() {
    if (this.given !== this.answer.z) this.z = this.usualZ;
    this.given = this.answer.z;
    showAnswer(this.row, this.answer);
    showModel(this.row, this.hidden, this.about);
    get("accept").hidden = this.hidden;
    get("template-label").hidden = !this.data?.template || this.hidden;
    const p = this.hidden ? null : this.data?.p;
    this.peaks = this.hidden ? [] : peaks(this.row, p, this.about.edges);
    get("p-of-z").hidden = !this.about.edges || this.hidden;
    this.plots.drawPosterior(p, this.about.edges, this.peaks, this.hidden ? null : this.row.reference_z);
    this.moveTo(this.z);
    this.redraw();
    this.count();
  }

  moveTo(z) {
    if (z !== null && !isPossible(z)) { tell("A redshift is a number above -0.9, up to 20."); return; }
    this.z = z;
    get("z").value = shown(z);
    get("z-slider").value = Math.log10(1 + z);
    const kind = get("lines-of").value || this.kind || "QSO";
    this.plots.drawLines({ z, kind, marked: get("show-lines").checked });
    showPeaks(this.peaks, z, (other) => this.moveTo(other));
  }

  // What stands in the field is given; what is no redshift gives way to the one before.
  typed(text) {
    const z = text === shown(this.z) ? this.z : Number(text);
    const wrong = text.trim() === "" || !isPossible(z);
    if (wrong) tell("Not a redshift: type a number above -0.9, up to 20.");
    this.moveTo(wrong ? this.z : z);
    if (!wrong) this.takeZ();
  }

  // By so many km/s.
  nudge(kms) {
    if (this.z === null) tell(NO_Z);
    else this.moveTo((1 + this.z) * (1 + kms / SPEED_OF_LIGHT) - 1);
  }

  nextPeak() {
    if (!this.peaks.length) return;
    const at = this.peaks.findIndex((peak) => Math.abs(peak.z - this.z) < 1e-5);
    this.moveTo(this.peaks[(at + 1) % this.peaks.length].z);
  }

  // A secure quality does not outlive what it was given for.
  give(changes) {
    const answer = { ...this.answer, ...changes };
    const lost = answer.class && answer.quality >= 3 && !fits(answer.class, answer.z);
    if (lost) tell("The quality is taken back: it was given for another class or redshift.");
    const kept = lost ? { ...changes, quality: null } : changes;
    this.store.set(this.row.row, { ...kept, scanner: get("scanner").value });
  }

  setClass(name) {
    const { z, class: from } = this.answer;
    const before = this.kind;
    this.give(z !== null && mustGo(z, from, name) ? { class: name, z: null } : { class: name });
    if (this.answer.z === null && mustGo(this.z, before, name)) this.moveTo(this.usualZ);
  }

  // What is on the screen is confirmed: its redshift, and the model's class unless another was given.
  setQuality(quality) {
    const { kind } = this;
    if (!kind) { tell("Give a class first: S, G, Q or B."); return; }
    if (quality > 0 && this.row.missing) { tell(UNSEEN); return; }
    if (quality >= 3 && !fits(kind, this.z)) { tell(unfit(kind, this.z)); return; }
    this.give({ class: kind, quality, z: this.z });
    if (get("advance").checked) this.step(1);
  }

  accept() {
    if (this.hidden) { tell("The model's answer is hidden until you have given class and quality."); return; }
    const { class: kind, z } = this.row;
    if (!kind) { tell("The model gives no class here."); return; }
    const accepted = kind === "STAR" ? z ?? 0 : z;
    this.give({ class: kind, z: accepted });
    this.moveTo(accepted);
  }

  takeZ() {
    if (this.z === null) tell(NO_Z);
    else if (this.z !== this.answer.z) this.give({ z: this.z });
  }

  undo() {
    const { rows, newer } = this.store.undo();
    if (newer) { tell("Not undone: the answer was changed in another tab meanwhile."); return; }
    if (!rows.length) { tell("Nothing to undo."); return; }
    const index = this.places.get(rows[0]);
    if (rows.length === 1 && index !== undefined && index !== this.index) this.show(index);
    else this.moveTo(this.usualZ);
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
    if (!order.length) tell(NONE_SHOWN);
    else if (index === undefined) tell(by > 0 ? "This is the last spectrum of the list." : "This is the first spectrum of the list.");
    else this.show(index);
  }

  // The next spectrum of the list that is not inspected, from the top again after the last.
  nextOpen() {
    const { order } = this.list;
    const at = order.indexOf(this.index) + 1;
    const open = [...order.slice(at), ...order.slice(0, at)].find((index) => !isDone(this.store.of(this.about.rows[index].row)));
    if (!order.length) tell(NONE_SHOWN);
    else if (open === undefined) tell("All spectra of the list are inspected.");
    else this.show(open);
  }

  toggleSheet(visible = get("sheet").hidden) {
    get("sheet").hidden = !visible;
    get("view").hidden = visible;
    get("sheet-toggle").setAttribute("aria-pressed", visible);
    if (visible) this.sheet.show(this.list.order, this.index);
  }
}

const NO_Z = "There is no redshift on the screen: type one, or click in p(z).";
const UNSEEN = "There is no spectrum to judge: only quality 0 is possible.";
const NONE_SHOWN = "No spectrum passes the filters.";
const unfit = (kind, z) => (z === null ? `A secure ${kind} needs a redshift: type it, or click in p(z).`
  : `z = ${shown(z)} is not possible for a ${kind}.`);

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    tell(`Copied ${field.value}`);
  } catch { tell(document.execCommand("copy") ? `Copied ${field.value}` : "Press Ctrl+C to copy."); }
}
