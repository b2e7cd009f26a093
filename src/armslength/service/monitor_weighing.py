"""A checkpoint that somebody shows, weighed against what the mirror knows."""

from __future__ import annotations

from enum import Enum

from armslength.ledger import Fork, OtherHistory, Rollback, conflict, other_history
from armslength.service.monitor_evidence import keep_evidence
from armslength.service.monitor_finding import FindingKind, MonitorFinding
from armslength.store import Damaged, LogSource, MonitorFolder, Place, SeenClaim, StoreError
from armslength.tlog import Checkpoint, Note, Policy, TlogError, Unverified, tile_nodes

MOST_CLAIMS = 8
"""Checkpoints beyond the mirror that are remembered of one source."""


class Relation(Enum):
    """How a checkpoint stands to the mirror's."""

    SAME = "the mirror's own tree"
    BEHIND = "a tree that the mirror's begins with"
    AHEAD = "a larger tree, of which the mirror cannot tell yet"
    AGAINST = "a tree of another history"


class Scales:
    """Weighs checkpoints whose signatures were verified."""

    def __init__(self, folder: MonitorFolder, policy: Policy) -> None:
        self._folder, self._policy = folder, policy

    def weigh(
        self, note: Note, *, about: str, now: int, tree: LogSource | None = None
    ) -> tuple[Relation, list[MonitorFinding]]:
        """How `note`, which `about` shows, stands to the mirror, and what that proves. A larger one is compared by the
        tiles of `tree` if there is one, and is remembered. Raises `StoreError` for the monitor's own files."""
        checkpoint = Checkpoint.parse(note.text)
        place = self._placed()
        findings = self._by_notes(note, place, about=about, now=now)
        head = Note.parse(place.note) if place.note else None
        if checkpoint.size == place.size and head is not None:
            return (Relation.SAME if checkpoint.root == place.root else Relation.AGAINST), findings
        if checkpoint.size < place.size and head is not None:
            found = self.other_than_mirror(note, head, place)
            if found is not None:
                findings.append(self._keep(found, FindingKind.SPLIT, about=about, now=now))
                return Relation.AGAINST, findings
            return Relation.BEHIND, findings
        if head is not None and tree is not None:
            found = self.other_than_tree(head, note, tree)
            if found is not None:
                findings.append(self._keep(found, FindingKind.SPLIT, about=about, now=now))
                return Relation.AGAINST, findings
        if checkpoint.size > place.size:
            self._folder.claim(
                SeenClaim(
                    source=about, size=checkpoint.size, root=checkpoint.root, note=note.format(), since=now
                ),
                most=MOST_CLAIMS,
            )
        return Relation.AHEAD, findings

    def settle(self, *, now: int) -> list[MonitorFinding]:
        """Compare the checkpoints that were larger with the mirror, as far as it has come."""
        place = self._placed()
        findings: list[MonitorFinding] = []
        if not place.note:
            return findings
        head = Note.parse(place.note)
        for claim in self._folder.claims():
            if claim.size > place.size:
                continue
            note = Note.parse(claim.note)
            found: Fork | OtherHistory | None = self.other_than_mirror(note, head, place)
            if claim.size == place.size and claim.root != place.root:
                found = Fork(first=head, second=note)
            if found is not None:
                findings.append(self._keep(found, FindingKind.SPLIT, about=claim.source, now=now))
            self._folder.reached(claim)
        return findings

    def other_than_mirror(self, note: Note, head: Note, place: Place) -> OtherHistory | None:
        """The proof that the mirror's tree does not begin with that of a smaller checkpoint."""
        try:
            return other_history(note, head, self._folder.mirror.nodes(place.size))
        except TlogError as error:
            raise Damaged(f"{self._folder.mirror.path}: {error}") from None

    def other_than_tree(self, head: Note, note: Note, tree: LogSource) -> OtherHistory | None:
        """The proof that a larger checkpoint does not begin with the mirror's, by the tiles of whoever shows it; None
        if it does, or they are not to be had."""
        try:
            return other_history(head, note, tile_nodes(tree.tile, Checkpoint.parse(note.text).size))
        except (TlogError, StoreError):
            return None

    def _by_notes(self, note: Note, place: Place, *, about: str, now: int) -> list[MonitorFinding]:
        """What the note proves together with another that was seen."""
        others = ([place.note] if place.note else []) + [claim.note for claim in self._folder.claims()]
        findings = []
        for other in others:
            try:
                found = conflict(Note.parse(other), note, self._policy)
            except Unverified:
                continue  # a key that the policy listed once, and that no longer verifies
            match found:
                case Fork():
                    findings.append(self._keep(found, FindingKind.SPLIT, about=about, now=now))
                case Rollback():
                    findings.append(self._keep(found, FindingKind.ROLLBACK, about=about, now=now))
                case None:
                    pass
        return findings

    def _keep(
        self, found: Fork | OtherHistory | Rollback, kind: FindingKind, *, about: str, now: int
    ) -> MonitorFinding:
        return keep_evidence(self._folder, self._policy, found, kind, about=about, now=now)

    def _placed(self) -> Place:
        place = self._folder.place()
        if place is None:
            raise ValueError("no log is followed yet")
        return place
