"""Reach: exposure → derivation → length, with witnesses that anyone can check. Pure.

reach(estate, question) -> Reach       every length asked, exact (semantics, "Length")
check(...) -> faults                   a small checker that shares nothing with the engine
exposure(estate, day) -> Exposure      who can be compelled by which state
"""

from armslength.reach.answer import Reach, reach
from armslength.reach.checker import check
from armslength.reach.checker_document import NotSteps, check_document, steps_from_json
from armslength.reach.exposure import Exposure, exposure
from armslength.reach.pairs import covered, universe
from armslength.reach.result import (
    NOBODY,
    Between,
    Beyond,
    Exact,
    Fact,
    Gap,
    Length,
    Question,
    Result,
    Row,
    Step,
)

__all__ = [
    "NOBODY",
    "Between",
    "Beyond",
    "Exact",
    "Exposure",
    "Fact",
    "Gap",
    "Length",
    "NotSteps",
    "Question",
    "Reach",
    "Result",
    "Row",
    "Step",
    "check",
    "check_document",
    "covered",
    "exposure",
    "reach",
    "steps_from_json",
    "universe",
]
