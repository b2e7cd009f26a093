"""`armslength verify EVIDENCE --policy FILE`: what a file of evidence proves, to whoever trusts the policy's keys."""

from __future__ import annotations

import argparse

from armslength.cli.screen import Screen
from armslength.service import Refusal, check_evidence
from armslength.tlog import Malformed, Policy


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Takes `options.given`, the file, and `options.policy`. Gives 1 if the evidence does not prove what it claims."""
    verdict = check_evidence(_read(options.given), _policy(options.policy))
    if verdict.origin is None:
        screen.say(["proves nothing: " + "; ".join(verdict.words)])
        return 1
    screen.say(["proven, by the keys of your policy:", *(f"  {words}" for words in verdict.words)])
    if verdict.lacks is not None:
        screen.say([f"claimed and not shown: {verdict.lacks}"])
    return 0 if verdict.stands else 1


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refusal([f"{name!r} cannot be read: {Screen.reason(error)}"]) from None


def _policy(name: str) -> Policy:
    try:
        return Policy.parse(_read(name))
    except Malformed as error:
        raise Refusal([f"{name}: {line}" for line in str(error).splitlines()]) from None
