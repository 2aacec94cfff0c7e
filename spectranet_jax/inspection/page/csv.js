// Answers as CSV, as readers/vi_file.py writes and reads it.

export const VI = ["VI_CLASS", "VI_Z", "VI_QUALITY", "VI_COMMENT", "VI_SCANNER"];

// A spreadsheet would run text that begins so as a formula: it stands behind an apostrophe.
const FORMULA = /^[=+\-@\t\r']/;
const isNumber = (text) => text.trim() !== "" && Number.isFinite(Number(text));

const guarded = (text) => (FORMULA.test(text) && !isNumber(text) ? `'${text}` : text);
const unguarded = (text) => (text.startsWith("'") ? text.slice(1) : text);

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// Objects of text by column.
export function written(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !VI.includes(name));
  const lines = [[...names, ...VI], ...rows.map((row) => [...names, ...VI].map((name) => guarded(row[name] ?? "")))];
  return lines.map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

// Rows as cells by column, each with its number; as readers/vi_file.py, it refuses a damaged file.
export function parsed(text) {
  const [names = [], ...lines] = cells(text.replace(/^\ufeff/, ""));
  const upper = names.map((name) => name.trim().toUpperCase());
  const lacking = VI.slice(0, 3).filter((name) => !upper.includes(name));
  if (lacking.length) throw new Error(`the file has no column ${lacking.join(", ")}.`);
  const twice = upper.find((name, i) => upper.indexOf(name) !== i);
  if (twice) throw new Error(`the file has several columns ${twice}; keep one of them.`);
  return lines.map((line, i) => [line, i + 2]).filter(([line]) => line.some((cell) => cell !== "")).map(([line, number]) => {
    if (line.length !== upper.length) throw new Error(`row ${number} has ${line.length} cells, but there are ${upper.length} columns; export the file again.`);
    return { number, cells: Object.fromEntries(upper.map((name, at) => [name, unguarded(line[at])])) };
  });
}

function cells(text) {
  const lines = [];
  let line = [];
  const pattern = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) throw new Error(`the file is not CSV from row ${lines.length + 1} on: a quotation mark is not closed.`);
    const [, cell, end] = match;
    line.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end !== ",") { lines.push(line); line = []; }
    else if (pattern.lastIndex >= text.length) { line.push(""); lines.push(line); line = []; }
  }
  if (line.length) lines.push(line);
  return lines;
}
