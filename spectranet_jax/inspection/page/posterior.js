// p(z): its peaks, and redshifts as velocities.

export const SPEED_OF_LIGHT = 299792.458; // km/s

export const velocity = (z, from) => SPEED_OF_LIGHT * (z - from) / (1 + from);

const APART = 3000; // km/s: nearer maxima are of one peak
const LEAST = 0.02; // of the highest peak
const MOST = 6;

// Redshift and height of the peaks, the highest first: those of the catalog, then maxima of p(z).
export function peaks(row, p, edges) {
  const found = [];
  const add = (z, height, mass, name) => {
    if (found.length < MOST && !found.some((peak) => Math.abs(velocity(z, peak.z)) < APART)) {
      found.push({ z, height, mass, name });
    }
  };
  const height = (z) => (p ? p[Math.floor((Math.log10(1 + z) - edges.first) / edges.width)] ?? 0 : 1);
  if (row.z !== null) add(row.z, height(row.z), row.p_3000, "Z");
  if (row.z2 !== null) add(row.z2, height(row.z2), row.p_3000_z2, "Z2");
  if (p) for (const [z, value] of maxima(p, edges)) add(z, value, null, "");
  return found;
}

function maxima(p, edges) {
  const found = [];
  for (let i = 0; i < p.length; i += 1) {
    if (p[i] > LEAST && p[i] >= (p[i - 1] ?? 0) && p[i] > (p[i + 1] ?? 0)) {
      found.push([10 ** (edges.first + edges.width * (i + 0.5)) - 1, p[i]]);
    }
  }
  return found.sort((one, other) => other[1] - one[1]);
}
