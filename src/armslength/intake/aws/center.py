"""IAM Identity Center: who is assigned to which account with which permission set, which is a role there."""

from __future__ import annotations

from armslength.intake.aws.account import Documents, Identity
from armslength.intake.aws.identities import Identities
from armslength.intake.aws.remark import Remarks
from armslength.intake.harvest import Harvest, Matter


def give_center(documents: Documents, identities: Identities, harvest: Harvest, remarks: Remarks) -> frozenset[str]:
    """Users, groups and assignments; the ARNs of roles of which all who come through it are told."""
    center = documents.center
    for id, (login, mails, origin) in center.users.items():
        account = _account(id, harvest, origin)
        harvest.identifier(account, "login", f"aws:{login}" if login else "", origin=origin)
        harvest.identifier(account, "scim", id, origin=origin)
        for mail in dict.fromkeys((*mails, *([login] if "@" in login else []))):
            harvest.identifier(account, "mail", mail, origin=origin)
    made: set[str] = set()
    for id, (name, origin) in center.groups.items():
        _group(id, name, documents, harvest, origin, made)
    by_set: dict[tuple[str, str], list[Identity]] = {}
    for account_ in documents.accounts.values():
        for role in account_.roles.values():
            if role.name.startswith("AWSReservedSSO_"):
                set_name = role.name.removeprefix("AWSReservedSSO_").rpartition("_")[0]
                by_set.setdefault((role.account, set_name), []).append(role)
    unnamed = False
    for account_id, arn, kind, id, origin in center.assignments:
        set_name = center.sets.get(arn, "")
        if not set_name:
            unnamed = True
            reason = "is assigned, and no describe-permission-set tells its name"
            remarks.say(Matter.UNKNOWN, arn, reason, origin)
            continue
        if kind == "USER":
            member = _account(id, harvest, origin)
        else:
            member = _group(id, center.groups.get(id, ("", ""))[0], documents, harvest, origin, made)
        roles = by_set.get((account_id, set_name), [])
        if not roles:
            remarks.say(Matter.UNMAPPED, f"{account_id} {set_name}", "is assigned, and no role of it was given", origin)
        for role in roles:
            harvest.member(identities.id(role), member, origin=origin)
    if not center.assignments or unnamed:
        return frozenset()
    assigned = {(account, center.sets[arn]) for account, arn, *_ in center.assignments}
    # A role without an assignment among those given may have some that were not exported.
    return frozenset(role.arn for key, roles in by_set.items() if key in assigned for role in roles)


def _account(id: str, harvest: Harvest, origin: str) -> str:
    account = harvest.id("identity", "user", id)
    harvest.account(account, note="user of IAM Identity Center", origin=origin)
    return f"group:{account}"


def _group(id: str, name: str, documents: Documents, harvest: Harvest, origin: str, made: set[str]) -> str:
    group = harvest.id("identity", "group", id)
    if id not in made:
        made.add(id)
        if id in documents.center.members:
            harvest.group(group, origin=origin)
            for user in sorted(documents.center.members[id]):
                harvest.member(group, _account(user, harvest, origin), origin=origin)
        else:
            told = f" {name}" if name else ""
            note = f"group{told} of IAM Identity Center: its members were not given (list-group-memberships)"
            harvest.unknown(group, note, origin=origin)
    return f"group:{group}"
