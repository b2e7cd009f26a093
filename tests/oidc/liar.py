"""A provider that says whatever a test wants: no real one lies, breaks off or answers too much on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.oidc.desk import begin
from tests.oidc.provider import CLIENT, Visitor

Claims = dict[str, Any]
Key = RSAKey | ECKey | OKPKey | OctKey


def new_key(kid: str, algorithm: str = "RS256") -> Key:
    extra = {"kid": kid, "use": "sig", "alg": algorithm}
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm], extra)
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", extra)
    return RSAKey.generate_key(2048, extra)


def signed(claims: object, key: Key, **header: object) -> str:
    said = {"alg": key.get("alg", "RS256"), "kid": key.kid, "typ": "JWT", **header}
    said = {name: value for name, value in said.items() if value is not None}
    if said["alg"] == "EdDSA":  # by its old name the library signs nothing
        text = f"{plain(said)}.{plain(claims)}"
        return f"{text}.{encoded(key.private_key.sign(text.encode()))}"  # type: ignore[union-attr]
    registry = jws.JWSRegistry(algorithms=_ALL, strict_check_header=False)
    return jws.serialize_compact(said, json.dumps(claims).encode(), key, registry=registry)


def signed_as(claims: object, key: Key, header: Claims) -> str:
    """With RS256, and a header that no library would write."""
    text = f"{plain({'alg': 'RS256', 'kid': key.kid, **header})}.{plain(claims)}"
    signature = key.private_key.sign(text.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
    return f"{text}.{encoded(signature)}"


def unsigned(claims: object, **header: object) -> str:
    return f"{plain({'alg': 'none', **header})}.{plain(claims)}."


def signed_by_the_public_key(claims: object, key: Key, form: Encoding) -> str:
    """HS256 with what everybody knows as its secret."""
    kind = PublicFormat.SubjectPublicKeyInfo
    public = key.public_key.public_bytes(form, kind)  # type: ignore[union-attr]
    text = f"{plain({'alg': 'HS256', 'kid': key.kid, 'typ': 'JWT'})}.{plain(claims)}"
    return f"{text}.{encoded(hmac.digest(public, text.encode(), hashlib.sha256))}"


def plain(value: object) -> str:
    return encoded(json.dumps(value).encode())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_ALL = ["Ed25519", *(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512))]


@dataclass
class Liar:
    issuer: str = ""
    keys: list[Key] = field(default_factory=lambda: [new_key("one")])
    document: Claims = field(default_factory=dict)
    """What it says of itself besides, or in place of the truth."""
    claims: Claims = field(default_factory=dict)
    """What its ID token says besides; None: left out."""
    token: Callable[[Claims], str] | None = None
    """Makes the ID token of the claims; None: signs them."""
    answer: Callable[[], tuple[int, bytes]] | None = None
    """What it answers to a code, in place of tokens."""
    info: Claims = field(default_factory=dict)
    silent: threading.Event | None = None
    """Where there is one, nothing is answered until it is set."""
    nonce: str = ""
    asked: list[str] = field(default_factory=list)
    """Paths, in the order in which they were asked for."""
    codes: list[dict[str, list[str]]] = field(default_factory=list)

    def said(self) -> Claims:
        now = int(time.time())
        honest = {"iss": self.issuer, "aud": CLIENT, "sub": "ana", "iat": now, "exp": now + 300, "nonce": self.nonce}
        return {name: value for name, value in {**honest, **self.claims}.items() if value is not None}

    def id_token(self) -> str:
        said = self.said()
        return signed(said, self.keys[0]) if self.token is None else self.token(said)

    def way_back(self, here: Any, visitor: Visitor, path: str = "/", **said: str) -> str:
        """The address that this provider sends the browser back to, after the gate sent it here; `said` in place of
        the truth, "" for what is left out."""
        asked = parse_qs(urlsplit(begin(here, visitor, path)).query)
        self.nonce = asked["nonce"][0]
        honest = {"code": "a-code", "state": asked["state"][0], "iss": self.issuer, **said}
        return f"{asked['redirect_uri'][0]}?{urlencode({k: v for k, v in honest.items() if v})}"

    def answered(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.silent is not None:
            self.silent.wait(30)
        match path:
            case "/.well-known/openid-configuration":
                said = {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/auth",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/jwks",
                    "userinfo_endpoint": f"{self.issuer}/me",
                    "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256", "EdDSA"],
                    "authorization_response_iss_parameter_supported": True,
                    **self.document,
                }
                return 200, json.dumps({name: value for name, value in said.items() if value is not None}).encode()
            case "/jwks":
                listed = [key.as_dict(private=False) for key in self.keys]
                return 200, json.dumps({"keys": listed}).encode()
            case "/token":
                self.codes.append(parse_qs(body.decode()))
                if self.answer is not None:
                    return self.answer()
                told = {"id_token": self.id_token(), "access_token": "an-access-token", "token_type": "Bearer"}
                return 200, json.dumps(told).encode()
            case "/me":
                return 200, json.dumps(self.info).encode()
        return 404, b""


@contextmanager
def liar(**said: object) -> Iterator[Liar]:
    one = Liar(**said)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, data = one.answered(self.command, urlsplit(self.path).path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield one
    finally:
        if one.silent is not None:
            one.silent.set()
        server.shutdown()
        server.server_close()
