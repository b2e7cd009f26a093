"""Hand-made cases in few words: `sketch({"ana": "CN"}, {"ops": "ana bo"}, ["group:ops read asset:t"])`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .case import Case, Row


def sketch(
    people: Mapping[str, str | Row],
    groups: Mapping[str, str] | None = None,
    grants: Sequence[str] = (),
    *,
    assets: Mapping[str, Row] | None = None,
    policy: str = "",
    settings: Mapping[str, Any] | None = None,
    **tables: list[Row],
) -> Case:
    """`people` by workplace, or by their cells; `groups` by members, persons unless they say `group:`; a grant is
    "HOLDER ACTION TARGET" or "HOLDER ACTION TARGET TERMS". There is one asset, t, unless `assets` tells."""
    rows: dict[str, list[Row]] = {
        "people": [
            {"id": p, **(cells if isinstance(cells, dict) else {"workplace": cells})} for p, cells in people.items()
        ],
        "groups": [
            {"group": g, "member": m if ":" in m else f"person:{m}"}
            for g, members in (groups or {}).items()
            for m in members.split()
        ],
        "assets": [{"id": t, **cells} for t, cells in (assets or {"t": {}}).items()],
        "grants": [dict(zip(("holder", "action", "target", "terms"), g.split(), strict=False)) for g in grants],
        **tables,
    }
    whole = {"name": "A firm", **(settings or {})}
    return Case(tables={name: found for name, found in rows.items() if found}, settings=whole, policy=policy)


def example_one(terms: bool) -> Case:
    """The first worked example of the definition, before and after `two-apart` is put on the grant."""
    people: dict[str, str | Row] = {
        "ana": {"workplace": "CN", "unit": "liaison"},
        "bo": {"workplace": "US", "unit": "ops"},
        **{
            f"trust-{n}": {"workplace": state, "unit": f"trust {n}"}
            for n, state in enumerate(("US", "US", "IE", "SG", "IE"))
        },
    }
    trust = " ".join(p for p in people if p.startswith("trust"))
    return sketch(
        people,
        {"liaison": "ana", "ops": "bo", "trust": trust},
        ["group:ops terminate asset:meetings-us" + (" two-apart" if terms else "")],
        assets={"meetings-us": {}},
        settings={
            "terms": {"two-apart": {"approvals": 2, "approvers": "group:trust", "apart": 2, "distinct": ["unit"]}}
        },
    )


def example_two(apart: int) -> Case:
    """The second: a lead in CN holds `enroll` on the approvers and on the holders."""
    first = example_one(terms=True)
    lead = {"id": "lead", "workplace": "CN", "unit": "leads"}
    enroll = [{"holder": "person:lead", "action": "enroll", "target": f"group:{g}"} for g in ("trust", "ops")]
    terms = {"two-apart": {**first.settings["terms"]["two-apart"], "apart": apart}}
    return Case(
        tables={
            **first.tables,
            "people": [*first.rows("people"), lead],
            "grants": [*first.rows("grants"), *enroll],
        },
        settings={**first.settings, "terms": terms},
    )


def shared_helper() -> Case:
    """Two of {a, b} are needed and one help-desk person may act as both: adding up what each costs says two."""
    return sketch(
        {"spy": "CN", "a": "US", "b": "IE", "desk": "SG"},
        {"board": "a b"},
        ["person:spy read asset:t both", "person:desk assume person:a", "person:desk assume person:b"],
        settings={"terms": {"both": {"approvals": 2, "approvers": "group:board"}}},
    )
