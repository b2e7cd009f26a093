"""What a directory's harvest lets single people do, for tests of Entra, Okta and Google."""

from __future__ import annotations

from armslength.intake import Harvest


def rows(harvest: Harvest, table: str, cells: int = 3) -> list[tuple[str, ...]]:
    return [row[:cells] for row in harvest.rows(table)]


def able(harvest: Harvest, letter: int) -> set[tuple[str, str, str]]:
    """Grants between single people, with groups written out. A person is called by the letter at this place of their
    reference."""
    inside: dict[str, set[str]] = {}
    for name, member, _ in harvest.rows("groups"):
        inside.setdefault(f"group:{name}", set()).add(member)

    def people(reference: str, seen: frozenset[str] = frozenset()) -> set[str]:
        if reference.startswith("person:"):
            return {reference[letter]}
        if reference in seen:
            return set()
        return {p for member in inside.get(reference, ()) for p in people(member, seen | {reference})}

    found = set()
    for holder, action, target, _, _ in harvest.rows("grants"):
        over = people(target) if action == "assume" else {target}
        found |= {(one, action, other) for one in people(holder) for other in over if one != other}
    return found
