"""Says whom a room concerns: the resolver `*room` of routes.csv, which the gate asks before it decides.

A path names a room, and the gate thinks in customers. The answer is the room's host, and the room itself: so a lease
for one room of a host ends no other room of theirs, and whoever is in the room can be shown what was done to it.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit

from examples.matrix.homeserver import Account, Homeserver


def concerned(server: Homeserver, admin: Account, room: str) -> tuple[str, ...] | None:
    """The host and the room; None where there is no such room."""
    status, known = server.ask("GET", f"/_synapse/admin/v1/rooms/{quote(room)}", by=admin)
    return (known["creator"], room) if status == 200 and known.get("creator") else None


class RoomLookup:
    """Answers `GET /room?room=ID` with `{"customers": […]}` on this machine, in a thread of its own."""

    def __init__(self, server: Homeserver, admin: Account) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                named = parse_qs(parts.query).get("room", [])
                found = concerned(server, admin, named[0]) if parts.path == "/room" and len(named) == 1 else None
                body = json.dumps({"customers": found}).encode()
                self.send_response(HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Who asks about which room is in the ledger, not in a log beside it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/room"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
