"""[[floor]]: the lengths that must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate.model import Floor, Ref
from armslength.estate.names import COVERED, Names, reference, state_codes
from armslength.estate.section import Section

FLOOR = ("action", "target", "length", "except", "against")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFloor:
    """A floor whose states are still codes."""

    number: int
    line: int
    action: str | None
    target: Ref
    length: int
    against: tuple[str, ...] | None
    exempt: tuple[str, ...] | None

    def final(self, index: Mapping[str, int]) -> Floor:
        """The floor with states by index."""

        def of(codes: tuple[str, ...] | None) -> frozenset[int] | None:
            return None if codes is None else frozenset(index[c] for c in codes)

        return Floor(
            number=self.number,
            line=self.line,
            action=self.action,
            target=self.target,
            length=self.length,
            against=of(self.against),
            exempt=of(self.exempt),
        )


def read_floors(root: Section, names: Names) -> tuple[tuple[DraftFloor, ...], list[dict[str, object]]]:
    """The floors in order, and the same as the digest has them."""
    floors: list[DraftFloor] = []
    parsed: list[dict[str, object]] = []
    for number, section in enumerate(root.tables("floor")):
        section.only(FLOOR)
        for key in ("action", "target", "length"):
            section.needed(key)
        action = section.text("action")
        target = reference(section, "target", COVERED, names)
        length = section.count("length", 0)
        against, exempt = state_codes(section, "against", names), state_codes(section, "except", names)
        if "against" in section.values and "except" in section.values:
            section.wrong("stands beside 'except': expected one of the two", "against")
        if against == ():
            section.odd("names no state: the floor holds whatever happens", "against")
        if action is None or target is None or length is None:
            continue
        line = section.at()[0] or 1
        floors.append(
            DraftFloor(
                number=number,
                line=line,
                action=None if action == "*" else action,
                target=target[1],
                length=length,
                against=against,
                exempt=exempt,
            )
        )
        one: dict[str, object] = {"action": action, "target": target[0], "length": length}
        if against is not None:
            one["against"] = list(against)
        if exempt is not None:
            one["except"] = list(exempt)
        parsed.append(one)
    return tuple(floors), parsed
