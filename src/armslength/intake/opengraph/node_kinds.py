"""The kinds of nodes that BloodHound's own collectors give, and what they become."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.intake.opengraph.meaning import Role

GENERAL = frozenset({"Base", "AZBase"})
"""Kinds that every node of Active Directory or Entra has; the others say what it is."""

_KINDS: Mapping[Role, str] = {
    Role.ACCOUNT: "User ADLocalUser AZUser AZServicePrincipal",
    Role.GROUP: "Group ADLocalGroup AZGroup AZGroup365 AZRole",
    Role.THING: (
        "Computer Domain OU Container GPO AIACA RootCA EnterpriseCA NTAuthStore CertTemplate IssuancePolicy "
        "AZApp AZAutomationAccount AZContainerRegistry AZDevice AZFunctionApp AZKeyVault AZLogicApp AZManagedCluster "
        "AZManagementGroup AZResourceGroup AZSubscription AZTenant AZVM AZVMScaleSet AZWebApp"
    ),
    Role.OWN: "ALPerson ALPeople ALEveryone ALGroup ALAsset ALClass ALState ALTerms ALEntity",
}

NODE_KINDS: Mapping[str, Role] = {kind: role for role, kinds in _KINDS.items() for kind in kinds.split()}
