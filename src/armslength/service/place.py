"""Where an estate's files stand: what code-review tools need to find a row, and git to apply a patch."""

from __future__ import annotations

import os
import subprocess
from pathlib import PurePosixPath


def folder_in_repository(location: str) -> str:
    """The folder of `location` (a folder, or REV:PATH) as a path from the top of its git repository, "" for the top
    itself; outside a repository, the folder as it was named."""
    if os.path.isdir(location):
        prefix = _git(location, "rev-parse", "--show-prefix")
        return location if prefix is None else prefix.rstrip("/")
    path = _path(location)
    if path.split("/", 1)[0] in (".", ".."):
        path = os.path.normpath(f"{_git('.', 'rev-parse', '--show-prefix') or ''}{path}")
    return "/".join(part for part in PurePosixPath(path).parts if part not in (".", "/"))


def patched_folder(location: str) -> tuple[str, str]:
    """The folder of an estate as a patch names it, and the folder in which git applies that patch: the top of its
    repository; outside of one the current folder, or its own where it does not lie in the current one."""
    inside = os.path.isdir(location)
    if top := _git(location if inside else ".", "rev-parse", "--show-toplevel"):
        return folder_in_repository(location), top
    folder = os.path.relpath(location)
    if folder.split(os.sep, 1)[0] == os.pardir:
        return "", os.path.abspath(location)
    return "" if folder == os.curdir else folder, os.getcwd()


def _path(location: str) -> str:
    """What follows the first colon outside braces, as in `main@{2026-01-01 10:00}:estate`."""
    depth = 0
    for place, letter in enumerate(location):
        depth += (letter == "{") - (letter == "}")
        if letter == ":" and depth <= 0:
            return location[place + 1 :]
    return location


def _git(folder: str, *arguments: str) -> str | None:
    try:
        run = subprocess.run(
            ["git", "-C", folder, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return None
    return run.stdout.decode(errors="surrogateescape").rstrip("\n") if run.returncode == 0 else None
