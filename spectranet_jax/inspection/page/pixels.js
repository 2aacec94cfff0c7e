// Spectra unpacked when they are looked at; see inspection/packing.py for how they are packed.
import { data } from "inspect/dom";

const KEPT = 12;
const cache = new Map();

// float16 -> float, by a table of all of them.
const HALF = new Float32Array(65536).map((_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
});

export function unpacked(index) {
  if (!cache.has(index)) {
    cache.set(index, unpack(data(`spectrum-${index}`)));
    if (cache.size > KEPT) cache.delete(cache.keys().next().value);
  }
  return cache.get(index);
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const content = new Uint8Array(await new Response(stream).arrayBuffer());
  const arrays = {};
  let at = 0;
  for (const [name, count, size] of packed.planes) {
    arrays[name] = numbers(content.subarray(at, at + count * size), count, size);
    at += count * size;
  }
  const { wavelength, starts } = wavelengths(packed.segments, arrays.wavelength);
  for (const name of ["flux", "sigma", "template"]) {
    arrays[name] = arrays[name]?.map((value) => value * packed.scale);
  }
  return { ...arrays, wavelength, starts };
}

function numbers(planes, count, size) {
  const bytes = new Uint8Array(count * size);
  for (let byte = 0; byte < size; byte += 1) {
    for (let i = 0; i < count; i += 1) bytes[i * size + byte] = planes[byte * count + i];
  }
  if (size === 4) return new Float32Array(bytes.buffer);
  return Float32Array.from(new Uint16Array(bytes.buffer), (bits) => HALF[bits]);
}

// Angstrom of every pixel, and where each run of them starts, with the end behind the last.
function wavelengths(segments, table) {
  const total = segments.reduce((sum, segment) => sum + segment[3], 0);
  const wavelength = new Float64Array(total);
  const starts = [0];
  let at = 0;
  let taken = 0;
  for (const [kind, first, step, count] of segments) {
    for (let i = 0; i < count; i += 1) {
      const value = first + step * i;
      wavelength[at + i] = kind === "table" ? table[taken + i] : kind === "log" ? 10 ** value : value;
    }
    if (kind === "table") taken += count;
    at += count;
    starts.push(at);
  }
  return { wavelength, starts };
}
