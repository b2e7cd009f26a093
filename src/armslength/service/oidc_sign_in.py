"""Signing in at an identity provider: the way there, what a browser comes back with, and being signed out from there.

What a sign-in has to remember (state, nonce, the verifier of PKCE) follows from one secret in the browser's cookie, by
a MAC under a key of the gate's: nothing is written down for somebody who only begins, and nothing of it can be made up.
The tokens that the provider gives are read once and kept nowhere.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from armslength.gate import (
    PersonId,
    ProviderKeys,
    Rejected,
    SignedOutThere,
    StrangeKey,
    check_id_token,
    check_logout_token,
    check_user_info,
    person_named,
)
from armslength.store import LONGEST_CODE, GateSignIn, OidcProvider
from armslength.tlog import format_base64url

T = TypeVar("T")

_WHY = {
    "access_denied": "the provider did not let you in, or you went back there",
    "interaction_required": "the provider wants to see you first; try again",
    "login_required": "the provider wants to see you first; try again",
    "consent_required": "the provider wants your consent first; try again",
    "temporarily_unavailable": "the provider cannot sign anybody in at the moment",
    "server_error": "the provider had an error of its own",
}
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a browser comes back with (RFC 6749, section 4.1.2; RFC 9207): "" for what is not there."""

    state: str
    code: str = field(repr=False)
    issuer: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Who it was, and by what name the provider will sign them out again."""

    person: PersonId
    subject: str = field(repr=False)
    session: str | None = field(repr=False)


class OidcSignIn:
    """Sign-in at one provider."""

    def __init__(self, settings: GateSignIn, provider: OidcProvider, *, key: bytes) -> None:
        """`key` is for this alone."""
        self.settings, self._provider, self._key = settings, provider, key
        self._rules = settings.rules

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    def begin(self, secret: bytes) -> str:
        """Where the browser goes that holds this new secret. Raises `ProviderAway`."""
        return self._provider.address(
            scopes=self.settings.asked,
            state=self._derived("state", secret),
            nonce=self._derived("nonce", secret),
            verifier=self._derived("verifier", secret),
            max_age=self._rules.max_age,
            acr=self._rules.acr,
            wanted=("amr",) if self._rules.amr else (),
        )

    def arrive(self, returned: Returned, secret: bytes, *, begun: int, now: int) -> Arrival:
        """Who came back, to the browser that holds `secret` since `begun`; `now`: both POSIX seconds.

        Raises `Rejected` with the reason, `ProviderAway` and `ProviderRefused`. That it is good once is for the caller
        to see to.
        """
        self._check_way(returned, secret)
        tokens = self._provider.redeem(returned.code, self._derived("verifier", secret))
        found = self._by_newest_keys(
            lambda keys: check_id_token(
                tokens.id_token,
                keys,
                rules=self._rules,
                nonce=self._derived("nonce", secret),
                begun=begun,
                now=now,
                access_token=tokens.access_token,
            )
        )
        named = found.named
        if named is None:
            if tokens.access_token is None:
                raise Rejected([f"the provider does not say who you are: expected the claim {self._rules.person!r}"])
            said = self._provider.user_info(tokens.access_token)
            named = check_user_info(said, rules=self._rules, subject=found.subject)
        return Arrival(person=person_named(named, self._rules), subject=found.subject, session=found.session)

    def signed_out(self, token: str, *, now: int) -> SignedOutThere:
        """Whom the provider signs out. Raises `Rejected`, `ProviderAway`."""
        return self._by_newest_keys(lambda keys: check_logout_token(token, keys, rules=self._rules, now=now))

    def way_out(self) -> str | None:
        """Where somebody signs out at the provider too, if it said so lately (RP-Initiated Logout 1.0)."""
        document = self._provider.last_document()
        if document is None or document.end_session_endpoint is None:
            return None
        url = document.end_session_endpoint
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'client_id': self.settings.client_id})}"

    def _check_way(self, returned: Returned, secret: bytes) -> None:
        if not hmac.compare_digest(returned.state.encode(), self._derived("state", secret).encode()):
            raise Rejected(["this answer belongs to another sign-in (state); begin again"])
        # Of a provider that says who it is, an answer that does not is from elsewhere (RFC 9207, section 2.4).
        if returned.issuer != self.issuer and (returned.issuer or self._provider.document().names_issuer):
            raise Rejected(["this answer is from another provider (iss); begin again"])
        if returned.error:
            word = returned.error if _WORD.fullmatch(returned.error) else "no word that is known"
            raise Rejected([_WHY.get(word, f"the provider did not sign you in ({word})")])
        code = returned.code  # of printable ASCII (RFC 6749, appendix A.11)
        if not code or len(code) > LONGEST_CODE or not code.isascii() or not code.isprintable():
            raise Rejected(["the provider's answer has no code; begin again"])

    def _by_newest_keys(self, check: Callable[[ProviderKeys], T]) -> T:
        """A provider changes its keys when it likes; a token by one that is not known yet has it asked once more."""
        keys = self._provider.keys()
        try:
            return check(keys)
        except StrangeKey:
            newer = self._provider.keys(anew=True)
            if newer is keys:
                raise
            return check(newer)

    def _derived(self, what: str, secret: bytes) -> str:
        """43 characters of base64url, as a verifier has at least (RFC 7636, section 4.1)."""
        return format_base64url(hmac.digest(self._key, what.encode() + b"\0" + secret, "sha256"))
