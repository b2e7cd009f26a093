"""A gate that `armslength serve` runs, with people who hold passkeys in software."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from armslength.service import Gate, SoftKey, create_gate
from armslength.store import GateSettings, read_gate_folder
from tests.cli.ran import PROGRAM
from tests.console.desk import ORIGIN, Client, founded
from tests.console.staff import FILES, FOUNDED


def keyed_gate(path: Path, **settings: object) -> tuple[str, Mapping[str, SoftKey]]:
    """A gate that nobody runs, everybody with a founding key. Gives its URL and the keys."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://localhost:{taken.getsockname()[1]}"
    said = GateSettings(origin=ORIGIN, url=url, name="Meridian", break_glass=("glass",), **settings)  # type: ignore[arg-type]
    create_gate(path, settings=said, estate=FILES)
    with Gate(read_gate_folder(path)) as gate:
        keys = {person: founded(gate, person) for person in FOUNDED}
    return url, keys


@contextmanager
def served(path: Path) -> Iterator[subprocess.Popen[str]]:
    """The gate in a process of its own, once it listens."""
    process = subprocess.Popen(
        [PROGRAM, "serve", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=path.parent
    )
    try:
        assert process.stdout is not None and process.stdout.readline()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def client_of(url: str, key: SoftKey) -> Client:
    """A browser in which the key's person is signed in."""
    client = Client(url)
    end = time.monotonic() + 20
    while True:
        try:
            status, _, text = client.post("/sign-in", client.sign_in_fields(key))
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    assert status == 303, text
    return client
