"""A ledger's folder: what its settings, keys and policy may say, and that all that is wrong is told at once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.store import (
    LedgerFolder,
    LedgerSettings,
    StoreError,
    create_ledger_folder,
    finish_ledger_folder,
    read_ledger_folder,
    write_signers,
)
from armslength.tlog import Algorithm, Malformed, Policy, SigningKey
from tests.service.logs import seed

ORIGIN = "log.example.com/acts"
KEYS = tuple(
    SigningKey(name=ORIGIN, algorithm=algorithm, seed=seed(str(algorithm)))
    for algorithm in (Algorithm.ED25519, Algorithm.COSIGNATURE_ML_DSA_44)
)
POLICY = "".join(f"log {key.verifier.text}\n" for key in KEYS) + "quorum none\n"


def made(path: Path, **settings: int | float | str) -> LedgerFolder:
    said = LedgerSettings(origin=ORIGIN, **settings)  # type: ignore[arg-type]
    folder = create_ledger_folder(path, settings=said, signers=KEYS, policy=POLICY)
    finish_ledger_folder(folder)
    return folder


def problems(path: Path, *, signing: bool = True) -> list[str]:
    with pytest.raises(StoreError) as refused:
        read_ledger_folder(path, signing=signing)
    return [line.replace(f"{path}/", "") for line in str(refused.value).splitlines()]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """A ledger would not start with the settings that it was made with."""
    elsewhere = tmp_path / "another disk" / "lock.db"
    elsewhere.parent.mkdir()
    folder = made(tmp_path / "ledger", lock=str(elsewhere), epoch=0.5, batch=1)
    assert read_ledger_folder(tmp_path / "ledger") == folder
    assert folder.settings.batch == 1
    assert folder.lock == elsewhere
    assert (folder.keys, folder.log, folder.public) == tuple(
        tmp_path / "ledger" / name for name in ("keys.db", "log.db", "public")
    )
    assert folder.policy == Policy.parse(POLICY)


@given(place=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20))
def test_any_path_survives_the_settings_file(tmp_path_factory: pytest.TempPathFactory, place: str) -> None:
    """A path with a quote or a backslash would make a ledger that nobody can open."""
    path = tmp_path_factory.mktemp("paths")
    assume((path / place).parent.is_dir())
    made(path, keys=place, lock=place)
    assert read_ledger_folder(path).settings.keys == read_ledger_folder(path).settings.lock == place


def test_a_store_may_be_in_a_database_and_no_password_stands_in_the_settings(tmp_path: Path) -> None:
    """The settings are copied, shown and backed up as what is secret is not."""
    dsn = "postgresql://ledger@db.example.com:5433/log?sslmode=disable"
    folder = made(tmp_path / "ledger", log=dsn, keys="postgres:///keys?host=/run/pg&user=keeper")
    assert read_ledger_folder(tmp_path / "ledger") == folder
    assert (str(folder.log), str(folder.keys)) == ("db.example.com:5433 database log", "/run/pg:5432 database keys")
    assert folder.lock == tmp_path / "ledger" / "lock.db"
    secret = "postgresql://ledger:" + "hush@db.example.com/log"
    with pytest.raises(StoreError) as refused:
        made(tmp_path / "another", log=secret, lock="postgresql://db.example.com/lock?nonsense=1", keys=secret)
    said = str(refused.value)
    assert "hush" not in said
    assert [line.split(": ", 1)[1].split()[0] for line in said.splitlines()] == ["log", "lock", "keys"]
    assert "log holds a password, which others can see" in said
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize("missing", ["ledger.toml", "signing.keys", "policy"])
def test_what_is_not_there_is_told_with_what_makes_it(tmp_path: Path, missing: str) -> None:
    """Whoever mistypes the folder has to learn that, and not that something is malformed."""
    made(tmp_path)
    (tmp_path / missing).unlink()
    assert problems(tmp_path) == [f"{missing}: not there; armslength ledger init makes a ledger"]


def test_a_folder_that_is_not_there_tells_every_file(tmp_path: Path) -> None:
    """As above."""
    assert problems(tmp_path / "nowhere", signing=False) == [
        "ledger.toml: not there; armslength ledger init makes a ledger",
        "policy: not there; armslength ledger init makes a ledger",
    ]


def test_every_problem_of_the_settings_is_told_at_once(tmp_path: Path) -> None:
    """Nobody wants to start a program eight times to learn of eight mistakes."""
    made(tmp_path)
    (tmp_path / "ledger.toml").write_text(
        'batch = 0\nqueue = 1.5\nepoch = "soon"\npublish = true\nheartbeat = -1\nwitness_timeout = nan\n'
        'lock = 5\nkeys = ["keys.db"]\nbtach = 3\n'
    )
    assert problems(tmp_path) == [
        "ledger.toml: queue = 1.5; expected a whole number",
        "ledger.toml: epoch = 'soon'; expected a number",
        "ledger.toml: publish = True; expected a number",
        "ledger.toml: heartbeat = -1; expected a number from 0 to a thousand million",
        "ledger.toml: witness_timeout = nan; expected a number from 0 to a thousand million",
        "ledger.toml: lock = 5; expected a text in quotes",
        "ledger.toml: keys = ['keys.db']; expected a text in quotes",
        "ledger.toml: unknown setting 'btach'; expected one of batch, bucket_credentials, bucket_endpoint,"
        " bucket_region, epoch, heartbeat, keys, lock, log, origin, public, publish, queue, witness_timeout",
        "ledger.toml: expected an origin, the log's name in every checkpoint",
        "ledger.toml: batch = 0; expected at least 1",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"origin = ", "ledger.toml: Invalid value (at end of document)"),
        (b'origin = "\xff"', "ledger.toml: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte"),
        (b'origin = ""', "ledger.toml: expected an origin, the log's name in every checkpoint"),
        (b"origin = 3", "ledger.toml: origin = 3; expected a text in quotes"),
        (b"[ledger]\n", "ledger.toml: unknown setting 'ledger'"),
        (b'origin = "a.b/c"\nwitness_timeout = 0', "ledger.toml: witness_timeout = 0; expected more than 0"),
        (b'origin = "a.b/c"\npublish = 0', "ledger.toml: publish = 0; expected more than 0"),
        (b'origin = "a.b/c"\nkeys = ""', "ledger.toml: keys = ''; expected a path"),
        (b'origin = "a.b/c"\npublic = "a\\u0000b"', "ledger.toml: public = 'a\\x00b'; expected a path"),
    ],
)
def test_a_settings_file_that_is_none_is_told_in_words(tmp_path: Path, text: bytes, said: str) -> None:
    """A ledger that starts with a part of its settings writes to the wrong place."""
    made(tmp_path)
    (tmp_path / "ledger.toml").write_bytes(text)
    assert any(line.startswith(said) for line in problems(tmp_path)), problems(tmp_path)


@pytest.mark.parametrize("public", [".", "..", "../ledger", "/"])
def test_the_ledgers_own_folder_is_not_published(tmp_path: Path, public: str) -> None:
    """A web server would hand out the keys to whoever asks."""
    path = tmp_path / "ledger"
    said = f"ledger.toml: public = {public!r}; expected a folder apart, since all that is in it is published"
    with pytest.raises(StoreError) as refused:
        made(path, public=public)
    assert str(refused.value) == f"{path}/{said}"
    assert not path.exists()
    made(path)
    settings = (path / "ledger.toml").read_text()
    (path / "ledger.toml").write_text(settings.replace('public = "public"', f'public = "{public}"'))
    assert problems(path) == [said]


def test_a_folder_beside_the_ledgers_own_is_published(tmp_path: Path) -> None:
    """A web server has its own place for what it serves."""
    made(tmp_path / "ledger", public="../published")
    assert read_ledger_folder(tmp_path / "ledger").public == tmp_path / "ledger" / "../published"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lock": "nowhere/lock.db"}, ["nowhere/lock.db: No such file or directory"]),
        (
            {"keys": "nowhere/keys.db", "batch": 0},
            ["ledger.toml: batch = 0; expected at least 1", "nowhere/keys.db: No"],
        ),
        ({"origin": ""}, ["ledger.toml: expected an origin"]),
    ],
)
def test_nothing_is_made_with_settings_that_cannot_be(
    tmp_path: Path, settings: dict[str, int | str], said: list[str]
) -> None:
    """Whoever mends them would be told that there is something in the folder already."""
    said_settings = LedgerSettings(**{"origin": ORIGIN, **settings})  # type: ignore[arg-type]
    with pytest.raises(StoreError) as refused:
        create_ledger_folder(tmp_path / "ledger", settings=said_settings, signers=KEYS, policy=POLICY)
    found = [line.removeprefix(f"{tmp_path / 'ledger'}/") for line in str(refused.value).splitlines()]
    assert len(found) == len(said)
    assert all(line.startswith(each) for line, each in zip(found, said, strict=True)), found
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666])
def test_signing_keys_that_others_may_read_are_refused(tmp_path: Path, mode: int) -> None:
    """Whoever has an account on the machine could sign another history."""
    made(tmp_path)
    (tmp_path / "signing.keys").chmod(mode)
    assert problems(tmp_path) == ["signing.keys: others may read it; expected mode 0600 (chmod 600)"]
    read_ledger_folder(tmp_path, signing=False)


def test_signing_keys_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    """As above, also where the file is written again over one that others could read."""
    made(tmp_path)
    path = tmp_path / "signing.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    write_signers(tmp_path, KEYS[:1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_ledger_folder(tmp_path).signers == KEYS[:1]


def test_every_wrong_signing_key_is_told_and_no_secret_is(tmp_path: Path) -> None:
    """A log would sign under another name, or with a key that public witnesses cannot read."""
    made(tmp_path)
    strange = SigningKey(name="other.example/log", algorithm=Algorithm.COSIGNATURE_ML_DSA_44, seed=seed("strange"))
    witness = SigningKey(name=ORIGIN, algorithm=Algorithm.COSIGNATURE_ED25519, seed=seed("witness"))
    cut = KEYS[0].text[:-10]
    write_signers(tmp_path, ())
    (tmp_path / "signing.keys").write_text(f"{strange.text}\n\n{cut}\n{witness.text}\n")
    found = problems(tmp_path)
    assert [line.partition(": ")[0] for line in found] == ["signing.keys:3", *["signing.keys"] * 3]
    assert found[1:] == [
        f"signing.keys: a key named 'other.example/log'; expected the origin '{ORIGIN}'",
        "signing.keys: a witness's key; expected Ed25519 and ML-DSA-44 keys of a log",
        "signing.keys: expected an Ed25519 key at least",
    ]
    secrets = [key.text.rpartition("+")[2] for key in (strange, witness, KEYS[0])]
    assert not any(secret[:20] in line for secret in secrets for line in found)


def test_signing_keys_may_be_left_alone(tmp_path: Path) -> None:
    """Whoever only reads a ledger should not need its keys."""
    made(tmp_path)
    (tmp_path / "signing.keys").unlink()
    assert read_ledger_folder(tmp_path, signing=False).signers == ()


def test_every_line_of_a_wrong_policy_is_told(tmp_path: Path) -> None:
    """A policy that says less than was meant asks for fewer witnesses."""
    made(tmp_path)
    (tmp_path / "policy").write_text(f"{POLICY}witness w nonsense\nquorum none\n")
    found = problems(tmp_path)
    assert found
    assert all(line.startswith(("policy: ", "line ")) for line in found)
    assert "line 4" in " ".join(found)
    assert "line 5" in " ".join(found)


def test_a_policy_that_does_not_list_a_signing_key_is_refused(tmp_path: Path) -> None:
    """The log would sign what it does not believe itself at the next start."""
    made(tmp_path)
    other = SigningKey(name=ORIGIN, algorithm=Algorithm.ED25519, seed=seed("other"))
    (tmp_path / "policy").write_text(f"log {other.verifier.text}\nquorum none\n")
    assert problems(tmp_path) == [
        f"policy: has no line for the signing key {key.verifier.label}; expected one" for key in KEYS
    ]


def test_a_ledger_is_made_once(tmp_path: Path) -> None:
    """New keys over the old ones, and nobody can sign for the log any more."""
    made(tmp_path)
    before = (tmp_path / "signing.keys").read_bytes()
    with pytest.raises(StoreError) as refused:
        made(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: already has ledger.toml, signing.keys, policy; a ledger is made once, in a folder of its own"
    )
    assert (tmp_path / "signing.keys").read_bytes() == before


def test_a_folder_without_settings_is_no_ledger_yet(tmp_path: Path) -> None:
    """A crash while a ledger is made would leave one that seems to work."""
    create_ledger_folder(tmp_path, settings=LedgerSettings(origin=ORIGIN), signers=KEYS, policy=POLICY)
    assert problems(tmp_path) == ["ledger.toml: not there; armslength ledger init makes a ledger"]
    with pytest.raises(StoreError) as refused:
        made(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: already has signing.keys, policy; a ledger is made once, in a folder of its own; it was never"
        " finished: delete the folder to make it again"
    )


def test_a_ledger_in_the_way_of_a_file_is_told(tmp_path: Path) -> None:
    """Not as a fault of the program."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"{tmp_path / 'file' / 'ledger'}: Not a directory"):
        made(tmp_path / "file" / "ledger")
    with pytest.raises(StoreError, match=f"{tmp_path / 'file'}: File exists"):
        made(tmp_path / "file")


@pytest.mark.parametrize("policy", ["", "log nonsense\nquorum none\n", POLICY.replace("none", "some")])
def test_nothing_is_made_with_a_policy_that_is_none(tmp_path: Path, policy: str) -> None:
    """Whoever mends the file would be told that there is something in the folder already."""
    with pytest.raises(Malformed):
        create_ledger_folder(tmp_path, settings=LedgerSettings(origin=ORIGIN), signers=KEYS, policy=policy)
    assert list(tmp_path.iterdir()) == []
