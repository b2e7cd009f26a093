"""The keys that an identity provider signs with, and what one of them has signed (RFC 7515, RFC 7517, RFC 8725).

INVARIANT: the algorithm is one that was fixed beforehand, all of them with public keys; the key is one that the
provider published for signing, of the kind that the algorithm needs. What a token itself says of keys (`jwk`, `jku`,
`x5c`) is not looked at, so no token brings its own key, and none is signed with what everybody knows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from armslength.gate.failure import Rejected

LARGEST = 65_536
"""Characters of a token; with the two hundred groups that some providers name it has a sixth of that."""
MOST_KEYS = 100
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
"""Bits; checking a signature with more would be work for nothing."""

_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {f"{family}{bits}": ("RSA", "") for family in ("RS", "PS") for bits in (256, 384, 512)}
    | {"ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521")}
    | {"EdDSA": ("OKP", "Ed25519"), "Ed25519": ("OKP", "Ed25519")}
)
"""The kind of key and its curve, by algorithm."""
ALGORITHMS = frozenset(_KINDS)
"""What is ever taken: signatures with public keys. Not `none`, and no `HS…`, whose key two have."""


class StrangeKey(Rejected):
    """Signed with a key that is not among those given; the provider may have published it since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """A public key; `algorithm` where the provider says that it is for one alone."""

    id: str | None
    kind: tuple[str, str]
    algorithm: str | None
    key: RSAKey | ECKey | OKPKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKeys:
    """Those of a provider, and the algorithms that it says it signs with."""

    keys: tuple[ProviderKey, ...]
    algorithms: frozenset[str]


def parse_provider_keys(form: object, algorithms: Collection[str]) -> ProviderKeys:
    """The signing keys of a JWK Set. Those of other sorts, for other uses, too weak or spoilt are left out (RFC 7517,
    section 5). `algorithms` are those that the provider offers. Raises `Rejected` where nothing is left."""
    listed = form.get("keys") if isinstance(form, dict) else None
    if not isinstance(listed, list):
        raise Rejected(["the provider's keys cannot be read: expected a JWK Set"])
    keys = [key for each in listed[:MOST_KEYS] if isinstance(each, dict) and (key := _key(each)) is not None]
    taken = ALGORITHMS.intersection(each for each in algorithms if isinstance(each, str))
    if not taken:
        raise Rejected([f"the provider signs with nothing that is taken here: expected one of {', '.join(_KINDS)}"])
    if not keys:
        raise Rejected(["the provider publishes no key to check its signatures with"])
    return ProviderKeys(keys=tuple(keys), algorithms=taken)


def verified(text: str, keys: ProviderKeys, *, types: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims) of a compact JWS that one of `keys` signed. `types` are the values of `typ` that are taken, in
    lower case; none at all is taken as well. Raises `Rejected`, `StrangeKey`."""
    if len(text) > LARGEST:
        raise _not_taken(f"it has {len(text):,} characters; expected at most {LARGEST:,}")
    try:
        token = jws.extract_compact(text.encode("ascii"), None, _registry(keys.algorithms))
        header = token.headers()
    except (JoseError, ValueError, RecursionError, TypeError, AttributeError):
        raise _not_taken("it is no signed token (JWS)") from None
    algorithm, typ, kid = header.get("alg"), header.get("typ", "JWT"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in keys.algorithms:
        raise _not_taken(f"it is signed with {str(algorithm)[:20]!r}; expected {', '.join(sorted(keys.algorithms))}")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise _not_taken("it is a token of another kind (typ)")
    if "crit" in header:
        raise _not_taken("it asks for what is not understood here (crit)")
    if kid is not None and not isinstance(kid, str):
        raise _not_taken("it does not say which key signed it (kid)")
    key = _which(keys, algorithm, kid)
    try:
        holds = jws.validate_compact(token, key.key, registry=_registry([algorithm]))
    except (JoseError, ValueError, TypeError):
        holds = False
    if not holds:
        raise _not_taken("its signature does not hold")
    try:
        claims = json.loads(token.payload)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise _not_taken("it says nothing that can be read")
    return dict(header), claims


def _which(keys: ProviderKeys, algorithm: str, kid: str | None) -> ProviderKey:
    """The one key that can have signed it: without a `kid` there must be no choice (Core, section 10.1)."""
    fit = [key for key in keys.keys if key.kind == _KINDS[algorithm] and key.algorithm in (None, algorithm)]
    named = fit if kid is None else [key for key in fit if key.id == kid]
    if len(named) != 1:
        raise StrangeKey(["the provider's token is not taken: none of the provider's keys is the one that signed it"])
    return named[0]


def _key(form: dict[str, Any]) -> ProviderKey | None:
    kid, use, algorithm, operations = (form.get(name) for name in ("kid", "use", "alg", "key_ops"))
    kind = (str(form.get("kty")), "" if form.get("kty") == "RSA" else str(form.get("crv")))
    if kind not in _KINDS.values() or use not in (None, "sig") or not isinstance(kid, str | None):
        return None
    if algorithm is not None and _KINDS.get(str(algorithm)) != kind:
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    public = {name: value for name, value in form.items() if name in ("kty", "crv", "n", "e", "x", "y")}
    # Four characters of base64url are three bytes.
    if kind[0] == "RSA" and not SMALLEST_RSA <= 6 * len(str(form.get("n"))) <= LARGEST_RSA + 16:
        return None
    try:
        key = JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    if not isinstance(key, RSAKey | ECKey | OKPKey):
        return None
    return ProviderKey(id=kid, kind=kind, algorithm=algorithm, key=key)


class _Registry(JWSRegistry):
    """The library stops at headers of 512 bytes, which one with a certificate's thumbprints and a long `kid` has; and
    it complains of EdDSA, the old name of Ed25519 with which many providers sign (RFC 9864)."""

    max_header_length = 4096
    algorithms = {**JWSRegistry.algorithms, "EdDSA": JWSRegistry.algorithms["Ed25519"]}


def _registry(algorithms: Collection[str]) -> JWSRegistry:
    # Header parameters that nobody knows are to be ignored, but for those in `crit` (RFC 7515, section 4).
    return _Registry(algorithms=algorithms, strict_check_header=False)


def _not_taken(why: str) -> Rejected:
    return Rejected([f"the provider's token is not taken: {why}"])
