"""Who names a group or a person: what an edit that takes one away has to ask."""

from __future__ import annotations

import numpy as np

from armslength.estate.cedar_text import spoken, statements
from armslength.estate.columns import POLICY, SETTINGS
from armslength.estate.model import Estate, Kind, Ref
from armslength.estate.problem import Problem


def named_groups(estate: Estate) -> dict[int, str]:
    """Every group that a grant, another group, terms, a cost or a policy names, with the file that does."""
    grants, groups = estate.grants, estate.groups
    found: dict[int, str] = {}
    grants_file, groups_file = estate.tables["grants"].file, estate.tables["groups"].file
    for index in np.unique(grants.holder[grants.holder_kind == Kind.GROUP]).tolist():
        found[index] = grants_file
    for index in np.unique(grants.target[grants.target_kind == Kind.GROUP]).tolist():
        found[index] = grants_file
    for index in np.unique(groups.member[groups.member_kind == Kind.GROUP]).tolist():
        found[index] = groups_file
    for terms in estate.settings.terms:
        for ref in (terms.approvers, *(place.of for place in terms.places)):
            if ref.kind is Kind.GROUP:
                found[ref.index] = SETTINGS
    places = {name: index for index, name in enumerate(groups.ids)}
    for key in estate.settings.costs:
        word, _, name = key.partition(" ")[2].partition(":")
        if word == "group":
            found[places[name]] = SETTINGS
    for name, _ in policy_names(estate, "Group"):
        found[places[name]] = POLICY
    return found


def names_of_person(estate: Estate, person: int) -> list[Problem]:
    """What terms and policies say of a person, as the problems that they are once the person is gone."""
    name = estate.people.ids[person]
    wanted = Ref(kind=Kind.PERSON, index=person)
    problems = [
        Problem(
            file=SETTINGS,
            column=f"terms.{terms.id}",
            message=f"names person {name!r}, who leaves: name someone else first",
        )
        for terms in estate.settings.terms
        if wanted in (terms.approvers, *(place.of for place in terms.places))
    ]
    return problems + [
        Problem(file=POLICY, line=line, message=f"names Person {name!r}, who leaves: name someone else first")
        for named, line in policy_names(estate, "Person")
        if named == name
    ]


def policy_names(estate: Estate, kind: str) -> list[tuple[str, int]]:
    """`(id, line)` of each entity literal of a type in the policies."""
    if estate.policy is None:
        return []
    found = [e for s in statements(estate.policy.text) for e in s.entities() if e[0] == kind]
    meant = spoken([value for _, _, value in found])
    return [(meant[value.text], first.line) for _, first, value in found]
