"""The drawn estates are real estates: they parse, are the same for the same seed, and hold what they claim."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from armslength.estate import EstateError, digest
from armslength.store import read
from benchmarks.firm import DAY
from benchmarks.generator import Size, generate, write
from benchmarks.peers.reading import Reading


@pytest.mark.parametrize("people", [20, 100, 1_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_drawn_estate_parses(tmp_path: Path, people: int, seed: int) -> None:
    """Who benchmarks or tests on it would measure an error message."""
    write(generate(Size.of_people(people), seed, unknown=seed == 2), tmp_path)
    try:
        estate = read(str(tmp_path)).estate
    except EstateError as error:
        pytest.fail(str(error))
    assert len(estate.people.ids) == people
    assert len(estate.policy.ids if estate.policy else ()) == 40
    assert len(estate.groups.unknown) == (3 if seed == 2 else 0)


def test_the_same_seed_gives_the_same_estate_and_another_seed_another(tmp_path: Path) -> None:
    """Who compares two runs would compare two estates."""
    size = Size.of_people(100)
    digests = []
    for place, seed in enumerate((7, 7, 8)):
        write(generate(size, seed), tmp_path / str(place))
        digests.append(digest(read(str(tmp_path / str(place))).estate))
    assert digests[0] == digests[1] != digests[2]


def test_csv_and_parquet_hold_the_same_estate(tmp_path: Path) -> None:
    """Who measures loading would measure different work for the two forms."""
    made = generate(Size.of_people(100), 3, unknown=True)
    write(made, tmp_path / "parquet")
    write(made, tmp_path / "csv", csv=True)
    assert digest(read(str(tmp_path / "parquet")).estate) == digest(read(str(tmp_path / "csv")).estate)


def test_a_large_estate_has_the_size_and_the_features_it_claims() -> None:
    """The table of results would speak of grants and quorums that are not there."""
    size = Size.of_people(10_000)
    made = generate(size, 1)
    grants, groups, people = made.tables["grants"], made.tables["groups"], made.tables["people"]
    assert abs(len(grants) - size.grants) < 0.01 * size.grants
    assert grants.is_unique().all()
    assert 9 < groups.filter(pl.col("member").str.starts_with("person:")).height / size.people < 10
    assert 0.8 * size.groups < groups["group"].n_unique() < 1.2 * size.groups
    assert len(made.tables["assets"]) == size.assets
    assert people["workplace"].n_unique() == 60
    moved = people.filter((pl.col("residence") != "") & (pl.col("residence") != pl.col("workplace"))).height
    assert 0.02 < moved / size.people < 0.08
    assert {"operate", "enroll", "assume", "amend"} <= set(grants["action"])
    assert 0.001 < grants.filter(pl.col("terms") != "").height / len(grants) < 0.1


def test_most_lengths_need_a_quorum_and_leaks_are_the_minority(tmp_path: Path) -> None:
    """A benchmark in which every length is 0 or 1 measures no search."""
    write(generate(Size.of_people(2_500), 1, cedar=False), tmp_path)
    reading = Reading(read(str(tmp_path)).estate, DAY)
    pairs = reading.pairs()
    targets = {(pair.action, pair.asset) for pair in pairs}
    names = reading.estate.actions
    standing = {(action, target) for rule, given in reading.rules.items() if rule[1] < 0 for action, target in given}
    leaks = [
        (action, asset)
        for action, asset in targets
        if any({(names[action], above), ("operate", above)} & standing for above in reading.above(asset))
    ]
    assert 0 < len(leaks) < 0.3 * len(targets)
