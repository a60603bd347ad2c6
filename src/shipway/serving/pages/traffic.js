"use strict";
// Recent traffic, kept up to date while the page is looked at. The service draws it; here it is only put in its place.

const EVERY = 10;             // seconds

/** The page at *address*, read by the browser; no script of it runs. */
const page = (address) => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  request.open("GET", address);
  request.setRequestHeader("Accept", "text/html");
  request.responseType = "document";
  request.timeout = 1000 * EVERY;
  request.onloadend = () => resolve(request.status === 200 ? request.response : null);
  request.send();
});

async function renew() {
  // who reads the table keeps it as it is
  const isRead = () => document.hidden || by("minutes")?.open;
  const fresh = isRead() ? null : (await page(by("traffic").dataset.address))?.getElementById("traffic");
  if (fresh && !isRead()) {
    const shown = by("traffic"), isFocused = shown.contains(document.activeElement);
    fresh.dataset.address = shown.dataset.address;
    shown.replaceWith(document.adoptNode(fresh));
    if (isFocused) fresh.querySelector("summary")?.focus();
  }
  setTimeout(renew, 1000 * EVERY);
}

setTimeout(renew, 1000 * EVERY);
