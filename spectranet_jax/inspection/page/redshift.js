// Redshifts of answers: what can be one, and of which class. data_prep/inspected.py refuses the same.

export const STAR_MOST = 0.01; // 3000 km/s: no star is faster

const FITS = {
  STAR: (z) => Math.abs(z) <= STAR_MOST,
  GALAXY: (z) => z > -STAR_MOST,
  QSO: (z) => z > 0,
  QSO_BAL: (z) => z > 0,
};

// Whether an object of a class can have a redshift; null is none.
export const fits = (kind, z) => z !== null && FITS[kind](z);

// Whether a redshift cannot stay when the class changes: that of a star is of nothing else.
export const mustGo = (z, from, to) => !fits(to, z) || (from === "STAR" && to !== "STAR" && fits("STAR", z));

export const isPossible = (z) => Number.isFinite(z) && z > -0.9 && z <= 20;

export const shown = (z) => (z === null ? "" : z.toFixed(5));
