"""A drill: people sign what opens nothing, so that a firm knows who would sign on the day when it counts.

What a passkey signs in it is SHA-256 of a form of its own kind, which says so. INVARIANT: no event holds a drill and no
fold reads one, so that nothing signed in a drill is ever an approval; and a request's form is of another kind, so that
no approval is ever taken for a drill's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from armslength.gate.approval import Assertion, Party, PersonKey, check_assertion
from armslength.gate.decision import Decider
from armslength.gate.failure import Rejected
from armslength.gate.form import Form
from armslength.gate.judge import counted
from armslength.gate.moment import Moment, format_moment
from armslength.gate.quorum import find_quorum, unfit
from armslength.gate.request import LONGEST_TEXT, TARGETS, PersonId, Target, is_id, is_name
from armslength.gate.request_form import parse_target
from armslength.tlog import Json, canonical

_MEMBERS = frozenset(
    "action estate executor expires gate id kind made opens organiser purpose resource terms version".split()
)
NOTHING = "nothing"
"""What a drill opens: it stands in what is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What is rehearsed: that `executor` would do `action` on `resource` under `terms`. `id` is `drill_` and 16 bytes
    of chance in base64url; `gate` the origin of the gate's ledger; `estate` the digest that held; `organiser` who says
    that they hold it. It is over at `expires`."""

    id: str
    gate: str
    terms: str
    executor: PersonId
    action: str
    resource: Target
    organiser: str
    purpose: str
    estate: str
    made: Moment
    expires: Moment

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        names = (self.gate, self.terms, self.executor, self.action, self.resource.id, self.organiser, self.estate)
        problems = [f"the drill names {name[:40]!r}" for name in names if not is_name(name)]
        if not is_id(self.id, "drill"):
            problems.append(f"the drill's id {self.id[:40]!r}: expected drill_ and 22 characters of base64url")
        if self.resource.type not in TARGETS:
            problems.append(
                f"the resource type {self.resource.type[:40]!r}: expected one of {', '.join(sorted(TARGETS))}"
            )
        if not self.purpose.strip() or len(self.purpose) > LONGEST_TEXT:
            problems.append(f"a purpose of {len(self.purpose)} characters: expected 1 to {LONGEST_TEXT}")
        if not self.made < self.expires:
            problems.append("the drill is over before it begins")
        if problems:
            raise Rejected(problems)

    def form(self) -> dict[str, Json]:
        """What is signed, and what is recorded. Every member is always there; `kind` and `opens` keep a signature in a
        drill from being one under anything else."""
        return {
            "action": self.action,
            "estate": self.estate,
            "executor": self.executor,
            "expires": format_moment(self.expires),
            "gate": self.gate,
            "id": self.id,
            "kind": "drill",
            "made": format_moment(self.made),
            "opens": NOTHING,
            "organiser": self.organiser,
            "purpose": self.purpose,
            "resource": {"type": self.resource.type, "id": self.resource.id},
            "terms": self.terms,
            "version": 1,
        }

    def challenge(self) -> bytes:
        """SHA-256 of the RFC 8785 form: what a participant's passkey signs."""
        return hashlib.sha256(canonical(self.form(), label="drill")).digest()


def parse_drill(form: Json) -> Drill:
    """The drill whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "drill", _MEMBERS)
    read.exactly("kind", "drill")
    read.exactly("opens", NOTHING)
    read.exactly("version", 1)
    resource = read.inner("resource", parse_target, Target(type="asset", id="-"))
    texts = {
        name: read.text(name)
        for name in ("id", "gate", "terms", "executor", "action", "organiser", "purpose", "estate")
    }
    made, expires = read.moment("made"), read.moment("expires")
    read.done()
    return Drill(
        id=texts["id"],
        gate=texts["gate"],
        terms=texts["terms"],
        executor=PersonId(texts["executor"]),
        action=texts["action"],
        resource=resource,
        organiser=texts["organiser"],
        purpose=texts["purpose"],
        estate=texts["estate"],
        made=made,
        expires=expires,
    )


def check_drill_signature(
    drill: Drill, person: PersonId, assertion: Assertion, key: PersonKey, party: Party, *, at: Moment
) -> None:
    """That this is `person` signing exactly this drill while it runs. Raises `Rejected` with every problem."""
    problems = []
    if key.person != person:
        problems.append("the signature names another person than the key's")
    if not drill.made <= at < drill.expires:
        problems.append("the drill was not under way then")
    try:
        check_assertion(assertion, key, drill.challenge(), party)
    except Rejected as error:
        problems.extend(error.problems)
    if problems:
        raise Rejected(problems)


def unable_in_drill(decider: Decider, drill: Drill, person: PersonId) -> str | None:
    """Why this person could be in no quorum of it; None: they could, with others. Judged as a real one would be."""
    roster = decider.roster
    if not roster.knows(person):
        return f"{person[:40]!r} is not in the people table"
    if person == drill.executor:
        return "nobody approves what they would carry out"
    try:
        rule = roster.rule(drill.terms)
        seat, member = roster.member(drill.executor, drill.terms), roster.member(person, drill.terms)
    except KeyError:
        return "its terms, or who would carry it out, are not in the estate any more"
    if not member.may_approve:
        return f"{person} is not among the approvers of {drill.terms}"
    # Of what, it is not said: an exposure may be by a tie that somebody declared.
    return f"{person} could not be in a quorum of {drill.terms} for this" if unfit(rule, (seat,), member) else None


def drill_quorum(decider: Decider, drill: Drill, signed: Sequence[PersonId]) -> tuple[PersonId, ...] | None:
    """The first quorum of those who signed, in the order given, by the rule of quorums itself; None: none yet. Raises
    `KeyError` where the terms or the executor are not in the estate."""
    roster = decider.roster
    members = [roster.member(person, drill.terms) for person in counted(decider, signed)]
    found = find_quorum(roster.rule(drill.terms), (roster.member(drill.executor, drill.terms),), members)
    return None if found is None else tuple(one.person for one in found)
