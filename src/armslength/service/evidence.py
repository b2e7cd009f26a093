"""A file of evidence, judged by whoever holds it and a policy: no log, no monitor and no network is asked."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.ledger import NotReadable, parse_evidence, verify_evidence
from armslength.service.question import Refusal
from armslength.tlog import Policy, TlogError


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceVerdict:
    """`stands`: the evidence proves what `words` say. Otherwise they say what it does show, or why it shows nothing.
    `lacks` is what it claims beyond what it shows. `origin` is the log's; None where nothing was proven of any."""

    stands: bool
    words: tuple[str, ...]
    lacks: str | None
    origin: str | None


def check_evidence(data: bytes, policy: Policy) -> EvidenceVerdict:
    """What a file in the form of docs/formats/evidence.md proves to who trusts the keys of `policy`.

    Raises `Refusal` with every problem where the file is not in that form.
    """
    try:
        evidence = parse_evidence(data)
    except NotReadable as refused:
        raise Refusal(refused.problems) from None
    try:
        proof = verify_evidence(evidence, policy)
    except TlogError as error:
        return EvidenceVerdict(stands=False, words=(str(error),), lacks=None, origin=None)
    return EvidenceVerdict(stands=proof.lacks is None, words=proof.words, lacks=proof.lacks, origin=proof.origin)
