// Answers, kept in the browser: an entry per row of the catalog, so that tabs do not overwrite each other.

const EMPTY = { class: "", z: null, quality: null, comment: "", scanner: "" };

export const isDone = (answer) => answer.class !== "" && answer.quality !== null;

const isAnswered = (answer) => isDone(answer) || answer.class !== "" || answer.quality !== null
  || answer.comment !== "" || answer.z !== null;

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
    this.history.push(pairs.map(([row]) => [row, this.of(row)]));
    for (const [row, changes] of pairs) this.keep(row, { ...this.of(row), ...changes });
    this.changed(pairs.map(([row]) => row));
  }

  // The rows that changed back; none if there is nothing to undo.
  undo() {
    const before = this.history.pop() ?? [];
    for (const [row, answer] of before) this.keep(row, answer);
    this.changed(before.map(([row]) => row));
    return before.map(([row]) => row);
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
