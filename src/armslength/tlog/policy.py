"""Whom we believe about a log (c2sp.org/tlog-policy, read at its commit of 2026-07-22).

A policy lists logs' keys, witnesses and the quorum of them that has to cosign. `endorse` turns a note into evidence, or
refuses it; `assess` tells what is there. A key of ours is any that the policy lists. If one appears in a note it has to
verify, whether or not it is needed: a wrong signature by a known key refuses the whole note (signed-note, Signatures).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.encoding import quoted
from armslength.tlog.endorsement import Assessment, Endorsed, endorsed, when
from armslength.tlog.failure import Malformed, Unverified
from armslength.tlog.key import Algorithm, VerifierKey
from armslength.tlog.note import Note, Verified, verify_signature
from armslength.tlog.policy_text import NONE, Group, LogKey, Witness, read_policy, write_policy

TOLERANCE = 300
"""Seconds by which a cosigner's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`groups` stand in an order in which each refers only to those before it. `quorum` is the name of a witness or a
    group, or "none"."""

    logs: tuple[LogKey, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def __post_init__(self) -> None:
        """Made by hand or read from a file, it keeps the same rules: it has to say the same when written and read."""
        if read_policy(self.format()) != (self.logs, self.witnesses, self.groups, self.quorum):
            raise Malformed("a name or URL of the policy has a space, or is empty, and cannot be written")

    @classmethod
    def parse(cls, data: str | bytes) -> Policy:
        """The policy that a file says; Malformed lists every problem, one a line, with line numbers."""
        logs, witnesses, groups, quorum = read_policy(data)
        return cls(logs=logs, witnesses=witnesses, groups=groups, quorum=quorum)

    def format(self) -> str:
        """The plainest file with this meaning, without comments. Octets that are not UTF-8 stand as surrogate escapes:
        write it with `encode("utf-8", "surrogateescape")`."""
        return write_policy(self.logs, self.witnesses, self.groups, self.quorum)

    def endorse(self, note: Note, *, now: int | None = None) -> Endorsed:
        """The evidence that this policy accepts the note. Raises Unverified if no listed log signed, if a listed key's
        signature is wrong, or if the quorum is missed; Malformed if the text is no checkpoint. Signatures dated more
        than `TOLERANCE` seconds after `now` (POSIX seconds; None: there is no clock) do not count."""
        assessment = self.assess(note, now=now)
        if not assessment.quorum_met:
            raise Unverified(assessment.words)
        return endorsed(assessment)

    def assess(self, note: Note, *, now: int | None = None) -> Assessment:
        """As `endorse`, but a missed quorum is told and does not raise."""
        checkpoint = Checkpoint.parse(note.text)
        logs = self._signers(note, checkpoint.origin, now)
        if checkpoint.extensions and not any(key.algorithm is Algorithm.ED25519 for key in logs):
            checkpoint = replace(checkpoint, extensions=())
        cosigned: list[tuple[str, int]] = []
        ahead: list[tuple[str, int]] = []
        for witness in self.witnesses:
            verified = verify_signature(note, witness.key)
            if verified is not None and verified.timestamp is not None:
                (ahead if _ahead(verified, now) else cosigned).append((witness.name, verified.timestamp))
        named = {name for name, _ in (*cosigned, *ahead)}
        met, lacks = self._quorum_of({name for name, _ in cosigned})
        return Assessment(
            checkpoint=checkpoint,
            note=note,
            logs=logs,
            witnesses=tuple(cosigned),
            absent=tuple(witness.name for witness in self.witnesses if witness.name not in named),
            ahead=tuple(ahead),
            quorum=self.quorum,
            quorum_met=met,
            lacks=lacks,
        )

    def signed_by_log(self, note: Note) -> bool:
        """Whether a listed log signed the note. Raises Unverified if a signature that claims to be by one is wrong."""
        signed = [verify_signature(note, log.key) is not None for log in self.logs]  # all of them, or a wrong one hides
        return any(signed)

    def _signers(self, note: Note, origin: str, now: int | None) -> tuple[VerifierKey, ...]:
        """The listed log keys of this origin that signed; at least one, or Unverified. Keys of other logs have to
        verify where they appear, but do not speak for this one."""
        signers, ahead = [], []
        for log in self.logs:
            verified = verify_signature(note, log.key)
            if verified is None or log.key.name != origin:
                continue
            if _ahead(verified, now):
                ahead.append(f"{log.key.label} ({when(verified.timestamp or 0)})")
            else:
                signers.append(log.key)
        if signers:
            return tuple(signers)
        if ahead:
            raise Unverified(f"the log's signature is from the future and does not count: {', '.join(ahead)}")
        known = [log.key.label for log in self.logs if log.key.name == origin]
        if known:
            raise Unverified(f"the checkpoint is not signed by a key of its log: expected {' or '.join(known)}")
        origins = ", ".join(sorted({quoted(log.key.name) for log in self.logs})) or "none"
        raise Unverified(f"the checkpoint is of {quoted(origin)}, and the policy knows the logs: {origins}")

    def _quorum_of(self, cosigned: set[str]) -> tuple[bool, tuple[str, ...]]:
        """Whether the witnesses `cosigned` are enough, and what is lacking if not."""
        standing = cosigned | {NONE}
        members = {group.name: group.members for group in self.groups}
        lacking = {}
        for group in self.groups:  # each refers only to those before
            count = sum(member in standing for member in group.members)
            if count >= group.threshold:
                standing.add(group.name)
            else:
                lacking[group.name] = f"{quoted(group.name)} has {count} of the {group.threshold} it needs"
        if self.quorum in standing:
            return True, ()
        concerned, reached = [], [self.quorum]
        while reached:
            name = reached.pop()
            if name in lacking:
                concerned.append(lacking[name])
            reached.extend(reversed(members.get(name, ())))
        return False, tuple(concerned)


def _ahead(verified: Verified, now: int | None) -> bool:
    return now is not None and verified.timestamp is not None and verified.timestamp > now + TOLERANCE
