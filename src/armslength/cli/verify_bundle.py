"""`armslength verify BUNDLE`: whether a customer was shown every record about them.

A customer runs it for a bundle of any size and waits for it, so it loads the ledger and nothing of estates and reach.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from armslength.cli.bundle_words import document, lines
from armslength.cli.screen import Screen
from armslength.ledger import (
    BundleVerdict,
    NotReadable,
    Saved,
    format_saved,
    parse_base64url,
    parse_bundle,
    parse_saved,
    verify_bundle,
)
from armslength.tlog import Malformed, Policy

_T = TypeVar("_T")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a check fails, 2 if something cannot be read. Nothing is saved then."""
    # Millions of values are made and none is dropped before the end: looking for some that were takes as long again.
    gc.disable()
    try:
        policy = _read(options.policy, "policy", Policy.parse)
        saved = None if options.saved is None else _read(options.saved, "saved file", parse_saved)
        customer = None if options.customer is None else _handle(options.customer)
        with screen.progress("reading the bundle") as progress:
            bundle = _read(options.given, "bundle", parse_bundle)
            progress.doing("verifying the bundle")
            verdict = verify_bundle(bundle, policy=policy, saved=saved, customer=customer, now=int(time.time()))
    except NotReadable as error:
        for problem in error.problems:
            screen.complain(problem)
        return 2
    finally:
        gc.enable()
    if options.format == "json":
        screen.write([document(verdict)])
    else:
        screen.say(lines(verdict, screen.width()))
    _save(options, verdict, saved, screen)
    return 0 if verdict.holds else 1


def _save(options: argparse.Namespace, verdict: BundleVerdict, saved: Saved | None, screen: Screen) -> None:
    if options.save is None:
        return
    if verdict.worth_saving is None:
        because = (
            "something does not hold" if not verdict.holds else f"this bundle is not connected to {options.saved!r}"
        )
        screen.note(f"{options.save!r} was not written: {because}")
        return
    from armslength.service import write_file

    write_file(options.save, [format_saved(verdict.worth_saving)])


def _read(name: str, what: str, parse: Callable[[bytes], _T]) -> _T:
    """What the file holds; `-` is standard input."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(name, "rb") as file:
                data = file.read()
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        said = Screen.reason(error) if isinstance(error, OSError) else str(error)
        raise NotReadable([f"{name!r} cannot be read: {said}"]) from None
    try:
        return parse(data)
    except NotReadable as error:
        raise NotReadable([f"{name!r} is no {what}: {problem}" for problem in error.problems]) from None
    except Malformed as error:
        raise NotReadable([f"{name!r} is no {what}: {problem}" for problem in str(error).splitlines()]) from None


def _handle(text: str) -> bytes:
    try:
        return parse_base64url(text, 32)
    except Malformed as error:
        raise NotReadable([f"--customer: {error}"]) from None
