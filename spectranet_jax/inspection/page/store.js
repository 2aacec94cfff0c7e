// Answers, kept in the browser: an entry per row of the catalog, so that tabs do not overwrite each other.

const EMPTY = { class: "", z: null, quality: null, comment: "", scanner: "" };

export const isDone = (answer) => answer.class !== "" && answer.quality !== null;

const isAnswered = (answer) => isDone(answer) || answer.class !== "" || answer.quality !== null
  || answer.comment !== "" || answer.z !== null;

export const same = (one, other) => Object.keys(EMPTY).every((name) => one[name] === other[name]);

export class Store {
  constructor(fingerprint, warn) {
    this.prefix = `spectranet-inspect:${fingerprint}:`;
    this.warn = warn;
    this.answers = new Map();
    this.history = [];
    this.listeners = [];
    this.eachKept((row, text) => this.take(row, text));
    window.addEventListener("storage", (event) => {
      if (!event.key?.startsWith(this.prefix)) return;
      const row = Number(event.key.slice(this.prefix.length));
      this.take(row, event.newValue);
      this.changed([row]);
    });
  }

  eachKept(use) {
    try {
      for (let i = 0; i < localStorage.length; i += 1) {
        const key = localStorage.key(i);
        if (key.startsWith(this.prefix)) use(Number(key.slice(this.prefix.length)), localStorage.getItem(key));
      }
    } catch { this.warn("This browser keeps no answers here: export them before you leave."); }
  }

  take(row, text) {
    try {
      const answer = { ...EMPTY, ...JSON.parse(text) };
      if (isAnswered(answer)) this.answers.set(row, answer);
      else this.answers.delete(row);
    } catch { this.answers.delete(row); }
  }

  of(row) { return this.answers.get(row) ?? EMPTY; }

  set(row, changes) { this.setAll([[row, changes]]); }

  // Several answers, undone in one step.
  setAll(pairs) {
    const steps = pairs.map(([row, changes]) => ({ row, before: this.of(row), after: { ...this.of(row), ...changes } }));
    this.history.push(steps);
    for (const { row, after } of steps) this.keep(row, after);
    this.changed(steps.map(({ row }) => row));
  }

  // The rows that changed back, none if there is nothing to undo; and whether another tab has given
  // newer answers, which stay.
  undo() {
    const steps = this.history.pop() ?? [];
    const own = steps.filter(({ row, after }) => same(this.of(row), after));
    for (const { row, before } of own) this.keep(row, before);
    const rows = own.map(({ row }) => row);
    this.changed(rows);
    return { rows, newer: own.length < steps.length };
  }

  keep(row, answer) {
    if (isAnswered(answer)) this.answers.set(row, answer);
    else this.answers.delete(row);
    try {
      if (isAnswered(answer)) localStorage.setItem(this.prefix + row, JSON.stringify(answer));
      else localStorage.removeItem(this.prefix + row);
    } catch { this.warn("This browser does not keep the answer: export before you leave."); }
  }

  changed(rows) { for (const listener of this.listeners) listener(rows); }
}

export function setting(name, fallback) {
  try { return localStorage.getItem(`spectranet-inspect-${name}`) ?? fallback; } catch { return fallback; }
}

export function keepSetting(name, value) {
  try { localStorage.setItem(`spectranet-inspect-${name}`, value); } catch { /* lasts for this page alone */ }
}
