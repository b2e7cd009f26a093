(function () {
  "use strict";
  var root = document.documentElement;
  var button = document.getElementById("scheme");
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function dark() {
    return root.dataset.scheme ? root.dataset.scheme === "dark" : system.matches;
  }
  function label() {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Switch to light colours" : "Switch to dark colours");
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.scheme = dark() ? "light" : "dark";
    label();
  });
  system.addEventListener("change", label);
  label();

  function reveal() {
    var target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    var folded = target && target.querySelector(":scope > details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  var unfolded = [];
  window.addEventListener("beforeprint", function () {
    unfolded = Array.prototype.filter.call(document.querySelectorAll("details"), function (d) { return !d.open && d.hasAttribute("data-print"); });
    unfolded.forEach(function (d) { d.open = true; });
  });
  window.addEventListener("afterprint", function () {
    unfolded.forEach(function (d) { d.open = false; });
  });
})();
