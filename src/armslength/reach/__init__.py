"""Reach: exposure → derivation → length, with witnesses that anyone can check. Pure.

reach(estate, question) -> Reach       every length asked, exact (semantics, "Length")
check(...) -> faults                   a small checker that shares nothing with the engine
difference(old, new) -> Difference     which lengths differ; Causes tells which rows made them differ
repair(estate, question) -> Plan       the least-cost changes after which every floor holds
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
from armslength.reach.repair_plan import Plan, Progress, Reason, Remaining, Why
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
    "Barrier",
    "Between",
    "Beyond",
    "Binding",
    "Cause",
    "Causes",
    "Change",
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
    "Plan",
    "PolicyCause",
    "Progress",
    "Question",
    "Reach",
    "Reason",
    "Refusal",
    "Remaining",
    "Result",
    "Row",
    "RowCause",
    "SealedCause",
    "SettingCause",
    "Side",
    "Step",
    "ThroughTerms",
    "Turn",
    "Verb",
    "Why",
    "barriers",
    "check",
    "check_document",
    "covered",
    "difference",
    "exposure",
    "reach",
    "refusal",
    "repair",
    "steps_from_json",
    "universe",
]
