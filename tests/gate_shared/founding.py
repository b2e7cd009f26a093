"""A firm with two gates, made by a process at a site: a test has no fork to spare, with threads of its own running.

python -m tests.gate_shared.founding NAMESPACE PLACE FOLDER PORT HOST
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.gate_shared.network import Site
from tests.gate_shared.pair import founded
from tests.gate_shared.server import SharedServer

ROOT = Path(__file__).resolve().parents[2]


def found_at(site: Site, server: SharedServer, place: Path) -> None:
    """The firm `founded`, at `place`."""
    words = [site.namespace, place, server.folder, server.port, server.host]
    command = [sys.executable, "-m", "tests.gate_shared.founding", *map(str, words)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


def main(namespace: str, place: str, folder: str, port: str, host: str) -> None:
    Site(namespace=namespace, address="").enter()
    founded(SharedServer(folder=Path(folder), port=int(port), host=host), "founded", Path(place))


if __name__ == "__main__":
    main(*sys.argv[1:])
