// Shows a document where it is unfolded, and frees the button once every one was. The server keeps its own count and refuses by that.
(() => {
  "use strict";

  const list = document.querySelector("[data-evidence]");
  if (!list) return;
  const button = document.getElementById("approve");
  const status = document.getElementById("unopened");

  function count() {
    const left = list.querySelectorAll("[data-opened='no']").length;
    if (button) button.disabled = left > 0;
    if (status) {
      status.textContent = left === 0 ? "You have opened every document." : left === 1
        ? "One document is still to be opened before you can approve." : `${left} documents are still to be opened before you can approve.`;
    }
  }

  function opened(item) {
    item.dataset.opened = "yes";
    item.querySelector(".seen").textContent = "Opened";
    count();
  }

  for (const item of list.querySelectorAll("[data-opened]")) {
    const fold = item.querySelector("details[data-src]");
    if (fold) {
      fold.addEventListener("toggle", () => {
        if (!fold.open || fold.querySelector("iframe")) return;
        const frame = document.createElement("iframe");
        frame.setAttribute("sandbox", "");
        frame.title = fold.dataset.title;
        frame.addEventListener("load", () => opened(item));
        frame.src = fold.dataset.src;
        fold.append(frame);
      });
    }
    for (const link of item.querySelectorAll("a[data-opens]")) link.addEventListener("click", () => opened(item));
  }
  count();
})();
