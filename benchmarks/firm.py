"""The invented firm: its people, their employers and travel, and the ordinary groups they are in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.places import HOME, REGIONS, STATES, employers, region, weights

Index = npt.NDArray[np.int64]

DAY = dt.date(2026, 11, 22)
"""The day on which the estate is asked: half of the travel is under way on it."""

MEMBERSHIPS = 9.5
_NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large an estate is. All follow the number of people, down to the least that still shows every feature.

    `vaults` are the firm's protected parts, with `vault_assets` assets each and rules of their own.
    """

    people: int
    grants: int
    groups: int
    assets: int
    units: int
    vaults: int
    vault_assets: int

    @classmethod
    def of_people(cls, people: int) -> Size:
        scale = people / 100_000
        return cls(
            people=people,
            grants=people * 10,
            groups=max(30, round(3_000 * scale)),
            assets=max(60, round(10_000 * scale)),
            units=max(8, round(300 * scale)),
            vaults=max(2, round(40 * scale)),
            vault_assets=min(50, max(8, round(2_000 * scale / 2))),
        )


class Roll:
    """Groups and their memberships while they are drawn; `join` and `nest` add, `table` gives groups.csv."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._number: dict[str, int] = {}
        self._group: list[Index] = []
        self._person: list[Index] = []
        self._nested: list[tuple[str, str]] = []
        self.memberships = 0

    def number(self, name: str) -> int:
        found = self._number.get(name)
        if found is None:
            found = self._number[name] = len(self.names)
            self.names.append(name)
        return found

    def join(self, name: str, people: Index) -> None:
        self.join_many(np.full(len(people), self.number(name), dtype=np.int64), people)

    def join_many(self, groups: Index, people: Index) -> None:
        """One membership for each place of the two arrays; `groups` are numbers of this roll."""
        self._group.append(groups)
        self._person.append(people)
        self.memberships += len(people)

    def nest(self, outer: str, inner: str) -> None:
        self.number(outer), self.number(inner)
        self._nested.append((outer, f"group:{inner}"))

    def table(self, people: pl.Series) -> pl.DataFrame:
        group, person = np.concatenate(self._group), np.concatenate(self._person)
        _, first = np.unique(group * len(people) + person, return_index=True)
        nested = sorted(set(self._nested))
        members = pl.DataFrame(
            {
                "group": pl.Series(self.names, dtype=pl.String).gather(group[first]),
                "member": ("person:" + people).gather(person[first]),
            }
        )
        groups = pl.DataFrame(
            {"group": [outer for outer, _ in nested], "member": [inner for _, inner in nested]},
            schema={"group": pl.String, "member": pl.String},
        )
        return pl.concat([members, groups])


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """The people as drawn. `state[p]` is the workplace as an index of STATES; `trusted` are the people from whom the
    holders and approvers of protected assets come; `ordinary` names groups that guard nothing."""

    size: Size
    ids: pl.Series
    state: Index
    region: Index
    unit: Index
    trusted: Index
    people: pl.DataFrame
    entities: pl.DataFrame
    travel: pl.DataFrame
    declared: pl.DataFrame
    roll: Roll
    projects: tuple[str, ...]


def firm(size: Size, rng: np.random.Generator) -> Firm:
    """Draw the people and the groups that follow from where and in what unit they work."""
    count = size.people
    share = weights()
    state = rng.choice(len(STATES), size=count, p=share)
    if count >= 6 * len(STATES):
        state[: len(STATES)] = np.arange(len(STATES))
    elsewhere = rng.random(count) < 0.05
    residence = np.where(elsewhere, rng.choice(len(STATES), size=count, p=share), state)
    residence[rng.random(count) < 0.01] = _NOWHERE
    staff = employers()
    entity = np.array(staff.of_state)[state]
    vendor = (rng.random(count) < 0.08) & (state != STATES.index(HOME))
    entity = np.where(vendor, np.array(staff.vendors)[rng.integers(len(staff.vendors), size=count)], entity)
    unit = rng.choice(size.units, size=count, p=_tail(size.units, 0.6))
    # Nothing is named that has no members: the estate's parser would refuse it.
    unit[rng.permutation(count)[: size.units]] = np.arange(size.units)
    ids = pl.Series("id", [f"p{number:06d}" for number in range(count)])
    manager = (np.arange(count) - 1) // 8
    names = pl.Series([*STATES, ""])
    units = pl.Series([f"unit-{number:03d}" for number in range(size.units)])
    people = pl.DataFrame(
        {
            "id": ids,
            # A few have no unit on record: they can fill no place where units must differ.
            "unit": units.gather(unit).scatter(np.flatnonzero(rng.random(count) < 0.004), ""),
            "role": pl.Series(_ROLES).gather(rng.integers(len(_ROLES), size=count)),
            "entity": pl.Series(staff.ids).gather(entity),
            "workplace": names.gather(state),
            "residence": names.gather(np.where(residence == _NOWHERE, len(STATES), residence)),
            "manager": ids.gather(np.maximum(manager, 0)).scatter([0], ""),
        }
    )
    regions = np.array([REGIONS.index(region(code)) for code in STATES])[state]
    pool = np.flatnonzero(~vendor)
    trusted = np.sort(rng.choice(pool, size=min(len(pool) // 2, max(80, round(0.06 * count))), replace=False))
    roll = Roll()
    projects = _ordinary_groups(size, roll, state, regions, unit, rng)
    return Firm(
        size=size, ids=ids, state=state, region=regions, unit=unit, trusted=trusted, people=people,
        entities=pl.DataFrame({"id": staff.ids, "state": staff.states, "parent": staff.parents}),
        travel=_travel(ids, count, rng), declared=_declared(ids, count, rng), roll=roll, projects=projects,
    )  # fmt: skip


_ROLES = (
    *("software engineer", "support agent", "account manager", "site reliability engineer", "data analyst"),
    *("trust reviewer", "legal counsel", "designer", "recruiter", "finance analyst", "product manager"),
    *("security engineer", "team lead", "contractor", "government liaison", "network engineer"),
)


def _tail(count: int, power: float) -> npt.NDArray[np.float64]:
    tail = 1.0 / np.arange(1, count + 1, dtype=np.float64) ** power
    shares: npt.NDArray[np.float64] = tail / tail.sum()
    return shares


def _ordinary_groups(
    size: Size, roll: Roll, state: Index, regions: Index, unit: Index, rng: np.random.Generator
) -> tuple[str, ...]:
    """Units nested five deep up to the whole staff, sites, and projects that a few cycles run through."""
    numbers = np.array([roll.number(f"unit-{number:03d}") for number in range(size.units)])
    roll.join_many(numbers[unit], np.arange(size.people))
    departments, divisions = -(-size.units // 5), -(-size.units // 25)
    for number in range(size.units):
        roll.nest(f"department-{number % departments:02d}", f"unit-{number:03d}")
    for number in range(departments):
        roll.nest(f"division-{number % divisions:02d}", f"department-{number:02d}")
    for number in range(divisions):
        roll.nest(f"organisation-{number % 3}", f"division-{number:02d}")
    for number in range(min(3, divisions)):
        roll.nest("staff", f"organisation-{number}")
    for place in np.unique(state):
        site = f"site-{STATES[place].lower()}"
        roll.join(site, np.flatnonzero(state == place))
        roll.nest(f"region-{region(STATES[place])}", site)
    count = max(8, size.groups - len(roll.names) - 13 * size.vaults - 12)
    projects = tuple(f"project-{number:04d}" for number in range(count))
    numbers = np.array([roll.number(name) for name in projects])
    # What is left for projects once units, sites, help desks' scopes and vaults have theirs; some draws repeat.
    draws = round((MEMBERSHIPS - 2.95) * size.people * 1.02)
    drawn = np.concatenate([np.arange(count), rng.choice(count, size=draws, p=_tail(count, 0.7))])
    roll.join_many(numbers[drawn], rng.integers(size.people, size=len(drawn)))
    for inner in rng.choice(np.arange(1, count), size=count // 10, replace=False):
        roll.nest(projects[rng.integers(inner)], projects[inner])
    for start in range(count - 3, max(count - 3 * max(1, count // 200), 0) - 1, -3):
        for step in range(3):
            roll.nest(projects[start + step], projects[start + (step + 1) % 3])
    return projects


def _travel(ids: pl.Series, count: int, rng: np.random.Generator) -> pl.DataFrame:
    people = rng.choice(count, size=max(2, count // 50), replace=False)
    start = rng.integers(-20, 10, size=len(people))
    days = np.datetime64(DAY, "D") + start
    until = days + rng.integers(3, 21, size=len(people))
    return pl.DataFrame(
        {
            "person": ids.gather(people),
            "state": pl.Series(STATES).gather(rng.choice(len(STATES), size=len(people), p=weights())),
            "from": np.datetime_as_string(days),
            "until": np.datetime_as_string(until),
        }
    )


def _declared(ids: pl.Series, count: int, rng: np.random.Generator) -> pl.DataFrame:
    people = rng.choice(count, size=max(1, count // 300), replace=False)
    states = pl.Series(STATES).gather(rng.integers(len(STATES), size=len(people)))
    return pl.DataFrame({"person": ids.gather(people), "state": states})
