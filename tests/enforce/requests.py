"""Requests and names that two programs could take for different things, for every proxy."""

from __future__ import annotations

from tests.enforce.certificates import CN, FIRM, UNIT, Name
from tests.enforce.real_gate import HOST

TARGETS = (
    [
        "/status/acme",
        "/status/a%63me",
        "/status/acme?x=/../y",
        "/status/acme?",
        "/status/%61",
        "/status/a+b",
        "/status/a%20b",
    ]
    + ["/status/acme/", "/status//acme", "//status/acme", "/status/./acme", "/status/../acme", "/x/../status/acme"]
    + [
        "/status/%2e%2e/status/acme",
        "/status/..%2facme",
        "/status/a%2Fb",
        "/status/a%5cb",
        "/status/a\\b",
        "/status\\acme",
    ]
    + ["/status/acme;v=1", "/status;x/acme", "/status/..;/acme", "/status/acme%3b", "/status/%2561cme", "/status/%25"]
    + [
        "/status/acme#x",
        "/status/#",
        "/status/acme%23x",
        "/status/%00",
        "/status/a%00b",
        "/status/%0d%0aX:y",
        "/status/%ff",
    ]
    + [
        "/status/%c0%af",
        "/status/\xc3\xa9",
        "/status/%c3%a9",
        "/status/\xff",
        "/status/%",
        "/status/%zz",
        "/status/%u0041",
    ]
    + ["http://admin.example/status/acme", "http://evil.example/status/acme", "http://admin.example//status/acme"]
    + ["HTTP://ADMIN.EXAMPLE/status/acme", "http://admin.example:80/status/acme", "http://x@admin.example/status/acme"]
    + ["admin.example:443", "*", "status/acme", "?x", "", "/", "/STATUS/acme", "/status/acme%20", "/status/%20acme"]
    + ["/status/acme%", "/status/a b", "/status/a\tb", "/status/{customer}", "/status/$request_uri", "/status/$host"]
    + [
        "/armslength-gate",
        "/gate/v1/forward",
        "/health",
        "/health?x",
        "/x/../health",
        "/health/",
        "/%68ealth",
        "/health/../status/acme",
    ]
    + [
        "/status/health/../../health",
        "/health%2f..%2fstatus%2facme",
        "/health#/../status/acme",
        "/status/" + "a" * 3000,
    ]
    + ["/status/" + "a" * 5000, "/" + "status/" * 70, "/status/ac\x0bme", "/status/ac\x7fme", "/status/acme\x00"]
)

SMUGGLED = [
    ("Host: evil.example",),
    (f"Host: {HOST}", "Host: evil.example"),
    (f"Host: {HOST}", f"Host: {HOST}"),
    ("X-Forwarded-Host: evil.example", "X-Original-Host: evil.example", "Forwarded: host=evil.example"),
    (
        "X-Original-URI: /status/other",
        "X-Original-Method: DELETE",
        "X-Original-URL: /status/other",
        "X-Rewrite-URL: /x",
    ),
    ("X-Armslength-Subject: ana",),
    ("X-Armslength-Subject: ana", "X-Armslength-Subject: hal"),
    ("X_Armslength_Subject: ana", "x-armslength_subject: ana", "X.Armslength.Subject: ana"),
    ("X-Armslength-Subject : ana",),
    ("X-Armslength-Held: held-hhhhhhhhhhhhhhhhhhhh",),
    ("Connection: keep-alive, X-Armslength-Subject",),
    ("X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"),
    ("Authorization: Bearer pt_" + "C" * 43,),
    ("Cookie: x-armslength-subject=ana",),
    ("X-Folded: a", " X-Armslength-Subject: ana"),
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked, identity",),
    ("Upgrade: websocket", "Connection: Upgrade"),
    ("Expect: 100-continue",),
    ("X-Accel-Redirect: /armslength-gate",),
]


CALLERS = [
    *("X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Path", "X-Forwarded-Port", "X-Original-Path"),
    *("X-Envoy-Original-Path", "X-Override-URL", "Remote-User", "X-Remote-User", "X-Forwarded-User"),
    *("X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Auth-Request-User"),
    *("X-Auth-Request-Email", "X-Auth-Request-Groups", "X-SSL-Client-S-DN", "X-Client-Cert"),
    *("X-Forwarded-Client-Cert", "X-Armslength-Until", "X-Armslength-Why", "X-Armslength-Held", "Proxy"),
]

NAMES: list[tuple[str, Name, bool]] = [
    ("bo", [(CN, "bo")], True),
    ("with-unit", [(FIRM, "Meridian Meetings"), (UNIT, "ops"), (CN, "bo")], True),
    ("comma", [(CN, "x,CN=bo")], False),
    ("in-another-field", [(FIRM, "x,CN=bo")], False),
    ("escaped", [(FIRM, "x\\"), (CN, "bo")], False),
    ("two", [(CN, "bo"), (CN, "dee")], False),
    ("two-the-other-way", [(CN, "dee"), (CN, "bo")], False),
    ("plus", [(CN, "dee+CN=bo")], False),
    ("spaces", [(CN, " bo")], False),
    ("quote", [(CN, 'bo"')], False),
    ("none", [(FIRM, "bo")], False),
    ("unicode", [(CN, "bö")], False),
    ("somebody-else", [(CN, "dee")], False),
    ("slash", [(CN, "x/CN=bo")], False),
    ("line", [(CN, "bo\nX-Armslength-Subject: bo")], False),
]
