"""What a report shows, as one frozen value: every renderer of this room is a pure function of it.

Counts are of pairs: one pair is one (state, action, asset). "Protected" means covered by a floor. People appear here
only as the labels in `Chain.people`; whether those are names or roles was decided when the picture was made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.reach import Between, Beyond, Exact, Length, Step


def rank(length: Length) -> int:
    """The least that the length can be: what a floor is judged by. Beyond a cap of 3 is 4."""
    match length:
        case Exact(length=n):
            return n
        case Beyond(cap=cap):
            return cap + 1
        case Between(at_least=n):
            return n


def words(length: Length) -> str:
    """The length as short text: `1`, `›3` (more than 3), `≥2` (at least 2, the search was stopped)."""
    match length:
        case Exact(length=n):
            return str(n)
        case Beyond(cap=cap):
            return f"›{cap}"
        case Between(at_least=n):
            return f"≥{n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLine:
    """A state that the answer speaks of. `home`: the whole firm answers to it. `people`: how many are exposed to it on
    the day (0 when it is here only because assets are hosted there). `bloc`: it is no country on the map."""

    code: str
    name: str
    people: int
    home: bool = False
    bloc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorLine:
    """One `[[floor]]` of estate.toml and what became of it. `against` is written for people; `broken` counts its pairs,
    `states` are the codes that break it, `worst` the least length among its pairs (None: it covers none),
    `gap` the least if the unknown groups hold people of the state, where that is less."""

    number: int
    line: int
    action: str
    target: str
    length: int
    against: str
    pairs: int
    broken: int
    states: tuple[str, ...]
    worst: int | None
    gap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the matrix asks about: an action on all protected assets of one class (`class:c`), on one asset that has no
    class (`asset:t`), or on the rest (`other assets`)."""

    action: str
    target: str
    assets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One state against one column. `length` is the least among the pairs surely broken, or of all when none is.

    `floor` is the highest that covers one of them; `broken` counts pairs below their floor, `sure` those of them that
    are so whoever is in the unknown groups; `gap` is the least length if those hold people of the state (None: that is
    no less); `spread` counts pairs by the rank of their length, least first; `unfinished` those whose search was
    stopped; `chain` the number of the chain that tells why.
    """

    state: int
    column: int
    length: Length
    floor: int | None
    pairs: int
    broken: int
    sure: int
    spread: tuple[tuple[int, int], ...]
    gap: int | None = None
    unfinished: int = 0
    chain: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One derivation, standing for all that use the same grants, powers and policies.

    `state`, `action`, `asset` say which pair is shown; `states` every state that has this way; `pairs` how many of the
    derivations looked at it stands for. `people` labels each `person:…` of the steps.
    """

    number: int
    state: str
    states: tuple[str, ...]
    action: str
    asset: str
    length: Length
    floor: int | None
    broken: bool
    pairs: int
    sentences: tuple[str, ...]
    steps: tuple[Step, ...]
    people: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChokePoint:
    """A row or policy on which many short lengths rest: `pairs` of the derivations looked at use it, for `states`
    states. `what` says it in words; `place` is the file and line ("grants.csv, line 12") or the policy."""

    kind: str
    what: str
    place: str
    pairs: int
    states: int
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a repair, or a place to begin. `cost` is None where nothing was weighed."""

    what: str
    place: str
    cost: float | None = None
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to repair first. `proven`: after these changes every floor holds, and no cheaper set does it; `bound` is the
    least cost that any set can have."""

    changes: tuple[Change, ...]
    total: int
    cost: float
    bound: float
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GapLine:
    """A group whose members the sources did not tell. `pairs` it would shorten, `broken` of them below their floor only
    because of it, `least` the shortest length it would bring (None when it shortens nothing)."""

    group: str
    note: str
    pairs: int
    broken: int
    least: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old a table's rows are by their `as_of`: `old` rows are more than `STALE_DAYS` older than the day asked."""

    file: str
    rows: int
    old: int
    undated: int
    oldest: dt.date


STALE_DAYS = 30
"""A month: people move and travel, so an older table says little about today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that the page, the table and the comment show.

    `protected` and `broken` count pairs under floors; `computed` all pairs of the answer; `looked_at` derivations were
    asked for, of `reasons` different kinds, of which `chains` are shown. `named`: people appear by name.
    """

    estate: str
    at: dt.date
    cap: int
    digest: str
    states: tuple[StateLine, ...]
    floors: tuple[FloorLine, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    computed: int
    protected: int
    broken: int
    unfinished: int
    chains: tuple[Chain, ...] = ()
    looked_at: int = 0
    reasons: int = 0
    choke_points: tuple[ChokePoint, ...] = ()
    plan: Plan | None = None
    gaps: tuple[GapLine, ...] = ()
    ages: tuple[Age, ...] = ()
    warnings: tuple[str, ...] = ()
    named: bool = False
    columns_left_out: int = 0
    bases_left_out: tuple[str, ...] = field(default=())

    @property
    def home(self) -> tuple[StateLine, ...]:
        return tuple(s for s in self.states if s.home)
