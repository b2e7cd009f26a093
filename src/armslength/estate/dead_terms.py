"""Terms that nobody could ever meet, even if everyone in the estate acted: dead rules.

Each test is sound: it warns only if no quorum exists on any day. Travel is left out (it only adds exposure, and
ends), a group with unknown members or one that people can be enrolled in counts as everyone. None searches for a
quorum, so some dead terms go unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate.columns import SETTINGS
from armslength.estate.model import ENROLL, Basis, Estate, Kind, Ref, Terms
from armslength.estate.problem import Findings

Mask = npt.NDArray[np.bool_]


ENOUGH = 500
"""Approvers looked at first: where they suffice, for every state or for all values, the rest need not be counted."""


def note_dead_terms(estate: Estate, lines: Mapping[str, int], *, may_enroll: bool, findings: Findings) -> None:
    """Warns of each terms that nobody could meet, with the smallest change that would help where it is plain.
    `lines`: where each terms stands. `may_enroll`: some policy may let people enrol, in which group is not asked."""
    crowd = Crowd(estate, may_enroll=may_enroll)
    for terms in estate.settings.terms:
        for reason in _reasons(terms, crowd):
            message = f"nobody could ever meet these terms: {reason}"
            findings.odd(SETTINGS, message, line=lines.get(terms.id), column=f"terms.{terms.id}")


class Crowd:
    """Everyone, and who could stand where a reference asks for someone."""

    def __init__(self, estate: Estate, *, may_enroll: bool) -> None:
        self.estate = estate
        self.people = len(estate.people.ids)
        self._open = _open_groups(estate, may_enroll=may_enroll)
        self._standing: dict[Ref, Mask | None] = {}
        self._valued: dict[tuple[str, ...], Mask] = {}
        self._unexposed: Mask | None = None
        self._members: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}
        groups = estate.groups
        children = groups.member_kind == Kind.GROUP
        self._children: dict[int, list[int]] = {}
        for outer, inner in zip(groups.group[children].tolist(), groups.member[children].tolist(), strict=True):
            self._children.setdefault(outer, []).append(inner)
        asked = [ref.index for ref in _asked(estate) if ref.kind is Kind.GROUP]
        wanted = np.zeros(len(groups.ids), dtype=np.bool_)
        wanted[list({inner for group in asked for inner in self.nested(group)})] = True
        rows = np.flatnonzero(wanted[groups.group] & ~children)  # few of a million: the rest is not looked at again
        self._group, self._person = groups.group[rows], groups.member[rows]

    def nested(self, group: int) -> frozenset[int]:
        """The group and every group in it, through any depth."""
        found, waiting = {group}, [group]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return frozenset(found)

    def standing(self, ref: Ref) -> Mask | None:
        """People who could be in `ref`; None where that cannot be known."""
        if ref not in self._standing:
            self._standing[ref] = self._found(ref)
        return self._standing[ref]

    def _found(self, ref: Ref) -> Mask | None:
        mask = np.zeros(self.people, dtype=np.bool_)
        match ref.kind:
            case Kind.PERSON:
                mask[ref.index] = True
            case Kind.GROUP:
                inside = self.nested(ref.index)
                if inside & self.estate.groups.unknown:
                    return None
                if inside & self._open:
                    return ~mask
                mask[self._person[np.isin(self._group, list(inside))]] = True
            case _:
                return ~mask
        return mask

    def unexposed(self) -> Mask:
        """`[person, state]`: whether no lasting tie exposes the person to the state."""
        if self._unexposed is None:
            self._unexposed = ~lasting_exposure(self.estate)
        return self._unexposed

    def with_values(self, columns: tuple[str, ...]) -> Mask:
        """People who have a value in every one of the columns."""
        if columns not in self._valued:
            mask = np.ones(self.people, dtype=np.bool_)
            for column in columns:
                mask &= (self.estate.people.columns[column] != "").to_numpy()
            self._valued[columns] = mask
        return self._valued[columns]

    def unexposed_members(self, columns: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """`[state]`: how many people with a value in every one of the columns are not exposed to the state."""
        if columns not in self._members:
            self._members[columns] = self.unexposed()[self.with_values(columns)].sum(axis=0)
        return self._members[columns]

    def values(self, column: str, among: Mask, needed: int) -> int:
        """How many values a column has among some people; perhaps fewer, but no fewer than are needed."""
        cells, some = self.estate.people.columns[column], np.flatnonzero(among)
        few = int(cells.gather(some[:ENOUGH]).n_unique())
        return few if few >= needed or len(some) <= ENOUGH else int(cells.filter(among).n_unique())


def _asked(estate: Estate) -> Iterator[Ref]:
    for terms in estate.settings.terms:
        yield terms.approvers
        yield from (place.of for place in terms.places)


def lasting_exposure(estate: Estate) -> Mask:
    """`[person, state]`: the person is exposed to the state by a tie that counts and is no journey, closed upward."""
    bases, count = estate.settings.bases, len(estate.states)
    upward = np.zeros((count + 1, count), dtype=np.bool_)  # the last row, which -1 finds, is empty
    for state, above in enumerate(estate.settings.upward):
        upward[state, list(above)] = True
    people, entities = estate.people, estate.entities
    exposed = np.zeros((len(people.ids), count), dtype=np.bool_)
    if Basis.WORKPLACE in bases:
        exposed |= upward[people.workplace]
    if Basis.RESIDENCE in bases:
        exposed |= upward[people.residence]
    if entities.ids and (Basis.EMPLOYER in bases or Basis.OWNER in bases):
        by_entity = np.zeros((len(entities.ids) + 1, count), dtype=np.bool_)
        for entity in range(len(entities.ids)):
            if Basis.EMPLOYER in bases:
                by_entity[entity] |= upward[entities.state[entity]]
            owner = int(entities.parent[entity])
            while owner >= 0 and Basis.OWNER in bases:
                by_entity[entity] |= upward[entities.state[owner]]
                owner = int(entities.parent[owner])
        exposed |= by_entity[people.entity]
    if Basis.DECLARED in bases:
        for tie in estate.declared:
            exposed[tie.person] |= upward[tie.state]
    return exposed


def _open_groups(estate: Estate, *, may_enroll: bool) -> frozenset[int]:
    """Groups that someone may be able to enrol people in."""
    if may_enroll:
        return frozenset(range(len(estate.groups.ids)))
    grants = estate.grants
    enroll = estate.actions.index(ENROLL)
    return frozenset(grants.target[(grants.action == enroll) & (grants.target_kind == Kind.GROUP)].tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who could approve and who could be in the quorum at all, those without the `distinct` values left out."""

    approvers: Mask
    members: Mask


def _reasons(terms: Terms, crowd: Crowd) -> Iterator[str]:
    quorum = terms.approvals + 1
    if terms.apart > quorum:
        yield (
            f"apart = {terms.apart} asks for that many people and a quorum here has {quorum}:"
            f" raise approvals to {terms.apart - 1} or lower apart to {quorum}"
        )
    asked = sum(place.count for place in terms.places)
    if asked > terms.approvals:
        yield f"'from' asks for {asked} approvals and there are {terms.approvals}: raise approvals to {asked}"
    approvers = crowd.standing(terms.approvers)
    if approvers is None:
        return
    able = int(approvers.sum())
    if able < terms.approvals:
        yield (
            f"{terms.approvals} approvals are needed and {able} could approve:"
            f" add {terms.approvals - able} to the approvers" + (f" or lower approvals to {able}" if able else "")
        )
        return
    if crowd.people < quorum:
        yield f"a quorum has {quorum} people and the estate {crowd.people}: lower approvals"
        return
    for place in terms.places:
        mask = crowd.standing(place.of)
        if mask is not None and (few := int((mask & approvers).sum())) < place.count:
            yield f"'from' asks for {place.count} out of people of whom {few} may approve: lower count or add approvers"
    valued = crowd.with_values(terms.distinct)
    standing = Standing(approvers=approvers & valued, members=valued)
    yield from _distinct(terms, crowd, standing)
    if 0 < terms.apart <= quorum:
        yield from _apart(terms, crowd, standing)


def _distinct(terms: Terms, crowd: Crowd, standing: Standing) -> Iterator[str]:
    for column in terms.distinct:
        for needed, among, who in (
            (terms.approvals, standing.approvers, "those who could approve"),
            (terms.approvals + 1, standing.members, "all people"),
        ):
            values = crowd.values(column, among, needed)
            if values < needed:
                yield f"{needed} values of {column!r} are needed and {who} have {values}: drop it from distinct"
                break


def _apart(terms: Terms, crowd: Crowd, standing: Standing) -> Iterator[str]:
    states, home = crowd.estate.states, crowd.estate.settings.home
    unexposed = crowd.unexposed()
    some = unexposed[np.flatnonzero(standing.approvers)[:ENOUGH]].sum(axis=0)
    if terms.approvals >= terms.apart and (some >= terms.apart).all():
        return
    approvers = unexposed[standing.approvers].sum(axis=0)
    members = crowd.unexposed_members(terms.distinct)
    filled = np.minimum(approvers, terms.approvals)
    most = filled + (members > filled)
    short = [s for s in range(len(states)) if s not in home and int(most[s]) < terms.apart]
    if short:
        shown = ", ".join(states[s] for s in short[:5]) + (", …" if len(short) > 5 else "")
        yield (
            f"apart = {terms.apart}, and no quorum has more than {min(int(most[s]) for s in short)}"
            f" not exposed to {shown}: add approvers elsewhere or lower apart"
        )
