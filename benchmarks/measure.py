"""One measurement in a process of its own: load an estate, compute all its floors, ask what-ifs; prints JSON.

`python benchmarks/measure.py FOLDER`. As the command does, it has a second process for a large estate, and Python look
for values to free more seldom. The peak is that of this process, with what the second holds for itself; so nothing else
may run in it.
"""

from __future__ import annotations

import time

_BEGIN = time.perf_counter(), time.process_time()

# The clocks start before the imports: they are part of what a user waits for.
import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.cli.keeping import keeping  # noqa: E402
from armslength.estate import Estate, Kind, grant, leaver, travel  # noqa: E402
from armslength.reach import NOBODY, Question, Reach, reach  # noqa: E402
from armslength.store import Companion, read  # noqa: E402
from benchmarks.firm import DAY  # noqa: E402

WITNESSES = 40
"""So many derivations are worked out, spread over the pairs that somebody can reach."""


def lengths(answer: Reach, cap: int) -> dict[str, int]:
    """How many pairs have each length; "null" where nobody up to the cap suffices, "open" where time ran out."""
    exact = answer.at_least == answer.at_most
    found = {str(length): int((exact & (answer.at_least == length)).sum()) for length in range(cap + 1)}
    return found | {"null": int((exact & (answer.at_least == NOBODY)).sum()), "open": int((~exact).sum())}


def member(estate: Estate, group: str) -> str:
    """The first person in a group by a row of their own."""
    groups = estate.groups
    rows = (groups.group == groups.ids.index(group)) & (groups.member_kind == Kind.PERSON)
    return f"person:{estate.people.ids[int(groups.member[rows][0])]}"


def changes(estate: Estate) -> dict[str, Callable[[], Estate]]:
    """One change of each kind, all of them to people who matter: an approver travels, a holder leaves, somebody gets
    standing access to a vault."""
    approver, holder = member(estate, "reviewers-000-0"), member(estate, "holders-000-0")
    return {
        "travel": lambda: travel(estate, approver, "CN", DAY),
        "leaver": lambda: leaver(estate, holder),
        "grant": lambda: grant(estate, holder, "read", "asset:vault-000"),
    }


Moment = tuple[float, float]
"""Wall time and processor time, in seconds."""


def moment(beside: Companion | None = None) -> Moment:
    """The processor time is that of this process, with that of the second where there is one."""
    return time.perf_counter(), time.process_time() + (0.0 if beside is None else _used(beside))


def took(since: Moment, until: Moment, times: int = 1) -> dict[str, float]:
    """Seconds by both clocks. The processor's are those of all threads and processes together, so they may be more."""
    wall, processor = (after - before for before, after in zip(since, until, strict=True))
    return {"wall": wall / times, "processor": processor / times}


def measure(folder: Path, cap: int, processes: int) -> dict[str, object]:
    """Seconds are told twice, as wall time and as processor time; `rss` is the peak in MiB, before and after the
    what-ifs."""
    imported = moment()
    parsed = read(str(folder))
    estate = parsed.estate
    loaded = moment()
    question = Question(at=DAY, cap=cap)
    with keeping(), Companion() as companion:
        answer = reach(estate, question, beside=companion if processes > 1 else None)
        done = moment(companion)
        theirs = _held(companion)
        if companion.failure is not None:
            raise RuntimeError(companion.failure)
    peak = _peak() + theirs
    seconds = {
        "imports": took(_BEGIN, imported),
        "load": took(imported, loaded),
        "reach": took(loaded, done),
        "all": took(_BEGIN, done),
    }
    reached = (answer.at_least != NOBODY).nonzero()[0]
    shown = reached[:: max(1, len(reached) // WITNESSES)][:WITNESSES]
    begin = moment()
    for number in shown:
        answer.steps(int(number))
    witness = took(begin, moment(), max(1, len(shown)))
    # The estate is loaded and answered: a what-if takes over what its change cannot have touched.
    whatif = {}
    for name, change in changes(estate).items():
        begin = moment()
        with keeping():
            reach(change(), question, before=answer)
        whatif[name] = took(begin, moment())
    return {
        "people": len(estate.people.ids),
        "memberships": len(estate.groups.group),
        "grants": len(estate.grants),
        "assets": len(estate.assets.ids),
        "states": len(set(answer.state.tolist())),
        "terms": len(estate.settings.terms),
        "policies": len(estate.policy.ids) if estate.policy is not None else 0,
        "pairs": len(answer),
        "lengths": lengths(answer, cap),
        "broken": len(answer.broken()),
        "seconds": seconds,
        "rss": {"reach": peak, "second": theirs, "what-if": _peak()},
        "witness": witness,
        "whatif": whatif,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _used(beside: Companion) -> float:
    """Seconds of the processor that the second process has used."""
    if beside.pid is None:
        return 0.0
    fields = Path(f"/proc/{beside.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _held(beside: Companion) -> float:
    """The peak of the second process in MiB, without the program and its libraries, which both have once."""
    if beside.pid is None:
        return 0.0
    lines = Path(f"/proc/{beside.pid}/status").read_text(encoding="ascii").splitlines()
    kilobytes = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if value.split()}
    return (int(kilobytes["VmHWM"]) - int(kilobytes["RssFile"])) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cap", type=int, default=3)
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.folder, asked.cap, asked.processes)))


if __name__ == "__main__":
    main()
