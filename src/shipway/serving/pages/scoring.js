"use strict";
// A file scored: read in pieces, sent in batches one after the other, and given back with what was answered.

const BEGINNING = 1 << 18;    // bytes that encoding and separator are told by
const ZEROS = 0.1;            // share of zero bytes from which on a file is no text
const LISTED = 100;           // refused rows that are shown; all are in the file that comes back
const KEPT_PIECES = 50;       // texts that wait in memory before they go into a Blob, which the browser may keep on disk

class Refusal extends Error {}

class Scoring {
  constructor(section, file, signal, tell) {
    Object.assign(this, { file, signal, tell, project: section.dataset.project, batch: Number(section.dataset.batch) });
    this.known = new Set(told(section, "columns"));
    this.required = told(section, "required");
    this.classes = told(section, "classes");
    this.target = told(section, "target");
    this.rows = this.scored = this.warned = 0;
    this.labels = new Map();
    this.refused = [];
    this.refusedCount = 0;
    this.pieces = [];
    this.blobs = [];
    this.unsent = [];
    this.versions = new Set();
  }

  async run() {
    const beginning = new Uint8Array(await this.file.slice(0, BEGINNING).arrayBuffer());
    if (beginning[0] === 0x50 && beginning[1] === 0x4b) throw new Refusal("This is a spreadsheet or an archive; save it as CSV first.");
    const encoding = encodingOf(beginning), whole = this.file.size <= BEGINNING;
    const text = new TextDecoder(encoding).decode(beginning, { stream: !whole });
    if (text.split("\u0000").length - 1 > ZEROS * text.length) throw new Refusal("This is no table of text; choose a CSV.");
    this.separator = separatorOf(text, this.known);
    this.mark = beginning[0] === 0xef || encoding.startsWith("utf-16") ? "\ufeff" : "";
    const reader = new Cells(this.separator), decoder = new TextDecoder(encoding, { fatal: true });
    let waiting = [], read = 0;
    const take = async (rows, last) => {
      for (const row of rows) {
        if (!this.header) { this.begin(row); continue; }
        waiting.push(row);
        if (waiting.length === this.batch) { await this.send(waiting); waiting = []; this.tell(this, read / this.file.size); }
      }
      if (last && waiting.length) await this.send(waiting);
    };
    const stream = this.file.stream().getReader();
    try {
      for (let piece = await stream.read(); !piece.done; piece = await stream.read()) {
        const part = this.decode(decoder, piece.value, true);
        await take(reader.push(part), false);
        read += piece.value.length;
      }
      await take(reader.push(this.decode(decoder, new Uint8Array(), false)).concat(reader.end()), true);
    } finally {
      stream.cancel().catch(() => {});
    }
    if (!this.header) throw new Refusal("The file is empty.");
    if (!this.rows) throw new Refusal("The file has a header and no rows.");
    this.tell(this, 1);
  }

  decode(decoder, bytes, more) {
    try {
      return decoder.decode(bytes, { stream: more });
    } catch {
      throw new Refusal(`The file begins as UTF-8 and is none from about row ${this.rows + 1} on; save it as UTF-8.`);
    }
  }

  /** Takes the header, and says what is wrong with it before anything is sent. */
  begin(header) {
    const twice = header.find((name, place) => this.known.has(name) && header.indexOf(name) !== place);
    if (twice !== undefined) throw new Refusal(`The header names ${twice} twice.`);
    const lacking = this.required.filter((name) => !header.includes(name));
    if (lacking.length) {
      const some = lacking.length > 10 ? `${lacking.slice(0, 10).join(", ")} and ${lacking.length - 10} more` : lacking.join(", ");
      throw new Refusal(`The header lacks ${lacking.length === 1 ? "the column" : "the columns"} ${some}. Its first line must name the columns.`);
    }
    this.header = header;
    this.places = header.map((name, place) => [name, place]).filter(([name]) => this.known.has(name));
    this.unsent = header.filter((name) => !this.known.has(name));
    const taken = new Set(header);
    const added = [`predicted ${this.target}`, ...this.classes.map((name) => `probability ${name}`), "warnings", "refused"];
    this.write([[...header, ...added.map((name) => harmless(free(name, taken)))]]);
  }

  write(rows) {
    const lines = rows.map((row) => row.map((cell) => quoted(cell, this.separator)).join(this.separator));
    this.pieces.push(`${this.blobs.length || this.pieces.length ? "" : this.mark}${lines.join("\r\n")}\r\n`);
    if (this.pieces.length >= KEPT_PIECES) { this.blobs.push(new Blob(this.pieces)); this.pieces = []; }
  }

  /** What there is of the scored file. */
  get blob() { return new Blob([...this.blobs, ...this.pieces], { type: "text/csv;charset=utf-8" }); }

  /** Sends a batch, again and again without the rows that are refused, and writes it in its order. */
  async send(rows) {
    const answers = new Array(rows.length), problems = new Map();
    let left = [];
    rows.forEach((row, place) => {
      if (row.length === this.header.length) left.push(place);
      else problems.set(place, [`${row.length} cells where the header has ${this.header.length}`]);
    });
    while (left.length) {
      const part = left.slice(0, this.batch);
      const records = part.map((place) => Object.fromEntries(this.places.map(([name, cell]) => [name, rows[place][cell]])));
      const found = await ask(`${this.project}/predict`, { records }, { signal: this.signal, waiting: (seconds) => this.tell(this, null, seconds) });
      if (found.status === 200) {
        part.forEach((place, at) => { answers[place] = found.answer.predictions[at]; });
        this.versions.add(found.answer.model.version);
        left = left.slice(part.length);
      } else if (found.status === 422 && found.answer.errors?.length) {
        for (const one of found.answer.errors) {
          const place = part[one.record] ?? part[0];
          problems.set(place, [...(problems.get(place) ?? []), `${one.column === null ? "" : `${one.column}: `}${one.message}`]);
        }
        left = left.filter((place) => !problems.has(place));
      } else if (found.status === 413 && this.batch > 1) {
        this.batch = Math.max(Math.floor(this.batch / 2), 1);
      } else if (found.status === 413) {
        problems.set(part[0], ["too large to be sent"]);
        left = left.slice(1);
      } else {
        throw new Refusal(found.answer.detail ?? `The service answered with status ${found.status}.`);
      }
    }
    this.keep(rows, answers, problems);
  }

  keep(rows, answers, problems) {
    const written = rows.map((row, place) => {
      const answer = answers[place], number = this.rows + place + 1;
      if (!answer) {
        const reasons = problems.get(place);
        this.refusedCount += 1;
        if (this.refused.length < LISTED) this.refused.push([number, reasons]);
        return [...row, "", ...this.classes.map(() => ""), "", harmless(reasons.join("; "))];
      }
      const label = String(answer.label);
      this.labels.set(label, (this.labels.get(label) ?? 0) + 1);
      this.scored += 1;
      if (answer.warnings.length) this.warned += 1;
      const warnings = answer.warnings.map((one) => `${one.column}: ${one.message}`).join("; ");
      return [...row, harmless(label), ...this.classes.map((name) => String(answer.probabilities[name])), harmless(warnings), ""];
    });
    this.rows += rows.length;
    this.write(written);
  }
}

function scoreFiles(section) {
  const input = by("table"), drop = section.querySelector(".drop"), working = by("scoring"), text = by("progress-text"), progress = by("progress");
  const result = by("scored"), count = (number) => number.toLocaleString("en");
  let under, address;

  const tell = (scoring, share, seconds) => {
    if (share !== null) progress.value = share;
    text.textContent = seconds ? `The service is busy; going on in ${Math.ceil(seconds)} s.` : `${count(scoring.rows)} rows so far`;
  };

  const show = (scoring, file, ended) => {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(scoring.blob);
    const name = `${file.name.replace(/\.[^.]*$/, "")}-scored.csv`;
    const labels = [...scoring.labels].sort((one, other) => other[1] - one[1]).slice(0, SHOWN_CLASSES);
    const rows = labels.map(([label, number]) => make("tr", {}, make("th", { scope: "row" }, named(label)),
      make("td", { class: "bar" }, bar(0, number / scoring.scored, "full")), make("td", { class: "figure" }, count(number))));
    const parts = [make("p", { class: "done" }, `${ended}${count(scoring.scored)} of ${count(scoring.rows)} rows scored`,
      scoring.warned ? `, ${count(scoring.warned)} with a warning.` : ".")];
    if (scoring.versions.size > 1) parts.push(make("p", { class: "notice" }, `The model changed meanwhile: versions ${[...scoring.versions].join(", ")} answered.`));
    if (scoring.unsent.length) parts.push(make("p", { class: "soft" }, "Not in the contract, so not sent: ", ...scoring.unsent.flatMap((one, place) => (place ? [", ", named(one)] : [named(one)])), "."));
    if (rows.length) parts.push(make("table", { class: "bars" }, make("caption", { class: "unseen" }, "Rows by label"), make("tbody", {}, ...rows)));
    if (scoring.refusedCount) {
      const lines = scoring.refused.map(([number, reasons]) => make("li", { value: number }, reasons.join("; ")));
      const more = scoring.refusedCount > lines.length ? `, the first ${lines.length} of them here and all in the file` : "";
      parts.push(make("details", { open: "" }, make("summary", {}, `${count(scoring.refusedCount)} rows refused${more}`), make("ol", { class: "refused" }, ...lines)));
    }
    if (scoring.rows) parts.push(make("p", {}, make("a", { class: "main", href: address, download: name }, "Download the scored file")));
    result.replaceChildren(...parts);
  };

  const start = async (file) => {
    if (!file || under) return;
    under = new AbortController();
    const scoring = new Scoring(section, file, under.signal, tell);
    result.replaceChildren();
    working.hidden = false;
    progress.value = 0;
    text.textContent = `Reading ${file.name}`;
    try {
      await scoring.run();
      show(scoring, file, "");
    } catch (error) {
      const why = under.signal.aborted ? "Cancelled. " : error instanceof Refusal ? `${error.message} ` : "The file can't be read. ";
      if (scoring.rows) show(scoring, file, why);
      else result.replaceChildren(make("p", { class: "error" }, why.trim()));
    } finally {
      under = undefined;
      working.hidden = true;
      input.value = "";
    }
  };

  input.addEventListener("change", () => start(input.files[0]));
  by("cancel").addEventListener("click", () => { under?.abort(); input.focus(); });
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); start(event.dataTransfer.files[0]); });
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());  // else a file beside the place replaces the page
}

if (by("file")) scoreFiles(by("file"));
