"use strict";
// What all scripts share: asking the service, and making elements. Texts stay texts: nothing here makes markup.

const ATTEMPTS = 30;          // a busy service is asked again so often,
const AWAY = 4;               // and one that does not answer at all so often
const LONGEST_WAIT = 60;      // seconds, whatever it says
const MEDIA = { "Content-Type": "application/json", Accept: "application/json" };

/** The element with this id. */
const by = (id) => document.getElementById(id);

/** What an attribute data-* says; they hold JSON. */
const told = (element, name) => JSON.parse(element.dataset[name]);

/** A new element; children are elements or texts. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A name that turns nothing around it, whichever way it is written. */
const named = (name) => make("bdi", {}, name.trim() ? name : "(no name)");

/** A probability in percent; what is nearly none or nearly all is not rounded to that. */
function percent(share) {
  const text = (100 * share).toFixed(1);
  if (text === "0.0" && share > 0) return "< 0.1 %";
  return text === "100.0" && share < 1 ? "> 99.9 %" : `${text} %`;
}

/** Waits, and ends at once when *signal* does. */
const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

/** The seconds that a Retry-After asks for, which is a number of them or a date (RFC 9110, 10.2.3). */
function patience(header) {
  const seconds = /^\d+$/.test(header ?? "") ? Number(header) : (Date.parse(header ?? "") - Date.now()) / 1000;
  return Math.min(Math.max(Number.isFinite(seconds) ? seconds : 2, 0.1), LONGEST_WAIT);
}

/** Posts JSON; gives status and answer. Where the service says that it is busy, or is away, waits as long as it says, and asks again. */
async function ask(address, body, { signal, waiting, attempts = ATTEMPTS } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    let response;
    try {
      response = await fetch(address, { method: "POST", credentials: "same-origin", headers: MEDIA, body: JSON.stringify(body), signal });
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    if (!response && attempt >= Math.min(AWAY, attempts)) return { status: 0, answer: { detail: "The service does not answer." } };
    if (!response || ((response.status === 429 || response.status === 503) && attempt < attempts)) {
      const seconds = patience(response?.headers.get("Retry-After"));
      waiting?.(seconds);
      await pause(seconds, signal);
      continue;
    }
    const text = await response.text();
    try {
      return { status: response.status, answer: JSON.parse(text) };
    } catch {
      return { status: response.status, answer: { detail: `The answer has status ${response.status} and can't be read.` } };
    }
  }
}
