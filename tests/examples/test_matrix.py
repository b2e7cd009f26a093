"""The worked example: an invented firm's estate, and case K1 played on a real homeserver behind a real nginx."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import pytest
import urllib3

from armslength.estate import Estate, Parsed, parse
from armslength.gate import Over, Refused, TurnedDown, Why
from armslength.reach import Exact, Question, reach
from armslength.service import check_gate
from examples.matrix.bundle_reading import told
from examples.matrix.certificates import Certificate
from examples.matrix.door import NoDoor
from examples.matrix.firm import standing
from examples.matrix.k1 import play
from examples.matrix.played import Played
from examples.matrix.synapse_environment import NoSynapse
from examples.matrix.synapse_environment import cache as synapse_cache
from examples.matrix.transcript import Transcript
from examples.matrix.visitor import Visitor
from tests.examples.quorums import Bodies

ROOT = Path(__file__).resolve().parent.parent.parent
MATRIX = ROOT / "examples" / "matrix"
DAY = dt.date(2026, 11, 22)


@cache
def read() -> Parsed:
    return parse({file.name: file.read_bytes() for file in sorted((MATRIX / "estate").iterdir())})


def lengths(estate: Estate) -> dict[tuple[str, str, str], int | None]:
    """By (state, action, asset), of every pair under a floor; None beyond three."""
    told = reach(estate, Question(at=DAY))
    found = {}
    for one in (told.result(i) for i in range(len(told))):
        exact = one.length.length if isinstance(one.length, Exact) else None
        found[estate.states[one.state], estate.actions[one.action], estate.assets.ids[one.asset]] = exact
    return found


def test_every_state_but_home_needs_two_outsiders_for_each_guarded_action() -> None:
    """The example would teach an estate that does not keep what it promises."""
    assert read().warnings == ()
    found = lengths(read().estate)
    assert {state for state, _, _ in found} == set("CN DE EU IE PH SG US".split())
    assert {(action, asset) for _, action, asset in found} == {
        ("terminate", "rooms"), ("suspend", "accounts"), ("deactivate", "accounts"), ("read", "account-data"),
        ("list", "directory"),
    }  # fmt: skip
    assert set(found.values()) == {2}


def test_without_its_terms_a_grant_makes_one_deceived_colleague_enough() -> None:
    """Case K1 would not be told: what the gate changes could not be seen."""
    files = {file.name: file.read_bytes() for file in (MATRIX / "estate").iterdir()}
    files["grants.csv"] = files["grants.csv"].replace(
        b"group:operators,terminate,class:room-control,two-apart", b"group:operators,terminate,class:room-control,"
    )
    found = lengths(parse(files).estate)
    assert found["CN", "terminate", "rooms"] == 1
    assert found["IE", "terminate", "rooms"] == 0


def test_everybody_who_may_ask_can_be_told_yes_in_many_ways() -> None:
    """Honest work would stand still before the gate, and somebody would build a way round it."""
    bodies = Bodies(read().estate, DAY)
    for terms, where, holders in bodies.requests():
        assert holders, where
        for person in holders:
            assert len(list(islice(bodies.approvals(terms, person), 10))) == 10, (where, person)


def test_every_route_leads_to_something_under_a_floor_or_of_no_customer() -> None:
    """A route to what no floor protects would let people think that it is."""
    estate = read().estate
    routes = (MATRIX / "estate" / "routes.csv").read_text("utf-8").splitlines()[1:]
    guarded = {(action, asset) for _, action, asset in lengths(estate)}
    led = {tuple(line.split(",")[3:5]) for line in routes}
    assert led - {("view", "homeserver")} == guarded


def test_synapse_is_no_dependency_of_the_project() -> None:
    """Synapse is AGPL: whoever installs Armslength would get it with us."""
    for name in ("pyproject.toml", "requirements.lock"):
        assert not re.search("synapse", (ROOT / name).read_text("utf-8"), re.IGNORECASE), name
    lock = (MATRIX / "synapse.lock").read_text("utf-8")
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert "matrix-synapse" in {package.split("==")[0] for package in packages}
    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []


# The case, played


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Played]]:
    """The case played once, whichever worker comes first, and taken down again; its folder stays."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "matrix"
    folder.mkdir(exist_ok=True)
    kept = folder / "played"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            try:
                with standing(folder / "firm", cache=synapse_cache()) as firm, (folder / "transcript").open("w") as out:
                    came = play(firm, Transcript(out))
            except NoSynapse as error:
                pytest.fail(f"Synapse cannot be installed, so case K1 was not played: {error}")
            except NoDoor as error:
                pytest.fail(str(error))
            kept.write_bytes(pickle.dumps(came))
    yield folder, pickle.loads(kept.read_bytes())


Case = tuple[Path, Played]


def exposed(person: str) -> frozenset[str]:
    estate = read().estate
    return Bodies(estate, DAY).exposure[estate.people.ids.index(person)]


def test_nobody_ends_a_room_alone(played: Case) -> None:
    """One order to one employee, or one favour, would end a commemoration on the other side of the world."""
    alone = played[1].alone
    assert (alone.liaison.status, alone.liaison.why) == (403, "no_rule")
    assert (alone.colleague.status, alone.colleague.why) == (403, "approval_required")
    assert (alone.nobody.status, alone.nobody.why) == (401, "unknown_subject")
    assert (alone.detour.status, alone.detour.why) == (403, "ambiguous_path")
    assert alone.past_the_door == 401
    assert all(one.says for one in (alone.liaison, alone.colleague, alone.nobody, alone.detour))


def test_what_concerns_no_customer_needs_no_lease(played: Case) -> None:
    """A gate that stands before everything is switched off."""
    version = played[1].alone.version
    assert version.status == 200 and version.body["server_version"]


def test_the_liaison_finds_no_quorum_in_his_state_or_line(played: Case) -> None:
    """The compelled could do it among themselves, and say that it was approved."""
    attempt = played[1].liaison
    assert attempt.state.approvers() == ("trust-cn", "community-cn")
    assert [person for person, _ in attempt.turned_away] == ["policy-head"]
    assert any("out of its reach" in says for says in attempt.missing)
    assert attempt.could
    assert not {"policy-head", "liaison-de"} & set(attempt.could)
    assert not [person for person in attempt.could if "CN" in exposed(person)]
    assert attempt.state.waiting


def test_borrowed_hands_have_the_limits_of_whoever_asks(played: Case) -> None:
    """He would reach abroad what he cannot reach himself, by asking nicely: this is how it was done."""
    borrowed = played[1].borrowed
    reachable = {person for person in borrowed.unnamed.people if "CN" in exposed(person)}
    assert reachable and set(borrowed.named.people) < set(borrowed.unnamed.people) - reachable
    assert borrowed.attempt.state.approvers() == ("trust-cn", "community-cn", "trust-us")
    assert any("out of its reach" in says for says in borrowed.attempt.missing) and borrowed.attempt.state.waiting
    assert isinstance(borrowed.shielded, Refused)
    assert borrowed.shielded.why is Why.FORBIDDEN and "shielded" in borrowed.shielded.rules


def test_fabricated_complaints_find_no_quorum_in_one_state_or_one_line(played: Case) -> None:
    """Two deceived or compelled people who stand together would be enough, and nobody else would look."""
    forged = played[1].forged
    assert forged.one_state.state.approvers() == ("trust-cn", "community-cn")
    assert any("out of its reach" in says for says in forged.one_state.missing)
    assert forged.one_line.state.approvers() == ("community-cn", "community-head")
    assert any("reporting line" in says for says in forged.one_line.missing)
    assert forged.one_state.state.waiting and forged.one_line.state.waiting
    assert {"legal-us", "trust-us"} <= set(forged.one_state.could)
    assert isinstance(forged.ended, TurnedDown) and forged.ended.by == "legal-us"
    assert forged.alive


def test_a_proper_request_ends_exactly_that_room_once(played: Case) -> None:
    """Honest work would stand still; or its lease would do for another room, another person, another time."""
    ended = played[1].ended
    assert (ended.other_room.status, ended.other_room.why) == (403, "outside_the_lease")
    assert (ended.other_person.status, ended.other_person.why) == (403, "approval_required")
    assert ended.answer.status == 200 and ended.deletion == "complete" and not ended.alive
    assert (ended.again.status, ended.again.why) == (403, "spent")
    assert isinstance(ended.lease.status, Over) and ended.lease.status.how == "spent" and ended.lease.uses == 1
    assert ended.lease.terms.approvers == ("trust-us", "legal-sg")


def test_the_desk_works_under_a_lease_for_each_act(played: Case) -> None:
    """A lease for one act would open the others."""
    desk = played[1].desk
    assert desk.read_before.status == 403
    assert desk.devices.status == 200
    assert {each["last_seen_ip"] for each in desk.devices.body["devices"]} == {"198.51.100.66"}
    assert [each["address"] for each in desk.account.body["threepids"]] == ["mallory@mail.example"]
    assert (desk.other_account.status, desk.other_account.why) == (403, "outside_the_lease")
    assert desk.spoke and desk.suspended.status == 200 and desk.silenced
    assert desk.rooms.status == 200 and desk.rooms.body["total_rooms"] == 3
    assert desk.closed.status == 200 and desk.deactivated


def test_each_customer_is_shown_every_step_about_them(played: Case) -> None:
    """A customer would be told less than happened, or of others."""
    proof = played[1].proof
    for name, verified in proof.verified.items():
        assert verified.returncode == 0 and "HOLDS" in verified.stdout, (name, verified.stderr)
    shown = {name: told(bundle.read_bytes()) for name, bundle in proof.bundles.items()}
    asked = ["request", "approval", "approval", "lease"]
    assert [each.kind for each in shown["mallory"]] == [
        *asked, "refusal", "refusal", "use", "lease-end", "refusal",
        "refusal", *asked, "use", "use",
        *asked, "use", "lease-end",
        *asked, "use", "lease-end",
    ]  # fmt: skip
    alice = [each.kind.value for each in shown["alice"]]
    assert not {"lease", "use", "lease-end"} & set(alice)
    assert (alice.count("request"), alice.count("approval"), alice.count("revocation")) == (3, 8, 1)
    assert [each.fields["asker"] for each in shown["alice"] if each.kind == "request"] == [
        "liaison-cn", "liaison-cn", "desk-sg",
    ]  # fmt: skip
    for name, other in (("alice", "mallory"), ("mallory", "alice")):
        assert not [each for each in shown[name] if other in str(each.fields)], name
        assert not [each for each in shown[name] if any(label.startswith("firm_") for label in each.fields)]


def test_a_bundle_with_a_record_left_out_does_not_hold(played: Case, tmp_path: Path) -> None:
    """The firm could leave out the one record that matters, and the check above would pass all the same."""
    folder, case = played
    bundle = json.loads(case.proof.bundles["alice"].read_bytes())
    where = "leaves" if bundle["leaves"] else "tail"
    del bundle[where][0]
    cut = tmp_path / "cut.bundle.json"
    cut.write_text(json.dumps(bundle))
    policy = folder / "firm" / "gate" / "ledger" / "policy"
    command = [sys.executable, "-m", "armslength", "verify", str(cut), "--policy", str(policy)]
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_the_gate_is_found_in_order_by_its_ledger_alone(played: Case) -> None:
    """The firm's own word would be all there is for it."""
    folder, case = played
    assert case.proof.checked.returncode == 0, case.proof.checked.stdout
    checked = check_gate(folder / "firm" / "gate")
    assert checked.findings == ()
    assert (checked.leases, checked.uses, checked.approvals) == (5, 6, 18)


def test_no_member_of_the_staff_is_shown_the_administrators_token(played: Case) -> None:
    """Whoever once held it could go past the gate for good."""
    folder, case = played
    held = folder / "firm" / "door" / "secrets.conf"
    assert held.stat().st_mode & 0o077 == 0
    token = re.findall(r'"Bearer (syt_[^"]+)"', held.read_text())
    assert len(token) == 1
    shown = (folder / "transcript").read_text() + repr(case)
    assert token[0] not in shown


# By hand


class Browser:
    """Somebody at the gate's pages: keeps cookies, and sends the forms it was shown."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=30)
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def get(self, path: str) -> str:
        return self._page(self._send("GET", path))

    def post(self, path: str, *, many: bool = False, **fields: str) -> str:
        """The page that the form leads to; `many`: a form with room for documents."""
        given = {"csrf": self._csrf, **fields}  # first, as in the pages' forms
        return self._page(self._send("POST", path, fields=given, encode_multipart=many))

    def _send(self, method: str, path: str, **more: object) -> urllib3.BaseHTTPResponse:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "Origin": self._url}
        answer = self._pool.request(method, self._url + path, headers=headers, redirect=False, **more)  # type: ignore[arg-type]
        for each in answer.headers.getlist("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def _page(self, answer: urllib3.BaseHTTPResponse) -> str:
        if answer.status == 303:
            return self.get(answer.headers["location"])
        text = answer.data.decode()
        assert answer.status == 200, (answer.status, text)
        if found := re.search(r'name="csrf" value="([^"]+)"', text):
            self._csrf = found[1]
        return text


def printed(out: TextIO, process: subprocess.Popen[str]) -> str:
    """What `run` prints until everything stands."""
    lines = []
    for line in out:
        lines.append(line)
        if "Ctrl-C" in line:
            return "".join(lines)
    raise AssertionError(f"it ended with status {process.wait()}: {''.join(lines)}")


def test_by_hand_as_the_guide_says(tmp_path: Path) -> None:
    """A newcomer follows the guide and gets no room ended, or gets one ended without a quorum."""
    folder = tmp_path / "firm"
    command = [sys.executable, "-m", "examples.matrix", "run", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = printed(process.stdout, process)
            room, host = re.findall(r"(!\S+) of (@mallory\S+)", said)[0]
            port = re.findall(r"https://staff\.fernbank\.example:(\d+)", said)[0]
            hand = folder / "authority"
            visitor = Visitor(
                host="staff.fernbank.example",
                port=int(port),
                authority=hand / "authority.pem",
                certificate=Certificate(certificate=hand / "ops-ie.pem", key=hand / "ops-ie.key"),
            )
            path = f"/_synapse/admin/v2/rooms/{quote(room)}"
            assert visitor.ask("DELETE", path, {"block": True}).status == 403
            browser = Browser(re.findall(r"http://localhost:\d+", said)[0])
            browser.get("/sign-in")
            browser.post("/demo/act-as", person="ops-ie")
            browser.get("/ask")
            asked = browser.post(
                "/ask", many=True, step="send", action="terminate", resource="rooms", customers=f"{host}\n{room}",
                purpose="stolen mailboxes are sold in this room", by="me", once="by-hand",
            )  # fmt: skip
            request = re.findall(r"/requests/(req_[\w-]+)/withdraw", asked)[0]
            for person in ("trust-us", "legal-sg"):
                assert visitor.ask("DELETE", path, {"block": True}).why == "approval_required"
                browser.post("/demo/act-as", person=person)
                browser.get(f"/requests/{request}")
                browser.post(f"/requests/{request}/approve")
            ended = visitor.ask("DELETE", path, {"block": True})
            assert ended.status == 200 and ended.body["delete_id"]
            process.terminate()
            assert process.wait(60) == 130
        finally:
            if process.poll() is None:
                process.kill()
    assert not (folder / "door" / "nginx.pid").exists()
    logs = [(folder / "door" / name).read_text("utf-8") for name in ("access.log", "error.log")]
    assert " DELETE 200 " in logs[0]
    for name in (room, quote(room), host, "/rooms/"):
        assert not any(name in log for log in logs)


def test_the_doors_log_names_nobody() -> None:
    """Whoever reads nginx's log would know whose room was ended, when, and never be asked by the gate."""
    text = (Path(__file__).parents[2] / "examples" / "matrix" / "nginx.conf").read_text("utf-8")
    written = re.findall(r"^ *log_format nobody '(.*)';$", text, re.MULTILINE)
    assert re.findall(r"^ *access_log (\S+) (\S+);$", text, re.MULTILINE) == [("@FOLDER@/access.log", "nobody")]
    (line,) = written
    meant = {"time_iso8601", "request_id", "request_method", "status", "body_bytes_sent", "request_time"}
    assert set(re.findall(r"\$(\w+)", line)) == meant
    assert re.findall(r"^error_log \S+ (\w+);$", text, re.MULTILINE) == ["crit"]


@pytest.mark.parametrize("name", ["play", "run"])
def test_what_the_readme_says_to_type_is_there(name: str) -> None:
    """A newcomer's first command would fail."""
    script = MATRIX / name
    assert os.access(script, os.X_OK)
    last = script.read_text("utf-8").splitlines()[-1]
    assert last == f'exec .venv/bin/python -m examples.matrix {name} "$@"'
    # Not by the script itself, which would set up anew the environment that this test runs in.
    done = subprocess.run(
        [sys.executable, *last.split()[2:-1], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--folder" in done.stdout and "--synapse" in done.stdout
