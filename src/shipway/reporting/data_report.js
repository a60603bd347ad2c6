const search = document.querySelector("#search"), cards = document.querySelectorAll("[data-name]");
search.closest("label").hidden = false;
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  for (const card of cards) card.hidden = !card.dataset.name.toLowerCase().includes(wanted);
});
