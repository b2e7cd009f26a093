"""A lease as a token: what an enforcement point can check without asking (docs/formats/lease.md).

It follows from the lease's record alone, so it is the same text whenever the gate writes it. It proves nothing about
now: whoever checks one looks at the time, at the list of revoked leases and, where uses are counted, asks the gate.
"""

from __future__ import annotations

from collections.abc import Mapping

from armslength.gate.form import Form
from armslength.gate.jws import sign, verify
from armslength.gate.lease import Lease, LeaseId, LeaseTerms
from armslength.gate.moment import Moment, posix
from armslength.gate.request import PersonId, RequestId, Target
from armslength.gate.request_form import parse_target
from armslength.gate.signing_key import LeaseKey
from armslength.tlog import Json

LEASE_TYPE = "armslength-lease+jwt"

_CLAIMS = frozenset(
    "action approvers aud customers estate exp index iss jti most_customers nbf request resource rule sub terms "
    "uses".split()
)


def sign_lease(lease: Lease, key: LeaseKey) -> str:
    terms = lease.terms
    claims: Json = {
        "action": terms.action,
        "approvers": list(terms.approvers),
        "aud": terms.gate,
        "customers": list(terms.customers),
        "estate": terms.estate,
        "exp": posix(terms.end),
        "index": lease.index,
        "iss": terms.gate,
        "jti": terms.id,
        "most_customers": terms.most_customers,
        "nbf": posix(terms.start),
        "request": terms.request,
        "resource": {"type": terms.resource.type, "id": terms.resource.id},
        "rule": terms.rule,
        "sub": terms.executor,
        "terms": terms.terms,
        "uses": terms.uses,
    }
    return sign(claims, LEASE_TYPE, key)


def verify_lease(token: str, keys: Mapping[str, bytes]) -> Lease:
    """The lease that the gate signed. `keys` are its public keys by `kid` (`parse_jwks`).

    Raises `Rejected`, or `UnknownKey`. Nothing here says that it runs now: `within`.
    """
    read = Form(verify(token, LEASE_TYPE, keys), "lease", _CLAIMS)
    gate, uses, most = read.text("iss"), "uses", "most_customers"
    read.exactly("aud", gate)
    texts = {name: read.text(name) for name in ("jti", "sub", "action", "request", "rule", "terms", "estate")}
    resource = read.inner("resource", parse_target, Target(type="asset", id="-"))
    customers, approvers, index = read.texts("customers"), read.texts("approvers"), read.number("index")
    start, end = read.seconds("nbf"), read.seconds("exp")
    limits = {name: read.number(name) if read.has(name) else None for name in (uses, most)}
    read.done()
    terms = LeaseTerms(
        id=LeaseId(texts["jti"]),
        gate=gate,
        request=RequestId(texts["request"]),
        executor=PersonId(texts["sub"]),
        action=texts["action"],
        resource=resource,
        customers=customers,
        start=start,
        end=end,
        uses=limits[uses],
        most_customers=limits[most],
        rule=texts["rule"],
        terms=texts["terms"],
        approvers=tuple(PersonId(approver) for approver in approvers),
        estate=texts["estate"],
    )
    return Lease(terms=terms, origin=gate, index=index, _made=Lease.MADE)


def within(lease: Lease, now: Moment) -> bool:
    """Whether its time has begun and is not past."""
    return lease.terms.start <= now < lease.terms.end
