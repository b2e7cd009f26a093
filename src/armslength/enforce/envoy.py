"""A service behind an Envoy that lets a request through if the gate says so: what it takes to write its configuration
(envoy_config), and the file with its secrets.

Envoy asks with its filter `ext_authz`, over HTTP. Whatever the gate says but 200 is a refusal, which the person reads
as the gate wrote it; an answer of 5xx, and none in time, is 503. A request is held until its body is there, and only
then is the gate asked: otherwise the act would happen whenever the caller cares to send the last byte.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from armslength.enforce.nginx import ClientCertificate
from armslength.estate import parse_host, segment_problem

_PLAIN = re.compile(r"[A-Za-z0-9._/:@+~\[\]=-]+")
_LISTEN = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):([1-9]\d{0,4})")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}")
_CREDENTIAL = re.compile(r"[A-Za-z]+ [A-Za-z0-9._~+/=-]{8,4000}")
MOST_BODY = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """People are known by a JSON Web Token that `issuer` signed for `audience`, with a key of the key set (JWKS) in the
    file `keys`. It comes in the header `Authorization: Bearer`, or in the cookie of that name; `claim` is a person's
    id."""

    issuer: str
    audience: str
    keys: str
    claim: str = "sub"
    cookie: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoySite:
    """One service behind the gate.

    `host`: its name, as routes have it. `listen`: `ADDRESS:PORT`. `gate`, `upstream`: base URLs; `secrets`: the path of
    the file with the point's secret (`envoy_secrets`). `certificate`, `key`: what Envoy shows to people; None: plain
    HTTP, for trying out. `authority`, `upstream_authority`: the files that the certificates of a gate, or of a service,
    over https verify with. `ask`: where people ask for access. `most_body`: bytes of a body. `most_stream`: seconds
    after which any answer is cut, and earlier with the end of its lease; it is also for how long a lease that was
    revoked can go on in an answer that had begun. `websockets`: whether WebSockets pass, under the same limits.
    `ungated`: exact paths that nobody needs leave for, such as a health check. `credential`: whether the service is
    shown a credential of Envoy's own in `Authorization`, in place of the caller's, once the gate said yes.
    """

    host: str
    listen: str
    gate: str
    upstream: str
    secrets: str
    subject: ClientCertificate | SignedToken
    ask: str
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    upstream_authority: str | None = None
    most_body: int = 1 << 20
    most_stream: int = 3600
    websockets: bool = False
    ungated: tuple[str, ...] = ()
    credential: bool = False

    def __post_init__(self) -> None:
        """Raises `ValueError` with every problem."""
        if problems := _problems(self):
            raise ValueError("; ".join(problems))

    @property
    def word(self) -> str:
        """A word for this site's clusters and secrets, so that several can stand in one Envoy."""
        return "armslength_" + re.sub(r"[^a-z0-9]", "_", self.host)

    @property
    def credential_file(self) -> str:
        """Where the credential for the service is, if the site has one: Envoy takes one secret from a file."""
        return f"{self.secrets}.credential"

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: an address and a port."""
        found = _LISTEN.fullmatch(self.listen)
        if found is None:
            raise ValueError(self.listen)
        return found[1].strip("[]"), int(found[2])


def envoy_secrets(site: EnvoySite, *, point: str, credential: str | None = None) -> dict[str, str]:
    """The files with secrets, by their paths, which Envoy's user alone may read. `point`: the secret of the enforcement
    point; `credential`: the value of `Authorization` for the service, such as `Bearer …`, if the site has one. Raises
    `ValueError`."""
    if not _SECRET.fullmatch(point):
        raise ValueError("the point's secret: expected 16 to 200 characters of base64url")
    if site.credential is (credential is None) or (credential is not None and not _CREDENTIAL.fullmatch(credential)):
        raise ValueError("the credential: expected a value such as Bearer … if the site has one, and none otherwise")
    files = {site.secrets: f"Bearer {point}"}
    if credential is not None:
        files[site.credential_file] = credential
    return {path: _secret(path, value) for path, value in files.items()}


def _secret(path: str, value: str) -> str:
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    secret = {"@type": kind, "name": path, "generic_secret": {"secret": {"inline_string": value}}}
    return json.dumps({"resources": [secret]}, indent=1) + "\n"


def _problems(site: EnvoySite) -> list[str]:
    found = []
    if parse_host(site.host) != site.host or site.host.startswith("["):
        found.append(f"the host {site.host!r}: expected a name in lower case")
    listen = _LISTEN.fullmatch(site.listen)
    if listen is None or int(listen[2]) > 65535:
        found.append(f"listen {site.listen!r}: expected ADDRESS:PORT, such as 0.0.0.0:443")
    for what, url in (("gate", site.gate), ("upstream", site.upstream), ("place to ask", site.ask)):
        if not _is_base(url, path=what == "place to ask"):
            found.append(f"the {what} {url!r}: expected http:// or https:// and a host, without a path")
    files = [("secrets file", site.secrets), ("certificate", site.certificate), ("key", site.key)]
    files += [("authority", site.authority), ("service's authority", site.upstream_authority)]
    match site.subject:
        case ClientCertificate(authority=authority):
            files.append(("people's authority", authority))
            if site.certificate is None:
                found.append("people's certificates need https: expected a certificate and its key")
        case SignedToken() as token:
            files.append(("key set", token.keys))
            named = [("issuer", token.issuer), ("audience", token.audience)]
            found += [f"the {what} {text!r}: expected one" for what, text in named if not text.strip()]
            if not _NAME.fullmatch(token.claim):
                found.append(f"the claim {token.claim!r}: expected a name")
            if token.cookie is not None and not _NAME.fullmatch(token.cookie):
                found.append(f"the cookie {token.cookie!r}: expected a name")
    for what, path in files:
        if path is not None and not (_PLAIN.fullmatch(path) and path.startswith("/")):
            found.append(f"the {what} {path!r}: expected an absolute path of plain characters")
    if (site.certificate is None) != (site.key is None):
        found.append("a certificate needs its key")
    if site.gate.startswith("https:") and site.authority is None:
        found.append("a gate over https needs the authority that its certificate verifies with")
    if site.upstream.startswith("https:") and site.upstream_authority is None:
        found.append("a service over https needs the authority that its certificate verifies with")
    if not 0 < site.most_body < MOST_BODY:
        found.append(f"the most bytes of a body {site.most_body!r}: expected a number up to {MOST_BODY}")
    if not 0 < site.most_stream <= 86_400:
        found.append(f"the most seconds of an answer {site.most_stream!r}: expected 1 to 86400")
    for path in site.ungated:
        words = path.split("/")[1:]
        if not path.startswith("/") or not _PLAIN.fullmatch(path) or any(segment_problem(word) for word in words):
            found.append(f"the ungated path {path!r}: expected one exact path")
    return found


def _is_base(url: str, *, path: bool) -> bool:
    try:
        parts = urlsplit(url)
        whole = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in url)
    except ValueError:
        return False
    return whole and bool(_PLAIN.fullmatch(url)) and (path or not parts.path.strip("/"))
