"""How often something may be tried."""

from __future__ import annotations

from armslength.console.rates import MOST_KEYS, Rate


def test_a_burst_is_taken_and_then_one_at_a_time() -> None:
    """Who tries a thousand times a second would otherwise have the gate do nothing else."""
    rate = Rate(burst=3, each=10.0)
    assert [rate.take("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert rate.take("a", 9.9) is False
    assert rate.take("a", 20.0) is True


def test_one_key_does_not_hold_up_another() -> None:
    """Somebody who hammers at one passkey must not keep the others out."""
    rate = Rate(burst=1, each=60.0)
    assert rate.take("a", 0.0) and not rate.take("a", 0.0)
    assert rate.take("b", 0.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """A bucket that filled from a time in the future would never empty."""
    rate = Rate(burst=1, each=1.0)
    assert rate.take("a", 100.0)
    assert not rate.take("a", 50.0)


def test_the_memory_is_bounded() -> None:
    """Random keys are free to make; remembering all of them is not."""
    rate = Rate(burst=1, each=60.0)
    for k in range(2 * MOST_KEYS):
        rate.take(str(k), 0.0)
    assert len(rate._left) == MOST_KEYS
    assert not rate.take(str(2 * MOST_KEYS - 1), 0.0)


def test_asking_whether_one_may_counts_nothing() -> None:
    """People who sign in often without a failure must not be held up."""
    rate = Rate(burst=1, each=60.0)
    assert all(rate.allows("a", 0.0) for _ in range(5))
    assert rate.take("a", 0.0)
    assert not rate.allows("a", 0.0)
