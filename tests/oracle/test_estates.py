"""The random estates are estates, and the interesting ones are common."""

from __future__ import annotations

from collections import Counter

from armslength.estate import parse
from tests.oracle.estates import AT, random_case
from tests.oracle.histogram import features
from tests.oracle.length import lengths

COUNT = 300


def test_every_random_case_is_an_estate_and_the_same_for_its_seed() -> None:
    """A comparison would pass over estates that nobody can have."""
    for seed in range(COUNT):
        case = random_case(seed)
        estate = parse(case.files()).estate
        assert len(estate.people.ids) == len(case.rows("people"))
        assert case == random_case(seed)


def test_every_length_is_common() -> None:
    """The engine would be compared on estates where everything is 0 or null."""
    found: Counter[int | None] = Counter()
    for seed in range(COUNT):
        found.update({a.length for a in lengths(random_case(seed), AT, gaps=False).values()})
    assert all(found[length] >= COUNT / 20 for length in (0, 1, 2, 3, None)), found


def test_every_feature_is_in_play() -> None:
    """A rule would be compared on no estate at all."""
    wanted = {
        "cyclic groups", "nested groups", "policy", "holder everyone", "holder person", "holder group",
        "approvers everyone", "approvers person", "approvers group", "apart 0", "apart 1", "apart 2", "apart 3",
        "terms distinct", "terms from", "floor against", "floor except", "setting home", "setting states",
        "setting bases", "setting gate", "table travel", "table declared", "table unknown", "table entities",
        "asset hosted_in", "asset key", "asset within", "asset shielded_from",
    }  # fmt: skip
    powers = (
        "operate on asset",
        "operate on class",
        "enroll on group",
        "assume on person",
        "assume on group",
        "amend on terms",
    )
    wanted |= {f"{power} {how}" for power in powers for how in ("standing", "by terms")}
    seen = Counter(name for seed in range(COUNT) for name in features(random_case(seed)))
    assert not {name: seen[name] for name in wanted if seen[name] < COUNT / 200}
