"""What goes wrong at an enforcement point.

EnforceError
├── NotAllowed     the act must not happen: carries the refusal, with its reason and a sentence for the person
├── Unreachable    the gate gave no answer that can be used
└── SpoolFailed    a use could not be made durable, so the act must not happen

All of them mean no.
"""

from __future__ import annotations

from armslength.gate import Refused


class EnforceError(Exception):
    """The act must not happen; `str()` says why."""


class NotAllowed(EnforceError):
    """Raised where a guarded call is refused, and where its lease ends while it runs."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(f"{refused.says} ({refused.why})")


class Unreachable(EnforceError):
    """No answer, or none that follows the protocol."""


class SpoolFailed(EnforceError):
    """The disk said no, or the spool holds as much as it may."""
