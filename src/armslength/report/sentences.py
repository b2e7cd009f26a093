"""A derivation in plain sentences: who is compelled, who would have to be persuaded, and what leads to what.

Every sentence names the row or the policy it rests on, so that a reader can find it. Steps that say nothing on their
own (a membership, a class) stand inside the sentence they serve.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from armslength.estate import Basis, Estate
from armslength.reach import Between, Beyond, Exact, Fact, Result, Row, Step
from armslength.report.citation import Citation
from armslength.report.plain import listed, short, spelled
from armslength.report.quorum_sentence import QuorumSentence
from armslength.report.roster import Roster, capital

_POWERS = {"enrolled": "enroll", "assumed": "assume", "waived": "amend"}
_MANY = 3
"""More compelled people than this, of one role and tie, are counted, not listed."""


def explain(estate: Estate, at: dt.date, state: int, steps: Sequence[Step], *, names: bool = False) -> list[str]:
    """The chain of a valid derivation against `state` (an index), a sentence or a few for each thing granted, in the
    order in which a reader wants them; empty for no steps. People appear by role, or with `names` by id and name."""
    return _Telling(estate, at, state, steps, names).sentences() if steps else []


def headline(estate: Estate, result: Result) -> str:
    """What the result says, in one sentence, with what becomes of its floor."""
    state = estate.states[result.state]
    what = f"`{short(estate.actions[result.action])}` on `asset:{short(estate.assets.ids[result.asset])}`"
    match result.length:
        case Exact(length=0):
            said = f"{state} can have {what} today, with nobody but those it can compel"
        case Exact(length=length):
            said = f"{state} can have {what} if {_outsiders(length)} outside its reach can be won over"
        case Beyond(cap=cap):
            said = f"{state} cannot have {what} with up to {_outsiders(cap)} outside its reach"
        case Between(at_least=low, at_most=high):
            known = "" if high is None else f", and {spelled(high)} would do"
            needs = f"{state} needs at least {_outsiders(low)} outside its reach for {what}{known}"
            said = f"{needs} (the search was stopped)"
    if result.gaps:
        gap = min(result.gaps, key=lambda gap: gap.length)
        groups = listed([f"`group:{short(estate.groups.ids[g])}`" for g in gap.groups])
        if gap.stopped:
            needed = f"at least {_outsiders(gap.length)}" if gap.length else "perhaps nobody else"
            enough = f"{needed} would be needed (the search was stopped)"
        else:
            enough = f"{_outsiders(gap.length)} would do" if gap.length else "nobody else would be needed"
        said = f"{said}; were unknown members of {groups} within its reach, {enough}"
    if result.floor is None:
        return said + "."
    return f"{said}: the floor of {result.floor} {'is broken' if result.broken else 'holds'}."


class _Telling:
    def __init__(self, estate: Estate, at: dt.date, state: int, steps: Sequence[Step], names: bool) -> None:
        self.estate, self.state, self.steps = estate, state, steps
        self.code = estate.states[state]
        self.cite = Citation(estate)
        self.people = Roster(estate, at, steps, names=names)
        self.made: dict[Fact, Step] = {}
        for step in steps:
            self.made.setdefault(step.fact, step)
        self.quorum = QuorumSentence(self.cite, self.people, self.made)

    def sentences(self) -> list[str]:
        told = [*self._compelled(), *self._outsiders()]
        enrolments: dict[object, list[Step]] = {}
        taken: dict[object, list[Step]] = {}
        for step in self.steps:
            if step.rule == "grant" and step.by == "standing" and step.fact[0] == "enrolled":
                enrolments.setdefault((step.requester, step.needs), []).append(step)
            elif step.rule == "assumed" and step.rows:
                taken.setdefault(step.needs, []).append(step)
        for step in self.steps:
            match step.rule:
                case "grant" if step.by == "standing" and step.fact[0] == "enrolled":
                    # One person who can enrol into five groups is one sentence.
                    if alike := enrolments.pop((step.requester, step.needs), None):
                        told.append(self._grant(step, alike))
                case "grant":
                    told.append(self._grant(step, [step]))
                case "permit":
                    told.append(self._permit(step))
                case "assumed" if step.rows:
                    if alike := taken.pop(step.needs, None):
                        told.append(self._taken_over(alike))
                case "has":
                    told += self._covered(step)
                case "custody":
                    told.append(self._custody(step))
                case "gate":
                    told.append(
                        f"{self.cite.ref(step.needs[0][2])} is the gate itself: whoever operates it can use every grant"
                        " that carries terms, and every permit, whoever holds them."
                    )
                case _:
                    pass  # members, classes and the like stand inside the sentences they serve
        if any(step.rule == "permit" for step in self.steps):
            told.append("Whatever a policy asks that is known only at run time, such as a ticket, counts as met.")
        return told

    # people

    def _compelled(self) -> list[str]:
        alike: dict[tuple[str, str], list[Step]] = {}
        for step in self.steps:
            if step.rule == "compelled":
                alike.setdefault((self.people.label(step.fact[1]), self._tie(step)), []).append(step)
        parts = []
        for (label, tie), steps in alike.items():
            if len(steps) > _MANY and not self.people.names:
                rows = [row for step in steps for row in step.rows]
                parts.append(f"{spelled(len(steps))} people of the role {label} ({tie}{self._also(rows)})")
            else:
                parts += [self.people.mention(s.fact[1], f"{tie}{self._also(s.rows)}") for s in steps]
        return [f"Compelled by {self.code}: {listed(parts)}."] if parts else []

    def _tie(self, step: Step) -> str:
        if step.tie not in {basis.value for basis in Basis}:
            return "by a sealed tie"
        tied = self.people.reached_through(step.fact[1], step.tie, self.state)
        where: str = self.code if tied is None else self.estate.states[tied]
        if where != self.code:
            where += f", which {self.code} reaches"
        match Basis(step.tie):
            case Basis.WORKPLACE | Basis.RESIDENCE:
                return f"{step.tie} {where}"
            case Basis.EMPLOYER:
                return f"employed by a company of {where}"
            case Basis.OWNER:
                return f"employer owned by a company of {where}"
            case Basis.TRAVEL:
                return f"travelling to {where}"
            case Basis.DECLARED:
                return "by a sealed tie"

    def _also(self, rows: Sequence[Row]) -> str:
        return f"; {listed(self.cite.lines(rows))}" if rows else ""

    def _outsiders(self) -> list[str]:
        people = [step.fact[1] for step in self.steps if step.rule == "accomplice"]
        if not people:
            return []
        parts = [self.people.mention(p, self.people.place(p)) for p in people]
        who = f"{capital(_outsiders(len(people)))} outside {self.code}'s reach"
        return [f"{who} would have to be deceived, bribed or persuaded: {listed(parts)}."]

    def _taken_over(self, alike: Sequence[Step]) -> str:
        """Members of one group whose accounts can be taken over."""
        group = next(need[1] for need in alike[0].needs if need[0] == "assumed")
        if len(alike) == 1:
            person = capital(self.people.mention(alike[0].fact[1]))
            return f"{person} is in {self.cite.climb(group, alike[0].rows)}, so that account is taken over too."
        people = [self.people.mention(step.fact[1], ", ".join(self.cite.lines(step.rows))) for step in alike]
        return f"{capital(listed(people))} are in {self.cite.ref(group)}, so those accounts are taken over too."

    # what is granted

    def _grant(self, step: Step, alike: Sequence[Step]) -> str:
        """`alike`: the step and others that differ from it only in their target."""
        cells = self.cite.cells(step.rows[0])
        holder, action, target, terms = (cells.get(c, "") for c in ("holder", "action", "target", "terms"))
        place = self.cite.places(step.rows)
        if step.by == "gate":
            held = self.people.known(holder) if holder.startswith("person:") else self.cite.ref(holder)
            gate = f"With the gate in hand everybody {self._may(action, target)}{place}"
            return f"{gate}, by the grant to {held} and whatever its terms `{short(terms)}` ask{self._then(step)}."
        if len(alike) > 1:
            more = [f"{self.cite.ref(other.fact[1])}{self.cite.places(other.rows)}" for other in alike[1:]]
            place = f"{place}{'' if len(more) == 1 else ','} and in {listed(more)}"
        who = self._requester(step, holder)
        made = self.made.get(("in", who, holder))
        if holder == "everyone":
            subject = "Everyone"
        elif made is None:
            subject = f"{capital(self.people.mention(who))}, by a grant of their own,"
        elif made.rule == "enrolled":
            group = f"{self.cite.ref(holder)}{self._nested(made)}"
            subject = f"By enrolment {self.people.mention(who)} is in {group}, which"
        else:
            subject = f"{capital(self.people.mention(who))} is in {self.cite.climb(holder, made.rows)}, which"
        may = f"{self._may(action, target)}{self._under(step, terms)}{place}"
        return f"{subject} {may}{self._then(step)}.{self._by_quorum(step, terms)}"

    def _permit(self, step: Step) -> str:
        action, target = _POWERS.get(step.fact[0]) or step.fact[1], step.fact[-1]
        named = f" by {self.cite.policy(step.policy or '')}"
        if step.by == "gate":
            return f"With the gate in hand everybody {self._may(action, target)}{named}{self._then(step)}."
        who = self._requester(step, "")
        entered = [
            self.cite.ref(need[2])
            for need in step.needs
            if need[:2] == ("in", who) and (made := self.made.get(need)) is not None and made.rule == "enrolled"
        ]
        subject = capital(self.people.mention(who)) + (f", now in {listed(entered)} by enrolment," if entered else "")
        terms = self.cite.policy_terms(step.policy or "")
        under = self._under(step, terms)
        may = self._may(action, target) + (f"{under}{named}" if step.by == "standing" else f"{named}{under}")
        return f"{subject} {may}{self._then(step)}.{self._by_quorum(step, terms)}"

    def _requester(self, step: Step, holder: str) -> str:
        """The one who asks; where the step names nobody, whoever among its needs acts and holds the grant."""
        acting = [need[1] for need in step.needs if need[0] == "acts"]
        holding = [q for q in acting if holder == q or ("in", q, holder) in step.needs]
        return step.requester or (holding or acting)[0]

    def _may(self, action: str, target: str) -> str:
        kind, _, name = target.partition(":")
        match action:
            case "assume" if kind == "person":
                return f"can reset the credentials of {self.people.known(target)}"
            case "assume":
                return f"can reset the credentials of everyone in {self.cite.ref(target)}"
            case "enroll":
                return f"can enrol people in {self.cite.ref(target)}"
            case "amend":
                return f"can amend the terms `{short(name)}`"
            case _:
                where = f"everything of class `{short(name)}`" if kind == "class" else self.cite.ref(target)
                return f"may `{short(action)}` {'' if action == 'operate' else 'on '}{where}"

    def _under(self, step: Step, terms: str) -> str:
        match step.by:
            case "standing":
                return "" if step.fact[0] in _POWERS else " alone"
            case "waived":
                return f" under the terms `{short(terms)}`, now waived"
            case _:
                return f" under the terms `{short(terms)}`"

    def _then(self, step: Step) -> str:
        """What a power leads to."""
        match step.fact[0]:
            case "enrolled":
                return ", so everyone who acts here becomes a member"
            case "assumed" if step.fact[1].startswith("person:"):
                return ", and so acts as that person"
            case "waived":
                return ", so no quorum is asked for"
            case "over" if step.fact[1] == "operate":
                return ": every action on it and within it, past the gate"
            case _:
                return ""

    def _by_quorum(self, step: Step, name: str) -> str:
        terms = next((terms for terms in self.estate.settings.terms if terms.id == name), None)
        return f" {self.quorum.of(step, terms)}" if step.by == "quorum" and terms is not None else ""

    def _nested(self, member: Step) -> str:
        """By way of a nested group, if that is how the enrolment counts."""
        first = next(need[1] for need in member.needs if need[0] == "enrolled")
        return f" through {self.cite.ref(first)}{self.cite.places(member.rows)}" if member.rows else ""

    # assets

    def _covered(self, step: Step) -> list[str]:
        """How what was granted covers the asset: classes and what it lies within, from the asset upward."""
        _, action, asset = step.fact
        fact, links = step.needs[0], []
        while (made := self.made.get(fact)) is not None and made.rule in ("class", "within"):
            upper = made.needs[0][2]
            name = f"of class `{short(upper.partition(':')[2])}`"
            above = f"is {name}" if made.rule == "class" else f"lies within {self.cite.ref(upper)}"
            links.append(f"{above}{self.cite.places(made.rows)}")
            fact = made.needs[0]
        told = [f"{self.cite.ref(asset)} {', which '.join(links)}."] if links else []
        if fact[1] != action:
            told.append(f"Whoever operates {self.cite.ref(asset)} can `{short(action)}` it.")
        return told

    def _custody(self, step: Step) -> str:
        assets, upward = self.estate.assets, self.estate.settings.upward
        asset = t = assets.ids.index(step.fact[2].partition(":")[2])
        while not assets.hosted_in[t] and assets.within[t] >= 0:
            t = int(assets.within[t])
        hosts = sorted(str(self.estate.states[s]) for s in assets.hosts[asset] if self.state in upward[s])
        there = self.code in hosts
        host = self.code if there else f"{listed(hosts, 3)}, which {self.code} reaches"
        within = "" if t == asset else f", which lies within `asset:{short(assets.ids[t])}`,"
        rows = [*step.rows, *([Row(file=step.rows[0].file, row=t)] if t != asset else [])]
        key = f"{'' if there else ','} without a key held elsewhere"
        if assets.lock[asset] >= 0:
            verb = "used" if any(need[1] == "use" for need in step.needs) else "operated"
            key = f", and its key `asset:{short(assets.ids[assets.lock[asset]])}` can be {verb}"
        hosted = f"{self.cite.ref(step.fact[2])}{within} is hosted in {host}{key}{self.cite.places(rows)}"
        return f"{hosted}, so {self.code} can have every action on it there."


def _outsiders(number: int) -> str:
    return "one person" if number == 1 else f"{spelled(number)} people"
