"""Broken floors as SARIF 2.1.0, so that a code-review tool shows them at the table row that causes them.

Ten thousand pairs that one row breaks make one result with counts; its fingerprint is made from what the row says, not
from where it stands, so that a result survives a re-sorted table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import numpy as np

from armslength.estate import COLUMNS, Estate
from armslength.reach import Reach, Row, Step
from armslength.report.plain import counted, listed, number, short, spelled
from armslength.report.rows import Hinge, cause, line, row_in_words, table

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RELATED = 12

_RULES: Sequence[tuple[str, str, str, str]] = (
    (
        "floor-broken",
        "A state is closer than its floor allows",
        "With the row shown, a state can have a protected action with fewer outsiders than the floor asks for.",
        "The length is how many people outside a state's reach it would have to deceive, bribe or persuade besides "
        "those it can compel. A floor is the length that must hold. Put terms on the grant so that it needs a quorum "
        "apart from every state, drop it, or drop the membership. `armslength explain` shows the chain, `armslength "
        "repair` a least-cost set of changes.",
    ),
    (
        "unknown-members",
        "A floor holds only if an unknown group is harmless",
        "The sources do not tell who is in a group, and people of a state in it would break a floor.",
        "Unknown members are never taken for nobody. Find out who is in the group and list its members, or take away "
        "what the group may do.",
    ),
    (
        "floor-unproven",
        "The search was stopped before the floor was proven",
        "A time limit ended the search; the least length that is proven does not meet the floor.",
        "Give the search more time. Until then the floor counts as broken.",
    ),
)


@dataclass(slots=True)
class _Finding:
    """The pairs of one rule that one row causes; `worst` is the result with the least length."""

    rule: str
    hinge: Hinge
    steps: tuple[Step, ...]
    worst: int
    results: list[int] = field(default_factory=list)


def sarif(reach: Reach, *, base: str = "", version: str, names: bool = False, most_derivations: int = 20_000) -> str:
    """One SARIF log. `base` is the estate's folder in the repository ("" for its root); locations stand under it.
    Of more than `most_derivations` broken pairs the others are counted in one result at their floor."""
    findings, untraced = _findings(reach, most_derivations)
    ordered = sorted(findings.values(), key=lambda f: (_known(reach, f.worst), -len(f.results), f.hinge))
    results = [_result(reach, finding, base, names) for finding in ordered]
    if len(untraced):
        results.append(_untraced(reach, untraced, base))
    run = {
        "tool": {
            "driver": {
                "name": "Armslength",
                "version": version,
                "semanticVersion": version,
                "rules": [
                    {
                        "id": rule,
                        "name": "".join(part.capitalize() for part in rule.split("-")),
                        "shortDescription": {"text": title},
                        "fullDescription": {"text": what},
                        "help": {"text": help_text.replace("`", ""), "markdown": help_text},
                        "defaultConfiguration": {"level": "error"},
                        "properties": {"tags": ["security"], "precision": "very-high", "problem.severity": "error"},
                    }
                    for rule, title, what, help_text in _RULES
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"armslength/reach/{reach.question.at.isoformat()}"},
        "invocations": [{"executionSuccessful": True}],
        "properties": {
            "estate": reach.estate.settings.name,
            "at": reach.question.at.isoformat(),
            "cap": reach.question.cap,
        },
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


def _findings(reach: Reach, most: int) -> tuple[dict[tuple[str, Hinge], _Finding], list[int]]:
    """By rule and row; and the broken pairs that were not looked at. The shortest lengths are looked at first."""
    broken = reach.broken()
    broken = broken[np.argsort(reach.at_least[broken].astype(np.int16) % 256, kind="stable")]
    found: dict[tuple[str, Hinge], _Finding] = {}
    for i in broken[:most].tolist():
        rule, hinge, steps = _cause(reach, i)
        finding = found.setdefault((rule, hinge), _Finding(rule, hinge, steps, i))
        finding.results.append(i)
        if _known(reach, i) < _known(reach, finding.worst):
            finding.worst, finding.steps = i, steps
    return found, broken[most:].tolist()


def _known(reach: Reach, i: int) -> int:
    """The length that makes the pair broken."""
    least = int(reach.at_least[i])
    known = least if least >= 0 else max(reach.question.cap, int(reach.floor[i]) - 1) + 1
    return min([known, *(gap.length for gap in reach.gaps(i))])


def _cause(reach: Reach, i: int) -> tuple[str, Hinge, tuple[Step, ...]]:
    """Which rule a broken pair falls under, and the row to point at."""
    least, most, floor = int(reach.at_least[i]), int(reach.at_most[i]), int(reach.floor[i])
    holds_but_for_gaps = least < 0 or least >= floor
    if holds_but_for_gaps:
        group = reach.gaps(i)[0].groups[0]
        unknown = reach.estate.tables["unknown"]
        row = unknown.columns["group"].to_list().index(reach.estate.groups.ids[group])
        return "unknown-members", ("unknown", unknown.file, row), ()
    if 0 <= most < floor:
        steps = reach.steps(i)
        return "floor-broken", cause(reach.estate, steps), steps
    return "floor-unproven", ("floor", "estate.toml", _floor_line(reach, i)), ()


def _floor_line(reach: Reach, i: int) -> int:
    """The line of a floor of that length; the first one that asks for as much."""
    floors = [f for f in reach.estate.settings.floors if f.length == int(reach.floor[i])]
    return floors[0].line if floors else 1


def _result(reach: Reach, finding: _Finding, base: str, names: bool) -> dict[str, object]:
    estate = reach.estate
    kind, name, row = finding.hinge
    file, at = (name, row) if kind == "floor" else line(estate, name, row)
    states = [estate.states[s] for s in np.unique(reach.state[finding.results]).tolist()]
    level = _known(reach, finding.worst)
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "ruleIndex": [rule for rule, *_ in _RULES].index(finding.rule),
        "level": "error",
        "message": {"text": _message(reach, finding, states, names)},
        "locations": [_location(base, file, at)],
        "partialFingerprints": {"armslengthCause/v1": _fingerprint(estate, finding)},
        "properties": {"pairs": len(finding.results), "states": states, "length": level},
    }
    if related := _related(estate, finding, base):
        result["relatedLocations"] = related
    return result


def _message(reach: Reach, finding: _Finding, states: list[str], names: bool) -> str:
    estate, i = reach.estate, finding.worst
    kind, name, row = finding.hinge
    state = estate.states[int(reach.state[i])]
    what = f"{short(estate.actions[int(reach.action[i])])} {short(estate.assets.ids[int(reach.asset[i])])}"
    level, floor = _known(reach, i), int(reach.floor[i])
    count = counted(len(finding.results), "protected pair")
    match finding.rule:
        case "unknown-members":
            group = estate.tables["unknown"].columns["group"][row]
            return (
                f"Nobody told who is in group {short(group)}. If people of {state} are, it could {what} {_help(level)}"
                f", where the floor asks for {floor}. {count} of {listed(states)} {_depend(finding)} on it."
            )
        case "floor-unproven":
            return (
                f"The search was stopped: it is proven only that {state} needs at least {counted(level, 'outsider')} "
                f"to {what}, where the floor asks for {floor}. So it is for {count} of {listed(states)}."
            )
        case _:
            said = row_in_words(estate, kind, name, row, names=names).replace("`", "")
            verb = "is" if len(finding.results) == 1 else "are"
            return (
                f"{said}. With this, {state} could {what} {_help(level)}, where the floor asks "
                f"for {floor}. {count} of {listed(states)} {verb} below the floor by this row."
            )


def _depend(finding: _Finding) -> str:
    return "depends" if len(finding.results) == 1 else "depend"


def _help(level: int) -> str:
    if level == 0:
        return "with nobody's help"
    return f"with the help of {spelled(level)} outsider{'' if level == 1 else 's'}"


def _related(estate: Estate, finding: _Finding, base: str) -> list[dict[str, object]]:
    """The other rows of the shortest chain, in its order."""
    shown: dict[Row, str] = {}
    for step in finding.steps:
        if step.rule != "compelled":  # where a person works is no mistake to point at
            for row in step.rows:
                shown.setdefault(row, step.rule)
    _, name, at = finding.hinge
    return [
        {
            "id": k,
            **_location(base, row.file, table(estate, row.file).line(row.row)),
            "message": {"text": f"{rule} of the chain"},
        }
        for k, (row, rule) in enumerate(
            (item for item in shown.items() if (item[0].file, item[0].row) != (name, at)), start=1
        )
    ][:MOST_RELATED]


def _location(base: str, file: str, at: int) -> dict[str, object]:
    folder = "/".join(quote(part) for part in base.replace("\\", "/").split("/") if part not in ("", "."))
    uri = f"{folder}/{quote(file)}" if folder else quote(file)
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": at}}}


def _fingerprint(estate: Estate, finding: _Finding) -> str:
    """Of the rule and what the row says: the same after other rows were added, removed or sorted."""
    kind, name, row = finding.hinge
    if kind in ("policy", "floor"):
        said: Iterable[str] = (kind, name)
    else:
        known = set(COLUMNS[next(n for n, t in estate.tables.items() if t.file == name)])
        cells = table(estate, name).cells(row)
        said = (kind, *(f"{column}={cells[column]}" for column in sorted(known & cells.keys())))
    return hashlib.sha256("\x1f".join([finding.rule, *said]).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _untraced(reach: Reach, results: list[int], base: str) -> dict[str, object]:
    first = results[0]
    return {
        "ruleId": "floor-broken",
        "ruleIndex": 0,
        "level": "error",
        "message": {
            "text": f"{number(len(results))} more protected pairs are below their floor; they were not traced "
            "to a row. Repair the others first."
        },
        "locations": [_location(base, "estate.toml", _floor_line(reach, first))],
        "partialFingerprints": {"armslengthCause/v1": "untraced"},
        "properties": {"pairs": len(results)},
    }
