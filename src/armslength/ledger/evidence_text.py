"""Evidence as a file (docs/formats/evidence.md): JSON, read strictly, since it may come from anyone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from armslength.ledger.audit import Rule
from armslength.ledger.document_reading import NotReadable, Reading
from armslength.ledger.evidence import FORMAT, BrokenRule, Claim, Evidence, Fork, OtherHistory, Rollback
from armslength.ledger.hash_list import format_hashes
from armslength.ledger.run import Run
from armslength.ledger.strict_json import read_json
from armslength.tlog import Malformed, Note, format_base64url, parse_base64url

MOST_BYTES = 100_000_000
"""Of a file: about 200,000 entries."""
MOST_RUNS = 8
LONGEST_ENTRY = 65_535

_KEYS = {
    "fork": {"first", "second"},
    "history": {"first", "second", "root", "proof"},
    "rollback": {"larger", "smaller"},
    "entries": {"checkpoint", "claim", "runs"},
}


def format_evidence(evidence: Evidence) -> bytes:
    """The file's bytes, a line for each part and each entry."""
    members: dict[str, str] = {"format": json.dumps(FORMAT)}
    match evidence:
        case Fork(first=first, second=second):
            members |= {"kind": '"fork"', "first": _note(first), "second": _note(second)}
        case OtherHistory(first=first, second=second, root=root, proof=proof):
            members |= {"kind": '"history"', "first": _note(first), "second": _note(second)}
            members |= {"root": f'"{format_base64url(root)}"', "proof": _hashes(proof)}
        case Rollback(larger=larger, smaller=smaller):
            members |= {"kind": '"rollback"', "larger": _note(larger), "smaller": _note(smaller)}
        case BrokenRule(note=note, claim=claim, runs=runs):
            members |= {"kind": '"entries"', "checkpoint": _note(note)}
            members["claim"] = f'{{"index":{claim.index},"rule":"{claim.rule}","since":{claim.since}}}'
            members["runs"] = "[" + ",\n".join(map(_run, runs)) + "]"
    return ("{" + ",\n".join(f'"{key}":{value}' for key, value in members.items()) + "}\n").encode()


def parse_evidence(data: bytes) -> Evidence:
    """The evidence that a file holds; nothing of it is verified. Raises `NotReadable` with every problem."""
    try:
        document = read_json(data, most=MOST_BYTES)
    except Malformed as error:
        raise NotReadable(str(error).splitlines()) from None
    reading = Reading()
    evidence = _evidence(reading, document)
    if reading.problems or evidence is None:
        raise NotReadable(reading.told())
    return evidence


def _evidence(reading: Reading, document: Any) -> Evidence | None:
    kind = document.get("kind") if type(document) is dict else None
    keys = _KEYS.get(kind) if type(kind) is str else None
    if type(document) is dict and keys is None:
        reading.problem("kind", f"expected one of {', '.join(_KEYS)}")
        return None
    given = reading.members(document, "the evidence", {"format", "kind", *(keys or set())})
    if given is None:
        return None
    reading.form(given["format"], FORMAT)
    notes = {
        name: found[0] for name in _NOTES if name in given and (found := reading.note(given[name], name)) is not None
    }
    claim = _claim(reading, given["claim"]) if "claim" in given else None
    runs = _runs(reading, reading.items(given["runs"], "runs")) if "runs" in given else ()
    root = reading.bytes32(given["root"], "root") if "root" in given else None
    proof = reading.hashes(given["proof"], "proof") if "proof" in given else ()
    if reading.problems:
        return None
    match kind:
        case "fork":
            return Fork(first=notes["first"], second=notes["second"])
        case "rollback":
            return Rollback(larger=notes["larger"], smaller=notes["smaller"])
        case "history" if root is not None:
            return OtherHistory(first=notes["first"], second=notes["second"], root=root, proof=proof)
        case "entries" if claim is not None:
            return BrokenRule(note=notes["checkpoint"], claim=claim, runs=runs)
    return None


_NOTES = ("first", "second", "larger", "smaller", "checkpoint")


def _claim(reading: Reading, value: Any) -> Claim | None:
    given = reading.members(value, "claim", {"index", "rule", "since"})
    if given is None:
        return None
    index = reading.whole(given["index"], "claim.index")
    since = reading.whole(given["since"], "claim.since")
    if given["rule"] not in list(Rule):
        reading.problem("claim.rule", f"expected one of {', '.join(Rule)}")
    elif index is not None and since is not None and since > index:
        reading.problem("claim.since", "is after the index")
    elif index is not None and since is not None:
        return Claim(index=index, rule=Rule(given["rule"]), since=since)
    return None


def _runs(reading: Reading, items: list[Any]) -> tuple[Run, ...]:
    if not 1 <= len(items) <= MOST_RUNS:
        reading.problem("runs", f"expected 1 to {MOST_RUNS}")
        return ()
    found = []
    until = 0
    for i, item in enumerate(items):
        where = f"runs[{i}]"
        given = reading.members(item, where, {"first", "entries", "before", "after"})
        if given is None:
            continue
        first = reading.whole(given["first"], f"{where}.first")
        entries = _entries(reading, reading.items(given["entries"], f"{where}.entries"), f"{where}.entries")
        before = reading.hashes(given["before"], f"{where}.before")
        after = reading.hashes(given["after"], f"{where}.after")
        if first is None:
            continue
        if first < until:
            reading.problem(f"{where}.first", f"{first} lies in the run before: expected at least {until}")
        until = first + len(entries)
        found.append(Run(first=first, entries=entries, before=before, after=after))
    return tuple(found)


def _entries(reading: Reading, items: list[Any], where: str) -> tuple[bytes, ...]:
    """Entries are bytes, and one that breaks the rules may be no text."""
    if not items:
        reading.problem(where, "expected at least one entry")
    found = []
    for i, item in enumerate(items):
        text = reading.text(item, f"{where}[{i}]")
        if text is None:
            continue
        # Four characters spell three bytes; the spelling is checked with the length that follows from it.
        entry = reading.tried(f"{where}[{i}]", lambda text=text: parse_base64url(text, len(text) * 3 // 4))  # type: ignore[misc]
        if entry is not None and len(entry) > LONGEST_ENTRY:
            reading.problem(f"{where}[{i}]", f"expected at most {LONGEST_ENTRY} bytes")
        elif entry is not None:
            found.append(entry)
    return tuple(found)


def _note(note: Note) -> str:
    return json.dumps(note.format(), ensure_ascii=False)


def _hashes(hashes: Sequence[bytes]) -> str:
    return "[" + ",".join(f'"{each}"' for each in format_hashes(hashes)) + "]"


def _run(run: Run) -> str:
    entries = ",\n".join(f'"{format_base64url(entry)}"' for entry in run.entries)
    return (
        f'{{"first":{run.first},"before":{_hashes(run.before)},"after":{_hashes(run.after)},\n'
        f'"entries":[{entries}]}}'
    )
