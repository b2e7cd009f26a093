"""`armslength whatif`: the difference that changes would make, with no file touched."""

from __future__ import annotations

import argparse
import datetime as dt

from armslength import service
from armslength.cli.difference import compared, show
from armslength.cli.screen import Screen
from armslength.store import read


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a floor that held would break or a protected length would fall."""
    at = options.at or dt.date.today()
    edits = _edits(options)
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        screen.warn(parsed.warnings)
        screen.warn(service.remarks(edits, at))
        new = service.edited(parsed.estate, edits, at)
        found = compared(options, screen, (parsed.estate, new), (options.estate, options.estate), at, progress)
    told = [service.edit_document(edit) for edit in edits]
    return show(options, screen, found, lambda: {"estate": parsed.estate.settings.name, "edits": told})


def _edits(options: argparse.Namespace) -> list[service.Edit]:
    return [
        *(service.Travel(person=p, state=s, start=a, until=b) for p, s, a, b in options.travel),
        *(service.Leaver(person=person) for person in options.leaver),
        *(service.Join(member=member, group=group) for member, group in options.join),
        *(service.DropMembership(line=line) for line in options.drop_membership),
        *(service.Granted(holder=h, action=a, target=t, terms=r) for h, a, t, r in options.grant),
        *(service.DropGrant(line=line) for line in options.drop_grant),
        *(service.NewTerms(line=line, terms=terms) for line, terms in options.terms),
    ]
