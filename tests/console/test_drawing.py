"""A change of the estate's files, drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armslength.console.drawing import MOST_LINES, SLOW_LINES, drawn


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=30)


@given(LINES, LINES)
def test_the_drawing_leads_from_one_file_to_the_other(old: list[str], new: list[str]) -> None:
    """An approver who is shown other lines than those that come signs what they did not see."""
    found = drawn({"x.csv": text(*old)}, {"x.csv": text(*new)})
    if old == new:
        assert found == ()
        return
    before, after = {}, {}
    for line in found[0].lines:
        if line.before is not None:
            before[line.before] = line.text
        if line.after is not None:
            after[line.after] = line.text
    assert all(old[number - 1] == said for number, said in before.items())
    assert all(new[number - 1] == said for number, said in after.items())
    # What is not drawn stands in both, in the same order.
    hidden_old = [line for k, line in enumerate(old, 1) if k not in before]
    hidden_new = [line for k, line in enumerate(new, 1) if k not in after]
    assert hidden_old == hidden_new


def test_unchanged_lines_are_counted() -> None:
    """A thousand lines that stay hide the one that comes."""
    old = [str(k) for k in range(1000)]
    found = drawn({"x.csv": text(*old)}, {"x.csv": text(*old[:500], "new", *old[500:])})
    assert [line.kind for line in found[0].lines] == ["gap", *["same"] * 3, "come", *["same"] * 3, "gap"]
    assert found[0].lines[0].text == "497 unchanged lines"
    assert (found[0].come, found[0].gone, found[0].left_out) == (1, 0, 0)


def test_a_huge_change_is_cut_and_says_so() -> None:
    """A page of a million lines opens in nobody's browser, and matching them would hold up everybody's."""
    old, new = [f"a{k}" for k in range(SLOW_LINES)], [f"b{k}" for k in range(SLOW_LINES)]
    found = drawn({"x.csv": text(*old)}, {"x.csv": text(*new)})
    assert len(found[0].lines) == MOST_LINES
    assert found[0].left_out == 2 * SLOW_LINES - MOST_LINES


def test_files_that_come_and_go_are_named() -> None:
    """A file that vanishes without a word takes its rules with it."""
    found = drawn({"a.csv": text("x")}, {"b.csv": text("y")})
    assert [(each.name, each.what) for each in found] == [("a.csv", "removed"), ("b.csv", "new")]


def test_what_is_no_text_is_not_drawn() -> None:
    """Bytes of a Parquet file shown as text say anything."""
    found = drawn({"people.parquet": b"PAR1\xff"}, {"people.parquet": b"PAR1\xfe"})
    assert found[0].binary and found[0].lines == ()


def test_declared_ties_are_not_drawn() -> None:
    """Whoever declared a tie was told that nobody would read it."""
    found = drawn({"declared.csv": text("person,state", "ana,XX")}, {"declared.csv": text("person,state")})
    assert found[0].sealed and found[0].lines == ()
