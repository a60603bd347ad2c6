"use strict";
// The page of documentation: a body that is sent as it stands.

for (const form of document.forms) {
  const body = form.querySelector("textarea"), answer = form.querySelector("pre"), choice = form.querySelector("select");
  choice.addEventListener("change", () => { body.value = choice.value; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = "…";
    try {
      const response = await fetch(form.dataset.target, { method: "POST", credentials: "same-origin", headers: MEDIA, body: body.value });
      answer.textContent = `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`;
    } catch (error) {
      answer.textContent = `No answer: ${error.message}`;
    }
  });
}
