"""The firm's customers: people with accounts on the homeserver, their rooms, and what is complained of in them.

Three of them do not exist: accounts made in one go, at one address, to complain of a room. That is how case K1
had rooms ended by reviewers abroad who saw the complaints and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from examples.matrix.homeserver import Account, Homeserver, HomeserverError

FORGED_FROM = "203.0.113.77"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room, who made it, and who is in it."""

    id: str
    host: Account
    guests: tuple[Account, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """`vigil` is a commemoration that a state wants ended. `market` is a room where stolen mailboxes are sold, `annex`
    another one of the same host."""

    alice: Account
    bob: Account
    carol: Account
    mallory: Account
    vigil: Room
    market: Room
    annex: Room


def settle(server: Homeserver, admin: Account) -> Customers:
    """Accounts and rooms, and honest complaints about the market."""
    alice = server.register("alice", address="198.51.100.10")
    bob = server.register("bob", address="192.0.2.20")
    carol = server.register("carol", address="192.0.2.31")
    mallory = server.register("mallory", address="198.51.100.66")
    for account, mail in ((alice, "alice@mail.example"), (mallory, "mallory@mail.example")):
        form = {"threepids": [{"medium": "email", "address": mail}]}
        server.call("PUT", f"/_synapse/admin/v2/users/{quote(account.user)}", form, by=admin)
    vigil = Room(id=server.room(alice, "Vigil, 4 June", (bob, carol)), host=alice, guests=(bob, carol))
    market = Room(id=server.room(mallory, "Market", (bob, carol)), host=mallory, guests=(bob, carol))
    annex = Room(id=server.room(mallory, "Annex", (bob,)), host=mallory, guests=(bob,))
    server.say(vigil.id, alice, "We light a candle at eight.")
    offer = server.say(market.id, mallory, "5,000 mailboxes with passwords, fresh. Ask me.")
    if offer is None:
        raise HomeserverError("a room's own host could not speak in it")
    server.report(market.id, offer, bob, "sells passwords; mine was among them")
    server.report(market.id, offer, carol, "stolen accounts are sold here")
    return Customers(alice=alice, bob=bob, carol=carol, mallory=mallory, vigil=vigil, market=market, annex=annex)


def forge(server: Homeserver, room: Room) -> None:
    """Three made-up people join a room and complain of what its host said."""
    (said,) = (each for each in _messages(server, room) if each["sender"] == room.host.user)
    for name in ("concerned-mother", "honest.citizen", "veteran-81"):
        forged = server.register(name, address=FORGED_FROM)
        server.join(room.id, forged)
        server.report(room.id, said["event_id"], forged, "incites terrorism, end this room at once")


def complaints(server: Homeserver, admin: Account, room: Room) -> bytes:
    """The complaints about a room, each with the addresses that its author was seen at: what an approver is shown."""
    path = f"/_synapse/admin/v1/event_reports?room_id={quote(room.id)}"
    told = []
    for report in server.call("GET", path, by=admin)["event_reports"]:
        user = quote(report["user_id"])
        devices = server.call("GET", f"/_synapse/admin/v2/users/{user}/devices", by=admin)["devices"]
        seen = sorted({device["last_seen_ip"] for device in devices})
        told.append({"by": report["user_id"], "reason": report["reason"], "seen_at": seen})
    return json.dumps(told, indent=1, sort_keys=True).encode()


def _messages(server: Homeserver, room: Room) -> list[dict[str, Any]]:
    path = f"/_matrix/client/v3/rooms/{quote(room.id)}/messages?dir=b&limit=50"
    events = server.call("GET", path, by=room.host)["chunk"]
    return [event for event in events if event["type"] == "m.room.message"]
