"""The engine against the oracle on one case: every difference, in words."""

from __future__ import annotations

from collections.abc import Iterator

from armslength.estate import EstateError, parse
from armslength.reach import Between, Beyond, Exact, Question, Reach, reach

from .case import Case
from .estates import AT, random_case
from .length import Answer, Asked, Pair, answers
from .shrinker import shrunk

CAPS = (3, 3, 2, 3, 1, 3, 4)
"""The caps asked in turn."""


def differences(case: Case, cap: int = 3, everything: bool = True) -> list[str]:
    """What the engine says that the oracle does not, and the other way round; empty if they agree."""
    estate = parse(case.files()).estate
    found = reach(estate, Question(at=AT, cap=cap, everything=everything))
    asked = Asked(case, AT)
    return list(_differences(found, asked, answers(asked, cap, everything)))


def _differences(found: Reach, asked: Asked, expected: dict[Pair, Answer]) -> Iterator[str]:
    estate = found.estate
    seen: list[Pair] = []
    for i in range(len(found)):
        result = found.result(i)
        pair = estate.states[result.state], estate.actions[result.action], estate.assets.ids[result.asset]
        seen.append(pair)
        if pair not in expected:
            yield f"{pair}: not asked"
            continue
        answer = expected[pair]
        match result.length:
            case Exact(length=length):
                got: int | None = length
            case Beyond(cap=cap):
                got = None
                if cap != answer.cap:
                    yield f"{pair}: cap {cap}, expected {answer.cap}"
            case Between():
                yield f"{pair}: {result.length} without a time limit"
                continue
        if got != answer.length:
            yield f"{pair}: length {got}, expected {answer.length}"
            continue
        gaps = tuple((frozenset(estate.groups.ids[g] for g in gap.groups), gap.length) for gap in result.gaps)
        if gaps != answer.gaps:
            yield f"{pair}: gaps {gaps}, expected {answer.gaps}"
        if result.floor != answer.floor:
            yield f"{pair}: floor {result.floor}, expected {answer.floor}"
        if result.broken != answer.broken:
            yield f"{pair}: broken {result.broken}, expected {answer.broken}"
        yield from _witness(found, i, pair, got, asked)
    for pair in sorted(expected.keys() - set(seen)):
        yield f"{pair}: missing, expected {expected[pair]}"
    if seen != sorted(seen) or len(set(seen)) < len(seen):
        yield f"not in order, or twice: {seen}"
    if sorted(found.broken()) != [i for i in range(len(found)) if found.result(i).broken]:
        yield f"broken() gives {sorted(found.broken())}"


def _witness(found: Reach, i: int, pair: Pair, length: int | None, asked: Asked) -> Iterator[str]:
    """The accomplices are so many outsiders, and with exactly these people the oracle derives the pair."""
    accomplices = [found.estate.people.ids[p] for p in found.result(i).accomplices]
    steps = found.steps(i)
    if length is None:
        if accomplices or steps:
            yield f"{pair}: nobody can, and yet there are accomplices {accomplices} or steps {steps}"
        return
    if len(set(accomplices)) != length or len(accomplices) != length:
        yield f"{pair}: {length} accomplices expected, got {accomplices}"
    if exposed := [p for p in accomplices if pair[0] in asked.world.exposure[p]]:
        yield f"{pair}: {exposed} are no outsiders"
    elif pair[1:] not in asked.derive(asked.world, pair[0], accomplices):
        yield f"{pair}: {accomplices} do not suffice"
    if not steps or steps[-1].fact != ("can", pair[1], f"asset:{pair[2]}"):
        yield f"{pair}: the derivation does not end in the fact: {steps[-1:]}"
    named = {step.fact[1] for step in steps if step.rule == "accomplice"}
    if not named <= {f"person:{p}" for p in accomplices}:
        yield f"{pair}: the derivation uses {named}, not among {accomplices}"


def problem(seed: int) -> str | None:
    """None if engine and oracle agree on this seed's case, else the difference on the smallest case found, as files."""
    case, cap, everything = random_case(seed), CAPS[seed % len(CAPS)], seed % 5 != 4

    def fails(smaller: Case) -> bool:
        try:
            return bool(differences(smaller, cap, everything))
        except EstateError:
            return False
        except Exception:  # A crash of either is a difference too.
            return True

    if not fails(case):
        return None
    small = shrunk(case, fails)
    try:
        said = "\n".join(differences(small, cap, everything))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    kind = "all pairs" if everything else "pairs under floors"
    return f"seed {seed}, cap {cap}, {kind}, on {AT}:\n{said}\n{small.show()}"
