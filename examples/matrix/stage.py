"""How people of the case do things, and what is told of it: a request at the door, asking, signing, a command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from armslength.gate import Granted, Refused, Rejected, RequestState
from armslength.service import Asked
from examples.matrix.firm import Firm
from examples.matrix.homeserver import HomeserverError
from examples.matrix.played import Attempt
from examples.matrix.transcript import Transcript
from examples.matrix.visitor import Answer

SECONDS = 30


class Stage:
    """A firm, and where it is told what happens there."""

    def __init__(self, firm: Firm, told: Transcript) -> None:
        self.firm, self.told = firm, told

    def at(self, person: str | None, method: str, path: str, form: object = None) -> Answer:
        """One request at the staff's door."""
        answer = self.firm.at_the_door(person).ask(method, path, form)
        came = f"{answer.why}: {answer.says}" if answer.why else json.dumps(answer.body)
        self.told.act(person or "somebody without a certificate", f"{method} {path}", _cut(f"{answer.status} {came}"))
        return answer

    def ask(self, asked: Asked) -> RequestState:
        outcome = self.firm.ask(asked)
        who = asked.executor if asked.asker == asked.executor else f"{asked.executor}, asked by {asked.asker}"
        what = f"asks to {asked.action} {asked.resource.id}: “{asked.purpose}”"
        if isinstance(outcome, Refused):
            self.told.act(who, what, f"refused, {outcome.why}: {outcome.says}")
            raise RuntimeError(f"the gate let nobody ask for this: {outcome.says}")
        self.told.act(who, what, f"Asked. Who could say yes: {people(self.firm.could(outcome.request.id).people)}.")
        return outcome

    def attempt(self, state: RequestState, approvers: tuple[str, ...]) -> Attempt:
        """These sign, one after the other."""
        id = state.request.id
        turned_away = []
        for person in approvers:
            try:
                self.firm.approve(id, person)
            except Rejected as error:
                turned_away.append((person, str(error)))
                self.told.act(person, "would say yes", f"Turned away: {error}.")
            else:
                self.told.act(person, "says yes, with a signature over exactly this request", "Recorded.")
        missing = self.firm.missing(id)
        self.told.tell(f"The gate says what is missing: {'; '.join(missing) or 'nothing'}.")
        return Attempt(
            turned_away=tuple(turned_away),
            missing=missing,
            could=tuple(self.firm.could(id).people),
            state=self.firm.gate.request(id),
        )

    def granted(self, asked: Asked, approvers: tuple[str, ...]) -> Granted:
        """Ask, have these approve, and get the lease."""
        state = self.ask(asked)
        for person in approvers:
            state = self.firm.approve(state.request.id, person)
            self.told.act(person, "reads the evidence and signs", "Recorded.")
        if not isinstance(state.status, Granted):
            raise RuntimeError(f"no lease: {'; '.join(self.firm.missing(state.request.id))}")
        lease = self.firm.gate.lease(state.status.lease).terms
        uses = "any number of uses" if lease.uses is None else f"{lease.uses} use" + "s" * (lease.uses != 1)
        minutes = int((lease.end - lease.start).total_seconds() // 60)
        self.told.tell(f"A lease for {lease.executor} alone: {lease.action}, {uses}, {minutes} minutes.")
        return state.status

    def deletion(self, answer: Answer) -> str:
        """What Synapse says of a deletion once it is through with it."""
        path = f"/_synapse/admin/v2/rooms/delete_status/{answer.body['delete_id']}"
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            status: str = self.firm.homeserver.call("GET", path, by=self.firm.admin)["status"]
            if status in ("complete", "failed"):
                return status
            time.sleep(0.1)
        raise HomeserverError("Synapse did not end the room in time")

    def run(self, *arguments: str | Path, brief: bool = False) -> subprocess.CompletedProcess[str]:
        """The command line, as a customer or an auditor would use it. `brief`: only its last line is shown."""
        words = [str(each) for each in arguments]
        shown = [word.removeprefix(f"{self.firm.folder}/") for word in words]
        done = subprocess.run([sys.executable, "-m", "armslength", *words], capture_output=True, text=True)
        self.told.tell(f"$ armslength {' '.join(shown)}")
        said = (done.stdout + done.stderr).strip()
        self.told.shown(said.rpartition("\n")[2] if brief else said)
        return done


def people(ids: tuple[str, ...]) -> str:
    return ", ".join(ids) or "nobody"


def _cut(text: str) -> str:
    return text if len(text) <= 240 else f"{text[:240]} …"
