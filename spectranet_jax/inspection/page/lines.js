// Which lines are drawn at a redshift, and in which row each name stands so that none covers another.

const LETTER = 6.4; // pixels
const ROW = 15; // pixels
const ROWS = 5;

// Columns of the sources "emission" and "absorption".
export function placed(lines, kind, z, range, size) {
  const perPixel = (range.end - range.start) / Math.max(size.width, 1);
  const free = new Array(ROWS).fill(-Infinity);
  const columns = { emission: empty(), absorption: empty() };
  const shown = lines
    .map((line) => ({ ...line, x: line.rest * (1 + z), how: how(line, kind) }))
    .filter((line) => line.how && line.x > range.start && line.x < range.end)
    .sort((one, other) => one.x - other.x);
  for (const { x, how: name, label } of shown) {
    const place = free.findIndex((end) => end < x);
    const row = place < 0 ? free.indexOf(Math.min(...free)) : place;
    free[row] = x + (label.length * LETTER + 8) * perPixel;
    columns[name].x.push(x);
    columns[name].y.push(1 - ((row + 0.7) * ROW) / Math.max(size.height, 100));
    columns[name].label.push(label);
  }
  return columns;
}

const empty = () => ({ x: [], y: [], label: [] });

function how(line, kind) {
  if (line.emission.includes(kind)) return "emission";
  return line.absorption.includes(kind) ? "absorption" : "";
}
