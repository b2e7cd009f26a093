"""What a SCIM request is refused with (RFC 7644, section 3.12)."""

from __future__ import annotations

from armslength.web.gate_exchange import Answer, Header, encode

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MEDIA = b"application/scim+json"


class ScimRefusal(Exception):
    """`type` is a `scimType` of the standard's table 9, "" for none."""

    def __init__(self, status: int, detail: str, type: str = "", *, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.type, self.headers = status, detail, type, headers

    def answer(self) -> Answer:
        form = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
        if self.type:
            form["scimType"] = self.type
        return Answer(status=self.status, body=encode(form), media=MEDIA, headers=self.headers)
