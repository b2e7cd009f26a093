"""The filters by which Envoy knows who asks; both set `X-Armslength-Subject`, or leave it away for nobody."""

from __future__ import annotations

from typing import Any

from armslength.enforce.envoy import SignedToken

_HTTP = "type.googleapis.com/envoy.extensions.filters.http."

# One CN, and nothing in the name that has to be escaped: an escaped comma could make a part of another field look like
# a CN.
_LUA = """\
local function named(tls)
  if tls == nil or not tls:peerCertificatePresented() or not tls:peerCertificateValidated() then return nil end
  local name = tls:subjectPeerCertificate()
  if name == nil or name == "" or name:find('[%c\\\\"#+]') then return nil end
  local found = nil
  for part in (name .. ","):gmatch("([^,]*),") do
    local field, value = part:match("^%s*(%w[%w.]*)=([^=]+)$")
    if field == nil then return nil end
    if field == "CN" then
      if found ~= nil then return nil end
      found = value
    end
  end
  return found
end
function envoy_on_request(handle)
  handle:headers():remove("x-armslength-subject")
  local found = named(handle:streamInfo():downstreamSslConnection())
  if found ~= nil then handle:headers():replace("x-armslength-subject", found) end
end
"""

# A claim is text of any kind; a line break in it must not be one of ours.
_LUA_PLAIN = """\
function envoy_on_request(handle)
  local found = handle:headers():get("x-armslength-subject")
  if found ~= nil and (found:find("%c") or handle:headers():getNumValues("x-armslength-subject") ~= 1) then
    handle:headers():remove("x-armslength-subject")
  end
end
"""


def certificate_subject() -> list[dict[str, Any]]:
    """The common name of a certificate that was verified in this handshake."""
    return [_lua(_LUA)]


def token_subject(token: SignedToken) -> list[dict[str, Any]]:
    """A claim of a token whose signature, issuer, audience and time hold. A token that does not hold is 401."""
    provider: dict[str, Any] = {
        "issuer": token.issuer,
        "audiences": [token.audience],
        "local_jwks": {"filename": token.keys},
        "require_expiration": True,
        "clock_skew_seconds": 10,
        # A service behind is not shown by what somebody signs in elsewhere.
        "forward": False,
        "claim_to_headers": [{"header_name": "x-armslength-subject", "claim_name": token.claim}],
    }
    if token.cookie is None:
        provider["from_headers"] = [{"name": "Authorization", "value_prefix": "Bearer "}]
    else:
        provider["from_cookies"] = [token.cookie]
    either = {"requires_any": {"requirements": [{"provider_name": "people"}, {"allow_missing": {}}]}}
    config = {
        "@type": f"{_HTTP}jwt_authn.v3.JwtAuthentication",
        "providers": {"people": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": either}],
    }
    return [{"name": "envoy.filters.http.jwt_authn", "typed_config": config}, _lua(_LUA_PLAIN)]


def _lua(source: str) -> dict[str, Any]:
    config = {"@type": f"{_HTTP}lua.v3.Lua", "default_source_code": {"inline_string": source}}
    return {"name": "envoy.filters.http.lua", "typed_config": config}
