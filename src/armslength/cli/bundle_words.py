"""The verdict on a bundle in words for the customer, and as JSON for their programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator

from armslength.ledger import BundleVerdict, CheckName, Outcome, counted, format_base64url, format_minute

FORMAT = "armslength.verification/v1"

_TITLES = {
    CheckName.SIGNATURES: "signatures",
    CheckName.LOG: "the log",
    CheckName.MAP: "the map",
    CheckName.RECORDS: "your records",
    CheckName.CHAIN: "their chain",
    CheckName.CUSTOMER: "is it you",
    CheckName.SAVED: "what you saved",
    CheckName.HISTORY: "the log since then",
    CheckName.OPENINGS: "what is told",
    CheckName.ERASURES: "what is erased",
}
_WORDS = {Outcome.HOLDS: "holds", Outcome.FAILS: "FAILS", Outcome.UNCHECKED: "not checked"}


def lines(verdict: BundleVerdict, width: int) -> Iterator[str]:
    """The verdict as lines of at most `width` columns, the conclusion last."""
    yield f'customer {format_base64url(verdict.customer)} in the log "{verdict.origin}", {verdict.size:,} entries'
    yield ""
    for check in verdict.checks:
        yield from _entry(f"{_WORDS[check.outcome]:<13}{_TITLES[check.name]:<20}", check.said, width)
    yield ""
    yield f"{counted(verdict.records, 'record')}{':' if verdict.kinds else ''}"
    for count in verdict.kinds:
        period = format_minute(count.first)
        if count.last != count.first:
            period += f" to {format_minute(count.last)}"
        yield f"  {count.records:>9,}  {count.kind:<17}{period}"
    yield ""
    yield "what this does not show:"
    for each in verdict.unshown:
        yield from _entry("  - ", [each], width)
    yield ""
    yield from textwrap.wrap(_conclusion(verdict), width)


def _conclusion(verdict: BundleVerdict) -> str:
    failed = sum(check.outcome is Outcome.FAILS for check in verdict.checks)
    open_ = sum(check.outcome is Outcome.UNCHECKED for check in verdict.checks)
    if failed:
        return f"DOES NOT HOLD: {failed} of {len(verdict.checks)} checks fail. Keep this bundle: it may be evidence."
    theirs = any(c.name is CheckName.CUSTOMER and c.outcome is Outcome.HOLDS for c in verdict.checks)
    whom = "you" if theirs else "this handle"
    rest = f", {open_} could not be made" if open_ else ""
    shown = f"you were shown all {counted(verdict.records, 'record')} about {whom} in this log"
    return f"HOLDS: {shown}. {len(verdict.checks) - open_} checks hold{rest}."


def document(verdict: BundleVerdict) -> str:
    """One JSON object, as docs/formats/bundle.md says."""
    told = {
        "format": FORMAT,
        "verdict": "holds" if verdict.holds else "fails",
        "origin": verdict.origin,
        "customer": format_base64url(verdict.customer),
        "size": verdict.size,
        "checks": [
            {"check": check.name, "outcome": check.outcome, "said": list(check.said)} for check in verdict.checks
        ],
        "records": [
            {
                "kind": count.kind,
                "records": count.records,
                "first": format_minute(count.first),
                "last": format_minute(count.last),
            }
            for count in verdict.kinds
        ],
        "unshown": list(verdict.unshown),
    }
    return json.dumps(told, indent=1) + "\n"


def _entry(head: str, said: Iterable[str], width: int) -> Iterator[str]:
    """The sentences, one below the other, beside a head."""
    for sentence in said:
        yield from textwrap.wrap(
            sentence,
            max(width, len(head) + 20),
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
        head = " " * len(head)
