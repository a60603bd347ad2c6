"use strict";
// How an answer is shown: label, probabilities, and what moved them.

const SHOWN_CLASSES = 8;
const SHOWN_EFFECTS = 8;

/** A bar from *start* over *width*, both shares of its track. */
function bar(start, width, kind) {
  const filled = make("i", { class: kind });
  filled.style.setProperty("left", `${100 * start}%`);
  filled.style.setProperty("width", `${100 * width}%`);
  return make("span", { class: "track", "aria-hidden": "true" }, filled);
}

/** A value as people write it. */
function written(value) {
  if (value === null || value === undefined) return "missing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : String(value);
}

/** An effect in percentage points. */
function points(effect) {
  const text = (100 * Math.abs(effect)).toFixed(1);
  return text === "0.0" ? text : `${effect > 0 ? "+" : "−"}${text}`;
}

/** Label and probabilities. *rule*: the class that is told from a probability other than the half on, and that. */
function verdict(prediction, target, rule) {
  const label = String(prediction.label);
  const all = Object.entries(prediction.probabilities);
  const shown = all.length > SHOWN_CLASSES ? [...all].sort((one, other) => other[1] - one[1]).slice(0, SHOWN_CLASSES) : all;
  const rows = shown.map(([name, share]) => make("tr", name === label ? { class: "chosen" } : {},
    make("th", { scope: "row" }, named(name)), make("td", { class: "bar" }, bar(0, share, "full")), make("td", { class: "figure" }, percent(share))));
  const table = make("table", { class: "bars" }, make("caption", { class: "unseen" }, "Probabilities"), make("tbody", {}, ...rows));
  const more = all.length > shown.length ? [make("p", { class: "soft" }, `and ${all.length - shown.length} less likely classes`)] : [];
  if (rule && rule[1] !== 0.5) more.push(make("p", { class: "soft" }, "The label is ", named(rule[0]), ` from a probability of ${percent(rule[1])} on.`));
  return [make("p", { class: "label" }, make("span", { class: "soft" }, target), " ", make("strong", {}, named(label))), table, ...more];
}

/** What moved the label's probability away from a typical record's. */
function moved(explanation, record) {
  const head = make("h3", {}, "What moved it");
  const lead = make("p", { class: "soft" }, `A typical record has a probability of ${percent(explanation.typical)} for `,
    named(String(explanation.label)), `, this one of ${percent(explanation.probability)}.`);
  if (explanation.effects === null) return [head, lead, make("p", {}, "What each value did to it can't be told for this record.")];
  if (!explanation.effects.length) return [head, lead, make("p", {}, "Every value is the typical one.")];
  const top = Math.max(...explanation.effects.map((one) => Math.abs(one.effect))) || 1;
  const line = (one) => {
    const up = one.effect >= 0, width = Math.abs(one.effect) / top / 2;
    const values = one.column === null ? [make("em", {}, "all others together")]
      : [named(one.column), make("span", { class: "soft" }, " ", make("b", {}, named(written(record[one.column]))), " instead of ", named(written(one.typical)))];
    return make("tr", {}, make("th", { scope: "row" }, ...values), make("td", { class: "bar" }, bar(up ? 0.5 : 0.5 - width, width, up ? "up" : "down")),
      make("td", { class: "figure" }, points(one.effect)));
  };
  const table = (effects) => make("table", { class: "bars moved" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Value"),
    make("td"), make("th", { scope: "col", class: "figure" }, "Points"))), make("tbody", {}, ...effects.map(line)));
  const first = explanation.effects.slice(0, SHOWN_EFFECTS), rest = explanation.effects.slice(SHOWN_EFFECTS);
  const sum = rest.reduce((total, one) => total + one.effect, 0);
  const folded = rest.length ? [make("details", {}, make("summary", {}, `${rest.length} smaller ones, together ${points(sum)}`), table(rest))] : [];
  const note = make("p", { class: "soft small" }, "Percentage points of the probability; together they make the whole difference. They tell of the model and not of causes.");
  return [head, lead, table(first), ...folded, note];
}
