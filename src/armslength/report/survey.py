"""From an answer of reach to the picture that reports show: pairs folded into cells and floors, and what limits it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import BLOCS, NAMES, Basis, Estate, Floor, Kind
from armslength.reach import Reach, covered, exposure
from armslength.report.evidence import Evidence, gather
from armslength.report.picture import (
    STALE_DAYS,
    Age,
    Cell,
    Column,
    FloorLine,
    GapLine,
    Picture,
    Plan,
    StateLine,
)
from armslength.report.plain import listed

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

MOST_COLUMNS = 16
"""Columns of the matrix: more would not fit a page."""
LONE_ASSETS = 4
"""Assets without a class that get a column of their own, for each action; beyond that they share one."""
NO_GAP = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The pairs that a report judges, as columns of length N. `index[k]` is the result in the reach; `known` its length
    (more than the cap is cap + 1), `broken` whether it is below its floor, `sure` whether it is so without any gap."""

    index: Integers
    state: Integers
    column: Integers
    known: Integers
    floor: Integers
    broken: Booleans
    sure: Booleans


def survey(
    reach: Reach,
    *,
    digest: str,
    warnings: Sequence[str] = (),
    plan: Plan | None = None,
    names: bool = False,
    most_derivations: int = 1000,
    most_chains: int = 60,
) -> Picture:
    """The picture of an answer. Derivations are asked for of at most `most_derivations` broken pairs, every cell of the
    matrix first; `names` shows people by id and name in place of their role."""
    estate, settings = reach.estate, reach.estate.settings
    gaps = _gaps(reach)
    column_of, columns = _columns(reach)
    pairs = _pairs(reach, column_of)
    kept, left_out = _kept(pairs, len(columns))
    shown_states = np.unique(np.concatenate([pairs.state, np.array(sorted(settings.home), dtype=np.int64)]))
    evidence = gather(
        reach,
        pairs.index,
        pairs.known,
        pairs.sure,
        pairs.state,
        pairs.column,
        names=names,
        most_derivations=most_derivations,
        most_chains=most_chains,
    )
    return Picture(
        estate=settings.name,
        at=reach.question.at,
        cap=reach.question.cap,
        digest=digest,
        states=tuple(
            _state(reach, int(s), people) for s, people in zip(shown_states, _people(reach, shown_states), strict=True)
        ),
        floors=_floors(reach, gaps),
        columns=tuple(columns[k] for k in kept),
        cells=_cells(reach, pairs, gaps, shown_states, kept, evidence),
        computed=len(reach),
        protected=int((pairs.floor >= 0).sum()),
        broken=int(pairs.broken.sum()),
        unfinished=int(reach.unfinished().sum()),
        chains=evidence.chains,
        looked_at=evidence.looked_at,
        reasons=evidence.reasons,
        choke_points=evidence.choke_points,
        plan=plan,
        gaps=_gap_lines(reach, gaps, pairs),
        ages=tuple(_ages(estate, reach.question.at)),
        warnings=tuple(warnings),
        named=names,
        columns_left_out=left_out,
        bases_left_out=tuple(b.value for b in Basis if b not in settings.bases),
    )


# what is judged


def _gaps(reach: Reach) -> Integers:
    """The length with unknown groups filled, by result; `NO_GAP` where that makes no difference."""
    found = np.full(len(reach), NO_GAP, dtype=np.int64)
    if reach.estate.groups.unknown:
        for i in range(len(reach)):
            for gap in reach.gaps(i):
                found[i] = gap.length
    return found


def _columns(reach: Reach) -> tuple[Integers, list[Column]]:
    """For each result its column (-1 where nothing protects the asset from that action), and the columns."""
    assets = reach.estate.assets
    protected = reach.floor >= 0
    if not protected.any():
        protected = np.ones(len(reach), dtype=bool)
    classed = _classes(reach.estate)
    count = len(reach.estate.classes)
    shared = count + len(assets.ids)
    target = np.where(classed >= 0, classed, count + np.arange(len(assets.ids)))[reach.asset]
    action = reach.action.astype(np.int64)
    for one in np.unique(action):
        alone = np.unique(target[(action == one) & (target >= count) & protected])
        if len(alone) > LONE_ASSETS:
            target[(action == one) & (target >= count)] = shared
    key = action * (shared + 1) + target
    # A home state's pairs have no floor of their own; they stand under the columns that others are protected in.
    pair = action * len(assets.ids) + reach.asset
    covered = np.isin(pair, np.unique(pair[protected]))
    keys = np.unique(key[protected])
    order = sorted(keys.tolist(), key=lambda k: _names(reach.estate, k, shared))
    place = {k: n for n, k in enumerate(order)}
    column_of = np.array([place[k] for k in keys.tolist()], dtype=np.int64)
    found = np.where(
        covered, column_of[np.searchsorted(keys, key).clip(max=max(len(keys) - 1, 0))] if len(keys) else -1, -1
    )
    columns = []
    for n, k in enumerate(order):
        named, of = _names(reach.estate, k, shared)
        columns.append(Column(action=named, target=of, assets=len(np.unique(reach.asset[found == n]))))
    return found, columns


def _classes(estate: Estate) -> Integers:
    """The class of each asset: its own, or of the nearest asset that it lies in; -1 for none."""
    classed = estate.assets.of_class.astype(np.int64).copy()
    above = estate.assets.within.astype(np.int64).copy()
    while (look := (classed < 0) & (above >= 0)).any():
        classed[look] = estate.assets.of_class[above[look]]
        above[look] = estate.assets.within[above[look]]
    return classed


def _names(estate: Estate, key: int, shared: int) -> tuple[str, str]:
    action, target = divmod(key, shared + 1)
    count = len(estate.classes)
    if target == shared:
        return estate.actions[action], "other assets"
    return estate.actions[
        action
    ], f"class:{estate.classes[target]}" if target < count else f"asset:{estate.assets.ids[target - count]}"


def _pairs(reach: Reach, column: Integers) -> Pairs:
    index = np.flatnonzero(column >= 0)
    floor = reach.floor[index].astype(np.int64)
    known = np.where(reach.at_least[index] < 0, np.maximum(reach.question.cap, floor - 1) + 1, reach.at_least[index])
    broken = np.zeros(len(reach), dtype=bool)
    broken[reach.broken()] = True
    return Pairs(
        index=index,
        state=reach.state[index].astype(np.int64),
        column=column[index],
        known=known.astype(np.int64),
        floor=floor,
        broken=broken[index],
        sure=broken[index] & (known < floor),
    )


def _kept(pairs: Pairs, columns: int) -> tuple[list[int], int]:
    """Which columns the matrix shows, in order, and how many it leaves out: the shortest broken pairs stay."""
    least = np.full(columns, NO_GAP, dtype=np.int64)
    np.minimum.at(least, pairs.column[pairs.broken], pairs.known[pairs.broken])
    broken = np.bincount(pairs.column[pairs.broken], minlength=columns)
    size = np.bincount(pairs.column, minlength=columns)
    worth = sorted((int(least[k]), -int(broken[k]), -int(size[k]), k) for k in range(columns))
    kept = sorted(k for *_, k in worth[:MOST_COLUMNS])
    return kept, columns - len(kept)


# what is shown of it


def _cells(
    reach: Reach, pairs: Pairs, gaps: Integers, states: Integers, kept: Sequence[int], evidence: Evidence
) -> tuple[Cell, ...]:
    """One cell for each state and kept column that has pairs."""
    row = {int(s): i for i, s in enumerate(states)}
    place = {k: n for n, k in enumerate(kept)}
    order = np.lexsort((pairs.index, pairs.known, ~pairs.broken, ~pairs.sure, pairs.column, pairs.state))
    starts = np.flatnonzero(
        np.diff(pairs.state[order], prepend=-1).astype(bool) | np.diff(pairs.column[order], prepend=-1).astype(bool)
    )
    cells, unfinished = [], reach.unfinished()
    for own in np.split(order, starts[1:]) if len(order) else []:
        first = own[0]
        if (column := place.get(int(pairs.column[first]))) is None:
            continue
        i = int(pairs.index[first])
        gap = int(gaps[pairs.index[own]].min())
        floor = int(pairs.floor[own].max())
        lengths, counts = np.unique(pairs.known[own], return_counts=True)
        results = pairs.index[own]
        cells.append(
            Cell(
                state=row[int(pairs.state[first])],
                column=column,
                length=reach.length(i),
                floor=floor if floor >= 0 else None,
                pairs=len(own),
                broken=int(pairs.broken[own].sum()),
                sure=int(pairs.sure[own].sum()),
                spread=tuple(zip(lengths.tolist(), counts.tolist(), strict=True)),
                gap=gap if gap < pairs.known[first] else None,
                unfinished=int(unfinished[results].sum()),
                chain=_chain_of(evidence, pairs, own),
            )
        )
    return tuple(cells)


def _chain_of(evidence: Evidence, pairs: Pairs, own: Integers) -> int | None:
    """The chain of the cell's first pair, or of another pair of that length whose chain is shown."""
    alike = own[pairs.sure[own] & (pairs.known[own] == pairs.known[own[0]])]
    return next((n for i in pairs.index[alike].tolist() if (n := evidence.chain_of.get(i)) is not None), None)


def _state(reach: Reach, state: int, people: int) -> StateLine:
    code = reach.estate.states[state]
    return StateLine(
        code=code,
        name=NAMES.get(code) or BLOCS.get(code) or code,
        people=people,
        home=state in reach.estate.settings.home,
        bloc=code not in NAMES,
    )


def _people(reach: Reach, states: Integers) -> list[int]:
    """How many people each state can compel by ties that may be told: a declared tie shows in no count."""
    estate, settings = reach.estate, reach.estate.settings
    exposed = reach.exposure
    if estate.declared and Basis.DECLARED in settings.bases:
        open_ties = replace(settings, bases=settings.bases - {Basis.DECLARED})
        exposed = exposure(replace(estate, settings=open_ties), reach.question.at)
    sizes = np.bincount(exposed.of, minlength=len(exposed.sets))
    return [
        sum(int(size) for members, size in zip(exposed.sets, sizes, strict=True) if int(state) in members)
        for state in states
    ]


def _floors(reach: Reach, gaps: Integers) -> tuple[FloorLine, ...]:
    """What became of each floor; a pair under several floors is judged by each alone."""
    estate = reach.estate
    protected = np.flatnonzero(reach.floor >= 0)
    by_action = {int(a): protected[reach.action[protected] == a] for a in np.unique(reach.action[protected])}
    found = []
    for floor in estate.settings.floors:
        if floor.action is None:
            asked = protected
        else:
            action = estate.actions.index(floor.action) if floor.action in estate.actions else -1
            asked = by_action.get(action, protected[:0])
        asked = asked[covered(estate, floor.target)[reach.asset[asked]]]
        if floor.against is not None:
            asked = asked[np.isin(reach.state[asked], sorted(floor.against))]
        else:
            spared = sorted(estate.settings.home | (floor.exempt or frozenset()))
            asked = asked[~np.isin(reach.state[asked], spared)]
        found.append(_floor(reach, floor, asked, gaps))
    return tuple(found)


def _floor(reach: Reach, floor: Floor, asked: Integers, gaps: Integers) -> FloorLine:
    estate = reach.estate
    least = reach.at_least[asked].astype(np.int64)
    known = np.where(least < 0, max(reach.question.cap, floor.length - 1) + 1, least)
    length = np.minimum(known, gaps[asked])
    broken = length < floor.length
    kind, names = ("class", estate.classes) if floor.target.kind is Kind.CLASS else ("asset", estate.assets.ids)
    worst, gap = (int(known.min()), int(length.min())) if len(asked) else (None, None)
    return FloorLine(
        number=floor.number,
        line=floor.line,
        action=floor.action or "*",
        target=f"{kind}:{names[floor.target.index]}",
        length=floor.length,
        against=_against(estate, floor),
        pairs=len(asked),
        broken=int(broken.sum()),
        states=tuple(_by_need(reach, asked[broken], length[broken])),
        worst=worst,
        gap=gap if gap != worst else None,
    )


def _against(estate: Estate, floor: Floor) -> str:
    if floor.against is not None:
        return listed(sorted(estate.states[s] for s in floor.against), 8)
    spared = [*(["home"] if estate.settings.home else []), *sorted(estate.states[s] for s in floor.exempt or ())]
    return f"every state but {listed(spared, 8)}" if spared else "every state"


def _by_need(reach: Reach, broken: Integers, length: Integers) -> list[str]:
    """The states of the broken pairs, the one that needs least first."""
    states = reach.estate.states
    least = np.full(len(states), NO_GAP, dtype=np.int64)
    np.minimum.at(least, reach.state[broken], length)
    return [states[s] for s in sorted(np.flatnonzero(least < NO_GAP).tolist(), key=lambda s: (least[s], states[s]))]


# what limits the view


def _gap_lines(reach: Reach, gaps: Integers, pairs: Pairs) -> tuple[GapLine, ...]:
    estate = reach.estate
    told = {}
    if "unknown" in estate.tables and {"group", "note"} <= estate.tables["unknown"].columns.keys():
        columns = estate.tables["unknown"].columns
        told = dict(zip(columns["group"], columns["note"], strict=True))
    named: dict[int, list[int]] = {g: [] for g in estate.groups.unknown}
    for i in np.flatnonzero(gaps < NO_GAP).tolist():
        for gap in reach.gaps(i):
            for group in gap.groups:
                named[group].append(i)
    only = set(pairs.index[pairs.broken & ~pairs.sure].tolist())
    return tuple(
        GapLine(
            group=estate.groups.ids[group],
            note=told.get(estate.groups.ids[group], ""),
            pairs=len(results),
            broken=sum(1 for i in results if i in only),
            least=int(gaps[results].min()) if results else None,
        )
        for group, results in sorted(named.items(), key=lambda item: estate.groups.ids[item[0]])
    )


def _ages(estate: Estate, at: dt.date) -> list[Age]:
    """Tables with rows that are older than `STALE_DAYS` on the day asked."""
    found = []
    latest = (at - dt.timedelta(days=STALE_DAYS)).isoformat()
    for table in estate.tables.values():
        dates = table.columns.get("as_of")
        if dates is None or not len(dates):
            continue
        dated = dates.filter(dates != "")
        old = int((dated < latest).sum())
        if old:
            found.append(
                Age(
                    file=table.file,
                    rows=len(dates),
                    old=old,
                    undated=len(dates) - len(dated),
                    oldest=dt.date.fromisoformat(str(dated.min())),
                )
            )
    return found
