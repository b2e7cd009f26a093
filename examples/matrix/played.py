"""What came of each chapter of the case, for whoever checks it: answers, states and outputs as they were."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from armslength.gate import Candidates, LeaseState, Refused, RequestState, RequestStatus
from examples.matrix.visitor import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of trying: who was not let approve, and why; what was missing in the end; the request."""

    turned_away: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    could: tuple[str, ...]
    """Everyone who is in some quorum for it."""
    state: RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Standing access, and everybody who tried alone."""

    version: Answer
    liaison: Answer
    nobody: Answer
    detour: Answer
    colleague: Answer
    past_the_door: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """A colleague abroad asks, with the liaison named as the one who wants it, and as if nobody had asked him."""

    named: Candidates
    unnamed: Candidates
    attempt: Attempt
    shielded: RequestState | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """Fabricated complaints: a quorum within one state, within one line, and what the last reader did."""

    one_state: Attempt
    one_line: Attempt
    ended: RequestStatus
    alive: bool
    """Whether the room can still be spoken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A room that is ended as it should be. The lease is not for `other_room`, of the same host, nor `other_person`."""

    status: RequestStatus
    other_room: Answer
    other_person: Answer
    answer: Answer
    deletion: str
    alive: bool
    again: Answer
    lease: LeaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the trust desk does under leases of their own, and what it shows."""

    read_before: Answer
    devices: Answer
    account: Answer
    other_account: Answer
    suspended: Answer
    spoke: bool
    """Whether Mallory could speak before the suspension; `silenced`: could not after it."""
    silenced: bool
    rooms: Answer
    closed: Answer
    deactivated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the two hosts are handed, and what `armslength verify` said of it; what the check of the gate found."""

    bundles: dict[str, Path]
    handles: dict[str, str]
    verified: dict[str, subprocess.CompletedProcess[str]]
    checked: subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    alone: Alone
    liaison: Attempt
    borrowed: Borrowed
    forged: Forged
    ended: Ended
    desk: Desk
    proof: Proof
