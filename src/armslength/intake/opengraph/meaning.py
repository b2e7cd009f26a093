"""What a kind of node or edge means for an estate."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.IntEnum):
    """What a node becomes. Whatever acts has a group of those who act as it."""

    ACCOUNT = 0
    """Somebody's way in: `group:ID` of those who hold it."""
    GROUP = 1
    """`group:ID`, whose members the graph tells in full."""
    THING = 2
    """`asset:ID`; and `group:ID` of those who act as it (a computer's account, an application) if edges leave it."""
    ELSEWHERE = 3
    """An edge names it, and no node of a known kind has its id: it may be any of these, held by anybody."""
    OWN = 4
    """A node that `armslength graph` wrote."""


class Effect(enum.IntEnum):
    """What an edge does."""

    MEMBER = 0
    """Whoever is, holds or acts as the start is, holds or acts as the end too."""
    CONTROL = 1
    """Whoever is the start can make themselves able to act as the end, and do everything on it."""
    ENROLL = 2
    """As CONTROL, without the things on it."""
    OPERATE = 3
    """Everything on it, without acting as it."""
    ASSUME = 4
    """The end, and each of its members, acts for the start."""
    GRANT = 5
    """One action on the end."""
    NOTHING = 6
    """It gives nobody anything by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """`action`: of a GRANT. `backward`: who is able to do something is the edge's end. `wider`: why it is taken for
    more than it may be; told once a kind. `told`: why a kind that is known gives nothing, told once as well."""

    effect: Effect
    action: str = ""
    backward: bool = False
    wider: str = ""
    told: str = ""
