"""The HTML page: whole in one file, safe whatever the tables say, readable without seeing, and small."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from armslength.reach import Beyond, Exact
from armslength.report import Cell, Column, Picture, StateLine, html
from tests.report.markup import Page
from tests.report.pictures import meridian, quiet

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style></script><svg onload=alert(1)>",
    "javascript:alert(1)",
    "]]>--><!--",
    "x" * 20_000,
    "safe\u202efdp.exe",
    "zero\u200bwidth\u2066iso",
    "nul\x00bell\x07esc\x1b[31m",
    "👩🏽‍💻 naïve 漢字 עברית",
    "`ticks` & &amp; &lt;b&gt;",
    "\ud800",
)


def hostile(text: str) -> Picture:
    """The sample with every word that can come from a table replaced."""
    full = meridian()
    return replace(
        full,
        estate=text,
        digest="0" * 64,
        states=tuple(
            replace(s, name=text) if k % 2 else replace(s, code=f"{text}{k}") for k, s in enumerate(full.states)
        ),
        floors=tuple(
            replace(f, action=text, target=f"class:{text}", against=text, states=(text,)) for f in full.floors
        ),
        columns=tuple(replace(c, action=text, target=f"class:{text}") for c in full.columns),
        chains=tuple(
            replace(
                c,
                state=text,
                states=(text, "CN"),
                action=text,
                asset=text,
                sentences=(text, f"one `{text}` two"),
                people=dict.fromkeys(c.people, text),
                steps=tuple(
                    replace(s, fact=(*s.fact[:-1], f"asset:{text}")) if s.rule == "grant" else s for s in c.steps
                ),
            )
            for c in full.chains
        ),
        choke_points=tuple(replace(c, kind=text, what=text, place=text) for c in full.choke_points),
        gaps=tuple(replace(g, group=text, note=text) for g in full.gaps),
        ages=tuple(replace(a, file=text) for a in full.ages),
        warnings=(text,) * 3,
        bases_left_out=(text,),
    )


@pytest.mark.parametrize("picture", [meridian(), quiet()], ids=["broken", "quiet"])
def test_the_page_is_well_formed(picture: Picture) -> None:
    """A page that browsers must repair reads differently in each of them."""
    page = Page(html(picture))
    assert page.problems == []
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = [e.attributes["href"][1:] for e in page.all("a") if e.attributes.get("href", "").startswith("#")]
    assert links and set(links) <= set(ids)
    named = [e.attributes["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attributes]
    assert set(named) <= set(ids)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_words_from_the_tables_stay_words(text: str) -> None:
    """Whoever may name an asset could otherwise run a script in the browser of whoever reads the report."""
    plain, made = Page(html(hostile("harmless"))), Page(html(hostile(text)))
    assert made.problems == []
    handlers = [n for e in made.elements for n in e.attributes if n.startswith("on") or n in ("src", "style", "srcdoc")]
    assert handlers == []
    assert len(made.all("script")) == 1 and made.all("img") == []
    # Only breaks within long words, code and lines of wrapped titles may come and go with the words.
    soft = {"wbr", "code", "text"}
    assert [e.tag for e in made.elements if e.tag not in soft] == [e.tag for e in plain.elements if e.tag not in soft]


def test_what_cannot_be_seen_is_spelled_out() -> None:
    """Marks that reorder text let one id pass for another under a reader's eyes."""
    for unseen in ("\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\ud800"):
        made = html(hostile(f"a{unseen}b"))
        assert unseen not in made
        assert f"\\u{{{ord(unseen):x}}}" in made


def test_endless_ids_are_cut_in_the_middle() -> None:
    """One absurd id must not bury the findings under it; both ends stay, by which ids differ."""
    made = html(hostile("head" + "x" * 20_000 + "tail"))
    assert "x" * 600 not in made and len(made) < 400_000
    assert re.search(r"head\w+…\w+tail", re.sub("<wbr>", "", made))


def test_nothing_is_loaded_and_nothing_may_be() -> None:
    """The page is opened by people who guard secrets: it may not tell anyone that it was opened."""
    source = html(meridian())
    page = Page(source)
    reaching = [
        (e.tag, n, v)
        for e in page.elements
        for n, v in e.attributes.items()
        if n in ("src", "href", "action", "data", "poster", "srcset") and not v.startswith(("#", "data:"))
    ]
    assert reaching == []
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|WebSocket|https?://(?!www\.w3\.org/2000/svg)", source)
    assert [e.attributes["rel"] for e in page.all("link")] == ["icon"]


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    """If a word from a table ever slipped through, the browser itself would refuse to run it."""
    page = Page(html(meridian()))
    (policy,) = [e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in policy


def test_the_page_comes_out_the_same_each_time() -> None:
    """A report kept as evidence must be reproducible from the estate."""
    assert html(meridian()) == html(meridian())


def test_the_order_is_that_of_a_reader_in_a_hurry() -> None:
    """The finding must not stand under its footnotes."""
    page = Page(html(meridian()))
    titles = [e.text for e in page.elements if e.tag in ("h1", "h2")]
    assert titles == [
        "Four of five floors are broken, by 13 of 15 states.",
        "Where it is broken",
        "State by state, class by class",
        "How it would be done",
        "Choke points",
        "What to repair first",
        "What this report does not see",
        "The states, one by one",
        "The few words",
    ]


def test_headings_do_not_skip_a_level() -> None:
    """People who listen to a page move through it by its headings."""
    levels = [int(e.tag[1]) for e in Page(html(meridian())).elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_everything_drawn_has_words() -> None:
    """Who cannot see the map, a drawing or a bar must get the same from the page."""
    picture = meridian()
    page = Page(html(picture))
    for drawn in page.all("svg"):
        assert drawn.attributes.get("aria-hidden") == "true" or (
            drawn.attributes["role"] == "img" and drawn.attributes["aria-label"]
        )
    for table in page.all("table"):
        assert [c.tag for c in table.children][0] == "caption" and table.children[0].text.strip()
    for head in page.all("th"):
        assert head.attributes.get("scope") in ("row", "col", "colgroup")
    for region in page.with_class("scroll"):
        assert region.attributes["tabindex"] == "0" and region.attributes["aria-label"]
    twin = next(t for t in page.all("table") if "shortest length" in t.text)
    assert all(s.code in twin.text for s in picture.states if not s.home)
    for chain in picture.chains:
        assert all(sentence.replace("`", "") in page.seen for sentence in chain.sentences)


def test_the_page_has_landmarks_a_language_and_a_way_past_the_top() -> None:
    """Screen readers and keyboards need them before anything else."""
    page = Page(html(meridian()))
    assert page.one("html").attributes["lang"] == "en"
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    first = page.all("a")[0]
    assert first.attributes["href"] == "#main" and page.one("main").attributes["id"] == "main"


def test_colour_is_never_alone() -> None:
    """One reader in twenty confuses the colours; each coloured cell carries its number, and says that it is broken."""
    page = Page(html(meridian()))
    coloured = [
        e for e in page.all("td") if e.attributes.get("class", "").split()[:1] in (["l0"], ["l1"], ["l2"], ["l3"])
    ]
    assert len(coloured) == sum(1 for c in meridian().cells if c.sure)
    for cell in coloured:
        assert re.match(r"[0-9≥›]", cell.text.strip()) and "broken" in cell.text
    for chip in page.with_class("chip"):
        if "land" not in chip.attributes["class"]:
            assert chip.text.strip()


def test_each_broken_cell_leads_to_its_chain() -> None:
    """A number that cannot be asked why is not believed."""
    page = Page(html(meridian()))
    cells = [e for e in page.all("a") if e.above("td") and e.attributes["href"].startswith("#chain-")]
    linked = [c for c in meridian().cells if c.chain is not None]
    assert len([e for e in cells if "chain" in e.text]) == len(linked)


def test_a_cell_that_only_unknown_groups_break_says_so() -> None:
    """Shown like the others it would accuse; left out it would hide that a group must be looked into."""
    picture = meridian()
    cells = [replace(c, sure=0, length=Beyond(cap=3), gap=1, chain=None) if c.broken else c for c in picture.cells]
    page = Page(html(replace(picture, cells=tuple(cells))))
    told = [e for e in page.all("td") if e.attributes.get("class", "").startswith("gap")]
    assert len(told) == sum(1 for c in cells if c.broken)
    assert all(e.text.strip().startswith("1?") for e in told)


def test_home_states_are_told_apart_in_plain_words() -> None:
    """Who reads that every floor holds must also read what no floor can do."""
    for picture in (meridian(), quiet()):
        seen = " ".join(Page(html(picture)).seen.split())
        assert "United States (US) is a home state: the whole firm answers to it." in seen
        assert "no software stops such an order" in seen


def test_what_was_not_seen_is_said() -> None:
    """A report that hides its gaps is believed once."""
    seen = " ".join(Page(html(meridian())).seen.split())
    assert "The sources do not tell who is in contractors-apac" in seen
    assert "For 2 pairs the time limit stopped the search" in seen
    assert "31 of 604 rows are more than 30 days older" in seen
    assert "legal-pair" in seen
    assert "3 further ways are left out" in seen
    assert f"for 48 of the {meridian().broken} broken pairs" in seen


def test_a_quiet_estate_gets_a_quiet_page() -> None:
    """Good news must not come with empty tables that look like a failure of the tool."""
    page = Page(html(quiet()))
    seen = " ".join(page.seen.split())
    assert page.one("h1").text == "All five floors hold."
    assert "Nothing: every floor holds." in seen and "Where it is broken" not in seen
    assert "No chain leads below a floor." in seen
    assert not [e for e in page.all("td") if e.attributes.get("class", "").startswith("l")]


def test_an_estate_without_floors_is_told_so() -> None:
    """Nothing judged is not the same as nothing wrong."""
    bare = replace(quiet(), floors=(), cells=(), columns=(), protected=0, computed=0)
    page = Page(html(bare))
    assert page.problems == []
    assert page.one("h1").text == "No floor is set, so nothing is judged."


def test_large_estates_stay_small_pages() -> None:
    """A page that a mail gate refuses or a phone cannot open is not read."""
    full = meridian()
    states = tuple(StateLine(code=f"Q{k}", name=f"State number {k}", people=k) for k in range(249))
    columns = tuple(Column(action=f"action-{k // 4}", target=f"class:class-{k}", assets=1000) for k in range(16))
    cells = tuple(
        Cell(
            state=s,
            column=c,
            length=Exact(length=(s + c) % 4),
            floor=4,
            pairs=1000,
            broken=999,
            sure=999,
            spread=((0, 999), (4, 1)),
            gap=None,
            chain=1,
        )
        for s in range(249)
        for c in range(16)
    )
    chains = tuple(replace(full.chains[k % 4], number=k + 1) for k in range(60))
    made = html(replace(full, states=states, columns=columns, cells=cells, chains=chains, computed=3_984_000))
    assert len(made.encode()) < 2_000_000
    page = Page(made)
    assert page.problems == []
    assert "169 further states" in page.seen
