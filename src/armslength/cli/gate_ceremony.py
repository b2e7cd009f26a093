"""`armslength gate ceremony`: holds a key ceremony with two people who confirm each step, and keeps its transcript."""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from armslength.cli.screen import Screen
from armslength.gate import GateError, PersonId, Rejected, Tampered
from armslength.service import (
    SCRIPTS,
    AppendError,
    Ceremony,
    CeremonyRoom,
    Refusal,
    Step,
    ceremony_record,
    checklist_html,
    checklist_markdown,
    open_gate,
    read_transcript,
    recorded_again,
    transcript_digest,
)
from armslength.store import StoreError, read_gate_folder

LOOK = 1.0
"""Seconds between looks for what people do themselves."""
Found = Callable[[argparse.Namespace, Screen], int]


class _BrokenOff(Exception):
    """Somebody said stop, or nobody says anything any more."""


def ceremony(options: argparse.Namespace, screen: Screen, *, found: Found) -> int:
    """As `_ceremony`; a ledger that takes nothing is told as what it is."""
    try:
        return _ceremony(options, screen, found)
    except AppendError as error:
        raise Refusal([f"the ledger records nothing: {error}"]) from None


def _ceremony(options: argparse.Namespace, screen: Screen, found: Found) -> int:
    """0 where it was held to its end, or the transcript is the one that the ledger knows; 1 where not. `found` is how
    the first passkeys come in."""
    path = Path(options.folder)
    if options.print:
        return _print(options, screen)
    if options.verify:
        return _verify(options, path, screen)
    room = [PersonId(each.removeprefix("person:")) for each in options.present]
    _started_once(options, path)
    with CeremonyRoom(path, clock=time.time, chance=secrets.token_bytes) as held:
        if options.abandon:
            going = held.resume(room)
            if not options.why:
                raise Refusal(["why is it given up? --why TEXT: it stands in the transcript"])
            return _told(*going.abandon(options.why), screen)
        if options.resume:
            before = held.unfinished()
            if before is not None:
                screen.say(
                    [f"{before.path.stem}; its last line was {before.shown}", "is that what you wrote on the paper?"]
                )
                if _line() != "yes":
                    raise Refusal(["not confirmed: do not go on; find out who was at the transcript"])
            going = held.resume(room)
        else:
            if options.kind is None:
                raise Refusal([f"which ceremony? one of {', '.join(SCRIPTS)}, or --resume"])
            going = held.begin(options.kind, options.people, room)
        try:
            _hold(options, going, screen, found)
        except (_BrokenOff, KeyboardInterrupt):
            _broken_off(going, screen)
            return 1
        except (AppendError, GateError, Refusal, StoreError):
            _broken_off(going, screen)
            raise
        return _told(*going.finish(), screen)


def _broken_off(going: Ceremony, screen: Screen) -> None:
    screen.note(f"broken off; write this on the paper: {going.transcript.shown}")
    screen.note("go on with --resume, or give it up with --abandon; no key is half made")


def _started_once(options: argparse.Namespace, path: Path) -> None:
    """A gate that was just made adopts its estate at its first start: before that nobody is in it."""
    if options.kind == "found":
        with contextlib.suppress(StoreError), contextlib.closing(open_gate(path)):
            pass


def _print(options: argparse.Namespace, screen: Screen) -> int:
    script = SCRIPTS.get(options.kind or "")
    if script is None:
        raise Refusal([f"which checklist? one of {', '.join(SCRIPTS)}"])
    gate = read_gate_folder(Path(options.folder), secrets=False).settings.origin
    made = checklist_html if options.print == "html" else checklist_markdown
    screen.write([made(script, gate=gate)])
    return 0


def _verify(options: argparse.Namespace, path: Path, screen: Screen) -> int:
    file = Path(options.verify)
    try:
        transcript = read_transcript(file)
    except Tampered as error:
        screen.say([f"PROBLEM: {error}"])
        return 1
    digest = transcript_digest(file)
    entry = ceremony_record(read_gate_folder(path, secrets=False), digest)
    over = transcript.lines and transcript.lines[-1].get("line") in ("over", "abandoned")
    if entry is not None:
        screen.say([f"{len(transcript.lines)} lines; entry {entry} of the ledger holds its SHA-256 {digest}"])
        return 0
    if not over:
        screen.say([f"PROBLEM: it was broken off after {len(transcript.lines)} lines, and is on no record"])
        return 1
    screen.say([f"PROBLEM: the ledger holds no SHA-256 {digest}"])
    if options.record:
        with CeremonyRoom(path, clock=time.time, chance=secrets.token_bytes) as held:
            return _told(*recorded_again(held, file), screen)
    return 1


def _told(digest: str, printed: Path, recorded: bool, screen: Screen) -> int:
    screen.say([f"transcript: {printed}", f"SHA-256: {digest}"])
    screen.note("the ledger has it" if recorded else "the gate that runs will record it; look with --verify")
    return 0


# Step by step


def _hold(options: argparse.Namespace, going: Ceremony, screen: Screen, found: Found) -> None:
    state = going.state
    screen.say([state.script.title, state.script.why, f"in the room: {', '.join(state.room)}", ""])
    number, all_steps = len(state.confirmed), len(state.script.steps)
    while (step := going.next()) is not None:
        number += 1
        screen.say([f"[{number}/{all_steps}] {step.title}", f"    {step.says}"])
        if step.act:
            _act(options, going, screen, found)
        read: Mapping[str, str] = going.read() if step.read or step.act else {}
        screen.say(f"    read aloud: {name}: {value}" for name, value in read.items())
        _confirmed(going, step, read, screen)


def _act(options: argparse.Namespace, going: Ceremony, screen: Screen, found: Found) -> None:
    state = going.state
    match state.script.kind:
        case "found":
            holding = {name.partition(", ")[0] for name in going.read()}
            left = [person for person in state.people if person not in holding]
            if left:
                found(argparse.Namespace(folder=options.folder, people=left, listen=options.listen), screen)
            going.acted()
        case "spare":
            screen.say(["    waiting until it counts; Ctrl-C breaks off"])
            while not going.is_done():
                time.sleep(LOOK)
            going.acted()
        case _:
            _answered(f"    type do, and {state.script.title.lower()} is done", "do", screen)
            going.act()
            screen.say(["    done"])


def _confirmed(going: Ceremony, step: Step, read: Mapping[str, str], screen: Screen) -> None:
    both = going.state.room[:2]
    for person in both:
        _answered(f"    {person}: type your own id to confirm, or stop", person, screen)
    try:
        going.confirm(step, both, read)
    except Rejected as error:
        raise Refusal(list(error.problems)) from None


def _answered(question: str, expected: str, screen: Screen) -> None:
    while True:
        screen.say([question])
        said = _line()
        if said == expected:
            return
        if said in ("stop", None):
            raise _BrokenOff


def _line() -> str | None:
    line = sys.stdin.readline()
    return line.strip() if line else None
