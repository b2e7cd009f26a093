"""Reach: exposure → derivation → length, with witnesses that anyone can check. Pure.

reach(estate, question) -> Reach       every length asked, exact (semantics, "Length")
check(...) -> faults                   a small checker that shares nothing with the engine
difference(old, new) -> Difference     which lengths differ; Causes tells which rows made them differ
repair(estate, question) -> Plan       the least-cost changes after which every floor holds
unheld(estate, question) -> pairs      which floors do not hold, without finding out by how much
barriers(reach, i) -> barriers         what keeps a state from a result that it does not have by itself
exposure(estate, day) -> Exposure      who can be compelled by which state
Membership, Columns                    who is in which group; what a policy may see of people and targets
policies(estate), permits(...)         policy.cedar read apart; to whom each permit is open on what
"""

from armslength.reach.answer import Reach, reach
from armslength.reach.ascent import Beside, Half
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
from armslength.reach.climb import Part
from armslength.reach.difference import Compared, Difference, LengthChange, Side, difference
from armslength.reach.exposure import Exposure, exposure
from armslength.reach.floors import unheld
from armslength.reach.membership import Membership
from armslength.reach.pairs import covered, universe
from armslength.reach.permit_columns import Columns, classes
from armslength.reach.permit_form import Uid
from armslength.reach.permit_policy import Policy, policies
from armslength.reach.permit_reading import TARGETS
from armslength.reach.permits import Permit, permits
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
    "TARGETS",
    "Barrier",
    "Beside",
    "Between",
    "Beyond",
    "Binding",
    "Cause",
    "Causes",
    "Change",
    "Columns",
    "Compared",
    "Difference",
    "Exact",
    "Exposure",
    "Fact",
    "Gap",
    "Half",
    "KeyElsewhere",
    "Length",
    "LengthChange",
    "Membership",
    "NobodyHolds",
    "NobodyIn",
    "NotSteps",
    "OutOfReach",
    "Part",
    "Permit",
    "Plan",
    "Policy",
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
    "Uid",
    "Verb",
    "Why",
    "barriers",
    "check",
    "check_document",
    "classes",
    "covered",
    "difference",
    "exposure",
    "permits",
    "policies",
    "reach",
    "refusal",
    "repair",
    "steps_from_json",
    "unheld",
    "universe",
]
