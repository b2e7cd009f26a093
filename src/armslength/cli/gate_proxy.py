"""What `gate envoy` and `gate nginx` have in common: the point's secret, the folder to write into, and files that the
proxy will read."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from armslength.service import Refusal
from armslength.store import replace_file

READ = ("people", "token_keys", "certificate", "key", "authority")
"""Flags that name what the proxy reads."""


def point_secret() -> str:
    """Typed at a terminal, unseen, or the first line of standard input."""
    typed = sys.stdin.isatty()
    return (getpass.getpass("the point's secret: ") if typed else sys.stdin.readline()).strip()


def folder_into(options: argparse.Namespace) -> str:
    """Before the secret is asked for. Raises `Refusal`."""
    into: str = os.path.abspath(options.into)
    if not os.path.isdir(into):
        wrong = "is no folder" if os.path.lexists(into) else f"there is no such folder; make it first: mkdir -p {into}"
        raise Refusal([f"--into {options.into!r}: {wrong}"])
    return into


def absent_files(options: argparse.Namespace) -> Iterator[str]:
    """A warning for each file that is not here: it may be on the proxy's own host."""
    for name in READ:
        said = getattr(options, name, None)
        if said is not None and not os.path.isfile(said):
            flag = f"--{name.replace('_', '-')}"
            yield f"{flag} {said!r}: no such file here; the proxy needs it at {os.path.abspath(said)}"


def write_files(files: Mapping[str, tuple[str, int]]) -> None:
    """Texts and modes by path. Raises `StoreError`."""
    for path, (text, mode) in files.items():
        replace_file(Path(path), text.encode(), mode=mode)
