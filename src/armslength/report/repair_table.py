"""A plan of repair for a terminal: what to change, what it costs, what stays broken, and how sure that is."""

from __future__ import annotations

from collections import Counter

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from armslength.estate import Estate
from armslength.reach import Change, Plan, Reason, Remaining, Verb, Why
from armslength.report.plain import counted, listed, number, short
from armslength.report.said import said

MOST_ROWS = 40
_DONE = {Verb.TERMS: "put terms on", Verb.DROP_GRANT: "drop the grant", Verb.DROP_MEMBERSHIP: "drop the membership"}
_REASONS = {
    Reason.CUSTODY: "the state holds the machines, and no row gives it that: move the host, or the key",
    Reason.PERMIT: "policies give it: change policy.cedar",
    Reason.REFUSED: "every change that would mend it was refused",
    Reason.TOGETHER: "the changes that would mend it exclude each other, or would leave terms without people enough",
    Reason.ASIDE: "set aside: what would mend it was not found in time, give it more with --limit",
    Reason.UNFINISHED: "the time was over: give it more with --limit",
}
_UNUSABLE = {
    Why.NOBODY: "no quorum of these people meets them",
    Why.NO_SPARE: "with one person away perhaps no quorum meets them",
}


def repair_table(estate: Estate, plan: Plan, *, verified: bool, names: bool = False) -> Group:
    """A rich renderable. `verified`: of the tables as they were patched."""
    parts: list[RenderableType] = [Text(_headline(plan), style="bold")]
    if plan.changes:
        parts += [Text(_proof(plan)), Text(""), _changes(estate, plan, names)]
        if len(plan.changes) > MOST_ROWS:
            left = counted(len(plan.changes) - MOST_ROWS, "more change")
            parts.append(Text(f"and {left}: --patch FILE or --format json has all", style="dim"))
    if plan.remaining:
        late = any(left.reason in (Reason.ASIDE, Reason.UNFINISHED) for left in plan.remaining)
        heading = "What the plan does not mend:" if late else "What no allowed change mends:"
        parts += [Text(""), Text(heading), _remaining(estate, plan)]
    for idle in plan.idle:
        parts += [Text(""), Text(f"The terms {short(idle.terms)} could not be used: {_UNUSABLE[idle.why]}.")]
    if plan.changes:
        told = (
            "The patched tables were read and asked again: every other floor holds."
            if plan.remaining
            else "The patched tables were read and asked again: every floor holds."
        )
        parts += [
            Text(""),
            Text(told if verified else "The patched tables do not keep every floor: do not rely on it."),
        ]
    return Group(*parts)


def _headline(plan: Plan) -> str:
    changes = counted(len(plan.changes), "change")
    if not plan.changes and not plan.remaining:
        return "Every floor holds: there is nothing to repair."
    if not plan.changes:
        return f"No allowed change mends anything: {counted(len(plan.remaining), 'pair')} below a floor."
    if plan.remaining:
        return f"{changes} of cost {plan.cost:g} mend all but {counted(len(plan.remaining), 'pair')}."
    return f"{changes} of cost {plan.cost:g}, and every floor holds."


def _proof(plan: Plan) -> str:
    if plan.proven:
        return "Proven least: no allowed set of changes that mends as much costs less."
    return f"Not proven least: none costs less than {plan.bound:g}, so up to {plan.gap:.1%} of the cost could be saved."


def _changes(estate: Estate, plan: Plan, names: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    for name in ("where", "change", "row", "cost", "people"):
        table.add_column(name, justify="right" if name in ("cost", "people") else "left", overflow="fold")
    for change in plan.changes[:MOST_ROWS]:
        name, found = next((n, t) for n, t in estate.tables.items() if t.file == change.row.file)
        table.add_row(
            Text(f"{found.file}:{found.line(change.row.row)}"),
            Text(_done(change)),
            Text(said(estate, name, change.row.row, names=names)),
            Text(f"{change.cost:g}"),
            Text(number(change.people)),
        )
    return table


def _done(change: Change) -> str:
    return f"terms {short(change.terms)}" if change.verb is Verb.TERMS else _DONE[change.verb]


def _remaining(estate: Estate, plan: Plan) -> Table:
    """By reason, action and class: how many pairs, of which states."""
    groups: dict[tuple[Reason, str, str], list[Remaining]] = {}
    for left in plan.remaining:
        classed = int(estate.assets.of_class[left.asset])
        target = estate.classes[classed] if classed >= 0 else estate.assets.ids[left.asset]
        groups.setdefault((left.reason, estate.actions[left.action], target), []).append(left)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    for name in ("could", "on", "pairs", "by", "because"):
        table.add_column(name, justify="right" if name == "pairs" else "left", overflow="fold")
    for (reason, action, target), some in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_ROWS]:
        states = Counter(estate.states[left.state] for left in some)
        table.add_row(
            Text(short(action)),
            Text(short(target)),
            Text(number(len(some))),
            Text(listed(sorted(states), 8)),
            Text(_REASONS[reason]),
        )
    return table
