"""Which answer of AWS a document is, by what stands in it; for two of Organizations by the id in the file's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from armslength.intake.aws.account import Account, Documents, Identity, Policy, ResourcePolicy
from armslength.intake.aws.policy import statements
from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import Problems

HOW = "expected what 'aws iam get-account-authorization-details' writes, and beside it documents that the guide names"
_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):(user|group|role|policy)/(.+)")
_CHILD = re.compile(r"(?:parents|targets)[-_](p-[0-9A-Za-z_]+|ou-[0-9a-z-]+|r-[0-9a-z]+|\d{12})")


def read_aws(files: Mapping[str, bytes], problems: Problems) -> Documents:
    """Raises `IntakeError` with all that is wrong."""
    found = Documents()
    for file, data in files.items():
        node = json_node(file, data, problems)
        if node is not None:
            for part in node.items() if isinstance(node.value, list) else (node,):
                _read(part, found)
    if not found.accounts and not problems:
        problems.add("; ".join(files) or "documents", f"no account among them: {HOW}")
    problems.stop()
    return found


def _read(node: Node, found: Documents) -> None:
    if not isinstance(node.value, dict):
        node.wrong(f"is no document of AWS: {HOW}")
        return
    keys = node.value.keys()
    for key, reader in _READERS.items():
        if key in keys:
            reader(node, found)
            return
    node.wrong(f"is none of the documents known: {HOW}")


def _details(node: Node, found: Documents) -> None:
    accounts = found.accounts
    for kind in ("User", "Group", "Role"):
        for part in node.at(f"{kind}DetailList").items():
            read = _arn(part, kind.lower())
            if read is None:
                continue
            partition, id, name = read
            account = accounts.setdefault(id, Account(id, node.origin, partition))
            known = {"User": account.users, "Group": account.groups, "Role": account.roles}[kind]
            if name in known:
                part.wrong(f"{kind.lower()} {name!r} of {id} comes twice: expected each document of an account once")
            known[name] = _identity(part, kind, name, id)
    own = {part.split(":")[4] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList")
           for part in (p.at("Arn").text_or() for p in node.at(key).items()) if part.count(":") >= 5}  # fmt: skip
    for part in node.at("Policies").items():
        arn = part.at("Arn").text()
        policy = _managed(part, arn)
        read_arn = _ARN.fullmatch(arn)
        if read_arn:
            accounts.setdefault(read_arn[2], Account(read_arn[2], node.origin, read_arn[1])).policies[arn] = policy
            continue
        for id in own:
            if id in accounts:
                accounts[id].policies[arn] = policy
    if node.at("IsTruncated").flag():
        node.at("IsTruncated").wrong(
            "the list is cut off: expected all pages (do not use --no-paginate or --max-items)"
        )


def _arn(node: Node, kind: str) -> tuple[str, str, str] | None:
    arn = node.at("Arn").text()
    read = _ARN.fullmatch(arn)
    if read is None or read[3] != kind:
        if arn:
            node.at("Arn").wrong(f"{arn[:60]!r}: expected the ARN of a {kind}")
        return None
    return read[1], read[2], read[4].rpartition("/")[2]


def _identity(node: Node, kind: str, name: str, account: str) -> Identity:
    inline = tuple(
        Policy(
            arn="", name=part.at("PolicyName").text_or("inline"), statements=statements(part.at("PolicyDocument")),
            kept=False, origin=part.origin,
        )
        for part in node.at(f"{kind}PolicyList").items()
    )  # fmt: skip
    attached = tuple((part.at("PolicyArn").text(), part.origin) for part in node.at("AttachedManagedPolicies").items())
    boundary = node.at("PermissionsBoundary") if node.has("PermissionsBoundary") else None
    return Identity(
        kind=kind.lower(),
        name=name,
        arn=node.at("Arn").text(),
        path=node.at("Path").text_or("/"),
        account=account,
        inline=inline,
        attached=attached,
        boundary=boundary.at("PermissionsBoundaryArn").text() if boundary else "",
        groups=tuple((part.text(), part.origin) for part in node.at("GroupList").items()) if kind == "User" else (),
        trust=statements(node.at("AssumeRolePolicyDocument")) if kind == "Role" else (),
        tags=tuple((part.at("Key").text_or(), part.at("Value").text_or()) for part in node.at("Tags").items()),
        origin=node.origin,
    )


def _managed(node: Node, arn: str) -> Policy:
    versions = [part for part in node.at("PolicyVersionList").items() if part.at("IsDefaultVersion").flag()]
    if len(versions) != 1:
        node.at("PolicyVersionList").wrong(f"has {len(versions)} default versions: expected one")
        versions = []
    read = _ARN.fullmatch(arn)
    return Policy(
        arn=arn,
        name=arn.rpartition("/")[2],
        statements=statements(versions[0].at("Document")) if versions else (),
        kept=read is not None,
        origin=node.origin,
    )


def _organization(node: Node, found: Documents) -> None:
    part = node.at("Organization")
    found.organization.management = part.at("MasterAccountId").text_or()
    found.organization.origin = node.origin


def _roots(node: Node, found: Documents) -> None:
    found.organization.roots |= {part.at("Id").text() for part in node.at("Roots").items()}


def _policy(node: Node, found: Documents) -> None:
    part = node.at("Policy")
    summary = part.at("PolicySummary")
    id, kind = summary.at("Id").text(), summary.at("Type").text_or("SERVICE_CONTROL_POLICY")
    name = summary.at("Name").text_or(id)
    if kind != "SERVICE_CONTROL_POLICY":
        found.unread.append((f"policy {name}", f"{kind} is not counted as a limit", node.origin))
        return
    found.organization.policies[id] = Policy(
        arn=id, name=name, statements=statements(part.at("Content")), kept=True, origin=node.origin
    )


def _policies(node: Node, found: Documents) -> None:
    """What list-policies tells beside describe-policy."""
    for part in node.at("Policies").items():
        if part.has("Arn") and part.at("Arn").text().split(":")[2:3] != ["organizations"]:
            part.wrong("is no policy of an organization: expected what 'aws organizations list-policies' writes")
            return
        found.organization.listed.add(part.at("Id").text())


def _named(node: Node, what: str) -> str:
    read = _CHILD.search(node.file)
    if read is None:
        node.wrong(f"is an answer without its question: expected a file name such as {what}")
        return ""
    return read[1]


def _targets(node: Node, found: Documents) -> None:
    id = _named(node, "targets-p-FullAWSAccess.json")
    found.organization.targets[id] = tuple(part.at("TargetId").text() for part in node.at("Targets").items())


def _parents(node: Node, found: Documents) -> None:
    id = _named(node, "parents-123456789012.json")
    for part in node.at("Parents").items():
        found.organization.parents[id] = part.at("Id").text()


def _nothing(node: Node, found: Documents) -> None:
    """Names of accounts: not needed, and no harm."""


def _resource(node: Node, found: Documents) -> None:
    arn = node.at("arn").text()
    parts = arn.split(":", 5)
    if arn and (len(parts) != 6 or parts[0] != "arn" or not parts[5]):
        node.at("arn").wrong(f"{arn[:60]!r}: expected an ARN")
        return
    found.resources.append(
        ResourcePolicy(
            arn=arn,
            account=node.at("account").text_or(parts[4] if arn else ""),
            statements=statements(node.at("policy")),
            origin=node.origin,
        )
    )


def _assignments(node: Node, found: Documents) -> None:
    for part in node.at("AccountAssignments").items():
        kind = part.at("PrincipalType").text()
        if kind not in ("USER", "GROUP", ""):
            part.at("PrincipalType").wrong(f"{kind[:60]!r}: expected USER or GROUP")
        cells = (part.at("AccountId").text(), part.at("PermissionSetArn").text(), kind, part.at("PrincipalId").text())
        found.center.assignments.append((*cells, part.origin))


def _permission_set(node: Node, found: Documents) -> None:
    part = node.at("PermissionSet")
    found.center.sets[part.at("PermissionSetArn").text()] = part.at("Name").text()


def _instances(node: Node, found: Documents) -> None:
    for part in node.at("Instances").items():
        found.center.owner = part.at("OwnerAccountId").text_or(found.center.owner)


def _users(node: Node, found: Documents) -> None:
    for part in node.at("Users").items():
        mails = tuple(mail.at("Value").text() for mail in part.at("Emails").items())
        found.center.users[part.at("UserId").text()] = (part.at("UserName").text_or(), mails, part.origin)


def _groups(node: Node, found: Documents) -> None:
    for part in node.at("Groups").items():
        found.center.groups[part.at("GroupId").text()] = (part.at("DisplayName").text_or(), part.origin)


def _memberships(node: Node, found: Documents) -> None:
    for part in node.at("GroupMemberships").items():
        group = part.at("GroupId").text()
        found.center.members.setdefault(group, set()).add(part.at("MemberId").at("UserId").text())


_READERS: dict[str, Callable[[Node, Documents], None]] = {
    "UserDetailList": _details,
    "RoleDetailList": _details,
    "GroupDetailList": _details,
    "Organization": _organization,
    "Roots": _roots,
    "Policy": _policy,
    "Policies": _policies,
    "Targets": _targets,
    "Parents": _parents,
    "Accounts": _nothing,
    "arn": _resource,
    "AccountAssignments": _assignments,
    "PermissionSet": _permission_set,
    "Instances": _instances,
    "Users": _users,
    "GroupMemberships": _memberships,
    "Groups": _groups,
}
"""By the key that tells a document; the first that is there counts."""
