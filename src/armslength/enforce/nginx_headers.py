"""Headers that no service behind nginx sees as a caller sent them: it could take them for ours or for another proxy's
word of who they are, or act on another method or path than the gate was asked about.
"""

from __future__ import annotations

OVERWRITTEN = (
    *("X-Armslength-Lease", "X-Armslength-Held", "X-Armslength-Until", "X-Armslength-Why"),
    *("X-Original-Method", "X-Original-Host", "X-Original-URI", "X-Original-URL", "X-Original-Path"),
    *("X-Envoy-Original-Path", "X-Rewrite-URL", "X-Override-URL"),
    *("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"),
    *("X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Path"),
    *("X-Forwarded-Prefix", "X-Forwarded-Server", "Forwarded", "Proxy"),
    *("Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups"),
    *("X-Forwarded-Preferred-Username", "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"),
    *("X-Auth-Request-Preferred-Username", "X-SSL-Client-S-DN", "X-Client-Cert", "X-Forwarded-Client-Cert"),
)


def overwritten() -> str:
    """The directives that drop all of them, at the depth of a location."""
    return "\n".join(f'        proxy_set_header {name} "";' for name in OVERWRITTEN)
