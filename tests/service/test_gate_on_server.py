"""A gate whose database is on a server: as one with a file, it opens what a quorum opened and nothing else, goes on
where it stopped, believes no row that somebody changed, and allows nothing while the server is away."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from armslength.gate import PersonId, Refused, Tampered, Why
from armslength.service import Gate, Ledger, Redeemed, check_gate, create_gate
from armslength.store import (
    GateFolder,
    StoreError,
    join_gate_folder,
    open_gate_database,
    read_gate_folder,
    read_ledger_folder,
)
from tests.gate_shared.server import WITHOUT_FSYNC, SharedServer, shared_server
from tests.service.gates import MEETINGS, PEOPLE, TestGate, approve, ask, asked, enrol, estate, leased, settings, use
from tests.service.ledgers import Chance, Clock
from tests.service.test_gate_tampering import LEASE_EDITS, findings, statement


@pytest.fixture(scope="module")
def server() -> Iterator[SharedServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WITHOUT_FSYNC, "1")
        with shared_server() as found:
            yield found


class OnServer(TestGate):
    """Its ledger is its own, in files."""

    def __init__(self, path: Path, clock: Clock, server: SharedServer, name: str) -> None:
        super().__init__(path, clock)
        self.server, self.name = server, name

    def open(self, *, step: Callable[[str], None] | None = None) -> Gate:
        self._opened += 1
        folder = read_gate_folder(self.path)
        chance = Chance(f"{self.path} {self._opened}")
        ledger = Ledger(read_ledger_folder(folder.ledger), clock=self.clock, chance=chance)
        try:
            gate = Gate(
                folder, ledger=ledger, clock=self.clock, chance=chance, **({} if step is None else {"step": step})
            )
        except BaseException:
            ledger.close()
            raise
        close = gate.close
        gate.close = lambda: (close(), ledger.close())[0]  # type: ignore[method-assign, func-returns-value]
        return gate

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        from pg8000.dbapi import connect

        db = connect("root", unix_sock=f"{self.server.host}/.s.PGSQL.{self.server.port}", database=self.name)
        db.autocommit = True
        db.cursor().execute("SET search_path = gate_one, gate_shared")
        try:
            yield Administrator(db)
        finally:
            db.close()


class Administrator:
    """Takes statements of SQLite's."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> Any:
        said = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", sql)
        said = re.sub(r"CAST\(('[^']*') AS BLOB\)", r"convert_to(\1, 'UTF8')", said)
        cursor = self._db.cursor()
        cursor.execute(said.replace("?", "%s"), values)
        return cursor


@pytest.fixture(scope="module")
def prepared(server: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate in which everyone has a founding key, on the database `prepared`."""
    path = tmp_path_factory.mktemp("prepared") / "gate"
    server.sql("CREATE DATABASE prepared")
    clock = Clock()
    create_gate(path, settings=on(server, "prepared"), estate=estate(), clock=clock, chance=Chance("making a gate"))
    with OnServer(path, clock, server, "prepared").running() as gate:
        for person in PEOPLE:
            gate.found(enrol(gate, person))
    return path


def on(server: SharedServer, name: str) -> Any:
    return settings(database=f"postgresql:///{name}?host={server.host}&port={server.port}&user=root", site="one")


@pytest.fixture
def made(server: SharedServer, prepared: Path, tmp_path: Path) -> Iterator[OnServer]:
    """A copy of it."""
    name = f"copy_{abs(hash(tmp_path)):x}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE prepared")
    path = tmp_path / "gate"
    shutil.copytree(prepared, path)
    toml = path / "gate.toml"
    toml.write_text(toml.read_text().replace("///prepared?", f"///{name}?"))
    yield OnServer(path, Clock(), server, name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_quorum_opens_what_was_asked_for_until_it_is_revoked_and_after_a_start(made: OnServer) -> None:
    """A gate with a server would be another one than that with a file."""
    with made.running() as gate:
        lease = leased(gate, "export", MEETINGS, "acme", by="di")
        other = leased(gate, "end", MEETINGS, "acme")
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        assert isinstance(use(gate, "one", "end", MEETINGS, "other"), Refused)
        waiting = asked(gate, "end", MEETINGS, "other")
    with made.running() as gate:
        assert not gate.health().mended.tampered
        assert gate.lease(lease.terms.id).uses == 1
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
        gate.revoke(other.terms.id, PersonId("di"), "enough")
        assert isinstance(use(gate, "three", "end", MEETINGS, "acme"), Refused)
        assert approve(gate, waiting.request.id, "di", "ed").status
    with made.running() as gate:
        assert not gate.lease(other.terms.id).live
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize("edit", LEASE_EDITS.values(), ids=LEASE_EDITS.keys())
def test_a_changed_lease_opens_nothing(made: OnServer, edit: Callable[[Any], None]) -> None:
    """Access that no quorum gave, or more of it than it gave."""
    with made.running() as gate:
        lease = leased(gate, "export", MEETINGS, "acme", by="di")
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        with made.administrator() as db:
            edit(db)
        answer = use(gate, "two", "export", MEETINGS, "acme")
        assert isinstance(answer, Refused)
        assert answer.why is Why.TAMPERED
        with pytest.raises(Tampered):
            gate.token(lease.terms.id)
    assert "gate-lease" in findings(made)
    with made.running() as gate:  # a start writes the rows again, and says so
        assert gate.health().mended.tampered
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize(
    "change", ["UPDATE snapshot SET mac=zeroblob(32)", "UPDATE snapshot SET position=9000000000000, mac=zeroblob(32)"]
)
def test_a_forged_snapshot_is_replaced_and_told_once(made: OnServer, change: str) -> None:
    """One of a position that is never reached would stay for ever, and each start say that it is damaged."""
    with made.running() as gate:
        leased(gate)
    with made.administrator() as db:
        statement(change)(db)
    with made.running() as gate:
        assert gate.health().mended.tampered
        assert gate.leases()[0].live
    with made.running() as gate:
        assert not gate.health().mended.tampered


def test_a_database_that_was_lost_is_made_again_from_the_ledger(made: OnServer) -> None:
    """What the database holds of records would be what decides."""
    with made.running() as gate:
        lease = leased(gate)
    made.server.sql("DROP SCHEMA gate_one CASCADE; ", made.name)
    with pytest.raises(StoreError, match="has no schema gate_one of a gate"):
        made.open()
    open_gate_database(read_gate_folder(made.path), create=True).close()
    with made.running() as gate:
        assert gate.lease(lease.terms.id).live
        assert isinstance(use(gate, "one"), Redeemed)
    assert check_gate(made.path).findings == ()


def test_nothing_is_allowed_while_the_server_is_away_and_all_is_as_before_when_it_is_back(made: OnServer) -> None:
    """A gate would allow what it cannot compare, or need somebody to start it again."""
    with made.running() as gate:
        leased(gate)
        assert isinstance(use(gate, "one"), Redeemed)
        made.server.stop()
        try:
            answer = use(gate, "two")
            assert isinstance(answer, Refused)
            assert answer.why is Why.STORE
            assert isinstance(gate.ask(ask(), caller="person:bo"), Refused)
            assert gate.ready() is not None
        finally:
            made.server.start()
        gate.tick()  # nothing is missing, of what was written the moment before
        assert isinstance(use(gate, "three"), Redeemed)
        assert gate.ready() is None
    assert check_gate(made.path).findings == ()


# Several


def several(server: SharedServer, path: Path, name: str) -> Path:
    """A gate that others can join."""
    server.sql(f"CREATE DATABASE {name}")
    said = on(server, name)
    place = said.database
    return create_gate(path, settings=said, estate=estate(), log=place, keys=place, lock=place).path


def test_a_gate_that_joins_has_the_same_keys_and_its_own_name(server: SharedServer, tmp_path: Path) -> None:
    """Leases of one gate would not verify at another, or the one would write the other's rows."""
    one = several(server, tmp_path / "one", "joined")
    toml = one / "gate.toml"
    toml.write_text(f"# what its operator wrote\n{toml.read_text()}")
    with pytest.raises(StoreError, match="is the gate one already"):
        join_gate_folder(tmp_path / "two", beside=one, site="one")
    with pytest.raises(StoreError, match="site = 'B!'"):
        join_gate_folder(tmp_path / "two", beside=one, site="B!")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    with pytest.raises(StoreError, match="is there already"):
        join_gate_folder(tmp_path / "full", beside=one, site="two")
    two = join_gate_folder(tmp_path / "two", beside=one, site="two")
    before = read_gate_folder(one)
    assert two.settings.site == "two"
    assert (two.row_key, two.settings.origin) == (before.row_key, before.settings.origin)
    assert [each.private_bytes_raw() for each in two.lease_keys] == [
        each.private_bytes_raw() for each in before.lease_keys
    ]
    assert read_ledger_folder(two.ledger).signers == read_ledger_folder(before.ledger).signers
    assert two.estates.all() == before.estates.all()
    assert "# what its operator wrote" in (two.path / "gate.toml").read_text()
    for name in ("gate.toml", "lease.keys", "row.key", "ledger/signing.keys"):
        assert (two.path / name).stat().st_mode & 0o077 == 0, name
    open_gate_database(two).close()
    with pytest.raises(StoreError, match="has a schema gate_two already"):
        join_gate_folder(tmp_path / "again", beside=one, site="two")
    assert not (tmp_path / "again").exists()


def test_a_gate_with_files_cannot_be_joined(tmp_path: Path) -> None:
    """Two gates would write one file, or each its own."""
    create_gate(tmp_path / "one", settings=settings(), estate=estate())
    with pytest.raises(StoreError) as refused:
        join_gate_folder(tmp_path / "two", beside=tmp_path / "one", site="two")
    assert [line.rpartition("its ")[2].partition(";")[0] for line in str(refused.value).splitlines()] == [
        "database is a file",
        "log is a file",
        "keys is a file",
        "lock is a file",
    ]


def test_a_gate_that_cannot_be_put_in_its_place_leaves_no_tables(server: SharedServer, tmp_path: Path) -> None:
    """It could never be made again: its tables would be there already."""
    one = several(server, tmp_path / "one", "unmade")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "armslength.store.gate_joining.put_in_place", lambda made, path: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(StoreError, match="full"):
            join_gate_folder(tmp_path / "two", beside=one, site="two")
    join_gate_folder(tmp_path / "two", beside=one, site="two")


def test_what_one_gate_adopted_another_has(server: SharedServer, tmp_path: Path) -> None:
    """A gate would hold an estate of which it has no files."""
    one = read_gate_folder(several(server, tmp_path / "one", "estates"))
    two = join_gate_folder(tmp_path / "two", beside=one.path, site="two")
    new = estate(travel=("ana,US,2030-01-01,2030-02-01",))
    name = one.estates.keep(new)
    looking = read_gate_folder(two.path, secrets=False)
    assert looking.estates.kept(name)[1] == one.estates.kept(name)[1]
    assert not (two.path / "estates" / name).exists()  # nobody knows yet that a gate put it there
    assert two.estates.kept(name)[1] == one.estates.kept(name)[1]
    assert (two.path / "estates" / name).is_dir()
    server.sql("UPDATE gate_shared.estates SET files = '{}'", "estates")
    assert two.estates.files(name) == new  # its own by now
    shutil.rmtree(two.path / "estates" / name)
    with pytest.raises(StoreError, match="is not one that a gate put there"):
        two.estates.kept(name)
    with pytest.raises(StoreError):
        looking.estates.kept(name)
    with pytest.raises(StoreError, match="by whoever has row.key"):
        looking.estates.keep(new)
    assert one.estates.keep(new) == name  # puts it right
    assert two.estates.files(name) == new


def dated(day: str) -> dict[str, bytes]:
    """The estate, its people looked at on that day."""
    files = dict(estate())
    head, *rows = files["people.csv"].decode().splitlines()
    files["people.csv"] = "\n".join([f"{head},as_of", *(f"{row},{day}" for row in rows), ""]).encode()
    return files


def test_a_gate_that_runs_follows_the_dates_that_another_was_told(made: OnServer, tmp_path: Path) -> None:
    """With `freshness_days`, all gates but one would refuse for rows that are fresh."""
    shutil.copytree(made.path, tmp_path / "other")
    other = read_gate_folder(tmp_path / "other")
    with made.running() as gate:
        day = "2026-01-01"
        other.estates.keep(dated(day))
        gate.tick()
        assert not gate.health().problems
        assert gate.estate_files() == dated(day)
        assert set(gate.decider.estate.tables["people"].columns["as_of"]) == {day}


def test_rows_that_another_gate_looked_at_afresh_are_taken_in_and_older_ones_are_not(
    server: SharedServer, tmp_path: Path
) -> None:
    """A gate would refuse for the age of rows that are fresh; or somebody with the database make stale rows fresh."""
    one = read_gate_folder(several(server, tmp_path / "one", "fresh"))
    two = join_gate_folder(tmp_path / "two", beside=one.path, site="two")

    def taken(gate: GateFolder) -> None:
        files = gate.estates.fresher(name)
        assert files is not None
        gate.estates.take(name, files)

    name = one.estates.keep(dated("2030-01-01"))
    assert two.estates.files(name) == estate()
    taken(two)
    assert two.estates.files(name) == dated("2030-01-01")
    assert two.estates.fresher(name) is None
    older = server.sql("SELECT encode(files, 'hex') || ' ' || encode(mac, 'hex') FROM gate_shared.estates", "fresh")
    one.estates.keep(dated("2030-02-02"))
    taken(two)
    files, mac = older.split()
    server.sql(f"UPDATE gate_shared.estates SET files = '\\x{files}', mac = '\\x{mac}'", "fresh")
    assert two.estates.fresher(name) is None
    assert two.estates.files(name) == dated("2030-02-02")
