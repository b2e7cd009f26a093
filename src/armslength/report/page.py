"""The report as one HTML page that opens offline: no request leaves it, and its policy would refuse one.

The page carries one style sheet and one short script, both allowed by their hash and nothing else. Without the script
everything is still there; it only switches the colours, opens what a link points at and unfolds the page for printing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

import jinja2
from markupsafe import Markup

from armslength.report import chain, map, plain, standing
from armslength.report.picture import STALE_DAYS, Cell, Chain, Picture, rank, words
from armslength.report.standing import Standing

MOST_ROWS = 80
"""States that the matrix and the sections list; estates with more name the rest in a line."""
OPEN_CHAINS = 6
"""Chains that are unfolded when the page opens."""
MOST_WARNINGS = 40
MOST_SENTENCES = 40
"""Sentences of one chain; a longer derivation is for `--format json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the matrix: `cells[k]` stands under column k, None where nothing was asked."""

    standing: Standing
    cells: tuple[Cell | None, ...]


def html(picture: Picture) -> str:
    """The whole page. The same picture gives the same bytes."""
    ranked = standing.standings(picture)
    rows = tuple(_row(picture, s) for s in ranked if s.worst is not None)
    environment = _environment()
    style = _style()
    script = _text("page.js").strip()
    codes = {s.code: standing.place(s) for s in picture.states}
    return environment.get_template("page.html.j2").render(
        p=picture,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        headline=standing.headline(picture),
        deck=standing.deck(picture, ranked),
        home_sentence=standing.home_sentence(picture),
        ranked=ranked,
        rows=rows[:MOST_ROWS],
        rows_left_out=rows[MOST_ROWS:],
        actions=[(action, len(list(group))) for action, group in groupby(picture.columns, key=lambda c: c.action)],
        floors_of=_floors_of(picture),
        world=map.world_map(picture, ranked),
        off_the_map=map.off_the_map(ranked),
        floors_broken=sum(1 for f in picture.floors if f.broken),
        states_broken=sorted({code for f in picture.floors for code in f.states}),
        shortest=_weakest(picture),
        judged=standing.judged(picture),
        codes=codes,
        draw=lambda c: chain.drawing(c.steps, c.people, chain_title(picture, c)),
        chain_title=functools.partial(chain_title, picture),
        open_chains=OPEN_CHAINS,
        most_warnings=MOST_WARNINGS,
        most_sentences=MOST_SENTENCES,
        stale_days=STALE_DAYS,
    )


def chain_title(picture: Picture, shown: Chain) -> str:
    """`China (CN) could delete recordings-us with one outsider’s help`."""
    state = next((standing.place(s) for s in picture.states if s.code == shown.state), plain.short(shown.state))
    return f"{state} could {plain.short(shown.action)} {plain.short(shown.asset)} {standing.spoken(shown.length)}"


def _weakest(picture: Picture) -> str:
    """The least length below a floor, what is sure before what gaps could make; where all hold, the least of all."""
    sure = [rank(c.length) for c in picture.cells if c.sure]
    doubtful = [c.gap for c in picture.cells if c.broken and c.gap is not None]
    if sure or doubtful:
        return str(min(sure)) if sure else f"{min(doubtful)}?"
    nearest = min((c for c in picture.cells if c.floor is not None), key=lambda c: rank(c.length), default=None)
    return "–" if nearest is None else words(nearest.length)


def _row(picture: Picture, found: Standing) -> Row:
    by_column = {c.column: c for c in found.cells}
    return Row(standing=found, cells=tuple(by_column.get(k) for k in range(len(picture.columns))))


def _floors_of(picture: Picture) -> tuple[int | None, ...]:
    """The highest floor in each column."""
    return tuple(
        max((c.floor for c in picture.cells if c.column == k and c.floor is not None), default=None)
        for k in range(len(picture.columns))
    )


def _policy(style: str, script: str) -> str:
    """Nothing may load but this style sheet, this script and the icon inside the page."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return resources.files("armslength.report").joinpath("template", name).read_text(encoding="utf-8")


@functools.cache
def _style() -> str:
    """The style sheet; nothing in it comes from a picture."""
    return jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(_text("page.css.j2")).render().strip()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": plain.short,
        "visible": plain.visible,
        "number": plain.number,
        "counted": plain.counted,
        "listed": plain.listed,
        "place": standing.place,
        "target": standing.target,
        "length": words,
        "short_length": standing.short_length,
        "spoken": standing.spoken,
        "level": standing.level,
        "scale": standing.scale,
        "doubt": standing.doubt,
        "rank": rank,
        "breakable": breakable,
        "coded": coded,
    }
    environment.globals |= {"told": standing.told, "caption": map.caption}
    return environment


def _shown(value: object) -> object:
    """Whatever a template prints, even where it forgot to ask: nothing unseen."""
    return plain.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def coded(text: str) -> Markup:
    """Plain sentences mark ids with backticks; here they become code. A single backtick stays what it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return Markup("{}").format(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if k % 2 else Markup("{}").format(part) for k, part in enumerate(parts)
    )


def breakable(text: str) -> Markup:
    """The text with a place to break the line after each mark that ids are made of."""
    parts: list[Markup] = []
    start = 0
    for i, c in enumerate(text):
        if c in "-_/.:@":
            parts.append(Markup("{}<wbr>").format(text[start : i + 1]))
            start = i + 1
    parts.append(Markup("{}").format(text[start:]))
    return Markup("").join(parts)
