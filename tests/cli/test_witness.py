"""`armslength witness`, as its operator uses it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.service import Witness
from armslength.store import Cosigned, WitnessClient
from armslength.tlog import Policy
from tests.cli.ran import PROGRAM, ROOT, run
from tests.service.logs import SampleLog
from tests.web.raw import ask

LOG = SampleLog()
NAME = "example.com/witness"


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    made = tmp_path / "witness"
    assert run(capsys, "witness", "init", made, "--name", NAME).status == 0
    return made


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """A witness in a process of its own: where it listens, where its figures are, and the process."""
    command = [PROGRAM, "witness", "serve", folder, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            listens, figures = process.stdout.readline(), process.stdout.readline()
            found = re.search(r"http://\S+?(?=,)", listens)
            assert found is not None, process.stderr.read()
            yield found[0], figures.split()[-1].removesuffix("/metrics"), process
        finally:
            if process.poll() is None:
                process.kill()


def test_from_nothing_to_a_cosignature(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An auditor who follows the page has to end up with a witness that works."""
    added = run(capsys, "witness", "add-log", folder, *LOG.vkeys)
    assert (added.status, added.out) == (0, f"witnesses {LOG.origin}\n")
    with serving(folder) as (url, figures, process), WitnessClient() as client:
        answer = client.submit(url, LOG.request(0, 5), 60)
        assert isinstance(answer, Cosigned)
        note = LOG.checkpoint(5).with_signatures(answer.signatures)
        keys = run(capsys, "witness", "key", folder, "--url", url)
        lines = [line for line in keys.out.splitlines() if not line.startswith("#")]
        assert len(lines) == 2 and all(line.endswith(f" {url}") for line in lines)
        for line in lines:
            policy = Policy.parse(f"log {LOG.vkeys[0]}\n{line}\nquorum {line.split()[1]}\n")
            policy.endorse(note)
        assert b"armslength_witness_cosigned_total{" in ask(figures, "/metrics").body
        assert ask(figures, "/readyz").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert process.stderr is not None
        assert re.search(r"POST add-checkpoint 200 \d+ ms", process.stderr.read())
    status = run(capsys, "witness", "status", folder)
    assert status.status == 0
    assert re.search(r"^  size 5 cosigned at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ$", status.out, re.MULTILINE)


def test_a_log_is_added_to_a_witness_that_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one that is killed goes on from where it was."""
    with serving(folder) as (url, _, process), WitnessClient() as client:
        assert not isinstance(client.submit(url, LOG.request(0, 5), 60), Cosigned)
        assert run(capsys, "witness", "add-log", folder, *LOG.vkeys).status == 0
        assert isinstance(client.submit(url, LOG.request(0, 5), 60), Cosigned)
        process.kill()
    with serving(folder) as (url, figures, _), WitnessClient() as client:
        assert re.search(rb"armslength_witness_size\{[^}]*\} 5\.0", ask(figures, "/metrics").body)
        assert isinstance(client.submit(url, LOG.request(5, 8), 60), Cosigned)


def test_a_split_view_ends_in_status_1_with_the_proof(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever finds it has to be able to show it to somebody else."""
    run(capsys, "witness", "add-log", folder, *LOG.vkeys)
    witness = Witness(str(folder), lambda: 1_800_000_000)
    witness.add_checkpoint(LOG.body(0, 5))
    other = SampleLog(history="other ")
    witness.add_checkpoint(other.body(5, 5))
    witness.close()
    ran = run(capsys, "witness", "status", folder)
    assert ran.status == 1 and "SPLIT VIEW" in ran.out
    for line in (*LOG.checkpoint(5).format().splitlines(), *other.checkpoint(5).format().splitlines()):
        assert f"    {line}" in ran.out.splitlines() or not line


def test_a_key_is_dropped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log's stolen key must not be believed for longer than it takes to type this."""
    log = SampleLog(also_ml_dsa=True)
    run(capsys, "witness", "add-log", folder, *log.vkeys)
    assert run(capsys, "witness", "drop-key", folder, log.vkeys[0]).out == f"{log.origin}: 1 keys left\n"
    last = run(capsys, "witness", "drop-key", folder, log.vkeys[1])
    assert last.out == f"{log.origin}: no key left, so it is not witnessed now\n"
    again = run(capsys, "witness", "drop-key", folder, log.vkeys[1])
    assert again.status == 2 and "not trusted" in again.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["witness"], "expected a verb"),
        (["witness", "inti", "x"], "no verb 'inti': did you mean 'init'?"),
        (["witness", "init", "x"], "the following arguments are required: --name"),
        (["witness", "init", "x", "--nam", "y", "--name", "z"], "unknown flag '--nam': did you mean '--name'?"),
        (["witness", "init", "", "--name", "y"], "is no name of a file"),
        (["witness", "add-log", "x"], "the following arguments are required: VKEY"),
        (["witness", "key", "x", "y"], "unexpected 'y'"),
        (["witness", "serve", "x"], "the following arguments are required: --listen"),
        (["witness", "serve", "x", "--listen", "8080"], "'8080' is no address: expected HOST:PORT"),
        (["witness", "serve", "x", "--listen", "a:65536"], "is no address"),
        (["witness", "serve", "x", "--listen", "::1:80"], "is no address"),
        (["witness", "serve", "x", "--listen", "a:٨٠"], "is no address"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As for every other command."""
    ran = run(capsys, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize("place", ["nowhere", "/dev/null", "file", "empty", "x" * 5000])
def test_a_place_without_a_witness_is_refused(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A witness that began anew in a wrong folder would vouch for everything once more."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    there = place if place.startswith("/") else tmp_path / place
    for verb in (
        ["add-log", there, LOG.vkeys[0]],
        ["key", there],
        ["status", there],
        ["drop-key", there, LOG.vkeys[0]],
        ["serve", there, "--listen", "127.0.0.1:0"],
    ):
        ran = run(capsys, "witness", *verb)
        assert (ran.status, ran.out) == (2, ""), ran
        assert ran.err and "unexpected error" not in ran.err and "Traceback" not in ran.err
    assert os.listdir(tmp_path / "empty") == []


def test_no_secret_is_ever_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is copied into tickets."""
    run(capsys, "witness", "add-log", folder, *LOG.vkeys)
    seeds = [line[-24:] for line in (folder / "witness.key").read_text().splitlines()]
    printed = [run(capsys, "witness", verb, folder) for verb in ("key", "status")]
    printed.append(run(capsys, "witness", "init", folder, "--name", NAME))
    printed.append(run(capsys, "witness", "add-log", folder, (folder / "witness.key").read_text().splitlines()[0]))
    assert printed[-1].status == 2 and "private key" in printed[-1].err
    for ran in printed:
        assert not [seed for seed in seeds if seed[4:24] in ran.out + ran.err]


def test_an_address_that_is_taken_ends_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever starts it twice must see that the second one does not serve."""
    with serving(folder) as (url, _, _):
        ran = run(capsys, "witness", "serve", folder, "--listen", url.removeprefix("http://"))
    assert ran.status == 2 and "cannot listen: address already in use" in ran.err.casefold()


def test_help_tells_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has only the program must be able to use it."""
    ran = run(capsys, "witness", "--help")
    for verb in ("init", "add-log", "drop-key", "key", "serve", "status"):
        assert re.search(rf"^{verb}:$", ran.out, re.MULTILINE)
        assert run(capsys, "witness", verb, "--help").status == 0
