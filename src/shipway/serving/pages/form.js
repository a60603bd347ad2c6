"use strict";
// The form: filled with the example, sent as a record, and errors and warnings put beside their fields.

const MORE_ATTEMPTS = 4;      // of a form; nobody looks at it for half an hour

class Field {
  constructor(element) {
    this.element = element;
    this.column = told(element, "column");
    this.example = told(element, "example");
    this.kind = element.dataset.kind;
    this.control = element.querySelector("select, input");
    this.other = element.querySelector("input.other");
    this.slider = element.querySelector("input[type=range]");
    this.error = element.querySelector(".error");
    this.warning = element.querySelector(".warning");
    this.control.addEventListener("change", () => this.follow());
    this.control.addEventListener("input", () => this.follow());
    this.slider?.addEventListener("input", () => { this.control.value = this.slider.value; this.follow(); });
  }

  get isOther() { return this.other !== null && this.control.selectedOptions[0]?.hasAttribute("data-other"); }

  /** Where the value is entered. */
  get entry() { return this.isOther ? this.other : this.control; }

  /** Keeps slider and free text in step with the control, and forgets what was said of the value before. */
  follow() {
    if (this.other) this.other.hidden = !this.isOther;
    if (this.slider && this.control.value !== "") this.slider.value = this.control.value;
    this.element.classList.toggle("unset", this.control.value === "" && !this.isOther);
    this.say("", "");
  }

  /** What stands in the field; undefined where nothing does. */
  get value() {
    if (this.isOther && this.other.value.trim() === "") return undefined;
    if (this.isOther) return this.kind.endsWith("integer") ? this.number(this.other.value) : this.other.value;
    const text = this.control.value;
    if (text === "") return undefined;
    if (this.kind.startsWith("select")) return JSON.parse(text);
    if (this.kind === "datetime") return /T\d\d:\d\d$/.test(text) ? `${text}:00` : text;
    return this.kind === "text" ? text : this.number(text);
  }

  /** A number, unless it has more digits than a script's numbers have. */
  number(text) {
    const number = Number(text);
    return Number.isNaN(number) || (/^-?\d+$/.test(text) && !Number.isSafeInteger(number)) ? text : number;
  }

  set value(value) {
    if (this.kind.startsWith("select")) {
      const options = [...this.control.options], same = JSON.stringify(value);
      const found = options.find((one) => one.value !== "" && JSON.stringify(JSON.parse(one.value)) === same);
      const other = options.find((one) => one.hasAttribute("data-other"));
      this.control.selectedIndex = Math.max(options.indexOf(found ?? (value === undefined ? undefined : other)), 0);
      if (!found && value !== undefined && other) this.other.value = String(value);
    } else if (this.kind === "datetime") {
      this.control.value = (value ?? "").slice(0, 19);
    } else {
      this.control.value = value ?? "";
    }
    this.follow();
  }

  get wrong() { return this.control.validity.badInput ? "this is not a whole value yet" : ""; }

  say(error, warning) {
    this.error.textContent = error;
    this.warning.textContent = warning;
    this.other?.removeAttribute("aria-invalid");
    this.control.removeAttribute("aria-invalid");
    if (error) this.entry.setAttribute("aria-invalid", "true");
  }

  focus() {
    const folded = this.element.closest("details");
    if (folded) folded.open = true;
    this.element.hidden = false;
    this.entry.focus();
  }
}

function tryOut(form) {
  const fields = [...form.querySelectorAll(".field")].map((element) => new Field(element));
  const known = new Map(fields.map((field) => [field.column, field]));
  const answer = by("answer"), summary = by("summary"), project = form.dataset.project, button = form.querySelector("[type=submit]");
  const target = told(form, "target"), rule = told(form, "rule");

  by("example").addEventListener("click", () => { for (const field of fields) field.value = field.example; summary.textContent = ""; });
  form.addEventListener("reset", () => setTimeout(() => {
    for (const field of fields) field.follow();
    summary.textContent = "";
    answer.replaceChildren();
  }));
  find(fields);
  for (const field of fields) field.follow();

  const refuse = (problem) => {
    const others = [];
    for (const one of problem.errors ?? []) {
      const field = known.get(one.column);
      if (field) field.say(one.message, ""); else others.push(`${one.column ?? "the record"}: ${one.message}`);
    }
    const first = fields.find((field) => field.error.textContent);
    summary.textContent = first ? "Some values can't be taken; see beside them." : [problem.detail, ...others].join(" ");
    answer.replaceChildren();
    first?.focus();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    for (const field of fields) field.say(field.wrong, "");
    if (fields.some((field) => field.wrong)) return refuse({ errors: [] });
    const record = Object.fromEntries(fields.map((field) => [field.column, field.value]).filter(([, value]) => value !== undefined));
    const waiting = (seconds) => { summary.textContent = `No answer yet; asking again in ${Math.ceil(seconds)} s.`; };
    const options = { waiting, attempts: MORE_ATTEMPTS };
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      const found = await ask(`${project}/predict`, { records: [record] }, options);
      summary.textContent = "";
      if (found.status !== 200) return refuse(found.answer);
      const [prediction] = found.answer.predictions;
      for (const one of prediction.warnings) known.get(one.column)?.say("", one.message);
      answer.replaceChildren(...verdict(prediction, target, rule));
      const why = await ask(`${project}/versions/${found.answer.model.version}/explain`, { records: [record] }, options);
      if (why.status === 200) answer.append(...moved(why.answer.explanation, record));
      else answer.append(make("p", { class: "soft" }, `What moved it can't be told: ${why.answer.detail}`));
      summary.textContent = "";
    } finally {
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  });
}

/** Shows only the fields whose name has what is typed, folded ones too. */
function find(fields) {
  const finder = by("finder"), rest = by("rest");
  finder?.addEventListener("input", () => {
    const wanted = finder.value.trim().toLowerCase();
    for (const field of fields) field.element.hidden = wanted !== "" && !field.column.toLowerCase().includes(wanted);
    if (rest) rest.open = wanted !== "";
    by("found").textContent = wanted ? `${fields.filter((field) => !field.element.hidden).length} found` : "";
  });
}

if (by("form")) tryOut(by("form"));
