// Answers to a file and back.
import { get, make, tell } from "inspect/dom";
import { parsed, written } from "inspect/csv";

export function exportAnswers(about, store) {
  const rows = about.rows.filter((row) => store.answers.has(row.row)).map((row) => cells(row, store.of(row.row)));
  const blob = new Blob([written(rows)], { type: "text/csv" });
  const name = `${about.title}-vi-${get("scanner").value || "inspector"}`.replace(/[^\w.-]+/g, "_");
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  tell(`Exported ${rows.length} answers.`);
}

function cells(row, answer) {
  return {
    FILE: row.file,
    ID: row.id,
    ...row.identity,
    VI_CLASS: answer.class,
    VI_Z: answer.z === null ? "" : String(Number(answer.z.toFixed(6))),
    VI_QUALITY: answer.quality === null ? "" : String(answer.quality),
    VI_COMMENT: answer.comment,
    VI_SCANNER: answer.scanner,
  };
}

export async function importAnswers(file, about, store) {
  try {
    const rows = parsed(await file.text());
    const places = new Places(about.rows);
    const pairs = rows.map((row) => [places.of(row), answerOf(row, about.classes)]).filter(([place]) => place !== null);
    store.setAll(pairs);
    const lost = rows.length - pairs.length;
    tell(`Imported ${pairs.length} answers${lost ? `; ${lost} are of no spectrum on this page` : ""}.`);
  } catch (error) { tell(`Nothing imported: ${error.message}`); }
}

function answerOf(row, classes) {
  const z = row.VI_Z.trim() === "" ? NaN : Number(row.VI_Z);
  const quality = row.VI_QUALITY.trim();
  return {
    class: classes.includes(row.VI_CLASS) ? row.VI_CLASS : "",
    z: Number.isFinite(z) ? z : null,
    quality: /^[0-4]$/.test(quality) ? Number(quality) : null,
    comment: row.VI_COMMENT ?? "",
    scanner: row.VI_SCANNER ?? "",
  };
}

// Rows by what names them: file and ID; elsewhere the file may lie in another folder.
class Places {
  constructor(rows) {
    this.byName = new Map();
    for (const row of rows) {
      for (const key of keys(row.file, row.id)) {
        this.byName.set(key, [...(this.byName.get(key) ?? []), row.row]);
      }
    }
  }

  // Of spectra of equal names the first answer is of the first.
  of(row) {
    const key = keys(row.FILE ?? "", row.ID ?? "").find((name) => this.byName.get(name)?.length);
    if (key === undefined) return null;
    const place = this.byName.get(key)[0];
    for (const [name, places] of this.byName) {
      if (places.includes(place)) this.byName.set(name, places.filter((other) => other !== place));
    }
    return place;
  }
}

function keys(file, id) {
  return [`file ${file}\n${id}`, `name ${file.split("/").pop()}\n${id}`];
}
