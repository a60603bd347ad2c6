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
  const shown = by("traffic");
  if (!document.hidden && shown) {
    const fresh = (await page(shown.dataset.address))?.getElementById("traffic");
    const isRead = shown.contains(document.activeElement);  // who is in the table keeps it
    if (fresh && !isRead) {
      const open = by("minutes")?.open;
      fresh.dataset.address = shown.dataset.address;
      shown.replaceWith(document.adoptNode(fresh));
      if (open && by("minutes")) by("minutes").open = true;
    }
  }
  setTimeout(renew, 1000 * EVERY);
}

setTimeout(renew, 1000 * EVERY);
