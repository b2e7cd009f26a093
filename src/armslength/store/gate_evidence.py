"""Evidence: documents by the digest of their bytes, and who was shown which."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, select, update

from armslength.store.failure import Damaged, Overtaken
from armslength.store.gate_insert import insert
from armslength.store.gate_schema import EVIDENCE, OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`media_type` is what whoever put it first called it; what approvers sign is the request's word for it."""

    media_type: str
    data: bytes = field(repr=False)


class GateEvidence:
    """Within one transaction."""

    def __init__(self, db: Connection, where: str) -> None:
        self._db, self._where = db, where

    def put(self, media_type: str, data: bytes, *, at: int) -> bytes:
        """Take a document in; gives its SHA-256. One that is there already is left as it is. Until a request names it
        (`keep`) it may be swept."""
        digest = hashlib.sha256(data).digest()
        values = {"digest": digest, "media_type": media_type, "data": data, "made": at, "kept": 0}
        put = insert(self._db, EVIDENCE).values(values)
        # Somebody puts it again, so it is not to be swept under their hands.
        self._db.execute(put.on_conflict_do_update(index_elements=[EVIDENCE.c.digest], set_={"made": at}))
        return digest

    def get(self, digest: bytes) -> Document | None:
        """None: there is none, or no longer. Raises `Damaged` if the bytes have another digest."""
        found = self._db.execute(select(EVIDENCE.c.media_type, EVIDENCE.c.data).where(EVIDENCE.c.digest == digest))
        row = found.one_or_none()
        if row is None:
            return None
        media_type, data = row
        if not isinstance(data, bytes) or hashlib.sha256(data).digest() != digest:
            raise Damaged(f"{self._where}: the evidence {digest.hex()} is no longer the document that was put in")
        return Document(media_type=media_type, data=data)

    def size(self, digest: bytes) -> int | None:
        """Bytes of a document, without reading it; None if there is none."""
        wanted = select(func.length(EVIDENCE.c.data)).where(EVIDENCE.c.digest == digest)
        found = self._db.execute(wanted).scalar()
        return None if found is None else int(found)

    def keep(self, digests: Iterable[bytes]) -> None:
        """A request names these documents: they stay. Raises `Overtaken` if one is not there any more."""
        for digest in digests:
            if self._db.execute(update(EVIDENCE).where(EVIDENCE.c.digest == digest).values(kept=1)).rowcount != 1:
                raise Overtaken(f"{self._where}: there is no evidence {digest.hex()}, or no longer; put it in again")

    def sweep(self, *, before: int) -> int:
        """Drop documents put in before that, which no request names; gives how many."""
        return self._db.execute(delete(EVIDENCE).where(EVIDENCE.c.kept == 0, EVIDENCE.c.made < before)).rowcount

    def drop(self, digests: Iterable[bytes]) -> int:
        """Drop documents, and who opened them, whoever names them; gives how many there were. For an erasure, and for
        requests that ended long ago."""
        return sum(self._db.execute(delete(EVIDENCE).where(EVIDENCE.c.digest == each)).rowcount for each in digests)

    # Opened

    def open(self, request: str, person: str, digest: bytes, *, at: int) -> None:
        """A document is shown to a person who looks at a request; `person` may be a mark that stands for them. Raises
        `Overtaken` if there is no such document."""
        # Held until the transaction ends, so that nobody drops it before it is written down who saw it.
        there = select(EVIDENCE.c.made).where(EVIDENCE.c.digest == digest).with_for_update(read=True, key_share=True)
        if self._db.execute(there).one_or_none() is None:
            raise Overtaken(f"{self._where}: there is no evidence {digest.hex()}, or no longer")
        values = {"request": request, "person": person, "digest": digest, "at": at}
        self._db.execute(insert(self._db, OPENED).values(values).on_conflict_do_nothing())

    def opened(self, request: str, person: str) -> frozenset[bytes]:
        """The digests of what this person was shown of this request."""
        wanted = select(OPENED.c.digest).where(OPENED.c.request == request, OPENED.c.person == person)
        return frozenset(self._db.execute(wanted).scalars())
