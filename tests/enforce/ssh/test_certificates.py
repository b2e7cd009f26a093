"""What the gate signs for SSH: for a live lease alone, for one key, with what policy asks and nothing more."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)
from hypothesis import given
from hypothesis import strategies as st

from armslength.enforce import EnforceError, NotAllowed, Unreachable, ask_certificate, read_ssh_settings
from armslength.enforce.ssh_certificate import read_certificate
from armslength.estate import parse, policy_annotations
from armslength.gate import (
    Conflict,
    Over,
    PersonId,
    Refused,
    Rejected,
    Taken,
    Why,
    ssh_command_problem,
    ssh_limits,
)
from armslength.service import SshAuthority
from armslength.store import StoreError, make_ssh_ca, read_ssh_ca, ssh_ca_line
from tests.enforce.real_gate import POINT, SECRET, RealGate, real_gate
from tests.enforce.ssh.sshd import ssh_gate
from tests.service.gates import MEETINGS, POLICY, approve, asked, estate

LIMITED = (
    POLICY
    + """
@id("forced") @terms("twice") @ssh_command("/usr/bin/true \\"a b\\"") @ssh_source("10.0.0.0/8, 2001:db8::/32")
permit (principal in Group::"ops", action == Action::"maintain", resource == Asset::"meetings-us");
"""
)


def line(key: object) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " bo@laptop"  # type: ignore[attr-defined]


BO = line(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGate]:
    with ssh_gate(tmp_path_factory.mktemp("certificates") / "gate", policy=LIMITED) as found:
        yield found


@pytest.fixture
def authority(gate: RealGate) -> SshAuthority:
    key = read_ssh_ca(gate.path)
    assert key is not None
    return SshAuthority(gate.gate, key)


def read(text: str) -> SSHCertificate:
    found = load_ssh_public_identity(text.encode())
    assert isinstance(found, SSHCertificate)
    return found


def test_a_certificate_is_for_one_lease_one_key_and_five_minutes(gate: RealGate, authority: SshAuthority) -> None:
    """It would open more than was approved, or for longer."""
    lease = gate.leased("end", "acme")
    made = authority.certificate(gate.gate.token(lease.terms.id), BO)
    found = read(made.text)
    found.verify_cert_signature()
    assert found.valid_principals == [f"lease:{lease.terms.id}".encode()]
    assert found.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == " ".join(BO.split()[:2])  # type: ignore[union-attr]
    assert found.valid_before - found.valid_after == 360 and found.serial == made.serial > 0
    assert found.critical_options == {}
    assert set(found.extensions) == {b"lease@armslength", b"permit-pty"}
    assert str(lease.terms.id).encode() in found.key_id
    shown = read_certificate(made.text.split()[1])
    assert (shown.lease, shown.person, shown.command, shown.counted) == (lease.terms.id, "bo", None, False)
    again = authority.certificate(gate.gate.token(lease.terms.id), BO)
    assert again.serial != made.serial
    gate.gate.give_back(lease.terms.id, PersonId("bo"))


def test_no_certificate_outlives_its_lease(tmp_path: Path) -> None:
    """Somebody would log in after it."""
    with ssh_gate(tmp_path / "gate") as gate:
        key = read_ssh_ca(gate.path)
        assert key is not None
        authority = SshAuthority(gate.gate, key)
        lease = gate.leased("end")
        token = gate.gate.token(lease.terms.id)
        gate.clock.by = 3500.0
        made = authority.certificate(token, BO)
        assert made.until == lease.terms.end
        assert read(made.text).valid_before == int(lease.terms.end.timestamp())
        gate.clock.by = 3601.0
        with pytest.raises(Conflict, match="over"):
            authority.certificate(token, BO)


def test_policy_says_what_a_session_may_be(gate: RealGate, authority: SshAuthority) -> None:
    """A client could leave the command out."""
    lease = gate.leased("maintain", by="di")
    found = read(authority.certificate(gate.gate.token(lease.terms.id), BO).text)
    assert found.critical_options == {
        b"force-command": b'/usr/bin/true "a b"',
        b"source-address": b"10.0.0.0/8,2001:db8::/32",
    }
    assert set(found.extensions) == {b"lease@armslength"}
    shown = read_certificate(found.public_bytes().split()[1].decode())
    assert (shown.command, shown.pty, shown.counted) == ('/usr/bin/true "a b"', False, True)
    gate.gate.give_back(lease.terms.id, PersonId("bo"))


def test_the_first_key_is_the_leases(gate: RealGate, authority: SshAuthority) -> None:
    """Every service that sees a lease go by could log in with it."""
    lease = gate.leased("end", "other")
    token = gate.gate.token(lease.terms.id)
    authority.certificate(token, BO)
    for key in (Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())):
        with pytest.raises(Conflict, match="another key"):
            authority.certificate(token, line(key))
    kind, blob, _ = BO.split()
    authority.certificate(token, f"{kind} {blob} another comment")
    gate.gate.give_back(lease.terms.id, PersonId("bo"))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAAB3NzaC1kc3M",
        BO.replace("ssh-ed25519", "ssh-rsa", 1),
        BO.replace(" ", "  ", 1),
        BO + "\nssh-ed25519 AAAA",
        'command="sh" ' + BO,
        "sk-ssh-ed25519@openssh.com " + BO.split()[1],
        "ssh-ed25519 " + "A" * 20_000,
        BO[:30] + "\udcff" + BO[31:],
    ],
    ids=range(11),
)
def test_what_is_no_key_gets_no_certificate(gate: RealGate, authority: SshAuthority, key: str) -> None:
    """A line that is read in two ways would be signed in one and used in the other."""
    lease = gate.leased("end", "keys") if not gate.gate.live(PersonId("bo")) else gate.gate.live(PersonId("bo"))[0]
    with pytest.raises(Rejected):
        authority.certificate(gate.gate.token(lease.terms.id), key)


def test_over_http_the_gate_says_why_not(gate: RealGate, tmp_path: Path) -> None:
    """Whoever is refused would not know what to do."""
    with pytest.raises(NotAllowed, match="signed text"):
        ask_certificate(gate.url, "e30.e30.AAAA", BO)
    with pytest.raises(NotAllowed, match="lease"):
        ask_certificate(gate.url, "", BO)
    with pytest.raises(Unreachable):
        ask_certificate("http://127.0.0.1:9", "x", BO)
    for url in ("http://gate.example.com", "ftp://localhost", "https://user@gate.example.com", ""):
        with pytest.raises(EnforceError, match="url"):
            ask_certificate(url, "x", BO)
    with real_gate(tmp_path / "gate") as without, pytest.raises(Unreachable, match="signs no certificates"):
        ask_certificate(without.url, "x", BO)


def test_short_keys_get_no_certificate(gate: RealGate, authority: SshAuthority) -> None:
    """Somebody could compute it."""
    lease = gate.leased("end", "short")
    token = gate.gate.token(lease.terms.id)
    with pytest.raises(Rejected, match="2048 bits"):
        authority.certificate(token, line(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    found = authority.certificate(token, line(ec.generate_private_key(ec.SECP384R1())))
    assert found.text.startswith("ecdsa-sha2-nistp384-cert-v01@openssh.com ")
    gate.gate.give_back(lease.terms.id, PersonId("bo"))


# The key


def test_the_key_is_made_once_and_is_nobodys_to_read(tmp_path: Path) -> None:
    """A second one would lock everyone out of the servers that believe the first."""
    assert read_ssh_ca(tmp_path) is None
    key = make_ssh_ca(tmp_path, chance=os.urandom)
    place = tmp_path / "ssh.ca"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    again = read_ssh_ca(tmp_path)
    assert again is not None and again.private_bytes_raw() == key.private_bytes_raw()
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(place)], capture_output=True, text=True)
    assert told.stdout.split()[:2] == ssh_ca_line(key, "gate.example/acts").split()[:2]
    with pytest.raises(StoreError, match="already"):
        make_ssh_ca(tmp_path, chance=os.urandom)
    place.chmod(0o644)
    with pytest.raises(StoreError, match="others may read it"):
        read_ssh_ca(tmp_path)
    place.chmod(0o600)
    place.write_text("nothing")
    with pytest.raises(StoreError, match="expected an ed25519 key"):
        read_ssh_ca(tmp_path)


# What policy says


def test_words_of_policy_are_understood_or_refused() -> None:
    """A slip in a word that forbids something would permit it."""
    assert ssh_limits({}).pty and ssh_limits({}).command is None
    assert not ssh_limits({"ssh_command": "x"}).pty
    assert ssh_limits({"ssh_command": "x", "ssh_pty": "yes"}).pty
    assert ssh_limits({"id": "a", "terms": "b", "note": ""}) == ssh_limits({})
    for said in (
        {"ssh_comand": "x"},
        {"SSH_command": "x"},
        {"ssh_pty": "maybe"},
        {"ssh_command": ""},
        {"ssh_command": "a\nb"},
        {"ssh_command": "a\\"},
        {"ssh_command": "ä"},
        {"ssh_source": "10.0.0.1/8"},
        {"ssh_source": ""},
        {"ssh_source": "everywhere"},
    ):
        with pytest.raises(Rejected):
            ssh_limits(said)
    with pytest.raises(Rejected) as found:
        ssh_limits({"ssh_comand": "x", "ssh_pty": "maybe", "ssh_source": "x,y"})
    assert len(found.value.problems) == 4


def test_annotations_are_those_of_the_policy_that_was_asked_for() -> None:
    """The command of another permit would run."""
    text = '@id("a") @ssh_command("one") permit (principal, action, resource);\n'
    text += '// @id("b")\n@note @id("b") @ssh_command("t\\u{77}o \\"x\\"") forbid (principal, action, resource);\n'
    found = parse({**estate(policy=text)}).estate
    assert policy_annotations(found, "a") == {"id": "a", "ssh_command": "one"}
    assert policy_annotations(found, "b") == {"note": "", "id": "b", "ssh_command": 'two "x"'}
    assert policy_annotations(found, "grants:2") == {}


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_a_command_reaches_sshd_as_it_was_written(command: str) -> None:
    """A quote in it would end the option, and what follows would be an option of its own."""
    if ssh_command_problem(command):
        return
    quoted = command.replace('"', '\\"')
    found, at = "", 0
    while at < len(quoted):  # as opt_dequote of OpenSSH's misc.c reads it
        if quoted[at] == "\\" and quoted[at + 1 : at + 2] == '"':
            at += 1
        found += quoted[at]
        at += 1
    assert found == command
    assert not quoted.replace('\\"', "").endswith("\\") and '"' not in quoted.replace('\\"', "")


# Of a lease that is spent


def test_a_spent_lease_bears_what_it_opened_until_it_is_taken_away(gate: RealGate) -> None:
    """What its last use opened would end at once, or could not be ended."""
    state = approve(gate.gate, asked(gate.gate, "export", MEETINGS).request.id, "di")
    lease = gate.gate.lease(state.status.lease)  # type: ignore[union-attr]
    id = lease.terms.id
    assert gate.gate.stands(id) is None
    for name in ("one", "two"):
        answer = gate.gate.redeem(
            point=POINT, executor=PersonId("bo"), action="export", resource=MEETINGS, use=(name * 16)[:16].encode()
        )
        assert not isinstance(answer, Refused)
    assert isinstance(gate.gate.lease(id).status, Over)
    assert gate.gate.stands(id) is None
    client = gate.point(None)._client
    assert client.standing([id]) == {id: None}
    gate.gate.revoke(id, PersonId("di"), "a doubt")
    assert isinstance(gate.gate.lease(id).status, Taken)
    stands = gate.gate.stands(id)
    assert stands is not None and stands.why is Why.REVOKED
    assert [each and each.why for each in client.standing([id]).values()] == [Why.REVOKED]
    with pytest.raises(Conflict):
        gate.gate.revoke(id, PersonId("di"), "again")
    with pytest.raises(Rejected):
        gate.gate.stands("lease_AAAAAAAAAAAAAAAAAAAAAA")  # type: ignore[arg-type]


# The point's settings


GOOD = """\
url = "https://gate.example.com"
gate = "gate.example.com/acts"
secret = "{folder}/secret"
resource = "asset:db-1"
state = "{folder}/state"
[accounts.deploy]
action = "ssh"
"""


def test_settings_are_read_whole_or_every_problem_is_told(tmp_path: Path) -> None:
    """An operator would mend them one by one, each time locked out again."""
    secret, place = tmp_path / "secret", tmp_path / "ssh.toml"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    place.write_text(GOOD.format(folder=tmp_path))
    found = read_ssh_settings(place)
    assert found.accounts["deploy"].action == "ssh" and found.accounts["deploy"].pty
    assert found.point.secret == SECRET and found.point.spool == tmp_path / "state" / "spool"
    secret.chmod(0o644)
    place.write_text(
        'url = "ftp://x"\nsecret = "'
        + str(secret)
        + '"\nresource = "db-1"\nstate = "here"\nfoo = 1\nhelper = "no-such-user"\n'
        'restart_seconds = 0\n[accounts."a b"]\naction = 1\ncommand = "x\\\\"\npty = 1\nshell = 2\n'
    )
    with pytest.raises(EnforceError) as told:
        read_ssh_settings(place)
    said = str(told.value)
    for part in (
        "gate",
        "others may read",
        "resource",
        "state",
        "'foo'",
        "helper",
        "restart_seconds",
        "accounts.a b",
        "action",
        "command",
        "pty",
        "'shell'",
    ):
        assert part in said, (part, said)
    assert SECRET not in said
    with pytest.raises(EnforceError, match="No such file"):
        read_ssh_settings(tmp_path / "none")


def test_what_is_no_certificate_is_refused(gate: RealGate, authority: SshAuthority) -> None:
    """sshd's helper hands on whatever somebody showed."""
    for text in ("", "AAAA", "!", base64.b64encode(b"\0" * 40).decode(), BO.split()[1], "A" * 100_000):
        with pytest.raises(Rejected):
            read_certificate(text)
