"""Documents that are no export, were cut off, or were made to hurt: an error that says where, never another one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError
from tests.intake.kubernetes.clusters import (
    binding,
    harvest_of,
    harvested,
    listed,
    members,
    pod,
    role,
    rule,
    space,
    thing,
)

GOOD = [
    space("a", "baseline"),
    pod("a", hostPID=True, volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
    thing("ServiceAccount", "bot", "a", secrets=[{"name": "bot-token-x"}], annotations={"x": "y"}),
    thing("Secret", "s", "a", type="Opaque"),
    role("can", rule("get create", "secrets pods", ",apps", "s"), rule("get", paths="/metrics"), labels={"x": "y"}),
    role("sum", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}),
    role("local", rule("bind escalate", "roles", "rbac.authorization.k8s.io"), namespace="a"),
    binding("can", "User:ana", "Group:ops", "ServiceAccount:a:bot", namespace="a"),
    binding("sum", "User:ana"),
    binding("local", "Group:system:unauthenticated", namespace="a", kind="Role"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def taken(*files: bytes) -> Harvest | None:
    try:
        return harvest_of(*files)
    except IntakeError as error:
        assert error.problems
        return None


def refusal(*files: bytes) -> str:
    with pytest.raises(IntakeError) as refused:
        harvest_of(*files)
    return str(refused.value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        found += places(part, (*path, key))
    return found


PLACES = places(GOOD)[1:]


@given(VALUES)
def test_any_json_is_taken_or_refused(value: Any) -> None:
    taken(json.dumps(value).encode())
    taken(json.dumps({"kind": "List", "items": value}).encode())
    taken(listed([{"kind": kind, **value} for kind in ("Role", "Pod")] if isinstance(value, dict) else []))


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    taken(data)


@given(st.sampled_from(PLACES), VALUES, st.booleans())
def test_a_good_export_with_anything_anywhere_is_taken_or_refused(
    path: tuple[Any, ...], value: Any, drop: bool
) -> None:
    changed: Any = copy.deepcopy(GOOD)
    into = changed
    for key in path[:-1]:
        into = into[key]
    if drop:
        del into[path[-1]]
    else:
        into[path[-1]] = value
    taken(listed(changed))


def test_yaml_and_json_in_any_number_of_files_say_the_same() -> None:
    def rows(harvest: Harvest) -> dict[str, set[tuple[str, ...]]]:
        return {t: {r[:-1] for r in harvest.rows(t)} for t in ("groups", "grants", "accounts", "unknown", "known")}

    whole = rows(harvest_of(listed(GOOD)))
    assert rows(harvest_of(*(json.dumps(one).encode() for one in GOOD))) == whole
    assert rows(harvest_of(yaml.safe_dump_all(GOOD).encode())) == whole
    assert rows(harvest_of(yaml.safe_dump({"kind": "List", "items": GOOD}).encode())) == whole
    typed = [{key: value for key, value in one.items() if key not in ("kind", "apiVersion")} for one in GOOD[4:6]]
    of_kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleList", "items": typed}
    assert rows(harvest_of(listed(GOOD[:4] + GOOD[6:]), json.dumps(of_kind).encode())) == whole


def test_what_is_wrong_is_told_with_its_path() -> None:
    assert "kubectl get roles" in refusal(listed([space("a")]))
    assert "no ClusterRole" in refusal(listed([binding("x")]))
    bad = binding("can", "User:ana")
    bad["subjects"][0]["kind"] = "Robot"
    said = refusal(listed([*GOOD[4:5], bad, role("b/c"), binding("can", "User:x\ny")]))
    assert "$.items[1].subjects[0].kind" in said and "$.items[2].metadata.name" in said
    assert "$.items[3].subjects[0].name" in said
    assert "one cluster" in refusal(listed(GOOD), listed(GOOD))


def test_names_of_users_and_groups_may_hold_anything_that_can_be_printed() -> None:
    odd = "https://login.example.com/a#b c'\"é,=1+1"
    harvest = harvested(*GOOD[4:5], binding("can", f"User:{odd}", f"Group:{odd}"))
    assert members(harvest, "k/clusterrole/can") == {f"k/user/{odd}", f"k/group/{odd}"}


def test_roles_that_take_each_other_over_come_to_an_end() -> None:
    both = {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}
    roles = [role(name, rule("get", "pods"), labels={"x": "y"}, aggregationRule=both) for name in "ab"]
    assert harvested(*roles, binding("a", "User:ana"), binding("b", "User:ana")).count("grants")


def test_very_many_roles_that_take_others_over_are_refused() -> None:
    def taking(place: int) -> Any:
        labels = {"x": str(place)}
        return role(f"r{place}", labels=labels, aggregationRule={"clusterRoleSelectors": [{"matchLabels": labels}]})

    objects = [taking(place) for place in range(4_500)]
    assert "taken over" in refusal(listed([*objects, *(binding(f"r{place}", "User:a") for place in range(4_500))]))
