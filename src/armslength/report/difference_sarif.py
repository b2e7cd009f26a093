"""What a change breaks as SARIF 2.1.0, so that a code-review tool shows it at the row that causes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from urllib.parse import quote

from armslength.reach import Cause, Turn
from armslength.report.cause_words import Sides
from armslength.report.difference import Finding, Findings
from armslength.report.plain import counted, listed, short
from armslength.report.sarif import SCHEMA

_RULES: Sequence[tuple[str, str, str, str]] = (
    (
        "floor-breaks",
        "A floor that held is broken by this change",
        "With the row shown, a state can have a protected action with fewer outsiders than the floor asks for, and "
        "could not before.",
        "The length is how many people outside a state's reach it would have to deceive, bribe or persuade besides "
        "those it can compel. A floor is the length that must hold. `armslength explain` shows the chain.",
    ),
    (
        "length-falls",
        "A protected length falls by this change",
        "With the row shown, a state needs fewer outsiders for a protected action than before; its floor still holds, "
        "or was broken already.",
        "Make sure that the change is meant. `armslength explain` shows the chain.",
    ),
)


def difference_sarif(found: Findings, sides: Sides, *, base: str, version: str, at: str) -> str:
    """One SARIF log with the reasons to stop only; `base` is the new estate's folder in the repository."""
    groups: dict[tuple[str, Cause | None], list[Finding]] = {}
    for finding in found.findings:
        if finding.fails:
            rule = "floor-breaks" if finding.kind == "breaks" else "length-falls"
            groups.setdefault((rule, _main(finding.causes)), []).append(finding)
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
                        "help": {"text": told.replace("`", ""), "markdown": told},
                        "defaultConfiguration": {"level": "error"},
                        "properties": {"tags": ["security"], "precision": "very-high", "problem.severity": "error"},
                    }
                    for rule, title, what, told in _RULES
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"armslength/diff/{at}"},
        "invocations": [{"executionSuccessful": True}],
        "properties": {"at": at},
        "results": [_result(rule, cause, some, sides, base) for (rule, cause), some in groups.items()],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


def _main(causes: Sequence[Cause]) -> Cause | None:
    """The cause to point at: the last that stands in the new estate, for a grant comes after who holds it."""
    standing = [cause for cause in causes if cause.turn is not Turn.REMOVED] or list(causes)
    return standing[-1] if standing else None


def _result(rule: str, cause: Cause | None, some: Sequence[Finding], sides: Sides, base: str) -> dict[str, object]:
    worst = min(some, key=lambda finding: finding.least)
    states = sorted({state for finding in some for state in finding.states})
    pairs = sum(finding.pairs for finding in some)
    said = f"{sides.words(cause).replace('`', '')}. " if cause is not None else ""
    what = f"{short(worst.action)} on {short(worst.target)}"
    asks = f", where the floor asks for {worst.floor}" if worst.floor is not None else ""
    message = (
        f"{said}With this change the length of {worst.states[0]} to {what} goes from {worst.old} "
        f"to {worst.new}{asks}. So it is for {counted(pairs, 'protected pair')} of {listed(states)} in all."
        f"{'' if cause is not None else ' No one row made the difference.'}"
    )
    result: dict[str, object] = {
        "ruleId": rule,
        "ruleIndex": [name for name, *_ in _RULES].index(rule),
        "level": "error",
        "message": {"text": message},
        "locations": [_location(cause, sides, base)],
        "partialFingerprints": {"armslengthCause/v1": _fingerprint(rule, cause, sides)},
        "properties": {"pairs": pairs, "states": states},
    }
    others = dict.fromkeys(other for finding in some for other in finding.causes if other != cause)
    related = [
        {"id": n, **_location(other, sides, base), "message": {"text": sides.words(other).replace("`", "")}}
        for n, other in enumerate(list(others)[:12], start=1)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _location(cause: Cause | None, sides: Sides, base: str) -> dict[str, object]:
    placed = sides.line(cause) if cause is not None else None
    file, line = placed if placed is not None else ("declared.csv" if cause is not None else "estate.toml", 1)
    if cause is not None and cause.turn is Turn.REMOVED:
        line = 1  # its line is no longer there
    folder = "/".join(quote(part) for part in base.replace("\\", "/").split("/") if part not in ("", "."))
    uri = f"{folder}/{quote(file)}" if folder else quote(file)
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


def _fingerprint(rule: str, cause: Cause | None, sides: Sides) -> str:
    """Of what the cause says, not of where it stands: the same after other rows were added or sorted."""
    said = "no one row" if cause is None else sides.words(cause)
    return hashlib.sha256("\x1f".join([rule, said]).encode("utf-8", "surrogatepass")).hexdigest()[:32]
