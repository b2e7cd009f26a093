// Sends the form of the page by which a sign-in comes back from the provider; without this file its button does.
(() => {
  "use strict";

  const form = document.querySelector("form[data-come-back]");
  if (form) form.submit();
})();
