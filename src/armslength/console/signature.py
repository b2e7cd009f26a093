"""A person's signature: by the passkey in their browser, or in a demonstration by the server in their name."""

from __future__ import annotations

from armslength.console.passkeys import read_assertion
from armslength.console.visit import Visit
from armslength.gate import Assertion


def signature(visit: Visit, challenge: bytes) -> Assertion:
    """Over `challenge`, not checked yet. Raises `Rejected`."""
    given = visit.form.text("credential")
    if not given and visit.console.demonstration is not None:
        return visit.console.demonstration.sign(visit.gate, visit.me, challenge)
    return read_assertion(given)
