"""A log's dealings with its witnesses: asks them to cosign, and believes what they can prove against it.

A witness that says it knows another history is not believed on its word, or any of them could stop any log: it has to
show a checkpoint that this log's own key signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
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
    consistency_proof,
    root_at,
    verify_signature,
)


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
        self._urls = tuple(dict.fromkeys(witness.url for witness in policy.witnesses if witness.url))
        self._cosigned: dict[str, int] = {}
        """The size that each witness cosigned last, as far as we know."""
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._urls)), thread_name_prefix="ledger-witness")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def urls(self) -> tuple[str, ...]:
        return self._urls

    def contradiction(self, origin: str, edge: Edge, node: Node) -> tuple[str | None, tuple[WitnessAnswer, ...]]:
        """Whether a witness knows this log at a larger size, or with another root, than it has itself; and who did
        not answer.

        `node` gives the hashes of the log of `edge`.
        """
        asked = self._pool.map(lambda url: (url, self._client.latest(url, origin, self._timeout)), self._urls)
        proven: str | None = None
        answers: list[WitnessAnswer] = []
        for url, latest in asked:
            if isinstance(latest, Unreachable):
                answers.append(WitnessAnswer(url=url, problem=latest.reason))
                continue
            answers.append(WitnessAnswer(url=url, problem=None))
            if latest is not None:
                proven = proven or self._against(url, latest, edge, node)
        return proven, tuple(answers)

    def cosign(self, note: Note, edge: Edge, node: Node) -> Round:
        """Ask every witness to cosign a checkpoint, the log's newest: `note` of `edge`.

        One that cosigned another size last than we thought is asked again with a proof from there.
        """
        signatures: list[Signature] = []
        problems: dict[str, str | None] = {}
        doubtful: list[str] = []
        left = list(self._urls)
        for again in (True, False):
            requests = {url: self._request(url, note, edge, node) for url in left}
            left = []
            asked = self._pool.map(lambda item: (item[0], self._ask(*item)), requests.items())
            for url, answer in asked:
                match answer:
                    case Cosigned(signatures=given):
                        good = [signature for signature in given if self._verifies(note, signature)]
                        signatures += good
                        self._cosigned[url] = edge.size
                        problems[url] = None if good else "it answered with no cosignature by a key of the policy"
                    case Conflict(size=size) if size <= edge.size:
                        self._cosigned[url] = size
                        problems[url] = f"it cosigned size {size} meanwhile"
                        # The same size again with a 409 is how some witnesses say that the root differs.
                        (left if again and requests[url].old != size else doubtful).append(url)
                    case Conflict(size=size):
                        problems[url] = f"it says that it cosigned size {size}, and this log has {edge.size}"
                        doubtful.append(url)
                    case Refused(status=status, reason=reason):
                        problems[url] = f"it refused ({status}): {reason}"
                        doubtful += [url] if status == 422 else []
                    case Unreachable(reason=reason):
                        problems[url] = f"no answer: {reason}"
        return Round(
            signatures=tuple(signatures),
            answers=tuple(WitnessAnswer(url=url, problem=problem) for url, problem in problems.items()),
            contradiction=self._doubts(doubtful, Checkpoint.parse(note.text).origin, edge, node),
        )

    def _request(self, url: str, note: Note, edge: Edge, node: Node) -> AddCheckpoint:
        old = min(self._cosigned.get(url, 0), edge.size)
        proof = consistency_proof(old, edge.size, node) if 0 < old < edge.size else ()
        return AddCheckpoint(old=old, proof=proof, note=note)

    def _ask(self, url: str, request: AddCheckpoint) -> Cosigned | Conflict | Refused | Unreachable:
        return self._client.submit(url, request, self._timeout)

    def _verifies(self, note: Note, signature: Signature) -> bool:
        """Whether this is the cosignature of a witness of the policy. Any other is left out: a wrong one under a
        known key would make the whole note one that everybody has to refuse."""
        alone = Note(text=note.text, signatures=(signature,))
        for witness in self._policy.witnesses:
            if signature.by(witness.key):
                try:
                    return verify_signature(alone, witness.key) is not None
                except TlogError:
                    return False
        return False

    def _doubts(self, urls: Iterable[str], origin: str, edge: Edge, node: Node) -> str | None:
        for url in urls:
            latest = self._client.latest(url, origin, self._timeout)
            if isinstance(latest, Note):
                proven = self._against(url, latest, edge, node)
                if proven is not None:
                    return proven
        return None

    def _against(self, url: str, note: Note, edge: Edge, node: Node) -> str | None:
        """What a checkpoint from a witness proves against this log, if this log signed it."""
        try:
            checkpoint = Checkpoint.parse(note.text)
            signed = any(verify_signature(note, log.key) is not None for log in self._policy.logs)
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
