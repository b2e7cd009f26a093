"""What an identity provider says of somebody who signs in: the one place where its claims are read.

Followed: OpenID Connect Core 1.0 (section 3.1.3.7), OpenID Connect Back-Channel Logout 1.0 (section 2.6), RFC 8725.
Read are the claims that say who signed the token, for whom, when and in answer to what; how somebody proved who they
are, where the settings ask for that; and the one claim that names the person. Whatever else a token has is dropped
here: nothing of it is kept, compared or logged.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from armslength.gate.failure import Rejected
from armslength.gate.provider_keys import ProviderKeys, verified
from armslength.gate.request import PersonId, is_name
from armslength.tlog import format_base64url

TOLERANCE = 60
"""Seconds by which the provider's clock and ours may differ."""
LOGOUT_AGE = 300
"""Seconds after which a logout token is too old, whatever it says itself."""
LONGEST_CLAIM = 255
"""Characters of a claim that is kept; Core limits `sub` to as many (section 2)."""
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What the settings ask of a token. `max_age` in seconds: how long ago somebody may have proved who they are."""

    issuer: str
    client_id: str
    person: str = "sub"
    """The claim that names the person."""
    people: Mapping[str, PersonId] | None = None
    """Who a value of that claim is; None: the person whose id it is."""
    max_age: int | None = None
    amr: tuple[str, ...] = ()
    """Each of them has to be among the methods that were used (RFC 8176)."""
    acr: tuple[str, ...] = ()
    """One of them has to be the class of the sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInThere:
    """What is taken from an ID token. `session` is the provider's name for the session (`sid`); `named` the value of
    the claim that names the person, None where the token has none and the provider has to be asked."""

    subject: str = field(repr=False)
    session: str | None = field(repr=False)
    named: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutThere:
    """Whom a logout token is about: a session, a subject in all theirs, or both; issued at `at` (POSIX seconds)."""

    subject: str | None = field(repr=False)
    session: str | None = field(repr=False)
    at: int


def check_id_token(
    text: str,
    keys: ProviderKeys,
    *,
    rules: ClaimRules,
    nonce: str,
    begun: int,
    now: int,
    access_token: str | None = None,
) -> SignedInThere:
    """What the ID token says. `begun`: when this sign-in began; `now`: both POSIX seconds; `access_token`: the one that
    came with it. Raises `Rejected` with every problem, or `StrangeKey` where newer keys may help."""
    header, claims = verified(text, keys, types=("jwt",))
    problems = _party_problems(claims, rules) + _time_problems(claims, now)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), nonce.encode()):
        problems.append("it does not answer this sign-in (nonce)")
    issued = _seconds(claims, "iat")
    if issued is not None and issued < begun - TOLERANCE:
        problems.append("it was issued before this sign-in began (iat)")
    if "events" in claims:
        problems.append("it is a logout token")
    problems += _proof_problems(claims, rules, now)
    hashed = claims.get("at_hash")
    if hashed is not None and access_token is not None and hashed != _half_hash(access_token, str(header["alg"])):
        problems.append("the access token is not the one it came with (at_hash)")
    subject = _kept(claims, "sub")
    if subject is None:
        problems.append("it does not say who it is about (sub)")
    if problems or subject is None:
        raise _rejected(problems)
    return SignedInThere(subject=subject, session=_kept(claims, "sid"), named=_named(claims, rules))


def check_user_info(claims: object, *, rules: ClaimRules, subject: str) -> str:
    """The value of the claim that names the person, from the provider's answer about `subject`, the one of the ID
    token: an answer about somebody else is not taken (Core, section 5.3.2). Raises `Rejected`."""
    if not isinstance(claims, dict) or claims.get("sub") != subject:
        raise Rejected(["the provider answered about somebody else than who signed in"])
    named = _named(claims, rules)
    if named is None:
        verified_too = " and that it is verified (email_verified)" if rules.person == EMAIL else ""
        raise Rejected([f"the provider does not say who you are: expected the claim {rules.person!r}{verified_too}"])
    return named


def person_named(value: str, rules: ClaimRules) -> PersonId:
    """Whose id the claim's value stands for. Raises `Rejected` for one that the settings name nobody for."""
    if rules.people is None:
        return PersonId(value)
    person = rules.people.get(value)
    if person is None:
        raise Rejected([f"the provider says that you are {value!r}, and the settings name nobody for that"])
    return person


def check_logout_token(text: str, keys: ProviderKeys, *, rules: ClaimRules, now: int) -> SignedOutThere:
    """Whom it signs out. Raises `Rejected` with every problem, or `StrangeKey`."""
    _, claims = verified(text, keys, types=("jwt", "logout+jwt"))
    problems = _party_problems(claims, rules) + _time_problems(claims, now, expires=False)
    issued = _seconds(claims, "iat")
    if issued is not None and issued < now - LOGOUT_AGE:
        problems.append("it is too old (iat)")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict):
        problems.append("it is no logout token (events)")
    if "nonce" in claims:
        problems.append("it has a nonce, which no logout token has")
    subject, session = _kept(claims, "sub"), _kept(claims, "sid")
    if subject is None and session is None:
        problems.append("it says neither who nor which session (sub, sid)")
    if problems or issued is None:
        raise _rejected(problems)
    return SignedOutThere(subject=subject, session=session, at=math.floor(issued))


def _rejected(problems: list[str]) -> Rejected:
    return Rejected([f"the provider's token is not taken: {each}" for each in problems])


def _party_problems(claims: Mapping[str, Any], rules: ClaimRules) -> list[str]:
    problems = []
    if claims.get("iss") != rules.issuer:
        problems.append("another provider issued it (iss)")
    audience = claims.get("aud")
    # Of no other audience do we know whether it is to be trusted with a token that signs in here.
    if audience != rules.client_id and audience != [rules.client_id]:
        problems.append("it is not for this gate, or not for it alone (aud)")
    if claims.get("azp", rules.client_id) != rules.client_id:
        problems.append("it was made for another party (azp)")
    return problems


def _time_problems(claims: Mapping[str, Any], now: int, *, expires: bool = True) -> list[str]:
    problems = []
    issued, ends = _seconds(claims, "iat"), _seconds(claims, "exp")
    if issued is None:
        problems.append("it does not say when it was issued (iat)")
    elif issued > now + TOLERANCE:
        problems.append("it is from the future (iat): the provider's clock or the gate's is wrong")
    if ends is None:
        if expires or "exp" in claims:
            problems.append("it does not say when it ends (exp)")
    elif ends <= now - TOLERANCE:
        problems.append("it is over (exp)")
    begins = _seconds(claims, "nbf")
    if begins is None:
        if "nbf" in claims:
            problems.append("it does not say from when it holds (nbf)")
    elif begins > now + TOLERANCE:
        problems.append("it does not hold yet (nbf)")
    return problems


def _proof_problems(claims: Mapping[str, Any], rules: ClaimRules, now: int) -> list[str]:
    """How somebody proved to the provider who they are, as far as the settings ask."""
    problems = []
    if rules.max_age is not None:
        proved = _seconds(claims, "auth_time")
        if proved is None:
            problems.append("it does not say when you proved who you are (auth_time)")
        elif not now - rules.max_age - TOLERANCE <= proved <= now + TOLERANCE:
            problems.append("it is too long ago that you proved who you are (auth_time)")
    methods = claims.get("amr")
    missing = [each for each in rules.amr if not isinstance(methods, list) or each not in methods]
    if missing:
        problems.append(f"you did not sign in there by {', '.join(missing)}, which the gate asks for (amr)")
    if rules.acr and claims.get("acr") not in rules.acr:
        problems.append(f"the sign-in there was none of {', '.join(rules.acr)}, which the gate asks for (acr)")
    return problems


def _named(claims: Mapping[str, Any], rules: ClaimRules) -> str | None:
    # Whoever may write any address into their own account would be anybody: only a verified one names a person.
    if rules.person == EMAIL and claims.get("email_verified") is not True:
        return None
    return _kept(claims, rules.person)


def _kept(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= LONGEST_CLAIM and is_name(value) else None


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1 << 40:
        return None
    return value


_HASHES = MappingProxyType({"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512})


def _half_hash(text: str, algorithm: str) -> str:
    """The left half of the hash that belongs to the algorithm (Core, section 3.1.3.6); Ed25519's is SHA-512."""
    digest = _HASHES.get(algorithm[2:], hashlib.sha512)(text.encode("utf-8", "replace")).digest()
    return format_base64url(digest[: len(digest) // 2])
