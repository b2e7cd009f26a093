"""Reach: exposure → derivation → length, with witnesses that anyone can check. Pure.

reach(estate, question) -> Reach       every length asked, exact (semantics, "Length")
check(...) -> faults                   a small checker that shares nothing with the engine
difference(old, new) -> Difference     which lengths differ; Causes tells which rows made them differ
barriers(reach, i) -> barriers         what keeps a state from a result that it does not have by itself
exposure(estate, day) -> Exposure      who can be compelled by which state
"""

from armslength.reach.answer import Reach, reach
from armslength.reach.barrier import (
    Barrier,
    Binding,
    KeyElsewhere,
    NobodyHolds,
    NobodyIn,
    OutOfReach,
    ThroughTerms,
    barriers,
)
from armslength.reach.cause import Cause, Causes, PolicyCause, RowCause, SealedCause, SettingCause, Turn
from armslength.reach.checker import check
from armslength.reach.checker_document import NotSteps, check_document, steps_from_json
from armslength.reach.difference import Compared, Difference, LengthChange, Side, difference
from armslength.reach.exposure import Exposure, exposure
from armslength.reach.pairs import covered, universe
from armslength.reach.repair import repair
from armslength.reach.repair_change import Change, Refusal, Verb, refusal
from armslength.reach.repair_plan import Plan, Progress
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
    "repair",
    "refusal",
    "Progress",
    "Plan",
    "Verb",
    "Refusal",
    "Change",
    "NOBODY",
    "Barrier",
    "Between",
    "Beyond",
    "Binding",
    "Cause",
    "Causes",
    "Compared",
    "Difference",
    "Exact",
    "Exposure",
    "Fact",
    "Gap",
    "KeyElsewhere",
    "Length",
    "LengthChange",
    "NobodyHolds",
    "NobodyIn",
    "NotSteps",
    "OutOfReach",
    "PolicyCause",
    "Question",
    "Reach",
    "Result",
    "Row",
    "RowCause",
    "SealedCause",
    "SettingCause",
    "Side",
    "Step",
    "ThroughTerms",
    "Turn",
    "barriers",
    "check",
    "check_document",
    "covered",
    "difference",
    "exposure",
    "reach",
    "steps_from_json",
    "universe",
]
