"""The configuration of an nginx that lets a request to a service through if the gate says so.

Two servers, one behind the other. The first one talks to people: it terminates TLS, knows who they are, and holds a
request back until its body is there. The second one, on a socket of the machine, asks the gate and passes the request
on. With one server the gate would be asked when the head of a request has come, and the act would happen whenever the
caller cares to send the last byte of the body, be that hours after the lease has ended.

nginx turns whatever the gate says but 2xx, 401 and 403, and no answer at all, into an error of its own: closed.
What is cut is requests, not streams: an answer that has begun is not ended with its lease (see middleware.py for that).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from armslength.enforce.nginx_headers import overwritten
from armslength.enforce.sentences import SENTENCES
from armslength.estate import parse_host, segment_problem
from armslength.gate import Why

FORWARD = "/gate/v1/forward"
"""The gate's endpoint."""

_VARIABLE = re.compile(r"\$[a-z][a-z0-9_]*")
_SENT = ("$http_", "$arg_", "$args", "$cookie_", "$query", "$uri", "$request", "$document_uri", "$host", "$remote_user")
"""What a caller sends; `$remote_user` is the name in a header whose password nobody may have checked."""
_PLAIN = re.compile(r"[A-Za-z0-9._/:@%+~\[\]=-]+")
_SIZE = re.compile(r"[1-9][0-9]{0,8}[kmg]?")
_LISTEN = re.compile(r"[A-Za-z0-9.:\[\]*/_-]+( [a-z0-9_]+(=[a-z0-9_:.]+)?)*")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}")
_CREDENTIAL = re.compile(r"[A-Za-z]+ [A-Za-z0-9._~+/=-]{8,4000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """People are known by the common name of a certificate that `authority` (a file) signed."""

    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedVariable:
    """People are known by a variable that a module sets after it has checked who they are, such as `$jwt_claim_sub`;
    not by one that holds what the caller sent."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxSite:
    """One service behind the gate.

    `host`: its name, as routes have it. `listen`: the arguments of `listen` directives. `gate`, `upstream`: base URLs;
    `socket`: the path of the socket between the two servers; `secrets`: the path of the file that `nginx_secrets` is
    written to. `authority`: the file that a gate's https certificate verifies with. `ask`: where people ask for access.
    `most_body`: bytes of a body, as nginx has them. `ungated`: exact paths that nobody needs leave for, such as a
    health check. `credential`: whether the service is shown a credential of nginx's own in `Authorization`, in place of
    the caller's, once the gate said yes: then nobody of the staff needs to hold one.
    """

    host: str
    listen: tuple[str, ...]
    gate: str
    upstream: str
    socket: str
    secrets: str
    subject: ClientCertificate | TrustedVariable
    ask: str
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    most_body: str = "1m"
    ungated: tuple[str, ...] = ()
    credential: bool = False

    def __post_init__(self) -> None:
        """Raises `ValueError` with every problem: what is written into a configuration must not end a directive."""
        if problems := list(_problems(self)):
            raise ValueError("; ".join(problems))

    @property
    def word(self) -> str:
        """A word for this site's variables and upstreams, so that several can stand in one nginx."""
        return "armslength_" + re.sub(r"[^a-z0-9]", "_", self.host)


def nginx_secrets(site: NginxSite, *, point: str, held: str, credential: str | None = None) -> str:
    """The file `site.secrets`, for the level of `http`; readable by root only. `point`: the secret of the enforcement
    point; `held`: a word of chance that the second server knows the first one by; `credential`: the value of
    `Authorization` for the service, such as `Bearer …`, if the site has one."""
    for name, value in (("point", point), ("held", held)):
        if not _SECRET.fullmatch(value):
            raise ValueError(f"the {name} secret: expected 16 to 200 characters of base64url")
    if site.credential is (credential is None) or (credential is not None and not _CREDENTIAL.fullmatch(credential)):
        raise ValueError("the credential: expected a value such as Bearer … if the site has one, and none otherwise")
    word = site.word
    shown = "" if credential is None else f'map "" ${word}_credential {{ default "{credential}"; }}\n'
    return f"""\
# Secret: what this nginx proves to the gate, and its first server to its second.
map "" ${word}_bearer {{ default "Bearer {point}"; }}
map "" ${word}_held {{ default "{held}"; }}
# An expression, since words are compared without case.
map $http_x_armslength_held ${word}_from_first {{ default 0; "~^{held}$" 1; }}
{shown}"""


def nginx_site(site: NginxSite) -> str:
    """The file to be included at the level of `http`."""
    return "\n".join((_maps(site), _upstreams(site), _first(site), _second(site)))


def _maps(site: NginxSite) -> str:
    word = site.word
    sentences = "\n".join(f'    "{why}" "{html.escape(text)}";' for why, text in sorted(SENTENCES.items()))
    match site.subject:
        case ClientCertificate():
            # One CN, and nothing in the name that has to be escaped: an escaped comma could make a part of another
            # field look like a CN. Who has such a name is nobody here, and is refused. The capture is not called by
            # the site's word: its name may have 32 characters at most.
            # (\x5c is the backslash: nginx makes one of two before the expression is read.)
            plain = r"[^\x5c,+=#\x22\x00-\x20]+=[^\x5c,+=#\x22]*"
            subject = (
                f'map "$ssl_client_verify:$ssl_client_s_dn" ${word}_subject {{\n    default "";\n'
                rf'    "~^SUCCESS:(?:(?!CN=){plain},)*'
                rf'CN=(?<armslength_cn>[^\x5c,+=#\x22\x00-\x1f]+)(?:,(?!CN=){plain})*$" $armslength_cn;'
                "\n}\n"
            )
        case TrustedVariable(name=name):
            subject = f'map {name} ${word}_subject {{ default ""; "~^[^\\x00-\\x1f]+$" {name}; }}\n'
    return f"""\
include {site.secrets};

# Who asks: nobody, unless it was checked.
{subject}
# The gate's reason for a refusal, in words.
map ${word}_why ${word}_says {{
    default "The gate did not allow this.";
{sentences}
}}
"""


def _upstreams(site: NginxSite) -> str:
    word = site.word
    return f"""\
# keepalive_timeout is below the gate's own: a connection that the gate has closed would be taken for a dead gate.
upstream {word}_gate {{ server {_address(site.gate)}; keepalive 32; keepalive_timeout 15s; }}
upstream {word}_second {{ server unix:{site.socket}; keepalive 32; }}
upstream {word}_service {{ server {_address(site.upstream)}; keepalive 32; keepalive_timeout 15s; }}
"""


def _first(site: NginxSite) -> str:
    word = site.word
    listen = "\n".join(f"    listen {each};" for each in site.listen)
    tls = []
    if site.certificate is not None:
        tls += [f"    ssl_certificate {site.certificate};", f"    ssl_certificate_key {site.key};"]
        tls += ["    ssl_protocols TLSv1.2 TLSv1.3;", "    ssl_early_data off;  # what comes early can be sent again"]
    if isinstance(site.subject, ClientCertificate):
        tls += [f"    ssl_client_certificate {site.subject.authority};", "    ssl_verify_client optional;"]
        tls += [_own_handshake(site)]
    ungated = "\n".join(_ungated(site, path) for path in site.ungated)
    return f"""\
server {{
{listen}
    server_name {site.host};
{chr(10).join(tls)}

    # A path is passed on as it came. Only the choice of a location looks at it, and there is one location.
    merge_slashes off;
    # X_Armslength_Subject would be X-Armslength-Subject to many a service.
    underscores_in_headers off;
    ignore_invalid_headers on;
    client_max_body_size {site.most_body};
    proxy_headers_hash_max_size 2048;
    proxy_headers_hash_bucket_size 128;
    client_header_timeout 10s;
    client_body_timeout 10s;

    location / {{
        # The request is passed on once all of it is there.
        proxy_request_buffering on;
        proxy_pass http://{word}_second;
        proxy_http_version 1.1;
        proxy_next_upstream off;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_set_header X-Armslength-Held ${word}_held;
        proxy_set_header X-Armslength-Subject ${word}_subject;
        proxy_set_header X-Request-ID $request_id;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_cache off;
    }}
{ungated}}}
"""


def _own_handshake(site: NginxSite) -> str:
    """Whose certificates count is settled in the handshake, for the name given there: without one, by whatever site is
    first at this address; and in a session that is taken up again, by whichever site began it."""
    return f"""\
    ssl_session_tickets off;
    ssl_session_cache off;
    # This site's own authority has looked at the certificate, in this handshake: no other site's has.
    if ($ssl_server_name !~* "^{re.escape(site.host)}$") {{ return 421; }}
    if ($ssl_session_reused = r) {{ return 421; }}"""


def _ungated(site: NginxSite, path: str) -> str:
    quoted = re.escape(path)
    return f"""
    location = {path} {{
        # nginx compares a path that it has decoded; the service gets it as it came.
        if ($request_uri !~ "^{quoted}(\\?.*)?$") {{ return 400; }}
        if ($request_method !~ "^(GET|HEAD)$") {{ return 405; }}
        proxy_pass http://{site.word}_service;
        proxy_http_version 1.1;
        proxy_pass_request_body off;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
        proxy_set_header X-Armslength-Subject "";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
{overwritten()}
    }}
"""


def _second(site: NginxSite) -> str:
    word = site.word
    credential = f"        proxy_set_header Authorization ${word}_credential;\n" if site.credential else ""
    scheme = urlsplit(site.gate).scheme
    name = urlsplit(site.gate).netloc
    verified = ""
    if scheme == "https":
        verified = f"""
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 4;
        proxy_ssl_trusted_certificate {site.authority};
        proxy_ssl_server_name on;
        proxy_ssl_name {urlsplit(site.gate).hostname};"""
    return f"""\
server {{
    listen unix:{site.socket};
    server_name {site.host};
    merge_slashes off;
    underscores_in_headers off;
    ignore_invalid_headers on;
    client_max_body_size {site.most_body};
    proxy_headers_hash_max_size 2048;
    proxy_headers_hash_bucket_size 128;
    access_log off;  # the first server has the line

    # Who else is on this machine and can reach the socket is not the first server.
    if (${word}_from_first = 0) {{ return 403; }}

    auth_request /armslength-gate;
    auth_request_set ${word}_why $upstream_http_x_armslength_why;

    error_page 401 = @armslength_unknown;
    error_page 403 = @armslength_refused;
    error_page 500 = @armslength_unreachable;

    location / {{
        proxy_pass {urlsplit(site.upstream).scheme}://{word}_service;
        proxy_http_version 1.1;
        # A request that was let through once is sent once.
        proxy_next_upstream off;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_set_header X-Armslength-Subject $http_x_armslength_subject;
        proxy_set_header X-Real-IP $http_x_real_ip;
        proxy_set_header X-Forwarded-For $http_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;
{credential}{overwritten()}
        # A service's answer must not open another location.
        proxy_ignore_headers X-Accel-Redirect;
        proxy_cache off;
        proxy_store off;
    }}

    location = /armslength-gate {{
        internal;
        auth_request off;
        proxy_pass {scheme}://{word}_gate{FORWARD};
        proxy_method GET;
        proxy_http_version 1.1;
        # Nothing of the caller's goes along but what is named here.
        proxy_pass_request_body off;
        proxy_pass_request_headers off;
        proxy_set_header Host {name};
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
        proxy_set_header Authorization ${word}_bearer;
        proxy_set_header X-Armslength-Subject $http_x_armslength_subject;
        proxy_set_header X-Armslength-Lease $http_x_armslength_lease;
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-Host $host;
        proxy_set_header X-Original-URI $request_uri;
        # An answer is for one request, so it is asked for once and kept nowhere.
        proxy_next_upstream off;
        proxy_cache off;
        proxy_store off;
        proxy_connect_timeout 2s;
        proxy_send_timeout 5s;
        proxy_read_timeout 5s;{verified}
    }}

    location @armslength_unknown {{
        auth_request off;
{_answer(site, 401, "It is not known who you are: sign in, or present your certificate.")}
    }}
    location @armslength_refused {{
        auth_request off;
{_answer(site, 403, f"${word}_says")}
    }}
    location @armslength_unreachable {{
        auth_request off;
        add_header Retry-After 5 always;
{_answer(site, 503, html.escape(SENTENCES[Why.GATE]), Why.GATE)}
    }}
}}
"""


def _answer(site: NginxSite, status: int, says: str, why: str | None = None) -> str:
    code = why or f"${site.word}_why"
    ask = html.escape(site.ask, quote=True)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Not allowed</title>"
        f"<h1>Not allowed</h1><p>{says}</p><p>Ask for access, or see what you have: <a href='{ask}'>{ask}</a></p>"
        "<p>Request $http_x_request_id</p>"
    )
    return f"""\
        default_type "text/html; charset=utf-8";
        add_header X-Armslength-Why {code} always;
        add_header Cache-Control no-store always;
        add_header X-Content-Type-Options nosniff always;
        add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'; base-uri 'none'" always;
        return {status} "{page}";"""


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}" if parts.port is not None else f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"


def _problems(site: NginxSite) -> list[str]:
    found = []
    if parse_host(site.host) != site.host or site.host.startswith("["):
        found.append(f"the host {site.host!r}: expected a name in lower case")
    for what, url in (("gate", site.gate), ("upstream", site.upstream), ("place to ask", site.ask)):
        parts = urlsplit(url)
        plain = _PLAIN.fullmatch(url) and parts.scheme in ("http", "https") and parts.hostname and "@" not in url
        if not plain or (what != "place to ask" and parts.path.strip("/")):
            found.append(f"the {what} {url!r}: expected http:// or https:// and a host, without a path")
    files = [("socket", site.socket), ("secrets file", site.secrets), ("certificate", site.certificate)]
    files += [("key", site.key), ("authority", site.authority)]
    if isinstance(site.subject, ClientCertificate):
        files.append(("people's authority", site.subject.authority))
        if site.certificate is None:
            found.append("people's certificates need https: expected a certificate and its key")
    elif not _VARIABLE.fullmatch(site.subject.name) or site.subject.name.startswith(_SENT):
        found.append(f"the variable {site.subject.name!r}: expected one that the caller cannot set")
    for what, path in files:
        if path is not None and not (_PLAIN.fullmatch(path) and path.startswith("/")):
            found.append(f"the {what} {path!r}: expected an absolute path of plain characters")
    if (site.certificate is None) != (site.key is None):
        found.append("a certificate needs its key")
    if site.gate.startswith("https:") and site.authority is None:
        found.append("a gate over https needs the authority that its certificate verifies with")
    if not site.listen or not all(_LISTEN.fullmatch(each) for each in site.listen):
        found.append(f"listen {site.listen!r}: expected the arguments of listen directives")
    if not _SIZE.fullmatch(site.most_body):
        found.append(f"the most bytes of a body {site.most_body!r}: expected a size such as 1m")
    for path in site.ungated:
        words = path.split("/")[1:]
        if not path.startswith("/") or not _PLAIN.fullmatch(path) or any(segment_problem(word) for word in words):
            found.append(f"the ungated path {path!r}: expected one exact path")
    return found
