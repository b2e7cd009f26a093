"""All that the gate offers to programs over HTTP, put together: `gate_app(gate)`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.types import ASGIApp

from armslength.service import Gate
from armslength.web import authzen_metadata as paths
from armslength.web import forward, gate_statements, gate_uses
from armslength.web.access_requests import AccessRequests
from armslength.web.access_requests_binding import Binder, Clock
from armslength.web.access_requests_wire import Cancellation, Problem, RequestedAccess, Submission, TaskAnswer
from armslength.web.authzen import AuthZen
from armslength.web.authzen_names import names_of
from armslength.web.authzen_wire import (
    ActionSearch,
    Decision,
    Decisions,
    Evaluation,
    Evaluations,
    FoundActions,
    FoundResources,
    FoundSubjects,
    Metadata,
    ResourceSearch,
    SubjectSearch,
)
from armslength.web.forward import ForwardAnswer
from armslength.web.gate_dispatch import ANY, Endpoint, GateApp, Handler
from armslength.web.gate_exchange import Answer, Exchange, encode
from armslength.web.gate_points import Points
from armslength.web.gate_ssh import ssh_endpoints
from armslength.web.gate_standing import STANDING, StandingAsked, StandingGiven, Standings
from armslength.web.openapi import openapi

OPENAPI = "/openapi.json"
CACHING = b"max-age=60"
_ANYTHING = {"type": "object"}


def gate_app(gate: Gate, *, otherwise: ASGIApp | None = None, clock: Clock = time.time) -> ASGIApp:
    """The gate's protocols as one ASGI app; what is none of them goes to `otherwise`, such as the console. `clock` is
    the gate's."""
    points, names, binder = Points(gate.settings.points), names_of(gate), Binder(gate, clock)
    endpoints = [
        *_authzen(AuthZen(gate, points, names, binder, clock)),
        *_requests(AccessRequests(gate, points, names, binder, clock)),
        *_proxies(forward.Forward(gate, points)),
        *_uses(gate_uses.Uses(gate, points)),
        _statements(gate_statements.StatementsRun(gate, points)),
        _standing(Standings(gate, points)),
        *ssh_endpoints(gate),
        _open(paths.JWKS, "jwks", _jwks(gate), "The keys that the gate signs with.", schema=_ANYTHING),
    ]
    described = openapi(endpoints, url=gate.settings.url, version=version("armslength"))
    about = _open(OPENAPI, "openapi", _fixed(encode(described)), "This description.", schema=_ANYTHING)
    app = GateApp([*endpoints, about], otherwise=otherwise)
    if not any(each.secret_sha256 for each in gate.settings.directories):
        return app
    from armslength.web.scim import scim_app  # needs the extra `scim`

    return scim_app(gate, otherwise=app)


def _authzen(authzen: AuthZen) -> list[Endpoint]:
    return [
        _post(paths.EVALUATION, "evaluation", authzen.evaluation, "Decide one question.", Evaluation, Decision),
        Endpoint(
            method="POST",
            path=paths.EVALUATIONS,
            kind="evaluations",
            handler=authzen.evaluations,
            summary="Decide several questions, or one.",
            takes=Evaluations,
            gives={200: (Decisions, Decision)},
        ),
        _post(paths.SEARCH_SUBJECT, "search-subject", authzen.subjects, "Who may?", SubjectSearch, FoundSubjects),
        _post(paths.SEARCH_RESOURCE, "search-resource", authzen.resources, "On what?", ResourceSearch, FoundResources),
        _post(paths.SEARCH_ACTION, "search-action", authzen.actions, "May do what?", ActionSearch, FoundActions),
        _open(paths.WELL_KNOWN, "metadata", authzen.metadata, "What the gate offers.", gives=Metadata),
    ]


def _requests(requests: AccessRequests) -> list[Endpoint]:
    problems = dict.fromkeys((400, 409, 410, 503), (Problem,))
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}}
    task = paths.REQUESTS + "/{id}"
    return [
        Endpoint(
            method="POST",
            path=paths.REQUESTS,
            kind="access-request",
            handler=requests.submit,
            summary="Ask for access that was denied.",
            takes=Submission,
            gives={201: (TaskAnswer,), 202: (TaskAnswer,), **problems},
            parameters=(key,),
        ),
        _open(
            paths.SCHEMA,
            "request-schema",
            _fixed(encode(_schema())),
            "What a request may add to its denial.",
            schema=_ANYTHING,
        ),
        Endpoint(
            method="GET",
            path=task,
            kind="task",
            handler=requests.task,
            summary="How a request stands.",
            gives={200: (TaskAnswer,), 404: (Problem,)},
        ),
        *(
            Endpoint(
                method=method,
                path=task + "/cancel",
                kind="cancel" if method == "POST" else "cancel-delete",
                handler=requests.cancel,
                summary="Take a request back that nobody answered yet.",
                takes=Cancellation if method == "POST" else None,
                body_required=False,
                gives={200: (TaskAnswer,), **dict.fromkeys((400, 404, 409, 503), (Problem,))},
            )
            for method in ("POST", "DELETE")
        ),
    ]


def _proxies(answers: forward.Forward) -> list[Endpoint]:
    subject = _header("X-Armslength-Subject")
    shapes: dict[int, tuple[type[msgspec.Struct], ...]] = {200: (), 401: (ForwardAnswer,), 403: (ForwardAnswer,)}
    return [
        Endpoint(
            method=ANY,
            path=forward.FORWARD,
            kind="forward",
            handler=answers.original,
            summary="Whether nginx may pass a request on.",
            gives=shapes,
            parameters=(subject, *map(_header, ("X-Original-Method", "X-Original-Host", "X-Original-URI"))),
        ),
        Endpoint(
            method=ANY,
            path=forward.FORWARD_AUTH,
            kind="forward-auth",
            handler=answers.forwarded,
            summary="Whether Caddy or Traefik may pass a request on.",
            gives=shapes,
            parameters=(subject, *map(_header, ("X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri"))),
        ),
        Endpoint(
            method=ANY,
            path=forward.EXT_AUTHZ + "{rest}",
            kind="ext-authz",
            handler=answers.ext_authz,
            summary="Whether Envoy may pass this request on, whose path is behind the prefix.",
            gives=shapes,
            parameters=(subject,),
        ),
    ]


def _uses(uses: gate_uses.Uses) -> list[Endpoint]:
    redeem, take = "Let one act happen.", "Record acts that a point let happen meanwhile."
    return [
        _post(gate_uses.REDEEM, "redeem", uses.redeem, redeem, gate_uses.UseAsked, gate_uses.UseAnswer),
        _post(gate_uses.USES, "uses", uses.take, take, gate_uses.UsesMade, gate_uses.UsesTaken),
        Endpoint(
            method="GET",
            path=gate_uses.REVOCATIONS,
            kind="revocations",
            handler=uses.revocations,
            summary="The signed list of leases that were taken away.",
            gives={200: ()},
            media="application/jose",
            schema={"type": "string"},
        ),
        Endpoint(
            method="GET",
            path=gate_uses.ROUTES,
            kind="routes",
            handler=uses.routes,
            summary="What web requests mean.",
            gives={200: (gate_uses.RoutesGiven,)},
        ),
    ]


def _statements(run: gate_statements.StatementsRun) -> Endpoint:
    takes, gives = gate_statements.BatchesMade, gate_statements.BatchesTaken
    summary = "Record what was done by leases in a system that writes its own log."
    return _post(gate_statements.STATEMENTS, "statements", run.take, summary, takes, gives)


def _standing(standings: Standings) -> Endpoint:
    summary = "Whether what leases opened may go on."
    return _post(STANDING, "standing", standings.ask, summary, StandingAsked, StandingGiven)


def _post(path: str, kind: str, handler: Handler, summary: str, takes: Any, gives: Any) -> Endpoint:
    return Endpoint(
        method="POST", path=path, kind=kind, handler=handler, summary=summary, takes=takes, gives={200: (gives,)}
    )


def _open(
    path: str, kind: str, handler: Handler, summary: str, *, gives: Any = None, schema: Mapping[str, Any] | None = None
) -> Endpoint:
    """What anybody may read."""
    return Endpoint(
        method="GET",
        path=path,
        kind=kind,
        handler=handler,
        summary=summary,
        gives={200: () if gives is None else (gives,)},
        schema=schema,
        secured=False,
    )


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def _fixed(body: bytes) -> Handler:
    async def give(exchange: Exchange) -> Answer:
        return Answer(body=body, caching=CACHING)

    return give


def _jwks(gate: Gate) -> Handler:
    async def give(exchange: Exchange) -> Answer:
        return Answer(body=encode(gate.jwks()), caching=CACHING)

    return give


def _schema() -> dict[str, Any]:
    """Of what a point may add to the `context` and `requested_access` of its request."""
    (access,), components = msgspec.json.schema_components([RequestedAccess], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "context": {"type": "object", "properties": {"business_justification": {"type": "string"}}},
            "requested_access": access,
        },
        "$defs": components,
    }
