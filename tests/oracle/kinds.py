"""The same reading of the definition for estates of dozens of people: like people are counted together.

People are of one kind if they have the same exposures, groups and distinct values and nothing names them. Which of them
join, sit or act makes no difference, so numbers stand for people: a coalition is so many of each kind. Of policies it
reads those that ask for membership in some groups and nothing else.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .case import Case
from .length import Asked, Pair
from .world import Grant, Ref, Terms, World

Acting = list[int]
"""How many of each kind act."""
Have = set[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`people` by name. `values` of the distinct columns; a phantom has values like nobody else's."""

    exposed: frozenset[str]
    groups: frozenset[str]
    values: Mapping[str, str]
    people: tuple[str, ...]
    phantom: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Open to whoever is in all of `groups`."""

    groups: frozenset[str]
    action: str
    target: Ref
    terms: str


_PERMIT = re.compile(
    r'@id\("\w+"\)(?: @terms\("(?P<terms>\w+)"\))?'
    r' permit\(principal, action == Action::"(?P<action>\w+)", resource == (?P<kind>\w+)::"(?P<name>\w+)"\)'
    r" when { (?P<groups>.*) };"
)


def permit(number: int, permit: Permit) -> str:
    """The policy as text."""
    kind, name = permit.target
    terms = f' @terms("{permit.terms}")' if permit.terms else ""
    groups = " && ".join(f'principal in Group::"{g}"' for g in sorted(permit.groups))
    asked = f'action == Action::"{permit.action}", resource == {kind.capitalize()}::"{name}"'
    return f'@id("permit{number}"){terms} permit(principal, {asked}) when {{ {groups} }};'


def _read(policy: str) -> tuple[Permit, ...]:
    found = []
    for line in policy.splitlines():
        known = _PERMIT.fullmatch(line)
        if known is None:
            raise ValueError(f"not a policy that asks for groups alone: {line}")
        groups = frozenset(re.findall(r'principal in Group::"(\w+)"', known["groups"]))
        target = known["kind"].lower(), known["name"]
        found.append(Permit(groups=groups, action=known["action"], target=target, terms=known["terms"] or ""))
    return tuple(found)


class CountedAsked(Asked):
    """Answers questions as `Asked` does."""

    def __init__(self, case: Case, at: dt.date) -> None:
        super().__init__(case, at)
        self._counted = _read(case.policy)

    def derive(self, world: World, state: str, accomplices: Iterable[str]) -> Have:
        kinds = self._kinds(world)
        acting = kinds.compelled(state)
        for person in accomplices:
            n = kinds.of[person]
            # The people of a kind are all exposed to the state or all outsiders.
            acting[n] += state not in kinds.each[n].exposed
        return kinds.derive(state, acting)

    def search(self, world: World, state: str, caps: Mapping[Pair, int]) -> dict[Pair, int]:
        kinds = self._kinds(world)
        # States that compel nobody and host nothing differ in name only, and may be many.
        real = frozenset().union(*world.exposure.values(), *world.hosts.values())
        if state in real:
            return self._search(kinds, state, caps)
        asked = frozenset((pair[1:], cap) for pair, cap in caps.items())
        if asked not in kinds.bare:
            kinds.bare[asked] = {pair[1:]: n for pair, n in self._search(kinds, state, caps).items()}
        return {(state, *rest): n for rest, n in kinds.bare[asked].items()}

    def _search(self, kinds: Kinds, state: str, caps: Mapping[Pair, int]) -> dict[Pair, int]:
        outside = [n for n, kind in enumerate(kinds.each) if state not in kind.exposed]
        every = kinds.derive(state, [len(kind.people) for kind in kinds.each])
        left = {pair: cap for pair, cap in caps.items() if pair[1:] in every}
        found: dict[Pair, int] = {}
        for size in range(len(kinds.world.people) + 1):
            for joining in _shares(outside, [len(kinds.each[n].people) for n in outside], size):
                left = {pair: cap for pair, cap in left.items() if size <= cap and pair not in found}
                if not left:
                    return found
                acting = kinds.compelled(state)
                for n, count in joining:
                    acting[n] = count
                can = kinds.derive(state, acting)
                found |= {pair: size for pair in left if pair[1:] in can}
        return found

    def _kinds(self, world: World) -> Kinds:
        known: dict[int, tuple[World, Kinds]] = self.__dict__.setdefault("_known", {})
        if id(world) not in known:
            known[id(world)] = (world, Kinds(world, self.actions | {"operate", "use"}, self._counted))
        return known[id(world)][1]


def _shares(kinds: list[int], counts: list[int], size: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to take `size` people from kinds of so many."""
    if not size:
        yield ()
        return
    for place, (n, most) in enumerate(zip(kinds, counts, strict=True)):
        for count in range(1, min(most, size) + 1):
            for rest in _shares(kinds[place + 1 :], counts[place + 1 :], size - count):
                yield ((n, count), *rest)


class Kinds:
    """A world by kinds: `each`, and of which everyone is (`of`)."""

    def __init__(self, world: World, actions: frozenset[str], permits: tuple[Permit, ...]) -> None:
        self.world, self._actions, self.permits = world, actions, permits
        terms = world.terms.values()
        columns = sorted({column for t in terms for column in t.distinct})
        refs = [ref for g in world.grants for ref in (g.holder, g.target)] + [p.target for p in permits]
        refs += [ref for t in terms for ref in (t.approvers, *t.places)]
        named = {name for kind, name in refs if kind == "person"}
        alike: dict[object, list[str]] = {}
        for p in world.people:
            cells = tuple(world.cells[p].get(c, "") for c in columns)
            key = (world.exposure[p], world.member[p], cells, p in world.phantoms, p if p in named else "")
            alike.setdefault(key, []).append(p)
        self.each = [
            Kind(
                exposed=world.exposure[people[0]],
                groups=world.member[people[0]],
                values={c: world.cells[people[0]].get(c, "") for c in columns},
                people=tuple(people),
                phantom=people[0] in world.phantoms,
            )
            for people in alike.values()
        ]
        self.of = {p: n for n, kind in enumerate(self.each) for p in kind.people}
        self._met: dict[tuple[object, ...], bool] = {}
        self.bare: dict[frozenset[tuple[tuple[str, str], int]], dict[tuple[str, str], int]] = {}
        """What was found of states that compel nobody and host nothing."""

    def compelled(self, state: str) -> Acting:
        return [len(kind.people) if state in kind.exposed else 0 for kind in self.each]

    def derive(self, state: str, acting: Acting) -> Have:
        """What `state` can do once so many of each kind act."""
        return _Derivation(self, state, acting).can

    def belongs(self, n: int, to: Ref, entered: frozenset[str]) -> bool:
        kind, name = to
        if kind == "everyone":
            return True
        if kind == "person":
            return name in self.each[n].people
        return name in entered or name in self.each[n].groups

    def satisfied(self, name: str, askers: tuple[int, ...], acting: Acting, entered: frozenset[str]) -> bool:
        """Whether somebody of the kinds `askers` meets the terms with others who act."""
        terms = self.world.terms[name]
        able = tuple(
            min(count, terms.approvals + 1) if count and self.belongs(n, terms.approvers, entered) else 0
            for n, count in enumerate(acting)
        )
        fits = tuple(
            tuple(self.belongs(n, place, entered) for place in terms.places) if count else ()
            for n, count in enumerate(able)
        )
        key = (name, askers, able, fits)
        if key not in self._met:
            self._met[key] = any(_Quorum(self, terms, able, fits).seat(n) for n in askers)
        return self._met[key]


@dataclass(slots=True)
class _Quorum:
    """Approvers are added kind by kind, in order; `left` are those of each kind who do not sit yet."""

    kinds: Kinds
    terms: Terms
    able: tuple[int, ...]
    fits: tuple[tuple[bool, ...], ...]
    members: list[int] = field(default_factory=list)

    def seat(self, asker: int) -> bool:
        """Whether somebody of this kind can ask."""
        self.members = [asker]
        return self._stands() and self._fill(0)

    def _fill(self, first: int) -> bool:
        if len(self.members) > self.terms.approvals:
            return self._placed(0, self.members[1:])
        for n in range(first, len(self.able)):
            # Whoever asks and could approve is one of those counted.
            if self.members.count(n) < self.able[n]:
                self.members.append(n)
                if self._stands() and self._fill(n):
                    return True
                self.members.pop()
        return False

    def _stands(self) -> bool:
        """Whether those who sit so far differ, and leave enough who are not exposed to any one state."""
        some = [self.kinds.each[n] for n in self.members]
        for column in self.terms.distinct:
            values = [kind.values[column] for kind in some if not kind.phantom]
            if "" in values or len(set(values)) < len(values):
                return False
        most = self.terms.approvals + 1 - self.terms.apart
        states = {state for kind in some for state in kind.exposed} - self.kinds.world.home
        return most >= max([0, *(sum(state in kind.exposed for kind in some) for state in states)])

    def _placed(self, place: int, left: list[int]) -> bool:
        if place == len(self.terms.places):
            return True
        return any(
            self.fits[n][place] and self._placed(place + 1, left[:i] + left[i + 1 :])
            for i, n in enumerate(left)
            if n not in left[:i]
        )


class _Derivation:
    """Rules 1 to 7 until nothing changes."""

    def __init__(self, kinds: Kinds, state: str, acting: Acting) -> None:
        self.kinds, self.world, self.state, self.acting = kinds, kinds.world, state, list(acting)
        self.entered: frozenset[str] = frozenset()
        self.waived: set[str] = set()
        self.can: Have = set()
        self.gate = False
        waiting: list[Grant | Permit] = [*self.world.grants, *self.kinds.permits]
        while True:
            usable = [g for g in waiting if self._usable(g)]
            waiting = [g for g in waiting if g not in usable]
            for g in usable:
                self._give(g.action, g.target)
            if not self._custody() and not usable:
                return

    def _usable(self, some: Grant | Permit) -> bool:
        terms = some.terms
        if self.gate and (terms or isinstance(some, Permit)):
            return True
        askers = tuple(n for n, count in enumerate(self.acting) if count and self._holds(n, some))
        if not askers or not terms or terms in self.waived:
            return bool(askers)
        return self.kinds.satisfied(terms, askers, self.acting, self.entered)

    def _holds(self, n: int, some: Grant | Permit) -> bool:
        if isinstance(some, Grant):
            return self.kinds.belongs(n, some.holder, self.entered)
        # Of unknown people nothing is known that a policy could ask for.
        kind = self.kinds.each[n]
        return kind.phantom or some.groups <= kind.groups | self.entered

    def _give(self, action: str, target: Ref) -> None:
        kind, name = target
        if action == "enroll":
            self.entered |= self.world.above[name]
        elif action == "amend":
            self.waived.add(name)
        elif action == "assume":
            for n, some in enumerate(self.kinds.each):
                if name in (some.people if kind == "person" else some.groups):
                    self.acting[n] = len(some.people)
        else:
            tops = [name] if kind == "asset" else [t for t, c in self.world.of_class.items() if c == name]
            for t in {t for top in tops for t in self.world.beneath[top]}:
                self._on(action, t)

    def _on(self, action: str, asset: str) -> None:
        self.can |= {(a, asset) for a in (self.kinds._actions if action == "operate" else (action,))}

    def _custody(self) -> bool:
        before = len(self.can), self.gate
        for asset, hosts in self.world.hosts.items():
            key = self.world.lock[asset]
            if self.state in hosts and (not key or {("use", key), ("operate", key)} & self.can):
                self._on("operate", asset)
        self.gate = self.gate or ("operate", self.world.gate) in self.can
        return before != (len(self.can), self.gate)
