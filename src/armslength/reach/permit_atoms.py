"""The truth of the parts of conditions that read attributes only, for all people and targets at once.

Each is asked about once for every combination of the values that it reads, many parts and all targets to a question:
what a part reads of the target is written out, so that one question a class of people does. What was told is kept for
the next estate much like this one: most of its people read the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import numpy as np
import numpy.typing as npt

from armslength.estate import Kind
from armslength.reach.permit_cedar import Entity, given
from armslength.reach.permit_columns import Classes, Codes, Columns, classes
from armslength.reach.permit_form import Form
from armslength.reach.permit_policy import set_of
from armslength.reach.permit_sight import ATTRIBUTES, Atom

FALSE, TRUE, ERROR = 0, 1, 2
KEPT = 100_000
"""So many answers, and those of one estate, are kept for others."""

Truth = npt.NDArray[np.int8]
"""FALSE, TRUE or ERROR, shape [classes of people, classes of targets] by the attributes that the atom reads of each."""


Told = dict[tuple[str, tuple[str, ...]], Truth]
"""What Cedar said of some forms for a person of certain values, by both: the truth of each form, shape [forms]. It is
the same in every estate."""


@dataclass(slots=True)
class Atoms:
    """All atoms of an estate's policies, by the attributes of a person that they read; found when first wanted.
    `told`: what is known already, from other estates too; added to."""

    columns: Columns
    alike: dict[frozenset[str], list[Atom]]
    told: Told
    _truths: dict[tuple[Atom, Kind], Truth] = field(default_factory=dict)
    _classes: dict[tuple[Kind, frozenset[str]], Classes] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, atoms: Iterable[Atom], told: Told) -> Atoms:
        """Collects the atoms of all policies, each text once."""
        alike: dict[frozenset[str], list[Atom]] = {}
        for atom in dict.fromkeys(atoms):
            alike.setdefault(atom.person, []).append(atom)
        return cls(columns, alike, told)

    def truth(self, atom: Atom, kind: Kind) -> Truth:
        """The truth of `atom` for people of `seen(PERSON, atom.person)` and targets of `seen(kind, atom.target)`; one
        column does for all targets where it reads nothing of them."""
        if (atom, kind) not in self._truths:
            self._find(atom.person, (kind,) if kind is Kind.PERSON else (Kind.ASSET, Kind.GROUP, Kind.TERMS))
        return self._truths[atom, kind]

    def seen(self, kind: Kind, attributes: frozenset[str]) -> Classes:
        """Classes of equal values of the attributes that entities of `kind` have; all alike where they have none."""
        key = (kind, attributes)
        if key not in self._classes:
            read = [self.columns.codes(kind, name) for name in ATTRIBUTES[kind] if name in attributes]
            self._classes[key] = classes(len(self.columns.ids(kind)), read)
        return self._classes[key]

    def _find(self, person: frozenset[str], kinds: tuple[Kind, ...]) -> None:
        """One question a class of people, for all atoms that read the same of them and all targets of these kinds."""
        people = self.seen(Kind.PERSON, person)
        forms: list[Form] = []
        places: list[tuple[Truth, int]] = []
        for atom in self.alike[person]:
            form: Form = json.loads(atom.text)
            for kind in kinds if atom.target else kinds[:1]:
                firsts = self.seen(kind, atom.target).first if atom.target else [0]
                truth = np.full((max(1, len(people)), max(1, len(firsts))), ERROR, dtype=np.int8)
                self._truths |= {(atom, each): truth for each in ((kind,) if atom.target else kinds)}
                places += [(truth, column) for column in range(len(firsts))]
                forms += [_written(form, self.columns.attributes(kind, int(i)) if atom.target else {}) for i in firsts]
        if forms and (len(people) or not person):
            found = np.stack(self._rows(forms, person, people.first[: len(people) if person else 1]), axis=1)
            for (truth, column), row in zip(places, found, strict=True):
                truth[:, column] = row

    def _rows(self, forms: list[Form], person: frozenset[str], people: Codes) -> list[Truth]:
        """Of each of these people, by index, the truth of each form, which reads these attributes of them."""
        text = json.dumps(forms)
        names = sorted(person)
        values = list(zip(*(self.columns.texts(Kind.PERSON, name, people) for name in names), strict=True))
        values = values or [()]
        if len(self.told) > KEPT:
            self.told.clear()
        known = [self.told.get((text, each)) for each in values]
        new = [n for n, row in enumerate(known) if row is None]
        asked = [self.columns.attributes(Kind.PERSON, int(people[n])) if person else {} for n in new]
        fresh = dict(zip(new, _ask(forms, asked), strict=True))
        self.told |= {(text, values[n]): row for n, row in fresh.items()}
        return [fresh[n] if row is None else row for n, row in enumerate(known)]


def _ask(forms: list[Form], people: Sequence[dict[str, object]]) -> Iterator[Truth]:
    """For each person: the truth of each form."""
    if not people:
        return
    policies = set_of(
        {f"{n} {FALSE}": _when({"!": {"arg": form}}) for n, form in enumerate(forms)}
        | {f"{n} {TRUE}": _when(form) for n, form in enumerate(forms)}
    )
    entities = given(Entity(uid=("Person", str(n)), attributes=one) for n, one in enumerate(people))
    for n in range(len(people)):
        question = {"principal": f'Person::"{n}"', "action": 'Action::"any"', "resource": 'Terms::"any"'}
        row = np.full(len(forms), ERROR, dtype=np.int8)
        for reason in cedarpy.is_authorized(question, policies, entities).diagnostics.reasons:
            number, truth = reason.split()
            row[int(number)] = int(truth)
        yield row


def _when(form: Form) -> Form:
    everyone = {"op": "All"}
    scope = {"principal": everyone, "action": everyone, "resource": everyone}
    return {"effect": "permit", **scope, "conditions": [{"kind": "when", "body": form}]}


def _written(form: Any, values: dict[str, object]) -> Any:
    """The form with the target's `values` in place of what it reads of the target."""
    match form:
        case {".": {"left": {"Var": "resource"}, "attr": str(name)}}:
            if name not in values:
                return {".": {"left": {"Record": {}}, "attr": name}}  # as much of an error
            value = values[name]
            return {"Set": [{"Value": one} for one in value]} if isinstance(value, list) else {"Value": value}
        case {"has": {"left": {"Var": "resource"}, "attr": str(name)}}:
            return {"Value": name in values}
        case dict():
            return {key: _written(part, values) for key, part in form.items()}
        case list():
            return [_written(part, values) for part in form]
        case _:
            return form
