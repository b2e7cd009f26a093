"""Documents: the evidence of requests, by the digest of its bytes, and who was shown which."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from armslength.gate import (
    Evidence,
    PersonId,
    Rejected,
    Request,
    RequestId,
    Target,
    Window,
    new_id,
    posix,
    unopened,
)
from armslength.service.gate_office import Office
from armslength.tlog import format_base64url

MEGABYTE = 1_000_000


class Documents:
    def __init__(self, office: Office) -> None:
        self._office, self._copies = office, office.book.copies
        self._key = office.derived("shown")

    def put(self, name: str, media_type: str, data: bytes) -> Evidence:
        """Raises `Rejected` with every problem, `Unavailable`."""
        evidence = Evidence(digest=hashlib.sha256(data).digest(), media_type=media_type, name=name, size=len(data))
        most = self._office.settings.evidence_mb * MEGABYTE
        problems = [] if len(data) <= most else [f"a document of {len(data)} bytes: expected at most {most}"]
        problems += _misnamed(evidence)
        if problems:
            raise Rejected(problems)
        at = posix(self._office.book.now())
        self._copies.change(lambda tables: tables.evidence.put(media_type, data, at=at))
        return evidence

    def read(self, digest: bytes) -> tuple[str, bytes]:
        """Media type and bytes. Raises `Rejected` where there is none, `Tampered`, `Unavailable`."""
        document = self._copies.read(lambda tables: tables.evidence.get(digest))
        if document is None:
            raise Rejected([f"there is no document {digest.hex()}, or no longer"])
        return document.media_type, document.data

    def check(self, request: Request) -> None:
        """That each document that a request names is there, as the request has it."""
        problems: list[str] = []
        for each in request.evidence:
            try:
                _, data = self.read(each.digest)
            except Rejected as error:
                problems += error.problems
                continue
            if len(data) != each.size:
                problems.append(f"the evidence {each.name!r}: expected a size of {len(data)}")
        if problems:
            raise Rejected(problems)

    def keep(self, request: Request) -> None:
        """A request names its documents, so they stay."""
        if request.evidence:
            digests = [each.digest for each in request.evidence]
            self._copies.change(lambda tables: tables.evidence.keep(digests))

    # Who was shown which

    def show(self, id: RequestId, person: PersonId, digest: bytes) -> None:
        request = self._office.request(id).request
        if digest not in {each.digest for each in request.evidence}:
            raise Rejected([f"{id} has no document {digest.hex()}"])
        at = posix(self._office.book.now())
        mark = self._mark(id, person, digest)
        self._copies.change(lambda tables: tables.evidence.open(id, mark, digest, at=at))

    def shown(self, id: RequestId, person: PersonId) -> frozenset[bytes]:
        """The digests of the request's documents that were."""
        digests = [each.digest for each in self._office.request(id).request.evidence]
        marks = {digest: self._mark(id, person, digest) for digest in digests}
        return self._copies.read(
            lambda tables: frozenset(each for each in digests if each in tables.evidence.opened(id, marks[each]))
        )

    def _mark(self, id: RequestId, person: PersonId, digest: bytes) -> str:
        """Stands in the row for who was shown it: nobody who writes into the database alone can say it of anybody."""
        said = "\0".join((id, person, digest.hex()))
        return format_base64url(hmac.digest(self._key, said.encode(), "sha256"))

    def unopened(self, id: RequestId, person: PersonId) -> tuple[Evidence, ...]:
        request = self._office.request(id).request
        missing = set(unopened(request, self.shown(id, person)))
        return tuple(each for each in request.evidence if each.digest in missing)


def _misnamed(evidence: Evidence) -> list[str]:
    """What is wrong with a document's name and type, for which a request that names it would be refused."""
    start = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    try:
        Request(
            id=RequestId(new_id("req", bytes(16))),
            gate="-",
            executor=PersonId("-"),
            asker=PersonId("-"),
            author=None,
            action="-",
            resource=Target(type="asset", id="-"),
            customers=(),
            purpose="-",
            context={},
            evidence=(evidence,),
            window=Window(start=start, end=start + dt.timedelta(days=1)),
            made=start,
            expires=start + dt.timedelta(hours=1),
        )
    except Rejected as error:
        return list(error.problems)
    return []
