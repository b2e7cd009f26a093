"""`armslength ledger` as its operator uses it: what it prints, how it ends, and what it says where something is off."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from armslength.store import PublicFolder, read_ledger_folder
from armslength.tlog import Checkpoint, Note, TlogProof, VerifierKey, fsck, leaf_hash
from tests.cli.ran import PROGRAM, Ran, run, start
from tests.service.ledgers import act, record
from tests.service.watchers import lines, saying, trusted, watching
from tests.store.conftest import postgresql, server
from tests.store.places import ServerPlace

__all__ = ["postgresql", "server"]

ORIGIN = "log.example.com/acts"
ACT = "AAECAwQFBgcICQoLDA0ODw"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def ledger(tmp_path: Path, capsys: Capture) -> Path:
    """An empty ledger, made by the program."""
    path = tmp_path / "ledger"
    assert run(capsys, "ledger", "init", path, "--origin", ORIGIN).status == 0
    return path


def written(path: Path, *acts: dict[str, object] | str) -> Path:
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in acts))
    return path


def use(name: str = "acme", **more: object) -> dict[str, object]:
    return {"kind": "use", "customers": [name], "fields": {"action": "read", "address": "Elm Street"}, **more}


def appended(capsys: Capture, ledger: Path, *acts: dict[str, object] | str) -> Ran:
    return run(capsys, "ledger", "append", ledger, written(ledger.parent / "acts.jsonl", *acts))


def size(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger / "log.db")) as db:
        (found,) = db.execute("SELECT size FROM state").fetchone()
    assert isinstance(found, int)
    return found


def plain(text: str, *paths: Path) -> str:
    """The text with what differs from run to run written the same."""
    for path in paths:
        text = text.replace(str(path), "LEDGER")
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}Z", "TIME", text)
    text = re.sub(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}", "+ID+KEY", text)
    text = re.sub(r"\+[0-9a-f]{8}\b", "+ID", text)
    return re.sub(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", "HASH", text)


# init


def test_init_makes_a_ledger_and_prints_the_keys_to_be_trusted(tmp_path: Path, capsys: Capture) -> None:
    """Witnesses and customers need them, and nothing that is secret."""
    path = tmp_path / "deep" / "ledger"
    ran = run(capsys, "ledger", "init", path, "--origin", ORIGIN)
    assert ran.status == 0
    assert plain(ran.out) == f"log {ORIGIN}+ID+KEY\n" * 2
    assert plain(ran.err, path) == (
        "made a ledger in LEDGER; what is secret in it: signing.keys and keys.db\n"
        "give witnesses and customers these keys, on a way they can trust:\n"
    )
    assert [VerifierKey.parse(line.split()[1]).name for line in ran.out.splitlines()] == [ORIGIN] * 2
    assert "PRIVATE" not in ran.out + ran.err
    assert sorted(each.name for each in path.iterdir() if not each.name.endswith((".held", "-shm", "-wal"))) == [
        "keys.db",
        "ledger.toml",
        "lock.db",
        "log.db",
        "policy",
        "public",
        "signing.keys",
    ]
    assert (path / "public" / "policy").read_bytes() == (path / "policy").read_bytes()
    assert b"<!doctype html>" in (path / "public" / "verify.html").read_bytes().lower()[:100]
    assert run(capsys, "ledger", "fsck", path).status == 0


def test_init_twice_changes_nothing(ledger: Path, capsys: Capture) -> None:
    """New keys over the old: nobody could sign for the log any more."""
    before = {each: each.read_bytes() for each in ledger.iterdir() if each.is_file()}
    ran = run(capsys, "ledger", "init", ledger, "--origin", ORIGIN)
    assert (ran.status, ran.out) == (2, "")
    assert plain(ran.err, ledger) == (
        "armslength: LEDGER: already has ledger.toml, signing.keys, policy; a ledger is made once, in a folder of its"
        " own\n"
    )
    assert {each: each.read_bytes() for each in before} == before


def test_init_puts_the_stores_where_it_is_told(tmp_path: Path, capsys: Capture) -> None:
    """The lock has to stand on another disk, the keys where backups are kept short."""
    places = {name: tmp_path / f'a "{name}" place' for name in ("lock", "keys", "public")}
    for place in places.values():
        place.mkdir()
    flags = [str(each) for name, place in places.items() for each in (f"--{name}", place / f"{name}.x")]
    assert run(capsys, "ledger", "init", tmp_path / "ledger", "--origin", ORIGIN, *flags).status == 0
    assert appended(capsys, tmp_path / "ledger", use()).status == 0
    assert all((place / f"{name}.x").exists() for name, place in places.items())
    assert not list((tmp_path / "ledger").glob("keys.db*"))
    assert run(capsys, "ledger", "fsck", tmp_path / "ledger").status == 0


def test_every_command_does_on_a_server_what_it_does_on_files(
    tmp_path: Path, capsys: Capture, server: ServerPlace
) -> None:
    """An operator would need two ways to look after one ledger."""
    path = tmp_path / "ledger"
    places = [each for name in ("log", "keys", "lock") for each in (f"--{name}", server.dsn)]
    made = run(capsys, "ledger", "init", path, "--origin", ORIGIN, *places)
    assert made.status == 0
    assert "log and keys and lock are in one database: who restores or steals one has the other" in made.err
    assert not list(path.glob("*.db*"))
    assert appended(capsys, path, use(), use("beta")).status == 0
    assert run(capsys, "ledger", "erase", path, "--customer", "acme", "--reason", "gdpr-17").status == 0
    assert run(capsys, "ledger", "rotate-key", path).status == 0
    found = run(capsys, "ledger", "status", path)
    assert (found.status, "of 3 customers" in found.out) == (0, True)
    assert run(capsys, "ledger", "export", path, "--customer", "beta", "--bundle", tmp_path / "b.json").status == 0
    checked = run(capsys, "ledger", "fsck", path)
    assert (checked.status, "all that is stored adds up" in checked.out) == (0, True)
    again = run(capsys, "ledger", "init", tmp_path / "another", "--origin", ORIGIN, *places)
    assert (again.status, f"{server}: already holds a log" in again.err) == (2, True)
    assert run(capsys, "ledger", "fsck", path).status == 0


def test_move_says_what_stays_behind_and_what_is_wrong(ledger: Path, capsys: Capture, server: ServerPlace) -> None:
    """The old store of keys still opens everything: it has to be destroyed, and nobody would think of it."""
    assert appended(capsys, ledger, use()).status == 0
    ran = run(capsys, "ledger", "move", ledger)
    assert (ran.status, "nothing to move: expected --log, --keys or --lock" in ran.err) == (2, True)
    ran = run(capsys, "ledger", "move", ledger, "--log", server.dsn, "--keys", server.dsn)
    assert ran.status == 0
    assert ran.out.splitlines() == [str(ledger / "log.db"), str(ledger / "keys.db")]
    assert "destroy what was there before" in ran.err
    for file in (ledger / "log.db", ledger / "keys.db"):
        file.unlink()
    assert appended(capsys, ledger, use()).status == 0
    assert run(capsys, "ledger", "fsck", ledger).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--origin", ""], "has to be non-empty"),
        (["--origin", ORIGIN, "--log", "postgresql://a:" + "b@c/d"], "log holds a password, which others can see"),
        (["--origin", "a b.example"], "a b.example"),
        (["--origin", "a+b.example"], "a+b.example"),
        (["--origin", ORIGIN, "--witnesses", "nowhere.txt"], "cannot read 'nowhere.txt': "),
        (["--origin", ORIGIN, "--witnesses", "bad.txt"], "line 3"),
        (["--origin", ORIGIN, "--lock", "nowhere/lock.db"], "nowhere/lock.db: No such file or directory"),
        (["--origin", ORIGIN, "--public", "."], "expected a folder apart, since all that is in it is published"),
        ([], "the following arguments are required: --origin"),
    ],
)
def test_init_says_what_is_wrong_and_can_be_done_again(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """Whoever mends the mistake would be told that there is something in the folder already."""
    path = tmp_path / "ledger"
    path.mkdir()
    monkeypatch.chdir(path)
    (tmp_path / "bad.txt").write_text("witness w nonsense\n")
    if "bad.txt" in arguments:
        arguments = [*arguments[:-1], str(tmp_path / "bad.txt")]
    ran = run(capsys, "ledger", "init", path, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "fault of armslength" not in ran.err
    assert run(capsys, "ledger", "init", path, "--origin", ORIGIN).status == 0


# append


def test_append_prints_a_receipt_for_each_act(ledger: Path, capsys: Capture) -> None:
    """A script keeps them; without one there is no record."""
    ran = appended(capsys, ledger, use(act=ACT), use("beta"), {"kind": "estate-change", "fields": {"a": 1}})
    assert (ran.status, ran.err) == (0, "")
    receipts = [json.loads(line) for line in ran.out.splitlines()]
    assert [(each["first"], each["origin"], len(each["leaves"])) for each in receipts] == [
        (number, ORIGIN, 1) for number in range(3)
    ]
    assert receipts[0]["act"] == ACT
    again = appended(capsys, ledger, use(act=ACT))
    (receipt,) = (json.loads(line) for line in again.out.splitlines())
    assert (receipt["first"], receipt["leaves"]) == (0, receipts[0]["leaves"])
    assert size(ledger) == 4


def test_append_reads_standard_input(ledger: Path) -> None:
    """Another program writes the acts, and nothing should lie on the disk between."""
    data = "".join(json.dumps(use()) + "\r\n" for _ in range(3)).encode()
    ran = start("ledger", "append", ledger, "-", given=data)
    assert (ran.status, ran.err, len(ran.out.splitlines())) == (0, "", 3)
    ran = start("ledger", "append", ledger, "-", given=b"nonsense\n")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "armslength: -:1: no JSON: Expecting value: line 1 column 1 (char 0)\n"


def test_a_bad_line_among_many_records_nothing_and_every_bad_line_is_told(ledger: Path, capsys: Capture) -> None:
    """Half a file recorded is one that nobody can simply send again."""
    acts = [use(f"customer {number}") for number in range(50)]
    ran = appended(
        capsys, ledger, *acts[:20], {"kind": "used", "fields": {}}, *acts[20:], "[", use(fields={"a": 1e999})
    )
    assert (ran.status, ran.out) == (2, "")
    name = ledger.parent / "acts.jsonl"
    said = ran.err.splitlines()
    assert [line.split(": ")[1] for line in said] == [f"{name}:21", f"{name}:52", f"{name}:53"]
    assert said[0].endswith(
        "kind 'used': expected one of request, approval, refusal, lease, use, lease-end, revocation, policy-change,"
        " estate-change, people-change, demand, demand-decision, finding, disposition, erasure, key-change, heartbeat"
    )
    assert size(ledger) == 0


def test_an_act_that_the_ledger_refuses_is_told_by_its_line_and_the_others_are_recorded(
    ledger: Path, capsys: Capture
) -> None:
    """A line that is right by itself and wrong for this ledger."""
    ran = appended(
        capsys,
        ledger,
        use(act=ACT),
        use("beta", act=ACT),
        {"kind": "erasure", "customers": ["nobody"], "fields": {"scope": "everything"}},
        use("gamma"),
    )
    assert ran.status == 2
    assert len(ran.out.splitlines()) == 2
    name = ledger.parent / "acts.jsonl"
    assert ran.err == (
        f"armslength: {name}:2: this act id was used for another act\n"
        f"armslength: {name}:3: an erasure of a customer that the log does not know\n"
    )


def test_more_acts_than_may_wait_are_recorded_all_the_same(ledger: Path, capsys: Capture) -> None:
    """A large file would end in "too many acts wait"."""
    settings = (ledger / "ledger.toml").read_text()
    (ledger / "ledger.toml").write_text(
        settings.replace("queue = 8192", "queue = 7").replace("batch = 512", "batch = 3")
    )
    ran = appended(capsys, ledger, *(use() for _ in range(40)))
    assert (ran.status, len(ran.out.splitlines())) == (0, 40)
    assert [json.loads(line)["first"] for line in ran.out.splitlines()] == list(range(40))


def test_a_reader_who_goes_away_stops_no_recording(ledger: Path) -> None:
    """`| head` would leave half of the acts out, and nobody know which."""
    data = "".join(json.dumps(use()) + "\n" for _ in range(2000)).encode()
    with subprocess.Popen(
        [PROGRAM, "ledger", "append", ledger, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        ran.stdin.write(data)
        ran.stdin.close()
        assert ran.stderr.read() == b""
    assert ran.returncode == 0
    assert size(ledger) == 2001


def test_what_is_recorded_and_not_published_is_told(tmp_path: Path, capsys: Capture) -> None:
    """Somebody would believe that it is witnessed."""
    with watching(tmp_path, "anna") as watchers:
        (tmp_path / "witnesses.txt").write_text(lines(watchers, "all"))
        ledger = tmp_path / "ledger"
        init = run(capsys, "ledger", "init", ledger, "--origin", ORIGIN, "--witnesses", tmp_path / "witnesses.txt")
        assert init.status == 0
        trusted(watchers, read_ledger_folder(ledger))
        watchers[0].door.instead = saying(503, "closed for today")
        ran = appended(capsys, ledger, use())
        assert (ran.status, len(ran.out.splitlines())) == (0, 1)
        said = ran.err.splitlines()
        assert said[0].startswith('warning: recorded, but not published: the quorum "enough" is not met for size 1')
        assert said[1] == f"warning: {watchers[0].url}: it refused (503): answered 503: closed for today"
        ran = run(capsys, "ledger", "status", ledger)
        assert (ran.status, ran.err) == (1, "")
        assert "  PROBLEM: nothing is published yet\n" in ran.out


@pytest.mark.parametrize("file", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told(ledger: Path, capsys: Capture, file: str) -> None:
    """As for an estate."""
    ran = run(capsys, "ledger", "append", ledger, ledger / file)
    assert (ran.status, ran.out) == (2, "")
    reason = "is a directory" if file == "." else "no such file or directory"
    assert ran.err == f"armslength: cannot read '{ledger / file}': {reason}\n"


def test_an_empty_file_records_nothing(ledger: Path, capsys: Capture) -> None:
    """A quiet day is no mistake."""
    assert appended(capsys, ledger) == Ran(status=0, out="", err="")


# status


def test_status_tells_how_it_stands(ledger: Path, capsys: Capture) -> None:
    """It is the first thing that an operator looks at, and what a watchdog runs."""
    ran = run(capsys, "ledger", "status", ledger)
    assert (ran.status, ran.err) == (0, "")
    keys = f"  signs with {ORIGIN}+ID\n" * 2
    assert plain(ran.out) == (
        f"{ORIGIN}\n  no entries yet\n  0 records of 0 customers (the firm counts as one)\n{keys}"
    )
    appended(capsys, ledger, use(), use("beta"), {"kind": "finding", "fields": {"a": 1}})
    ran = run(capsys, "ledger", "status", ledger)
    assert (ran.status, ran.err) == (0, "")
    assert plain(ran.out) == (
        f"{ORIGIN}\n"
        "  4 entries durable, the newest of TIME\n"
        "  3 records of 3 customers (the firm counts as one)\n"
        "  4 entries published\n"
        f"{keys}"
    )


def test_status_for_programs(ledger: Path, capsys: Capture) -> None:
    """A watchdog should not have to read prose."""
    appended(capsys, ledger, use())
    ran = run(capsys, "ledger", "status", ledger, "--format", "json")
    assert (ran.status, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:00Z", found.pop("time"))
    assert [VerifierKey.parse(key).name for key in found.pop("signing")] == [ORIGIN] * 2
    assert found.pop("rows")["records"] == 1
    assert found == {
        "origin": ORIGIN,
        "size": 2,
        "locked": 2,
        "mapped": 1,
        "published": 2,
        "quorum_met": True,
        "witnesses": {},
        "problems": [],
    }


def test_status_needs_no_private_key(ledger: Path, capsys: Capture) -> None:
    """Whoever watches should not be able to sign."""
    (ledger / "signing.keys").unlink()
    for verb in ("status", "fsck"):
        assert run(capsys, "ledger", verb, ledger).status == 0


# What is wrong with the folder


@pytest.mark.parametrize("verb", [["status"], ["fsck"], ["append", "-"], ["rotate-key"], ["export"]])
def test_a_folder_that_is_no_ledger_is_told_with_what_makes_one(
    tmp_path: Path, capsys: Capture, verb: list[str]
) -> None:
    """Not as a fault of the program."""
    ran = start("ledger", verb[0], tmp_path / "nowhere", *verb[1:])
    assert (ran.status, ran.out) == (2, "")
    said = ran.err.splitlines()
    assert said[0] == f"armslength: {tmp_path}/nowhere/ledger.toml: not there; armslength ledger init makes a ledger"
    assert all(line.endswith("not there; armslength ledger init makes a ledger") for line in said)


def test_every_problem_of_the_settings_is_a_line(ledger: Path, capsys: Capture) -> None:
    """Nobody wants to start a program five times to learn of five mistakes."""
    (ledger / "ledger.toml").write_text('btach = 1\nqueue = 0\nepoch = "soon"\npublish = -1\n')
    (ledger / "policy").write_text("quorum some\n")
    (ledger / "signing.keys").chmod(0o644)
    ran = appended(capsys, ledger, use())
    assert (ran.status, ran.out) == (2, "")
    said = plain(ran.err, ledger).splitlines()
    assert said[:6] == [
        "armslength: LEDGER/ledger.toml: unknown setting 'btach'; expected one of batch, bucket_credentials,"
        " bucket_endpoint, bucket_region, epoch, heartbeat, keys, lock, log, origin, public, publish, queue,"
        " witness_timeout",
        "armslength: LEDGER/ledger.toml: epoch = 'soon'; expected a number",
        "armslength: LEDGER/ledger.toml: publish = -1; expected a number from 0 to a thousand million",
        "armslength: LEDGER/ledger.toml: expected an origin, the log's name in every checkpoint",
        "armslength: LEDGER/ledger.toml: queue = 0; expected at least 1",
        "armslength: LEDGER/signing.keys: others may read it; expected mode 0600 (chmod 600)",
    ]
    assert said[6].startswith("armslength: LEDGER/policy: ")
    assert all(line.startswith("armslength: ") for line in said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected a verb"),
        (["appendd", "x"], "appendd"),
        (["status"], "the following arguments are required: FOLDER"),
        (["status", "x", "--format", "csv"], "'csv' is not offered: expected one of table, json"),
        (["serve", "x"], "the following arguments are required: --listen"),
        (["serve", "x", "--listen", "8080"], "'8080' is no address: expected HOST:PORT, such as 127.0.0.1:8080"),
        (["serve", "x", "--listen", "localhost:99999"], "is no address"),
        (["erase", "x", "--customer", "a"], "the following arguments are required: --reason"),
        (["erase", "x", "--reason", "r"], "the following arguments are required: --customer"),
        (["erase", "x", "--customer", "a", "--reason", "r", "--record", "-1"], "expected the number of a record"),
        (["erase", "x", "--customer", "a", "--reason", "r", "--record", "1:Bad"], "expected the number of a record"),
        (["export", "x", "--entry", "one"], "'one' is no such number"),
        (["export", "x", "--customer", "a", "--handle", "b"], "not allowed with argument"),
        (["export", "x", "--since", "-3"], "is no such number"),
        (["append", "x", "a", "b"], "unexpected 'b'"),
        (["status", "x", "--foramt", "json"], "unknown flag '--foramt': did you mean '--format'?"),
    ],
)
def test_wrong_arguments_end_in_one_line_and_where_help_is(capsys: Capture, arguments: list[str], said: str) -> None:
    """As for every other command."""
    ran = run(capsys, "ledger", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.startswith("armslength ledger")
    assert re.search(r"see armslength ledger( [a-z-]+)? --help\n$", ran.err)
    assert ran.err.count("\n") == 1


def test_help_tells_every_verb_and_every_flag(capsys: Capture) -> None:
    """A flag that no help tells is one that nobody uses."""
    ran = run(capsys, "ledger", "--help")
    assert (ran.status, ran.err) == (0, "")
    for verb in ("init", "append", "status", "serve", "fsck", "export", "erase", "rotate-key", "adopt-keys"):
        assert f"\n{verb}:\n" in ran.out
        own = run(capsys, "ledger", verb, "--help")
        assert own.status == 0
        for flag in re.findall(r"^  (--[a-z-]+)", own.out, re.MULTILINE):
            assert f"  {flag} " in ran.out, (verb, flag)


# fsck


def test_fsck_tells_what_it_found_and_ends_with_one(ledger: Path, capsys: Capture) -> None:
    """A watchdog looks at the status only."""
    appended(capsys, ledger, use(), use("beta"))
    ran = run(capsys, "ledger", "fsck", ledger)
    assert ran == Ran(
        status=0,
        out="3 entries, 2 records of 2 customers, 3 published\n2 records open, 0 erased, 0 lost\n"
        "all that is stored adds up\n",
        err="",
    )
    with closing(sqlite3.connect(ledger / "log.db")) as db:
        db.execute("DELETE FROM acts WHERE first=1")
        db.execute("DELETE FROM payloads WHERE idx=0")
        db.commit()
    ran = run(capsys, "ledger", "fsck", ledger)
    assert ran == Ran(
        status=1,
        out="3 entries, 2 records of 2 customers, 3 published\n1 record open, 0 erased, 1 lost\n"
        "FINDING: log.db acts, entry 1: the act is not found by its id\n"
        "FINDING: log.db payloads, entry 0: lost: it is not there, and no erasure in the log asks for that\n"
        "FINDING: log.db acts: 1 rows, expected 2\n",
        err="",
    )
    ran = run(capsys, "ledger", "fsck", ledger, "--format", "json")
    assert ran.status == 1
    found = json.loads(ran.out)
    assert [each["where"] for each in found.pop("findings")] == [
        "log.db acts, entry 1",
        "log.db payloads, entry 0",
        "log.db acts",
    ]
    assert found == {
        "size": 3,
        "records": 2,
        "customers": 2,
        "opened": 1,
        "erased": 0,
        "lost": 1,
        "published": 3,
    }


# export


def test_export_writes_what_a_customer_checks(ledger: Path, tmp_path: Path, capsys: Capture) -> None:
    """It is all that they have."""
    appended(capsys, ledger, use(), use("beta"), use())
    bundle = tmp_path / "acme.bundle.json"
    ran = run(capsys, "ledger", "export", ledger, "--customer", "acme", "--bundle", bundle, "--withhold", "address")
    assert (ran.status, ran.out) == (0, "")
    assert plain(ran.err) == f"wrote {bundle}; the customer's handle is HASH\n"
    handle = ran.err.split()[-1]
    assert "Elm Street" not in bundle.read_text()
    checked = run(capsys, "verify", bundle, "--policy", ledger / "policy", "--customer", handle)
    assert checked.status == 0, checked
    ran = run(capsys, "ledger", "export", ledger, "--handle", handle, "--tiles", tmp_path / "theirs")
    assert plain(ran.out) == f"log {ORIGIN}/customer/HASH+ID+KEY\n" * 2
    assert ran.err == f"wrote 2 records to {tmp_path / 'theirs'}; the keys that verify its checkpoint:\n"
    public = PublicFolder(tmp_path / "theirs")
    note = public.published()
    assert note is not None
    assert fsck(public.read, Checkpoint.parse(note.text)) == ()
    ran = run(capsys, "ledger", "export", ledger, "--entry", "1", "--proof", tmp_path / "1.tlog-proof")
    assert ran == Ran(status=0, out="", err=f"wrote {tmp_path}/1.tlog-proof and {tmp_path}/1.tlog-proof.entry\n")
    proof = TlogProof.parse((tmp_path / "1.tlog-proof").read_text())
    leaf = leaf_hash((tmp_path / "1.tlog-proof.entry").read_bytes())
    assert proof.verify(leaf, read_ledger_folder(ledger).policy).checkpoint.size == 4


def test_what_is_for_the_firm_is_told_when_asked_for(ledger: Path, tmp_path: Path, capsys: Capture) -> None:
    """A customer's bundle made for an auditor is one flag away from the customer."""
    refused = appended(capsys, ledger, use(fields={"action": "read", "firm_event": "Marker4711"}))
    assert refused.status == 2 and "firm_event" in refused.err
    record(ledger, act("one", "acme", fields={"action": "read", "firm_event": "Marker4711"}))
    for flags, told in (([], False), (["--firm"], True)):
        bundle = tmp_path / "acme.bundle.json"
        ran = run(capsys, "ledger", "export", ledger, "--customer", "acme", "--bundle", bundle, *flags)
        assert ran.status == 0, ran
        assert ("Marker4711" in bundle.read_text()) == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to export: expected --bundle, --tiles or --proof"),
        (["--entry", "1"], "nothing to export: expected --bundle, --tiles or --proof"),
        (["--proof", "OUT"], "--proof and --entry go together"),
        (["--proof", "OUT", "--entry", "9"], "entry 9 is not in a published checkpoint yet: the newest has 2 entries"),
        (
            ["--customer", "acne", "--bundle", "OUT"],
            "no customer 'acne' in this ledger; one that was erased is known by its handle only",
        ),
        (["--handle", "abc", "--bundle", "OUT"], "abc"),
        (
            ["--customer", "acme", "--since", "7", "--since", "9", "--bundle", "OUT"],
            "a checkpoint of 7 entries was saved, but 2 are published\n"
            "armslength: a checkpoint of 9 entries was saved, but 2 are published",
        ),
        (["--customer", "acme", "--bundle", "nowhere/OUT"], "nowhere/OUT"),
    ],
)
def test_an_export_that_cannot_be_made_is_told_and_writes_nothing(
    ledger: Path,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    """A customer would be sent half a bundle."""
    monkeypatch.chdir(tmp_path)
    appended(capsys, ledger, use())
    ran = run(capsys, "ledger", "export", ledger, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.startswith("armslength: ")
    assert "fault of armslength" not in ran.err
    assert not (tmp_path / "OUT").exists()


# erase


def test_erase_erases_and_says_what_backups_still_hold(ledger: Path, tmp_path: Path, capsys: Capture) -> None:
    """Nobody should believe that more is gone than is."""
    appended(capsys, ledger, use(), use(), use("beta"))
    flags = ["--record", "1:address", "--record", "0", "--reason", "gdpr-17"]
    ran = run(capsys, "ledger", "erase", ledger, "--customer", "acme", *flags)
    kept = "backups of the key store still hold what was erased: a ledger that starts from one erases it again\n"
    assert ran == Ran(status=0, out="erased, and recorded as entry 4\n", err=kept)
    handle = _handle(capsys, ledger, tmp_path, "acme")
    ran = run(capsys, "ledger", "erase", ledger, "--customer", "acme", "--reason", "contract-ended")
    assert ran == Ran(status=0, out="erased, and recorded as entry 6\n", err=kept)
    ran = run(capsys, "ledger", "fsck", ledger)
    assert (ran.status, ran.out.splitlines()[1]) == (0, "3 records open, 2 erased, 0 lost")
    bundle = tmp_path / "gone.json"
    assert run(capsys, "ledger", "export", ledger, "--handle", handle, "--bundle", bundle).status == 0
    assert run(capsys, "verify", bundle, "--policy", ledger / "policy", "--customer", handle).status == 0
    ran = run(capsys, "ledger", "erase", ledger, "--customer", "acme", "--reason", "again")
    assert ran == Ran(status=2, out="", err="armslength: an erasure of a customer that the log does not know\n")


def _handle(capsys: Capture, ledger: Path, tmp_path: Path, name: str) -> str:
    ran = run(capsys, "ledger", "export", ledger, "--customer", name, "--bundle", tmp_path / "handle.json")
    return ran.err.split()[-1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--record", "9", "--reason", "r"], "record 9 is to be erased, but the customer has 1"),
        (
            ["--record", "0:adress", "--reason", "r"],
            "the field 'adress' of record 0 is to be erased, but there is none",
        ),
        (["--record", "0", "--record", "0:address", "--reason", "r"], "record 0"),
        (["--record", "0", "--record", "0", "--reason", "r"], "record 0"),
        (["--reason", "Asked by Ada"], "expected a short code such as gdpr-17"),
    ],
)
def test_an_erasure_that_cannot_be_is_told_and_nothing_is_erased(
    ledger: Path, capsys: Capture, flags: list[str], said: str
) -> None:
    """What is erased by mistake nobody brings back."""
    appended(capsys, ledger, use())
    ran = run(capsys, "ledger", "erase", ledger, "--customer", "acme", *flags)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "fault of armslength" not in ran.err
    assert size(ledger) == 2


# rotate-key


def test_keys_are_rotated_by_two_commands(ledger: Path, capsys: Capture) -> None:
    """It is done once in two years, by people who have not done it before."""
    appended(capsys, ledger, use())
    old = read_ledger_folder(ledger).signers
    ran = run(capsys, "ledger", "rotate-key", ledger)
    assert ran.status == 0
    assert plain(ran.out) == f"log {ORIGIN}+ID+KEY\n" * 2
    assert ran.err == (
        "the log signs with these keys as well from now on; give them to witnesses and customers, and retire the old\n"
        "ones when they have them: armslength ledger rotate-key FOLDER --retire ID\n"
    )
    status = run(capsys, "ledger", "status", ledger)
    assert status.out.count("signs with") == 4
    ids = [key.verifier.id.hex() for key in old]
    assert all(f"+{each}\n" in status.out for each in ids)
    ran = run(capsys, "ledger", "rotate-key", ledger, "--retire", ids[0], "--retire", ids[1])
    assert ran == Ran(status=0, out="".join(f"no longer signs with {ORIGIN}+{each}\n" for each in ids), err="")
    assert run(capsys, "ledger", "status", ledger).out.count("signs with") == 2
    ran = run(capsys, "ledger", "rotate-key", ledger, "--retire", ids[0])
    assert ran.status == 2
    assert ran.err.startswith(f"armslength: no signing key '{ids[0]}': expected one of ")
    assert run(capsys, "ledger", "fsck", ledger).status == 0


def test_the_last_ed25519_key_cannot_be_retired(ledger: Path, capsys: Capture) -> None:
    """Today's witnesses read nothing else."""
    key = read_ledger_folder(ledger).signers[0].verifier
    ran = run(capsys, "ledger", "rotate-key", ledger, "--retire", key.id.hex())
    assert ran == Ran(
        status=2,
        out="",
        err="armslength: no Ed25519 key would be left to sign; add new keys first: armslength ledger rotate-key\n",
    )


def test_keys_that_are_older_than_the_log_are_adopted_on_purpose_only(
    ledger: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Records since the backup would silently be lost."""
    appended(capsys, ledger, use())
    backup = (ledger / "keys.db").read_bytes()
    assert run(capsys, "ledger", "adopt-keys", ledger) == Ran(
        status=2, out="", err=f"armslength: {ledger}/keys.db: is not behind the log: there is nothing to adopt\n"
    )
    for each in ledger.glob("keys.db-*"):
        assert each.name.endswith("-shm") or each.stat().st_size == 0
    appended(capsys, ledger, use(), use())
    for each in ledger.glob("keys.db*"):
        each.unlink()
    (ledger / "keys.db").write_bytes(backup)
    ran = appended(capsys, ledger, use())
    assert (ran.status, ran.out) == (2, "")
    assert (
        "it is an older copy; find the newest, or go on without what it lacks: armslength ledger adopt-keys" in ran.err
    )
    ran = run(capsys, "ledger", "adopt-keys", ledger)
    assert ran.status == 0
    assert ran.out == "the keys of the first 2 of 5 entries are in use, and the log says so\n"
    assert run(capsys, "ledger", "fsck", ledger).out.splitlines()[1] == "2 records open, 0 erased, 2 lost"
    assert appended(capsys, ledger, use()).status == 0


# serve


@dataclass(slots=True)
class Serving:
    """A server that runs; `pages` are its URLs in the order in which it told them."""

    process: subprocess.Popen[str]
    pages: list[str] = field(default_factory=list)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=60))

    def get(self, url: str) -> urllib3.BaseHTTPResponse:
        return self.http.request("GET", url)

    def ended(self, number: int = signal.SIGTERM) -> Ran:
        """Told to end; what it printed since, and how it ended."""
        self.http.clear()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return Ran(status=self.process.returncode, out=out, err=err)


@contextmanager
def serving(ledger: Path, *flags: str) -> Iterator[Serving]:
    process = subprocess.Popen(
        [PROGRAM, "ledger", "serve", ledger, "--listen", "127.0.0.1:0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        server = Serving(process=process)
        for _ in range(1 + flags.count("--metrics")):
            line = process.stdout.readline()
            found = re.search(r"http://[0-9.:]+(/metrics)?$", line.strip())
            assert found is not None, (line, process.communicate(timeout=60))
            server.pages.append(found[0])
        yield server
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def test_serve_publishes_serves_and_ends_when_told(ledger: Path, capsys: Capture) -> None:
    """Every restart would lose what was recorded last from what is published, or cut off a reader."""
    settings = (ledger / "ledger.toml").read_text()
    (ledger / "ledger.toml").write_text(
        settings.replace("heartbeat = 300.0", "heartbeat = 0.05").replace("publish = 1.0", "publish = 0.02")
    )
    with serving(ledger, "--metrics", "127.0.0.1:0") as server:
        page, metrics = server.pages
        health = metrics.removesuffix("/metrics")
        assert server.get(f"{health}/healthz").data == b"ok\n"
        assert (server.get(f"{health}/readyz").status, server.get(f"{health}/readyz").data) == (200, b"ok\n")
        while True:  # heartbeats are recorded, and published
            text = server.get(metrics).data.decode()
            figures = {s.name: s.value for f in text_string_to_metric_families(text) for s in f.samples if not s.labels}
            if figures["armslength_ledger_published"] >= 3:
                break
        assert figures["armslength_ledger_size"] >= figures["armslength_ledger_published"]
        assert figures["armslength_ledger_stopped"] == 0
        policy = read_ledger_folder(ledger).policy
        checkpoint = policy.endorse(Note.parse(server.get(f"{page}/checkpoint").data)).checkpoint

        def read(name: str) -> bytes | None:
            answer = server.get(f"{page}/{name}")
            return answer.data if answer.status == 200 else None

        assert fsck(read, checkpoint) == ()
        assert read("policy") == (ledger / "policy").read_bytes()
        assert read("verify.html") is not None
        for secret in ("signing.keys", "../signing.keys", "keys.db", "ledger.toml", "%2e%2e/keys.db"):
            assert read(secret) is None
        ran = server.ended()
    assert (ran.status, ran.out) == (0, "")
    assert "Traceback" not in ran.err
    status = run(capsys, "ledger", "status", ledger, "--format", "json")
    assert status.status == 0
    found = json.loads(status.out)
    assert found["published"] == found["size"] == found["mapped"] + 1 >= checkpoint.size
    assert run(capsys, "ledger", "fsck", ledger).status == 0


def test_of_two_that_serve_the_second_is_told_what_to_do(ledger: Path, capsys: Capture) -> None:
    """Two would sign two histories; and whoever only wants to serve can."""
    appended(capsys, ledger, use())
    with serving(ledger) as first:
        ran = start("ledger", "serve", ledger, "--listen", "127.0.0.1:0")
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == (
            f"armslength: {ledger}/lock.db: another writer holds this log's lock; one process writes at a time: end the"
            " other first (beside it, armslength ledger serve --read-only gives out what is published)\n"
        )
        append = appended(capsys, ledger, use())
        assert (append.status, append.out) == (2, "")
        assert "another writer holds this log's lock" in append.err
        with serving(ledger, "--read-only", "--metrics", "127.0.0.1:0") as second:
            pages = [server.get(f"{server.pages[0]}/checkpoint").data for server in (first, second)]
            assert pages[0] == pages[1] == (ledger / "public" / "checkpoint").read_bytes()
            assert b"armslength_read_requests_total" in second.get(second.pages[1]).data
            assert b"armslength_ledger" not in second.get(second.pages[1]).data
            assert second.ended(signal.SIGINT).status == 0
        assert first.ended().status == 0
    assert appended(capsys, ledger, use()).status == 0


def test_serve_says_which_witness_it_could_not_ask(tmp_path: Path, capsys: Capture) -> None:
    """Whether the ledger was rolled back nobody could say, and it should be said that nobody could."""
    with watching(tmp_path, "anna") as watchers:
        (tmp_path / "witnesses.txt").write_text(lines(watchers, "all"))
        ledger = tmp_path / "ledger"
        run(capsys, "ledger", "init", ledger, "--origin", ORIGIN, "--witnesses", tmp_path / "witnesses.txt")
        watchers[0].door.instead = saying(500)
        with serving(ledger) as server:
            ran = server.ended()
    assert ran.status == 0
    assert f"warning: {watchers[0].url} did not say at the start what it knows of this log: answered 500" in ran.err


def test_an_address_that_is_taken_is_told(ledger: Path) -> None:
    """And the lock is let go."""
    with serving(ledger, "--read-only") as server:
        port = server.pages[0].rsplit(":", 1)[1]
        ran = start("ledger", "serve", ledger, "--listen", f"127.0.0.1:{port}")
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith("armslength: cannot listen: address already in use")
    assert start("ledger", "append", ledger, "-", given=b"").status == 0


def test_nothing_that_is_secret_is_ever_printed(ledger: Path, capsys: Capture) -> None:
    """Terminals are recorded, and logs are kept."""
    # The end of the key itself, whose base64 may hold a plus sign anywhere.
    secrets = [line[-24:] for line in (ledger / "signing.keys").read_text().splitlines()]
    shown = [
        appended(capsys, ledger, use()),
        run(capsys, "ledger", "status", ledger),
        run(capsys, "ledger", "rotate-key", ledger),
        run(capsys, "ledger", "fsck", ledger),
        run(capsys, "ledger", "erase", ledger, "--customer", "acme", "--reason", "r"),
    ]
    assert all(ran.status == 0 for ran in shown)
    text = "".join(ran.out + ran.err for ran in shown)
    assert not [secret for secret in secrets if secret in text]
