"""What keeps the gate from doing anything at all, apart from what the caller or another caller did.

Beside the tree of `armslength.gate` (Rejected, Conflict, Tampered), three more leaves:

    GateError
    ├── Conflict
    │   └── Raced     nobody: at another gate something else happened first; decide anew
    ├── Unavailable   the operator: the clock, the ledger or the database; nothing was allowed, `why` says which
    └── Unfinished    the operator: of several things some failed, and the others were done
"""

from __future__ import annotations

from armslength.gate import Conflict, GateError, Refused, Why


class Unavailable(GateError):
    """Nothing is decided now. `refused()` is the same as an answer, for whoever asks whether something may happen."""

    def __init__(self, why: Why, says: str) -> None:
        self.why = why
        super().__init__(says)

    def refused(self) -> Refused:
        return Refused(why=self.why, says=str(self))


class Raced(Conflict):
    """Another gate was first. Nothing happened; who decides anew may ask anew."""


class Unfinished(GateError):
    """The message names the first that failed."""


class Unfounded(Exception):
    """This folder is no gate that can be started; the message says what is missing or does not add up."""
