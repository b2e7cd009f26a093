"""A witness's folder: what is stored in it, and in the place of what."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from armslength.store import Damaged, Overtaken, SplitView, Vouched, WitnessState, create_witness_state
from armslength.tlog import Algorithm, Checkpoint, SigningKey, origin_hash, sign_note
from tests.service.logs import NOW, SampleLog, seed
from tests.service.race import at_once

LOG = SampleLog()
KEYS = tuple(
    SigningKey(name="example.com/witness", algorithm=algorithm, seed=seed(str(algorithm)))
    for algorithm in (Algorithm.COSIGNATURE_ML_DSA_44, Algorithm.COSIGNATURE_ED25519)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_witness_state(tmp_path / "w", KEYS)
    return tmp_path / "w"


def vouched(size: int, *, time: int = NOW, log: SampleLog = LOG) -> Vouched:
    note = log.checkpoint(size)
    signatures = [sign_note(note.text, key, timestamp=time) for key in KEYS]
    return Vouched(checkpoint=Checkpoint.parse(note.text), time=time, note=note.with_signatures(signatures))


def test_what_is_stored_is_there_for_whoever_opens_the_folder_next(folder: Path) -> None:
    """What a witness forgets, it vouches for twice."""
    state = WitnessState(folder)
    assert state.latest(LOG.origin) is None
    state.advance(vouched(3), after=None)
    state.advance(vouched(7), after=vouched(3))
    state.keep_split(SplitView(origin=LOG.origin, ours="a", other="b"))
    again = WitnessState(folder)
    assert again.latest(LOG.origin) == state.latest(LOG.origin) == again.latest_by_hash(origin_hash(LOG.origin))
    assert again.latest(LOG.origin).checkpoint.size == 7
    assert again.splits() == (SplitView(origin=LOG.origin, ours="a", other="b"),)
    assert again.keys == KEYS
    state.close()
    again.close()


@pytest.mark.parametrize("size", [0, 1, 255, 2**63 - 1])
def test_every_size_that_a_checkpoint_can_have_is_kept(folder: Path, size: int) -> None:
    """A database that rounds the largest ones would forget them."""
    state = WitnessState(folder)
    note = LOG.checkpoint(size, root=seed("any"))
    signatures = [sign_note(note.text, key, timestamp=NOW) for key in KEYS]
    new = Vouched(checkpoint=Checkpoint.parse(note.text), time=NOW, note=note.with_signatures(signatures))
    state.advance(new, after=None)
    state.close()
    again = WitnessState(folder)
    assert again.latest(LOG.origin) == new
    again.close()


@pytest.mark.parametrize(
    "believed",
    [None, vouched(2), vouched(4), vouched(3, log=SampleLog(history="other "))],
    ids=["nothing", "smaller", "larger", "another root"],
)
def test_only_what_was_judged_is_replaced(folder: Path, believed: Vouched | None) -> None:
    """A check against a state that is no longer there says nothing about the one that is."""
    state = WitnessState(folder)
    state.advance(vouched(3), after=None)
    with pytest.raises(Overtaken):
        state.advance(vouched(9), after=believed)
    assert state.latest(LOG.origin).checkpoint == vouched(3).checkpoint
    state.close()


def test_a_later_time_is_not_replaced_by_an_earlier_one(folder: Path) -> None:
    """Of two that signed one size, the time that stands is the later."""
    state = WitnessState(folder)
    state.advance(vouched(3, time=NOW + 5), after=None)
    with pytest.raises(Overtaken):
        state.advance(vouched(4, time=NOW + 4), after=vouched(3, time=NOW + 4))
    state.advance(vouched(4, time=NOW + 5), after=vouched(3, time=NOW + 5))
    state.close()


def test_one_log_does_not_move_another(folder: Path) -> None:
    """A witness keeps many logs, each by itself."""
    other = SampleLog("example.net/other")
    state = WitnessState(folder)
    state.advance(vouched(3), after=None)
    state.advance(vouched(9, log=other), after=None)
    with pytest.raises(Overtaken):
        state.advance(vouched(10, log=other), after=vouched(3))
    assert state.latest(LOG.origin).checkpoint.size == 3
    assert state.origins() == (other.origin, LOG.origin)
    state.close()


def test_of_many_writers_each_step_has_one_winner(folder: Path) -> None:
    """Two winners would be two histories. Half of the threads have an opening of their own, as other processes do."""
    states = [WitnessState(folder) for _ in range(4)]
    states[0].advance(vouched(1), after=None)
    believed = vouched(1)
    candidates = [vouched(2), vouched(2, log=SampleLog(history="other ")), vouched(3), vouched(4)]

    def tried(state: WitnessState, new: Vouched) -> Vouched | None:
        try:
            state.advance(new, after=believed)
        except Overtaken:
            return None
        return new

    for _ in range(10):
        calls = [partial(tried, states[i % 4], candidates[(i + i // 4) % 4]) for i in range(8)]
        (won,) = [new for new in at_once(calls) if isinstance(new, Vouched)]
        assert states[0].latest(LOG.origin) == won
        states[0].advance(believed, after=won)  # back to the start for the next round: only `judge` knows directions
    for state in states:
        state.close()


def test_a_signature_that_is_missing_is_found_when_it_is_opened(folder: Path) -> None:
    """Whoever could put any checkpoint in the file could make the witness go on from it."""
    for change in (
        lambda new: replace(new, note=LOG.checkpoint(3)),
        lambda new: replace(new, time=NOW + 1),
        lambda new: replace(new, note=vouched(3, log=SampleLog(history="other ")).note),
    ):
        state = WitnessState(folder)
        current = state.latest(LOG.origin)
        state.advance(change(vouched(3)), after=current)
        state.close()
        with pytest.raises(Damaged):
            WitnessState(folder)
        for path in folder.iterdir():
            path.unlink()
        create_witness_state(folder, KEYS)
