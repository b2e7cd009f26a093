"""What the gate offers over HTTP, as OpenAPI 3.1: derived from the endpoints and the types that they take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from armslength.web.access_requests_wire import Problem
from armslength.web.gate_body import MOST_BYTES
from armslength.web.gate_dispatch import ANY, Endpoint

_PROBLEM = "application/problem+json"
_METHODS = ("get", "post")
"""By which an endpoint that takes any method is described."""
_TEMPLATE = "#/components/schemas/{name}"
_SAID = {"text/plain; charset=utf-8": {"schema": {"type": "string"}}}
_WHY = {
    400: "What was sent is not what it must be; a line for each problem.",
    401: "Nobody that the gate knows.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    405: "There is no such method here.",
    408: "The body did not come in time.",
    409: "Something else happened first.",
    413: f"The body has more than {MOST_BYTES} bytes.",
    503: "The gate cannot answer now; nothing was allowed.",
}
_ID = {"name": "X-Request-ID", "in": "header", "required": False, "schema": {"type": "string"}}


def openapi(endpoints: Sequence[Endpoint], *, url: str, version: str) -> dict[str, Any]:
    """The description of `endpoints`, served under `url`."""
    types = list(dict.fromkeys(shape for each in endpoints for shape in _types(each)))
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in endpoints:
        for method in _METHODS if each.method == ANY else (each.method.lower(),):
            paths.setdefault(each.path, {})[method] = _operation(each, method, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Armslength: the gate",
            "version": version,
            "description": "OpenID AuthZEN Authorization API 1.0 with its access request and approval profile, answers "
            "for proxies, and uses of leases.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "point": {"type": "http", "scheme": "bearer", "description": "An enforcement point's secret, `pt_…`."}
            },
        },
    }


def _types(endpoint: Endpoint) -> list[Any]:
    given = [shape for shapes in endpoint.gives.values() for shape in shapes]
    return [*given, *([] if endpoint.takes is None else [endpoint.takes])]


def _operation(endpoint: Endpoint, method: str, known: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.kind if endpoint.method != ANY else f"{endpoint.kind}-{method}",
        "summary": endpoint.summary,
        "parameters": [_ID, *({**each, "required": each.get("required", False)} for each in endpoint.parameters)],
        "responses": {str(status): _response(endpoint, status, known) for status in sorted(_statuses(endpoint))},
    }
    for name in ("id", "rest"):
        if f"{{{name}}}" in endpoint.path:
            schema = {"type": "string", "minLength": 1}
            described["parameters"].append({"name": name, "in": "path", "required": True, "schema": schema})
    if endpoint.secured:
        described["security"] = [{"point": []}]
    if endpoint.takes is not None:
        described["requestBody"] = {
            "required": endpoint.body_required,
            "content": {"application/json": {"schema": known[endpoint.takes]}},
        }
    return described


def _statuses(endpoint: Endpoint) -> set[int]:
    found = {*endpoint.gives, 405, 503}
    if endpoint.takes is not None:
        found |= {400, 408, 413}
    if endpoint.secured:
        found |= {401, 403}
    if endpoint.parameters:
        found.add(400)
    if "{id}" in endpoint.path:
        found.add(404)
    return found


def _response(endpoint: Endpoint, status: int, known: dict[Any, Any]) -> dict[str, Any]:
    shapes = endpoint.gives.get(status, ())
    response: dict[str, Any] = {
        "description": _WHY.get(status, endpoint.summary),
        "headers": {"X-Request-ID": {"description": "As it came.", "schema": {"type": "string"}}},
    }
    if shapes:
        media = _PROBLEM if Problem in shapes else endpoint.media
        schema = known[shapes[0]] if len(shapes) == 1 else {"anyOf": [known[shape] for shape in shapes]}
        # What is wrong with the caller or the body is told in text, whatever the endpoint has to say.
        text = _SAID if status >= 400 and media != _PROBLEM or status in (400, 503) else {}
        response["content"] = {media: {"schema": schema}, **text}
    elif status < 400:
        response["content"] = {endpoint.media: {"schema": endpoint.schema or {}}}
    else:
        response["content"] = _SAID
    return response
