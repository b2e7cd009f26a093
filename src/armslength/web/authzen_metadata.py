"""What the gate says of itself to AuthZEN's enforcement points (Authorization API 1.0, section 9)."""

from __future__ import annotations

from armslength.web.authzen_wire import Metadata

WELL_KNOWN = "/.well-known/authzen-configuration"
EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SEARCH_SUBJECT = "/access/v1/search/subject"
SEARCH_RESOURCE = "/access/v1/search/resource"
SEARCH_ACTION = "/access/v1/search/action"
REQUESTS = "/access/v1/requests"
SCHEMA = "/access/v1/requests/schema"
"""Before `{id}`: no task has this id."""
JWKS = "/access/v1/jwks"
CAPABILITY = "urn:openid:authzen:capability:access-request"


def metadata(url: str) -> Metadata:
    """Of the gate whose base URL is `url`, which has no path."""
    return Metadata(
        policy_decision_point=url,
        access_evaluation_endpoint=url + EVALUATION,
        access_evaluations_endpoint=url + EVALUATIONS,
        search_subject_endpoint=url + SEARCH_SUBJECT,
        search_resource_endpoint=url + SEARCH_RESOURCE,
        search_action_endpoint=url + SEARCH_ACTION,
        access_request_endpoint=url + REQUESTS,
        jwks_uri=url + JWKS,
        capabilities=(CAPABILITY,),
    )
