"""The configuration of an Envoy whose sites ask the gate: JSON, which Envoy reads as it reads YAML.

One listener for each address, with a chain of filters for each site: who are you; is the body there; may you; pass it
on. A path is nowhere normalised: the gate decides on what came, and the service gets what came.

A stream ends with its lease. Envoy cannot be told of an end in an answer of the gate (envoyproxy/envoy#21089), but it
takes the time that is left from the header `grpc-timeout` of a request, of any request, where a route says so, and
counts it from the request's first byte. So the gate answers with that header, which Envoy writes over a caller's own.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from armslength.enforce.envoy import EnvoySite
from armslength.enforce.envoy_subject import certificate_subject, token_subject
from armslength.enforce.nginx import ClientCertificate
from armslength.enforce.nginx_headers import OVERWRITTEN
from armslength.enforce.sentences import SENTENCES
from armslength.gate import Why

EXT_AUTHZ = "/gate/v1/ext-authz"
"""The gate's endpoint: the path of what is asked about follows it."""
ANSWER_SECONDS, CONNECT_SECONDS, KEPT_SECONDS = 5, 2, 15
"""What the gate may take to answer; to be connected to; and how long a connection to it is kept, which is less than the
gate keeps it: one that the gate has closed would be taken for a dead gate."""
HEAD_SECONDS, BODY_SECONDS, SILENT_SECONDS = 10, 60, 300
"""What the head of a request may take, all of it, and silence on either side."""

_REMOVED = (
    *(name for name in OVERWRITTEN if name != "X-Armslength-Lease"),
    *("X-Armslength-Subject", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Grpc-Timeout"),
)
"""What a caller sends under these names reaches neither the gate nor the service; nor `X-Envoy-…`, by which Envoy
itself is told how to route and how long to wait."""
_ASKED = ("x-armslength-subject", "x-armslength-lease", "accept", "x-request-id")
_TOLD = (
    *("content-type", "x-armslength-why", "cache-control", "content-security-policy", "x-content-type-options"),
    *("x-frame-options", "referrer-policy", "cross-origin-resource-policy", "x-request-id"),
)
_V3 = "type.googleapis.com/envoy.extensions."
_HTTP = f"{_V3}filters.http."
Json = dict[str, Any]


def envoy_bootstrap(*sites: EnvoySite) -> str:
    """The file that `envoy -c` takes. Raises `ValueError` for sites that cannot stand at one address."""
    addresses: dict[str, list[EnvoySite]] = {}
    for site in sites:
        addresses.setdefault(site.listen, []).append(site)
    for listen, there in addresses.items():
        if len({site.host for site in there}) < len(there):
            raise ValueError(f"two sites of one name listen at {listen}")
        if len(there) > 1 and any(site.certificate is None for site in there):
            raise ValueError(f"several sites listen at {listen}: expected https, which tells them apart")
    if len({site.word for site in sites}) < len({site.host for site in sites}):
        raise ValueError("two sites have names that differ in dots and dashes alone: expected an Envoy for each")
    found = {
        "node": {"id": "armslength", "cluster": "armslength"},
        "static_resources": {
            "listeners": [_listener(there) for there in addresses.values()],
            "clusters": [cluster for site in sites for cluster in (_gate(site), _service(site))],
        },
        # Without an end, whoever opens connections takes all of the machine's memory.
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"{_V3}resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": 10_000,
                    },
                }
            ]
        },
    }
    return json.dumps(found, indent=1) + "\n"


def _listener(sites: Sequence[EnvoySite]) -> Json:
    address, port = sites[0].address
    secure = sites[0].certificate is not None
    inspector = {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {"@type": f"{_V3}filters.listener.tls_inspector.v3.TlsInspector"},
    }
    return {
        "name": f"armslength_{address}_{port}",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "per_connection_buffer_limit_bytes": 65_536,
        # Whoever connects and does not say for which site is cut.
        "listener_filters_timeout": "10s",
        "listener_filters": [inspector] if secure else [],
        "filter_chains": [_chain(site) for site in sites],
    }


def _chain(site: EnvoySite) -> Json:
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(site)}
    chain: Json = {"filters": [manager]}
    if site.certificate is None:
        return chain
    # The name in the handshake is the site's: whose certificates count is settled there.
    chain["filter_chain_match"] = {"server_names": [site.host]}
    context: Json = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [
            {"certificate_chain": {"filename": site.certificate}, "private_key": {"filename": site.key}}
        ],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    if isinstance(site.subject, ClientCertificate):
        context["validation_context"] = {"trusted_ca": {"filename": site.subject.authority}}
    chain["transport_socket_connect_timeout"] = "10s"
    chain["transport_socket"] = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_V3}transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": context,
            "require_client_certificate": False,
            # Nobody looks at a certificate in a session that goes on.
            "disable_stateless_session_resumption": True,
            "disable_stateful_session_resumption": True,
        },
    }
    return chain


def _manager(site: EnvoySite) -> Json:
    body = _filter("buffer", "buffer.v3.Buffer", max_request_bytes=site.most_body)
    who = certificate_subject() if isinstance(site.subject, ClientCertificate) else token_subject(site.subject)
    after = [_ext_authz(site), *([_injector(site.credential_file, needed=True)] if site.credential else []), _router()]
    manager: Json = {
        "@type": f"{_V3}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": site.word,
        "codec_type": "AUTO",
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "strip_any_host_port": True,
        # The address is the one that Envoy saw; what a caller says of others has been removed by then.
        "use_remote_address": True,
        "xff_num_trusted_hops": 0,
        "skip_xff_append": True,
        "internal_address_config": {"unix_sockets": False},
        "preserve_external_request_id": False,
        "forward_client_cert_details": "SANITIZE",
        "server_header_transformation": "PASS_THROUGH",
        "early_header_mutation_extensions": [_removal()],
        "request_headers_timeout": f"{HEAD_SECONDS}s",
        "request_timeout": f"{BODY_SECONDS}s",
        "stream_idle_timeout": f"{SILENT_SECONDS}s",
        "common_http_protocol_options": {
            "idle_timeout": "60s",
            # X_Armslength_Subject would be X-Armslength-Subject to many a service.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1 << 20,
        },
        "local_reply_config": {"mappers": _pages(site)},
        "http_filters": [_no_tunnel(), *who, body, *after],
        "route_config": _routes(site),
    }
    if site.websockets:
        # What is sent on a WebSocket has no end that could be waited for.
        upgrade = {"upgrade_type": "websocket", "enabled": True, "filters": [_no_tunnel(), *who, *after]}
        manager["upgrade_configs"] = [upgrade]
    return manager


def _filter(name: str, kind: str, **fields: object) -> Json:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{_HTTP}{kind}", **fields}}


def _no_tunnel() -> Json:
    connect = {"header": {"name": ":method", "string_match": {"exact": "CONNECT"}}}
    policy = {"permissions": [connect], "principals": [{"any": True}]}
    return _filter("rbac", "rbac.v3.RBAC", rules={"action": "DENY", "policies": {"tunnels": policy}})


def _removal() -> Json:
    prefix = {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-", "ignore_case": True}}}
    mutations = [{"remove": name.lower()} for name in sorted(set(_REMOVED))]
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": f"{_V3}http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [*mutations, prefix],
        },
    }


def _ext_authz(site: EnvoySite) -> Json:
    def exactly(names: Sequence[str]) -> Json:
        return {"patterns": [{"exact": name} for name in names]}

    return _filter(
        "ext_authz",
        "ext_authz.v3.ExtAuthz",
        transport_api_version="V3",
        failure_mode_allow=False,
        status_on_error={"code": "ServiceUnavailable"},
        # For the new end of the stream to count.
        clear_route_cache=True,
        allowed_headers=exactly(_ASKED),
        # A caller's would go along otherwise, wherever Envoy's own is missing.
        disallowed_headers=exactly(("authorization",)),
        http_service={
            "server_uri": {"uri": site.gate, "cluster": f"{site.word}_gate", "timeout": f"{ANSWER_SECONDS}s"},
            "path_prefix": EXT_AUTHZ,
            "authorization_response": {
                "allowed_upstream_headers": exactly(("grpc-timeout",)),
                "allowed_client_headers": exactly(_TOLD),
            },
        },
    )


def _injector(path: str, *, needed: bool) -> Json:
    """A header `Authorization` from a file, in place of any other. `needed`: without it nothing is sent at all."""
    generic = {
        "@type": f"{_V3}http.injected_credentials.generic.v3.Generic",
        "credential": {
            "name": path,
            "sds_config": {"path_config_source": {"path": path}, "resource_api_version": "V3"},
        },
        "header": "Authorization",
    }
    return _filter(
        "credential_injector",
        "credential_injector.v3.CredentialInjector",
        overwrite=True,
        allow_request_without_credential=not needed,
        credential={"name": "envoy.http.injected_credentials.generic", "typed_config": generic},
    )


def _router() -> Json:
    return _filter("router", "router.v3.Router", suppress_envoy_headers=True)


def _routes(site: EnvoySite) -> Json:
    """What nobody needs leave for, and all else. No route looks at a header but the method, so none can choose it."""
    longest = f"{site.most_stream}s"
    passed: Json = {
        "cluster": f"{site.word}_service",
        "host_rewrite_literal": site.host,
        "timeout": "0s",
        # Counted from the first byte of the request: 0 would be no end at all.
        "max_stream_duration": {"max_stream_duration": longest, "grpc_timeout_header_max": longest},
    }
    off = {"@type": f"{_HTTP}ext_authz.v3.ExtAuthzPerRoute", "disabled": True}
    free = [
        {
            "match": {"path": path, "headers": [_method()]},
            "route": passed,
            "typed_per_filter_config": {"envoy.filters.http.ext_authz": off},
            "request_headers_to_remove": ["x-armslength-subject"],
        }
        for path in site.ungated
    ]
    if site.credential:
        for route in free:
            none = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
            route["typed_per_filter_config"]["envoy.filters.http.credential_injector"] = none  # type: ignore[index]
    asked = {"match": {"prefix": "/"}, "route": passed}
    address = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
    real = [_header(name, address) for name in ("x-real-ip", "x-forwarded-for")]
    return {
        "name": site.word,
        "virtual_hosts": [{"name": site.word, "domains": [site.host], "routes": [*free, asked]}],
        "request_headers_to_add": real,
        "request_headers_to_remove": ["x-armslength-lease", "grpc-timeout", "x-envoy-internal"],
        "response_headers_to_remove": ["x-armslength-why"],
    }


def _method() -> Json:
    return {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}


def _pages(site: EnvoySite) -> list[Json]:
    """Pages in the place of Envoy's own words. What the gate said of a refusal passes as it is."""
    asked: Json = {"response_flag_filter": {"flags": ["UAEX"]}}
    unreachable = {"and_filter": {"filters": [asked, _status(503)]}}
    unknown = "It is not known who you are: sign in, or present your certificate."
    return [
        {
            "filter": unreachable,
            "headers_to_add": [*_headers(str(Why.GATE)), _header("retry-after", "5")],
            **_page(site, SENTENCES[Why.GATE]),
        },
        {"filter": asked},
        {"filter": _status(401), "headers_to_add": _headers(str(Why.UNKNOWN_SUBJECT)), **_page(site, unknown)},
    ]


def _status(code: int) -> Json:
    value = {"default_value": code, "runtime_key": "armslength.status"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _headers(why: str) -> list[Json]:
    said: Mapping[str, str] = {
        "x-armslength-why": why,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    }
    return [_header(name, value) for name, value in said.items()]


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _page(site: EnvoySite, says: str) -> Json:
    ask = html.escape(site.ask, quote=True)
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Not allowed</title>"
        f"<h1>Not allowed</h1><p>{html.escape(says)}</p><p>Ask for access, or see what you have: "
        f"<a href='{ask}'>{ask}</a></p>"
    ).replace("%", "%%")
    source = {"inline_string": f"{text}<p>Request %REQ(X-REQUEST-ID)%</p>\n"}
    return {"body_format_override": {"text_format_source": source, "content_type": "text/html; charset=utf-8"}}


def _gate(site: EnvoySite) -> Json:
    cluster = _cluster(f"{site.word}_gate", site.gate, site.authority)
    codec = _filter("upstream_codec", "upstream_codec.v3.UpstreamCodec")
    options = next(iter(cluster["typed_extension_protocol_options"].values()))
    # Without the secret the gate is asked all the same, and says whose fault it is.
    options["http_filters"] = [_injector(site.secrets, needed=False), codec]
    return cluster


def _service(site: EnvoySite) -> Json:
    return _cluster(f"{site.word}_service", site.upstream, site.upstream_authority)


def _cluster(name: str, url: str, authority: str | None) -> Json:
    parts = urlsplit(url)
    host = str(parts.hostname)
    place = {"address": host, "port_value": parts.port or (443 if parts.scheme == "https" else 80)}
    numeric = ":" in host or host.replace(".", "").isdigit()
    cluster: Json = {
        "name": name,
        "type": "STATIC" if numeric else "STRICT_DNS",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": place}}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_V3}upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": f"{KEPT_SECONDS}s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }
    if parts.scheme == "https":
        # Without both, anybody's certificate would do.
        names = [{"san_type": "IP_ADDRESS" if numeric else "DNS", "matcher": {"exact": host}}]
        trusted = {"trusted_ca": {"filename": authority}, "match_typed_subject_alt_names": names}
        context = {"@type": f"{_V3}transport_sockets.tls.v3.UpstreamTlsContext"}
        context |= {"common_tls_context": {"validation_context": trusted}}  # type: ignore[dict-item]
        if not numeric:
            context["sni"] = host
        cluster["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    return cluster
