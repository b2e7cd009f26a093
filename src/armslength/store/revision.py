"""An estate at a revision of the git repository around the current folder, read from git's own store: no checkout is
made."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath

from armslength.estate import FILES, EstateError, Problem
from armslength.store.plain_file import reason
from armslength.store.source import MOST_BYTES, Source, pointers, slips

# Nothing may be asked of a terminal or fetched: the answer must come from what is here.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """`REV:PATH`: `path` counts from the top of the repository, or from the current folder where it begins with a
    dot."""

    name: str
    path: str

    @property
    def location(self) -> str:
        return f"{self.name}:{self.path}"


def split(location: str) -> Revision | None:
    """Splits at the first colon outside braces (`main@{2026-01-01 10:00}:estate`); None where there is none, and for a
    drive such as `C:\\x`."""
    depth = 0
    for place, letter in enumerate(location):
        depth += (letter == "{") - (letter == "}")
        if letter == ":" and depth <= 0:
            name, path = location[:place], location[place + 1 :]
            drive = len(name) == 1 and name.isalpha() and path[:1] in ("\\", "/")
            return None if drive or not name else Revision(name=name, path=path)
    return None


def describe(revision: Revision) -> str:
    """`estate at main (1a2b3c4d5e6f)`."""
    return _words(revision, _commit(revision))


def revision(wanted: Revision) -> Source:
    """The files at a revision. Raises `EstateError` where git, the repository, the revision or the path is missing."""
    commit = _commit(wanted)
    entries = _entries(wanted, commit)
    files: dict[str, bytes] = {}
    lost: list[Problem] = []
    for name in sorted(FILES & entries.keys()):
        mode, kind, blob, size = entries[name]
        if kind != "blob" or mode == "120000":
            what = {"tree": "a folder", "commit": "a submodule"}.get(kind, "a symbolic link")
            lost.append(Problem(file=name, message=f"is {what}: expected a file"))
        elif int(size) > MOST_BYTES:
            lost.append(Problem(file=name, message=f"has {size} bytes: expected at most {MOST_BYTES}"))
        else:
            files[name] = _blob(wanted, blob)
    lost += pointers(files)
    return Source(
        description=_words(wanted, commit),
        files=files,
        lost=tuple(lost),
        odd=tuple(slips(entries)),
        commit=commit,
    )


def _words(wanted: Revision, commit: str) -> str:
    return f"{wanted.path or '.'} at {wanted.name} ({commit[:12]})"


def _git(wanted: Revision, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError as error:
        raise _error(wanted, f"git cannot be run: {reason(error)}: install git, or name a folder") from error
    except ValueError as error:  # NUL in an argument
        raise _error(wanted, "expected a folder, or REV:PATH") from error


def _error(wanted: Revision, message: str) -> EstateError:
    return EstateError([Problem(file=wanted.location, message=message)])


def _commit(wanted: Revision) -> str:
    inside = _git(wanted, "rev-parse", "--show-prefix")
    if inside.returncode:
        raise _error(wanted, f"no such folder, and no revision: {_said(inside)}")
    found = _git(wanted, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted.name}^{{commit}}")
    if found.returncode:
        raise _error(
            wanted, f"{wanted.name!r} is no revision of this repository: expected a branch, tag or commit, or a folder"
        )
    return found.stdout.decode().strip()


def _entries(wanted: Revision, commit: str) -> dict[str, tuple[str, str, str, str]]:
    """`{name: (mode, kind, object, size)}` of the folder at the revision."""
    tree = f"{commit}^{{tree}}" if (path := _path(wanted)) == "" else f"{commit}:{path}"
    kind = _git(wanted, "cat-file", "-t", tree)
    if kind.returncode:
        raise _error(wanted, f"{wanted.path!r} is not in {wanted.name!r}: expected a folder of that revision")
    if kind.stdout.strip() != b"tree":
        raise _error(wanted, f"{wanted.path!r} is a {kind.stdout.decode().strip()}: expected a folder")
    listed = _git(wanted, "ls-tree", "-z", "-l", "--full-tree", tree)
    if listed.returncode:
        raise _error(wanted, f"cannot be listed: {_said(listed)}")
    entries: dict[str, tuple[str, str, str, str]] = {}
    for line in listed.stdout.split(b"\0"):
        if line:
            facts, _, name = line.partition(b"\t")
            mode, what, blob, size = facts.decode().split()
            entries[name.decode(errors="surrogateescape")] = (mode, what, blob, size)
    return entries


def _path(wanted: Revision) -> str:
    """The path from the top of the repository, "" for the top itself."""
    path = wanted.path
    if path.split("/", 1)[0] in (".", ".."):
        prefix = _git(wanted, "rev-parse", "--show-prefix").stdout.decode(errors="surrogateescape").rstrip("\n")
        path = f"{prefix}{path}"
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and not parts:
            raise _error(wanted, f"{wanted.path!r} lies outside the repository")
        if part == "..":
            parts.pop()
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)


def _blob(wanted: Revision, blob: str) -> bytes:
    found = _git(wanted, "cat-file", "--batch", given=f"{blob}\n".encode())
    header, _, content = found.stdout.partition(b"\n")
    facts = header.split()
    if found.returncode or len(facts) != 3 or len(content) != int(facts[2]) + 1:
        raise _error(wanted, f"object {blob} cannot be read: {_said(found)}")
    return content[:-1]


def _said(run: subprocess.CompletedProcess[bytes]) -> str:
    words = run.stderr.decode(errors="replace").strip().splitlines()
    return words[0].removeprefix("fatal: ") if words else "git gave no reason"
