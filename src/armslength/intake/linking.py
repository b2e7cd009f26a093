"""Who is who: the same person in several sources, and who holds which account.

Identifiers decide, never names. One that leads to two persons decides nothing: it is listed, and what hung on it stays
unknown. Explicit `[[same]]` rules of linking.toml come first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from armslength.intake.harvest import Matter
from armslength.intake.harvest_form import Kept
from armslength.intake.linking_rules import FILE, Linking, LoginRule
from armslength.intake.problem import Problems

STRENGTH = ("employee", "subject", "scim", "mail", "login")
"""In which order identifiers are followed: HR's number first, a login that anybody may choose last."""
NOTHING = frozenset({"", "0", "-", "n/a", "na", "none", "null", "nil", "unknown", "tbd", "x"})
"""What people write where there is no identifier."""
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
KINDS = ("hr", "scim", "entra", "okta", "google")
"""Whose word about a person counts first, unless linking.toml says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A row of review.csv."""

    source: str
    matter: Matter
    item: str
    reason: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person: `records` are (source's place in the order of sources, id), the one that counts first at the front.
    `unclear`: somebody else may be the same person, so what the records say of places may not be all."""

    id: str
    records: tuple[tuple[int, str], ...]
    unclear: bool


@dataclass(slots=True, kw_only=True)
class Links:
    """`alias`: the reference of every person's record to the one in the estate, `person:ID` both. `holders`: of every
    account, by bare id, those who were found; one without any is unknown."""

    order: tuple[Kept, ...]
    people: list[Person] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)
    holders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A person's record (`person:ID`) or an account (`group:ID`) of the source at this place in the order."""

    source: int
    reference: str
    origin: str


def linked(harvests: Iterable[Kept], rules: Linking, problems: Problems) -> Links:
    """Persons made one, and accounts given to their holders; the same whatever the order of sources and rows.

    Two different records with one id are reported: whose the access of one of them is cannot be told.
    """
    order = tuple(sorted(harvests, key=lambda kept: _rank(kept, rules.order)))
    links = Links(order=order)
    subjects = _subjects(order, problems)
    known = _identifiers(order, rules, subjects)
    circle = _Circle(subjects)
    _explicit(rules, subjects, circle, links)
    _idle(order, rules, links)
    unclear = _by_identifiers(order, known, subjects, circle, links)
    _name_people(subjects, circle, unclear, links)
    _give_accounts(order, known, subjects, links)
    return links


def _rank(kept: Kept, order: Sequence[str]) -> tuple[int, int, str]:
    named = order.index(kept.name) if kept.name in order else len(order)
    return named, KINDS.index(kept.kind) if kept.kind in KINDS else len(KINDS), kept.name


def _subjects(order: Sequence[Kept], problems: Problems) -> dict[str, _Subject]:
    found: dict[str, _Subject] = {}
    cells: dict[str, tuple[object, ...]] = {}
    for place, kept in enumerate(order):
        people, accounts = kept.table("people"), kept.table("accounts")
        for *row, origin in people.sort(people.columns).iter_rows():
            reference = f"person:{row[0]}"
            if reference not in found:
                found[reference], cells[reference] = _Subject(place, reference, origin), tuple(row)
            elif found[reference].source != place or cells[reference] != tuple(row):
                first = found[reference]
                message = (
                    f"{reference} is another's id as well ({order[first.source].name} {first.origin}): expected one"
                )
                problems.add(f"{kept.name} {origin}", message)
        for group, origin in accounts.select("group", "origin").sort("group", "origin").iter_rows():
            found.setdefault(f"group:{group}", _Subject(place, f"group:{group}", origin))
    return found


def _identifiers(
    order: Sequence[Kept], rules: Linking, subjects: Mapping[str, _Subject]
) -> dict[str, dict[str, dict[str, None]]]:
    """Subjects by mark and value, sorted, those of the source named first at the front."""
    found: dict[str, dict[str, dict[str, None]]] = {mark: defaultdict(dict) for mark in STRENGTH}
    for kept in order:
        mine = [rule for rule in rules.logins if rule.source in (kept.name, kept.kind)]
        frame = kept.table("identifiers").select("subject", "mark", "value")
        for subject, mark, value in frame.sort(frame.columns).iter_rows():
            if subject not in subjects or value.strip().lower() in NOTHING:
                continue
            found[mark][_plain(mark, value)][subject] = None
            if mark == "login" and mine:
                for of, derived in _derived(value, mine):
                    found[of][_plain(of, derived)][subject] = None
    return {mark: dict(sorted(values.items())) for mark, values in found.items()}


def _plain(mark: str, value: str) -> str:
    """Mail addresses and logins mean the same in either letter case; beyond ASCII that is not known."""
    return value.strip().translate(_LOWER) if mark in ("mail", "login") else value.strip()


def _derived(login: str, rules: Iterable[LoginRule]) -> Iterable[tuple[str, str]]:
    name = login.partition(":")[2]
    for rule in rules:
        yield ("employee", name) if rule.domain is None else ("mail", f"{name}@{rule.domain}")


class _Circle:
    """Records of one person, joined; at most one of each source, unless people said so."""

    def __init__(self, subjects: Mapping[str, _Subject]) -> None:
        self._subjects = subjects
        self._of: dict[str, list[str]] = {}

    def of(self, reference: str) -> list[str]:
        return self._of.get(reference) or [reference]

    def join(self, one: str, other: str, *, said: bool = False) -> bool:
        """False where that would make two records of one source one person, and nobody said that they are."""
        mine, theirs = self.of(one), self.of(other)
        if other in mine:
            return True
        if not said and {self._subjects[r].source for r in mine} & {self._subjects[r].source for r in theirs}:
            return False
        both = sorted(mine + theirs)
        for reference in both:
            self._of[reference] = both
        return True


def _explicit(rules: Linking, subjects: Mapping[str, _Subject], circle: _Circle, links: Links) -> None:
    for number, these in enumerate(rules.same):
        origin = f"$.same[{number}]"
        there = [reference for reference in these if reference in subjects]
        for reference in these:
            if reference not in subjects:
                links.remarks.append(_of_rules(Matter.UNMAPPED, reference, "no source has it", origin))
        people = [reference for reference in there if reference.startswith("person:")]
        for one, other in zip(people, people[1:], strict=False):
            circle.join(one, other, said=True)
        for account in there:
            if account.startswith("group:") and people:
                held = links.holders.get(account[6:], ())
                links.holders[account[6:]] = (*held, people[0])


def _idle(order: Sequence[Kept], rules: Linking, links: Links) -> None:
    """Rules about sources that are not there: a slip would leave accounts without holders."""
    names = {name for kept in order for name in (kept.name, kept.kind)}
    said = [(rule.source, rule.origin) for rule in rules.logins] + [(name, "$.people.order") for name in rules.order]
    for name, origin in said:
        if name not in names:
            links.remarks.append(_of_rules(Matter.UNMAPPED, name, "no source has this name or kind", origin))


def _by_identifiers(
    order: Sequence[Kept],
    known: Mapping[str, Mapping[str, Mapping[str, None]]],
    subjects: Mapping[str, _Subject],
    circle: _Circle,
    links: Links,
) -> set[str]:
    """Joins the records that share an identifier; gives those of which it is unclear whose they are."""
    unclear: set[str] = set()
    for mark in STRENGTH:
        for owners in known[mark].values():
            people = [reference for reference in owners if reference.startswith("person:")]
            if len(people) < 2:
                continue
            # Records that are one person by what came before count once.
            circles = {circle.of(reference)[0]: subjects[reference].source for reference in people}
            sources = list(circles.values())
            # Two firms count their employees each from one.
            two_firms = mark == "employee" and sum(order[source].kind == "hr" for source in set(sources)) > 1
            if len(set(sources)) != len(sources) or two_firms:
                _ambiguous(order, mark, people, subjects, links)
                unclear.update(people if len(set(sources)) > 1 else ())
                continue
            for one, other in zip(people, people[1:], strict=False):
                if not circle.join(one, other):
                    _ambiguous(order, mark, [one, other], subjects, links)
                    unclear.update((one, other))
    return unclear


def _ambiguous(
    order: Sequence[Kept], mark: str, people: Sequence[str], subjects: Mapping[str, _Subject], links: Links
) -> None:
    first = subjects[people[0]]
    others = ", ".join(people[1:4]) + (", …" if len(people) > 4 else "")
    reason = f"has a {mark} that others have: not linked by it; [[same]] in {FILE} can say who is who: {others}"
    links.remarks.append(_remark(order[first.source], Matter.AMBIGUOUS, people[0], reason, first.origin))


def _name_people(subjects: Mapping[str, _Subject], circle: _Circle, unclear: set[str], links: Links) -> None:
    with_hr = any(kept.kind == "hr" for kept in links.order)
    for reference, subject in subjects.items():
        if not reference.startswith("person:") or reference in links.alias:
            continue
        records = sorted(circle.of(reference), key=lambda r: (subjects[r].source, r))
        id = records[0][7:]
        for record in records:
            links.alias[record] = f"person:{id}"
        made = Person(
            id=id,
            records=tuple((subjects[record].source, record[7:]) for record in records),
            unclear=not unclear.isdisjoint(records),
        )
        links.people.append(made)
        if with_hr and not any(links.order[source].kind == "hr" for source, _ in made.records):
            reason = "nobody in HR has one of its identifiers: counted as a person of their own"
            links.remarks.append(
                _remark(links.order[subject.source], Matter.UNKNOWN, reference, reason, subject.origin)
            )


def _give_accounts(
    order: Sequence[Kept],
    known: Mapping[str, Mapping[str, Mapping[str, None]]],
    subjects: Mapping[str, _Subject],
    links: Links,
) -> None:
    explicit = set(links.holders)
    for account in explicit:
        links.holders[account] = tuple(dict.fromkeys(links.alias[person] for person in links.holders[account]))
    leads: dict[str, dict[str, str]] = defaultdict(dict)
    for mark in STRENGTH:
        for owners in known[mark].values():
            people = dict.fromkeys(links.alias[r] for r in owners if r.startswith("person:"))
            # Two are as undecided as a thousand.
            some = dict.fromkeys(list(people)[:2], mark)
            for account in owners if some else ():
                if account.startswith("group:"):
                    leads[account[6:]] = some | leads[account[6:]]
    for reference, subject in subjects.items():
        account = reference[6:]
        if not reference.startswith("group:") or account in explicit:
            continue
        found = leads.get(account, {})
        if len(found) == 1:
            links.holders[account] = tuple(found)
        elif found:
            ways = ", ".join(f"by {mark} to {person}" for person, mark in sorted(found.items())[:4])
            reason = (
                f"leads to several people, so it is taken for unknown; [[same]] in {FILE} can say whose it is: {ways}"
            )
            links.remarks.append(_remark(order[subject.source], Matter.AMBIGUOUS, reference, reason, subject.origin))


def _remark(kept: Kept, matter: Matter, item: str, reason: str, origin: str) -> Remark:
    return Remark(source=kept.name, matter=matter, item=item, reason=reason, origin=origin)


def _of_rules(matter: Matter, item: str, reason: str, origin: str) -> Remark:
    return Remark(source="", matter=matter, item=item, reason=reason, origin=origin)
