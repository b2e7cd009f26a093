"""Evidence on its way to the monitor's folder. Nothing is called proven before the verifier that a stranger would use
has read the file's own bytes and said so."""

from __future__ import annotations

from hashlib import sha256

from armslength.ledger import Evidence, format_evidence, parse_evidence, verify_evidence
from armslength.service.monitor_finding import FindingKind, MonitorFinding
from armslength.store import KeptEvidence, MonitorFolder
from armslength.tlog import Policy, TlogError

MOST_FILES = 50
"""Whose names begin alike. A hostile log can sign any number of contradictions; one is proof enough."""


def keep_evidence(
    folder: MonitorFolder, policy: Policy, evidence: Evidence, kind: FindingKind, *, about: str, now: int
) -> MonitorFinding:
    """Write the evidence, remember it, and tell of it."""
    kept = write_evidence(folder, policy, evidence, kind, now=now)
    if kept is None:
        return MonitorFinding(kind=kind, about=about, words=f"again; {MOST_FILES} files of evidence are kept already")
    folder.keep(kept)
    return told(folder, kept, about=about)


def write_evidence(
    folder: MonitorFolder, policy: Policy, evidence: Evidence, kind: FindingKind, *, now: int, name: str | None = None
) -> KeptEvidence | None:
    """Write the file only; None where enough of its kind are there."""
    data = format_evidence(evidence)
    name = name or f"{kind}-{sha256(data).hexdigest()[:16]}.json"
    if enough(folder, name):
        return None
    try:
        proof = verify_evidence(parse_evidence(data), policy)
        words = "; ".join(proof.words) + (f"; not shown: {proof.lacks}" if proof.lacks else "")
        stands = proof.lacks is None
    except TlogError as error:
        # A key that the policy listed when the checkpoint was seen, and no longer does.
        words, stands = f"by checkpoints that the policy does not vouch for as it is now: {error}", False
    folder.write_evidence(name, data)
    return KeptEvidence(name=name, kind=kind, words=words, stands=stands, since=now)


def enough(folder: MonitorFolder, name: str) -> bool:
    """Whether there is no room for another file of this name."""
    alike = [each for each in folder.evidence_names() if each.split("-")[0] == name.split("-")[0]]
    return len(alike) >= MOST_FILES and name not in alike


def told(folder: MonitorFolder, kept: KeptEvidence, *, about: str) -> MonitorFinding:
    """The finding that a file of evidence stands for."""
    return MonitorFinding(
        kind=FindingKind(kept.kind),
        about=about,
        words=kept.words,
        evidence=str(folder.path / "evidence" / kept.name),
        stands=kept.stands,
        since=kept.since,
    )
