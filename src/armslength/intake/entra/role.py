"""Directory roles, and what they can do to other people.

From Microsoft's "Microsoft Entra built-in roles" and "Who can reset passwords". A role is known by its template's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Power(StrEnum):
    """Each is the name of a group of those who have it."""

    ALL = "operate-tenant"
    RESET_ALL = "reset-anyone"
    ASSIGN = "assign-roles"
    """Roles, and the groups that roles can be given to."""
    GROUPS = "edit-groups"
    OFFICE_GROUPS = "edit-microsoft-365-groups"
    SECURITY_GROUPS = "edit-security-groups"
    APPS = "add-secrets-to-applications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`resets`: names of the roles whose holders it can reset, besides people without a role; None: nobody.
    `wider`: why its powers are taken for more than they may be."""

    name: str
    powers: tuple[Power, ...] = ()
    resets: frozenset[str] | None = None
    wider: str = ""


# Whoever holds only such roles counts as nearly nobody for resets.
_LOW = frozenset({"Directory Readers", "Guest Inviter"})
_READERS = _LOW | {
    "Message Center Reader",
    "Reports Reader",
    "Usage Summary Reports Reader",
    "User Experience Success Manager",
    "Password Administrator",
}
_DOMAIN = "can change how a domain signs in, and so sign in as anybody: taken for a reset of everybody"
EVERY = tuple(Power)

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
_ROLES: Mapping[str, Role] = {
    GLOBAL: Role(name="Global Administrator", powers=EVERY),
    "e8611ab8-c189-46e8-94e1-60213ab1f814": Role(name="Privileged Role Administrator", powers=(Power.ASSIGN,)),
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": Role(
        name="Privileged Authentication Administrator", powers=(Power.RESET_ALL,)
    ),
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": Role(
        name="Partner Tier2 Support", powers=(Power.RESET_ALL, Power.GROUPS, Power.ASSIGN, Power.APPS)
    ),
    "4ba39ca4-527c-499a-b93d-d9b492c50246": Role(
        name="Partner Tier1 Support", powers=(Power.GROUPS, Power.APPS), resets=frozenset()
    ),
    "fe930be7-5e62-47db-91af-98c3a49a38b1": Role(
        name="User Administrator",
        powers=(Power.GROUPS,),
        resets=_READERS | {"Groups Administrator", "Helpdesk Administrator", "User Administrator"},
    ),
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": Role(
        name="Authentication Administrator", resets=_READERS | {"Authentication Administrator"}
    ),
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": Role(
        name="Helpdesk Administrator", resets=_READERS | {"Helpdesk Administrator"}
    ),
    "966707d0-3269-4727-9be2-8c3a10f19b9d": Role(
        name="Password Administrator", resets=_LOW | {"Password Administrator"}
    ),
    "fdd7a751-b60b-444a-984c-02652fe8fa1c": Role(name="Groups Administrator", powers=(Power.GROUPS,)),
    "9360feb5-f418-4baa-8175-e2a00bac4301": Role(name="Directory Writers", powers=(Power.GROUPS,)),
    "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e": Role(name="Identity Governance Administrator", powers=(Power.GROUPS,)),
    "59d46f88-662b-457b-bceb-5c3809e5908f": Role(
        name="Lifecycle Workflows Administrator",
        powers=(Power.GROUPS,),
        wider="its workflows can add people to groups: taken for every group",
    ),
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": Role(name="Application Administrator", powers=(Power.APPS,)),
    "158c047a-c907-4556-b7ef-446551a6b5f7": Role(name="Cloud Application Administrator", powers=(Power.APPS,)),
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": Role(
        name="Hybrid Identity Administrator", powers=(Power.RESET_ALL, Power.APPS), wider=_DOMAIN
    ),
    "d29b2b05-8046-44ba-8758-1e26182fcf32": Role(
        name="Directory Synchronization Accounts",
        powers=(Power.RESET_ALL, Power.APPS),
        wider="writes the users and passwords of the directory: taken for a reset of everybody",
    ),
    "8329153b-31d0-4727-b945-745eb3bc5f31": Role(
        name="Domain Name Administrator", powers=(Power.RESET_ALL,), wider=_DOMAIN
    ),
    "be2f45a1-457d-42af-a067-6ec1fa63bc45": Role(
        name="External Identity Provider Administrator", powers=(Power.RESET_ALL,), wider=_DOMAIN
    ),
    "194ae4cb-b126-40b2-bd5b-6091b380977d": Role(
        name="Security Administrator", powers=(Power.RESET_ALL,), wider=_DOMAIN
    ),
    "3a2c62db-5318-420d-8d74-23affee5d9d5": Role(name="Intune Administrator", powers=(Power.SECURITY_GROUPS,)),
    "11451d60-acb2-45eb-a7d6-43d0f0125c13": Role(name="Windows 365 Administrator", powers=(Power.SECURITY_GROUPS,)),
    "b5a8dcf3-09d5-43a9-a639-8e29ef291470": Role(name="Knowledge Administrator", powers=(Power.SECURITY_GROUPS,)),
    "744ec460-397e-42ad-a462-8b3f9747a02c": Role(name="Knowledge Manager", powers=(Power.SECURITY_GROUPS,)),
    "29232cdf-9323-42fd-ade2-1d097af3e4de": Role(name="Exchange Administrator", powers=(Power.OFFICE_GROUPS,)),
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": Role(name="SharePoint Administrator", powers=(Power.OFFICE_GROUPS,)),
    "69091246-20e8-4a56-aa4d-066075b2a7a8": Role(name="Teams Administrator", powers=(Power.OFFICE_GROUPS,)),
    "810a2642-a034-447f-a5e8-41beaa378541": Role(name="Yammer Administrator", powers=(Power.OFFICE_GROUPS,)),
}
_BY_NAME = {role.name.casefold(): role for role in _ROLES.values()} | {
    "company administrator": _ROLES[GLOBAL],
    "user account administrator": _ROLES["fe930be7-5e62-47db-91af-98c3a49a38b1"],
}


# No power over how others sign in, over groups or over applications; what they do within a service is not modelled.
_PLAIN = """
Agent Registry Administrator; AI Administrator; Application Developer; Attack Payload Author;
Attack Simulation Administrator; Attribute Assignment Administrator; Attribute Assignment Reader;
Attribute Definition Administrator; Attribute Definition Reader; Attribute Log Administrator; Attribute Log Reader;
Attribute Provisioning Reader; Authentication Policy Administrator; Azure DevOps Administrator;
Azure Information Protection Administrator; Billing Administrator; Cloud App Security Administrator;
Cloud Device Administrator; Compliance Administrator; Compliance Data Administrator; Conditional Access Administrator;
Customer LockBox Access Approver; Desktop Analytics Administrator; Directory Readers; Dynamics 365 Administrator;
Dynamics 365 Business Central Administrator; Edge Administrator; Exchange Backup Administrator;
Exchange Recipient Administrator; External ID User Flow Administrator;
External ID User Flow Attribute Administrator; Fabric Administrator; Global Reader;
Global Secure Access Administrator; Global Secure Access Log Reader; Guest Inviter; Guest User; Insights Administrator;
Insights Analyst; Insights Business Leader; IoT Device Administrator; Kaizala Administrator; License Administrator;
Message Center Privacy Reader; Message Center Reader; Microsoft 365 Backup Administrator;
Microsoft 365 Migration Administrator; Microsoft Entra Joined Device Local Administrator;
Azure AD Joined Device Local Administrator; Network Administrator; Office Apps Administrator;
Organizational Branding Administrator; Organizational Messages Approver; Organizational Messages Writer;
People Administrator; Permissions Management Administrator; Places Administrator; Power Platform Administrator;
Printer Administrator; Printer Technician; Reports Reader; Search Administrator; Search Editor; Security Reader;
Service Support Administrator; SharePoint Backup Administrator; SharePoint Embedded Administrator;
Skype for Business Administrator; Teams Communications Administrator; Teams Communications Support Engineer;
Teams Communications Support Specialist; Teams Devices Administrator; Teams Reader; Teams Telephony Administrator;
Tenant Creator; Usage Summary Reports Reader; User; User Experience Success Manager; Virtual Visits Administrator;
Viva Goals Administrator; Viva Pulse Administrator; Windows Update Deployment Administrator; Workplace Device Join
"""
_PLAIN_NAMES = {name.casefold(): name for name in (part.strip() for part in _PLAIN.split(";"))}


def built_in(template: str, name: str) -> Role | None:
    """A role whose powers are known: by its template's id, else by its name."""
    found = _ROLES.get(template.casefold()) or _BY_NAME.get(name.casefold())
    if found is None and (plain := _PLAIN_NAMES.get(name.casefold())) is not None:
        return Role(name=plain)
    return found


def by_actions(name: str, actions: Iterable[str]) -> Role:
    """A role that the tenant made, or a new built-in one, by what it allows; limits of its reach are not known."""
    found: dict[Power, None] = {}
    for action in actions:
        said = action.casefold()
        if said.endswith("read"):
            continue
        if "/allentities/" in said or "managepermissiongrantsforall.microsoft-company-admin" in said:
            found |= dict.fromkeys(EVERY)  # the second lets an application have any permission, and act by it
        whole = said.endswith(("allproperties/alltasks", "allproperties/update", "/standard/alltasks")) or "*" in said
        if "/users" in said and (whole or "password" in said or "authenticationmethod" in said):
            found[Power.RESET_ALL] = None
        if "/groups" in said and (whole or "/members/" in said or "/owners/" in said or "dynamicmembership" in said):
            found[Power.GROUPS] = None
            if "assignedtorole" in said or "groupsassignabletoroles" in said.replace(".", "") or "*" in said:
                found[Power.ASSIGN] = None
        if "/roleassignments" in said or "/roledefinitions" in said or "/roleeligib" in said:
            found[Power.ASSIGN] = None
        if "/privilegedidentitymanagement" in said:
            found[Power.ASSIGN] = None
        if "/entitlementmanagement" in said or "/lifecycleworkflows" in said:  # both can add people to groups
            found[Power.GROUPS] = None
        if ("/applications" in said or "/serviceprincipals" in said) and (
            whole or "credentials" in said or "/owners/" in said
        ):
            found[Power.APPS] = None
        if "/domains" in said and (whole or "federation" in said):
            found[Power.RESET_ALL] = None
        if whole and (
            "/identityproviders" in said or "/hybridauthenticationpolicy" in said or "/passwordhashsync" in said
        ):
            found[Power.RESET_ALL] = None
    wider = "known by what it allows only, which is taken for everybody and every group" if found else ""
    return Role(name=name, powers=tuple(found), wider=wider)


def unknown_role(name: str) -> Role:
    return Role(
        name=name, powers=EVERY, wider="a role whose definition was not given: taken for a Global Administrator"
    )
