"""Random Cedar policies over the people, groups, assets and terms of a random estate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a policy may name."""

    people: list[str]
    groups: list[str]
    assets: list[str]
    classes: list[str]
    terms: list[str]
    countries: list[str]
    entities: list[str]


def random_policy(random: Random, names: Names) -> str:
    """One to three permits and up to two forbids, each with an `@id` of its own."""

    def person() -> str:
        return _uid(random, "Person", names.people)

    def group() -> str:
        return _uid(random, "Group", names.groups)

    def asset() -> str:
        return _uid(random, "Asset", names.assets)

    def principal() -> str:
        return random.choices(
            [
                "principal",
                f"principal == {person()}",
                f"principal in {group()}",
                f"principal is Person in {group()}",
            ],
            [2, 2, 5, 1],
        )[0]

    def scope() -> tuple[str, str]:
        """Action and resource, of a kind that go together more often than not."""
        shape = random.randrange(12)
        if shape < 6:
            action = random.choice(
                [
                    'action == Action::"read"',
                    'action == Action::"read"',
                    'action in [Action::"read", Action::"export"]',
                    'action == Action::"delete"',
                    'action == Action::"use"',
                ]
            )
        elif shape < 8:
            return "action", random.choice(["resource", "resource is Asset", f"resource == {asset()}"])
        elif shape == 8:
            return 'action == Action::"enroll"', random.choice([f"resource == {group()}", "resource is Group"])
        elif shape == 9:
            targets = [f"resource == {person()}", f"resource in {group()}"]
            return 'action == Action::"assume"', random.choice([*targets, f"resource == {group()}"])
        elif shape == 10 and names.terms:
            return 'action == Action::"amend"', f"resource == {_uid(random, 'Terms', names.terms)}"
        else:
            action = 'action == Action::"operate"'
        resources = [f"resource == {asset()}", f"resource in {asset()}"]
        resources += [f"resource in {_uid(random, 'Class', names.classes)}"] * 2 if names.classes else []
        return action, random.choice([*resources, "resource"])

    def condition() -> str:
        place = json.dumps(random.choice(names.countries))
        return random.choices(
            [
                "context.ticket",
                'context has ticket && context.ticket == "t1"',
                "principal.states.containsAny(resource.shielded_from)",
                f"principal.states.contains({place})",
                f"resource.hosted_in.contains({place})",
                f"principal in {group()} && principal in {group()}",
                f"principal in {group()} || context.urgent",
                f"!(principal in {group()})",
                'principal.unit == "u1"',
                f"principal.entity == {json.dumps(random.choice([*names.entities, '']))}",
                "principal in resource",
                f"principal == {person()}",
                'action == Action::"read"',
                "principal == resource",
                "resource.shielded_from == []",
            ],
            [3, 1, 4, 3, 2, 4, 1, 3, 3, 1, 1, 1, 1, 1, 1],
        )[0]

    def conditions(share: float) -> str:
        parts: list[str] = []
        while random.random() < share and len(parts) < 2:
            parts.append(f" {random.choice(('when', 'when', 'unless'))} {{ {condition()} }}")
        return "".join(parts)

    lines = []
    for n in range(random.randint(1, 3)):
        carried = f' @terms("{random.choice(names.terms)}")' if names.terms and random.random() < 0.75 else ""
        action, resource = scope()
        lines.append(f'@id("p{n}"){carried} permit ({principal()}, {action}, {resource}){conditions(0.55)};')
    for n in range(random.choice((0, 1, 1, 2))):
        action, resource = random.choice([("action", "resource"), ("action", "resource"), scope()])
        who = random.choice(["principal", "principal", "principal", principal()])
        lines.append(f'@id("f{n}") forbid ({who}, {action}, {resource}){conditions(0.9)};')
    random.shuffle(lines)
    return "\n".join(lines) + "\n"


def _uid(random: Random, kind: str, names: list[str]) -> str:
    return f"{kind}::{json.dumps(random.choice(names), ensure_ascii=False)}"
