"""What a user names an estate by: a folder, or `REV:PATH` in the repository around the current folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from armslength.estate import EstateError, Parsed, Problem, parse
from armslength.store import revision
from armslength.store.folder import folder
from armslength.store.hush import hushed
from armslength.store.plain_file import reason
from armslength.store.revision import Revision
from armslength.store.source import Source


def read(location: str) -> Parsed:
    """The estate at `location`. Raises `EstateError` with every problem, of the place as of the files."""
    return parsed(find(location))


def parsed(source: Source) -> Parsed:
    """The estate that these files make. Raises `EstateError` with every problem."""
    made = parse(source.files, lost=source.lost, hush=hushed)
    return Parsed(estate=made.estate, warnings=(*source.odd, *made.warnings))


def find(location: str) -> Source:
    """The files at `location`, not parsed. An existing folder wins over a revision of that name.

    Raises `EstateError` where there is neither.
    """
    match _place(location):
        case Revision() as wanted:
            return revision.revision(wanted)
        case path:
            return folder(path)


def describe(location: str) -> str:
    """Words for the place, for messages: the folder's path, or the path and the commit that a revision stands for.

    Raises `EstateError` where there is neither.
    """
    match _place(location):
        case Revision() as wanted:
            return revision.describe(wanted)
        case path:
            return str(path)


def _place(location: str) -> Path | Revision:
    try:
        path = Path(location)
        if location and path.is_dir():
            return path
        there = bool(location) and os.path.lexists(path)
    except ValueError:  # NUL in the name
        there = False
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise _error(location, f"cannot be looked up: {reason(error)}") from error
        there = False
    if there:
        raise _error(location, "is no folder: expected the folder that holds the estate's tables")
    wanted = revision.split(location)
    if wanted is None:
        raise _error(location, "no such folder: expected a folder, or REV:PATH in a git repository")
    return wanted


def _error(location: str, message: str) -> EstateError:
    return EstateError([Problem(file=location or "''", message=message)])
