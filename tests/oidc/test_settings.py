"""What `[sign_in]` of gate.toml may say."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.store import GatePoint, GateSettings, GateSignIn
from armslength.store.gate_settings import format_gate_settings, parse_gate_settings, with_point

HEAD = 'origin = "gate.example.com/acts"\nurl = "https://gate.example.com"\n\n[sign_in]\n'
LEAST = 'issuer = "https://idp.example/realms/x"\nclient_id = "gate"\n'


def problems(text: str) -> list[str]:
    found: list[str] = []
    settings = parse_gate_settings((HEAD + text).encode(), "gate.toml", found)
    assert (settings is None) == bool(found)
    return found


def said(text: str) -> GateSignIn:
    found: list[str] = []
    settings = parse_gate_settings((HEAD + text).encode(), "gate.toml", found)
    assert settings is not None and settings.sign_in is not None, found
    return settings.sign_in


def test_two_lines_are_enough() -> None:
    one = said(LEAST)
    assert (one.person, one.asked, one.client_secret_file, one.only) == ("sub", ("openid",), "sign-in.secret", False)
    assert one.rules.people is None and one.rules.max_age is None and one.host == "idp.example"


def test_all_of_it() -> None:
    one = said(
        LEAST
        + 'client_secret_file = "other"\nperson = "email"\nscopes = ["openid", "email"]\nmax_age_minutes = 480\n'
        + 'require = { amr = ["mfa"], acr = ["urn:two"] }\nonly = true\n'
        + '[sign_in.people]\n"a.ruiz@meridian.example" = "ana"\n'
    )
    assert one.rules.max_age == 28_800 and one.rules.amr == ("mfa",) and one.rules.acr == ("urn:two",)
    assert one.rules.people == {"a.ruiz@meridian.example": "ana"} and one.only


def test_the_scope_that_brings_the_claim_is_asked_for() -> None:
    assert said(LEAST + 'person = "email"').asked == ("openid", "email")
    assert said(LEAST + 'person = "preferred_username"').asked == ("openid", "profile")
    assert said(LEAST + 'person = "employee_number"').asked == ("openid",)


@pytest.mark.parametrize(
    "name",
    ["nationality", "Nationalities", "citizenship", "place_of_birth", "ethnicity", "religion", "country_of_birth"],
)
def test_nothing_about_origin_is_ever_read(name: str) -> None:
    (problem,) = problems(LEAST + f'person = "{name}"')
    assert "never read" in problem


@pytest.mark.parametrize("name", ["locale", "name", "birthdate", "iss", "amr", "zoneinfo", "address", "gender"])
def test_a_claim_that_names_nobody_is_refused(name: str) -> None:
    assert "names nobody" in problems(LEAST + f'person = "{name}"')[0]


def test_a_secret_is_not_kept_in_the_settings() -> None:
    (problem,) = problems(LEAST + 'client_secret = "hunter2"')
    assert "hunter2" not in problem and "client_secret_file" in problem


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        'issuer = "http://idp.example"\nclient_secret_file = "../gate.toml"\nperson = "race"\nscopes = ["email", 7]\n'
        'max_age_minutes = 0\nrequire = { amr = "mfa", x = 1 }\nonly = "yes"\nmore = 1\npeople = 7\n'
    )
    for part in (
        "issuer",
        "client_id",
        "client_secret_file",
        "person",
        "scopes",
        "max_age",
        "amr",
        "'x'",
        "only",
        "'more'",
        "people",
    ):
        assert any(part in each for each in found), part
    assert all(each.startswith("gate.toml: sign_in") for each in found), found


@pytest.mark.parametrize(
    "issuer, good",
    [
        ("https://idp.example", True),
        ("https://idp.example:8443/realms/x/", True),
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://idp.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://0x7f000001", False),
        ("https://a@idp.example", False),
        ("https://idp.example/?x=1", False),
        ("https://idp.example/#x", False),
        ("https://", False),
        ("ftp://idp.example", False),
        ("https://idp.example:99999", False),
        ("https://ïdp.example", False),
        ("idp.example", False),
    ],
)
def test_a_provider_is_spoken_with_over_tls_or_on_this_machine(issuer: str, good: bool) -> None:
    assert (not problems(f'issuer = "{issuer}"\nclient_id = "gate"\n')) == good


def test_openid_is_among_the_scopes() -> None:
    assert "openid" in problems(LEAST + 'scopes = ["email"]')[0]


_WORDS = st.text(alphabet="abcxyz0189._-:/ ()'\"\\é\u4e2d", min_size=1, max_size=20).filter(lambda x: x == x.strip())
_TOKENS = st.lists(st.text(alphabet="abcxyz0189._:/-", min_size=1, max_size=10), max_size=3, unique=True).map(tuple)


@given(
    client_id=_WORDS,
    person=st.sampled_from(["sub", "email", "preferred_username", "oid", "https://x.example/id"]),
    people=st.none() | st.dictionaries(_WORDS, _WORDS, min_size=1, max_size=4),
    scopes=_TOKENS.map(lambda x: ("openid", *x) if x else ()),
    max_age=st.none() | st.integers(1, 1_000_000),
    amr=_TOKENS,
    acr=_TOKENS,
    only=st.booleans(),
)
def test_what_is_written_is_read_as_the_same(
    client_id: str,
    person: str,
    people: dict[str, str] | None,
    scopes: tuple[str, ...],
    max_age: int | None,
    amr: tuple[str, ...],
    acr: tuple[str, ...],
    only: bool,
) -> None:
    """Also with an enforcement point that is put in at the end."""
    one = GateSignIn(
        issuer="https://idp.example",
        client_id=client_id,
        person=person,
        people=None if people is None else MappingProxyType(people),
        scopes=scopes,
        max_age_minutes=max_age,
        amr=amr,
        acr=acr,
        only=only,
    )
    settings = GateSettings(origin="gate.example.com/acts", url="https://gate.example.com", sign_in=one)
    point = GatePoint(id="web-1", secret_sha256="0" * 64)
    for data in (format_gate_settings(settings), with_point(format_gate_settings(settings), point, "gate.toml")):
        found: list[str] = []
        again = parse_gate_settings(data, "gate.toml", found)
        assert again is not None, found
        assert again.sign_in == one
