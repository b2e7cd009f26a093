"""The audit of a mirror's entries, saved as it goes, with evidence for what breaks the rules."""

from __future__ import annotations

from collections.abc import Callable

from armslength.ledger import (
    Audit,
    BrokenRule,
    Claim,
    Problem,
    Record,
    Rule,
    Run,
    format_base64url,
    make_run,
    parse_entry,
)
from armslength.service.monitor_catchup import Progress
from armslength.service.monitor_evidence import enough, write_evidence
from armslength.service.monitor_finding import FindingKind
from armslength.store import Damaged, KeptEvidence, MonitorFolder, Place
from armslength.tlog import WIDTH, Node, Note, Policy, TlogError

STEP = 16_384
"""Entries that are checked and saved together, unless they are large."""
STEP_BYTES = 1 << 25
MOST_RUN = 100_000
MOST_BYTES = 1 << 26
"""Entries that evidence holds at most, and their bytes; what takes more is told without them."""
MOST_MAPS = 3
"""Files for map heads: once one is wrong the next are too, and each file holds the whole log before it."""


class MirrorAudit:
    """Goes on from where the folder says that it ended; its chains stay in memory between rounds."""

    def __init__(
        self, folder: MonitorFolder, policy: Policy, *, step: Callable[[str], None], progress: Progress
    ) -> None:
        self._folder, self._policy, self._step, self._progress = folder, policy, step, progress
        self._audit = Audit(folder.audit())

    @property
    def size(self) -> int:
        return self._audit.size

    @property
    def time(self) -> int:
        """The newest entry's, in POSIX seconds; 0 if there is none."""
        return self._audit.time

    def run(self, *, now: int) -> None:
        """Check every entry up to where the mirror is. Raises `StoreError`; what was checked is saved."""
        place = self._folder.place()
        if place is None or not place.note:
            return
        mirror = self._folder.mirror
        while (first := self._audit.size) < place.size:
            found = self._audit.extend(self._leaves(first, min(place.size, first + STEP), place, STEP_BYTES))
            evidence = [kept for problem in found.problems if (kept := self._write(problem, place, now)) is not None]
            self._step("evidence")
            self._folder.audited(found.state, problems=len(found.problems), evidence=evidence)
            self._step("audited")
            self._progress("checking entries", self._audit.size, place.size)
        if self._audit.edge.root() != place.root:
            raise Damaged(f"{mirror.path}: its entries are no longer those of its checkpoint")

    def _write(self, problem: Problem, place: Place, now: int) -> KeptEvidence | None:
        name = f"entry-{problem.index}-{problem.rule}.json"
        if enough(self._folder, name) or (problem.rule is Rule.MAP and self._maps() >= MOST_MAPS):
            return None
        evidence = self._evidence(problem, place)
        return write_evidence(self._folder, self._policy, evidence, FindingKind.CONTENT, now=now, name=name)

    def _maps(self) -> int:
        return sum(name.endswith("-map.json") for name in self._folder.evidence_names())

    def _evidence(self, problem: Problem, place: Place) -> BrokenRule:
        """What shows the problem to a stranger, with as few entries as that takes."""
        index = problem.index
        node = self._folder.mirror.nodes(place.size)
        alone = self._run(index, index + 1, place, node)
        since = index
        runs: tuple[Run, ...] = (alone,)
        match problem.rule:
            case Rule.FORM:
                pass
            case Rule.TIME:
                since = self._earlier(index, place, _has_time)
            case Rule.CHAIN:
                record = parse_entry(alone.entries[0])
                assert isinstance(record, Record)
                needle = f'"customer":"{format_base64url(record.customer)}"'.encode()
                since = self._earlier(index, place, lambda leaf: needle in leaf and _has_time(leaf))
            case Rule.MAP:
                since = 0
        if since < index:
            run = self._run(since, index + 1, place, node)
            # What is too long to be shown is told by its ends.
            runs = (run,) if run.until == index + 1 else (self._run(since, since + 1, place, node), alone)
        claim = Claim(index=index, rule=problem.rule, since=since)
        return BrokenRule(note=Note.parse(place.note), claim=claim, runs=runs)

    def _run(self, first: int, until: int, place: Place, node: Node) -> Run:
        """The entries first … until − 1, or as many of them as evidence can hold."""
        leaves = self._leaves(first, min(until, first + MOST_RUN), place, MOST_BYTES)
        return make_run(first, leaves, size=place.size, node=node)

    def _leaves(self, first: int, until: int, place: Place, most: int) -> list[bytes]:
        """The entries first … until − 1, or fewer, to the end of a bundle, where they have more than `most` bytes."""
        found: list[bytes] = []
        held = 0
        while (at := first + len(found)) < until and held < most:
            more = self._folder.mirror.leaves(at, min(until, at - at % WIDTH + WIDTH), size=place.size)
            found += more
            held += sum(map(len, more))
        return found

    def _earlier(self, index: int, place: Place, fits: Callable[[bytes], bool]) -> int:
        """The last entry before `index` that fits; 0 if there is none, as then all of them show it."""
        for bundle in range((index - 1) // WIDTH, -1, -1):
            first = bundle * WIDTH
            leaves = self._folder.mirror.leaves(first, min(index, first + WIDTH), size=place.size)
            for place_in, leaf in reversed(list(enumerate(leaves))):
                if fits(leaf):
                    return first + place_in
        return 0


def _has_time(leaf: bytes) -> bool:
    try:
        parse_entry(leaf)
    except TlogError:
        return False
    return True
