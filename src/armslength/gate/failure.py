"""What can be wrong at the gate. The split is by who must act:

    GateError
    ├── Rejected      the caller: the request, approval or key is not what it must be; `problems` says all that is wrong
    ├── Conflict      the caller, later: something else happened first, so that what was asked no longer applies
    └── Tampered      the operator: what is stored is not what the ledger has; nothing is decided on it

A refusal by policy is none of these: it is an answer (outcome.py). A message says in words what was seen and what was
expected, in lower case and without personal data beyond the ids that the caller named, so it can be shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence


class GateError(Exception):
    """Nothing was changed and nothing is allowed; `str()` says why."""


class Rejected(GateError):
    """What was handed in is not well-formed or not verified: every problem at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class Conflict(GateError):
    """The state is no longer what the caller expected, such as a request that was answered meanwhile."""


class Tampered(GateError):
    """A stored row differs from what the ledger says of it."""
