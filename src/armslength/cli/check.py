"""`armslength check`: whether an estate can be read, and what it holds."""

from __future__ import annotations

import argparse

from armslength.cli.screen import Screen
from armslength.estate import Estate, digest
from armslength.store import describe, read


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Problems end the run elsewhere, with status 2; an estate that can be read gives 0, whatever its floors."""
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        progress.doing("computing the digest")
        hashed = digest(parsed.estate)
    screen.warn(parsed.warnings)
    lines = [f"{parsed.estate.settings.name or 'no name'}: {describe(options.estate)} can be read"]
    lines += [f"{what:<12} {count:>11,}" for what, count in _sizes(parsed.estate) if count]
    lines += [f"{'warnings':<12} {len(parsed.warnings):>11,}", f"{'digest':<12} {hashed}"]
    screen.say(lines)
    return 0


def _sizes(estate: Estate) -> list[tuple[str, int]]:
    return [
        ("people", len(estate.people.ids)),
        ("entities", len(estate.entities.ids)),
        ("journeys", len(estate.travel)),
        ("declared", len(estate.declared)),
        ("groups", len(estate.groups.ids)),
        ("unknown", len(estate.groups.unknown)),
        ("memberships", len(estate.groups.row)),
        ("assets", len(estate.assets.ids)),
        ("classes", len(estate.classes)),
        ("grants", len(estate.grants)),
        ("terms", len(estate.settings.terms)),
        ("policies", len(estate.policy.ids) if estate.policy is not None else 0),
        ("floors", len(estate.settings.floors)),
    ]
