// Forms that a passkey fills in: data-passkey is "create" or "get", data-options what the server asks for. Bytes travel as base64url.
(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));

  async function create(options) {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: named(options.excludeCredentials),
      },
    });
    return {
      id: text(made.rawId),
      client_data: text(made.response.clientDataJSON),
      attestation: text(made.response.attestationObject),
    };
  }

  async function get(options) {
    const made = await navigator.credentials.get({
      publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) },
    });
    return {
      credential: text(made.rawId),
      client_data: text(made.response.clientDataJSON),
      authenticator_data: text(made.response.authenticatorData),
      signature: text(made.response.signature),
    };
  }

  const REASONS = {
    NotAllowedError: "The passkey was not used: it was cancelled, took too long, or none on this device fits.",
    InvalidStateError: "This device already holds a passkey for you here.",
    SecurityError: "This page stands at another address than the passkeys were made for.",
  };

  async function fill(form, button) {
    const alert = form.querySelector("[data-alert]");
    alert.hidden = true;
    button.disabled = true;
    try {
      if (!window.PublicKeyCredential) throw new Error("This browser has no passkeys, or the page is not served securely.");
      const options = JSON.parse(form.dataset.options);
      const made = await (form.dataset.passkey === "create" ? create(options) : get(options));
      form.elements.namedItem("credential").value = JSON.stringify(made);
      form.submit();
    } catch (error) {
      alert.textContent = REASONS[error.name] || error.message;
      alert.hidden = false;
      button.disabled = false;
      button.focus();
    }
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      fill(form, form.querySelector("button"));
    });
  }
})();
