"""`armslength gate init`, `join`, `rebuild` and `check` of gates that share a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.service import create_gate
from tests.cli.ran import run
from tests.intake.postgresql.server import PostgresqlServer, running_postgresql
from tests.service.gates import estate, settings

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
        with running_postgresql() as found:
            yield found


def test_a_gate_is_joined_by_another_and_made_again_where_its_tables_were_lost(
    server: PostgresqlServer, tmp_path: Path, capsys: Capture
) -> None:
    """A second gate, or one after a loss, would need a hand on the database."""
    files = tmp_path / "estate"
    files.mkdir()
    for name, data in estate().items():
        (files / name).write_bytes(data)
    place = f"postgresql:///postgres?host={server.folder}&port={server.port}&user=root"
    init = [
        *("gate", "init", tmp_path / "one", "--estate", files, "--origin", "gate.example.com/acts"),
        *("--url", "https://gate.example.com", "--database", place),
    ]
    unnamed = run(capsys, *init)
    assert unnamed.status == 2
    assert "expected site, the name of this gate among those on its PostgreSQL database" in unnamed.err
    secret = run(capsys, *init[:-1], f"postgresql://gate:{'word'}@db/gate", "--site", "one")
    assert secret.status == 2
    assert "database holds a password" in secret.err
    assert "word@" not in secret.err
    made = run(capsys, *init, "--site", "one")
    assert made.status == 0, made.err
    again = run(capsys, *init[:2], tmp_path / "again", *init[3:], "--site", "again")
    assert again.status == 2
    joined = run(capsys, "gate", "join", tmp_path / "two", "--beside", tmp_path / "one", "--site", "two")
    assert joined.status == 0, joined.err
    assert "made the gate two" in joined.err
    for name in ("one", "two"):
        assert run(capsys, "gate", "check", tmp_path / name).status == 0
    server.sql("DROP SCHEMA gate_two CASCADE")
    lost = run(capsys, "gate", "check", tmp_path / "two")
    assert lost.status == 2
    assert "has no schema gate_two of a gate; armslength gate rebuild makes it again" in lost.err
    rebuilt = run(capsys, "gate", "rebuild", tmp_path / "two")
    assert rebuilt.status == 0, rebuilt.err
    assert "made empty tables of the gate two" in rebuilt.err
    assert run(capsys, "gate", "check", tmp_path / "two").status == 0
    twice = run(capsys, "gate", "rebuild", tmp_path / "two")
    assert twice.status == 2
    assert "has a schema gate_two already" in twice.err
    # A host that was lost, under the same name.
    again = ("gate", "join", tmp_path / "anew", "--beside", tmp_path / "one", "--site", "two")
    found = run(capsys, *again)
    assert found.status == 2 and "DROP SCHEMA gate_two CASCADE" in found.err
    server.sql("DROP SCHEMA gate_two CASCADE")
    anew = run(capsys, *again)
    assert anew.status == 0, anew.err
    # Another address, where a signature of a passkey made at the others' does not hold.
    assert "its url stays the one of all gates" in anew.err
    toml = tmp_path / "anew" / "gate.toml"
    said = toml.read_text()
    toml.write_text(said.replace("https://gate.example.com", "https://two.example.com"))
    other = run(capsys, "gate", "check", tmp_path / "anew")
    assert other.status == 2 and "expected the same for all" in other.err
    assert run(capsys, "gate", "join", tmp_path / "three", *again[3:5], "--site", "three").status == 0
    toml.write_text(said)
    assert run(capsys, "gate", "check", tmp_path / "anew").status == 0


def test_a_gate_that_joins_brings_what_its_settings_name(
    server: PostgresqlServer, tmp_path: Path, capsys: Capture
) -> None:
    """It would not start, or would sign certificates that no server believes."""
    server.sql("CREATE DATABASE named")
    place = f"postgresql:///named?host={server.folder}&port={server.port}&user=root"
    one, two = tmp_path / "one", tmp_path / "two"
    made = create_gate(
        one, settings=settings(database=place, site="one"), estate=estate(), log=place, keys=place, lock=place
    )
    assert run(capsys, "gate", "ssh-ca", made.path).status == 0
    with open(one / "gate.toml", "a") as toml:
        toml.write(
            '\n[sign_in]\nissuer = "https://login.example.com"\nclient_id = "gate"\n'
            '[[directory]]\nid = "okta"\npull = "https://idp.example.com/scim/v2"\ntoken_file = "okta.token"\n'
            'linking = "okta.toml"\n'
        )
    with open(one / "ledger" / "ledger.toml", "a") as toml:
        toml.write('bucket_credentials = "s3/credentials"\n')
    join = ("gate", "join", two, "--beside", one, "--site", "two")
    lacks = run(capsys, *join)
    assert lacks.status == 2 and lacks.err.count("not there; expected a file") == 4
    assert not two.exists()
    names = ("sign-in.secret", "okta.token", "okta.toml", "ledger/s3/credentials")
    (one / "ledger" / "s3").mkdir()
    for name in names:
        (one / name).write_text(name)
    joined = run(capsys, *join)
    assert joined.status == 0, joined.err
    for name in ("ssh.ca", *names):
        assert (two / name).read_bytes() == (one / name).read_bytes()
        assert (two / name).stat().st_mode & 0o777 == 0o600
    assert f"have {two}/ledger/public be that of the first gate" in joined.err
    toml = one / "ledger" / "ledger.toml"
    toml.write_text(toml.read_text().replace("s3/credentials", "/etc/s3/credentials"))
    elsewhere = run(capsys, "gate", "join", tmp_path / "three", "--beside", one, "--site", "three")
    assert elsewhere.status == 0, elsewhere.err
    assert "/etc/s3/credentials was not copied" in elsewhere.err


def test_a_gate_with_files_is_joined_by_nobody(tmp_path: Path, capsys: Capture) -> None:
    """It would look as if two gates shared what each has for itself."""
    nothing = run(capsys, "gate", "join", tmp_path / "two", "--beside", tmp_path / "one", "--site", "two")
    assert nothing.status == 2
    assert "gate.toml: not there" in nothing.err
