"""What the conditions of a permit come to for some person or other, asked part by part (semantics, rule 7).

With the person unknown Cedar leaves `principal.unit == "ops" && false` open, which nobody passes. So the smallest parts
that are true or false are asked about one by one, and put together in Cedar's own order. Two parts that look at the
person are taken to be independent, as they are if there is no telling who asks.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from itertools import permutations

from armslength.reach.checker_cedar import Form, Uid


class Comes(enum.Flag):
    """What a part may come to for one person or another; OPEN hangs on what no person settles, such as the context."""

    NOTHING = 0
    TRUE = enum.auto()
    FALSE = enum.auto()
    FAILS = enum.auto()
    OPEN = enum.auto()


Part = Callable[[Form], Comes]

_LOGIC = frozenset({"&&", "||", "!", "if-then-else"})


def may_pass(conditions: Iterable[Form], part: Part) -> bool:
    """Whether the conditions, in the order of the text, let some person pass; `part` tells of the smallest parts."""
    for condition in conditions:
        found = _whole(condition["body"], part)
        if condition["kind"] == "unless":
            found = _turned(found)
        # Cedar does not use what comes after something unknown to refuse.
        if Comes.OPEN in found:
            return True
        if Comes.TRUE not in found:
            return False
    return True


def compared(policy: Form, name: str, every: Iterable[Uid]) -> Iterator[Uid]:
    """The entities with which a policy may compare the variable itself (`principal`, `resource`), of `every` one that
    it names: those beside which it stands, all where it stands with what is not named."""
    for place in (policy[name], policy[name].get("in", {})):
        yield from _named({"__entity": place.get("entity")})
    for condition in policy["conditions"]:
        for part in _parts(condition["body"]):
            if _bare(name, part):
                yield from _named(part) if _plain(name, part) or "context" in _variables(part) else every


def _whole(form: Form, part: Part) -> Comes:
    match form:
        case {"&&": {"left": left, "right": right}}:
            return _then(_whole(left, part), Comes.TRUE, right, part)
        case {"||": {"left": left, "right": right}}:
            return _then(_whole(left, part), Comes.FALSE, right, part)
        case {"!": {"arg": inner}}:
            return _turned(_whole(inner, part))
        case {"if-then-else": {"if": test, "then": first, "else": second}}:
            tested = _whole(test, part)
            return _then(tested & ~Comes.FALSE, Comes.TRUE, first, part) | _then(
                tested & ~Comes.TRUE, Comes.FALSE, second, part
            )
        case _:
            return part(form)


def _then(left: Comes, goes_on: Comes, right: Form, part: Part) -> Comes:
    """`left`, but where that is `goes_on` what the right side comes to."""
    return (left & ~goes_on) | (_whole(right, part) if goes_on in left else Comes.NOTHING)


def _turned(found: Comes) -> Comes:
    true = Comes.TRUE if Comes.FALSE in found else Comes.NOTHING
    false = Comes.FALSE if Comes.TRUE in found else Comes.NOTHING
    return true | false | (found & (Comes.FAILS | Comes.OPEN))


def _parts(form: Form) -> Iterator[Form]:
    """The smallest parts that are true or false."""
    if form.keys() <= _LOGIC:
        for inner in form.values():
            for each in inner.values():
                yield from _parts(each)
    else:
        yield form


def _plain(name: str, part: Form) -> bool:
    """Whether the variable is asked there to be, or to lie in, only what the policy names."""
    match part:
        case {"is": {"left": {"Var": found}}}:
            return bool(found == name)
        case {"in": {"left": {"Var": found}, "right": other}}:
            return bool(found == name) and _literal(other)
        case {"==": sides} | {"!=": sides} | {"contains": sides}:
            return any(
                one == {"Var": name} and _literal(other) for one, other in permutations((sides["left"], sides["right"]))
            )
        case _:
            return False


def _literal(form: Form) -> bool:
    return "Value" in form or all("Value" in each for each in form.get("Set", ({},)))


def _bare(name: str, form: object) -> bool:
    """Whether the variable stands there as itself, not for an attribute of its own."""
    match form:
        case {"Var": str(found)}:
            return found == name
        case {".": {"left": {"Var": _}}} | {"has": {"left": {"Var": _}}}:
            return False
        case dict():
            return any(_bare(name, inner) for inner in form.values())
        case list():
            return any(_bare(name, inner) for inner in form)
        case _:
            return False


def _variables(form: object) -> Iterator[str]:
    match form:
        case {"Var": str(name)}:
            yield name
        case dict():
            for inner in form.values():
                yield from _variables(inner)
        case list():
            for inner in form:
                yield from _variables(inner)
        case _:
            return


def _named(form: object) -> Iterator[Uid]:
    match form:
        case {"__entity": {"type": str(kind), "id": str(name)}}:
            yield kind, name
        case dict():
            for inner in form.values():
                yield from _named(inner)
        case list():
            for inner in form:
                yield from _named(inner)
        case _:
            return
