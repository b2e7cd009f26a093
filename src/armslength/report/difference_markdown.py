"""A difference as Markdown, for a comment on a pull request: short, and inert whatever the tables say."""

from __future__ import annotations

from armslength.report.cause_words import Sides
from armslength.report.difference import Findings
from armslength.report.difference_table import marks
from armslength.report.markdown import MOST_CHARACTERS, code, text
from armslength.report.plain import listed, number

MARK = "<!-- armslength diff -->"
"""The first line: a job that updates its comment finds it by this."""
MOST_ROWS, MOST_CAUSES = 25, 25
_WORDS = {
    "breaks": "**floor breaks**",
    "falls": "falls",
    "appears": "new asset",
    "rises": "rises",
    "goes": "no longer there",
}


def difference_markdown(found: Findings, sides: Sides) -> str:
    """The comment; reasons to stop come first."""
    lines = [MARK, f"### {text(found.headline)}", "", text(found.deck), ""]
    shown = found.findings[:MOST_ROWS]
    if shown:
        lines += [
            "| | could | on | was | now | floor | pairs | by | because |",
            "|---|---|---|--:|--:|--:|--:|---|---|",
        ]
        for f in shown:
            now = f"**{f.new}**" if f.fails else f.new
            floor = "" if f.floor is None else str(f.floor)
            states = text(listed(list(f.states), 8))
            because = marks(found, f).replace("[", "\\[").replace("]", "\\]")
            lines.append(
                f"| {_WORDS[f.kind]} | {code(f.action)} | {code(f.target)} | {f.old} | {now} | {floor} "
                f"| {number(f.pairs)} | {states} | {because} |"
            )
        lines.append("")
    if len(found.findings) > MOST_ROWS:
        lines += [f"… and {number(len(found.findings) - MOST_ROWS)} more rows.", ""]
    named = {cause for finding in shown for cause in finding.causes}
    cited = [(cause, n) for cause, n in found.cited.items() if cause in named]
    if cited:
        lines += ["**Because of**", ""]
        lines += [f"- \\[{n}\\] {text(sides.words(c))} ({text(sides.place(c))})" for c, n in cited[:MOST_CAUSES]]
        if len(cited) > MOST_CAUSES:
            lines.append(f"- … and {number(len(cited) - MOST_CAUSES)} more")
        lines.append("")
    lines.append(
        "<sub>Length: how many people outside a state’s reach it would need besides those it can compel; ›3: more than "
        "three; –: no such asset; 0?: if people of the state are in an unknown group.</sub>"
    )
    whole = "\n".join(lines) + "\n"
    return whole if len(whole) <= MOST_CHARACTERS else whole[:MOST_CHARACTERS].rsplit("\n", 1)[0] + "\n\n(cut short)\n"
