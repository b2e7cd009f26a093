"""Takeover: what stands of the solution before, for an estate that differs from that one in a little.

For each rule and column: what is not touched stands as it was. Where it may only be less true than before, it still
does not fire with so few; who fired it before is tried first. Where it may only be more true, who fired it still does,
and whether fewer do is looked for. Where both, or where the column is new, nothing stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.reach.board import Board
from armslength.reach.bundles import Bundles
from armslength.reach.columns import Columns, Words, are_set, has, is_set
from armslength.reach.former import People, former
from armslength.reach.ground import Firing, Ground
from armslength.reach.heirloom import Heirlooms
from armslength.reach.matching import Matching, matching
from armslength.reach.quorum import FILLED, Quorum
from armslength.reach.reliance import Reliance
from armslength.reach.spread import Flags, spread
from armslength.reach.touch import MOST, Touch

if TYPE_CHECKING:
    from armslength.reach.ascent import Reached
    from armslength.reach.solution import Model, Solution

Small = npt.NDArray[np.int8]
GONE = -2
"""Instead of somebody who left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """`refuted` [rules, columns]: so many accomplices are known not to fire a rule. `sure`: by level, who fires which
    rule in which column; `likely`: who did before. `hopeless`: rules that nobody fires, `hopeful`: those
    that some did; `fired`: by column and level, those that did so, a bit each by number. `vain` [rules, columns]: so
    many accomplices do not fire a rule unless one of the rules `through` fires as well (by column, a bit each by
    number), or it is one. `lean`: of `likely`, those that stand unless who fired them fires any of the `last` rules (by
    column, and all that these may rest on, a bit each by number; None for any). `bundles`: those of the old model,
    where they must be the same."""

    refuted: Small
    sure: dict[int, list[tuple[int, int, People]]]
    likely: dict[tuple[int, int], tuple[int, People]]
    hopeless: frozenset[int]
    hopeful: frozenset[int]
    fired: dict[tuple[int, int], int]
    vain: Small
    through: dict[int, int]
    lean: frozenset[tuple[int, int]]
    last: dict[int, tuple[int, int | None]]
    bundles: Bundles | None

    def helpers(self, column: int, level: int) -> int:
        """The rules that fired in the column with so many accomplices, a bit each by number."""
        found = 0
        for one in range(1, level + 1):
            found |= self.fired.get((column, one), 0)
        return found


class Takeover:
    """`firings`: what fires on the ground as before; `left`: the columns, by rule number, in which that has to be found
    out."""

    def __init__(self, before: Solution, model: Model, columns: Columns, match: Matching) -> None:
        self._before, self._model, self._columns, self._match = before, model, columns, match
        self._touch = Touch(before, model, match)
        self._changed: Flags = np.zeros(max(1, len(model.estate.people.ids)), dtype=np.bool_)
        self._changed[sorted(self._touch.seeds.changed)] = True
        heirlooms = Heirlooms(before.model, model, match, self._touch.seeds)
        model.quorums.inherit(heirlooms, heirlooms.codes())
        self._known: Words = columns.mask(match.columns)
        words = match.turned(before.ground.board.words, columns.words)
        self.firings: dict[tuple[int, int], Firing] = {}
        self.left: dict[int, Words] = {}
        full = columns.full()
        back = {old: new for new, old in match.columns.items()}
        rules = {old: new for new, old in match.rules.items()}
        moved = {
            (rules[number], back[c]): self._moved(firing)
            for (number, c), firing in before.ground.firings.items()
            if number in rules and c in back
        }
        # Others may stand in for somebody named, but they have to be named; and what rests on it is told after it.
        named = [
            (model.graph.rules[number].node, c)
            for (number, c), firing in moved.items()
            if not self._unchanged((firing.quorum.requester, *firing.quorum.approvers))
        ]
        touched = self._touch.ground(words, columns, named)
        for (number, c), firing in moved.items():
            less = is_set(touched.less, model.graph.rules[number].node, c)
            if not less or self._holds(number, firing, touched.less, c):
                self.firings[number, c] = firing
        fired: dict[int, list[int]] = {}
        for number, c in self.firings:
            fired.setdefault(number, []).append(c)
        for rule in model.graph.rules:
            theirs = match.rules.get(rule.number)
            if theirs is None:
                self.left[rule.number] = full
                continue
            true = words[:, before.model.graph.rules[theirs].node]
            # Neither did it fire before, nor can it be more true now.
            no = self._known & ~true & ~touched.more[:, rule.node]
            self.left[rule.number] = full & ~no & ~columns.mask(fired.get(rule.number, ()))

    def _holds(self, number: int, firing: Firing, less: Words, column: int) -> bool:
        """Whether the very quorum that fired the rule must still be one: the same people act and look as before."""
        rule, at, found = self._model.graph.rules[number], self._model.graph.layout, self._touch.seeds
        people = [p for p in (firing.quorum.requester, *firing.quorum.approvers) if p != FILLED]
        if number in found.cut or number in found.fresh or not self._unchanged(people):
            return False
        facts = [*people, *(at.opened + g for g in firing.opened)]
        if firing.waived:
            facts.append(at.waived + rule.terms)
        if rule.enrolls:
            facts.append(at.somebody)
        return not any(is_set(less, node, column) for node in facts)

    def _unchanged(self, people: Iterable[int]) -> bool:
        """Whether all of them (new indexes) are there and look as before."""
        return all(p == FILLED or p >= 0 and not self._changed[p] for p in people)

    def _moved(self, firing: Firing) -> Firing:
        people = self._match.people
        quorum = firing.quorum

        def moved(person: int) -> int:
            # Who left is neither a person nor somebody of an unknown group.
            return GONE if person >= 0 and people[person] < 0 else int(people[person]) if person >= 0 else person

        found = Quorum(
            outsiders=(), requester=moved(quorum.requester), approvers=tuple(moved(p) for p in quorum.approvers)
        )
        return Firing(order=firing.order, quorum=found, waived=firing.waived, opened=firing.opened)

    def standing(self, ground: Ground) -> Standing | None:
        """What stands of the levels, once the new ground is known."""
        before, match, columns = self._before, self._match, self._columns
        reached = before.reached
        if reached is None:
            return None
        nodes = self._model.graph.nodes
        was = match.carried(match.turned(before.ground.board.words, columns.words), nodes)
        had = match.turned(reached.board.words, columns.words)
        touched = self._touch.above(had, was, ground.board.words, columns)
        rules = self._model.graph.rules
        nodes_of_rules = np.array([rule.node for rule in rules], dtype=np.int64)
        refuted: Small = np.zeros((len(rules), len(columns)), dtype=np.int8)
        mine = np.array(sorted(match.rules), dtype=np.int64)
        theirs = np.array([match.rules[number] for number in mine.tolist()], dtype=np.int64)
        at = np.array([rules[number].node for number in mine.tolist()], dtype=np.int64)
        vain: Small = np.zeros_like(refuted)
        fewer, through = self._touch.fewer(columns), dict[int, int]()
        for c, old in match.columns.items():
            known = reached.refuted[theirs, old]
            refuted[mine, c] = np.where(has(touched.more[:, at], c), np.maximum(known - fewer[c], 0), known)
            if fewer[c] < MOST:
                vain[mine, c] = known
                firsts = np.flatnonzero(has(touched.first[:, nodes_of_rules], c)).tolist()
                through[c] = sum(1 << number for number in firsts)
        them = former(reached.made, match)
        missed = self._touch.missed
        reliance = Reliance(before, reached, missed) if missed.size else None
        last = self._last(reliance, touched.rest) if reliance is not None else {}
        node = nodes_of_rules[them.rule]
        less, whole = are_set(touched.less, node, them.column), them.whole
        unchanged = whole & ~them.any(self._changed)
        lean = np.zeros_like(less)
        if reliance is not None:
            # Who has a part in it for no other reason than that people are missed.
            asked = less & ~are_set(touched.rest, node, them.column)
            less &= ~asked | reliance.on(them)
            lean = less & asked & unchanged & np.isin(them.column, list(last)) & ~reliance.plainly(them)
        # Whoever acts there by now is no accomplice; then fewer do, which the search finds.
        kept = whole & ~them.acting(ground.board.words)
        stands = kept & unchanged & ~less
        sure: dict[int, list[tuple[int, int, People]]] = {}
        for number, column, level, people in them.some(stands):
            sure.setdefault(level, []).append((number, column, people))
        hopeless, hopeful = self._hopes(reached.utmost)
        return Standing(
            refuted=refuted,
            sure=sure,
            likely={(number, c): (level, people) for number, c, level, people in them.some(kept & ~stands)},
            hopeless=hopeless,
            hopeful=hopeful,
            fired=them.by_column(),
            vain=vain,
            through=through,
            lean=frozenset((number, c) for number, c, _, _ in them.some(kept & lean)),
            last=last,
            bundles=self._bundles(reached),
        )

    def _last(self, reliance: Reliance, fallen: Words) -> dict[int, tuple[int, int | None]]:
        """`Standing.last`; without the columns in which somebody may have fired such a rule and does not any more, for
        another reason than that people are missed (`fallen`), or fires it and nothing shows."""
        found, back = dict[int, tuple[int, int | None]](), {old: new for new, old in self._match.rules.items()}
        for c, old in self._match.columns.items():
            known = reliance.last(old)
            if known is not None and all(number in back for some in known for number in some or ()):
                rules = [self._model.graph.rules[back[number]] for number in known[0]]
                if any(not rule.power or is_set(fallen, rule.node, c) for rule in rules):
                    continue
                last, rest = (None if some is None else sum(1 << back[number] for number in some) for some in known)
                found[c] = last or 0, rest
        return found

    def _bundles(self, reached: Reached) -> Bundles | None:
        """Those of the old model, if all edges are the same that lead to people, groups or terms; without those who
        left, if nothing of that was brought by way of them."""
        found, match = self._touch.seeds, self._match
        one, two, gone = self._before.model.graph, self._model.graph, found.gone
        powers = [[rule for rule in graph.rules if rule.power] for graph in (one, two)]
        was = [*one.power_sources.tolist(), *(rule.node for rule in powers[0])]
        if match.nodes[was].tolist() != [*two.power_sources.tolist(), *(rule.node for rule in powers[1])]:
            return None
        stay = match.people >= 0
        if match.came.size or (np.diff(match.people[stay]) < 0).any():
            return None
        with_gone = np.isin(found.removed[0], gone) | np.isin(found.removed[1], gone)
        target, at = np.concatenate([found.added[1], found.removed[1][~with_gone]]), two.layout
        # From what can be done with assets none leads back.
        if ((target < at.over) | (target >= at.rules)).any():
            return None
        if gone.size:
            words: Words = np.zeros((1, one.nodes), dtype=np.uint64)
            words[0, gone] = 1
            spread(words, one.edges, gone)
            words[0, gone] = 0
            if any(words[0, lo : lo + count].any() for lo, count in one.layout.brought):
                return None
        elif [rule.number for rule in powers[0]] == [rule.number for rule in powers[1]]:
            return reached.bundles
        return reached.bundles.among(two, stay)

    def _hopes(self, utmost: Board) -> tuple[frozenset[int], frozenset[int]]:
        """The rules that nobody could fire and nobody can now, and those that some could."""
        columns, rules = utmost.columns, self._model.graph.rules
        if columns.each[0].filled != frozenset[int]().union(*(column.filled for column in self._columns.each)):
            return frozenset(), frozenset()
        more = self._touch.utmost(utmost.words, columns)
        were = self._before.model.graph.rules
        hopeful = frozenset(n for n, old in self._match.rules.items() if utmost.words[0, were[old].node])
        hopeless = frozenset(n for n in self._match.rules.keys() - hopeful if not more[0, rules[n].node])
        return hopeless, hopeful


def takeover(before: Solution, model: Model, columns: Columns) -> Takeover | None:
    """None where nothing can be taken over."""
    if not before.complete:
        return None
    match = matching(before.model, model, before.columns, columns)
    return None if match is None else Takeover(before, model, columns, match)
