"""What the permits give to whoever holds the gate itself (semantics, rule 7): each permit alone, forbids left out.

The holder does not matter, so the person who asks is unknown to Cedar, like the context. But Cedar leaves `UNKNOWN in
Group::"ops" && false` standing, which no person makes true, so what it leaves is read once more, part by part, for
whether some person could make it pass.
"""

from __future__ import annotations

import enum

from armslength.reach.permit_form import Form


class Outcome(enum.Flag):
    """What a condition may come to for one person or another. OPEN is what Cedar cannot tell without the context."""

    NONE = 0
    TRUE = enum.auto()
    FALSE = enum.auto()
    ERROR = enum.auto()
    OPEN = enum.auto()


_KNOWN = Outcome.TRUE | Outcome.FALSE | Outcome.ERROR
_PASSING = Outcome.TRUE | Outcome.OPEN


def could_pass(left: list[Form] | None) -> bool:
    """Whether some person could pass what Cedar has left of a permit's conditions; None, too deep to follow, could."""
    if left is None:
        return True
    try:
        return all(_outcomes(condition) & _PASSING for condition in left)
    except RecursionError:
        return True


def _outcomes(form: Form) -> Outcome:
    """Follows Cedar's own order: what comes after an OPEN part cannot close it."""
    match form:
        case {"Value": True}:
            return Outcome.TRUE
        case {"Value": False}:
            return Outcome.FALSE
        case {"Value": _}:
            return Outcome.ERROR
        case {"&&": {"left": left, "right": right}}:
            return _then(_outcomes(left), Outcome.TRUE, right)
        case {"||": {"left": left, "right": right}}:
            return _then(_outcomes(left), Outcome.FALSE, right)
        case {"!": {"arg": arg}}:
            return _turned(_outcomes(arg))
        case {"if-then-else": {"if": condition, "then": first, "else": second}}:
            decided = _outcomes(condition)
            found = decided & (Outcome.ERROR | Outcome.OPEN)
            found |= _outcomes(first) if decided & Outcome.TRUE else Outcome.NONE
            return found | (_outcomes(second) if decided & Outcome.FALSE else Outcome.NONE)
        case _:
            return _KNOWN | Outcome.OPEN if _in_doubt(form) else _KNOWN


def _then(left: Outcome, goes_on: Outcome, right: Form) -> Outcome:
    """`left`, and where it is `goes_on` the outcome of `right` instead."""
    return (left & ~goes_on) | (_outcomes(right) if left & goes_on else Outcome.NONE)


def _turned(found: Outcome) -> Outcome:
    turned = found & (Outcome.ERROR | Outcome.OPEN)
    turned |= Outcome.FALSE if found & Outcome.TRUE else Outcome.NONE
    return turned | (Outcome.TRUE if found & Outcome.FALSE else Outcome.NONE)


def _in_doubt(form: Form) -> bool:
    """Whether anything but the person is unknown in it."""
    todo: list[object] = [form]
    while todo:
        part = todo.pop()
        match part:
            case {"unknown": [{"Value": str(name)}]}:
                if name != "principal":
                    return True
            case dict():
                todo.extend(part.values())
            case list():
                todo.extend(part)
            case _:
                pass
    return False
