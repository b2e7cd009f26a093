"""An estate in a folder. Only known names are opened, and only plain files."""

from __future__ import annotations

import os
from pathlib import Path

from armslength.estate import FILES, Problem
from armslength.store.plain_file import NotPlain, read_plain, reason
from armslength.store.source import MOST_BYTES, Source, pointers, slips

UNFINISHED = ".unfinished"
"""In the folder `intake`: the tables are being exchanged, or that was cut short."""


def folder(path: Path) -> Source:
    """The files of the folder at `path`, which must be one."""
    files: dict[str, bytes] = {}
    lost: list[Problem] = []
    try:
        names = os.listdir(path)
    except OSError as error:
        lost.append(Problem(file=str(path), message=f"cannot be listed: {reason(error)}"))
        names = []
    for name in sorted(FILES.intersection(names)):
        try:
            files[name] = read_plain(path / name, MOST_BYTES).data
        except NotPlain as refusal:
            lost.append(Problem(file=name, message=str(refusal)))
        except OSError as error:
            lost.append(Problem(file=name, message=f"cannot be read: {reason(error)}"))
    if (path / "intake" / UNFINISHED).exists():
        message = "an intake is under way or was cut short: wait for it, or run armslength intake link"
        lost.append(Problem(file=f"intake/{UNFINISHED}", message=message))
    lost += pointers(files)
    return Source(description=str(path), files=files, lost=tuple(lost), odd=tuple(slips(names)))
