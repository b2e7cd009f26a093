"""The answer as Markdown, for a comment on a pull request: short, and inert whatever the tables say."""

from __future__ import annotations

import re

from armslength.report import standing
from armslength.report.page import chain_title
from armslength.report.picture import Picture
from armslength.report.plain import counted, listed, number, short, visible

MARK = "<!-- armslength reach -->"
"""The first line: a job that updates its comment finds it by this."""
MOST_CHAINS, MOST_CHOKE_POINTS, MOST_CHANGES = 3, 5, 8
MOST_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""


def markdown(picture: Picture) -> str:
    """The comment. Ids stand in code spans, where neither mark-up nor mentions work; other text is escaped."""
    ranked = standing.standings(picture)
    lines = [
        MARK,
        f"### {text(standing.headline(picture))}",
        "",
        f"**{text(short(picture.estate))}**, {picture.at}. {text(standing.deck(picture, ranked))}",
        "",
    ]
    if sentence := standing.home_sentence(picture):
        lines += [text(sentence), ""]
    if picture.floors:
        lines += ["| floor | on | asks for | shortest | pairs below | broken by |", "|---|---|--:|--:|--:|---|"]
        for f in sorted(
            picture.floors, key=lambda f: (f.broken == 0, f.worst if f.worst is not None else 99, f.number)
        ):
            worst = (
                "–" if f.worst is None else str(f.worst) if f.broken or f.worst <= picture.cap else f"›{picture.cap}"
            )
            by = text(listed(list(f.states), 8)) if f.broken else "holds" if f.pairs else "no pair asked"
            lines.append(
                f"| {code(f.action)} | {code(f.target)} | {f.length} | {'**' + worst + '**' if f.broken else worst} "
                f"| {number(f.broken)} of {number(f.pairs)} | {by} |"
            )
        lines.append("")
    for chain in [c for c in picture.chains if c.broken][:MOST_CHAINS]:
        lines += [f"<details><summary>{escaped(chain_title(picture, chain))}</summary>", ""]
        lines += [f"{k}. {text(sentence)}" for k, sentence in enumerate(chain.sentences[:20], start=1)]
        lines += ["", "</details>", ""]
    if picture.plan is not None and picture.plan.changes:
        plan = picture.plan
        proof = "proven least" if plan.proven else f"at least {plan.bound:g} is needed"
        lines += [f"**What to repair** ({counted(plan.total, 'change')}, cost {plan.cost:g}, {proof})", ""]
        lines += [f"{k}. {text(c.what)} ({code(c.place)})" for k, c in enumerate(plan.changes[:MOST_CHANGES], start=1)]
        lines.append("")
    elif picture.choke_points:
        lines += ["**What most chains rest on**", ""]
        lines += [
            f"- {text(c.what)} ({code(c.place)}): {number(c.pairs)} of {counted(picture.looked_at, 'chain')}"
            for c in picture.choke_points[:MOST_CHOKE_POINTS]
        ]
        lines.append("")
    gaps = [g for g in picture.gaps if g.least is not None]
    if gaps:
        lines += [f"The sources do not tell who is in {', '.join(code(g.group) for g in gaps[:6])}: find out.", ""]
    if picture.unfinished:
        lines += [
            f"The search was stopped for {counted(picture.unfinished, 'pair')}; the least that is proven counts.",
            "",
        ]
    lines.append(
        f"<sub>Length: how many people outside a state’s reach it would need besides those it can compel; "
        f"›{picture.cap} is more than {picture.cap}. {counted(picture.computed, 'pair')}, "
        f"estate {code(picture.digest[:16])}.</sub>"
    )
    whole = "\n".join(lines) + "\n"
    return whole if len(whole) <= MOST_CHARACTERS else whole[:MOST_CHARACTERS].rsplit("\n", 1)[0] + "\n\n(cut short)\n"


def code(raw: str) -> str:
    """A code span that nothing inside can end; a pipe would end a table's cell even there."""
    return f"`{short(raw).replace('`', 'ˋ').replace('|', '¦')}`"


def escaped(raw: str) -> str:
    """For text between HTML tags, outside Markdown's own escapes."""
    plain = visible(raw).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u2060")
    return re.sub(r"([\\`*_\[\]|#~])", lambda m: f"&#{ord(m[1])};", plain)


def text(raw: str) -> str:
    """A plain sentence; what stands in backticks becomes code, the rest is escaped, and `@` calls nobody."""
    parts = visible(raw).split("`")
    if len(parts) % 2 == 0:
        return escaped(raw)
    return "".join(code(part) if k % 2 else escaped(part) for k, part in enumerate(parts))
