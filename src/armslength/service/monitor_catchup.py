"""Brings a monitor's mirror to a checkpoint: takes the entries, works out every tile, and compares.

The entries decide: if they give the root that the log signed, they are the log's, and a tile that is served otherwise
is wrong. If they do not, the log's own tiles may show which entry is not what was signed, or that what was signed is
another history than the one mirrored. Files are written on the way; nothing refers to them before the root agrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from armslength.ledger import OtherHistory
from armslength.service.monitor_evidence import keep_evidence
from armslength.service.monitor_finding import FindingKind, MonitorFinding
from armslength.service.monitor_weighing import Scales
from armslength.store import LogSource, MonitorFolder, Place, StoreError, Unserved
from armslength.tlog import (
    WIDTH,
    Checkpoint,
    Edge,
    Entries,
    Note,
    Policy,
    Tile,
    Tiling,
    TlogError,
    format_entries,
    leaf_hash,
    new_entries,
    parse_tile,
    root_at,
    tile_nodes,
    tree_root,
)

PIECE = 64
"""Bundles whose files are written together, unless they are large."""
PIECE_BYTES = 1 << 25
MOST_DISPUTES = 1_000
"""Tiles that are remembered as wrong."""
LOOKED_AT = 16
"""Tiles that are asked for again in one round: a slow server must not make it last for ever."""
HEIGHT = 8

Progress = Callable[[str, int, int], None]
"""(what is being done, how many of it are done, how many in all)"""


@dataclass(slots=True, kw_only=True)
class _Taken:
    """What was fetched: how far, the tiles' right edge there, and what does not fit."""

    tiling: Tiling
    changed: int | None = None
    """The first entry of the mirror that is served otherwise."""
    disputes: list[str] = field(default_factory=list)
    problem: Unserved | None = None
    """Why it ends early."""


class CatchUp:
    """For one log. `step` is told the name of each step when it is done (see `MonitorFolder`)."""

    def __init__(
        self,
        folder: MonitorFolder,
        source: LogSource,
        policy: Policy,
        *,
        step: Callable[[str], None],
        progress: Progress,
    ) -> None:
        self._folder, self._source, self._policy = folder, source, policy
        self._step, self._progress = step, progress
        self._mirror = folder.mirror
        self._scales = Scales(folder, policy)

    def to(self, note: Note, *, about: str, now: int) -> list[MonitorFinding]:
        """Bring the mirror to a checkpoint that the log signed and that is larger. Gives why that failed, if it did;
        what was fetched is kept for the next time, unless it is not what the log signed."""
        checkpoint = Checkpoint.parse(note.text)
        place = self._place()
        start = _start(place)
        resumed = place.size < place.fetched <= checkpoint.size
        taken = self._take(checkpoint, place, place.fetched if resumed else start)
        if taken.problem is None and resumed and self._root(taken) != checkpoint.root:
            # What an earlier round fetched may be at fault.
            taken = self._take(checkpoint, place, start)
        if taken.problem is not None:
            return [self._unserved(taken.problem, checkpoint, about)]
        if self._root(taken) == checkpoint.root and self._own_history(note, checkpoint, place) is None:
            at = Place(
                origin=place.origin,
                size=checkpoint.size,
                root=checkpoint.root,
                note=note.format(),
                since=now,
                fetched=checkpoint.size,
            )
            self._folder.settle(at)
            self._step("settled")
            self.publish()
            self._mirror.prune(old=place.size, new=checkpoint.size)
            return []
        findings = self._diagnosed(note, checkpoint, place, taken, about=about, now=now)
        self._drop(place, taken)
        return findings

    def publish(self) -> None:
        """Give the mirror the checkpoint that it was found to hold, unless it has it."""
        place = self._folder.place()
        if place is None or not place.note:
            return
        if self._mirror.published() != place.note.encode():
            self._mirror.publish(Note.parse(place.note))
        self._step("published")

    def disputed(self, *, about: str) -> list[MonitorFinding]:
        """The tiles that were served wrongly and still are. What is served rightly by now is forgotten."""
        place = self._place()
        mended, findings = [], []
        paths = [path for path in self._folder.disputes() if _end(Tile.parse(path)) <= place.size]
        for path in paths[:LOOKED_AT]:
            tile = Tile.parse(path)
            problem = self._differs(tile, self._mirror.tile(tile))
            if problem is None:
                mended.append(path)
            else:
                words = f"{path} {problem}, though the entries are as signed: its readers can verify no proof"
                findings.append(MonitorFinding(kind=FindingKind.TILE, about=about, words=words))
        if mended:
            self._folder.undispute(mended)
        if len(paths) > LOOKED_AT:
            words = f"{len(paths) - LOOKED_AT:,} tiles more were served wrongly and are still to be looked at again"
            findings.append(MonitorFinding(kind=FindingKind.TILE, about=about, words=words))
        return findings

    # Fetching

    def _take(self, checkpoint: Checkpoint, place: Place, start: int) -> _Taken:
        taken = _Taken(tiling=self._mirror.tiling(start))
        known = len(self._folder.disputes())
        files: list[tuple[str, bytes]] = []
        bundled = held = told = 0
        bundles = new_entries(start, checkpoint.size)

        def call(bundle: Entries) -> Callable[[], tuple[Entries, tuple[bytes, ...], bytes | Unserved]]:
            return lambda: (bundle, self._source.entries(bundle), self._served(_leaf_tile(bundle)))

        try:
            for future in self._source.ahead(map(call, bundles)):
                bundle, leaves, served = future.result()
                hashes = list(map(leaf_hash, leaves))
                self._compare(bundle, leaves, place, taken)
                full = taken.tiling.extend(hashes)
                files.append((bundle.path, format_entries(leaves)))
                bundled, held = bundled + 1, held + len(files[-1][1])
                files += [(tile.path, data) for tile, data in full]
                wrong = [] if served == b"".join(hashes) else [_leaf_tile(bundle).path]
                wrong += [tile.path for tile, data in full if tile.level and self._differs(tile, data)]
                taken.disputes += wrong[: max(0, MOST_DISPUTES - known - len(taken.disputes))]
                if (bundled >= PIECE or held >= PIECE_BYTES) and bundle.width == WIDTH:
                    self._write(files, taken.disputes[told:], taken.tiling.size)
                    told = len(taken.disputes)
                    files, bundled, held = [], 0, 0
                self._progress("fetching entries", taken.tiling.size, checkpoint.size)
        except Unserved as problem:
            taken.problem = problem
        whole = taken.tiling.size % WIDTH == 0
        if taken.problem is None:
            partial = taken.tiling.partials()
            files += [(tile.path, data) for tile, data in partial]
            taken.disputes += [tile.path for tile, data in partial if tile.level and self._differs(tile, data)]
        if files:
            self._write(files, taken.disputes[told:], taken.tiling.size if whole else None)
        return taken

    def _write(self, files: list[tuple[str, bytes]], disputes: list[str], size: int | None) -> None:
        self._mirror.put(files)
        self._step("files")
        if size is not None or disputes:
            self._folder.fetched(self._place().fetched if size is None else size, disputes)
        self._step("fetched")

    def _compare(self, bundle: Entries, leaves: tuple[bytes, ...], place: Place, taken: _Taken) -> None:
        """The bundle in which the mirror ends is served again, with more: what was there must be there."""
        first = bundle.index * WIDTH
        if taken.changed is None and first < place.size < first + len(leaves):
            own = self._mirror.leaves(first, place.size, size=place.size)
            differing = (first + n for n, leaf in enumerate(own) if leaf != leaves[n])
            taken.changed = next(differing, None)

    def _served(self, tile: Tile) -> bytes | Unserved:
        try:
            return self._source.tile(tile)
        except Unserved as problem:
            return problem

    def _differs(self, tile: Tile, data: bytes) -> str | None:
        """What is wrong with a tile as it is served; None if it is `data`."""
        served = self._served(tile)
        if isinstance(served, Unserved):
            return f"is not served ({served.reason})"
        return None if served == data else "is served with other hashes than its entries have"

    # What does not fit

    def _diagnosed(
        self, note: Note, checkpoint: Checkpoint, place: Place, taken: _Taken, *, about: str, now: int
    ) -> list[MonitorFinding]:
        """Why the entries that are served do not give what the log signed."""
        found = self._other_history(note, checkpoint, place, taken)
        if found is not None:
            # The tree that was signed, as its own tiles or entries show it, is not the one that is mirrored.
            return [keep_evidence(self._folder, self._policy, found, FindingKind.SPLIT, about=about, now=now)]
        words = self._altered(checkpoint, place, taken)
        return [MonitorFinding(kind=FindingKind.ALTERED, about=about, words=words)]

    def _other_history(
        self, note: Note, checkpoint: Checkpoint, place: Place, taken: _Taken
    ) -> OtherHistory | None:
        """The proof that the checkpoint is not of the mirror's history, by the log's tiles or by its entries."""
        if self._root(taken) == checkpoint.root:
            return self._own_history(note, checkpoint, place)
        return self._scales.other_than_tree(Note.parse(place.note), note, self._source) if place.note else None

    def _own_history(self, note: Note, checkpoint: Checkpoint, place: Place) -> OtherHistory | None:
        """The proof, by the files as they were fetched, that what was signed does not begin with what was mirrored."""
        if not place.note:
            return None
        return self._scales.other_than_mirror(Note.parse(place.note), note, replace(place, size=checkpoint.size))

    def _altered(self, checkpoint: Checkpoint, place: Place, taken: _Taken) -> str:
        signed = f"the tree of {checkpoint.size:,} entries that the log signed"
        if taken.changed is not None:
            return f"entry {taken.changed:,} is served with other bytes than before, in {signed}"
        node = tile_nodes(self._source.tile, checkpoint.size)
        try:
            tiles_agree = root_at(checkpoint.size, node) == checkpoint.root
        except (TlogError, StoreError):
            tiles_agree = False
        if not tiles_agree:
            return f"neither the entries that are served nor the tiles give {signed}"
        for path in taken.disputes[:LOOKED_AT]:
            tile = Tile.parse(path)
            try:
                if tile.level or (index := self._first_altered(tile, checkpoint.size)) is None:
                    continue
            except (TlogError, StoreError):
                continue
            return f"entry {index:,} is served with other bytes than it has in {signed}"
        return f"the entries that are served do not give {signed}"

    def _first_altered(self, tile: Tile, size: int) -> int | None:
        """The first entry under a tile of level 0 that is not what the tile says, where the tile is as signed."""
        hashes = parse_tile(self._source.tile(tile), tile.width)
        above = tile_nodes(self._source.tile, size)
        if tile.width == WIDTH and tree_root(hashes) != above(HEIGHT, tile.index):
            return None
        leaves = self._mirror.entries(Entries(index=tile.index, width=tile.width))
        pairs = enumerate(zip(hashes, leaves, strict=True))
        return next((tile.index * WIDTH + n for n, (said, leaf) in pairs if said != leaf_hash(leaf)), None)

    def _drop(self, place: Place, taken: _Taken) -> None:
        """Forget what was fetched: it is not what the log signed."""
        self._folder.fetched(place.size)
        beyond = [path for path in self._folder.disputes() if _end(Tile.parse(path)) > place.size]
        self._folder.undispute([*beyond, *taken.disputes])
        self._mirror.discard(old=place.size, new=taken.tiling.size)
        self._step("dropped")

    def _unserved(self, problem: Unserved, checkpoint: Checkpoint, about: str) -> MonitorFinding:
        words = f"of {checkpoint.size:,} entries that the log signed not all can be had: {problem}"
        return MonitorFinding(kind=FindingKind.UNSERVED, about=about, words=words)

    def _place(self) -> Place:
        place = self._folder.place()
        if place is None:
            raise ValueError("no log is followed yet")
        return place

    @staticmethod
    def _root(taken: _Taken) -> bytes:
        """The root of what was fetched."""
        hashes: list[bytes] = []
        for tile, data in reversed(taken.tiling.partials()):
            hashes += Edge.empty().extended(parse_tile(data, tile.width)).hashes
        return Edge(size=taken.tiling.size, hashes=tuple(hashes)).root()


def _start(place: Place) -> int:
    """Where the mirror's last full bundle ends: the partial one after it is fetched again."""
    return place.size - place.size % WIDTH


def _leaf_tile(bundle: Entries) -> Tile:
    return Tile(level=0, index=bundle.index, width=bundle.width)


def _end(tile: Tile) -> int:
    """The index behind the last entry that the tile stands for."""
    return (tile.index * WIDTH + tile.width) << HEIGHT * tile.level
