"""Who asks for access learns why there was no answer, in words that are not a programmer's."""

from __future__ import annotations

import socket
import threading

import pytest

from armslength.enforce import Unreachable, ask_certificate
from armslength.enforce import ssh_asking as asking


def test_why_nothing_came_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would look for a fault of their lease, or call whoever is on duty about `NewConnectionError`."""

    def says(url: str) -> str:
        with pytest.raises(Unreachable) as raised:
            ask_certificate(url, "lease", "key")
        return str(raised.value)

    monkeypatch.setattr(asking, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as door:
        place = f"127.0.0.1:{door.getsockname()[1]}"
        assert says(f"http://{place}") == f"no answer from http://{place}: it takes too long"
        assert says(f"https://{place}") == f"no answer from https://{place}: it takes too long"
    assert says(f"http://{place}") == f"no answer from http://{place}: Connection refused"
    assert says("https://gate.invalid") == "no answer from https://gate.invalid: no host gate.invalid is known here"
    monkeypatch.setattr(asking, "SECONDS", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as door:

        def other() -> None:
            with door.accept()[0] as taken:
                taken.recv(100)
                taken.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=other)
        thread.start()
        assert says(f"https://127.0.0.1:{door.getsockname()[1]}").endswith("it speaks no TLS")
        thread.join()
