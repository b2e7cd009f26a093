"""Random small accounts against a plain evaluator: what it allows, the rows must give. Conditions are taken as they
would have to be for the most to be allowed."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.intake import Harvest
from tests.intake.aws.account import A, arn, attached, bounded, group, managed, policy, role, taken, trusts, user

VERBS = {
    "s3:GetObject": "read",
    "s3:PutObject": "write",
    "s3:PutBucketPolicy": "operate",
    "secretsmanager:GetSecretValue": "read",
    "kms:Decrypt": "use",
    "newthing:GetIt": "read",
    "newthing:BreakIt": "write",
}
SECRET = f"arn:aws:secretsmanager:eu-west-1:{A}:secret:"
KEY = f"arn:aws:kms:eu-west-1:{A}:key/"
THING = f"arn:aws:newthing:eu-west-1:{A}:it/"
THINGS = {
    "s3": ["arn:aws:s3:::ab/x", "arn:aws:s3:::ac/x", "arn:aws:s3:::ana/x", "arn:aws:s3:::unseen/x"],
    "secretsmanager": [SECRET + "ab", SECRET + "unseen"],
    "kms": [KEY + "1", KEY + "2"],
    "newthing": [THING + "a", THING + "unseen"],
}
USERS, ROLES, GROUPS = ("ana", "bo"), ("front", "back"), ("all", "some")

actions = st.sampled_from(
    [*VERBS, "*", "s3:*", "s3:Get*", "s3:*Object", "S3:P?t*", "secretsmanager:*", "kms:*", "newthing:*", "*:*",
     "iam:*", "iam:CreateAccessKey", "iam:*AccessKey", "sts:AssumeRole", "sts:*", "iam:AddUserToGroup",
     "iam:UpdateAssumeRolePolicy"]
)  # fmt: skip
resources = st.sampled_from(
    ["*", "arn:aws:s3:::*", "arn:aws:s3:::a*", "arn:aws:s3:::ab/*", "arn:aws:s3:::a?/x", "arn:aws:s3:::ac/*",
     "arn:aws:s3:::*c/x", "arn:aws:s3:::${aws:username}/*", SECRET + "*", SECRET + "ab", SECRET + "?b",
     f"arn:aws:secretsmanager:*:{A}:secret:*", KEY + "*", KEY + "1", THING + "a", THING + "*",
     f"arn:aws:*:*:{A}:*", f"arn:aws:iam::{A}:user/*", arn("user", "ana"), f"arn:aws:iam::{A}:user/${{aws:username}}",
     arn("role", "*"), arn("role", "back"), f"arn:aws:iam::{A}:*", arn("group", "all"), arn("role", "?ront")]
)  # fmt: skip


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action"] * 5 + ["NotAction"]))] = draw(st.lists(actions, min_size=1, max_size=2))
    made[draw(st.sampled_from(["Resource"] * 5 + ["NotResource"]))] = draw(st.lists(resources, min_size=1, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        made["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return made


several = st.lists(statements(), max_size=3)


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, Any]:
    trust = {
        name: draw(st.sampled_from([f"arn:aws:iam::{A}:root", arn("user", "ana"), arn("role", "front"), "*"]))
        for name in ROLES
    }
    return {
        "users": {name: draw(several) for name in USERS},
        "groups": {name: draw(several) for name in GROUPS},
        "roles": {name: draw(several) for name in ROLES},
        "in": {name: draw(st.lists(st.sampled_from(GROUPS), unique=True)) for name in USERS},
        "bound": {name: draw(st.sampled_from([False, False, True])) for name in (*USERS, *ROLES)},
        "boundary": draw(st.lists(statements(), min_size=1, max_size=2)),
        "shared": draw(several),
        "scp": draw(st.none() | st.lists(statements(), min_size=1, max_size=2)),
        "trust": trust,
    }


def harvest(account: dict[str, Any]) -> Harvest:
    def more(name: str) -> dict[str, Any]:
        return attached("shared") | (bounded("boundary") if account["bound"].get(name) else {})

    things = [user(n, *s, GroupList=account["in"][n], **more(n)) for n, s in account["users"].items()]
    things += [group(n, *s) for n, s in account["groups"].items()]
    things += [role(n, trusts({"AWS": account["trust"][n]}), *s, **more(n)) for n, s in account["roles"].items()]
    things += [managed("boundary", *account["boundary"]), managed("shared", *account["shared"])]
    documents: dict[str, Any] = {}
    if account["scp"] is not None:
        documents = {
            "scp": {"Policy": {"PolicySummary": {"Id": "p-1"}, "Content": str_of(account["scp"])}},
            "targets__p-1": {"Targets": [{"TargetId": A}]},
            f"parents__{A}": {"Parents": [{"Id": "r-x"}]},
        }
    return taken(*things, **documents)


def str_of(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return policy(*statements)


# The plain evaluator.


def fits(pattern: str, text: str, name: str) -> bool:
    if "${" in pattern and not name:
        return False
    pattern = pattern.replace("${aws:username}", name)
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def speaks(statement: dict[str, Any], action: str, resource: str, name: str) -> bool:
    def any_of(key: str, text: str, fold: bool) -> bool:
        return any(fits(p.lower() if fold else p, text.lower() if fold else text, name) for p in statement[key])

    on = any_of("Action", action, True) if "Action" in statement else not any_of("NotAction", action, True)
    if "Resource" in statement:
        return on and any_of("Resource", resource, False)
    return on and not any_of("NotResource", resource, False)


def may(account: dict[str, Any], kind: str, who: str, action: str, resource: str) -> bool:
    own = account[f"{kind}s"][who] + account["shared"]
    for name in account["in"].get(who, ()) if kind == "user" else ():
        own = own + account["groups"][name]
    layers = [own]
    if account["bound"][who]:
        layers.append(account["boundary"])
    if account["scp"] is not None:
        layers.append(account["scp"])
    name = who if kind == "user" else ""
    for layer in layers:
        said = [s for s in layer if speaks(s, action, resource, name)]
        if any(s["Effect"] == "Deny" and "Condition" not in s for s in said):
            return False
        if not any(s["Effect"] == "Allow" for s in said):
            return False
    return True


# What rows give.


class Rows:
    def __init__(self, found: Harvest) -> None:
        self.above: dict[str, set[str]] = {}
        for outer, member, _ in found.rows("groups"):
            self.above.setdefault(member, set()).add(f"group:{outer}")
        self.grants = {row[:3] for row in found.rows("grants")}
        self.within = {row[0]: row[3] for row in found.rows("assets")}

    def groups(self, start: str) -> set[str]:
        found, waiting = {start}, [start]
        while waiting:
            for outer in self.above.get(waiting.pop(), ()):
                if outer not in found:
                    found.add(outer)
                    waiting.append(outer)
        return found

    def gives(self, start: str, verb: str, resource: str) -> bool:
        parts = resource.split(":", 5)
        region = f"{parts[3]}/" if parts[3] else ""
        name = parts[5].split("/")[0] if parts[2] == "s3" else parts[5]
        exact = f"aws/{A}/{parts[2]}/{region}{name}"
        there = {f"aws/{A}", f"aws/{A}/{parts[2]}"}
        if exact in self.within:
            there.add(exact)
        else:
            there |= {id for id in self.within if re.fullmatch(fnmatch.translate(id), exact)}
        holders = self.groups(start)
        return any((h, v, f"asset:{t}") in self.grants for h in holders for v in (verb, "operate") for t in there)

    def becomes(self, start: str, target: str) -> bool:
        enrolled = {t for h in self.groups(start) for holder, a, t in self.grants if holder == h and a == "enroll"}
        return any(target in self.groups(t) for t in enrolled) or self.gives(start, "operate", f"arn:aws:x::{A}:x")


@settings(max_examples=250, deadline=None)
@given(accounts())
def test_whatever_is_allowed_is_in_the_rows(account: dict[str, Any]) -> None:
    """A permission that the rows lack is reach that nobody is told of."""
    rows = Rows(harvest(account))
    for kind, names in (("user", USERS), ("role", ROLES)):
        for who in names:
            start = f"group:aws/{A}/{kind}/{who}"
            for action, verb in VERBS.items():
                for resource in THINGS[action.partition(":")[0]]:
                    if may(account, kind, who, action, resource):
                        assert rows.gives(start, verb, resource), (who, action, resource)
            for action, target, there in (
                ("iam:CreateAccessKey", "user", USERS),
                ("iam:AddUserToGroup", "group", GROUPS),
                ("iam:UpdateAssumeRolePolicy", "role", ROLES),
            ):
                for other in there:
                    same = (kind, who) == (target, other)
                    if not same and may(account, kind, who, action, arn(target, other)):
                        assert rows.becomes(start, f"group:aws/{A}/{target}/{other}"), (who, action, other)
            for other in ROLES:
                trusted = account["trust"][other]
                both = trusted.endswith(":root") and may(account, kind, who, "sts:AssumeRole", arn("role", other))
                if both and other != who:
                    assert f"group:aws/{A}/role/{other}" in rows.groups(start), (who, other)
