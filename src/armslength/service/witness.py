"""A witness: cosigns a log's checkpoint only if it continues the one it cosigned before.

Answering a log is: parse, judge, sign, store, and only then show the signatures. They exist in memory before they are
stored, and so are stored with the checkpoint they are for; what stops in between leaves either the old state and no
signature, or the new state with signatures that nobody saw yet, which the log gets when it asks again.

Whatever cannot be told for sure is refused: a file that cannot be written, a state that does not add up, a clock that
is behind. The clock is passed in: POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from armslength.service.question import Refusal
from armslength.store import (
    Overtaken,
    SplitView,
    StoreError,
    Vouched,
    WitnessState,
    create_witness_state,
)
from armslength.tlog import (
    AddCheckpoint,
    Algorithm,
    Cosign,
    Declined,
    Malformed,
    Note,
    Seen,
    Signature,
    SigningKey,
    TlogError,
    VerifierKey,
    judge,
    sign_note,
)

T = TypeVar("T")

SEED = 32
STEP_BACK = 300
"""Seconds by which the clock may be behind the last cosignature. Within them the last time is used again; beyond, one
of the two is wrong, and no true time can be signed. As much as policies allow a cosignature to be ahead."""
TRIES = 20
"""A race is lost only to a winner, so that many at once are more than any log sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The checkpoint is stored; `signatures` are the witness's own over it, to be shown to the log."""

    vouched: Vouched
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unable:
    """The witness itself cannot answer, whatever was asked; `reason` is for its operator, not for the log."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatus:
    """How a log stands with the witness: the keys trusted for it, what was cosigned last, split views it showed."""

    origin: str
    keys: tuple[VerifierKey, ...]
    latest: Vouched | None
    splits: tuple[SplitView, ...]


def create_witness(folder: str, name: str, chance: Callable[[int], bytes]) -> tuple[VerifierKey, ...]:
    """Make a witness: an ML-DSA-44 and an Ed25519 key from `chance`, and an empty state. Gives the keys to be trusted.

    Raises `Refusal` where the folder is taken, cannot be written, or no key can have that name.
    """
    algorithms = (Algorithm.COSIGNATURE_ML_DSA_44, Algorithm.COSIGNATURE_ED25519)
    try:
        keys = tuple(SigningKey(name=name, algorithm=algorithm, seed=chance(SEED)) for algorithm in algorithms)
        # The message that is cosigned holds the name with one byte for its length (tlog-cosignature, ML-DSA-44).
        if len(name.encode()) > 255:
            raise Refusal([f"the name {name[:40]!r}… is longer than 255 bytes"])
        create_witness_state(Path(folder), keys)
    except (TlogError, StoreError) as error:
        raise Refusal([str(error)]) from None
    return tuple(key.verifier for key in keys)


class Witness:
    """A witness that was made before. Any number of threads may call it."""

    def __init__(self, folder: str, clock: Callable[[], int]) -> None:
        """Raises `Refusal` where the folder holds none, or anything in it does not add up."""
        self._clock = clock
        try:
            self._state = WitnessState(Path(folder))
        except StoreError as error:
            raise Refusal([str(error)]) from None

    def close(self) -> None:
        self._state.close()

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return tuple(key.verifier for key in self._state.keys)

    @property
    def name(self) -> str:
        return self._state.keys[0].name

    # Logs

    def trust(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Trust keys for the logs they name, from now on. Gives the logs' origins.

        Raises `Refusal` with every text that is no log's key, and then trusts none.
        """
        keys = self._log_keys(texts)
        self._stored(lambda: self._state.trust(keys))
        return tuple(dict.fromkeys(key.name for key in keys))

    def distrust(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Trust keys no longer. Raises `Refusal` if one was not trusted."""
        keys = self._log_keys(texts)
        trusted = {key for log in self.status() for key in log.keys}
        strange = [key for key in keys if key not in trusted]
        if strange:
            raise Refusal([f"{key.label} is not trusted for any log" for key in strange])
        self._stored(lambda: self._state.distrust(keys))
        return tuple(dict.fromkeys(key.name for key in keys))

    def status(self) -> tuple[LogStatus, ...]:
        """Every log, in the order of their origins."""

        def read() -> tuple[LogStatus, ...]:
            splits = self._state.splits()
            return tuple(
                LogStatus(
                    origin=origin,
                    keys=self._state.log_keys(origin),
                    latest=self._state.latest(origin),
                    splits=tuple(split for split in splits if split.origin == origin),
                )
                for origin in self._state.origins()
            )

        return self._stored(read)

    # What is asked over the network

    def add_checkpoint(self, body: bytes) -> Signed | Declined | Unable:
        """Answer a request to cosign (tlog-witness, add-checkpoint)."""
        try:
            request = AddCheckpoint.parse(body)
        except Malformed as error:
            return Declined(status=400, reason=str(error))
        try:
            for _ in range(TRIES):
                try:
                    return self._answer(request)
                except Overtaken:  # judge it again, against what is there now
                    continue
            return Unable(reason=f"overtaken {TRIES} times in a row")
        except (StoreError, TlogError) as error:
            return Unable(reason=str(error))

    def latest(self, hashed: str) -> Note | None | Unable:
        """The latest cosigned checkpoint of the log whose origin has this SHA-256 in hex; None if there is none."""
        try:
            vouched = self._state.latest_by_hash(hashed)
        except StoreError as error:
            return Unable(reason=str(error))
        return None if vouched is None else vouched.note

    def ready(self) -> str | None:
        """Why it could not cosign now; None if it could."""
        try:
            self._state.origins()
        except StoreError as error:
            return str(error)
        return None

    def _answer(self, request: AddCheckpoint) -> Signed | Declined | Unable:
        origin = request.checkpoint.origin
        last = self._state.latest(origin)
        seen = None
        if last is not None:
            at = last.checkpoint
            seen = Seen(size=at.size, root=at.root, note_text=last.note.format())
        match judge(request, self._state.log_keys(origin) or None, seen):
            case Declined() as declined:
                if declined.status == 422 and last is not None:
                    self._keep_split(request, last)
                return declined
            case Cosign() as cosign:
                time = _time(self._clock(), last)
                if isinstance(time, Unable):
                    return time
                signatures = tuple(sign_note(cosign.note.text, key, timestamp=time) for key in self._state.keys)
                note = cosign.note.with_signatures(signatures)
                new = Vouched(checkpoint=cosign.checkpoint, time=time, note=note)
                self._state.advance(new, after=last)
                # INVARIANT: nothing before this line lets a signature out.
                return Signed(vouched=new, signatures=signatures)

    def _keep_split(self, request: AddCheckpoint, last: Vouched) -> None:
        """A log that signs two roots for one size proves its own misbehaviour: keep both notes."""
        shown = request.checkpoint
        if shown.size == last.checkpoint.size and shown.root != last.checkpoint.root:
            other, ours = request.note.format(), last.note.format()
            self._state.keep_split(SplitView(origin=shown.origin, other=other, ours=ours))

    def _log_keys(self, texts: Sequence[str]) -> tuple[VerifierKey, ...]:
        keys, problems = [], []
        for text in texts:
            try:
                key = VerifierKey.parse(text)
            except TlogError as error:
                problems.append(f"{text[:60]!r} is no key: {error}")
                continue
            if key.algorithm is Algorithm.COSIGNATURE_ED25519:
                problems.append(f"{key.label} is a witness's key: expected the log's")
            elif key.name == self.name or key.public in {own.public for own in self.keys}:
                problems.append(f"{key.label} is this witness's own name or key: a log's key names the log")
            else:
                keys.append(key)
        if problems:
            raise Refusal(problems)
        return tuple(keys)

    def _stored(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except StoreError as error:
            raise Refusal([str(error)]) from None


def _time(now: int, last: Vouched | None) -> int | Unable:
    """The time to sign, never before the last one: a cosignature says that no larger tree was seen until then."""
    if last is None or now >= last.time:
        return now if now > 0 else Unable(reason=f"the clock says {now}, which is no time to sign")
    if last.time - now > STEP_BACK:
        behind = last.time - now
        return Unable(reason=f"the clock is {behind} s behind the last cosignature: set it right, or wait until then")
    return last.time
