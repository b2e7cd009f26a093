"""What anyone may read of a log: a plain folder in the layout of c2sp.org/tlog-tiles, which any static server can
serve.

Tiles and entry bundles are on the disk before the checkpoint that needs them takes its name, so a reader, or a crash,
never sees a checkpoint whose tiles are missing. All of it can be made again from the log's database.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from armslength.store.failure import StorageFailed
from armslength.store.ledger_stores import LogStore
from armslength.store.log_tiles import log_entries, log_tile
from armslength.store.writing import replace_file, sync_folder
from armslength.tlog import WIDTH, Malformed, Note, entries_of, new_entries, new_tiles, tiles_of

CHECKPOINT = "checkpoint"


class PublicFolder:
    """The folder at `path`; it is made when something is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def published(self) -> Note | None:
        """The checkpoint that stands there, unverified; None if there is none that can be read as one."""
        try:
            return Note.parse((self.path / CHECKPOINT).read_bytes())
        except FileNotFoundError:
            return None
        except Malformed:
            return None
        except OSError as error:
            raise StorageFailed(f"{self.path / CHECKPOINT}: {error.strerror}") from error

    def read(self, name: str) -> bytes | None:
        """A file by its path in the folder; None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageFailed(f"{self.path / name}: {error.strerror}") from error

    def published_at(self) -> float:
        """When the checkpoint was put there, in POSIX seconds; 0 if there is none."""
        try:
            return (self.path / CHECKPOINT).stat().st_mtime
        except OSError:
            return 0.0

    def holds(self, size: int) -> bool:
        """Whether the files at the right edge of a log of `size` entries are there: a folder restored in part has
        not."""
        return all((self.path / path).is_file() for path in edge_paths(size))

    def partials(self) -> list[str]:
        """The paths in the folder of the partial tiles and bundles, those of older sizes included."""
        found = (self.path / "tile").glob("**/*.p/*")
        return sorted(str(path.relative_to(self.path)) for path in found)

    def export(self, log: LogStore, *, old: int, new: int) -> int:
        """Write what a log of `new` entries needs and one of `old` had not. Gives the number of files written."""
        written: set[Path] = set()
        count = 0
        read = log_tile(log)
        for tile in new_tiles(old, new):
            count += self._put(tile.path, read(tile), written)
        for entries in new_entries(old, new):
            count += self._put(entries.path, log_entries(log, entries), written)
        for folder in sorted(written):
            sync_folder(folder)
        return count

    def publish(self, note: Note) -> None:
        """Give a checkpoint its name, durably; what it needs has been exported."""
        _make(self.path)
        replace_file(self.path / CHECKPOINT, note.format().encode())
        sync_folder(self.path)

    def prune(self, *, old: int, new: int) -> None:
        """Delete the partial tiles and bundles that have become full since `old`, as tlog-tiles allows: a client that
        still asks for one takes the full one."""
        for path in filled_paths(old, new):
            shutil.rmtree(self.path / f"{path}.p", ignore_errors=True)

    def put(self, name: str, data: bytes) -> None:
        """A file by its path in the folder: one beside the tiles, such as the policy, or one of another log's."""
        self._put(name, data, set())

    def _put(self, name: str, data: bytes, written: set[Path]) -> int:
        path = self.path / name
        if path.parent not in written:
            written.update(_make(path.parent))
        replace_file(path, data)
        written.add(path.parent)
        return 1


def edge_paths(size: int) -> list[str]:
    """What is at the right edge of a log of `size` entries, and was written last."""
    newest = [tile for tile in tiles_of(size) if tile.width < WIDTH or tile.index == (size >> 8 * (tile.level + 1)) - 1]
    return [tile.path for tile in newest] + [each.path for each in entries_of(size) if each.width < WIDTH]


def filled_paths(old: int, new: int) -> list[str]:
    """The tiles and bundles that became full on the way."""
    full = [tile.path for tile in new_tiles(old, new) if tile.width == WIDTH]
    return full + [entries.path for entries in new_entries(old, new) if entries.width == WIDTH]


def _make(folder: Path) -> list[Path]:
    """Make a folder for anyone to read, and those it lies in. Gives the folders in which a name is new."""
    missing = []
    try:
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)
    except OSError as error:
        raise StorageFailed(f"{folder}: {error.strerror}") from error
    return [each.parent for each in missing]
