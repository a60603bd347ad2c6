// A light audit of a page for keyboard and screen reader, after WCAG 2.2; gives what is wrong, in words.
() => {
  const wrong = [];
  const tell = (element, what) => wrong.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const text = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`two elements have the id ${id}`);
  for (const name of ["for", "aria-labelledby", "aria-describedby"])
    for (const element of document.querySelectorAll(`[${name}]`))
      for (const id of element.getAttribute(name).split(/\s+/)) if (!document.getElementById(id)) tell(element, `${name} leads nowhere`);

  for (const control of document.querySelectorAll("input, select, textarea, button, a[href], progress, summary")) {
    if (control.closest("[aria-hidden=true]")) { if (control.tabIndex >= 0) tell(control, "hidden, and in the order of the keyboard"); continue; }
    const labels = [...(control.labels ?? [])].map((label) => label.textContent).join(" ").trim();
    const name = control.getAttribute("aria-label") || text(control.getAttribute("aria-labelledby") ?? "") || labels
      || (["BUTTON", "A", "SUMMARY"].includes(control.tagName) ? control.textContent.trim() : "");
    if (!name) tell(control, "has no name");
  }

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) tell(heading, `a heading of level ${now} after one of level ${level}`);
    level = now;
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("there is not one h1");
  for (const element of ["main", "header"]) if (document.querySelectorAll(element).length !== 1) wrong.push(`there is not one ${element}`);
  if (!document.documentElement.lang) wrong.push("the page has no language");
  for (const cell of document.querySelectorAll("th")) if (!cell.scope) tell(cell, "a heading of a table without its scope");
  for (const drawing of document.querySelectorAll("svg")) if (drawing.getAttribute("aria-hidden") !== "true") tell(drawing, "a drawing that is read out");

  // contrast, WCAG 1.4.3: at least 4.5 for texts of usual size
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const parts = (colour) => { const found = colour.match(/[\d.]+/g).map(Number); return found.length === 3 ? [...found, 1] : found; };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) { const found = parts(getComputedStyle(at).backgroundColor); if (found[3] === 1) return found; }
    return [255, 255, 255, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !shown(element) || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parts(element instanceof SVGElement ? style.fill : style.color)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5 && !seen.has(style.color)) { seen.add(style.color); tell(element, `contrast of ${contrast.toFixed(2)}`); }
  }
  return wrong;
}
