"""One measurement in a process of its own: load an estate, compute all its floors, ask what-ifs; prints JSON.

`python benchmarks/measure.py FOLDER`. The peak is that of this process alone, so nothing else may run in it.
"""

from __future__ import annotations

import time

_BEGIN = time.perf_counter(), time.process_time()

# The clocks start before the imports: they are part of what a user waits for.
import argparse  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.estate import Estate, Kind, grant, leaver, travel  # noqa: E402
from armslength.reach import NOBODY, Question, Reach, reach  # noqa: E402
from armslength.store import read  # noqa: E402
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
"""Wall time and processor time of this process, in seconds."""


def moment() -> Moment:
    return time.perf_counter(), time.process_time()


def took(since: Moment, until: Moment, times: int = 1) -> dict[str, float]:
    """Seconds by both clocks. The processor's are those of all threads together, so they may be more."""
    wall, processor = (after - before for before, after in zip(since, until, strict=True))
    return {"wall": wall / times, "processor": processor / times}


def measure(folder: Path, cap: int) -> dict[str, object]:
    """Seconds are told twice, as wall time and as processor time; `rss` is the peak in MiB, before and after the
    what-ifs."""
    imported = moment()
    parsed = read(str(folder))
    estate = parsed.estate
    loaded = moment()
    question = Question(at=DAY, cap=cap)
    answer = reach(estate, question)
    done = moment()
    peak = _peak()
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
        "rss": {"reach": peak, "what-if": _peak()},
        "witness": witness,
        "whatif": whatif,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cap", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.folder, asked.cap)))


if __name__ == "__main__":
    main()
