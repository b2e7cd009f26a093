"""The annotations of one policy, such as `@ssh_command("…")`: what is said of it beside who may do what."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.estate.cedar_text import spoken, statements
from armslength.estate.model import Estate


def policy_annotations(estate: Estate, id: str) -> Mapping[str, str]:
    """Those of the policy whose `@id` this is, by name; one without a value says "". None where there is no such
    policy, as for a line of the grants table. The estate was parsed, so each text can be read."""
    if estate.policy is None or id not in estate.policy.ids:
        return {}
    statement = statements(estate.policy.text)[estate.policy.ids.index(id)]
    found = list(statement.annotations())
    meant = spoken([value for _, value in found if value is not None])
    return {name.text: "" if value is None else meant[value.text] for name, value in found}
