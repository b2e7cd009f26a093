"""The file with what a bucket's writer proves to be: `access_key_id`, `secret_access_key`, and `session_token` if there
is one, in TOML, for the ledger's user alone."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

from armslength.store.failure import StoreError

_NEEDED = ("access_key_id", "secret_access_key")
_KNOWN = (*_NEEDED, "session_token")


def read_s3_credentials(path: Path) -> dict[str, str]:
    """Raises `StoreError` with every problem, and without what stands in the file."""
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            said = tomllib.load(file)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise StoreError(f"{path}: expected {' and '.join(_NEEDED)}, each = and a text in quotes") from None
    problems = []
    if mode & 0o077:
        problems.append(f"{path}: others may read it; expected mode 0600 (chmod 600)")
    problems += [
        f"{path}: unknown setting {name!r}; expected one of {', '.join(_KNOWN)}" for name in said.keys() - _KNOWN
    ]
    problems += [
        f"{path}: {name}: expected a text in quotes"
        for name in _KNOWN
        if (name in said or name in _NEEDED) and not (isinstance(said.get(name), str) and said[name])
    ]
    if problems:
        raise StoreError("\n".join(problems))
    return {name: str(value) for name, value in said.items()}
