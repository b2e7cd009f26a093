"""The forty Cedar policies of the invented firm: ordinary access by group, unit, employer and class; access to vaults
with terms; two permits that leak; and three forbids."""

from __future__ import annotations

import numpy as np

from benchmarks.firm import Firm
from benchmarks.vaults import Controls

ORDINARY_CLASSES = tuple(f"class-{number:02d}" for number in range(24))


def policies(firm: Firm, built: Controls, rng: np.random.Generator) -> str:
    """The text of policy.cedar."""
    made: list[str] = []

    def permit(scope: str, condition: str = "", terms: str = "") -> None:
        note = f'@terms("{terms}")\n' if terms else ""
        made.append(f'@id("p{len(made):02d}")\n{note}permit ({scope}){condition};\n')

    def forbid(scope: str, condition: str) -> None:
        made.append(f'@id("f{len(made):02d}")\nforbid ({scope}){condition};\n')

    def some_class() -> str:
        return f'resource in Class::"{ORDINARY_CLASSES[int(rng.integers(len(ORDINARY_CLASSES)))]}"'

    look = 'action in [Action::"read", Action::"list"]'
    for number in range(14):
        group = firm.projects[int(rng.integers(len(firm.projects)))] if number % 2 else f"unit-{number % 8:03d}"
        permit(f'principal in Group::"{group}", {look}, {some_class()}')
    for number in range(4):
        permit(f"principal, {look}, {some_class()}", f' when {{ principal.unit == "unit-{number:03d}" }}')
    for code in ("de", "in", "us"):
        here = f'principal.entity == "firm-{code}" && resource.hosted_in.contains("{code.upper()}")'
        permit(f'principal, action == Action::"write", {some_class()}', f" when {{ {here} }}")
    for name in ("ticket", "incident", "case"):
        permit(f'principal, action == Action::"read", {some_class()}', f' when {{ context.{name} != "" }}')
    for code in ("CN", "RU", "AE"):
        calm = f'context.risk < 3 && !principal.states.contains("{code}")'
        permit(f'principal in Group::"staff", action == Action::"export", {some_class()}', f" when {{ {calm} }}")
    for number in range(8):
        vault = built.vaults[number % len(built.vaults)]
        tag = vault.removeprefix("vault-")
        terms = next(one.id for one in built.terms if one.id.startswith(f"strict-{tag}"))
        who = f'principal in Group::"holders-{tag}-{number // len(built.vaults) % 3}"'
        permit(f'{who}, action == Action::"export", resource in Asset::"{vault}"', terms=terms)
    for vault in built.vaults[-2:]:
        tag = vault.removeprefix("vault-")
        permit(
            f'principal in Group::"platform-{tag}", action == Action::"read", resource in Asset::"{vault}"',
            ' when { resource.hosted_in.contains("DE") || resource.hosted_in.contains("SG") }',
        )
    forbid("principal, action, resource is Asset", " when { resource.shielded_from.containsAny(principal.states) }")
    forbid('principal, action, resource in Class::"payment-data"', ' when { principal.states.contains("RU") }')
    forbid("principal, action, resource is Asset", " when { context.unmanaged_device }")
    return "\n".join(made)
