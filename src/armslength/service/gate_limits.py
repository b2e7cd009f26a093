"""What a lease gives, beside what the terms of another day would: a lease goes on only as long as it is no wider."""

from __future__ import annotations

import datetime as dt

from armslength.estate import Terms
from armslength.gate import Granted, LeaseTerms, RequestState


def could_give(terms: Terms, lease: LeaseTerms, request: RequestState, veto: dt.timedelta) -> bool:
    """Whether these terms would give as much: as long, as often, for as many customers, without more of a word from
    them than they had. `veto` is how long customers have to say no. Who approved it is not looked at."""
    if lease.end - lease.start > dt.timedelta(minutes=terms.minutes):
        return False
    if terms.uses is not None and (lease.uses is None or lease.uses > terms.uses):
        return False
    if terms.customers is not None and _most_customers(lease) > terms.customers:
        return False
    return _heard(terms, request, veto)


def _most_customers(lease: LeaseTerms) -> int:
    """How many distinct customers it can be used for."""
    if lease.customers:
        return min(len(lease.customers), lease.most_customers or len(lease.customers))
    return lease.most_customers or 0


def _heard(terms: Terms, request: RequestState, veto: dt.timedelta) -> bool:
    """Whether its customers had the word that the terms give them."""
    if terms.customer is None or set(request.request.customers) <= request.agreed:
        return True
    if terms.customer == "approve" or request.request.hold is not None:
        return False
    return isinstance(request.status, Granted) and request.status.at >= request.request.made + veto
