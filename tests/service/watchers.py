"""Real witnesses that listen, each behind a door at which a test may answer in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from armslength.service import Signed, Witness, create_witness
from armslength.store import LedgerFolder
from armslength.tlog import Algorithm, Note, SigningKey, VerifierKey, format_signatures, sign_note
from armslength.web import WitnessMetrics, running, witness_app
from tests.service.ledgers import Chance, Clock

Answer = Callable[[Request], Awaitable[Response]]


class Door:
    """An app that answers as itself unless `instead` is set. `asked` counts the requests, by method."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.instead: Answer | None = None
        self.asked = {"GET": 0, "POST": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked[scope["method"]] += 1
        if self.instead is None:
            await self._app(scope, receive, send)
        else:
            response = await self.instead(Request(scope, receive))
            await response(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A witness as a policy knows it. `signer` is the private half of `key`, for what a witness gone bad can do."""

    name: str
    witness: Witness
    clock: Clock
    door: Door
    url: str
    signer: SigningKey

    @property
    def key(self) -> VerifierKey:
        return self.signer.verifier

    @property
    def line(self) -> str:
        return f"witness {self.name} {self.key.text} {self.url}\n"

    def size(self, origin: str) -> int:
        """Of the checkpoint of a log that it cosigned last, 0 if none."""
        (log,) = (log for log in self.witness.status() if log.origin == origin)
        return 0 if log.latest is None else log.latest.checkpoint.size


@contextmanager
def watching(folder: Path, *names: str) -> Iterator[tuple[Watcher, ...]]:
    """Witnesses that listen, as long as the block lasts."""
    with ExitStack() as stack:
        made = []
        for name in names:
            chance = Chance(f"witness {name}")
            place = str(folder / f"witness-{name}")
            create_witness(place, f"{name}.example.com/witness", chance)
            clock = Clock()
            witness = Witness(place, lambda clock=clock: int(clock()))  # type: ignore[misc]
            stack.callback(witness.close)
            door = Door(witness_app(witness, WitnessMetrics(CollectorRegistry())))
            url = stack.enter_context(running(door))
            seed = chance.given[1]
            signer = SigningKey(name=witness.name, algorithm=Algorithm.COSIGNATURE_ED25519, seed=seed)
            assert signer.verifier in witness.keys
            made.append(Watcher(name=name, witness=witness, clock=clock, door=door, url=url, signer=signer))
        yield tuple(made)


def lines(watchers: tuple[Watcher, ...], quorum: str) -> str:
    """The policy's lines: these witnesses, and so many of them (`all`, `any`, a number)."""
    names = " ".join(each.name for each in watchers)
    return "".join(each.line for each in watchers) + f"group enough {quorum} {names}\nquorum enough\n"


def trusted(watchers: tuple[Watcher, ...], folder: LedgerFolder) -> None:
    """Have the witnesses take up the log of a folder."""
    for each in watchers:
        each.witness.trust([key.verifier.text for key in folder.signers])


# What a witness can answer


def saying(status: int, body: str | bytes = "") -> Answer:
    """The same to everything."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse(body, status_code=status)

    return answer


def to_posts(post: Answer, *, get: Answer | None = None) -> Answer:
    """One answer to what is to be cosigned, another to whoever asks what was (404 if not given)."""

    async def answer(request: Request) -> Response:
        return await (post if request.method == "POST" else get or saying(404))(request)

    return answer


def cosigning(*signers: SigningKey, time: int, text: str | None = None) -> Answer:
    """Cosignatures by these keys at this time, over what was sent or over another text, whatever it is."""

    async def answer(request: Request) -> Response:
        body = (await request.body()).decode()
        note = Note.parse(body[body.index("\n\n") + 2 :])
        signatures = [sign_note(note.text if text is None else text, key, timestamp=time) for key in signers]
        return PlainTextResponse(format_signatures(signatures))

    return answer


def honestly(witness: Witness, altered: Callable[[str], str]) -> Answer:
    """What the witness answers, altered."""

    async def answer(request: Request) -> Response:
        found = witness.add_checkpoint(await request.body())
        assert isinstance(found, Signed), found
        return PlainTextResponse(altered(format_signatures(found.signatures)))

    return to_posts(answer)
