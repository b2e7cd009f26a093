"""estate.toml, read twice: once for the names that tables may use, once with the tables known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate.columns import SETTINGS
from armslength.estate.costs import read_costs
from armslength.estate.csv_form import decode
from armslength.estate.floors import DraftFloor, read_floors
from armslength.estate.model import Basis, Terms
from armslength.estate.names import Names, state_codes
from armslength.estate.problem import Findings, did_you_mean
from armslength.estate.section import Document, Section, document
from armslength.estate.terms import read_terms

TOP = ("name", "bases", "gate", "home", "states", "terms", "floor", "costs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """estate.toml before the tables are known: its sections, and the names that tables may use."""

    root: Section | None
    states: Mapping[str, tuple[str, ...]]
    terms: tuple[str, ...]

    @property
    def lines(self) -> dict[str, int]:
        """Where each terms stands."""
        of = self.root.of if self.root is not None else Document(values={}, lines={})
        return {name: of.line(("terms", name)) or 1 for name in self.terms}

    @property
    def declared(self) -> frozenset[str]:
        return frozenset(self.states) | frozenset(s for right in self.states.values() for s in right)


def draft(files: Mapping[str, bytes], lost: frozenset[str], findings: Findings) -> Draft:
    """The first reading. `root` None: the file is malformed or among the `lost`, and names it may declare are
    unknown."""
    data = files.get(SETTINGS)
    found: Document | None
    if data is None and SETTINGS in lost:
        found = None
    elif data is None:
        findings.odd(SETTINGS, "is absent: no state, terms or floor is set")
        found = Document(values={}, lines={})
    else:
        text = decode(SETTINGS, data, findings)
        found = None if text is None else document(text, findings)
    if found is None:
        return Draft(root=None, states={}, terms=())
    root = Section(of=found, path=(), values=found.values, findings=findings)
    root.only(TOP)
    states: dict[str, tuple[str, ...]] = {}
    if (section := root.table("states")) is not None:
        for code in section.values:
            if not code.strip() or code != "".join(code.split()):
                section.wrong(f"{code!r}: expected a code without spaces", code)
                continue
            right = section.texts(code) or ()
            for above in right:
                if len(above.split()) != 1:
                    section.wrong(f"{above!r}: expected a code without spaces", code)
            states[code] = right
    terms = root.table("terms")
    return Draft(root=root, states=states, terms=tuple(terms.values) if terms is not None else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """estate.toml with its references resolved; states and the gate still by name. `parsed`: defaults filled in."""

    name: str
    bases: tuple[Basis, ...]
    gate: int | None
    home: tuple[str, ...]
    terms: tuple[Terms, ...]
    floors: tuple[DraftFloor, ...]
    costs: Mapping[str, float]
    parsed: Mapping[str, object]


def settings(drafted: Draft, names: Names, people_columns: frozenset[str] | None, findings: Findings) -> Read:
    """The second reading, with every reference resolved. `people_columns` None: people.csv could not be read."""
    root = drafted.root
    if root is None:
        return Read(name="", bases=(), gate=None, home=(), terms=(), floors=(), costs={}, parsed={})
    name = root.text("name") or ""
    bases = _bases(root)
    home = state_codes(root, "home", names) or ()
    gate_name = root.text("gate")
    gate: int | None = None
    if gate_name is not None:
        found = names.assets.find(gate_name)
        if isinstance(found, int):
            gate = found
        else:
            root.wrong(f"asset {found}", "gate")
    terms, terms_parsed = read_terms(root, names, people_columns)
    floors, floors_parsed = read_floors(root, names)
    costs = read_costs(root, names)
    parsed: dict[str, object] = {
        "name": name,
        "bases": [basis.value for basis in bases],
        "home": list(home),
        "states": {code: list(right) for code, right in drafted.states.items()},
        "terms": terms_parsed,
        "floor": floors_parsed,
        "costs": dict(costs),
    }
    if gate_name is not None:
        parsed["gate"] = gate_name
    return Read(name=name, bases=bases, gate=gate, home=home, terms=terms, floors=floors, costs=costs, parsed=parsed)


def _bases(root: Section) -> tuple[Basis, ...]:
    if "bases" not in root.values:
        return tuple(Basis)
    known = [basis.value for basis in Basis]
    bases = []
    for word in root.texts("bases") or ():
        if word in known:
            bases.append(Basis(word))
        else:
            hint = did_you_mean(word, known) or f": expected one of {', '.join(known)}"
            root.wrong(f"{word!r} is not a basis{hint}", "bases")
    return tuple(bases)
