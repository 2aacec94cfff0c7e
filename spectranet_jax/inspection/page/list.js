// The list at the side: which rows it shows, in which order.
import { digits, fill, get, make, percent } from "inspect/dom";
import { isDone } from "inspect/store";

const up = (key) => (one, other) => (one[key] ?? Infinity) - (other[key] ?? Infinity);

// How far apart we and the other catalog are: other classes first, then by velocity.
const apart = ({ class_differs, dv }) => (class_differs ? Infinity : Math.abs(dv ?? 0));

// Name -> order, whether it tells what the model answers, and whether it needs another catalog.
const SORTS = {
  "least sure first": { by: up("sureness"), tells: true },
  "catalog order": { by: up("row"), tells: false },
  "class": { by: (one, other) => one.class.localeCompare(other.class) || up("z")(one, other), tells: true },
  "redshift": { by: up("z"), tells: true },
  "P_3000": { by: up("p_3000"), tells: true },
  "ZWARN first": { by: (one, other) => !one.zwarn - !other.zwarn || up("sureness")(one, other), tells: true },
  "S/N": { by: up("sn"), tells: false },
  "disagreement": { by: (one, other) => apart(other) - apart(one), tells: true, compares: true },
};

const RANGES = [
  { key: "z", name: "Z", tells: true },
  { key: "p_3000", name: "P_3000", tells: true },
  { key: "sn", name: "S/N", tells: false },
  { key: "dv", name: "|Δv| km/s", tells: true, compares: true },
];

export class List {
  constructor(about, store, choose) {
    Object.assign(this, { about, store, choose, order: [] });
    const compared = about.rows.some((row) => row.reference_z !== null || row.reference_class);
    const offered = ({ tells, compares }) => !(about.blind && tells) && (compared || !compares);
    const sorts = Object.entries(SORTS).filter(([, sort]) => offered(sort));
    fill("sort", ...sorts.map(([name]) => make("option", { value: name }, name)));
    const kinds = about.blind ? [""] : ["", ...about.classes, "none"];
    fill("filter-class", ...kinds.map((name) => make("option", { value: name }, name || "all")));
    fill("ranges", ...RANGES.filter(offered).map(rangeFields));
    get("zwarn-label").hidden = about.blind;
    get("sure").hidden = about.blind || about.rows.every((row) => row.sureness === null);
    this.items = about.rows.map((_, index) => this.item(index));
    for (const id of ["sort", "filter-class", "filter-status", "limits"]) {
      get(id).addEventListener("input", () => this.update());
    }
    get("filter-clear").addEventListener("click", () => this.clear());
  }

  item(index) {
    const element = make("div", { className: "item", id: `item-${index}`, role: "option", "aria-selected": "false" });
    element.addEventListener("click", () => this.choose(index));
    return element;
  }

  clear() {
    for (const field of get("limits").querySelectorAll("input")) { field.value = ""; field.checked = false; }
    get("filter-class").value = "";
    get("filter-status").value = "";
    this.update();
  }

  // Filter and sort anew. The row that is shown stays where it is.
  update() {
    const rows = this.about.rows;
    const kept = rows.map((_, index) => index).filter((index) => this.keeps(rows[index]));
    const { by } = SORTS[get("sort").value];
    this.order = kept.sort((one, other) => by(rows[one], rows[other]) || one - other);
    fill("list", ...this.order.map((index) => this.items[index]));
    this.refresh(this.order);
    get("shown").textContent = `${this.order.length} of ${rows.length} spectra`;
    this.onUpdate?.();
  }

  keeps(row) {
    const kind = get("filter-class").value;
    if (kind && (row.class || "none") !== kind) return false;
    const status = get("filter-status").value;
    if (status && isDone(this.store.of(row.row)) !== (status === "done")) return false;
    if (get("filter-zwarn").checked && !row.warnings.length && !row.flags.length) return false;
    const text = get("filter-text").value.toLowerCase();
    if (text && !`${row.id} ${row.file}`.toLowerCase().includes(text)) return false;
    return RANGES.every(({ key }) => within(key, key === "dv" && row.dv !== null ? Math.abs(row.dv) : row[key]));
  }

  // What items say, after an answer was given.
  refresh(indices) {
    for (const index of indices) {
      const row = this.about.rows[index];
      const answer = this.store.of(row.row);
      const done = isDone(answer);
      this.items[index].replaceChildren(
        make("span", { className: "id" }, row.id || row.file),
        make("span", { title: "sure of class and redshift" }, this.about.blind && !done ? "" : percent(row.sureness)),
        make("span", { className: "mark", title: done ? "inspected" : "" }, done ? `✓${answer.quality}` : answer.class ? "·" : ""),
        make("span", { className: "what" }, this.what(row, answer, done)),
      );
    }
  }

  what(row, answer, done) {
    if (answer.class) return `${answer.class} ${digits(answer.z, 4)} (yours)`;
    if (this.about.blind && !done) return "";
    return `${row.class || "no class"} ${digits(row.z, 4)}`;
  }

  select(index, before) {
    this.items[before]?.setAttribute("aria-selected", "false");
    this.items[index].setAttribute("aria-selected", "true");
    get("list").setAttribute("aria-activedescendant", `item-${index}`);
    this.items[index].scrollIntoView({ block: "nearest" });
  }
}

function rangeFields({ key, name }) {
  const field = (end, word) => make("input", { type: "number", step: "any", id: `${key}-${end}`, "aria-label": `${name} ${word}` });
  return make("label", {}, make("span", {}, name), field("low", "at least"), "to", field("high", "at most"));
}

// A value that is absent is within no limits but absent ones; limits that are not offered do not count.
function within(key, value) {
  const low = get(`${key}-low`)?.value ?? "";
  const high = get(`${key}-high`)?.value ?? "";
  if (low === "" && high === "") return true;
  if (value === null) return false;
  return (low === "" || value >= Number(low)) && (high === "" || value <= Number(high));
}
