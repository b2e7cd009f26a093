"""Why an act was not recorded, or not known to be.

AppendError
├── Unsettled   its batch failed: it is in the log or not; ask again with the same act id, and it is there once
├── Full        too many acts wait; nothing was recorded
├── Late        it was handed over at another time than it says; nothing was recorded: ask again
└── Stopped     the writer signs nothing until somebody has looked; nothing was recorded
"""

from __future__ import annotations


class AppendError(Exception):
    """No receipt; the message says why."""


class Unsettled(AppendError):
    """Only asking again tells."""


class Full(AppendError):
    """Ask again later."""


class Late(AppendError):
    """Ask again with the same act id, as of now."""


class Stopped(AppendError):
    """Asking again does not help; see the ledger's status."""
