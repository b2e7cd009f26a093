"""A difference for a terminal: the verdict, what changed, and the rows that made it."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from armslength.reach import Cause
from armslength.report.cause_words import Sides
from armslength.report.difference import Finding, Findings
from armslength.report.plain import counted, listed, number, short

MOST_ROWS, MOST_CAUSES = 30, 30
_STYLES = {"breaks": "bold red", "falls": "red", "appears": "yellow", "rises": "green", "goes": "dim"}
_WORDS = {"breaks": "breaks", "falls": "falls", "appears": "new asset", "rises": "rises", "goes": "no longer there"}


def difference_table(found: Findings, sides: Sides) -> Group:
    """A rich renderable; reasons to stop come first."""
    parts: list[RenderableType] = [Text(found.headline, style="bold"), Text(found.deck)]
    if found.findings:
        parts += [Text(""), _changes(found)]
        if len(found.findings) > MOST_ROWS:
            left = counted(len(found.findings) - MOST_ROWS, "more row")
            parts.append(Text(f"and {left}: --format json tells all", style="dim"))
    shown = {cause for finding in found.findings[:MOST_ROWS] for cause in finding.causes}
    cited = [(cause, n) for cause, n in found.cited.items() if cause in shown]
    if cited:
        parts += [Text("\nBecause of:"), _causes(cited[:MOST_CAUSES], sides)]
        if len(cited) > MOST_CAUSES:
            parts.append(Text(f"and {len(cited) - MOST_CAUSES} more: --format json tells all", style="dim"))
    parts.append(
        Padding(
            Text(
                "Length: how many people outside a state’s reach it would need besides those it can compel; ›3: more "
                "than three; –: no such asset; 0?: if people of the state are in an unknown group.",
                style="dim",
            ),
            (1, 0, 0, 0),
        )
    )
    return Group(*parts)


def _changes(found: Findings) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    for name in ("", "could", "on", "was", "now", "floor", "pairs", "by", "because"):
        right = name in ("was", "now", "floor", "pairs")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for finding in found.findings[:MOST_ROWS]:
        style = _STYLES[finding.kind] if finding.fails or finding.kind not in ("breaks", "falls") else ""
        table.add_row(
            Text(_WORDS[finding.kind], style=style),
            Text(short(finding.action)),
            Text(short(finding.target)),
            Text(finding.old),
            Text(finding.new, style=style),
            Text("" if finding.floor is None else str(finding.floor)),
            Text(number(finding.pairs)),
            Text(listed(list(finding.states), 8)),
            Text(marks(found, finding)),
        )
    return table


def marks(found: Findings, finding: Finding) -> str:
    """`[1] [4]`: the numbers of a finding's causes."""
    return " ".join(f"[{n}]" for n in sorted(found.cited[cause] for cause in finding.causes))


def _causes(cited: Sequence[tuple[Cause, int]], sides: Sides) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", width=4)
    grid.add_column(overflow="fold")
    for cause, n in cited:
        grid.add_row(Text(f"[{n}]"), Text(f"{sides.words(cause)} ({sides.place(cause)})"))
    return grid
