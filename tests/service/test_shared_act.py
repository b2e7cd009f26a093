"""What gates hand to each other through a database that neither believes: sealed, and good for one thing."""

from __future__ import annotations

from dataclasses import replace

from armslength.ledger import Kind
from armslength.service.act import Act
from armslength.service.gate_row import GATE
from armslength.service.shared_act import Handed, Opened, Sealed, Sealer, Turned

ACT, ANOTHER = b"a" * 16, b"b" * 16
HANDED = Handed(
    act=Act(id=ACT, kind=Kind.USE, fields={"action": "view", "count": 3}, customers=("acme",)),
    seen={GATE: 2, ("lease", "lease_1"): 0},
)
SEALER = Sealer(b"k" * 32)
NO = Turned(why="late", says="too long ago")


def sealed() -> Sealed:
    return SEALER.seal_act(HANDED, site="paris", asked=1_800_000_000.25)


def altered(one: Sealed) -> list[Sealed]:
    return [
        replace(one, body=one.body[:-1] + bytes([one.body[-1] ^ 1])),
        replace(one, body=bytes([one.body[0] ^ 1]) + one.body[1:]),
        replace(one, mac=bytes([one.mac[0] ^ 1]) + one.mac[1:]),
        replace(one, mac=b""),
        replace(one, body=b""),
    ]


def test_an_act_comes_out_as_it_went_in() -> None:
    assert SEALER.open_act(ACT, sealed()) == Opened(handed=HANDED, site="paris", asked=1_800_000_000.25)
    assert b"acme" not in sealed().body


def test_an_act_that_is_altered_or_of_another_firm_or_id_is_none() -> None:
    """It would be recorded as if a gate had decided it."""
    assert SEALER.open_act(ANOTHER, sealed()) is None
    assert Sealer(b"l" * 32).open_act(ACT, sealed()) is None
    assert [SEALER.open_act(ACT, each) for each in altered(sealed())] == [None] * 5


def test_an_answer_is_to_one_sealing_of_one_act() -> None:
    """A no to the first try would be believed of the second."""
    first, second = sealed(), sealed()
    assert first != second
    answer = SEALER.seal_answer(ACT, first, NO)
    assert SEALER.open_answer(ACT, first, answer) == NO
    assert SEALER.open_answer(ACT, second, answer) is None
    assert SEALER.open_answer(ANOTHER, first, answer) is None
    assert [SEALER.open_answer(ACT, first, each) for each in altered(answer)] == [None] * 5


def test_an_act_is_no_answer_and_an_answer_no_act() -> None:
    first = sealed()
    assert SEALER.open_answer(ACT, first, first) is None
    assert SEALER.open_act(ACT, SEALER.seal_answer(ACT, first, NO)) is None


def test_a_pledge_that_was_altered_is_none() -> None:
    pledge = SEALER.seal_pledge(7, 1000)
    assert SEALER.open_pledge(pledge) == (7, 1000)
    assert SEALER.open_pledge(b"8" + pledge[1:]) is None
    assert SEALER.open_pledge(b"") is None
