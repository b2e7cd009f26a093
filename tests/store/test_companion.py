"""The second process: it does its share, and whatever becomes of it, the answer stands."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.estate import Estate
from armslength.reach import Half, Part, Question, reach
from armslength.store import Companion, read
from tests.store.companions import Endless, Faulty

ROOT = Path(__file__).parents[2]
QUESTION = Question(at=dt.date(2026, 11, 22), cap=3)
SECONDS = 20.0


@pytest.fixture(autouse=True)
def halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the estate were large, and two cores here."""
    monkeypatch.setattr("armslength.reach.ascent.LARGE", 0)
    monkeypatch.setattr("armslength.store.companion.cores", lambda: 2)


@pytest.fixture(scope="module")
def estate() -> Estate:
    return read(str(ROOT / "examples" / "meridian" / "before")).estate


class Killed(Companion):
    """Killed once it has been asked."""

    def climb(self, half: Half) -> Callable[[], Part | None]:
        waiting = super().climb(half)
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        return waiting


class KilledBefore(Companion):
    """Killed before it is asked anything."""

    def climb(self, half: Half) -> Callable[[], Part | None]:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        return super().climb(half)


def test_with_a_companion_every_result_is_the_same_and_named_alike(estate: Estate) -> None:
    with Companion() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.pid is not None and beside.failure is None
    assert list(found) == list(reach(estate, QUESTION))


@pytest.mark.parametrize("kind", [Killed, KilledBefore])
def test_where_it_is_killed_this_process_does_all_and_says_so(estate: Estate, kind: type[Companion]) -> None:
    with kind() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.failure is not None
    assert list(found) == list(reach(estate, QUESTION))


def test_where_it_does_not_start_this_process_does_all(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Companion() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.failure is not None and "did not start" in beside.failure
    assert list(found) == list(reach(estate, QUESTION))


def test_a_fault_over_there_is_told_and_what_is_printed_there_breaks_nothing() -> None:
    with Companion() as beside:
        beside.ready()
        assert beside.climb(Faulty())() is None  # type: ignore[arg-type]
        assert beside.failure == "ValueError: a fault"


def test_what_was_asked_and_not_waited_for_is_not_taken_for_the_next_answer(estate: Estate) -> None:
    """Else a share of one answer would stand in another."""
    with Companion() as beside:
        beside.ready()
        beside.climb(half_of(estate))
        other = replace(QUESTION, everything=True)
        assert list(reach(estate, other, beside=beside)) == list(reach(estate, other))
        assert beside.failure is None and beside.pid is not None


@pytest.mark.parametrize("said", ["hello", "print what is longer than a mark, and more"])
def test_what_python_prints_at_its_start_is_no_answer(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Else its first bytes would be the size of something to wait for, or to make room for."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.stdout.write({said!r})\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Companion() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.failure is not None and "could not be read" in beside.failure
    assert list(found) == list(reach(estate, QUESTION))


def test_one_that_says_nothing_more_and_does_not_end_is_ended(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import os\nos.close(1)\nwhile os.read(0, 65536):\n    pass\n"
    (tmp_path / "sitecustomize.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    begin = time.monotonic()
    with Companion() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.failure is not None
    assert time.monotonic() - begin < SECONDS
    assert list(found) == list(reach(estate, QUESTION))


def test_where_there_is_no_room_for_its_answer_this_process_does_all(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(pipe: object) -> object:
        raise MemoryError

    monkeypatch.setattr("armslength.store.companion.receive", full)
    with Companion() as beside:
        found = reach(estate, QUESTION, beside=beside)
        assert beside.failure == "its answer could not be read: MemoryError: "
    assert list(found) == list(reach(estate, QUESTION))


def test_it_stops_when_the_time_is_over(estate: Estate) -> None:
    """Else --limit would hold for half of the states."""
    with Companion(until=time.monotonic()) as beside:
        found = reach(estate, replace(QUESTION, cap=5, everything=True), beside=beside)
        assert beside.failure is None
    late = set(found.state[found.unfinished()].tolist())
    assert late and late != set(found.state.tolist()), "this side had all the time"
    with Companion(until=time.monotonic() + 0.1) as beside:
        beside.ready()
        begin = time.monotonic()
        assert beside.climb(Endless())() is None  # type: ignore[arg-type]
        assert time.monotonic() - begin < SECONDS


def test_it_is_gone_at_the_end_even_if_it_still_climbs() -> None:
    with Companion() as beside:
        beside.ready()
        beside.climb(Endless())  # type: ignore[arg-type]
        pid = beside.pid
        assert pid is not None and alive(pid)
    assert not alive(pid)


def test_it_ends_with_the_process_that_asked_however_that_ends() -> None:
    """Else a machine would be left with programs that compute for nobody."""
    path = os.pathsep.join(path for path in sys.path if path)
    asking = subprocess.Popen(
        [sys.executable, "-m", "tests.store.companions"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asking.stdout is not None
    pid = int(asking.stdout.readline())
    assert alive(pid)
    asking.kill()
    asking.wait()
    asking.stdout.close()
    end = time.monotonic() + SECONDS
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)


def test_with_one_core_none_is_started(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.store.companion.cores", lambda: 1)
    with Companion() as beside:
        reach(estate, QUESTION, beside=beside)
        assert beside.pid is None and beside.failure is None


def test_no_program_is_run_from_the_folder_it_is_called_in(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever writes an estate could have its reader run what they like."""
    (tmp_path / "numpy.py").write_text("open('run', 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Companion() as beside:
        reach(estate, QUESTION, beside=beside)
        assert beside.failure is None
    assert not (tmp_path / "run").exists()


def test_a_path_with_the_separator_of_paths_leads_to_no_program_of_the_folder(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "numpy.py").write_text("open('run', 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [f"/nowhere/a{os.pathsep}b", *sys.path])
    with Companion() as beside:
        reach(estate, QUESTION, beside=beside)
        assert beside.failure is None
    assert not (tmp_path / "run").exists()


def test_no_id_of_a_person_group_or_asset_goes_over(estate: Estate) -> None:
    sent = pickle.dumps(half_of(estate), protocol=5)
    ids = (*estate.people.ids, *estate.groups.ids, *estate.assets.ids)
    assert not [name for name in ids if name.encode() in sent]


def half_of(estate: Estate) -> Half:
    found = list[Half]()

    class Kept:
        def ready(self) -> None: ...

        def climb(self, half: Half) -> Callable[[], Part | None]:
            found.append(half)
            return lambda: None

    reach(estate, QUESTION, beside=Kept())
    return found[0]


def alive(pid: int) -> bool:
    """Whether it runs; what has ended and was not asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
