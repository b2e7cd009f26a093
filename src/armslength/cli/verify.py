"""`armslength verify`: a customer's bundle, a monitor's evidence, or the derivations of a printed answer, checked
without trust in who made them."""

from __future__ import annotations

import argparse

from armslength.cli.screen import Screen

_OF_A_BUNDLE = ("policy", "customer", "saved", "save")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if something does not hold, 2 if it cannot be read. Each half loads only what it needs."""
    given = [name for name in _OF_A_BUNDLE if getattr(options, name) is not None]
    if options.page is not None:
        if options.given is not None or given:
            screen.complain("--page goes alone: it writes the page that verifies bundles")
            return 2
        from armslength.cli import verify_page

        return verify_page.run(options, screen)
    if options.given is None:
        screen.complain("expected a bundle and --policy FILE, or an estate and an answer: see armslength verify --help")
        return 2
    if options.file is not None:
        if given:
            screen.complain(f"--{given[0]} goes with a bundle, not with an estate and an answer")
            return 2
        from armslength.cli import verify_answer

        options.estate = options.given
        return verify_answer.run(options, screen)
    if options.policy is None:
        screen.complain(
            "expected --policy FILE with a bundle, since whom you trust is yours to say, or an estate and an answer"
        )
        return 2
    if _is_evidence(options.given):
        alone = next((name for name in given if name != "policy"), None)
        if alone is not None:
            screen.complain(f"--{alone} goes with a bundle, not with evidence")
            return 2
        from armslength.cli import verify_evidence

        return verify_evidence.run(options, screen)
    from armslength.cli import verify_bundle

    return verify_bundle.run(options, screen)


def _is_evidence(name: str) -> bool:
    """Whether a file begins as evidence does: its format is its first member (docs/formats/evidence.md). What cannot be
    read is for the reader of bundles to say."""
    if name == "-":
        return False
    try:
        with open(name, "rb") as file:
            return b'"armslength.evidence/v1"' in file.read(100)
    except (OSError, ValueError):  # ValueError: NUL in the name
        return False
