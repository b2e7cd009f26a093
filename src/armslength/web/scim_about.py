"""What the gate says of its SCIM service (RFC 7644, section 4): what it can, and which attributes it keeps."""

from __future__ import annotations

from typing import Any

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    EnterpriseUser,
    ETag,
    Filter,
    Group,
    Patch,
    ResourceType,
    ServiceProviderConfig,
    Sort,
    User,
)

from armslength.web.scim_attributes import ENTERPRISE, EVERY, GROUP, USER

MOST_RESULTS = 200


def service_provider_config(base: str) -> dict[str, Any]:
    scheme = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="What armslength gate add-directory printed",
    )
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[scheme],
    )
    return _located(config, base, "ServiceProviderConfig", "ServiceProviderConfig")


def resource_types(base: str) -> dict[str, dict[str, Any]]:
    """By id."""
    made = (ResourceType.from_resource(User[EnterpriseUser]), ResourceType.from_resource(Group))
    return {str(each.id): _located(each, base, "ResourceType", f"ResourceTypes/{each.id}") for each in made}


def schemas(base: str) -> dict[str, dict[str, Any]]:
    """By id, with the attributes that are kept and no others."""
    kept = frozenset((*EVERY["user"], *EVERY["group"], "value", "type", "country", "locality", "region"))
    found = {}
    for model, id in ((User, USER), (EnterpriseUser, ENTERPRISE), (Group, GROUP)):
        form = _located(model.to_schema(), base, "Schema", f"Schemas/{id}")
        form["attributes"] = _of(form["attributes"], kept)
        found[id] = form
    return found


def _of(attributes: list[dict[str, Any]], kept: frozenset[str]) -> list[dict[str, Any]]:
    found = []
    for each in attributes:
        if each["name"] in kept:
            parts = {"subAttributes": _of(each["subAttributes"], kept)} if each.get("subAttributes") else {}
            found.append({**each, **parts})
    return found


def _located(model: Any, base: str, kind: str, place: str) -> dict[str, Any]:
    form: dict[str, Any] = model.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    form["meta"] = {"resourceType": kind, "location": f"{base}/{place}"}
    return form
