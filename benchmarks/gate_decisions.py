"""Decisions in process: the gate's, a bare call to Cedar, and pycasbin, on the same questions in turns; prints JSON.

`python benchmarks/gate_decisions.py --policies 20 --policies 1000`; `of_the_gate` is how many times the gate's mean.
What Cedar and the gate say is compared; where they differ, the run fails. pycasbin knows no terms, no context and no
forbids: it is asked the groups, actions and classes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import casbin  # noqa: E402
import cedarpy  # noqa: E402

from armslength.estate import parse  # noqa: E402
from armslength.gate import Decider, Freshness, Open, PersonId, Question, Refused, Standing, Target  # noqa: E402
from benchmarks.gate_estates import Ask, Drawn, draw  # noqa: E402

MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && g2(r.obj, p.obj)
"""
DAY = dt.date(2026, 11, 25)
TICKET = {"ticket": "T-1"}
WARM = 200

Answer = Callable[[Ask], bool]


def gate_of(drawn: Drawn) -> tuple[Answer, Decider]:
    estate = parse(drawn.files).estate
    decider = Decider(estate, "00" * 32, day=DAY, freshness=Freshness(limit=None, adopted=DAY))

    def ask(one: Ask) -> bool:
        person = PersonId(one.person)
        resource = Target(type="asset", id=one.asset)
        look = decider.look(
            Question(
                executor=person, asker=person, author=None, action=one.action, resource=resource, context=TICKET
            )
        )
        match look:
            case Standing() | Open():
                return True
            case Refused():
                return False

    return ask, decider


def cedar_of(drawn: Drawn, decider: Decider) -> Answer:
    """Cedar alone with kept handles: all policies, all entities."""
    policies = cedarpy.PolicySet.from_str(drawn.files["policy.cedar"].decode())
    entities = decider.entities.whole
    context = json.dumps(TICKET)

    def ask(one: Ask) -> bool:
        question = {
            "principal": f'Person::"{one.person}"',
            "action": f'Action::"{one.action}"',
            "resource": f'Asset::"{one.asset}"',
            "context": context,
        }
        return bool(cedarpy.is_authorized(question, policies, entities).allowed)

    return ask


def casbin_of(drawn: Drawn) -> Answer:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([[group, kind, action] for group, action, kind in dict.fromkeys(drawn.rules)])
    enforcer.add_grouping_policies([[person, group] for group, people in drawn.groups.items() for person in people])
    enforcer.add_named_grouping_policies("g2", [[a, kind] for kind, assets in drawn.classes.items() for a in assets])

    def ask(one: Ask) -> bool:
        return bool(enforcer.enforce(one.person, one.asset, one.action))

    return ask


def timed(answer: Answer, asks: Sequence[Ask]) -> list[float]:
    """Microseconds each."""
    found = []
    for one in asks:
        start = time.perf_counter()
        answer(one)
        found.append(1e6 * (time.perf_counter() - start))
    return found


def measured(policies: int, people: int, rounds: int, slow: float) -> list[dict[str, object]]:
    """`slow`: seconds for pycasbin, which is asked fewer questions where it takes longer."""
    drawn = draw(policies=policies, people=people, seed=1)
    gate, decider = gate_of(drawn)
    cedar, peer = cedar_of(drawn, decider), casbin_of(drawn)
    differ = sum(gate(one) != cedar(one) for one in drawn.asks[:WARM])
    if differ:
        raise SystemExit(f"the gate and Cedar differ on {differ} of {WARM} questions")
    once = min(timed(peer, drawn.asks[:5]))
    few = max(20, min(len(drawn.asks), int(slow * 1e6 / once / rounds)))
    found: dict[str, list[float]] = {"gate": [], "cedarpy": [], "pycasbin": []}
    for _ in range(rounds):
        found["gate"] += timed(gate, drawn.asks)
        found["cedarpy"] += timed(cedar, drawn.asks)
        found["pycasbin"] += timed(peer, drawn.asks[:few])
    base = sum(found["gate"]) / len(found["gate"])
    return [
        {
            "policies": policies,
            "who": who,
            "asked": len(times),
            "per_second": round(1e6 * len(times) / sum(times)),
            "p50_us": round(quantiles(times, n=100)[49], 1),
            "p99_us": round(quantiles(times, n=100)[98], 1),
            "of_the_gate": round(sum(times) / len(times) / base, 2),
        }
        for who, times in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--policies", type=int, action="append", metavar="N")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow", type=float, default=5.0, metavar="SECONDS")
    asked = parser.parse_args()
    for policies in asked.policies or [20, 1000]:
        for line in measured(policies, asked.people, asked.rounds, asked.slow):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
