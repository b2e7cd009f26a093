"""A gate's folder: there whole or not at all, every problem of it told at once, and its estates believed by what is in
them."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import EstateError, digest, parse
from armslength.store import (
    AdoptedEstates,
    Damaged,
    GateDatabase,
    GateFolder,
    GateLookup,
    GatePoint,
    GateSettings,
    Occupied,
    StorageFailed,
    StoreError,
    create_gate_folder,
    read_gate_folder,
    write_lease_keys,
)
from armslength.store.gate_settings import format_gate_settings, parse_gate_settings
from tests.service.ledgers import Chance, ledger_folder

ORIGIN = "gate.example.com/acts"
ESTATE = {
    "people.csv": b"id,unit,workplace\nana,ops,HK\nbo,trust,US\ncy,legal,IE\n",
    "grants.csv": b"holder,action,target,terms\nperson:ana,read,asset:films,two\n",
    "assets.csv": b"id,class\nfilms,content\n",
    "estate.toml": b'name = "Meridian"\n[terms.two]\napprovals = 1\napprovers = "everyone"\napart = 1\n',
}
DIGEST = digest(parse(ESTATE).estate)
POINT = GatePoint(
    id="web-1", secret_sha256="ab" * 32, hosts=("admin.example.com", "localhost"), may=("forward", "redeem")
)
SETTINGS = GateSettings(origin=ORIGIN, url="https://gate.example.com")
FULL = GateSettings(
    origin=ORIGIN,
    url="https://gate.example.com:8443",
    name='Meridian "Gate" \x7fñ'.replace("\x7f", ""),
    rp_id="example.com",
    ledger="../elsewhere/ledger",
    request_minutes=60,
    veto_minutes=5,
    freshness_days=30,
    break_glass=("emergency", "on-call"),
    review_hours=12,
    session_minutes=10,
    session_hours=8,
    evidence_mb=5,
    points=(
        POINT,
        GatePoint(id="app", secret_sha256="cd" * 32, may=("evaluate",), actions=("end",), resources=("asset:a b",)),
    ),
    lookups=(GateLookup(name="room", url="http://127.0.0.1:9000/customers?room={room}"),),
    notices=MappingProxyType({"*": ("mailto://gate@example.com",), "break-glass": ("slack://a/b/c", "json://x")}),
)


def ledger_at(place: str) -> Callable[[Path], None]:
    """What puts a ledger into a gate's folder."""
    return lambda path: ledger_folder(path / place, origin=ORIGIN) and None


def made(
    path: Path,
    settings: GateSettings = SETTINGS,
    *,
    estate: Mapping[str, bytes] = ESTATE,
    fill: Callable[[Path], None] | None = None,
) -> GateFolder:
    chance = Chance(str(path))
    return create_gate_folder(
        path, settings=settings, estate=estate, chance=chance, fill=fill or ledger_at(settings.ledger)
    )


def problems(path: Path, *, secrets: bool = True) -> list[str]:
    with pytest.raises(StoreError) as refused:
        read_gate_folder(path, secrets=secrets)
    return [line.replace(f"{path}/", "") for line in str(refused.value).splitlines()]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate that nobody changes."""
    return made(tmp_path_factory.mktemp("gates") / "gate").path


@pytest.fixture
def path(gate: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(gate, tmp_path / "gate")
    return tmp_path / "gate"


# Making


def test_what_is_made_can_be_started(tmp_path: Path) -> None:
    """A gate would not start with what it was made with."""
    folder = made(tmp_path / "deep" / "gate")
    assert folder.settings == SETTINGS
    assert len(folder.lease_keys) == 1
    assert folder.row_key is not None
    assert len(folder.row_key) == 32
    assert folder.estates.all() == (DIGEST,)
    assert digest(folder.estates.read(DIGEST)) == DIGEST
    assert folder.ledger == folder.path / "ledger"
    GateDatabase(folder.database, origin=ORIGIN).close()
    again = read_gate_folder(folder.path)
    assert [key.private_bytes_raw() for key in again.lease_keys] == [
        key.private_bytes_raw() for key in folder.lease_keys
    ]
    assert again.row_key == folder.row_key
    without = read_gate_folder(folder.path, secrets=False)
    assert (without.lease_keys, without.row_key) == ((), None)


def test_what_is_secret_is_the_owners_alone(gate: Path) -> None:
    """Whoever has a login on the machine could sign leases."""
    for name in ("gate.toml", "lease.keys", "row.key", "gate.db"):
        assert stat.S_IMODE((gate / name).stat().st_mode) == 0o600, name
    folder = read_gate_folder(gate)
    assert folder.row_key is not None
    assert folder.row_key.hex() not in repr(folder)
    assert repr(folder.row_key) not in repr(folder)


def test_two_gates_have_no_key_in_common(gate: Path, tmp_path: Path) -> None:
    """A lease of a test gate would open the real one."""
    one, two = read_gate_folder(gate), made(tmp_path / "gate")
    assert one.row_key != two.row_key
    assert one.lease_keys[0].private_bytes_raw() != two.lease_keys[0].private_bytes_raw()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    """The folder is often there already, made for the service's user."""
    (tmp_path / "gate").mkdir()
    assert made(tmp_path / "gate").settings == SETTINGS


@pytest.mark.parametrize("there", ["a gate", "a file", "a folder of something", "a link"])
def test_nothing_is_overwritten(gate: Path, tmp_path: Path, there: str) -> None:
    """A second `init` would destroy the keys that all leases are signed with."""
    path = tmp_path / "place"
    match there:
        case "a gate":
            shutil.copytree(gate, path)
        case "a file":
            path.write_text("mine")
        case "a folder of something":
            path.mkdir()
            (path / "mine").touch()
        case _:
            (tmp_path / "empty").mkdir()
            path.symlink_to(tmp_path / "empty")
    before = content(tmp_path)
    with pytest.raises(StoreError, match="is there already; a gate is made once, in a folder of its own"):
        made(path)
    assert content(tmp_path) == before


@pytest.mark.parametrize("broken", ["fill", "estate", "no ledger", "another ledger", "settings"])
def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, broken: str) -> None:
    """Half a gate would be in the way of a whole one, or be started."""

    def fails(path: Path) -> None:
        ledger_at("ledger")(path)
        raise RuntimeError("no luck")

    attempts: dict[str, Callable[[], GateFolder]] = {
        "fill": lambda: made(tmp_path / "gate", fill=fails),
        "estate": lambda: made(tmp_path / "gate", estate={"people.csv": b"id\nana\nana\n"}),
        "no ledger": lambda: made(tmp_path / "gate", fill=lambda path: None),
        "another ledger": lambda: made(
            tmp_path / "gate", fill=lambda path: ledger_folder(path / "ledger", origin="other.example.com") and None
        ),
        "settings": lambda: made(tmp_path / "gate", GateSettings(origin=ORIGIN, url="ftp://x", evidence_mb=0)),
    }
    with pytest.raises((RuntimeError, EstateError, StoreError)):
        attempts[broken]()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """An operator has to learn which path it was."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=str(tmp_path / "file")):
        made(tmp_path / "file" / "gate")


def content(path: Path) -> dict[str, object]:
    """Everything under a folder."""
    return {
        str(each.relative_to(path)): os.readlink(each)
        if each.is_symlink()
        else each.read_bytes()
        if each.is_file()
        else None
        for each in path.rglob("*")
    }


# Reading


def test_every_problem_is_told_at_once(path: Path) -> None:
    """Who repairs a gate would otherwise start it a dozen times."""
    (path / "gate.toml").write_text(
        'origin = "x y"\nurl = "https://gate.example.com/app"\nreview_hours = 0\nnaem = 1\n'
    )
    (path / "lease.keys").write_text("PRIVATE+LEASE+KEY+AAAA\nnonsense\n")
    (path / "row.key").write_bytes(bytes(31))
    (path / "row.key").chmod(0o640)
    assert problems(path) == [
        "gate.toml: review_hours = 0; expected a whole number from 1 to 1,000,000",
        "gate.toml: unknown setting 'naem'; expected one of break_glass, database, directory, drill_days, evidence_mb,"
        " freshness_days, ledger, lookup, name, notices, origin, point, request_minutes, review_hours, rp_id,"
        " session_hours, session_minutes, sign_in, site, url, veto_minutes",
        "gate.toml: origin = 'x y': key name \"x y\" has to be non-empty, without spaces and plus signs",
        "gate.toml: url = 'https://gate.example.com/app'; expected https://HOST or http://localhost:PORT, in lower case"
        " and with nothing after it",
        "lease.keys:1: expected PRIVATE+LEASE+KEY+ and 32 bytes in base64url",
        "lease.keys:2: expected PRIVATE+LEASE+KEY+ and 32 bytes in base64url",
        "row.key: others may read it; expected mode 0600 (chmod 600)",
        "row.key: has 31 bytes; expected 32",
    ]
    (path / "gate.toml").write_text('origin = "other.example.com"\nurl = "https://gate.example.com"\n')
    shutil.rmtree(path / "estates")
    assert problems(path, secrets=False) == [
        "gate.toml: origin = 'other.example.com'; expected 'gate.example.com/acts', as the ledger in ledger has it",
        "estates: not there; expected the folder of the adopted estates",
    ]


def test_a_gate_without_its_ledger_is_none(path: Path) -> None:
    """It would give access of which nothing is recorded."""
    shutil.rmtree(path / "ledger")
    assert problems(path) == [
        "ledger/ledger.toml: not there; armslength ledger init makes a ledger",
        "ledger/policy: not there; armslength ledger init makes a ledger",
    ]


def test_keys_that_are_missing_are_told_and_not_made_anew(path: Path) -> None:
    """New keys in their place would void every lease, and nobody would know why."""
    (path / "lease.keys").write_text("")
    (path / "row.key").unlink()
    assert problems(path) == [
        "lease.keys: is empty; expected a key at least",
        "row.key: not there; expected the file that was made with the gate",
    ]
    assert read_gate_folder(path, secrets=False).settings == SETTINGS


def test_lease_keys_are_changed_by_adding_one_in_front(path: Path) -> None:
    """Leases that the old key signed would be refused from one moment to the next."""
    old = read_gate_folder(path).lease_keys
    new = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    write_lease_keys(path, [new, *old])
    assert [key.private_bytes_raw() for key in read_gate_folder(path).lease_keys] == [
        key.private_bytes_raw() for key in (new, *old)
    ]
    assert stat.S_IMODE((path / "lease.keys").stat().st_mode) == 0o600
    write_lease_keys(path, [new, new])
    assert problems(path) == ["lease.keys: a key is there twice"]


def test_where_notices_go_is_not_for_everybody(path: Path) -> None:
    """An Apprise URL holds the password of a mailbox or a channel."""
    (path / "gate.toml").write_bytes(format_gate_settings(FULL).replace(b"../elsewhere/ledger", b"ledger"))
    (path / "gate.toml").chmod(0o640)
    assert read_gate_folder(path).settings.notices == FULL.notices
    (path / "gate.toml").chmod(0o644)
    assert problems(path) == ["gate.toml: names where notices go, which is secret, and anyone may read it; chmod o= it"]


# Settings


def parsed(text: str | bytes) -> GateSettings | list[str]:
    found: list[str] = []
    settings = parse_gate_settings(text if isinstance(text, bytes) else text.encode(), "gate.toml", found)
    assert (settings is None) == bool(found)
    return settings if settings is not None else [each.removeprefix("gate.toml: ") for each in found]


@pytest.mark.parametrize("settings", [SETTINGS, FULL])
def test_what_was_written_is_read_as_the_same(settings: GateSettings) -> None:
    """A gate would run by other settings than those it was made with."""
    assert parsed(format_gate_settings(settings)) == settings


@given(
    name=st.text(min_size=1).filter(lambda text: text == text.strip() and text.isprintable()),
    minutes=st.integers(1, 1_000_000),
    days=st.none() | st.integers(1, 1_000_000),
    terms=st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), unique=True, max_size=4),
)
def test_any_settings_survive_their_file(name: str, minutes: int, days: int | None, terms: list[str]) -> None:
    """A name with a quote in it would end the file early."""
    said = GateSettings(
        origin=ORIGIN,
        url="https://x.example",
        name=name,
        request_minutes=minutes,
        freshness_days=days,
        break_glass=tuple(terms),
    )
    assert parsed(format_gate_settings(said)) == said


WORD = "s3cret"
HEAD = f'origin = "{ORIGIN}"\nurl = "https://gate.example.com"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["expected origin", "expected url"]),
        ("origin = ", ["Invalid value (at end of document)"]),
        (HEAD + 'name = " x"', ["name = ' x'; expected a text in quotes, printable and without spaces around it"]),
        (HEAD + "name = 3", ["name = 3; expected a text in quotes, printable and without spaces around it"]),
        (HEAD + "veto_minutes = true", ["veto_minutes = True; expected a whole number from 1 to 1,000,000"]),
        (HEAD + "veto_minutes = 1.5", ["veto_minutes = 1.5; expected a whole number from 1 to 1,000,000"]),
        (HEAD + "review_hours = -1", ["review_hours = -1; expected a whole number from 1 to 1,000,000"]),
        (HEAD + 'break_glass = "two"', ["break_glass = 'two'; expected a list of texts"]),
        (HEAD + 'break_glass = ["a", "a"]', ["break_glass: 'a' is there twice"]),
        (HEAD + "session_minutes = 721", ["session_minutes is longer than session_hours; expected at most that"]),
        (HEAD + 'database = ""', ["database = ''; expected a text in quotes, printable and without spaces around it"]),
        (
            HEAD + f'database = "postgresql://gate:{WORD}@db/gate"',
            [
                "database holds a password, which others can see: put it into PGPASSWORD or a password file",
                "expected site, the name of this gate among those on its PostgreSQL database",
            ],
        ),
        (
            HEAD + f'database = " postgresql://gate:{WORD}@db/gate"\nsite = "one"',
            ["database has spaces around it, or what cannot be printed"],
        ),
        (
            HEAD + 'database = "postgresql://db/gate?sslmod=disable"\nsite = "One"',
            [
                "site = 'One'; expected at most 31 of a-z, 0-9 and -, not - first",
                "database has 'sslmod': expected of application_name, client_encoding, connect_timeout, dbname, host,"
                " hostaddr, passfile, port, service, sslcert, sslkey, sslmode, sslrootcert, target_session_attrs, user",
            ],
        ),
        (HEAD + 'site = "shared"', ["site = 'shared': what all gates share is called that; expected another name"]),
        (
            HEAD + 'site = "a--------10--------20--------30-"',
            ["site = 'a--------10--------20--------30-'; expected at most 31 of a-z, 0-9 and -, not - first"],
        ),
        (HEAD + 'point = "x"', ["point = 'x'; expected tables [[point]]"]),
        (HEAD + "[point]\nid = 'x'", ["point = {'id': 'x'}; expected tables [[point]]"]),
        (
            HEAD + "[[point]]\nmay = ['all', 'redeem']\nhosts = ['Example.com', 'x:80']\nkey = 1",
            [
                "point 1: unknown setting 'key'; expected one of id, secret_sha256, hosts, may, actions, resources",
                "point 1.id is missing; expected a short name such as web-1",
                "point 1.secret_sha256 is missing; expected 64 digits of lower-case hexadecimal",
                "point 1.hosts of 11 characters; expected a host in lower case without port, or *",
                "point 1.hosts of 4 characters; expected a host in lower case without port, or *",
                "point 1.may: 'all'; expected some of forward, evaluate, redeem",
            ],
        ),
        (
            HEAD + "".join(f"[[point]]\nid = 'a'\nsecret_sha256 = '{'0' * 64}'\n" for _ in "ab"),
            ["point: the id 'a' is there twice"],
        ),
        (
            HEAD + f"[[point]]\nid = 'a'\nsecret_sha256 = '{'0' * 64}'\nmay = ['forward']\n",
            ["point a may forward and has no hosts; expected some, or *"],
        ),
        (
            HEAD + f"[[point]]\nid = 'a'\nsecret_sha256 = '{'0' * 64}'\nresources = ['meetings-us']\nactions = 'end'\n",
            [
                "point 1.actions = 'end'; expected a list of texts",
                "point 1.resources of 11 characters; expected a resource such as asset:meetings-us",
            ],
        ),
        (
            HEAD + "[[lookup]]\nname = 'a'\nurl = 'file:///etc/passwd'\n",
            ["lookup 1.url = 'file:///etc/passwd'; expected an address that begins with http:// or https://"],
        ),
        (HEAD + "notices = 3", ["notices = 3; expected a table of lists of URLs by the kind of notice"]),
        (
            HEAD + "[notices]\n'A b' = []\nlease = 'x'",
            [
                "notices: the kind 'A b'; expected a short name, or *",
                "notices.lease = 'x'; expected a list of texts",
            ],
        ),
    ],
)
def test_what_settings_may_not_say(text: str, said: list[str]) -> None:
    """A slip would be taken for the default, which may be weaker."""
    assert parsed(text) == said


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    """It would stand in a log."""
    secret = "pt_" + "s3cret" * 7
    found = parsed(HEAD + f"[[point]]\nid = 'a'\nsecret_sha256 = '{secret}'\n")
    assert found == ["point 1.secret_sha256 of 45 characters; expected 64 digits of lower-case hexadecimal"]


@pytest.mark.parametrize(
    "url",
    [
        "http://gate.example.com",
        "http://127.0.0.1:8000",
        "https://gate.example.com/",
        "https://gate.example.com?x",
        "https://gate.example.com#",
        "https://user@gate.example.com",
        "https://Gate.example.com",
        "https://gate.example.com:port",
        "https://gate.example.com:0443",
        "https://",
        "https://gate_1.example.com",
        "https://[::1]",
        "gate.example.com",
        "https://gate.example.com\\@evil.example",
    ],
)
def test_an_address_at_which_passkeys_do_not_work_is_refused(url: str) -> None:
    """Nobody could sign in, and the origin that passkeys sign would be another."""
    (said,) = parsed(f"origin = '{ORIGIN}'\nurl = '{url}'\n")  # type: ignore[misc]
    assert "expected https://HOST or http://localhost:PORT, in lower case and with nothing after it" in said


@pytest.mark.parametrize(
    ("url", "rp_id", "domain"),
    [
        ("https://gate.example.com", "", "gate.example.com"),
        ("https://gate.example.com:8443", "example.com", "example.com"),
        ("http://localhost:8000", "", "localhost"),
        ("http://localhost", "localhost", "localhost"),
    ],
)
def test_passkeys_are_for_the_host_or_a_domain_above_it(url: str, rp_id: str, domain: str) -> None:
    """Browsers refuse any other, and people could not approve."""
    found = parsed(f"origin = '{ORIGIN}'\nurl = '{url}'\nrp_id = '{rp_id}'\n")
    assert isinstance(found, GateSettings)
    assert found.domain == domain


@pytest.mark.parametrize("rp_id", ["other.com", "ate.example.com", "x.gate.example.com"])
def test_passkeys_for_another_domain_are_refused(rp_id: str) -> None:
    """They would be refused by every browser, after people had been told to come."""
    (said,) = parsed(HEAD + f"rp_id = '{rp_id}'\n")  # type: ignore[misc]
    assert said == f"rp_id = '{rp_id}'; expected gate.example.com, the host of url, or a domain above it"


# Estates


@pytest.fixture
def estates(tmp_path: Path) -> AdoptedEstates:
    (tmp_path / "estates").mkdir()
    return AdoptedEstates(tmp_path / "estates")


def test_an_estate_is_kept_as_it_was_handed_in(estates: AdoptedEstates, tmp_path: Path) -> None:
    """An auditor would judge by other files than those that were adopted."""
    assert estates.keep({**ESTATE, "notes.txt": b"mine"}) == DIGEST
    assert estates.keep(ESTATE) == DIGEST
    assert dict(estates.files(DIGEST)) == ESTATE
    assert digest(estates.read(DIGEST)) == DIGEST
    assert [each.name for each in (tmp_path / "estates").iterdir()] == [DIGEST]
    other = estates.keep({**ESTATE, "people.csv": b"id\nana\n"})
    assert estates.all() == tuple(sorted([DIGEST, other]))


def test_an_estate_that_was_looked_at_afresh_takes_the_place_of_itself(estates: AdoptedEstates, tmp_path: Path) -> None:
    """People would stay too old to decide on, though somebody has just looked."""
    fresh = {**ESTATE, "people.csv": b"id,unit,workplace,as_of\n" + b"".join(
        line + b",2026-11-25\n" for line in ESTATE["people.csv"].splitlines()[1:]
    )}  # fmt: skip
    estates.keep(ESTATE)
    assert estates.keep(fresh) == DIGEST
    assert dict(estates.files(DIGEST)) == fresh
    assert [each.name for each in (tmp_path / "estates").iterdir()] == [DIGEST]


def test_other_files_of_one_digest_are_not_put_in_its_place(estates: AdoptedEstates, tmp_path: Path) -> None:
    """What somebody signed for would be swapped under them."""
    estates.keep(ESTATE)
    place = tmp_path / "estates" / DIGEST
    aside = place.with_name(f".old-{DIGEST}")
    for other in (
        {**ESTATE, "people.csv": b"id,unit,workplace,floor\nana,ops,HK,3\nbo,trust,US,1\ncy,legal,IE,1\n"},
        {**ESTATE, "estate.toml": ESTATE["estate.toml"] + b"# mine\n"},
    ):
        assert digest(parse(other).estate) == DIGEST
        for moved in (place, aside):  # the second: where a crash cut a replacement short
            if moved != place:
                place.rename(moved)
            with pytest.raises(Occupied, match="other files"):
                estates.keep(other)
            assert dict(estates.files(DIGEST)) == ESTATE
        aside.rename(place)
    # What is not the estate of its name is put right.
    (place / "people.csv").write_bytes(b"id\nana\n")
    assert estates.keep(ESTATE) == DIGEST
    assert dict(estates.files(DIGEST)) == ESTATE


def test_a_replacement_that_a_crash_cut_short_leaves_the_old_one(estates: AdoptedEstates, tmp_path: Path) -> None:
    """A gate would not start after it."""
    estates.keep(ESTATE)
    # The one moment at which the name stands for neither.
    (tmp_path / "estates" / DIGEST).rename(tmp_path / "estates" / f".old-{DIGEST}")
    assert digest(estates.read(DIGEST)) == DIGEST
    assert estates.keep(ESTATE) == DIGEST
    assert [each.name for each in (tmp_path / "estates").iterdir()] == [DIGEST]


def test_an_estate_that_is_none_is_not_kept(estates: AdoptedEstates, tmp_path: Path) -> None:
    """A gate would be left with an estate that it cannot read."""
    with pytest.raises(EstateError) as refused:
        estates.keep({"people.csv": b"id,manager\nana,nobody\nana,\n"})
    assert len(refused.value.problems) == 2
    assert list((tmp_path / "estates").iterdir()) == []


def test_an_estate_is_believed_by_what_is_in_it_alone(estates: AdoptedEstates, tmp_path: Path) -> None:
    """Whoever can write a file could make themselves an approver."""
    estates.keep(ESTATE)
    place = tmp_path / "estates" / DIGEST
    (place / "people.csv").write_bytes(ESTATE["people.csv"] + b"eve,trust,SG\n")
    with pytest.raises(Damaged, match="what is there is the estate"):
        estates.read(DIGEST)
    (place / "people.csv").write_bytes(b"id\nana\nana\n")
    with pytest.raises(Damaged, match="people.csv"):
        estates.read(DIGEST)
    for name in ("0" * 64, "../ledger", "."):
        with pytest.raises(Damaged):
            estates.read(name)
