"""Rules: the ways to a fact that need more than one thing at once, a quorum or groups opened together."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.reach.crowd import Crowd
from armslength.reach.spread import Ints

STANDING = -1
"""In `Rule.terms`: no quorum is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """Grants with the same holder and terms, or one permit: fires when a requester of `holders` meets `terms`.

    `node` stands for it in the graph, `effects` are the nodes that it makes true. `enrolls`: its effects are
    enrolments, which need somebody who acts. `gated`: whoever holds the gate fires it (rule 7). `power`: an effect
    can bring about other rules.
    """

    number: int
    node: int
    holders: Crowd
    terms: int
    effects: Ints
    enrolls: bool
    gated: bool
    power: bool
