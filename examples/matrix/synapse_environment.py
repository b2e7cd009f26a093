"""Synapse's own virtual environment, outside of Armslength's: it is AGPL, so nothing of it is ever installed with us.

Made from `synapse.lock` by hash, once; kept in `.cache/matrix`, or where `ARMSLENGTH_MATRIX` says.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "synapse.lock"
MINUTES = 10
"""An installation that hangs longer is given up."""


class NoSynapse(Exception):
    """Synapse cannot be installed; `str()` says with which command it was tried, and what that said."""


def cache() -> Path:
    """Where what the example downloads is kept."""
    return Path(os.environ.get("ARMSLENGTH_MATRIX") or HERE.parent.parent / ".cache" / "matrix").absolute()


def environment(folder: Path) -> Path:
    """The Python that has Synapse, in `folder`, which is made or renewed if need be. Raises `NoSynapse`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        python, stamp, wanted = folder / "venv" / "bin" / "python", folder / "stamp", _wanted(folder)
        if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
            # The stamp goes first and comes last, so that what was cut short is made again.
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder / "venv", ignore_errors=True)
            _make(python)
            stamp.write_text(wanted)
    return python


def _wanted(folder: Path) -> str:
    parts = (LOCK.read_bytes(), str(folder).encode(), sys.version.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _make(python: Path) -> None:
    """The interpreter that Armslength's own environment was made with has pip; the new environment needs none."""
    print("matrix: getting Synapse into an environment of its own (once; half a minute)", file=sys.stderr, flush=True)
    base = getattr(sys, "_base_executable", sys.executable)
    quiet = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    for command in (
        [base, "-m", "venv", "--without-pip", str(python.parent.parent)],
        [base, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile", "--only-binary", ":all:",
         "--require-hashes", "--no-deps", "-r", str(LOCK)],
    ):  # fmt: skip
        try:
            done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=MINUTES * 60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoSynapse(f"{' '.join(command)}: {error}") from None
        if done.returncode:
            raise NoSynapse(f"this failed with status {done.returncode}: {' '.join(command)}\n{done.stderr.strip()}")


# A user's pip settings may name an index or a certificate; they may not move the install elsewhere.
_MISLEADING = frozenset(
    "PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_HASHES PIP_NO_BINARY PIP_ONLY_BINARY PIP_NO_INDEX"
    " PIP_REQUIRE_VIRTUALENV PIP_PYTHON PYTHONHOME PYTHONPATH VIRTUAL_ENV".split()
)
