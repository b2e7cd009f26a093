"""estate.toml: name, states, bases, terms, floors and what changes cost.

`[costs]` tells repair what a change costs, as numbers of at least 0:

    [costs]
    terms = 1                            # put terms on a grant
    drop_membership = 2                  # take someone out of a group
    drop_grant = 3                       # drop a grant
    "drop_grant group:on-call" = 40      # any grant that names the group, as holder or target
    "drop_membership person:ana" = 9     # any membership of Ana

A key with a reference is for every row that names it; where several fit a row, the dearest counts, and the plain number
where none fits. References last longer than line numbers, which every edit of a table moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate.columns import SETTINGS
from armslength.estate.csv_form import decode
from armslength.estate.model import Basis, Floor, Kind, Place, Ref, Terms
from armslength.estate.names import COVERED, HOLDERS, MEMBERS, TARGETS, Names, unpack_one
from armslength.estate.problem import Findings, did_you_mean
from armslength.estate.section import GREATEST, Document, Section, document, spelled

TOP = ("name", "bases", "gate", "home", "states", "terms", "floor", "costs")
TERMS = ("approvals", "approvers", "apart", "distinct", "minutes", "from", "line", "uses", "customers", "customer")
FLOOR = ("action", "target", "length", "except", "against")
PLACE = ("of", "count")
COSTS: Mapping[str, float] = {"terms": 1.0, "drop_membership": 2.0, "drop_grant": 3.0}
"""What repair may do, and what it costs where estate.toml does not say."""


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


def settings(drafted: Draft, names: Names, people_columns: frozenset[str] | None, findings: Findings) -> Read:
    """The second reading, with every reference resolved. `people_columns` None: people.csv could not be read."""
    root = drafted.root
    if root is None:
        return Read(name="", bases=(), gate=None, home=(), terms=(), floors=(), costs={}, parsed={})
    name = root.text("name") or ""
    bases = _bases(root)
    home = _states(root, "home", names) or ()
    gate_name = root.text("gate")
    gate: int | None = None
    if gate_name is not None:
        found = names.assets.find(gate_name)
        if isinstance(found, int):
            gate = found
        else:
            root.wrong(f"asset {found}", "gate")
    terms, terms_parsed = _terms(root, names, people_columns)
    floors, floors_parsed = _floors(root, names)
    costs = _costs(root, names)
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


def _states(section: Section, key: str, names: Names) -> tuple[str, ...] | None:
    codes = section.texts(key)
    for code in codes or ():
        if (message := names.state(code)) is not None:
            section.wrong(message, key)
    return codes


def _reference(section: Section, key: str, kinds: tuple[Kind, ...], names: Names) -> tuple[str, Ref] | None:
    text = section.text(key)
    if text is None:
        return None
    packed = names.typed(text, kinds)
    if isinstance(packed, str):
        section.wrong(packed, key)
        return None
    return text, unpack_one(packed)


def _terms(
    root: Section, names: Names, people_columns: frozenset[str] | None
) -> tuple[tuple[Terms, ...], dict[str, object]]:
    section = root.table("terms")
    found: list[Terms] = []
    parsed: dict[str, object] = {}
    for key in section.values if section is not None else ():
        assert section is not None
        if not key or key != key.strip():
            section.wrong(f"{key!r}: expected a name without spaces around it", key)
        one = section.table(key)
        if one is None:
            continue
        one.only(TERMS)
        read = _one_terms(key, one, names, people_columns)
        if read is not None:
            found.append(read[0])
            parsed[key] = read[1]
    return tuple(found), parsed


def _one_terms(
    key: str, one: Section, names: Names, people_columns: frozenset[str] | None
) -> tuple[Terms, dict[str, object]] | None:
    one.needed("approvals")
    one.needed("approvers")
    approvals = one.count("approvals", 1)
    approvers = _reference(one, "approvers", HOLDERS, names)
    apart = one.count("apart", 0) or 0
    distinct = one.texts("distinct") or ()
    for column in distinct:
        if people_columns is not None and column not in people_columns:
            one.wrong(
                f"{column!r} is not a column of the people table{did_you_mean(column, people_columns)}", "distinct"
            )
    minutes = one.count("minutes", 1)
    line = one.choice("line", ("apart",))
    uses, customers = one.count("uses", 1), one.count("customers", 1)
    customer = one.choice("customer", ("approve", "veto"))
    places: list[Place] = []
    places_parsed: list[dict[str, object]] = []
    for place in one.tables("from"):
        place.only(PLACE)
        place.needed("of")
        place.needed("count")
        of, count = _reference(place, "of", HOLDERS, names), place.count("count", 1)
        if of is not None and count is not None:
            places.append(Place(of=of[1], count=count))
            places_parsed.append({"of": of[0], "count": count})
    if approvals is None or approvers is None:
        return None
    parsed: dict[str, object] = {
        "approvals": approvals,
        "approvers": approvers[0],
        "apart": apart,
        "distinct": list(distinct),
        "minutes": 60 if minutes is None else minutes,
        "from": places_parsed,
    }
    for word, value in (("line", line), ("uses", uses), ("customers", customers), ("customer", customer)):
        if value is not None:
            parsed[word] = value
    terms = Terms(
        id=key,
        approvals=approvals,
        approvers=approvers[1],
        apart=apart,
        distinct=tuple(distinct),
        places=tuple(places),
        minutes=60 if minutes is None else minutes,
        line=line,
        uses=uses,
        customers=customers,
        customer=customer,
    )
    return terms, parsed


def _floors(root: Section, names: Names) -> tuple[tuple[DraftFloor, ...], list[dict[str, object]]]:
    floors: list[DraftFloor] = []
    parsed: list[dict[str, object]] = []
    for number, section in enumerate(root.tables("floor")):
        section.only(FLOOR)
        for key in ("action", "target", "length"):
            section.needed(key)
        action = section.text("action")
        target = _reference(section, "target", COVERED, names)
        length = section.count("length", 0)
        against, exempt = _states(section, "against", names), _states(section, "except", names)
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


def _costs(root: Section, names: Names) -> dict[str, float]:
    costs = dict(COSTS)
    section = root.table("costs")
    for key, value in section.values.items() if section is not None else ():
        assert section is not None
        change, _, reference = key.partition(" ")
        if change not in COSTS:
            hint = did_you_mean(change, COSTS) or f": expected one of {', '.join(COSTS)}"
            section.wrong(f"{change!r} is not a change{hint}", key)
            continue
        if reference:
            kinds = MEMBERS if change == "drop_membership" else (*TARGETS, Kind.EVERYONE)
            packed = names.typed(reference.strip(), kinds)
            if isinstance(packed, str):
                section.wrong(packed, key)
                continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= GREATEST:
            section.wrong(f"{spelled(value)}: expected a number of at least 0", key)
            continue
        costs[f"{change} {reference.strip()}".strip()] = float(value)
    return costs
