"""A witness in a process of its own, over HTTP on this machine: what `armslength witness` is to any ledger."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWitness:
    folder: Path
    url: str

    @property
    def policy(self) -> str:
        """The lines of a policy that asks for a cosignature of this witness, by ML-DSA-44."""
        lines = _armslength("witness", "key", str(self.folder), "--url", self.url).splitlines()
        (line,) = [line for line in lines if line.startswith("witness ") and "/ml-dsa-44 " in line]
        return f"{line}\nquorum {line.split()[1]}\n"

    def watch(self, keys: Sequence[str]) -> None:
        """Have it watch the log with these verifier keys."""
        _armslength("witness", "add-log", str(self.folder), *keys)


@contextmanager
def running_witness(folder: Path) -> Iterator[RunningWitness]:
    _armslength("witness", "init", str(folder), "--name", "witness.example/benchmark")
    command = [sys.executable, "-m", "armslength", "witness", "serve", str(folder), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://\S+?(?=[,\s])", said)
            if found is None:
                raise RuntimeError(f"the witness said {said!r}, expected where it listens")
            yield RunningWitness(folder=folder, url=found[0])
        finally:
            process.terminate()


def _armslength(*arguments: str) -> str:
    command = [sys.executable, "-m", "armslength", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
