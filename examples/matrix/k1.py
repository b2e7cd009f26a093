"""Case K1, played at Fernbank: what a state tried through a company's liaison, and what becomes of each attempt here.

The acts are real: people at the staff's door, nginx, the gate and its ledger, Synapse. Nothing here decides; it does
what the people of the case did, and tells what came back.
"""

from __future__ import annotations

from urllib.parse import quote

from armslength.gate import PersonId, Refused
from examples.matrix.bundle_reading import told
from examples.matrix.customers import Room, complaints, forge
from examples.matrix.firm import Firm
from examples.matrix.played import Alone, Attempt, Borrowed, Desk, Ended, Forged, Played, Proof
from examples.matrix.stage import Stage, people
from examples.matrix.transcript import Transcript
from examples.matrix.visitor import Answer

ENDING = {"block": True, "purge": False, "message": "This room was ended by Fernbank's trust desk."}


def play(firm: Firm, transcript: Transcript) -> Played:
    """All of it, in order."""
    case = _Case(firm, transcript)
    return Played(
        alone=case.alone(),
        liaison=case.liaison_asks(),
        borrowed=case.borrowed_hands(),
        forged=case.fabricated(),
        ended=case.properly(),
        desk=case.desk(),
        proof=case.proof(),
    )


class _Case:
    def __init__(self, firm: Firm, transcript: Transcript) -> None:
        self._firm, self._told, self._stage = firm, transcript, Stage(firm, transcript)
        self._customers = firm.customers

    # Alone

    def alone(self) -> Alone:
        vigil = self._customers.vigil
        self._told.chapter(
            "Alone",
            "Synapse's admin API ends any room and reads any account for whoever holds an administrator's token. Here "
            "nginx holds it, and asks the gate first. Alice hosts a vigil that a state wants to be gone.",
        )
        return Alone(
            version=self._stage.at("ops-ie", "GET", "/_synapse/admin/v1/server_version"),
            liaison=self._stage.at("liaison-cn", "DELETE", _room(vigil), ENDING),
            nobody=self._stage.at(None, "DELETE", _room(vigil), ENDING),
            detour=self._stage.at("liaison-cn", "DELETE", f"/_synapse/admin/v2//rooms/{quote(vigil.id)}", ENDING),
            colleague=self._stage.at("ops-ie", "DELETE", _room(vigil), ENDING),
            past_the_door=self._past_the_door(),
        )

    def _past_the_door(self) -> int:
        """Straight to Synapse from this machine, without the token that nginx holds."""
        path = _room(self._customers.vigil)
        status, answer = self._firm.homeserver.ask("DELETE", path, ENDING)
        self._told.act("ops-ie", f"DELETE {path}, straight to Synapse", f"{status} {answer['error']}")
        return status

    # Asking

    def liaison_asks(self) -> Attempt:
        self._told.chapter(
            "The liaison asks",
            "He may put the state's demand before others, in the open. What people say whom the same state can compel "
            "does not suffice, and his own manager may not say yes at all.",
        )
        asked = self._firm.asked(
            "liaison-cn",
            "terminate",
            "rooms",
            customers=_concerned(self._customers.vigil),
            purpose="the authorities demand that this room be ended within a minute",
            context={"demand": "CN-2026-0604"},
        )
        state = self._stage.ask(asked)
        attempt = self._stage.attempt(state, ("trust-cn", "community-cn", "policy-head"))
        self._firm.gate.withdraw(state.request.id, asked.asker)
        self._told.act("liaison-cn", "withdraws it", "The request is over. It stays in the ledger.")
        return attempt

    def borrowed_hands(self) -> Borrowed:
        self._told.chapter(
            "Borrowed hands",
            "So he turns to a colleague abroad, who has such access and thinks nothing of it. Alone the colleague is "
            "refused as well (above). And whoever asks for him has his limits.",
        )
        vigil = self._customers.vigil
        purpose = "a colleague asks for this room to be ended, it breaks our terms he says"
        named, unnamed = (
            self._firm.asked("ops-ie", "terminate", "rooms", asker=asker, customers=_concerned(vigil), purpose=purpose)
            for asker in ("liaison-cn", "ops-ie")
        )
        with_him, without = self._firm.could(named), self._firm.could(unnamed)
        self._told.tell(f"Who could say yes if ops-ie asked for themselves: {people(without.people)}.")
        self._told.tell(f"And with the liaison as the asker: {people(with_him.people)}.")
        state = self._stage.ask(named)
        attempt = self._stage.attempt(state, ("trust-cn", "community-cn", "trust-us"))
        self._firm.gate.withdraw(state.request.id, named.asker)
        self._told.tell("Then he would like to know where Alice sits. That is shielded from whoever asks for him.")
        shielded = self._firm.ask(
            self._firm.asked(
                "desk-sg",
                "read",
                "account-data",
                asker="liaison-cn",
                customers=(self._customers.alice.user,),
                purpose="her devices and addresses, for the authorities",
                context={"case": "CN-2026-0604"},
            )
        )
        says = f"refused, {shielded.why}: {shielded.says}" if isinstance(shielded, Refused) else "asked"
        self._told.act("desk-sg, asked by liaison-cn", "asks to read account-data of Alice", says)
        return Borrowed(named=with_him, unnamed=without, attempt=attempt, shielded=shielded)

    def fabricated(self) -> Forged:
        vigil = self._customers.vigil
        forge(self._firm.homeserver, vigil)
        self._told.chapter(
            "Fabricated complaints",
            "Three accounts are made at one address, join the vigil and report it. An agent of the trust desk in SG "
            "takes the complaints for real and asks to end the room. Nobody knows of the liaison.",
        )
        packet = complaints(self._firm.homeserver, self._firm.admin, vigil)
        asked = self._firm.asked(
            "desk-sg",
            "terminate",
            "rooms",
            customers=_concerned(vigil),
            purpose="three reports of incitement in one room",
            evidence={"complaints.json": packet},
        )
        state = self._stage.ask(asked)
        id = state.request.id
        self._told.tell("Two reviewers whom the state can compel say yes:")
        one_state = self._stage.attempt(state, ("trust-cn", "community-cn"))
        self._firm.gate.unapprove(id, PersonId("trust-cn"))
        self._told.tell("One of them steps back, and somebody abroad says yes, who is the other one's manager:")
        one_line = self._stage.attempt(state, ("community-head",))
        self._told.tell(
            "It takes somebody outside the state and outside that line. Counsel in the US is shown the evidence before "
            "they can sign: three accounts, one address."
        )
        self._told.shown(packet.decode())
        reader = PersonId("legal-us")
        for each in state.request.evidence:
            self._firm.gate.opened(id, reader, each.digest)
        ended = self._firm.gate.decline(id, reader, "all three reports come from one address").status
        self._told.act("legal-us", "declines", "One no ends a request.")
        alive = self._firm.homeserver.say(vigil.id, self._customers.bob, "Still here.") is not None
        self._told.tell(f"The vigil {'goes on' if alive else 'is over'}: Bob {'speaks' if alive else 'cannot speak'}.")
        return Forged(one_state=one_state, one_line=one_line, ended=ended, alive=alive)

    # Properly

    def properly(self) -> Ended:
        market, annex = self._customers.market, self._customers.annex
        self._told.chapter(
            "As it should be",
            "In Mallory's room stolen mailboxes are sold, and two customers report it. An operator in IE asks, and two "
            "people of other units, lines and states look and sign. A lease is for that room, that person, one use.",
        )
        packet = complaints(self._firm.homeserver, self._firm.admin, market)
        asked = self._firm.asked(
            "ops-ie",
            "terminate",
            "rooms",
            customers=_concerned(market),
            purpose="stolen mailboxes are sold in this room",
            evidence={"complaints.json": packet},
        )
        status = self._stage.granted(asked, ("trust-us", "legal-sg"))
        other_room = self._stage.at("ops-ie", "DELETE", _room(annex), ENDING)
        other_person = self._stage.at("ops-us", "DELETE", _room(market), ENDING)
        answer = self._stage.at("ops-ie", "DELETE", _room(market), ENDING)
        deletion = self._stage.deletion(answer)
        alive = self._firm.homeserver.say(market.id, self._customers.mallory, "Anyone?") is not None
        self._told.tell(f"Synapse says of the room: {deletion}. Mallory {'speaks' if alive else 'cannot speak'} there.")
        again = self._stage.at("ops-ie", "DELETE", _room(market), ENDING)
        return Ended(
            status=status,
            other_room=other_room,
            other_person=other_person,
            answer=answer,
            deletion=deletion,
            alive=alive,
            again=again,
            lease=self._firm.gate.lease(status.lease),
        )

    def desk(self) -> Desk:
        mallory, alice, annex = self._customers.mallory, self._customers.alice, self._customers.annex
        case = {"case": "T-118"}
        self._told.chapter("Each act a lease of its own", "What else the trust desk does about Mallory, and only that.")
        read_before = self._stage.at("desk-ie", "GET", f"{_user(mallory.user)}/devices")
        self._stage.granted(
            self._firm.asked(
                "desk-ie",
                "read",
                "account-data",
                customers=(mallory.user,),
                purpose="whether other accounts sit where this one does",
                context=case,
            ),
            ("trust-us", "legal-sg"),
        )
        devices = self._stage.at("desk-ie", "GET", f"{_user(mallory.user)}/devices")
        account = self._stage.at("desk-ie", "GET", _user(mallory.user))
        other_account = self._stage.at("desk-ie", "GET", _user(alice.user))
        spoke = self._firm.homeserver.say(annex.id, mallory, "We go on here.") is not None
        self._told.tell(f"Mallory {'speaks' if spoke else 'cannot speak'} in the annex.")
        suspended = self._act("desk-ie", "suspend", "PUT", "/_synapse/admin/v1/suspend", {"suspend": True})
        silenced = self._firm.homeserver.say(annex.id, mallory, "Over here.") is None
        self._told.tell(f"Mallory {'cannot speak' if silenced else 'speaks'} in the annex.")
        self._stage.granted(
            self._firm.asked(
                "desk-ie",
                "list",
                "directory",
                customers=(),
                purpose="whether there are other rooms of this kind",
                context=case,
            ),
            ("trust-us", "legal-sg"),
        )
        rooms = self._stage.at("desk-ie", "GET", "/_synapse/admin/v1/rooms?order_by=name")
        closed = self._act("desk-ie", "deactivate", "POST", "/_synapse/admin/v1/deactivate", {"erase": False})
        known = self._firm.homeserver.call("GET", _user(mallory.user), by=self._firm.admin)
        self._told.tell(f"Synapse says of Mallory's account: deactivated {str(known['deactivated']).lower()}.")
        return Desk(
            read_before=read_before,
            devices=devices,
            account=account,
            other_account=other_account,
            suspended=suspended,
            spoke=spoke,
            silenced=silenced,
            rooms=rooms,
            closed=closed,
            deactivated=known["deactivated"],
        )

    # Proof

    def proof(self) -> Proof:
        self._told.chapter(
            "What is left of it",
            "The ledger is published. Alice and Mallory are each handed their bundle, and check it offline.",
        )
        self._firm.ledger.publish()
        gate = self._firm.folder / "gate"
        ledger = gate / "ledger"
        bundles, handles, verified = {}, {}, {}
        for name, account in (("alice", self._customers.alice), ("mallory", self._customers.mallory)):
            bundle = self._firm.folder / f"{name}.bundle.json"
            exported = self._stage.run("ledger", "export", ledger, "--customer", account.user, "--bundle", bundle)
            # The firm gives customers their handle when it first deals with them.
            handles[name] = exported.stderr.split()[-1]
            verified[name] = self._stage.run(
                "verify", bundle, "--policy", ledger / "policy", f"--customer={handles[name]}", brief=name != "alice"
            )
            self._told.tell(f"What {name} reads in it:")
            self._told.shown("\n".join(each.line() for each in told(bundle.read_bytes())))
            bundles[name] = bundle
        self._told.tell("And the gate, from its ledger alone: every signature, every key, every quorum again.")
        checked = self._stage.run("gate", "check", gate)
        return Proof(bundles=bundles, handles=handles, verified=verified, checked=checked)

    def _act(self, person: str, action: str, method: str, path: str, form: object) -> Answer:
        """An act on Mallory's account, asked for, approved and done."""
        user = self._customers.mallory.user
        asked = self._firm.asked(
            person, action, "accounts", customers=(user,), purpose="sells stolen mailboxes, see T-118"
        )
        self._stage.granted(asked, ("trust-us", "legal-sg"))
        return self._stage.at(person, method, f"{path}/{quote(user)}", form)


def _room(room: Room) -> str:
    return f"/_synapse/admin/v2/rooms/{quote(room.id)}"


def _user(user: str) -> str:
    return f"/_synapse/admin/v2/users/{quote(user)}"


def _concerned(room: Room) -> tuple[str, ...]:
    """Whom a request for a room has to name, as the lookup will."""
    return (room.host.user, room.id)
