"""A printed answer checked against the estate, without the engine that made it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach import NotSteps, check_document
from armslength.service.question import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`checked` derivations were looked at, `nobody` results claim that there is none; `faults` says what does not
    follow, a line each."""

    checked: int
    nobody: int
    faults: tuple[str, ...]


def verification(estate: Estate, text: bytes) -> Verification:
    """Check what `armslength reach --format json` printed.

    Raises `Refusal` where it is no such answer, or names what the estate does not have.
    """
    try:
        document = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
        faults = check_document(document, estate)
    except NotSteps as refusal:
        raise Refusal([f"no answer for this estate: {refusal}"]) from None
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError among them
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        expected = "expected what armslength reach --format json printed"
        raise Refusal([f"not JSON: {said}: {expected}"]) from None
    results = document["results"]
    nobody = sum(1 for result in results if not result["steps"])
    return Verification(checked=len(results) - nobody, nobody=nobody, faults=faults)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of the document. Of a name given twice, two readers could take different values, so it is refused."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = sorted({name for name, _ in pairs if sum(1 for other, _ in pairs if other == name) > 1})
        raise ValueError(f"an object names {', '.join(map(repr, twice))} twice")
    return found
