"""Asks a witness, over HTTP, for cosignatures and for what it cosigned last (c2sp.org/tlog-witness).

Nothing the network does raises here. Signatures are parsed and not verified: only a policy knows whose count. Of what
witnesses in the field do differently, two things are allowed for: 409 where the size is right and the root is not, and
429 from one that is asked too often.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from armslength.store.exchange import Exchange, NoReply, Reply
from armslength.tlog import (
    AddCheckpoint,
    Checkpoint,
    Malformed,
    Note,
    Signature,
    TlogError,
    origin_hash,
    parse_signatures,
)

MOST_BYTES = 512 * 1024
"""Of an answer: more than the most signatures of a note take."""
MOST_REASON = 200
"""Characters that are kept of what a witness says about a refusal."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """The witness answered with signature lines, which are still to be verified."""

    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The witness last cosigned `size`, which is not the size that was claimed: ask again with a proof from there. If
    `size` is more than the log ever had, the log was rolled back."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The witness will not cosign. `after` are the seconds after which it wants to be asked again, if it said."""

    status: int
    reason: str
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """No answer, or none that follows the protocol."""

    reason: str


class WitnessClient:
    """Connections to witnesses, kept open between requests. Any number of threads may use one."""

    def __init__(self, *, proxy: str | None = None) -> None:
        """`proxy`: the URL of an HTTP proxy, if one has to be used; none is taken from the environment."""
        self._exchange = Exchange(proxy=proxy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._exchange.close()

    def submit(self, url: str, request: AddCheckpoint, timeout: float) -> Cosigned | Conflict | Refused | Unreachable:
        """Ask the witness whose submission prefix is `url` to cosign. `timeout`: seconds for the whole answer."""
        address = f"{url.rstrip('/')}/add-checkpoint"
        reply = self._exchange.post(address, request.format().encode(), timeout=timeout, limit=MOST_BYTES)
        if isinstance(reply, NoReply):
            return Unreachable(reason=reply.reason)
        return _answer(reply, request)

    def latest(self, url: str, origin: str, timeout: float) -> Note | None | Unreachable:
        """The checkpoint that the witness whose monitoring prefix is `url` cosigned last for the log `origin`; None if
        it never did. The note is of that log; its signatures are not verified."""
        address = f"{url.rstrip('/')}/{origin_hash(origin)}/checkpoint"
        reply = self._exchange.get(address, timeout=timeout, limit=MOST_BYTES)
        if isinstance(reply, NoReply):
            return Unreachable(reason=reply.reason)
        if reply.status == 404:
            return None
        if reply.status != 200:
            return Unreachable(reason=_said(reply))
        try:
            note = Note.parse(reply.body)
            found = Checkpoint.parse(note.text).origin
        except TlogError as error:
            return Unreachable(reason=f"answered with what is no checkpoint: {error}")
        if found != origin:
            return Unreachable(reason=f"answered with a checkpoint of {found[:100]!r}")
        return note


def _answer(reply: Reply, request: AddCheckpoint) -> Cosigned | Conflict | Refused:
    if reply.status == 200:
        try:
            return Cosigned(signatures=parse_signatures(reply.body))
        except Malformed as error:
            return Refused(status=200, reason=f"answered with what are no signature lines: {error}")
    if reply.status == 409 and (size := _SIZE.fullmatch(reply.body)) is not None:
        if int(size[1]) != request.old:
            return Conflict(size=int(size[1]))
        # The specification has 422 for this.
        return Refused(status=409, reason=f"it is at size {request.old} too, so it holds another root")
    after = reply.headers.get("retry-after", "")
    plain = after.isascii() and after.isdigit() and len(after) <= 6
    return Refused(status=reply.status, reason=_said(reply), after=int(after) if plain else None)


def _said(reply: Reply) -> str:
    """The status, and the first line of what the witness says about it, for people to read."""
    if 300 <= reply.status < 400:
        return f"answered {reply.status}, a redirect to {reply.headers.get('location', '')[:MOST_REASON]!r}"
    line = reply.body[: 4 * MOST_REASON].decode("utf-8", "replace").strip().partition("\n")[0][:MOST_REASON]
    shown = "".join(char if char.isprintable() else "�" for char in line)
    return f"answered {reply.status}" + (f": {shown}" if shown else "")
