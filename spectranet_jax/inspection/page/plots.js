// The two Bokeh figures: their sources are filled anew for each spectrum.
import { data, get } from "inspect/dom";
import { placed } from "inspect/lines";
import { smoothed } from "inspect/smoothing";

const { Bokeh } = window;

export class Plots {
  static async make(lines) {
    for (const item of Object.values(data("figures"))) await Bokeh.embed.embed_item(item);
    return new Plots(lines);
  }

  constructor(lines) {
    this.lines = lines;
    this.model = (name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find((found) => found);
    this.spectrum = this.model("spectrum");
    this.posterior = this.model("posterior");
    this.rest = this.model("rest-frame");
    this.shown = { z: null, kind: "", marked: true };
    const redraw = () => this.drawLines();
    this.spectrum.x_range.properties.start.change.connect(redraw);
    this.spectrum.x_range.properties.end.change.connect(redraw);
    new ResizeObserver(redraw).observe(get("spectrum-figure"));
  }

  fill(name, columns) { this.model(name).data = columns; }

  // A spectrum as pixels.js unpacks it, smoothed by so many pixels.
  draw(spectrum, width, template, attribution) {
    this.data = spectrum;
    const { wavelength: x = [], starts } = spectrum;
    const empty = { flux: new Float32Array(0), sigma: new Float32Array(0) };
    const { flux, sigma } = spectrum.flux ? smoothed(spectrum.flux, spectrum.sigma, starts, width) : empty;
    this.fill("flux", broken(x, starts, [masked(flux, sigma)]));
    this.fill("error", broken(x, starts, [masked(sigma, sigma)]));
    this.fill("band", banded(x, flux, sigma, starts));
    this.fill("masked", strips(x, sigma, starts));
    this.fill("attribution", attributed(x, attribution));
    this.drawTemplate(template);
    // A line of a few pixels is seen whole; a single noisy pixel does not set the scale.
    const steady = spectrum.flux ? smoothed(spectrum.flux, spectrum.sigma, starts, Math.max(width, 2)) : empty;
    this.limits = limits(steady.flux, spectrum.sigma ?? empty.sigma, spectrum.flux ?? empty.flux);
    this.drawLines();
  }

  // The template was fitted at a redshift of the catalog, and is shown at the present one.
  drawTemplate({ visible, z }) {
    this.template = { visible, z };
    const { wavelength: x = [], starts, template } = this.data;
    const at = this.shown.z ?? z;
    const shift = (1 + at) / (1 + (z ?? at));
    const moved = Float64Array.from(x, (value) => value * shift);
    this.fill("template", template && visible ? broken(moved, starts, [template]) : { x: [], y: [] });
  }

  resetView() {
    const { wavelength: x = [] } = this.data;
    const low = x.length ? x.reduce((a, b) => Math.min(a, b)) : 3600;
    const high = x.length ? x.reduce((a, b) => Math.max(a, b)) : 10000;
    const pad = 0.01 * (high - low);
    range(this.spectrum.x_range, low - pad, high + pad);
    this.resetHeight();
    const { reset_start: start, reset_end: end } = this.posterior.x_range;
    this.posterior.x_range.setv({ start, end });
  }

  resetHeight() { range(this.spectrum.y_range, ...this.limits); }

  // The flux axis for what is in sight.
  fitHeight() {
    const { wavelength, flux, sigma, starts } = this.data;
    if (!flux) return;
    const { start, end } = this.spectrum.x_range;
    const steady = smoothed(flux, sigma, starts, 2).flux;
    const [low, high] = limits(steady, sigma.map((value, i) => (wavelength[i] > start && wavelength[i] < end ? value : 0)), flux);
    this.spectrum.y_range.setv({ start: low, end: high });
  }

  // By a factor about the middle, and to the side by a fraction of the width.
  zoom(factor, aside = 0) {
    const { start, end } = this.spectrum.x_range;
    const middle = (start + end) / 2 + aside * (end - start);
    const half = (factor * (end - start)) / 2;
    this.spectrum.x_range.setv({ start: middle - half, end: middle + half });
  }

  drawLines(changes = {}) {
    Object.assign(this.shown, changes);
    const { z, kind, marked } = this.shown;
    const { start, end } = this.spectrum.x_range;
    this.rest.setv({ start: start / (1 + z), end: end / (1 + z) });
    const box = get("spectrum-figure").getBoundingClientRect();
    const size = { width: box.width - 110, height: box.height - 90 };
    const columns = placed(marked && z !== null ? this.lines : [], kind, z, { start, end }, size);
    for (const [name, values] of Object.entries(columns)) this.fill(name, values);
    if (this.data?.template) this.drawTemplate(this.template);
    this.model("z-mark").location = z === null ? -1 : Math.log10(1 + z);
  }

  drawPosterior(p, edges, peaks, reference) {
    const x = p ? Float64Array.from(p, (_, i) => edges.first + edges.width * (i + 0.5)) : [];
    this.fill("p", { x, y: p ?? [] });
    this.fill("peaks", { x: peaks.map((peak) => Math.log10(1 + peak.z)), y: peaks.map((peak) => peak.height) });
    this.model("z-reference").location = reference === null ? -1 : Math.log10(1 + reference);
  }

  // The pixel nearest to a wavelength.
  nearest(wavelength) {
    const { wavelength: x = [] } = this.data;
    let best = -1;
    for (let i = 0; i < x.length; i += 1) {
      if (best < 0 || Math.abs(x[i] - wavelength) < Math.abs(x[best] - wavelength)) best = i;
    }
    return best;
  }
}

function range(model, start, end) { model.setv({ start, end, reset_start: start, reset_end: end }); }

const masked = (flux, sigma) => flux.map((value, i) => (sigma[i] > 0 ? value : NaN));

// Columns x and y with a gap between the arms of the spectrograph.
function broken(x, starts, [y]) {
  if (!x.length || starts.length < 3) return { x, y };
  const columns = { x: [], y: [] };
  for (let arm = 0; arm + 1 < starts.length; arm += 1) {
    columns.x.push(...x.slice(starts[arm], starts[arm + 1]), x[starts[arm + 1] - 1]);
    columns.y.push(...y.slice(starts[arm], starts[arm + 1]), NaN);
  }
  return columns;
}

// flux - sigma to flux + sigma, a box per pixel: a browser fills thousands of boxes far faster than
// a polygon of thousands of corners.
function banded(x, flux, sigma, starts = []) {
  const columns = { left: [], right: [], low: [], high: [] };
  for (let arm = 0; arm + 1 < starts.length; arm += 1) {
    for (let i = starts[arm]; i + 1 < starts[arm + 1]; i += 1) {
      if (!(sigma[i] > 0)) continue;
      const half = (x[i + 1] - x[i]) / 2;
      columns.left.push(x[i] - half);
      columns.right.push(x[i] + half);
      columns.low.push(flux[i] - sigma[i]);
      columns.high.push(flux[i] + sigma[i]);
    }
  }
  return columns;
}

// Runs of masked pixels, from half a pixel before to half a pixel behind.
function strips(x, sigma, starts = []) {
  const columns = { x0: [], x1: [] };
  for (let arm = 0; arm + 1 < starts.length; arm += 1) {
    for (let i = starts[arm]; i < starts[arm + 1]; i += 1) {
      if (sigma[i] > 0) continue;
      const first = i;
      while (i + 1 < starts[arm + 1] && !(sigma[i + 1] > 0)) i += 1;
      const half = 0.5 * Math.abs((x[first + 1] ?? x[first]) - (x[first - 1] ?? x[first])) / 2;
      columns.x0.push(x[first] - half);
      columns.x1.push(x[i] + half);
    }
  }
  return columns;
}

// What speaks for the class in blue, what speaks against it in red.
function attributed(x, values) {
  const columns = { left: [], right: [], color: [] };
  if (!values) return columns;
  const step = 8;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  for (let i = 0; i + step < values.length; i += step) {
    const mean = values.slice(i, i + step).reduce((sum, value) => sum + value, 0) / step / largest;
    if (x[i + step] <= x[i] || Math.abs(mean) < 0.02) continue;
    columns.left.push(x[i]);
    columns.right.push(x[i + step]);
    columns.color.push(mean > 0 ? `rgba(36,80,140,${Math.min(1, mean)})` : `rgba(180,50,20,${Math.min(1, -mean)})`);
  }
  return columns;
}

// Of the flux axis: what most pixels span and the peaks of lines, with room above for their names.
function limits(flux, sigma, native) {
  const errors = sigma.filter((value) => value > 0).sort();
  if (!errors.length) return [0, 1];
  const usual = 4 * errors[errors.length >> 1];
  const steady = flux.filter((value, i) => sigma[i] > 0 && sigma[i] < usual).sort();
  const low = Math.min(steady[Math.floor(0.002 * steady.length)], 0);
  const high = Math.max(steady[Math.ceil(0.998 * (steady.length - 1))], peak(native, sigma, usual));
  const height = Math.max(high - low, 1e-6);
  return [low - 0.1 * height, high + 0.3 * height];
}

// The highest pixel that is no lone spike: one beside it is at least half as high.
function peak(flux, sigma, usual) {
  const beside = (i) => (sigma[i] > 0 ? flux[i] : 0);
  return flux.reduce((most, value, i) => {
    const sure = sigma[i] > 0 && sigma[i] < usual && value > 5 * sigma[i];
    return sure && Math.max(beside(i - 1), beside(i + 1)) > value / 2 ? Math.max(most, value) : most;
  }, 0);
}
