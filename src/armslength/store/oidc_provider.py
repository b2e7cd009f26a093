"""Speaks with an identity provider (OpenID Connect): what it says of itself, its keys, and what a code is worth.

Needs the extra `oidc`. What the provider answers is read within a time and a size, whatever it does, and no redirect is
followed: the secret goes to the addresses in its discovery document alone, over TLS, or to this machine. What it says
of itself is kept for some minutes; one that did not answer is not asked again for some seconds, so that people who try
do not each wait for it. Nothing that is said here names a person.
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

from armslength.gate import ProviderKeys, Rejected, parse_provider_keys
from armslength.store.exchange import Exchange, NoReply, Reply
from armslength.store.failure import StoreError
from armslength.store.gate_sign_in import safe_address

TIMEOUT = 5.0
"""Seconds for an answer of the provider: somebody waits for it in front of a browser."""
MOST_BYTES = 262_144
"""Of an answer."""
KEPT = 600.0
"""Seconds for which what the provider says of itself and its keys is believed without asking again."""
AGAIN = 5.0
"""Seconds after which a provider that did not answer is asked again, and newer keys are asked for again."""
LONGEST_CODE = 4096
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")

T = TypeVar("T")


class ProviderAway(StoreError):
    """The provider does not answer, or with nothing that can be used. Nobody signed in."""


class ProviderRefused(StoreError):
    """The provider answered, and refused: the code is over or was used, or it does not know the gate's secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDocument:
    """What is taken from a discovery document (OpenID Connect Discovery 1.0, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    takes_claims: bool
    """Whether it can be asked for claims one by one."""
    names_issuer: bool
    """Whether each of its answers by way of the browser says `iss` (RFC 9207)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTokens:
    """What a code was worth."""

    id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)


def can_sign_in_by_provider() -> bool:
    """Whether the extra is installed."""
    return find_spec("authlib") is not None


class OidcProvider:
    """One provider, as one client of it. Any number of threads may use it."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        secret: str,
        redirect_uri: str,
        timeout: float = TIMEOUT,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steady` gives seconds of a clock that nobody sets. Raises `StoreError` where the extra is not installed."""
        if not can_sign_in_by_provider():
            raise StoreError("gate.toml sets sign_in, and nobody could sign in by it: install armslength[oidc]")
        self._issuer, self._client_id, self._secret = issuer, client_id, secret
        self._redirect_uri, self._timeout, self._steady = redirect_uri, timeout, steady
        self._plain = urlsplit(issuer).scheme == "http"
        self._exchange = Exchange(connections=4)
        self._document = _Kept(self._discovered, steady)
        self._keys = _Kept(self._published, steady)

    def close(self) -> None:
        self._exchange.close()

    def document(self) -> ProviderDocument:
        """What it says of itself. Raises `ProviderAway`."""
        return self._document.get()

    def last_document(self) -> ProviderDocument | None:
        """The same, however old, without asking."""
        return self._document.last

    def keys(self, *, anew: bool = False) -> ProviderKeys:
        """What it signs with; `anew`: not those that are kept, if they were not asked for a moment ago. Raises
        `ProviderAway`."""
        return self._keys.get(anew=anew)

    def address(
        self,
        *,
        scopes: Sequence[str],
        state: str,
        nonce: str,
        verifier: str,
        max_age: int | None,
        acr: Sequence[str],
        wanted: Sequence[str] = (),
    ) -> str:
        """Where the browser is to go for signing in: authorization code flow with PKCE (RFC 7636) by S256. `wanted` are
        claims that the ID token has to have, which some providers want to be asked for (Core, section 5.5). Raises
        `ProviderAway`."""
        extra = {"nonce": nonce, "response_mode": "query"}
        if max_age is not None:
            extra["max_age"] = str(max_age)
        if acr:
            extra["acr_values"] = " ".join(acr)
        document = self.document()
        if wanted and document.takes_claims:
            extra["claims"] = json.dumps({"id_token": {name: {"essential": True} for name in wanted}})
        url, _ = self._client(document).create_authorization_url(
            document.authorization_endpoint,
            state=state,
            code_verifier=verifier,
            redirect_uri=self._redirect_uri,
            scope=" ".join(scopes),
            **extra,
        )
        return str(url)

    def redeem(self, code: str, verifier: str) -> ProviderTokens:
        """What the code is worth. Raises `ProviderAway`, `ProviderRefused`."""
        from authlib.common.errors import AuthlibBaseError

        document = self.document()
        try:
            said = self._client(document).fetch_token(
                document.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=self._redirect_uri,
            )
        except AuthlibBaseError as error:
            raise ProviderRefused(_refusal(str(error.error))) from None
        except (ValueError, TypeError, RecursionError):
            raise ProviderAway("its answer to the code cannot be read") from None
        id_token, access_token = said.get("id_token"), said.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderAway("it gave no ID token: does the client there have the scope openid?")
        return ProviderTokens(
            id_token=id_token, access_token=access_token if isinstance(access_token, str) and access_token else None
        )

    def user_info(self, access_token: str) -> object:
        """What it says of the person whom the access token is for (Core, section 5.3). Raises `ProviderAway`."""
        url = self.document().userinfo_endpoint
        if url is None:
            raise ProviderAway("its ID token does not name the person, and there is nowhere to ask (userinfo)")
        if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", access_token):  # RFC 6750, section 2.1
            raise ProviderAway("its access token cannot be used")
        return self._read(url, {"Authorization": f"Bearer {access_token}"})

    # How it is asked

    def _discovered(self) -> ProviderDocument:
        said = self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(said, dict):
            raise ProviderAway("its discovery document cannot be read")
        return _document(said, self._issuer, lambda url: safe_address(url, plain=self._plain))

    def _published(self) -> ProviderKeys:
        document = self.document()
        try:
            return parse_provider_keys(self._read(document.jwks_uri), document.algorithms)
        except Rejected as error:
            raise ProviderAway(str(error)) from None

    def _read(self, url: str, headers: Mapping[str, str] | None = None) -> object:
        asked = {"Accept": "application/json", **(headers or {})}
        reply = self._exchange.get(url, timeout=self._timeout, limit=MOST_BYTES, headers=asked)
        if isinstance(reply, NoReply):
            raise ProviderAway(reply.reason)
        if reply.status != 200:
            raise ProviderAway(f"{urlsplit(url).path or '/'} answered {reply.status}")
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise ProviderAway(f"{urlsplit(url).path or '/'} answered with what is no JSON") from None

    def _client(self, document: ProviderDocument) -> Any:
        """One for one call: it remembers tokens."""
        from authlib.oauth2.client import OAuth2Client

        offered = document.auth_methods
        by_form = "client_secret_post" in offered and "client_secret_basic" not in offered
        client = OAuth2Client(
            _Session(self._exchange, self._timeout),
            client_id=self._client_id,
            client_secret=self._secret,
            token_endpoint_auth_method="client_secret_post" if by_form else "client_secret_basic",
            code_challenge_method="S256",
        )
        client.register_client_auth_method(("client_secret_basic", _basic))
        return client


class _Kept(Generic[T]):
    """Something that the provider says, asked for by one thread at a time."""

    def __init__(self, ask: Callable[[], T], steady: Callable[[], float]) -> None:
        self._ask, self._steady = ask, steady
        self._lock = threading.Lock()
        self.last: T | None = None
        self._asked = self._failed = -math.inf
        self._why = ""

    def get(self, *, anew: bool = False) -> T:
        """Raises `ProviderAway`."""
        with self._lock:
            now = self._steady()
            if self.last is not None and now - self._asked < (AGAIN if anew else KEPT):
                return self.last
            if now - self._failed < AGAIN:
                raise ProviderAway(self._why)
            try:
                self.last = self._ask()
            except ProviderAway as error:
                self._failed, self._why = self._steady(), str(error)
                raise
            self._asked = self._steady()
            return self.last


class _Session:
    """What authlib sends its requests by, in the place of the library that it would choose."""

    def __init__(self, exchange: Exchange, timeout: float) -> None:
        self._exchange, self._timeout = exchange, timeout

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answer:
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        reply = self._exchange.post(url, body.encode(), timeout=self._timeout, limit=MOST_BYTES, headers=sent)
        if isinstance(reply, NoReply):
            raise ProviderAway(reply.reason)
        return _Answer(reply)


class _Answer:
    """What authlib reads of an answer."""

    def __init__(self, reply: Reply) -> None:
        self.status_code, self._body = reply.status, reply.body

    def json(self) -> Any:
        return json.loads(self._body)

    def raise_for_status(self) -> None:
        if self.status_code >= 300:
            raise ProviderAway(f"it answered the code with {self.status_code}")


def _basic(client: Any, method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    """Both are written as in a form first (RFC 6749, section 2.3.1), which the library leaves out."""
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return uri, headers | {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}, body


def _document(said: dict[str, Any], issuer: str, safe: Callable[[str], bool]) -> ProviderDocument:
    if said.get("issuer") != issuer:
        # Anybody could else stand in for it by a document that points elsewhere (Discovery, section 4.3).
        raise ProviderAway(f"its discovery document is of another issuer; expected exactly {issuer}")

    def address(name: str) -> str | None:
        url = said.get(name)
        if url is None:
            return None
        if not isinstance(url, str) or not safe(url):
            raise ProviderAway(f"its {name} is no address that a secret may be sent to: expected https://")
        return url

    endpoints = {name: address(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for name, url in endpoints.items():
        if url is None:
            raise ProviderAway(f"its discovery document has no {name}")
    challenges = said.get("code_challenge_methods_supported")
    if challenges is not None and "S256" not in _texts(challenges):
        raise ProviderAway("it does not take a challenge by S256 (PKCE)")
    return ProviderDocument(
        authorization_endpoint=endpoints["authorization_endpoint"] or "",
        token_endpoint=endpoints["token_endpoint"] or "",
        jwks_uri=endpoints["jwks_uri"] or "",
        userinfo_endpoint=address("userinfo_endpoint"),
        end_session_endpoint=address("end_session_endpoint"),
        algorithms=_texts(said.get("id_token_signing_alg_values_supported")),
        auth_methods=_texts(said.get("token_endpoint_auth_methods_supported")),
        takes_claims=said.get("claims_parameter_supported") is True,
        names_issuer=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _refusal(word: str) -> str:
    match word:
        case "invalid_grant":
            return "the sign-in there is over, or was used already"
        case "invalid_client" | "unauthorized_client":
            return "it does not know this gate, or not by this secret"
        case _:
            return f"it refused ({word})" if _WORD.fullmatch(word) else "it refused"
