"""An approval: an approver's passkey over exactly one request, checked from bytes by whoever doubts it.

Anyone with the approver's public key can check it again years later, so that an administrator of the database cannot
make one up (W3C Web Authentication, section 7.2; user verification is required).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NewType

from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from armslength.gate.event import Approved
from armslength.gate.failure import Rejected
from armslength.gate.form import Form, read_digest
from armslength.gate.moment import Moment, moment, posix
from armslength.gate.request import PersonId, Request, RequestId, is_id, is_name
from armslength.tlog import Json, format_base64url

ApprovalId = NewType("ApprovalId", str)
"""`appr_` and 16 bytes of chance in base64url."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKey:
    """A person's passkey as it was enrolled: `public_key` is a COSE_Key. `voucher` is the second person, None only for
    the founding keys of a gate that has none yet."""

    credential: bytes
    public_key: bytes
    person: PersonId
    voucher: PersonId | None
    made: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What an authenticator gave: the bytes as they came (Web Authentication, section 6.3.3)."""

    credential: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    def form(self) -> dict[str, str]:
        """As it is recorded: bytes in base64url."""
        return {
            "authenticator_data": format_base64url(self.authenticator_data),
            "client_data": format_base64url(self.client_data),
            "credential": format_base64url(self.credential),
            "signature": format_base64url(self.signature),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who the passkeys are made for: `rp_id` is the domain, `origins` the pages that may ask."""

    rp_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to one request. `opened` are the digests of the evidence that was shown to them first."""

    id: ApprovalId
    request: RequestId
    approver: PersonId
    assertion: Assertion
    opened: tuple[bytes, ...]
    at: Moment

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        if not (is_id(self.id, "appr") and is_id(self.request, "req") and is_name(self.approver)):
            raise Rejected([f"the approval {self.id[:40]!r} of {self.request[:40]!r} by {self.approver[:40]!r}"])

    def event(self) -> Approved:
        """As it is recorded."""
        return Approved(
            at=posix(self.at),
            id=self.id,
            request=self.request,
            approver=self.approver,
            assertion=self.assertion.form(),
            opened=tuple(digest.hex() for digest in self.opened),
        )


def parse_assertion(form: Json) -> Assertion:
    """The assertion whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "assertion", frozenset({"authenticator_data", "client_data", "credential", "signature"}))
    assertion = Assertion(
        credential=read.base64url("credential"),
        authenticator_data=read.base64url("authenticator_data"),
        client_data=read.base64url("client_data"),
        signature=read.base64url("signature"),
    )
    read.done()
    return assertion


def parse_approval(event: Approved) -> Approval:
    """The approval that was recorded so. Raises `Rejected`."""
    return Approval(
        id=ApprovalId(event.id),
        request=RequestId(event.request),
        approver=PersonId(event.approver),
        assertion=parse_assertion(event.assertion),
        opened=tuple(read_digest(digest) for digest in event.opened),
        at=moment(event.at),
    )


def check_assertion(assertion: Assertion, key: PersonKey, challenge: bytes, party: Party) -> None:
    """That the person of `key` signed `challenge`, present and verified. Raises `Rejected`."""
    if assertion.credential != key.credential:
        raise Rejected(["the signature is by another key than the one that is enrolled"])
    try:
        verify_authentication_response(
            credential=AuthenticationCredential(
                id=format_base64url(assertion.credential),
                raw_id=assertion.credential,
                response=AuthenticatorAssertionResponse(
                    client_data_json=assertion.client_data,
                    authenticator_data=assertion.authenticator_data,
                    signature=assertion.signature,
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=key.public_key,
            # Passkeys that are synced between devices count nothing; what a counter would show, the ledger does.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        raise Rejected([f"the passkey's signature does not hold: {error}"]) from None
    except Exception:  # what reads CBOR, keys and JSON there fails in many ways, and each of them means no
        raise Rejected(["the passkey's signature cannot be read"]) from None


def check_approval(approval: Approval, request: Request, key: PersonKey, party: Party) -> None:
    """That this is `key`'s person saying yes to exactly this request, with all of its evidence before them.

    Raises `Rejected` with every problem. Whether they may approve it is for `judge`.
    """
    problems = []
    if approval.request != request.id:
        problems.append(f"the approval is for {approval.request}, not for {request.id}")
    if approval.approver != key.person:
        problems.append("the approval names another person than the key's")
    if not request.made <= approval.at < request.expires:
        problems.append("the approval was not made while the request was open")
    if unread := unopened(request, approval.opened):
        problems.append(f"evidence was not opened: {len(unread)} of {len(request.evidence)} documents")
    try:
        check_assertion(approval.assertion, key, request.challenge(), party)
    except Rejected as error:
        problems.extend(error.problems)
    if problems:
        raise Rejected(problems)


def unopened(request: Request, opened: Collection[bytes]) -> list[bytes]:
    """The digests of the request's evidence that are not among `opened`."""
    return [each.digest for each in request.evidence if each.digest not in opened]
