"""Evidence that a log's operator did what it may not: it stands alone, so that nobody has to trust who found it.

Each kind holds notes that the log signed and what contradicts them. `verify_evidence` takes the policy of whoever
judges, and computes everything again. docs/formats/evidence.md fixes the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armslength.ledger.audit import Problem, Rule
from armslength.ledger.breach import breaches
from armslength.ledger.minute import LAST, format_minute
from armslength.ledger.run import Run, run_root
from armslength.tlog import (
    EMPTY,
    Assessment,
    Checkpoint,
    Node,
    Note,
    Policy,
    Unverified,
    VerifierKey,
    consistency_proof,
    root_at,
    verify_consistency,
    verify_signature,
)

FORMAT = "armslength.evidence/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Two checkpoints of one log for one size, with different roots."""

    first: Note
    second: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHistory:
    """Two checkpoints of different sizes, where the tree of the second has, at the first's size, the root `root` and
    not the first's; `proof` (RFC 6962, consistency) leads from it to the second's."""

    first: Note
    second: Note
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Two checkpoints of which one key signed the smaller at a later time, though a timestamped signature says that no
    larger tree had been seen (c2sp.org/tlog-cosignature)."""

    larger: Note
    smaller: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said to be wrong: the entry at `index` breaks `rule`, as shows who reads the entries from `since` on."""

    index: int
    rule: Rule
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """A checkpoint of a tree with entries that break a rule of the log's content. The runs show what breaks it, unless
    that took more entries than evidence can hold; then they show the entry alone."""

    note: Note
    claim: Claim
    runs: tuple[Run, ...]


Evidence = Fork | OtherHistory | Rollback | BrokenRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`words` say what the evidence proves of the log `origin`, a sentence each; `lacks` what it claims and does not
    show, and what shows it. Where that is not None the evidence does not stand alone."""

    origin: str
    words: tuple[str, ...]
    lacks: str | None = None


def conflict(one: Note, other: Note, policy: Policy) -> Fork | Rollback | None:
    """What two checkpoints of one log prove by themselves; None if nothing. Both are of the policy's log."""
    first, second = Checkpoint.parse(one.text), Checkpoint.parse(other.text)
    if first.size == second.size:
        return Fork(first=one, second=other) if first.root != second.root else None
    larger, smaller = (one, other) if first.size > second.size else (other, one)
    return Rollback(larger=larger, smaller=smaller) if _later(larger, smaller, first.origin, policy) else None


def other_history(first: Note, second: Note, node: Node) -> OtherHistory | None:
    """The proof that the tree of `second`, whose nodes are given, does not begin with the tree of `first`; None if it
    does. Raises `Unverified` where the nodes are not those of `second`."""
    small, large = Checkpoint.parse(first.text), Checkpoint.parse(second.text)
    root = root_at(small.size, node)
    if root_at(large.size, node) != large.root:
        raise Unverified(f"the hashes at hand do not give the root that was signed for {large.size} entries")
    if root == small.root:
        return None
    return OtherHistory(
        first=first, second=second, root=root, proof=consistency_proof(small.size, large.size, node)
    )


def verify_evidence(evidence: Evidence, policy: Policy) -> Proof:
    """What the evidence proves to whoever trusts the keys of `policy`. Raises `Unverified` (or `Malformed`, for a note
    that is no checkpoint) where it proves nothing. No quorum is asked for: the log answers for what it signed."""
    match evidence:
        case Fork(first=first, second=second):
            return _fork(*_pair(first, second, policy))
        case OtherHistory(first=first, second=second):
            return _history(evidence, *_pair(first, second, policy))
        case Rollback(larger=larger, smaller=smaller):
            return _rollback(*_pair(larger, smaller, policy), policy)
        case BrokenRule():
            return _broken(evidence, policy.assess(evidence.note))


def _pair(one: Note, other: Note, policy: Policy) -> tuple[Assessment, Assessment]:
    first, second = policy.assess(one), policy.assess(other)
    if first.checkpoint.origin != second.checkpoint.origin:
        raise Unverified(
            f'one checkpoint is of "{first.checkpoint.origin}", the other of "{second.checkpoint.origin}": '
            "two logs may differ"
        )
    return first, second


def _fork(first: Assessment, second: Assessment) -> Proof:
    size = first.checkpoint.size
    if second.checkpoint.size != size:
        raise Unverified(f"the checkpoints are of {size} and {second.checkpoint.size} entries: expected one size")
    if first.checkpoint.root == second.checkpoint.root:
        raise Unverified(f"both checkpoints have the same root for {size} entries: they agree")
    origin = first.checkpoint.origin
    return Proof(
        origin=origin,
        words=(
            f'the log "{origin}" signed two different trees of {size:,} entries',
            _signed("one, ", first),
            _signed("the other, ", second),
            "so it showed different people different logs, or its key is in other hands",
        ),
    )


def _history(evidence: OtherHistory, first: Assessment, second: Assessment) -> Proof:
    small, large = first.checkpoint, second.checkpoint
    if small.size > large.size:
        raise Unverified(f"the first checkpoint is of {small.size} entries, the second of {large.size}: expected more")
    if evidence.root == small.root:
        raise Unverified(f"the second tree begins with the first, of {small.size} entries: they agree")
    if small.size == 0:
        # Every tree begins with the empty one, whose root is the hash of nothing.
        if evidence.root != EMPTY or evidence.proof:
            raise Unverified("the tree of no entries has one root only, and no proof")
    else:
        verify_consistency(
            old=small.size, new=large.size, old_root=evidence.root, new_root=large.root, proof=evidence.proof
        )
    origin = small.origin
    return Proof(
        origin=origin,
        words=(
            f'the log "{origin}" signed a tree of {large.size:,} entries that does not begin with the tree of '
            f"{small.size:,} entries that it signed as well: entries were changed, removed or put in",
            _signed("the smaller tree, ", first),
            _signed("the larger tree, ", second),
            f"a consistency proof from another root at size {small.size:,} to the larger tree verifies",
        ),
    )


def _rollback(larger: Assessment, smaller: Assessment, policy: Policy) -> Proof:
    large, small = larger.checkpoint, smaller.checkpoint
    if large.size <= small.size:
        raise Unverified(f"the larger checkpoint is of {large.size} entries, the smaller of {small.size}")
    later = _later(larger.note, smaller.note, large.origin, policy)
    if not later:
        raise Unverified("no key signed the smaller tree at a later time than the larger one")
    return Proof(
        origin=large.origin,
        words=tuple(
            f"{who} signed a tree of {small.size:,} entries at {_when(after)} as the largest it knew, though it had "
            f'signed one of {large.size:,} entries of the log "{large.origin}" at {_when(before)}'
            for who, before, after in later
        ),
    )


def _broken(evidence: BrokenRule, assessment: Assessment) -> Proof:
    checkpoint = assessment.checkpoint
    claim = evidence.claim
    for run in evidence.runs:
        if run_root(run, checkpoint.size) != checkpoint.root:
            raise Unverified(f"the entries from {run.first} on are not those of the tree that was signed")
    if not any(claim.index in run for run in evidence.runs):
        raise Unverified(f"entry {claim.index}, which is said to break a rule, is not shown")
    signed = f'the log "{checkpoint.origin}" signed a tree of {checkpoint.size:,} entries'
    found = breaches(evidence.runs)
    if mine := [problem for problem in found if (problem.index, problem.rule) == (claim.index, claim.rule)]:
        words = tuple(f"{signed}, of which entry {problem.index:,} is {_wrong(problem)}" for problem in mine)
        return Proof(origin=checkpoint.origin, words=(*words, _signed("", assessment)))
    if any(claim.since in run and claim.index in run for run in evidence.runs):
        raise Unverified(f"entry {claim.index} is said to break the rule of its {claim.rule}, and does not")
    return Proof(
        origin=checkpoint.origin,
        words=(f"{signed}, with the entry shown at {claim.index:,}", _signed("", assessment)),
        lacks=f"that entry {claim.index:,} breaks the rule of its {claim.rule}: that takes the log's entries from "
        f"{claim.since:,} to {claim.index:,}, more than are held here; whoever has the log or a mirror of it can make "
        "the same check, with armslength monitor",
    )


def _wrong(problem: Problem) -> str:
    match problem.rule:
        case Rule.FORM | Rule.MAP:
            return problem.words
        case Rule.TIME | Rule.CHAIN:
            return f"against the rule of its {problem.rule}: {problem.words}"


def _later(larger: Note, smaller: Note, origin: str, policy: Policy) -> list[tuple[str, int, int]]:
    """(who, time of the larger, time of the smaller) of each key that signed the smaller one later."""
    before, after = stamps(larger, origin, policy), stamps(smaller, origin, policy)
    return [
        (who, before[key][1], time) for key, (who, time) in after.items() if key in before and time > before[key][1]
    ]


def stamps(note: Note, origin: str, policy: Policy) -> dict[VerifierKey, tuple[str, int]]:
    """Who of the policy signed the checkpoint with a time, in words, and which, in POSIX seconds."""
    whose = [(f'the log "{origin}"', log.key) for log in policy.logs if log.key.name == origin]
    whose += [(f'the witness "{witness.name}"', witness.key) for witness in policy.witnesses]
    found = {}
    for who, key in whose:
        verified = verify_signature(note, key)
        if verified is not None and verified.timestamp:
            found[key] = who, verified.timestamp
    return found


def _signed(what: str, assessment: Assessment) -> str:
    by: Sequence[str] = [key.label for key in assessment.logs]
    cosigned = [f"{name} at {_when(time)}" for name, time in assessment.witnesses]
    return f"{what}signed by {' and '.join(by)}" + (f", cosigned by {', '.join(cosigned)}" if cosigned else "")


def _when(time: int) -> str:
    """A POSIX time as people write it."""
    return f"{format_minute(time - time % 60)[:-1]}:{time % 60:02}Z" if time - time % 60 <= LAST else f"second {time}"
