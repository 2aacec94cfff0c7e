// A Gaussian over pixels, weighted by ivar, within each arm; a masked pixel counts for nothing and stays masked.

export function smoothed(flux, sigma, starts, width) {
  if (width === 0) return { flux, sigma };
  const kernel = [];
  for (let i = 0; i <= Math.ceil(3 * width); i += 1) kernel.push(Math.exp(-0.5 * (i / width) ** 2));
  const result = { flux: new Float32Array(flux.length), sigma: new Float32Array(flux.length) };
  for (let arm = 0; arm + 1 < starts.length; arm += 1) {
    for (let i = starts[arm]; i < starts[arm + 1]; i += 1) {
      if (sigma[i] > 0) average(flux, sigma, kernel, i, starts[arm], starts[arm + 1], result);
    }
  }
  return result;
}

function average(flux, sigma, kernel, i, first, end, result) {
  let total = 0;
  let weights = 0;
  let variance = 0;
  const last = Math.min(end, i + kernel.length);
  for (let j = Math.max(first, i - kernel.length + 1); j < last; j += 1) {
    if (!(sigma[j] > 0)) continue;
    const k = kernel[Math.abs(j - i)];
    const weight = k / (sigma[j] * sigma[j]);
    total += weight * flux[j];
    weights += weight;
    variance += k * weight;
  }
  result.flux[i] = total / weights;
  result.sigma[i] = Math.sqrt(variance) / weights;
}
