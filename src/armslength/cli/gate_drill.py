"""`armslength gate drill`: rehearses the emergency terms on the gate that runs, and opens nothing."""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from armslength.cli.screen import Screen
from armslength.gate import PersonId, Tampered, Target, format_moment, moment, posix
from armslength.service import (
    DrillDesk,
    DrillPlan,
    DrillRecord,
    DrillReview,
    DrillStanding,
    DrillWanted,
    KnownGate,
    LastDrill,
    Refusal,
    known_gate,
    plan_drill,
    protocol_digest,
    protocol_document,
    protocol_text,
    protocols,
    read_drills,
)
from armslength.store import read_gate_folder, replace_file

LOOK = 0.5
"""Seconds between looks at what the gate has taken up."""
TAKEN_UP = 30.0
"""Seconds for the gate to take up what was handed to it."""
CHECKS = (
    "whoever looks after the gate knows that this is a drill, and keeps watching for real alarms",
    "people were told, in another way, that a drill stands under /drills alone and opens nothing",
    "people know that a request under /requests is never a drill, whatever somebody says of it",
    "it is not a time at which a drill would do harm",
)


def drill(options: argparse.Namespace, screen: Screen) -> int:
    """0 where a quorum signed, or could be made (`--dry-run`); 1 where not."""
    folder = read_gate_folder(Path(options.folder))
    with contextlib.closing(DrillDesk(folder)) as desk:
        if options.last:
            return _last(options, desk, screen)
        if options.resume or options.end:
            standing = desk.standing()
            if standing is None:
                raise Refusal(["no drill is known here; the ledger tells of those that are over: --last"])
            return _followed(options, desk, standing, screen)
        given = known_gate(folder)
        plan = plan_drill(given, _wanted(options))
        if options.dry_run or not options.json:
            _show_plan(options, plan, screen)
        if options.dry_run:
            return 0 if plan.quorums else 1
        _check(options, screen)
        made = desk.announce(
            plan,
            organiser=_organiser(options),
            purpose=options.purpose,
            hours=24 * options.days,
            chance=secrets.token_bytes,
        )
        screen.note(f"announced {made.id}; follow it with --resume, here or in another terminal, and end it with --end")
        standing = _taken_up(desk, screen)
        return _followed(options, desk, standing, screen)


def _wanted(options: argparse.Namespace) -> DrillWanted:
    kind, _, id = (options.on or "").partition(":")
    if options.on and not id:
        raise Refusal([f"--on {options.on!r}: expected TYPE:ID, such as asset:meetings-us"])
    return DrillWanted(
        terms=options.terms,
        executor=None if options.who is None else PersonId(options.who.removeprefix("person:")),
        action=options.action,
        resource=Target(type=kind, id=id) if options.on else None,
    )


def _organiser(options: argparse.Namespace) -> str:
    if not options.by:
        raise Refusal(["who holds this drill? give --by PERSON: it stands in what everybody signs"])
    return str(options.by).removeprefix("person:")


def _check(options: argparse.Namespace, screen: Screen) -> None:
    _organiser(options)
    if options.yes:
        return
    screen.say(["", "before anybody is told, confirm each of these with yes:"])
    for check in CHECKS:
        if _asked(screen, f"[ ] {check}").lower() != "yes":
            raise Refusal(["not confirmed: nobody was told of anything"])


# Following


def _taken_up(desk: DrillDesk, screen: Screen) -> DrillStanding:
    end = time.monotonic() + TAKEN_UP
    while time.monotonic() < end:
        standing = desk.standing()
        if standing is not None and standing.refused is not None:
            raise Refusal([f"the gate does not take this drill up: {standing.refused}"])
        if standing is not None and standing.announced is not None:
            return standing
        time.sleep(LOOK)
    raise Refusal(["the gate does not take the drill up: is it running? Start it, then go on with --resume"])


def _followed(options: argparse.Namespace, desk: DrillDesk, standing: DrillStanding, screen: Screen) -> int:
    if standing.announced is None:
        standing = _taken_up(desk, screen)
    told: set[str] = set()
    waits = not options.no_wait and not options.end
    if waits and not options.json:
        screen.note("waiting for people; Ctrl-C leaves the drill running")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for mark, line in _news(desk, standing):
                if mark not in told and not options.json:
                    screen.say([line])
                told.add(mark)
            if not waits or standing.closed or _done(standing, desk.now()):
                break
            time.sleep(LOOK)
            standing = desk.standing() or standing
    over = standing.closed or _done(standing, desk.now())
    if not (over or options.end):
        screen.note(f"{standing.drill.id} goes on; follow it with --resume, end it with --end")
        return 0 if standing.quorum else 1
    return _ended(options, desk, standing, screen)


def _done(standing: DrillStanding, now: int) -> bool:
    """Whether nothing more is to be waited for: time is over, or there is a quorum and everybody was told."""
    everybody = all(person in standing.acknowledged for person in standing.concerned)
    return posix(standing.drill.expires) <= now or (standing.quorum is not None and everybody)


def _news(desk: DrillDesk, standing: DrillStanding) -> Iterable[tuple[str, str]]:
    start = standing.announced or 0
    lines = [(start, "announced", f"announced to {len(standing.concerned)} people")]
    for person, sent in desk.sent(standing).items():
        if sent.at is not None:
            lines.append((sent.at, f"sent {person}", f"the notice to {person} was taken by a channel"))
        elif sent.problem:
            lines.append((start, f"failed {person}", f"the notice to {person} was NOT taken: {sent.problem}"))
    lines += [(at, f"told {who}", f"{who} says that they were told") for who, at in standing.acknowledged.items()]
    lines += [(at, f"signed {who}", f"{who} signed") for who, at in standing.signed.items()]
    if standing.quorum is not None:
        lines.append((standing.quorum_at or start, "quorum", f"QUORUM: {', '.join(standing.quorum)}"))
    for at, mark, text in sorted(lines):
        yield mark, f"{format_moment(moment(at))}  +{max(0, at - start):>6} s  {text}"


# The end


def _ended(options: argparse.Namespace, desk: DrillDesk, standing: DrillStanding, screen: Screen) -> int:
    given = known_gate(desk.folder)
    record = _record(given, standing.drill.id)
    lacks = _lacks(given, record)
    sent = desk.sent(standing)
    if standing.closed:
        screen.note(
            f"{record.drill.id} is over already; the ledger has SHA-256 {record.transcript or 'of no protocol'}"
        )
        if options.json:
            screen.write([json.dumps(protocol_document(record, sent, lacks, None), indent=2) + "\n"])
        return 0 if record.met else 1
    review = _review(options, given, record, screen)
    text = protocol_text(record, sent, lacks, review)
    place = Path(options.protocol) if options.protocol else protocols(desk.folder) / f"{record.drill.id}.md"
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal([f"cannot write into {place.parent}: {Screen.reason(error)}"]) from None
    replace_file(place, text.encode(), mode=0o600)
    desk.end(record.drill, outcome="met" if record.met else "not met", transcript=protocol_digest(text))
    end = time.monotonic() + TAKEN_UP
    while time.monotonic() < end and not (standing.closed or posix(standing.drill.expires) + 5 < desk.now()):
        time.sleep(LOOK)
        standing = desk.standing() or standing
    if standing.closed:
        screen.note(f"wrote {place}; the ledger has its SHA-256 {protocol_digest(text)}")
    else:
        screen.warn([f"wrote {place}; the gate has not recorded its SHA-256 yet: is it running?"])
    if options.json:
        screen.write(
            [json.dumps(protocol_document(_record(given, record.drill.id), sent, lacks, review), indent=2) + "\n"]
        )
    else:
        screen.say(["", *text.splitlines()])
    return 0 if record.met else 1


def _record(given: KnownGate, id: str) -> DrillRecord:
    for record in read_drills(given):
        if record.drill.id == id:
            return record
    raise Refusal([f"the ledger tells of no drill {id}"])


def _lacks(given: KnownGate, record: DrillRecord) -> tuple[str, ...]:
    drill = record.drill
    wanted = DrillWanted(terms=drill.terms, executor=drill.executor, action=drill.action, resource=drill.resource)
    try:
        return plan_drill(given, wanted).lacks
    except Refusal as error:
        return tuple(error.problems)


def _review(options: argparse.Namespace, given: KnownGate, record: DrillRecord, screen: Screen) -> DrillReview:
    """Somebody says what they found; not who held the drill."""
    reviewer = options.reviewer or _asked(screen, "who reviews this drill? (a person of the estate, not who held it)")
    reviewer = reviewer.removeprefix("person:")
    problems = []
    if not given.decider.roster.knows(PersonId(reviewer)):
        problems.append(f"{reviewer[:40]!r} is not in the people table")
    if reviewer in (record.drill.organiser, record.drill.executor):
        problems.append("nobody reviews a drill that they held or played in")
    if problems:
        raise Refusal(problems)
    failed, todo = tuple(options.failed), tuple(options.todo)
    if not options.yes:
        failed += _listed(screen, "what failed besides what shows? (a line each, an empty one ends)")
        todo += _listed(screen, "what will be done about it, by whom, until when? (a line each, an empty one ends)")
    return DrillReview(failed=failed, todo=todo, reviewer=reviewer)


def _listed(screen: Screen, question: str) -> tuple[str, ...]:
    screen.say([question])
    found: list[str] = []
    while line := sys.stdin.readline().strip():
        found.append(line)
    return tuple(found)


def _asked(screen: Screen, question: str) -> str:
    screen.say([question])
    return sys.stdin.readline().strip()


# Showing


def _show_plan(options: argparse.Namespace, plan: DrillPlan, screen: Screen) -> None:
    if options.json:
        screen.write([json.dumps(_plan_document(plan), indent=2) + "\n"])
        return
    from rich.table import Table

    table = Table(
        title="A drill: it opens nothing", title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    terms = plan.terms
    for name, value in (
        ("rehearsed", f"{plan.executor} does {plan.action} on {plan.resource}"),
        ("terms", f"{terms.id}: {terms.approvals} approvals, at least {terms.apart} apart of every state"),
        ("told", f"{len(plan.concerned)} people"),
        ("could sign now", ", ".join(plan.could) or "nobody"),
        ("enough, for example", "; or ".join(" and ".join(some) for some in plan.quorums) or "nobody"),
        ("away", ", ".join(plan.away) or "nobody"),
        ("without a passkey", ", ".join(plan.keyless) or "nobody"),
        ("with one passkey alone", ", ".join(plan.single) or "nobody"),
    ):
        table.add_row(name, value)
    screen.show(table)
    screen.say(f"lacks: {each}" for each in plan.lacks)


def _plan_document(plan: DrillPlan) -> dict[str, object]:
    return {
        "action": plan.action,
        "away": plan.away,
        "concerned": plan.concerned,
        "could": plan.could,
        "estate": plan.estate,
        "executor": plan.executor,
        "lacks": plan.lacks,
        "one_passkey": plan.single,
        "quorums": plan.quorums,
        "resource": str(plan.resource),
        "terms": plan.terms.id,
        "without_passkey": plan.keyless,
    }


def _last(options: argparse.Namespace, desk: DrillDesk, screen: Screen) -> int:
    """Every drill that the ledger tells of; where the gate forgot the last one, it is told again."""
    records = read_drills(known_gate(desk.folder))
    newest = max((each for each in records if each.closed is not None), key=_closed, default=None)
    if newest is not None:
        try:
            held = desk.last()
        except Tampered:
            held = None
        if held is None or held.at < _closed(newest):
            last = LastDrill(id=newest.drill.id, at=_closed(newest), terms=newest.drill.terms, met=newest.met)
            desk.remember(last)
    if options.json:
        screen.write([json.dumps([protocol_document(each, {}, (), None) for each in records], indent=2) + "\n"])
    else:
        screen.say(
            f"{format_moment(moment(each.announced))}  {each.drill.id}  {each.drill.terms}  "
            f"{'a quorum signed' if each.met else 'no quorum signed'}"
            f"{'' if each.closed is not None else '; under way'}"
            for each in records
        )
        screen.say([] if records else ["no drill was ever held here"])
    return 0 if newest is not None and newest.met else 1


def _closed(record: DrillRecord) -> int:
    return record.closed or 0
