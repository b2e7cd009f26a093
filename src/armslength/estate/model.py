"""The estate: one frozen, cross-checked value, held in columns so that a million grants stay small.

Every reference is already resolved: an index into the ids of its kind. Nothing in here is checked again;
only `armslength.estate.parse` and the edits of this room make one. Arrays are read-only; `-1` stands for an
empty cell in an index column. Row `i` of a column comes from row `row[i]` of its table (0-based data rows;
`Table.line` gives the line in the file). The rules are those of the estate's definition (docs/semantics.md).
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

import numpy as np
import numpy.typing as npt
import polars as pl

State = NewType("State", str)
"""A country (ISO 3166-1 alpha-2) or a bloc that the estate declares."""

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]


class Kind(enum.IntEnum):
    """What a typed reference points at; `EVERYONE` needs no index (it is 0)."""

    PERSON = 0
    GROUP = 1
    ASSET = 2
    CLASS = 3
    TERMS = 4
    EVERYONE = 5


class Basis(enum.StrEnum):
    """A tie by which a state can compel a person."""

    WORKPLACE = "workplace"
    RESIDENCE = "residence"
    EMPLOYER = "employer"
    OWNER = "owner"
    TRAVEL = "travel"
    DECLARED = "declared"


OPERATE, ENROLL, ASSUME, AMEND = "operate", "enroll", "assume", "amend"
POWERS = frozenset({OPERATE, ENROLL, ASSUME, AMEND})
"""The actions that change who can do what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table as it was read: what the digest, the patches and the reports show.

    `file` is the name inside the estate's folder; `columns` holds stripped text, "" for empty, one Series (String)
    a column in the file's order; `lines[i]` is the line of row `i` where quoted line breaks shift it, else None.
    """

    name: str
    file: str
    columns: Mapping[str, pl.Series]
    lines: Ints | None = None

    def __len__(self) -> int:
        return next((len(c) for c in self.columns.values()), 0)

    def line(self, row: int) -> int:
        """The line of data row `row` (0-based) in the file; the header is line 1. For Parquet: row + 2."""
        return int(self.lines[row]) if self.lines is not None else row + 2

    def cells(self, row: int) -> dict[str, str]:
        """The known and unknown columns of one row."""
        return {name: column[row] for name, column in self.columns.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One resolved reference: `Ref(Kind.GROUP, 3)`."""

    kind: Kind
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`ids[p]`; `workplace[p]`, `residence[p]` index `Estate.states`; `entity[p]` indexes entities, `manager[p]`
    people.

    `columns` holds every text column of people.csv (unknown ones too) for `distinct`: same length as ids.
    """

    ids: tuple[str, ...]
    workplace: Ints
    residence: Ints
    entity: Ints
    manager: Ints
    columns: Mapping[str, pl.Series]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    ids: tuple[str, ...]
    state: Ints
    parent: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Both days count."""

    person: int
    state: int
    start: dt.date
    until: dt.date
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A tie that a person chose to declare; no output names it."""

    person: int
    state: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """`unknown[g]`: the sources did not tell who is in g. Memberships are the rows of groups.csv:
    `member_kind[i]` is PERSON or GROUP, `member[i]` its index, `group[i]` the group it is in."""

    ids: tuple[str, ...]
    unknown: frozenset[int]
    group: Ints
    member_kind: Bytes
    member: Ints
    row: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """`hosted_in[t]`, `shielded_from[t]` are the asset's own cells (state indexes); `hosts[t]`, `lock[t]` are
    effective: own or passed down, `lock` -1 where there is no key (an asset that would be its own key has none).
    `hosts` is not yet closed upward by [states]."""

    ids: tuple[str, ...]
    kind: tuple[str, ...]
    of_class: Ints
    within: Ints
    hosted_in: tuple[frozenset[int], ...]
    shielded_from: tuple[frozenset[int], ...]
    key: Ints
    subjects: npt.NDArray[np.int64]
    hosts: tuple[frozenset[int], ...]
    lock: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The rows of grants.csv. `action[i]` indexes `Estate.actions`; `terms[i]` is -1 for standing access."""

    holder_kind: Bytes
    holder: Ints
    action: Ints
    target_kind: Bytes
    target: Ints
    terms: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`from` of terms: so many of the approvals must come from `of`."""

    of: Ref
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a quorum must be. `distinct` names columns of people.csv."""

    id: str
    approvals: int
    approvers: Ref
    apart: int = 0
    distinct: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    minutes: int = 60
    line: str | None = None
    uses: int | None = None
    customers: int | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """`action` None stands for "*". `against`, `exempt`: state indexes as written, not closed; both None: every state
    but home.

    `number` is its place in estate.toml (0-based), `line` the line of its `[[floor]]`.
    """

    number: int
    line: int
    action: str | None
    target: Ref
    length: int
    against: frozenset[int] | None
    exempt: frozenset[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """estate.toml with defaults filled in. `upward[s]`: s and all that is reached through [states], for every index of
    `Estate.states`; `home` is closed upward already."""

    name: str
    bases: frozenset[Basis]
    gate: int | None
    home: frozenset[int]
    upward: tuple[frozenset[int], ...]
    terms: tuple[Terms, ...]
    floors: tuple[Floor, ...]
    costs: Mapping[str, float]
    parsed: Mapping[str, object]
    declared: frozenset[str] = frozenset()
    """States named in [states]: those that need not be in ISO 3166-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """policy.cedar, parsed by Cedar once for its errors; `ids` in the order of the file. `permitted`: the actions that
    some permit names."""

    text: str
    ids: tuple[str, ...]
    lines: tuple[int, ...]
    permitted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estate:
    """The whole estate at one time. Indexes point into `states`, `actions`, `classes` and the `ids` of each part."""

    states: tuple[State, ...]
    actions: tuple[str, ...]
    classes: tuple[str, ...]
    people: People
    entities: Entities
    travel: tuple[Journey, ...]
    declared: tuple[Tie, ...]
    groups: Groups
    assets: Assets
    grants: Grants
    settings: Settings
    policy: PolicyText | None
    tables: Mapping[str, Table] = field(repr=False)
