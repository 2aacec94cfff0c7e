// The contact sheet: every spectrum as a small picture, drawn when it comes into sight.
import { digits, fill, make } from "inspect/dom";
import { unpacked } from "inspect/pixels";

const WIDTH = 190;
const HEIGHT = 84;

export class Sheet {
  constructor(about, choose) {
    this.about = about;
    this.seen = new IntersectionObserver((entries) => this.draw(entries), { rootMargin: "300px" });
    this.cards = about.rows.map((row, index) => this.card(row, index, choose));
  }

  card(row, index, choose) {
    const words = this.about.blind ? "" : `${row.class || "no class"} ${digits(row.z, 3)}`;
    const canvas = make("canvas", { width: 2 * WIDTH, height: 2 * HEIGHT });
    const element = make("button", { type: "button" }, canvas, make("span", {}, row.id || row.file), make("span", {}, words));
    element.addEventListener("click", () => choose(index));
    element.index = index;
    return element;
  }

  show(order, current) {
    fill("sheet", ...order.map((index) => this.cards[index]));
    for (const index of order) {
      this.set(index, index === current);
      this.seen.observe(this.cards[index]);
    }
  }

  // Moves the mark from one card to another.
  mark(index, before) {
    const follows = document.activeElement === this.cards[before];
    if (before >= 0) this.set(before, false);
    this.set(index, true);
    this.cards[index].scrollIntoView({ block: "nearest" });
    if (follows) this.cards[index].focus();
  }

  // The Tab key stops at the marked card alone: it need not pass a thousand.
  set(index, marked) {
    this.cards[index].setAttribute("aria-current", marked);
    this.cards[index].tabIndex = marked ? 0 : -1;
  }

  async draw(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.seen.unobserve(target);
      const color = this.about.blind ? "#24508c" : this.about.colors[this.about.rows[target.index].class] ?? "#4b5563";
      picture(target.firstChild, await unpacked(target.index), color);
    }
  }
}

// Means of the pixels of each column, within what most of them span.
function picture(canvas, { wavelength = [], flux = [], sigma = [] }, color) {
  const means = columns(wavelength, flux, sigma, WIDTH);
  const known = means.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (!known.length) return;
  const low = Math.min(known[Math.floor(0.01 * known.length)], 0);
  const high = known[Math.ceil(0.99 * (known.length - 1))];
  const y = (value) => 2 * HEIGHT * (0.95 - (0.9 * (value - low)) / Math.max(high - low, 1e-9));
  const pen = canvas.getContext("2d");
  Object.assign(pen, { strokeStyle: color, lineWidth: 2, lineJoin: "round" });
  pen.beginPath();
  means.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    if (i > 0 && !Number.isNaN(means[i - 1])) pen.lineTo(2 * i, y(value));
    else pen.moveTo(2 * i, y(value));
  });
  pen.stroke();
}

function columns(wavelength, flux, sigma, count) {
  const sums = new Float64Array(count);
  const weights = new Float64Array(count);
  const low = wavelength.length ? wavelength.reduce((a, b) => Math.min(a, b)) : 0;
  const high = wavelength.length ? wavelength.reduce((a, b) => Math.max(a, b)) : 1;
  for (let i = 0; i < flux.length; i += 1) {
    if (!(sigma[i] > 0)) continue;
    const column = Math.min(count - 1, Math.floor((count * (wavelength[i] - low)) / (high - low || 1)));
    const weight = 1 / (sigma[i] * sigma[i]);
    sums[column] += weight * flux[i];
    weights[column] += weight;
  }
  return Array.from(sums, (sum, i) => (weights[i] > 0 ? sum / weights[i] : NaN));
}
