"""[terms]: what a quorum must be before a lease."""

from __future__ import annotations

from armslength.estate.model import Place, Terms
from armslength.estate.names import HOLDERS, Names, reference
from armslength.estate.problem import did_you_mean
from armslength.estate.section import Section

TERMS = ("approvals", "approvers", "apart", "distinct", "minutes", "from", "line", "uses", "customers", "customer")
PLACE = ("of", "count")
MINUTES = 60
"""How long a lease runs if the terms do not say."""
MOST_MINUTES, MOST_USES, MOST_CUSTOMERS = 366 * 1440, 1_000_000, 1000
"""The most that the gate gives a lease for."""


def read_terms(
    root: Section, names: Names, people_columns: frozenset[str] | None
) -> tuple[tuple[Terms, ...], dict[str, object]]:
    """Every terms in order, and the same as the digest has them, defaults filled in. `people_columns` None: the
    people table could not be read."""
    section = root.table("terms")
    found: list[Terms] = []
    parsed: dict[str, object] = {}
    for key in section.values if section is not None else ():
        assert section is not None
        if not key or key != key.strip():
            section.wrong(f"{key!r}: expected a name without spaces around it", key)
        one = section.table(key)
        if one is None:
            continue
        one.only(TERMS)
        read = _one_terms(key, one, names, people_columns)
        if read is not None:
            found.append(read[0])
            parsed[key] = read[1]
    return tuple(found), parsed


def _one_terms(
    key: str, one: Section, names: Names, people_columns: frozenset[str] | None
) -> tuple[Terms, dict[str, object]] | None:
    one.needed("approvals")
    one.needed("approvers")
    approvals = one.count("approvals", 1)
    approvers = reference(one, "approvers", HOLDERS, names)
    apart = one.count("apart", 0) or 0
    distinct = one.texts("distinct") or ()
    for column in distinct:
        if people_columns is not None and column not in people_columns:
            one.wrong(
                f"{column!r} is not a column of the people table{did_you_mean(column, people_columns)}", "distinct"
            )
    minutes = one.count("minutes", 1, MOST_MINUTES)
    line = one.choice("line", ("apart",))
    uses, customers = one.count("uses", 1, MOST_USES), one.count("customers", 1, MOST_CUSTOMERS)
    customer = one.choice("customer", ("approve", "veto"))
    places: list[Place] = []
    places_parsed: list[dict[str, object]] = []
    for place in one.tables("from"):
        place.only(PLACE)
        place.needed("of")
        place.needed("count")
        of, count = reference(place, "of", HOLDERS, names), place.count("count", 1)
        if of is not None and count is not None:
            places.append(Place(of=of[1], count=count))
            places_parsed.append({"of": of[0], "count": count})
    if approvals is None or approvers is None:
        return None
    parsed: dict[str, object] = {
        "approvals": approvals,
        "approvers": approvers[0],
        "apart": apart,
        "distinct": list(distinct),
        "minutes": MINUTES if minutes is None else minutes,
        "from": places_parsed,
    }
    for word, value in (("line", line), ("uses", uses), ("customers", customers), ("customer", customer)):
        if value is not None:
            parsed[word] = value
    terms = Terms(
        id=key,
        approvals=approvals,
        approvers=approvers[1],
        apart=apart,
        distinct=tuple(distinct),
        places=tuple(places),
        minutes=MINUTES if minutes is None else minutes,
        line=line,
        uses=uses,
        customers=customers,
        customer=customer,
    )
    return terms, parsed
