"""Each known way from one permission to more, in an account as small as can be."""

from __future__ import annotations

import pytest

from tests.intake.aws.account import (
    A,
    allow,
    arn,
    attached,
    bounded,
    deny,
    grants,
    group,
    managed,
    members,
    role,
    taken,
    trusts,
    user,
)

SELF = {"AWS": f"arn:aws:iam::{A}:root"}


def service(name: str) -> dict[str, str]:
    return {"Service": f"{name}.amazonaws.com"}


PASSES = [
    ("lambda", "lambda:CreateFunction"),
    ("ec2", "ec2:RunInstances"),
    ("ec2", "iam:AddRoleToInstanceProfile"),
    ("glue", "glue:CreateJob"),
    ("glue", "glue:CreateDevEndpoint"),
    ("cloudformation", "cloudformation:CreateStack"),
    ("datapipeline", "datapipeline:CreatePipeline"),
    ("sagemaker", "sagemaker:CreateNotebookInstance"),
    ("ecs-tasks", "ecs:RunTask"),
    ("ecs-tasks", "ecs:RegisterTaskDefinition"),
    ("codebuild", "codebuild:CreateProject"),
    ("states", "states:CreateStateMachine"),
]


@pytest.mark.parametrize(("by", "action"), PASSES)
def test_passing_a_role_to_what_one_starts_is_acting_as_it(by: str, action: str) -> None:
    """Whoever starts code under a role has all that the role may do."""
    worker = role("worker", trusts(service(by)))
    other = role("other", trusts(service(by)))
    found = taken(
        user("ana", allow(["iam:PassRole", action], [arn("role", "worker"), "*"][:1]), allow(action)), worker, other
    )
    assert [row for row in grants(found) if row[1] == "enroll"] == [("A/user/ana", "enroll", "group:A/role/worker")]


@pytest.mark.parametrize(("by", "action"), PASSES)
def test_neither_half_of_it_is_enough(by: str, action: str) -> None:
    """A way that needs two permissions, counted for one, would make every list of findings useless."""
    worker = role("worker", trusts(service(by)))
    found = taken(user("ana", allow("iam:PassRole")), user("bo", allow(action)), worker)
    assert {row for row in grants(found) if row[1] == "enroll"} == set()


def test_the_halves_may_come_by_different_ways() -> None:
    """A group gives one half, a policy of one's own the other."""
    found = taken(
        group("starters", allow("lambda:CreateFunction")),
        user("ana", allow("iam:PassRole"), GroupList=["starters"]),
        role("worker", trusts(service("lambda"))),
    )
    assert ("A/user/ana", "enroll", "group:A/service/lambda") in grants(found)
    assert ("A/role/worker", "A/service/lambda") in members(found)


def test_a_role_of_a_service_that_is_not_known_is_taken_as_got_by_passing() -> None:
    """A service that came out yesterday would be a hole."""
    found = taken(user("ana", allow("iam:PassRole")), role("worker", trusts(service("new-thing"))))
    assert ("A/user/ana", "enroll", "group:A/service/new-thing") in grants(found)


@pytest.mark.parametrize(
    ("by", "action"),
    [
        ("lambda", "lambda:UpdateFunctionCode"),
        ("ec2", "ssm:SendCommand"),
        ("ec2", "ssm:StartSession"),
        ("ec2", "ec2-instance-connect:SendSSHPublicKey"),
        ("glue", "glue:UpdateDevEndpoint"),
        ("cloudformation", "cloudformation:UpdateStack"),
        ("codebuild", "codebuild:StartBuild"),
        ("ecs-tasks", "ecs:ExecuteCommand"),
        ("sagemaker", "sagemaker:CreatePresignedNotebookInstanceUrl"),
        ("states", "states:UpdateStateMachine"),
        ("federated", "iam:UpdateSAMLProvider"),
    ],
)
def test_running_what_one_likes_where_something_runs(by: str, action: str) -> None:
    """Which role a machine has is not told, so it may be any that machines can have."""
    trust = trusts({"Federated": arn("saml-provider", "idp")}, action="sts:AssumeRoleWithSAML")
    worker = role("worker", trust if by == "federated" else trusts(service(by)))
    found = taken(user("ana", allow(action)), worker, role("other", trusts(service("s3"))))
    assert ("A/user/ana", "enroll", f"group:A/service/{by}") in grants(found)
    assert {pair for pair in members(found) if "service/" in pair[1]} == {("A/role/worker", f"A/service/{by}")}


@pytest.mark.parametrize(
    "action",
    ["AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy", "PutUserPolicy", "PutGroupPolicy", "PutRolePolicy"],
)
def test_giving_policies_is_administering(action: str) -> None:
    """Whoever can give an identity everything has, with it, everything."""
    kind = action.removeprefix("Attach").removeprefix("Put").removesuffix("Policy").lower()
    found = taken(user("ana", allow(f"iam:{action}", arn(kind, "x"))), user("x"), group("x"), role("x", trusts(SELF)))
    assert ("A/user/ana", "operate", "asset:A") in grants(found)


@pytest.mark.parametrize("action", ["CreatePolicyVersion", "SetDefaultPolicyVersion"])
def test_changing_a_policy_in_use_is_administering(action: str) -> None:
    """As above; a policy that nobody has gives nobody anything."""
    statement = allow(f"iam:{action}", arn("policy", "p"))
    assert ("A/user/ana", "operate", "asset:A") in grants(taken(user("ana", statement, **attached("p")), managed("p")))
    assert ("A/user/ana", "operate", "asset:A") not in grants(taken(user("ana", statement), managed("p")))


@pytest.mark.parametrize(
    "action", ["CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "CreateServiceSpecificCredential"]
)
def test_a_credential_of_another_user(action: str) -> None:
    """Whoever has somebody's key acts as them."""
    found = taken(user("ana", allow(f"iam:{action}", arn("user", "bo"))), user("bo"), user("cy"))
    assert {r for r in grants(found) if r[1] == "enroll"} == {("A/user/ana", "enroll", "group:A/user/bo")}
    found = taken(user("ana", allow(f"iam:{action}")), user("bo"))
    assert ("A/user/ana", "enroll", "group:A/every-user") in grants(found)
    assert ("A/user/bo", "A/every-user") in members(found)


def test_ones_own_credential_is_nothing_more() -> None:
    """The usual policy of self-service, given through a group, would make everybody everybody."""
    own = allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")
    found = taken(group("all", own), user("ana", GroupList=["all"]), user("bo", own))
    assert {r for r in grants(found) if r[1] == "enroll"} == set()


def test_joining_a_group_and_rewriting_a_trust() -> None:
    """Two ways to become what one is not."""
    found = taken(
        user("ana", allow("iam:AddUserToGroup", arn("group", "admins"))),
        user("bo", allow("iam:UpdateAssumeRolePolicy", arn("role", "boss"))),
        group("admins"),
        role("boss", trusts(service("ec2"))),
    )
    assert {r for r in grants(found) if r[1] == "enroll"} == {
        ("A/user/ana", "enroll", "group:A/group/admins"),
        ("A/user/bo", "enroll", "group:A/role/boss"),
    }


@pytest.mark.parametrize("action", ["DeleteRolePermissionsBoundary", "PutRolePermissionsBoundary"])
def test_lifting_a_boundary_is_administering(action: str) -> None:
    """A limit that counts must not be one that can be lifted unseen."""
    statement = allow(f"iam:{action}")
    there = role("boss", trusts(SELF), allow("*"), **bounded("narrow"))
    assert ("A/user/ana", "operate", "asset:A") in grants(
        taken(user("ana", statement), there, managed("narrow", allow("s3:GetObject")))
    )
    assert ("A/user/ana", "operate", "asset:A") not in grants(taken(user("ana", statement), role("boss", trusts(SELF))))


def test_a_refusal_takes_a_way_away() -> None:
    """A limit that holds always counts, for one identity or for all."""
    keys = allow("iam:CreateAccessKey")
    found = taken(user("ana", keys, deny("iam:*")), user("bo", keys, deny("iam:*", arn("user", "ana"))), user("cy"))
    assert {r for r in grants(found) if r[1] == "enroll"} == {("A/user/bo", "enroll", "group:A/user/cy")}


def test_assuming_needs_what_the_trust_leaves_open() -> None:
    """In one account: a named identity needs nothing; the account as a whole leaves it to policies."""
    found = taken(
        user("ana"),
        user("bo", allow("sts:AssumeRole", arn("role", "open"))),
        user("cy", allow("sts:*")),
        role("named", trusts({"AWS": arn("user", "ana")})),
        role("open", trusts(SELF)),
        role("too", trusts(SELF)),
    )
    assert members(found) == {
        ("A/role/named", "A/user/ana"),
        ("A/role/open", "A/user/bo"),
        ("A/role/open", "A/may-assume"),
        ("A/role/too", "A/may-assume"),
        ("A/may-assume", "A/user/cy"),
    }
