"use strict";
// Reading and writing tables of text: CSV as RFC 4180 has it, and as programs write it.

const SEPARATORS = [",", ";", "\t", "|"];

/** Reads a table piece by piece, so that a large file is never in memory as a whole. */
class Cells {
  constructor(separator) {
    this.separator = separator;
    this.row = [];
    this.cell = "";
    this.state = "start";     // of a cell; then plain, quoted, or closed (behind a quote within quotes)
    this.returned = false;    // whether the last sign was a carriage return
  }

  /** The rows that *text* ends. Rows without anything are left out. */
  push(text) {
    const rows = [], end = () => { this.row.push(this.cell); this.cell = ""; this.state = "start"; };
    for (const sign of text) {
      const second = this.returned && sign === "\n";
      this.returned = false;
      if (this.state === "quoted") {
        if (sign === '"') this.state = "closed"; else this.cell += sign;
      } else if (second) {
        continue;
      } else if (sign === '"' && (this.state === "start" || this.state === "closed")) {
        if (this.state === "closed") this.cell += sign;
        this.state = "quoted";
      } else if (sign === this.separator) {
        end();
      } else if (sign === "\n" || sign === "\r") {
        this.returned = sign === "\r";
        const empty = !this.row.length && this.cell === "" && this.state !== "closed";
        end();
        if (!empty) rows.push(this.row);
        this.row = [];
      } else {
        this.cell += sign;
        this.state = "plain";
      }
    }
    return rows;
  }

  /** The row that the text ended with, where no line end followed it. */
  end() {
    const open = this.row.length || this.cell !== "" || this.state === "quoted" || this.state === "closed";
    this.state = this.state === "quoted" ? "closed" : this.state;
    return open ? this.push("\n") : [];
  }
}

/** The separator whose header has most of the *known* columns, then most columns. */
function separatorOf(text, known) {
  const score = (separator) => {
    const reader = new Cells(separator), header = reader.push(text)[0] ?? reader.end()[0] ?? [];
    return 1e6 * header.filter((name) => known.has(name)).length + header.length;
  };
  return SEPARATORS.reduce((best, one) => (score(one) > score(best) ? one : best));
}

/** A cell as it stands in a table. */
const quoted = (cell, separator) => (/["\r\n]/.test(cell) || cell.includes(separator) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** A text of ours in a table. Spreadsheets compute what begins like a formula; behind an apostrophe they don't. */
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text);

/** *name*, or, where it is taken, that with a number. */
function free(name, taken) {
  let found = name;
  for (let number = 2; taken.has(found); number += 1) found = `${name} ${number}`;
  taken.add(found);
  return found;
}

/** How a file is written: by its byte order mark, else UTF-8 where its beginning is that, else as old programs of the West do. */
function encodingOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}
