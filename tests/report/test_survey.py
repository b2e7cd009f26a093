"""From an answer to the picture: counts that add up, the right chains, and nothing said that may not be."""

from __future__ import annotations

import datetime as dt

from armslength.reach import Exact
from armslength.report import Cell, Change, Picture, Plan, html, survey
from tests.report.estates import DAY, SMALL, answer, estate
from tests.report.markup import Page


def picture(**options: object) -> Picture:
    return survey(answer(), digest="0" * 64, **options)  # type: ignore[arg-type]


def cell(shown: Picture, state: str, action: str, target: str) -> Cell:
    column = next(k for k, c in enumerate(shown.columns) if (c.action, c.target) == (action, target))
    (found,) = [c for c in shown.cells if shown.states[c.state].code == state and c.column == column]
    return found


def test_every_pair_is_counted_once() -> None:
    """A board acts on these numbers; a pair counted twice is a headline that is wrong."""
    shown = picture()
    assert (shown.computed, shown.protected, shown.broken, shown.unfinished) == (23, 23, 22, 0)
    assert sum(c.pairs for c in shown.cells) == shown.protected
    assert sum(c.broken for c in shown.cells) == shown.broken
    for one in shown.cells:
        assert sum(count for _, count in one.spread) == one.pairs


def test_floors_are_judged_one_by_one() -> None:
    """Which floor is broken, by whom and how badly is the first thing that is asked."""
    terminate, read, archive = picture().floors
    assert (terminate.pairs, terminate.broken, terminate.worst, terminate.gap) == (12, 12, 0, None)
    assert terminate.states == ("IE", "CN", "RU", "SG")
    assert (read.pairs, read.broken, read.worst, read.against) == (9, 9, 0, "every state but home and IE")
    assert (archive.pairs, archive.broken, archive.states, archive.against) == (2, 1, ("SG",), "CN and SG")
    assert archive.line == 12


def test_columns_follow_the_class_that_an_asset_inherits() -> None:
    """An asset inside a protected one would otherwise hide under its own name."""
    assert [(c.action, c.target, c.assets) for c in picture().columns] == [
        ("read", "asset:archive", 1),
        ("read", "class:meetings", 3),
        ("terminate", "class:meetings", 3),
    ]


def test_cells_show_the_shortest_broken_length() -> None:
    """The colour of a cell stands for its worst pair, not for an average."""
    shown = picture()
    assert cell(shown, "IE", "terminate", "class:meetings").length == Exact(length=0)
    assert cell(shown, "CN", "terminate", "class:meetings").length == Exact(length=1)
    hosted = cell(shown, "SG", "read", "asset:archive")
    assert (hosted.length, hosted.sure, hosted.chain is not None) == (Exact(length=0), 1, True)


def test_what_only_an_unknown_group_breaks_is_not_called_sure() -> None:
    """To accuse on a guess is wrong, and to leave the guess out under-reports."""
    shown = picture()
    doubtful = cell(shown, "CN", "read", "class:meetings")
    assert (doubtful.length, doubtful.gap, doubtful.broken, doubtful.sure) == (Exact(length=1), 0, 3, 0)
    (gap,) = shown.gaps
    assert (gap.group, gap.note, gap.pairs, gap.broken, gap.least) == ("agency", "the agency does not tell", 6, 6, 0)


def test_a_declared_tie_shows_nowhere() -> None:
    """Whoever declared a tie trusted that nobody would read it in a report."""
    shown = picture(names=True)
    assert {s.code: s.people for s in shown.states} == {"CN": 1, "IE": 2, "RU": 0, "SG": 1, "US": 1}
    told = Page(html(shown)).seen
    assert "declared" not in told.replace("a tie they chose to declare", "").replace("employer or declaration", "")
    assert "sealed" in told


def test_home_states_are_marked_and_break_nothing() -> None:
    """The firm cannot be apart from a state that it answers to; the page says so instead of judging it."""
    shown = picture()
    assert [s.code for s in shown.home] == ["US"]
    assert all("US" not in f.states for f in shown.floors)


def test_people_are_roles_unless_names_are_asked_for() -> None:
    """A page that names who was compelled paints a target on them."""
    plain, named = html(picture()), html(picture(names=True))
    assert "Example" not in plain and "person:" not in plain
    assert "operations engineer" in plain
    assert "Cy Example" in named


def test_chains_are_one_for_each_way_and_hold_all_that_use_it() -> None:
    """Fifty copies of one chain bury the second way in."""
    shown = picture()
    assert (shown.looked_at, shown.reasons) == (16, 4)
    ways = {(c.action, c.asset.split("-")[0], c.length): (c.pairs, c.states) for c in shown.chains}
    assert ways == {
        ("read", "archive", Exact(length=0)): (1, ("SG",)),
        ("read", "meetings", Exact(length=0)): (3, ("RU",)),
        ("terminate", "meetings", Exact(length=0)): (3, ("IE",)),
        ("terminate", "meetings", Exact(length=1)): (9, ("CN", "RU", "SG")),
    }
    assert [c.number for c in shown.chains] == [1, 2, 3, 4]
    assert all(c.steps[-1].fact[:2] == ("can", c.action) and c.sentences for c in shown.chains)


def test_choke_points_are_rows_in_words_with_their_count() -> None:
    """The first row to change is the one that most chains rest on."""
    first, *others = picture().choke_points
    assert first.what == "`group:ops` may `terminate` on `class:meetings` alone"
    assert (first.place, first.pairs, first.states, first.least) == ("grants.csv, line 4", 12, 4, 0)
    assert {"`asset:archive` is hosted in SG", "a person in the role reviewer is in `group:reviewers`"} <= {
        c.what for c in others
    }


def test_a_member_among_several_is_no_choke_point() -> None:
    """Taking one engineer out of a team changes nothing while the next one stands there."""
    assert all("operations engineer" not in c.what for c in picture().choke_points)


def test_few_derivations_are_asked_for_and_that_is_said() -> None:
    """Half a million derivations would take an hour; a page that looked at some of them must not speak of all."""
    shown = picture(most_derivations=5, most_chains=2)
    assert shown.looked_at == 5
    assert len(shown.chains) == 2
    seen = " ".join(Page(html(shown)).seen.split())
    assert "for 5 of the 22 broken pairs" in seen
    assert "further way" in seen
    # Every cell comes before any second pair of one.
    assert {(c.state, c.action) for c in picture(most_derivations=6).chains} >= {("SG", "read"), ("RU", "read")}


def test_old_rows_are_counted_by_their_date() -> None:
    """Someone who moved last summer is still where the table puts them."""
    (age,) = picture().ages
    assert (age.file, age.rows, age.old, age.undated, age.oldest) == ("people.csv", 5, 1, 1, dt.date(2026, 8, 1))


def test_ties_that_do_not_count_are_named() -> None:
    """Lengths without travel look safer than they are."""
    toml = 'bases = ["workplace", "employer", "owner", "declared", "residence"]\n' + SMALL["estate.toml"]
    assert survey(answer(estate(estate=toml)), digest="").bases_left_out == ("travel",)


def test_columns_beyond_a_page_are_left_out_and_counted() -> None:
    """The worst must stay when not all can."""
    classes = [f"c{k:02}" for k in range(30)]
    assets = "id,class\n" + "".join(f"a-{c},{c}\n" for c in classes)
    grants = "holder,action,target\n" + "".join(f"group:ops,read,class:{c}\n" for c in classes[20:])
    floors = "".join(f'[[floor]]\naction = "read"\ntarget = "class:{c}"\nlength = 1\n' for c in classes)
    small = estate(assets=assets, grants=grants, estate=f'name = "Many"\n{floors}', unknown="group,note\n")
    shown = survey(answer(small), digest="")
    assert len(shown.columns) == 16 and shown.columns_left_out == 14
    assert {f"class:{c}" for c in classes[20:]} <= {c.target for c in shown.columns}


def test_many_assets_without_a_class_share_a_column() -> None:
    """A matrix with a column for every file server is a list, not a picture."""
    assets = "id\n" + "".join(f"a{k}\n" for k in range(9))
    grants = "holder,action,target\n" + "".join(f"group:ops,read,asset:a{k}\n" for k in range(9))
    floors = "".join(f'[[floor]]\naction = "read"\ntarget = "asset:a{k}"\nlength = 1\n' for k in range(9))
    small = estate(assets=assets, grants=grants, estate=f'name = "Bare"\n{floors}', unknown="group,note\n")
    shown = survey(answer(small), digest="")
    assert [(c.action, c.target, c.assets) for c in shown.columns] == [("read", "other assets", 9)]


def test_an_answer_without_pairs_still_makes_a_page() -> None:
    """The first run of a new user has no floors; a traceback would be their last."""
    shown = survey(answer(estate(estate='name = "New"\n')), digest="0" * 64)
    page = Page(html(shown))
    assert page.problems == [] and shown.computed == 0
    assert page.one("h1").text == "No floor is set, so nothing is judged."


def test_a_floor_that_covers_nothing_asked_is_told() -> None:
    """With a filter a floor may have no pair; it must not look as if it held."""
    reach = answer()
    action = reach.estate.actions.index("read")
    shown = survey(answer(actions=frozenset({action})), digest="")
    assert [f.pairs for f in shown.floors] == [0, 9, 2]
    assert "no pair asked" in html(shown)


def test_a_repair_plan_is_shown_with_its_proof() -> None:
    """A reader must know whether a cheaper way could exist."""
    change = Change(what="Put `two-apart` on a grant", place="grants.csv, line 4", cost=1.0)
    proven = Plan(changes=(change,), total=3, cost=3.0, bound=3.0, proven=True)
    seen = " ".join(Page(html(picture(plan=proven))).seen.split())
    assert "the cost of 3 is proven least" in seen and "2 further changes" in seen
    bounded = Plan(changes=(change,), total=1, cost=3.0, bound=2.5, proven=False)
    assert "no set can cost less than 2.5" in " ".join(Page(html(picture(plan=bounded))).seen.split())


def test_the_day_is_the_one_asked() -> None:
    """A report without its day is no evidence."""
    assert picture().at == DAY
    assert "22 November 2026" in html(picture())
