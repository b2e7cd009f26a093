"""A log's dealings with its witnesses: asks them to cosign, and believes what they can prove against it.

A witness that says it knows another history is not believed on its word, or any of them could stop any log: it has to
show a checkpoint that this log's own key signed. What it says without proof is told to the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from armslength.store import Conflict, Cosigned, Refused, Unreachable, WitnessClient
from armslength.tlog import (
    AddCheckpoint,
    Checkpoint,
    Edge,
    Node,
    Note,
    Policy,
    Signature,
    TlogError,
    VerifierKey,
    consistency_proof,
    root_at,
    verify_signature,
)

Answer = Cosigned | Conflict | Refused | Unreachable

GRACE = 0.2
"""Seconds for which the others are waited for once the quorum is met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """What a witness, by its URL, last did: `problem` in words, None if it cosigned."""

    url: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What asking all witnesses gave. `contradiction` says what one of them proved against this log."""

    signatures: tuple[Signature, ...]
    answers: tuple[WitnessAnswer, ...]
    contradiction: str | None


class Witnesses:
    """The witnesses of a policy that have a URL. For one thread at a time; it asks all of them at once."""

    def __init__(self, policy: Policy, client: WitnessClient, *, timeout: float) -> None:
        """`timeout` in seconds, for each answer."""
        self._policy, self._client, self._timeout = policy, client, timeout
        self._keys: dict[str, tuple[VerifierKey, ...]] = {}
        for witness in policy.witnesses:
            if witness.url:
                self._keys[witness.url] = (*self._keys.get(witness.url, ()), witness.key)
        self._cosigned: dict[str, int] = {}
        """The size that each witness cosigned last, as far as we know."""
        self._asked: dict[str, Future[Answer]] = {}
        """Requests of an earlier round that are not answered yet: nobody is asked twice at once."""
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._keys)), thread_name_prefix="ledger-witness")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def contradiction(
        self, note: Note, edge: Edge, node: Node, *, shown: Note | None
    ) -> tuple[str | None, tuple[WitnessAnswer, ...]]:
        """Whether a witness can prove that this log is not the newest history: what it proves, and the witnesses that
        left it open.

        `note` is the log's newest checkpoint, of `edge`; `node` gives the hashes of the log; `shown` is what it
        published last, whose witnesses must know it.
        """
        origin = Checkpoint.parse(note.text).origin
        latest = self._pool.map(lambda url: (url, self._client.latest(url, origin, self._timeout)), self._keys)
        proven: str | None = None
        problems: dict[str, str | None] = {}
        for url, found in latest:
            problems[url] = None
            if isinstance(found, Note):
                proven = proven or self._against(url, found, edge, node)
            elif isinstance(found, Unreachable):
                problems[url] = found.reason
            elif shown is not None and any(_signed(shown, key) for key in self._keys[url]):
                problems[url] = "it shows no checkpoint of this log, and cosigned the one that is published"
        if proven is None and edge.size:
            # What it shows may be elsewhere, or old; what it answers is what it knows.
            asked = {url: AddCheckpoint(old=edge.size, proof=(), note=note) for url in self._keys}
            for url, answer in self._pool.map(lambda item: (item[0], self._ask(*item)), asked.items()):
                if isinstance(answer, Conflict) and answer.size > edge.size:
                    problems[url] = _more(answer.size, edge.size)
        return proven, tuple(WitnessAnswer(url=url, problem=problem) for url, problem in problems.items())

    def cosign(self, note: Note, edge: Edge, node: Node, *, enough: Callable[[Iterable[Signature]], bool]) -> Round:
        """Ask every witness to cosign a checkpoint, the log's newest: `note` of `edge`. Once the signatures are
        `enough`, the slow ones are left behind: their answers are for the next round.

        One that cosigned another size last than we thought is asked again with a proof from there.
        """
        given: dict[bytes, Signature] = {}
        problems: dict[str, str | None] = dict.fromkeys(self._keys, "it has not answered yet")
        doubtful: list[str] = []
        for url, late in [item for item in self._asked.items() if item[1].done()]:
            del self._asked[url]
            self._take_late(url, late.result(), doubtful)
        again: set[str] = set()
        waiting: dict[Future[Answer], tuple[str, AddCheckpoint]] = {}

        def ask(url: str) -> None:
            request = self._request(url, note, edge, node)
            asked = self._pool.submit(self._ask, url, request)
            self._asked[url] = asked
            waiting[asked] = (url, request)

        for url in self._keys:
            if url not in self._asked:
                ask(url)
        while waiting:
            done, _ = wait(waiting, timeout=GRACE if enough(given.values()) else None, return_when=FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                url, request = waiting.pop(future)
                del self._asked[url]
                answer = future.result()
                match answer:
                    case Cosigned(signatures=signatures):
                        good = self._good(url, note, signatures)
                        given.update(good)
                        self._cosigned[url] = edge.size
                        problems[url] = None if good else "it answered with no cosignature by its key in the policy"
                    case Conflict(size=size) if size <= edge.size:
                        self._cosigned[url] = size
                        problems[url] = f"it cosigned size {size} meanwhile"
                        # The same size again with a 409 is how some witnesses say that the root differs.
                        if url not in again and request.old != size:
                            again.add(url)
                            ask(url)
                        else:
                            doubtful.append(url)
                    case Conflict(size=size):
                        problems[url] = _more(size, edge.size)
                        doubtful.append(url)
                    case Refused(status=status, reason=reason):
                        problems[url] = f"it refused ({status}): {reason}"
                        doubtful += [url] if status == 422 else []
                    case Unreachable(reason=reason):
                        problems[url] = f"no answer: {reason}"
        return Round(
            signatures=tuple(given.values()),
            answers=tuple(WitnessAnswer(url=url, problem=problem) for url, problem in problems.items()),
            contradiction=self._doubts(doubtful, Checkpoint.parse(note.text).origin, edge, node),
        )

    def _take_late(self, url: str, answer: Answer, doubtful: list[str]) -> None:
        """An answer that came after its round."""
        match answer:
            case Conflict(size=size):
                self._cosigned[url] = size
            case Refused(status=422):
                doubtful.append(url)
            case Cosigned() | Refused() | Unreachable():
                pass  # it is asked again now, and a 409 tells the size it has

    def _request(self, url: str, note: Note, edge: Edge, node: Node) -> AddCheckpoint:
        old = min(self._cosigned.get(url, 0), edge.size)
        proof = consistency_proof(old, edge.size, node) if 0 < old < edge.size else ()
        return AddCheckpoint(old=old, proof=proof, note=note)

    def _ask(self, url: str, request: AddCheckpoint) -> Answer:
        return self._client.submit(url, request, self._timeout)

    def _good(self, url: str, note: Note, signatures: Iterable[Signature]) -> Mapping[bytes, Signature]:
        """The cosignatures, by key id, that are by this witness and verify, one of each key. Any other is left out: a
        wrong one under a known key would make the whole note one that everybody has to refuse, and many would fill it
        up."""
        good: dict[bytes, Signature] = {}
        for signature in signatures:
            for key in self._keys[url]:
                if signature.by(key) and key.id not in good and _signed(note.with_signatures((signature,)), key):
                    good[key.id] = signature
        return good

    def _doubts(self, urls: Iterable[str], origin: str, edge: Edge, node: Node) -> str | None:
        latest = self._pool.map(lambda url: (url, self._client.latest(url, origin, self._timeout)), urls)
        for url, found in latest:
            if isinstance(found, Note):
                proven = self._against(url, found, edge, node)
                if proven is not None:
                    return proven
        return None

    def _against(self, url: str, note: Note, edge: Edge, node: Node) -> str | None:
        """What a checkpoint from a witness proves against this log, if this log signed it."""
        try:
            checkpoint = Checkpoint.parse(note.text)
            signed = self._policy.signed_by_log(note)
        except TlogError:
            return None
        if not signed:
            return None
        if checkpoint.size > edge.size:
            return (
                f"the witness {url} shows a checkpoint of size {checkpoint.size} signed by this log, which has"
                f" {edge.size} entries: it was rolled back"
            )
        if root_at(checkpoint.size, node) != checkpoint.root:
            return (
                f"the witness {url} shows another checkpoint of size {checkpoint.size} signed by this log: there are"
                " two histories"
            )
        return None


def _signed(note: Note, key: VerifierKey) -> bool:
    try:
        return verify_signature(note, key) is not None
    except TlogError:
        return False


def _more(theirs: int, ours: int) -> str:
    return f"it says that it cosigned size {theirs}, and this log has {ours}; it shows no proof of that"
