"""What documents of AWS become: assets and verbs, limits, trust, policies of resources, Identity Center."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.aws import map_aws
from armslength.intake.aws.pattern import covers, overlap
from tests.intake.aws.account import (
    A,
    B,
    allow,
    arn,
    attached,
    bounded,
    deny,
    details,
    grants,
    group,
    managed,
    members,
    policy,
    reviews,
    role,
    taken,
    trusts,
    unknown,
    user,
)
from tests.intake.firms import hr, put_together

ROOT = {"AWS": f"arn:aws:iam::{A}:root"}
SECRET = f"arn:aws:secretsmanager:eu-west-1:{A}:secret:"
IF = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


def rows(harvest: Harvest, table: str) -> set[tuple[str, ...]]:
    return {row[:-1] for row in harvest.rows(table)}


def test_a_user_is_an_account_known_by_name_and_mail() -> None:
    """Without them nobody would be found who holds it."""
    tags = {"Tags": [{"Key": "email", "Value": "ana@x.com"}, {"Key": "team", "Value": "a@b.com"}]}
    found = taken(user("ana", **tags), user("bo@x.com"))
    assert {a[0] for a in found.rows("accounts")} == {f"aws/{A}/{x}" for x in ("root", "user/ana", "user/bo@x.com")}
    assert rows(found, "identifiers") == {
        (f"group:aws/{A}/user/ana", "login", "aws:ana"),
        (f"group:aws/{A}/user/ana", "mail", "ana@x.com"),
        (f"group:aws/{A}/user/bo@x.com", "login", "aws:bo@x.com"),
        (f"group:aws/{A}/user/bo@x.com", "mail", "bo@x.com"),
    }


def test_things_lie_within_services_within_accounts_and_where_their_region_is() -> None:
    """An asset in the wrong place is covered by nobody's rights on what is around it."""
    found = taken(user("ana", allow("dynamodb:GetItem", f"arn:aws:dynamodb:eu-west-1:{A}:table/t/index/i")))
    assert {row[:2] + row[3:5] for row in found.rows("assets")} == {
        (f"aws/{A}", "aws account", "", ""),
        (f"aws/{A}/dynamodb", "aws dynamodb", f"aws/{A}", ""),
        (f"aws/{A}/dynamodb/eu-west-1/table/t", "aws dynamodb", f"aws/{A}/dynamodb", "IE"),
    }
    assert grants(found) == {("A/user/ana", "read", "asset:A/dynamodb/eu-west-1/table/t")}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/*", {("read", "A/s3/b")}),
        ("s3:PutObject", "arn:aws:s3:::b/*", {("write", "A/s3/b")}),
        ("s3:PutBucketPolicy", "arn:aws:s3:::b", {("operate", "A/s3/b")}),
        ("s3:*", "arn:aws:s3:::b", {("operate", "A/s3/b")}),
        ("s3:Get*", "*", {("read", "A/s3")}),
        ("secretsmanager:GetSecretValue", SECRET + "k-??????", {("read", "A/secretsmanager/eu-west-1/secret:k-*")}),
        ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{A}:key/1", {("use", "A/kms/eu-west-1/key/1")}),
        ("kms:PutKeyPolicy", f"arn:aws:kms:eu-west-1:{A}:key/1", {("operate", "A/kms/eu-west-1/key/1")}),
        ("lightsail:Get*", "*", {("operate", "A/lightsail")}),
        ("newthing:Describe*", "*", {("read", "A/newthing")}),
        ("newthing:*", "*", {("read", "A/newthing"), ("write", "A/newthing")}),
        ("*", "*", {("operate", "A")}),
        ("s3:GetObject", SECRET + "k", set()),
    ],
)
def test_actions_in_few_words(action: str, resource: str, expected: set[tuple[str, str]]) -> None:
    """A verb too weak would leave out what somebody can do."""
    found = {
        (verb, target.removeprefix("asset:")) for _, verb, target in grants(taken(user("ana", allow(action, resource))))
    }
    assert {row for row in found if row[0] != "enroll"} == expected


def test_a_pattern_is_an_asset_and_fits_others() -> None:
    """What it fits and nobody names is there too; a pattern that fits much is one group's."""
    found = taken(
        user("ana", allow("s3:GetObject", "arn:aws:s3:::rec-*")),
        user("bo", allow("s3:GetObject", ["arn:aws:s3:::rec-eu/*", "arn:aws:s3:::other/*"])),
        user("cy", allow("s3:GetObject", "arn:aws:s3:::rec-e*")),
    )
    assert {t for h, _, t in grants(found) if h == "A/user/ana"} == {
        f"asset:A/s3/{x}" for x in ("rec-*", "rec-e*", "rec-eu")
    }
    many = taken(
        user("ana", allow("s3:GetObject", "arn:aws:s3:::b*")),
        user("bo", allow("s3:GetObject", [f"arn:aws:s3:::b{n}/*" for n in range(20)])),
    )
    assert ("A/may/read/s3/b*", "A/user/ana") in members(many)
    assert ("A/may/read/s3/b*", "read", "asset:A/s3/b7") in grants(many)


def test_only_what_always_holds_is_a_limit() -> None:
    """A refusal with a condition may not hold; one that covers a part leaves the rest."""
    read = allow("s3:GetObject", "arn:aws:s3:::b/*")
    for refusal, left in [
        (deny("s3:*"), False),
        (deny("s3:Get*", "arn:aws:s3:::b/*"), False),
        (deny("s3:Get*", "arn:aws:s3:::b/x"), True),
        (deny("s3:*", **IF), True),
        ({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}, False),
        ({"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::c/*"}, False),
        ({"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::b*"}, True),
    ]:
        assert bool(grants(taken(user("ana", read, refusal)))) is left, refusal
    assert ("wider", "policy own", "conditions of an Allow are not counted: it holds always") in reviews(
        taken(user("ana", read | IF))
    )


def test_a_boundary_narrows_what_comes_through_groups_too() -> None:
    """A boundary that only counted for one's own policies would be none."""
    found = taken(
        group("all", allow("*")),
        user("ana", GroupList=["all"], **bounded("narrow")),
        user("bo", GroupList=["all"]),
        managed("narrow", allow("s3:GetObject", "arn:aws:s3:::b/*")),
    )
    assert {row for row in grants(found) if row[0] == "A/user/ana"} == {("A/user/ana", "read", "asset:A/s3/b")}
    assert {m for m in members(found) if m[0] == "A/group/all"} == {
        ("A/group/all", "A/user/bo"),
        ("A/group/all", "A/every-group"),
    }


def organization(*statements: dict[str, Any], master: str = B, unit: str = A) -> dict[str, Any]:
    return {
        "organization": {"Organization": {"Id": "o-1", "MasterAccountId": master}},
        "p": {"Policy": {"PolicySummary": {"Id": "p-1", "Name": "n"}, "Content": json.dumps(policy(*statements))}},
        "targets__p-1": {"Targets": [{"TargetId": unit}]},
        f"parents__{A}": {"Parents": [{"Id": "ou-a-1"}]},
        "parents__ou-a-1": {"Parents": [{"Id": "r-a"}]},
    }


@pytest.mark.parametrize(
    ("action", "master", "gains"),
    [
        ("organizations:DetachPolicy", A, True),
        ("organizations:RemoveAccountFromOrganization", A, True),
        ("organizations:DetachPolicy", B, False),
        ("organizations:LeaveOrganization", B, True),
    ],
)
def test_lifting_what_the_organization_forbids_is_administering(action: str, master: str, gains: bool) -> None:
    """A limit counts for a state's reach only as long as nobody whom it can compel may take it away."""
    found = taken(user("ana", allow(action)), **organization(deny("sqs:*"), master=master))
    assert (("A/user/ana", "operate", "asset:A") in grants(found)) == gains


def test_policies_of_the_organization_limit_accounts_below() -> None:
    """At every level one must allow, and none refuse; the management account and services' own roles are free."""
    do = allow(["s3:GetObject", "sqs:ReceiveMessage"], "*")
    both = {"asset:A/s3", "asset:A/sqs"}
    own = role("own", trusts(ROOT), do, Arn=arn("role", "aws-service-role/x/own"), Path="/aws-service-role/x/")
    for documents, left in [
        (organization(deny("sqs:*")), {"asset:A/s3"}),
        (organization(deny("sqs:*"), unit="ou-a-1"), {"asset:A/s3"}),
        (organization(allow("s3:*"), unit="r-a"), {"asset:A/s3"}),
        (organization(deny("sqs:*", **IF)), both),
        (organization(deny("*"), master=A), both),
        (organization(deny("sqs:*"), unit="ou-b-2"), both),
    ]:
        found = grants(taken(user("ana", do), own, **documents))
        assert {t for h, _, t in found if h == "A/user/ana"} == left
        assert {t for h, _, t in found if h == "A/role/own"} == both


def test_between_accounts_both_sides_must_say_so() -> None:
    """One side alone opens nothing; an account that was not given is unknown."""
    there = details(
        role("in", trusts(ROOT, {"AWS": arn("user", "bo")}), account=B),
        role("far", trusts({"AWS": "333333333333"}), account=B),
    )
    found = taken(
        user("ana", allow("sts:AssumeRole", arn("role", "in", B))), user("bo"), user("cy", allow("sts:*")), other=there
    )
    assert {m for m in members(found) if m[0] == "B/role/in"} == {
        ("B/role/in", "A/user/ana"),
        ("B/role/in", "A/user/cy"),
    }
    assert ("B/role/far", "aws/333333333333/identities") in members(found)
    assert "333333333333" in unknown(found)["aws/333333333333/identities"]


def test_who_comes_from_elsewhere_is_unknown_with_whom_to_ask() -> None:
    """Nobody's members are nobody."""
    oidc = {"Federated": arn("oidc-provider", "token.actions.githubusercontent.com")}
    sub = {"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:firm/app:*"}}}
    found = taken(
        role("ci", trusts(oidc, action="sts:AssumeRoleWithWebIdentity", **sub)),
        role("sso", trusts({"Federated": arn("saml-provider", "okta")}, action="sts:AssumeRoleWithSAML")),
        role("open", trusts("*")),
    )
    told = unknown(found)
    assert "repo:firm/app:*" in told["A/role/ci"]
    assert "okta" in told["A/role/sso"]
    assert "any AWS account" in told["A/role/open"]


def test_policies_of_resources_open_them() -> None:
    """A bucket that says who may read it asks no identity's policy."""
    bucket = policy(
        {"Effect": "Allow", "Principal": {"AWS": arn("role", "r")}, "Action": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": "s3:*", "Resource": "*"},
    )
    key = policy(
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
        | {"Condition": {"StringEquals": {"kms:CallerAccount": A}}}
    )
    found = taken(
        role("r", trusts(ROOT)),
        bucket={"arn": "arn:aws:s3:::b", "policy": bucket},
        key={"arn": f"arn:aws:kms:eu-west-1:{A}:key/1", "policy": json.dumps(key)},
    )
    assert grants(found) == {
        ("A/role/r", "read", "asset:A/s3/b"),
        ("everyone", "write", "asset:A/s3/b"),
        ("aws/333333333333/identities", "operate", "asset:A/s3/b"),
        ("A/identities", "use", "asset:A/kms/eu-west-1/key/1"),
    }


def test_a_bucket_opened_to_another_account_is_reached_by_its_wide_policies() -> None:
    """Its administrator decides there who may read; whoever may read everything may read this too."""
    open_ = {"Effect": "Allow", "Principal": {"AWS": B}, "Action": "s3:GetObject", "Resource": "*"}
    other = details(user("bo", allow("s3:GetObject"), account=B))
    found = taken(user("ana"), other=other, b={"arn": "arn:aws:s3:::b", "account": A, "policy": policy(open_)})
    assert ("B/user/bo", "read", "asset:A/s3/b") in grants(found)


def test_assignments_of_identity_center() -> None:
    """Its roles' members are known once they were exported, and unknown before."""
    trust = trusts({"Federated": arn("saml-provider", "AWSSSO_1_DO_NOT_DELETE")}, action="sts:AssumeRoleWithSAML")
    boss = role("AWSReservedSSO_Boss_0123456789abcdef", trust, allow("*"))
    assert "A/role/AWSReservedSSO_Boss_0123456789abcdef" in unknown(taken(boss))
    assigned = [{"AccountId": A, "PermissionSetArn": "ps", "PrincipalType": "GROUP", "PrincipalId": "g1"}]
    found = taken(
        boss,
        assignments={"AccountAssignments": assigned},
        sets={"PermissionSet": {"Name": "Boss", "PermissionSetArn": "ps"}},
        users={"Users": [{"UserId": "u1", "UserName": "ana", "Emails": [{"Value": "ana@x.com"}]}]},
        groups={"Groups": [{"GroupId": "g1", "DisplayName": "Bosses"}]},
        memberships={"GroupMemberships": [{"GroupId": "g1", "MemberId": {"UserId": "u1"}}]},
    )
    assert unknown(found) == {}
    assert ("A/role/AWSReservedSSO_Boss_0123456789abcdef", "I/group/g1") in members(found)
    assert ("I/group/g1", "I/user/u1") in members(found)


@pytest.mark.parametrize(
    ("action", "power", "target"),
    [
        ("sso:CreateAccountAssignment", "operate", "asset:A"),
        ("sso:PutInlinePolicyToPermissionSet", "operate", "asset:A"),
        ("sso:DeletePermissionsBoundaryFromPermissionSet", "operate", "asset:A"),
        ("identitystore:CreateGroupMembership", "enroll", "A/role/AWSReservedSSO_Boss_0123456789abcdef"),
        ("sso-directory:UpdatePassword", "enroll", "A/role/AWSReservedSSO_Boss_0123456789abcdef"),
    ],
)
def test_whoever_runs_identity_center_has_what_it_gives(action: str, power: str, target: str) -> None:
    """They assign themselves, join the group or set another's password; no account's own policies tell of it."""
    trust = trusts({"Federated": arn("saml-provider", "AWSSSO_1_DO_NOT_DELETE")}, action="sts:AssumeRoleWithSAML")
    boss = role("AWSReservedSSO_Boss_0123456789abcdef", trust, allow("*"))
    found = taken(boss, user("ana", allow(action)))
    reached = {(what, thing) for holder, what, thing in grants(found) if holder == "A/user/ana"}
    assert any(
        what == power and (thing == target or target in _within(found, thing.partition(":")[2]))
        for what, thing in reached
    )


def _within(found: Harvest, group: str) -> set[str]:
    """The group, and whatever it is a member of: who joins it is in these."""
    seen, waiting = set(), [group.replace("aws/", "").replace("111111111111", "A")]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += [above for above, member in members(found) if member == here]
    return seen


def test_a_firm_with_it_can_be_read() -> None:
    """Rows that refer to nothing would keep the whole estate from being read."""
    found = taken(
        group("all", allow("s3:GetObject", "arn:aws:s3:::b*")),
        user("ana", allow("*"), GroupList=["all"]),
        role("r", trusts(ROOT, "*", {"Service": "ec2.amazonaws.com"}), allow("kms:*")),
        other=details(user("ana", allow("s3:*"), account=B)),
    )
    people = hr({"id": "E1", "login": "aws:ana", "workplace": "CN"})
    made = put_together(people, found)
    from armslength.estate import parse

    assert parse(dict(made.files)) is not None
    assert made.linked >= 2


def test_wrong_documents_say_what_would_be_right() -> None:
    """Somebody who gave the wrong file has to learn which command makes the right one."""
    for text, told in [
        (b"{}", "get-account-authorization-details"),
        (b'{"Accounts": []}', "no account among them"),
        (b'{"Targets": []}', "file name"),
        (b'{"UserDetailList": [{"Arn": "x"}]}', "ARN of a user"),
        (b'{"UserDetailList": [], "IsTruncated": true}', "cut off"),
    ]:
        with pytest.raises(IntakeError) as caught:
            map_aws({"f.json": text}, Harvest(name="aws", kind="aws"), Problems())
        assert told in str(caught.value)


texts = st.text(st.sampled_from("ab*?:/${}. \n=é"), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.just(arn("user", "a")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["Arn", "Statement", "Effect", "Action", "Resource", "UserDetailList", "RoleDetailList", "arn"]
            )
            | st.sampled_from(
                ["policy", "Policies", "Targets", "Principal", "Condition", "Policy", "Content", "Users"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_any_json_is_read_or_refused_with_reasons(value: Any) -> None:
    """A stack trace tells nobody what to mend."""
    files = {"targets-p-1.json": json.dumps(value).encode(), "d.json": json.dumps(details(user("ana"))).encode()}
    try:
        map_aws(files, Harvest(name="aws", kind="aws"), Problems())
    except IntakeError:
        pass


GOOD = details(
    user(
        "ana", allow(["s3:Get*", "iam:PassRole"], "arn:aws:s3:::b/${aws:username}/*"), GroupList=["g"], **attached("p")
    ),
    group("g", allow("*")),
    role("r", trusts(ROOT, {"Service": "ec2.amazonaws.com"}), allow("sts:*"), **bounded("p")),
    managed("p", allow("kms:*"), deny("kms:*", **IF)),
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_export_is_read_or_refused_with_reasons(data: st.DataObject) -> None:
    """As above, near what is right, where the checks are."""
    made = json.loads(json.dumps(GOOD))
    at: Any = made
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and at[key] and data.draw(st.integers(0, 4)):
            at = at[key]
            continue
        at[key] = data.draw(values)
        break
    try:
        map_aws({"d.json": json.dumps(made).encode()}, Harvest(name="aws", kind="aws"), Problems())
    except IntakeError:
        pass


@given(st.text("ab*?", max_size=7), st.text("ab*?", max_size=7), st.text("ab", max_size=7))
def test_patterns_cover_and_overlap(one: str, other: str, text: str) -> None:
    """A refusal that is said to cover what it does not would hide reach."""
    if covers(one, other) and covers(other, text):
        assert covers(one, text)
    if covers(one, text) and covers(other, text):
        assert overlap(one, other)


def test_a_day_is_not_needed() -> None:
    """Mapping the same export twice gives the same rows, whatever the day."""
    assert [*taken(*GOOD["UserDetailList"], *GOOD["Policies"]).rows("grants")] == [
        *taken(*GOOD["UserDetailList"], *GOOD["Policies"]).rows("grants")
    ]
