"""A browser window on the console: real pages, real passkeys in Chromium's virtual authenticators."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from armslength.service import SoftKey
from tests.report.browser import Browser, browser


class Window:
    """One page. Each person has their own authenticator; `hold` puts it into the device."""

    def __init__(self, chromium: Browser, url: str) -> None:
        self.chromium, self.url = chromium, url
        self._authenticator: str | None = None
        chromium.call("WebAuthn.enable", enableUI=False)

    # Going about

    def go(self, path: str) -> None:
        """Load a page of the console, or a whole address."""
        self._loading(lambda: self.chromium.call("Page.navigate", url=path if "://" in path else self.url + path))

    def leave_for(self, path: str) -> None:
        """Load what may run nothing, so that no script of ours can wait in it either."""
        self.chromium._events.clear()
        self.chromium.call("Page.navigate", url=self.url + path)
        self.chromium._until("Page.loadEventFired")

    def press(self, selector: str) -> None:
        """Click, and wait for the page that comes."""
        self._loading(lambda: self.value(f"document.querySelector({json.dumps(selector)}).click()"))

    def fill(self, **fields: str) -> None:
        """Set form fields by name."""
        for name, text in fields.items():
            self.value(
                f"(() => {{ const f = document.getElementsByName({json.dumps(name)})[0];"
                f" f.value = {json.dumps(text)}; f.dispatchEvent(new Event('input')); }})()"
            )

    def attach(self, name: str, *files: Path) -> None:
        """Choose files in a form."""
        root = self.chromium.call("DOM.getDocument")["root"]["nodeId"]
        node = self.chromium.call("DOM.querySelector", nodeId=root, selector=f"input[name={name}]")["nodeId"]
        self.chromium.call("DOM.setFileInputFiles", nodeId=node, files=[str(each) for each in files])

    def _loading(self, act: Any) -> None:
        self.chromium._events.clear()
        act()
        self.chromium._until("Page.loadEventFired")
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    # Looking

    def value(self, script: str) -> Any:
        return self.chromium.value(script)

    @property
    def text(self) -> str:
        """What a reader sees of the main part."""
        return str(self.value("document.querySelector('main').innerText"))

    @property
    def title(self) -> str:
        return str(self.value("document.querySelector('h1').innerText"))

    @property
    def path(self) -> str:
        return str(self.value("location.pathname"))

    def wait(self, condition: str) -> None:
        """Until a script says so; the test fails after ten seconds."""
        said = f"""new Promise((done, fail) => {{
            const end = Date.now() + 10000;
            const look = () => {{
                if ({condition}) return done(true);
                if (Date.now() > end) return fail(new Error("never: " + {json.dumps(condition)}));
                setTimeout(look, 20);
            }};
            look(); }})"""
        for _ in range(20):
            try:
                self.value(said)
                return
            except RuntimeError as error:
                if "navigated" not in str(error):  # another page came meanwhile: it is looked at in its turn
                    raise
        raise TimeoutError(condition)

    # Passkeys

    def hold(self, key: SoftKey | None = None) -> None:
        """Take the device of a person into the hand: an empty one, or one that has their passkey."""
        if self._authenticator is not None:
            self.chromium.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=self._authenticator)
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self._authenticator = self.chromium.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"]
        if key is not None:
            private = key._private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            credential = {
                "credentialId": _plain(key.credential),
                "isResidentCredential": True,
                "rpId": key.rp_id,
                "privateKey": _plain(private),
                "userHandle": _plain(b"user"),
                "signCount": 0,
            }
            self.chromium.call("WebAuthn.addCredential", authenticatorId=self._authenticator, credential=credential)

    def passkeys(self) -> list[dict[str, Any]]:
        """What the device holds."""
        held = self.chromium.call("WebAuthn.getCredentials", authenticatorId=self._authenticator)["credentials"]
        return [dict(each) for each in held]

    def put_in(self, passkeys: list[dict[str, Any]]) -> None:
        for each in passkeys:
            self.chromium.call("WebAuthn.addCredential", authenticatorId=self._authenticator, credential=each)

    def verifies(self, succeeds: bool) -> None:
        """Whether the device recognises its user from here on."""
        self.chromium.call("WebAuthn.setUserVerified", authenticatorId=self._authenticator, isUserVerified=succeeds)

    def sign_in(self, key: SoftKey | None = None, path: str = "/") -> None:
        """As the person who holds the key, or whose device is in the hand; whoever was signed in before is out."""
        self.chromium.call("Network.clearBrowserCookies")
        if key is not None:
            self.hold(key)
        self.go(f"/sign-in?next={path}")
        self.press("form[data-passkey] button")

    def cookies(self) -> list[dict[str, Any]]:
        return list(self.chromium.call("Network.getCookies", urls=[self.url])["cookies"])


@contextmanager
def window(url: str) -> Iterator[Window]:
    with browser() as chromium:
        chromium.call("DOM.enable")
        yield Window(chromium, url)


def _plain(data: bytes) -> str:
    """Base64 with padding, as the DevTools protocol has bytes."""
    return base64.b64encode(data).decode()
