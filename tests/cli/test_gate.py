"""`armslength gate` and `armslength serve` as whoever runs a gate uses them: from nothing to a gate that answers."""

from __future__ import annotations

import html
import json
import re
import signal
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
import urllib3

from armslength.service import SoftKey
from armslength.tlog import format_base64url, parse_base64url
from tests.cli.ran import MERIDIAN, PROGRAM, run, start
from tests.enforce.certificates import CN, Authority

ESTATE = MERIDIAN / "after"
Capture = pytest.CaptureFixture[str]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def gate(tmp_path: Path, capsys: Capture) -> tuple[Path, str]:
    """A gate of the sample estate, and its URL."""
    path, url = tmp_path / "gate", f"http://localhost:{free()}"
    made = run(capsys, "gate", "init", path, "--estate", ESTATE, "--origin", "gate.example.com/acts", "--url", url)
    assert made.status == 0, made.err
    assert "armslength gate found" in made.err
    return path, url


@contextmanager
def started(*arguments: str | Path, lines: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The program, once it has said so many lines."""
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=MERIDIAN.parent.parent,
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        assert all(said), (said, process.communicate(timeout=60))
        yield process, said
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def visited(link: str, key: SoftKey) -> str:
    """What a browser does with a founding link: opens it, makes a passkey, sends the form. Gives the page after it."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    page = opener.open(link).read().decode()
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    options = re.search(r'data-options="([^"]+)"', page)
    assert csrf is not None and options is not None, page
    asked = json.loads(html.unescape(options[1]))
    challenge = asked.get("publicKey", asked)["challenge"]
    made = key.register(parse_base64url(challenge, 32))
    credential = {
        "id": format_base64url(made.credential),
        "client_data": format_base64url(made.client_data),
        "attestation": format_base64url(made.attestation),
    }
    body = urlencode({"csrf": csrf[1], "credential": json.dumps(credential)}).encode()
    sent = Request(link, data=body, headers={"Origin": key.origin, "Sec-Fetch-Site": "same-origin"})
    return str(opener.open(sent).read().decode())


def test_two_people_found_a_gate_on_its_host(gate: tuple[Path, str], capsys: Capture) -> None:
    """A gate whose first keys one person alone could put in would be that person's."""
    path, url = gate
    known = [line.split(",")[0] for line in (ESTATE / "people.csv").read_text().splitlines()[1:]]
    people = (known[0], known[1])
    with started("gate", "found", path, *people, lines=4) as (process, said):
        links = {words[0]: words[1] for words in (line.split() for line in said[2:])}
        assert set(links) == set(people)
        assert process.stdin is not None and process.stdout is not None
        for number, person in enumerate(people):
            key = SoftKey(seed=bytes([number]) * 32, rp_id="localhost", origin=url)
            shown = re.search(r'id="fingerprint">([^<]+)<', visited(links[person], key))
            told = [process.stdout.readline() for _ in range(3)][1]
            assert shown is not None and told.strip() == f"{person} made a passkey: {shown[1]}"
            process.stdin.write("yes\n")
            process.stdin.flush()
            assert "counted" in process.stdout.readline()
        assert process.wait(30) == 0
    checked = run(capsys, "gate", "check", path, "--format", "json")
    assert checked.status == 0, checked.out
    assert json.loads(checked.out)["keys"] == 2


def test_one_founder_alone_is_refused(gate: tuple[Path, str], capsys: Capture) -> None:
    """Nobody could ever vouch for another key."""
    person = (ESTATE / "people.csv").read_text().splitlines()[1].split(",")[0]
    ran = run(capsys, "gate", "found", gate[0], person)
    assert ran.status == 2
    assert "name two people at least" in ran.err


def test_a_point_is_added_and_what_the_operator_wrote_stays(gate: tuple[Path, str], capsys: Capture) -> None:
    """A secret that stood in the settings would be everybody's who can read them."""
    settings = gate[0] / "gate.toml"
    settings.write_text("# kept by ops\n" + settings.read_text())
    ran = run(
        capsys,
        "gate",
        "add-point",
        gate[0],
        "web-1",
        "--host",
        "Admin.Example.com",
        "--action",
        "end",
        "--resource",
        "asset:meetings-us",
    )
    assert ran.status == 0, ran.err
    secret = ran.out.strip()
    assert re.fullmatch(r"pt_[A-Za-z0-9_-]{43}", secret)
    text = settings.read_text()
    assert text.startswith("# kept by ops\n") and secret not in text
    said = tomllib.loads(text)["point"][0]
    assert said["hosts"] == ["admin.example.com"]
    assert (said["actions"], said["resources"]) == (["end"], ["asset:meetings-us"])
    assert settings.stat().st_mode & 0o777 == 0o600
    again = run(capsys, "gate", "add-point", gate[0], "web-1", "--host", "*")
    assert again.status == 2 and "web-1" in again.err
    assert settings.read_text() == text


def test_nginx_is_written_two_files_and_takes_them(gate: tuple[Path, str], capsys: Capture, tmp_path: Path) -> None:
    """A configuration that nginx does not start with is one that nobody uses."""
    people, into = Authority(folder=tmp_path / "ca", label="people").made(), tmp_path / "conf"
    into.mkdir()
    made = people.certificate("admin", [(CN, "admin.example.com")])
    secret = run(capsys, "gate", "add-point", gate[0], "web-1", "--host", "admin.example.com").out
    flags = ("--upstream", "http://127.0.0.1:8008", "--people", people.file)
    flags = (*flags, "--certificate", made, "--key", made.with_suffix(".key"))
    command = ("gate", "nginx", gate[0], "--host", "admin.example.com", *flags, "--into", into)
    ran = start(*command, given=secret.encode())
    assert ran.status == 0, ran.err
    written = [Path(line) for line in ran.out.splitlines()]
    assert secret.strip() in written[1].read_text() and secret.strip() not in written[0].read_text()
    assert written[1].stat().st_mode & 0o777 == 0o600
    # Anybody on the machine could go to a socket that stands in /run itself; here it stands where the test may make it.
    text = written[0].read_text()
    assert set(re.findall(r"unix:(\S+)/[^/;]+;", text)) == {"/run/armslength-nginx"}
    written[0].write_text(text.replace("/run/armslength-nginx", str(tmp_path)))
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"pid {tmp_path}/pid; events {{}} http {{ include {into}/*.conf; }}")
    tested = subprocess.run(["nginx", "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    wrong = start(*command[:4], "admin.example.com; include x", *flags, "--into", into, given=secret.encode())
    assert wrong.status == 2 and "host" in wrong.err


def test_a_simulation_names_what_nobody_could_be_given(gate: tuple[Path, str], capsys: Capture) -> None:
    """A firm that loses an office must not learn only then that nobody can approve any more."""
    path = gate[0]
    never = run(capsys, "gate", "simulate", path, "--away", "state:US")
    assert never.status == 2 and "start the gate once" in never.err
    with started("serve", path, lines=1) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    some = run(capsys, "gate", "simulate", path, "--away", "state:US", "--format", "json")
    assert some.status == 1
    assert {"action", "target", "terms", "says"} == set(json.loads(some.out)[0])
    person = (ESTATE / "people.csv").read_text().splitlines()[1].split(",")[0]
    none = run(capsys, "gate", "simulate", path, "--away", f"person:{person}")
    assert none.status == 0 and "can still be approved" in none.out
    wrong = run(capsys, "gate", "simulate", path, "--away", "person:nobody", "--away", "US")
    assert wrong.status == 2 and wrong.err.count("expected person:ID or state:CODE") == 2


def test_serve_answers_says_how_it_is_and_ends_when_told(tmp_path: Path, capsys: Capture) -> None:
    """The one command has to be enough to try it."""
    folder, port = tmp_path / "demo", free()
    flags = (
        "--listen",
        f"127.0.0.1:{port}",
        "--points",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--public",
        "127.0.0.1:0",
    )
    with started("serve", folder, "--demo", *flags, lines=4) as (process, said):
        assert f"http://localhost:{port}" in said[0]
        points, figures, public = (re.search(r"http://[0-9.:]+", line) for line in said[1:])
        assert points is not None and figures is not None and public is not None
        ask = urllib3.PoolManager(retries=False)
        assert ask.request("GET", f"{points[0]}/sign-in").status == 404
        assert ask.request("GET", f"{points[0]}/access/v1/jwks").status == 200
        assert ask.request("GET", f"{figures[0]}/readyz").status == 200
        metrics = ask.request("GET", f"{figures[0]}/metrics").data.decode()
        assert "armslength_gate_ready 1.0" in metrics and "armslength_gate_waiting 3.0" in metrics
        assert ask.request("GET", f"http://localhost:{port}/sign-in").status == 200
        found = ask.request("GET", f"http://localhost:{port}/.well-known/authzen-configuration").json()
        assert found["policy_decision_point"] == f"http://localhost:{port}"
        assert ask.request("GET", f"{public[0]}/checkpoint").status in (200, 404)
        second = run(capsys, "serve", folder, "--listen", f"127.0.0.1:{free()}")
        assert second.status == 2 and "armslength:" in second.err
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        log = [json.loads(line) for line in process.stderr.read().splitlines() if line.startswith("{")]
    assert all({"time", "level", "from", "says"} <= set(line) for line in log)
    assert not [line for line in log if line["level"] == "error"]
    assert run(capsys, "gate", "check", folder).status == 0
    # Its keys follow from public words: served for real, anybody could sign in as anybody.
    real = run(capsys, "serve", folder, "--listen", f"127.0.0.1:{free()}")
    assert real.status == 2 and "served with --demo alone" in real.err


def test_a_database_that_was_lost_is_filled_from_the_ledger(tmp_path: Path, capsys: Capture) -> None:
    """Whoever deletes the database must not thereby undo what was recorded."""
    folder, flags = tmp_path / "demo", ("--listen", f"127.0.0.1:{free()}")
    with started("serve", folder, "--demo", *flags, lines=1) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    before = json.loads(run(capsys, "gate", "check", folder, "--format", "json").out)
    assert run(capsys, "gate", "rebuild", folder).status == 2
    for path in folder.glob("gate.db*"):
        path.unlink()
    assert run(capsys, "gate", "rebuild", folder).status == 0
    with started("serve", folder, "--demo", lines=1) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    after = json.loads(run(capsys, "gate", "check", folder, "--format", "json").out)
    assert (after["keys"], after["rows"]) == (before["keys"], before["rows"])
    # What requests that wait rest on was only there, and the check says so.
    assert before["findings"] == [] and {each["where"].split()[0] for each in after["findings"]} == {"evidence"}


def test_a_gate_of_people_is_never_shown_as_a_demonstration(gate: tuple[Path, str], capsys: Capture) -> None:
    """Whoever starts it could act as anybody."""
    ran = run(capsys, "serve", gate[0], "--demo")
    assert ran.status == 2
    assert ran.err.startswith("armslength: this gate was not founded yet")
