// Answers to a file and back.
import { get, make, tell } from "inspect/dom";
import { parsed, written } from "inspect/csv";
import { fits, isPossible } from "inspect/redshift";
import { same } from "inspect/store";

export function exportAnswers(about, store) {
  const rows = about.rows.filter((row) => store.answers.has(row.row)).map((row) => cells(row, store.of(row.row), get("scanner").value));
  const blob = new Blob([written(rows)], { type: "text/csv" });
  const part = about.pages.length > 1 ? `-${String(about.number + 1).padStart(2, "0")}` : "";
  const name = `${about.title}${part}-vi-${get("scanner").value || "inspector"}`.replace(/[^\w.-]+/g, "_");
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  const nameless = rows.filter((row) => row.VI_SCANNER === "").length;
  tell(`Exported ${rows.length} answers.${nameless ? ` ${nameless} have no name: write yours in the field Inspector, and export again.` : ""}`);
}

// An answer that was given before the inspector wrote a name gets it now.
function cells(row, answer, scanner) {
  return {
    FILE: row.file,
    ID: row.id,
    OCCURRENCE: String(row.occurrence),
    ...row.identity,
    VI_CLASS: answer.class,
    VI_Z: answer.z === null ? "" : String(Number(answer.z.toFixed(6))),
    VI_QUALITY: answer.quality === null ? "" : String(answer.quality),
    VI_COMMENT: answer.comment,
    VI_SCANNER: answer.scanner || scanner,
  };
}

export async function importAnswers(file, about, store) {
  try {
    const rows = parsed(await file.text());
    const places = new Places(about.rows);
    const pairs = rows
      .map(({ cells: row, number }) => [places.of(row, number), answerOf(row, number, about.classes)])
      .filter(([place]) => place !== null);
    const taken = new Set(pairs.map(([place]) => place));
    if (taken.size < pairs.length) throw new Error("several rows belong to one spectrum; keep one of them.");
    const replaced = pairs.filter(([place, answer]) => store.answers.has(place) && !same(store.of(place), answer)).length;
    if (replaced && !window.confirm(`${replaced} of your answers differ from the file's. Replace them?`)) {
      throw new Error(`${replaced} of your answers would have been replaced.`);
    }
    store.setAll(pairs);
    const lost = rows.length - pairs.length;
    tell(`Imported ${pairs.length} answers${replaced ? `, ${replaced} in place of yours` : ""}${lost ? `; ${lost} belong to no spectrum on this page` : ""}.`);
  } catch (error) { tell(`Nothing imported: ${error.message}`); }
}

const isDecimal = (text) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text);

// As readers/vi_file.py has it: what is none of what is allowed is refused.
function answerOf(row, number, classes) {
  const refuse = (name, what) => {
    throw new Error(`"${row[name]}" in column ${name}, row ${number}, is ${what}.`);
  };
  const [kind, z, quality] = ["VI_CLASS", "VI_Z", "VI_QUALITY"].map((name) => row[name].trim());
  if (kind && !classes.includes(kind)) refuse("VI_CLASS", `not one of ${classes.join(", ")}`);
  if (z && !(isDecimal(z) && isPossible(Number(z)))) refuse("VI_Z", "not a redshift above -0.9, up to 20");
  if (quality && !/^[0-4]$/.test(quality)) refuse("VI_QUALITY", "not one of 0, 1, 2, 3, 4");
  const given = z ? Number(z) : kind === "STAR" && quality ? 0 : null;
  if (kind && Number(quality) >= 3 && !fits(kind, given)) refuse("VI_Z", `not a redshift of a secure ${kind}`);
  return {
    class: kind,
    z: given,
    quality: quality ? Number(quality) : null,
    comment: row.VI_COMMENT ?? "",
    scanner: row.VI_SCANNER ?? "",
  };
}

// Rows by what names them: file and ID, and which of those that share both; elsewhere the file may
// lie in another folder.
class Places {
  constructor(rows) {
    this.byName = new Map();
    for (const row of rows) {
      for (const key of keys(row.file, row.id)) this.byName.set(key, [...(this.byName.get(key) ?? []), row]);
    }
  }

  of(row, number) {
    const key = keys(row.FILE ?? "", row.ID ?? "").find((name) => this.byName.has(name));
    if (key === undefined) return null;
    const named = this.byName.get(key);
    const which = (row.OCCURRENCE ?? "").trim();
    const found = which ? named.filter(({ occurrence }) => occurrence === Number(which)) : named;
    if (found.length > 1) throw new Error(`row ${number} could belong to ${found.length} spectra, which share FILE and ID; keep the column OCCURRENCE.`);
    return found[0]?.row ?? null;
  }
}

function keys(file, id) {
  return [`file ${file}\n${id}`, `name ${file.split("/").pop()}\n${id}`];
}
