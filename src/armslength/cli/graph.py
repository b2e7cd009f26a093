"""`armslength graph`: the estate as a graph for BloodHound."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import TYPE_CHECKING

from armslength import service
from armslength.cli.screen import Screen
from armslength.estate import Estate
from armslength.report import ReachEdge, opengraph, opengraph_types
from armslength.store import StoreError, Unread, read, read_documents

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(options: argparse.Namespace, screen: Screen) -> int:
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        screen.warn(parsed.warnings)
        answers = list(_answers(parsed.estate, options.answer)) if options.answer is not None else []
        progress.doing("writing the graph")
        at = options.at or dt.date.today()
        service.write_file(options.out, opengraph(parsed.estate, at, names=options.names, answers=answers))
        if options.types is not None:
            service.write_file(options.types, [opengraph_types()])
    screen.note(f"the graph is at {options.out}")
    if options.types is not None:
        screen.note(f"the kinds of its nodes are at {options.types}")
    return 0


def _answers(estate: Estate, name: str) -> Iterator[ReachEdge]:
    """What `armslength reach --format json` printed of this estate."""
    try:
        data = next(iter(read_documents([name]).files.values()))
        results = json.loads(data)["results"]
    except Unread as error:
        raise service.Refusal([str(problem) for problem in error.problems]) from None
    except (StoreError, ValueError, KeyError, TypeError, RecursionError):
        told = "expected what armslength reach ESTATE --format json printed"
        raise service.Refusal([f"{name!r} is no answer: {told}"]) from None
    states, assets = {str(code) for code in estate.states}, set(estate.assets.ids)
    for number, result in enumerate(results if isinstance(results, list) else ()):
        match result:
            case {"state": str(state), "action": str(action), "asset": str(asset)}:
                length, floor = result.get("length", result.get("at_most")), result.get("floor")
                whole = all(n is None or (type(n) is int and n >= 0) for n in (length, floor))
                if whole and state in states and asset in assets and action in estate.actions:
                    yield ReachEdge(state=state, action=action, asset=asset, length=length, floor=floor)
                    continue
            case _:
                pass
        raise service.Refusal([f"{name!r}: results[{number}] is not of this estate: print the answer again"])
