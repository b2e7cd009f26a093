"""Peribolos configs: one file, or a folder of parts."""

from __future__ import annotations

import pytest

from armslength.intake import IntakeError
from tests.intake.github.exports import account, grants, mapped, rows

ORG = b"""
admins: [Olga]
members: [Ana, 42]
default_repository_permission: %s
teams:
  Top Team:
    maintainers: [Ana]
    members: [Bo]
    privacy: closed
    repos: {app: write, Site: triage}
    teams:
      inner:
        members: [CY]
        repos: {app: admin}
repos:
  app: {private: true, default_branch: main, collaborators: {dee: maintain}}
"""
TOP, INNER = "group:github/acme/team/top-team", "group:github/acme/team/inner"


def whole(base: bytes = b"read") -> bytes:
    return b"orgs:\n  Acme:\n" + b"\n".join(b"    " + line for line in (ORG % base).splitlines())


def test_every_row_of_a_config() -> None:
    harvest = mapped({"org.yaml": whole()})
    owners, members = "group:github/acme/owners", "group:github/acme/members"
    assert rows(harvest, "groups", 2) == {
        ("github/acme/owners", account("olga")),
        ("github/acme/members", owners),
        ("github/acme/members", account("ana")),
        ("github/acme/members", account("42")),
        ("github/acme/team/top-team", account("ana")),
        ("github/acme/team/top-team", account("bo")),
        ("github/acme/team/top-team", INNER),
        ("github/acme/team/inner", account("cy")),
    }
    app, site = "asset:github/acme/repo/app", "asset:github/acme/repo/Site"
    assert rows(harvest, "grants", 3) == {
        (owners, "operate", "asset:github/acme"),
        (owners, "enroll", owners),
        (owners, "enroll", members),
        (owners, "enroll", TOP),
        (owners, "enroll", INNER),
        (members, "read", "asset:github/acme"),
        (account("ana"), "enroll", TOP),
        (TOP, "read", app),
        (TOP, "push", app),
        (TOP, "read", site),
        (INNER, "operate", app),
        (account("dee"), "read", app),
        (account("dee"), "push", app),
    }
    assert rows(harvest, "identifiers", 3) >= {(account("olga"), "login", "github:olga")}
    assert rows(harvest, "assets", 8) >= {
        ("github/acme/repo/app", "repository", "", "github/acme", "", "", "", "visibility:private default:main")
    }


@pytest.mark.parametrize(
    ("base", "action"), [(b"none", None), (b"read", None), (b"write", "push"), (b"admin", "operate")]
)
def test_what_all_members_may_do(base: bytes, action: str | None) -> None:
    found = {
        row[1] for row in grants(mapped({"o.yaml": whole(base)}), "asset:github/acme/repo/Site") if "members" in row[0]
    }
    assert (action in found) if action else not found


def test_a_folder_is_put_together() -> None:
    files = {
        "config/acme/org.yaml": b"admins: [o]\nteams: {one: {members: [a]}}\n",
        "config/acme/sig/teams.yaml": b"teams: {two: {members: [b], repos: {app: admin}}}\n",
        "config/acme/OWNERS": b"whatever",
        "config/other/org.yaml": b"admins: [o]\n",
        "config/rules.yaml": b"rules: []\n",
    }
    harvest = mapped(files)
    assert {row[0] for row in harvest.rows("known")} >= {
        "github/acme/team/one",
        "github/acme/team/two",
        "github/other/owners",
    }
    assert ("group:github/acme/team/two", "operate", "asset:github/acme/repo/app", "") in grants(harvest)
    assert ("group:github/acme/team/two", "group:github/other") not in rows(harvest, "groups", 2)
    assert [row[2] for row in harvest.rows("review") if row[1] == "other files"] == [
        "2 files are no part of a config or an export, such as config/rules.yaml"
    ]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"org.yaml": b"admins: []\n"}, "tells no organisation's name"),
        ({"a/sig/teams.yaml": b"teams: {}\n"}, "belongs to no org.yaml"),
        ({"x.yaml": b"a: 1\n"}, "no document tells an organisation"),
        ({"x.txt": b"a"}, "no document tells an organisation"),
        ({"x.yaml": b"orgs: {a: {teams: {A b: {}, a-b: {}}}}\n"}, "comes twice in a"),
        ({"x.yaml": b"orgs: {a: {}, A: {}}\n"}, "comes twice"),
        ({"x.yaml": b"orgs: {a: {default_repository_permission: all}}\n"}, "expected none, read"),
        ({"x.yaml": b"orgs: {a: {admins: {b: c}}}\n"}, "expected an array"),
        ({"x.yaml": b"orgs: {a: {admins: [[b]]}}\n"}, "$.orgs.a.admins[0]"),
        ({"x.yaml": b"orgs: {a: {teams: {t: {repos: {r: [admin]}}}}}\n"}, "$.orgs.a.teams.t.repos.r"),
        ({"x.yaml": b"orgs: {a: {teams: {t: {repos: {b/r: admin}}}}}\n"}, "expected a name of letters"),
        ({"x.yaml": b"orgs: {a/b: {}}\n"}, "expected a name of letters"),
        ({"x.yaml": b"orgs: &a {b: *a}\n"}, "an anchor or an alias"),
        ({"x.yaml": b"orgs: \xff\n"}, "is not UTF-8"),
    ],
)
def test_what_is_no_config_is_refused(files: dict[str, bytes], told: str) -> None:
    with pytest.raises(IntakeError) as caught:
        mapped(files)
    assert told in str(caught.value)
