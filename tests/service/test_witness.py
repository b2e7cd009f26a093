"""A witness as a whole: what it cosigns, and everything it must refuse."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.service import Refusal, Signed, Unable, Witness, create_witness
from armslength.tlog import (
    EMPTY,
    AddCheckpoint,
    Algorithm,
    Checkpoint,
    Declined,
    Note,
    Policy,
    SigningKey,
    VerifierKey,
    origin_hash,
    sign_note,
    verify_signature,
)
from tests.service.logs import NOW, SampleLog, seed
from tests.service.race import at_once

LOG = SampleLog()
HASH = origin_hash(LOG.origin)
NAME = "example.com/witness"


def chance() -> Callable[[int], bytes]:
    """Bytes that differ from call to call and not from run to run."""
    numbers = count()
    return lambda size: seed(f"witness {next(numbers)}")[:size]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    made = str(tmp_path / "witness")
    create_witness(made, NAME, chance())
    return made


@pytest.fixture
def witness(folder: str) -> Iterator[Witness]:
    found = Witness(folder, lambda: NOW)
    found.trust(LOG.vkeys)
    yield found
    found.close()


def signed(answer: object) -> Signed:
    assert isinstance(answer, Signed), answer
    return answer


def declined(answer: object) -> Declined:
    assert isinstance(answer, Declined), answer
    return answer


def times(answer: Signed, witness: Witness) -> set[int | None]:
    """When each key of the witness says it signed; fails where one did not."""
    note = Note(text=answer.vouched.note.text, signatures=answer.signatures)
    found = set()
    for key in witness.keys:
        verified = verify_signature(note, key)
        assert verified is not None
        found.add(verified.timestamp)
    return found


# what it cosigns


def test_a_log_that_grows_is_cosigned_by_both_keys(witness: Witness) -> None:
    """Without a cosignature that verifies nobody can tell a growing log from one that was replaced."""
    old = 0
    for size in (0, 1, 1, 7, 8, 300):
        answer = signed(witness.add_checkpoint(LOG.body(old, size)))
        assert times(answer, witness) == {NOW}
        assert {key.algorithm for key in witness.keys} == {
            Algorithm.COSIGNATURE_ED25519,
            Algorithm.COSIGNATURE_ML_DSA_44,
        }
        assert Checkpoint.parse(answer.vouched.note.text).size == size
        old = size


def test_what_is_served_is_what_was_cosigned(witness: Witness) -> None:
    """A monitor that is shown another checkpoint than the log got cannot find a split view."""
    assert witness.latest(HASH) is None
    answer = signed(witness.add_checkpoint(LOG.body(0, 5)))
    served = witness.latest(HASH)
    assert isinstance(served, Note)
    assert served.text == LOG.checkpoint(5).text
    assert set(answer.signatures) < set(served.signatures)
    assert verify_signature(served, LOG.keys[0].verifier) is not None
    assert len(served.signatures) == 3


def test_signatures_of_others_are_neither_judged_nor_passed_on(witness: Witness) -> None:
    """A stranger's line could otherwise stop a log, or borrow the witness's good name."""
    stranger = SigningKey(name="stranger", algorithm=Algorithm.ED25519, seed=seed("stranger"))
    note = LOG.checkpoint(3)
    forged = sign_note("something else\n", stranger)
    request = AddCheckpoint(old=0, proof=(), note=note.with_signatures([forged]))
    signed(witness.add_checkpoint(request.format().encode()))
    served = witness.latest(HASH)
    assert isinstance(served, Note)
    assert forged not in served.signatures


def test_a_log_with_two_keys_is_known_by_either(folder: str) -> None:
    """Logs sign with Ed25519 and ML-DSA-44, and a witness may have been given only one of the keys."""
    log = SampleLog(also_ml_dsa=True)
    with_both = Witness(folder, lambda: NOW)
    with_both.trust(log.vkeys[1:])
    signed(with_both.add_checkpoint(log.body(0, 2)))
    with_both.trust(log.vkeys)
    signed(with_both.add_checkpoint(log.body(2, 4)))
    served = with_both.latest(HASH)
    assert isinstance(served, Note)
    assert len(served.signatures) == 4
    with_both.close()


def test_a_policy_takes_its_keys(witness: Witness) -> None:
    """A cosignature that no policy can ask for is worth nothing."""
    answer = signed(witness.add_checkpoint(LOG.body(0, 4)))
    for key in witness.keys:
        policy = Policy.parse(f"log {LOG.vkeys[0]}\nwitness w {key.text}\nquorum w\n".encode())
        policy.endorse(answer.vouched.note, now=NOW)


# what it refuses, by the statuses of tlog-witness


def test_an_unknown_log_is_404(witness: Witness) -> None:
    """A witness that cosigned for anybody would vouch for logs that its operator never heard of."""
    other = SampleLog("example.net/other")
    assert declined(witness.add_checkpoint(other.body(0, 3))).status == 404
    assert witness.latest(origin_hash(other.origin)) is None


def test_a_signature_by_no_trusted_key_is_403(witness: Witness) -> None:
    """Otherwise anybody could move the log on, and lock its operator out."""
    key = SigningKey(name=LOG.origin, algorithm=Algorithm.ED25519, seed=seed("thief"))
    note = LOG.checkpoint(3)
    for signatures in ((sign_note(note.text, key),), LOG.checkpoint(4).signatures):
        request = AddCheckpoint(old=0, proof=(), note=Note(text=note.text, signatures=signatures))
        assert declined(witness.add_checkpoint(request.format().encode())).status == 403
    assert witness.latest(HASH) is None


def test_an_old_size_beyond_the_new_is_400(witness: Witness) -> None:
    """A log cannot shrink."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    request = AddCheckpoint(old=5, proof=(), note=LOG.checkpoint(3))
    assert declined(witness.add_checkpoint(request.format().encode())).status == 400


@pytest.mark.parametrize("old", [0, 3, 6])
def test_a_stale_size_is_409_with_the_size_that_is_known(witness: Witness, old: int) -> None:
    """A log that lost count learns where to go on from; one that was rolled back learns that it was."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    answer = declined(witness.add_checkpoint(LOG.body(old, 8)))
    assert (answer.status, answer.size) == (409, 5)


@pytest.mark.parametrize("old", [0, 1])
def test_a_first_checkpoint_counts_from_zero(witness: Witness, old: int) -> None:
    """As the specification has it: zero if nothing was cosigned yet."""
    answer = witness.add_checkpoint(LOG.body(old, 8))
    if old:
        assert (declined(answer).status, declined(answer).size) == (409, 0)
    else:
        signed(answer)


def test_a_proof_that_does_not_hold_is_422(witness: Witness) -> None:
    """Else history could be rewritten between two checkpoints."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    other = SampleLog(history="other ")
    good = LOG.proof(5, 8)
    for proof, note in (
        (other.proof(5, 8), other.checkpoint(8)),
        ((), LOG.checkpoint(8)),
        (good[:-1], LOG.checkpoint(8)),
        ((*good, good[0]), LOG.checkpoint(8)),
        (tuple(reversed(good)), LOG.checkpoint(8)),
        (good, other.checkpoint(8)),
        ((good[0],), LOG.checkpoint(5)),
    ):
        request = AddCheckpoint(old=5, proof=tuple(proof), note=note)
        assert declined(witness.add_checkpoint(request.format().encode())).status == 422
    signed(witness.add_checkpoint(LOG.body(5, 8)))


def test_a_proof_from_nothing_is_422(witness: Witness) -> None:
    """One meaning, one spelling: the empty tree needs no proof."""
    request = AddCheckpoint(old=0, proof=LOG.proof(2, 3), note=LOG.checkpoint(3))
    assert declined(witness.add_checkpoint(request.format().encode())).status == 422


def test_an_empty_tree_with_another_root_is_422(witness: Witness) -> None:
    """As the specification has it; nothing grows from a root that is no tree's."""
    request = AddCheckpoint(old=0, proof=(), note=LOG.checkpoint(0, root=seed("no tree")))
    assert declined(witness.add_checkpoint(request.format().encode())).status == 422
    assert LOG.checkpoint(0, root=EMPTY) == LOG.checkpoint(0)


def test_a_split_view_is_422_and_kept_as_proof(witness: Witness) -> None:
    """Who was shown the other history needs more than the witness's word."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    other = SampleLog(history="other ")
    for _ in range(2):
        assert declined(witness.add_checkpoint(other.body(5, 5))).status == 422
    (log,) = witness.status()
    (split,) = log.splits
    key = LOG.keys[0].verifier
    ours, theirs = Note.parse(split.ours), Note.parse(split.other)
    assert verify_signature(ours, key) is not None and verify_signature(theirs, key) is not None
    first, second = Checkpoint.parse(ours.text), Checkpoint.parse(theirs.text)
    assert first.origin == second.origin and first.size == second.size and first.root != second.root
    assert log.latest is not None and log.latest.checkpoint.root == LOG.root(5)


def test_split_views_do_not_fill_the_disk(witness: Witness) -> None:
    """A hostile log can sign as many as it likes."""
    signed(witness.add_checkpoint(LOG.body(0, 2)))
    for number in range(30):
        other = SampleLog(history=f"other {number} ")
        assert declined(witness.add_checkpoint(other.body(2, 2))).status == 422
    assert 1 <= len(witness.status()[0].splits) <= 16


@pytest.fixture(scope="module")
def at_five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    """A witness at size 5 of the sample log, for all examples of a property: none of them may move it."""
    made = str(tmp_path_factory.mktemp("five") / "witness")
    create_witness(made, NAME, chance())
    found = Witness(made, lambda: NOW)
    found.trust(LOG.vkeys)
    signed(found.add_checkpoint(LOG.body(0, 5)))
    yield found
    found.close()


@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_bytes_that_are_no_request_are_400(at_five: Witness, body: bytes) -> None:
    """Anybody can send anything, and nothing of it may be cosigned, stored or end in an error of ours."""
    assert declined(at_five.add_checkpoint(body)).status == 400


@given(data=st.data())
def test_a_request_with_anything_changed_is_not_cosigned(at_five: Witness, data: st.DataObject) -> None:
    """Whoever stands between a log and its witness must not be able to turn one request into another."""
    body = LOG.body(5, 8)
    place = data.draw(st.integers(0, len(body) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "flip", "cut"]))
    changed = {
        "drop": body[:place] + body[place + 1 :],
        "double": body[:place] + body[place : place + 1] + body[place:],
        "flip": body[:place] + bytes([body[place] ^ 1 << data.draw(st.integers(0, 7))]) + body[place + 1 :],
        "cut": body[:place],
    }[change]
    assume(changed != body)
    assert declined(at_five.add_checkpoint(changed)).status in {400, 403, 404, 409, 422}
    signed(at_five.add_checkpoint(LOG.body(5, 5)))  # it did not move


# time


def test_time_never_goes_back(folder: str) -> None:
    """A cosignature says that no larger tree was seen by its time: an earlier time on a larger tree makes it false."""
    now = [NOW]
    witness = Witness(folder, lambda: now[0])
    witness.trust(LOG.vkeys)
    assert times(signed(witness.add_checkpoint(LOG.body(0, 1))), witness) == {NOW}
    now[0] = NOW - 200
    assert times(signed(witness.add_checkpoint(LOG.body(1, 2))), witness) == {NOW}
    witness.close()
    again = Witness(folder, lambda: NOW - 1)
    assert times(signed(again.add_checkpoint(LOG.body(2, 3))), again) == {NOW}
    again.close()


def test_a_clock_that_is_far_behind_signs_nothing(folder: str) -> None:
    """Neither the clock's time nor the last one would be true."""
    now = [NOW]
    witness = Witness(folder, lambda: now[0])
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 1)))
    now[0] = NOW - 301
    answer = witness.add_checkpoint(LOG.body(1, 2))
    assert isinstance(answer, Unable) and "301 s behind" in answer.reason
    now[0] = NOW + 1
    assert times(signed(witness.add_checkpoint(LOG.body(1, 2))), witness) == {NOW + 1}
    witness.close()


@pytest.mark.parametrize("now", [0, -1])
def test_a_clock_without_a_time_signs_nothing(folder: str, now: int) -> None:
    """Zero would say that the witness states no time, which this protocol forbids."""
    witness = Witness(folder, lambda: now)
    witness.trust(LOG.vkeys)
    assert isinstance(witness.add_checkpoint(LOG.body(0, 1)), Unable)
    assert witness.latest(HASH) is None
    witness.close()


# several at once


def test_of_two_at_once_one_is_cosigned_and_the_others_told_the_size(folder: str) -> None:
    """If both were cosigned, a log could keep two histories from then on. Two openings share the folder here, as two
    processes would."""
    witnesses = Witness(folder, lambda: NOW), Witness(folder, lambda: NOW)
    for number in range(20):
        log, fork = SampleLog(f"example.org/{number}"), SampleLog(f"example.org/{number}", history="other ")
        witnesses[0].trust(log.vkeys)
        signed(witnesses[0].add_checkpoint(log.body(0, 5)))
        forked = AddCheckpoint(old=5, proof=log.proof(5, 6), note=fork.checkpoint(6)).format().encode()
        bodies = [log.body(5, 6), log.body(5, 9), log.body(5, 12), forked]
        answers = at_once([partial(each.add_checkpoint, body) for each in witnesses for body in bodies])
        (won,) = [answer for answer in answers if isinstance(answer, Signed)]
        stands = won.vouched.checkpoint
        assert stands.root == log.root(stands.size)
        lost = {(declined(answer).status, declined(answer).size) for answer in answers if answer is not won}
        assert (409, stands.size) in lost and lost <= {(409, stands.size), (422, None)}
        served = witnesses[1].latest(origin_hash(log.origin))
        assert isinstance(served, Note) and Checkpoint.parse(served.text) == stands
    for each in witnesses:
        each.close()


def test_the_same_request_many_times_at_once_is_cosigned_each_time(witness: Witness) -> None:
    """A log whose answer was lost asks again, and gets a signature over the same tree."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    answers = at_once([partial(witness.add_checkpoint, LOG.body(5, 5))] * 16)
    assert len(answers) == 16
    assert {times(signed(answer), witness).pop() for answer in answers} == {NOW}


# what goes wrong

PROGRAM = """
import os, signal, sys
from armslength.service import Witness
from tests.service.logs import NOW, SampleLog

folder, old, size, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
witness = Witness(folder, lambda: NOW)
state = witness._state
advance = state.advance

def killed(new, *, after):
    if step == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    advance(new, after=after)
    os.kill(os.getpid(), signal.SIGKILL)

state.advance = killed
witness.add_checkpoint(SampleLog().body(old, size))
"""


@pytest.mark.parametrize("step", ["before", "after"])
def test_killed_around_storing_it_goes_on_from_what_is_stored(folder: str, step: str, root: Path) -> None:
    """Who dies between storing and answering must neither forget what it vouched for nor lock the log out."""
    witness = Witness(folder, lambda: NOW)
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    witness.close()
    command = [sys.executable, "-c", PROGRAM, folder, "5", "8", step]
    ended = subprocess.run(command, cwd=root, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    again = Witness(folder, lambda: NOW)
    first = again.add_checkpoint(LOG.body(5, 8))
    if step == "before":
        signed(first)
    else:
        assert (declined(first).status, declined(first).size) == (409, 8)
    # The log asks for the size that it was told of, and gets its signatures.
    assert times(signed(again.add_checkpoint(LOG.body(8, 8))), again) == {NOW}
    assert declined(again.add_checkpoint(SampleLog(history="other ").body(8, 8))).status == 422
    again.close()


CRASHING = """
import sys
from armslength.service import Witness
from tests.service.logs import NOW, SampleLog

witness = Witness(sys.argv[1], lambda: NOW)
log = SampleLog()
for size in range(int(sys.argv[2]), 10**6):
    answer = witness.add_checkpoint(log.body(size, size + 1))
    print(answer.vouched.checkpoint.size, flush=True)
"""


def test_killed_at_any_time_it_never_forgets_what_it_showed(folder: str, root: Path) -> None:
    """Each kill that lost a cosigned checkpoint would let a log begin a second history from an older one."""
    witness = Witness(folder, lambda: NOW)
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 1)))
    stands = 1
    for number in range(6):
        command = [sys.executable, "-c", CRASHING, folder, str(stands)]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(3 + number):
                shown = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split("\n")[:-1]
            shown = max([shown, *map(int, rest)])
        served = Witness(folder, lambda: NOW).latest(HASH)
        assert isinstance(served, Note)
        found = Checkpoint.parse(served.text)
        assert found.size in (shown, shown + 1) and found.root == LOG.root(found.size)
        stands = found.size
    witness.close()


FULL = """
import resource, sys
from armslength.service import Signed, Unable, Witness
from tests.service.logs import NOW, SampleLog

witness = Witness(sys.argv[1], lambda: NOW)
log = SampleLog()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
answer = witness.add_checkpoint(log.body(5, 8))
assert isinstance(answer, Unable), answer
assert "disk" in answer.reason or "full" in answer.reason or "I/O" in answer.reason, answer.reason
note = witness.latest(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert isinstance(witness.add_checkpoint(log.body(5, 8)), Signed)
print("signed once there was room")
"""


def test_a_full_disk_signs_nothing(folder: str, root: Path) -> None:
    """A signature whose checkpoint was not stored is one that the witness forgets; once there is room it goes on."""
    witness = Witness(folder, lambda: NOW)
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    witness.close()
    command = [sys.executable, "-c", FULL, folder, HASH]
    ended = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "signed once there was room\n"), ended.stderr


def damage(what: str, folder: str) -> None:
    path = os.path.join(folder, "state.db")
    if what in STATEMENTS:
        db = sqlite3.connect(path)
        db.execute(STATEMENTS[what])
        db.commit()
        db.close()
        return
    with open(path, "r+b") as file:
        data = file.read()
        match what:
            case "page":
                file.seek(4096)
                file.write(b"\xff" * 512)
            case "header":
                file.seek(0)
                file.write(b"something else")
            case "cut":
                file.truncate(len(data) // 2)
            case "empty":
                file.truncate(0)
            case "note":
                place = data.rindex(b"example.org/log\n5\n") + 20
                file.seek(place)
                file.write(b"A" if data[place : place + 1] != b"A" else b"B")


STATEMENTS = {
    "size": "UPDATE latest SET size=4",
    "root": "UPDATE latest SET root=zeroblob(32)",
    "time": "UPDATE latest SET time=time-1000",
    "origin": "UPDATE latest SET origin='example.org/another'",
    "hash": "UPDATE latest SET hash='00'",
    "text": "UPDATE latest SET note='nothing'",
    "key": "UPDATE log_keys SET origin='example.org/another'",
    "signer": "DELETE FROM signers",
    "table": "DROP TABLE latest",
    "version": "PRAGMA user_version=7",
}


@pytest.mark.parametrize("what", ["page", "header", "cut", "empty", "note", *STATEMENTS])
def test_a_damaged_state_is_refused_and_not_mended(folder: str, what: str) -> None:
    """A witness that guesses what it had cosigned cosigns whatever it is shown."""
    witness = Witness(folder, lambda: NOW)
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    witness.close()
    damage(what, folder)
    with pytest.raises(Refusal, match="state.db"):
        Witness(folder, lambda: NOW)


def test_a_state_that_is_gone_is_refused(folder: str) -> None:
    """An empty one would cosign every history once more."""
    os.unlink(os.path.join(folder, "state.db"))
    with pytest.raises(Refusal, match="make a new witness with new keys"):
        Witness(folder, lambda: NOW)
    assert not os.path.exists(os.path.join(folder, "state.db"))


def test_another_witness_s_state_is_refused(folder: str, tmp_path: Path) -> None:
    """Two folders mixed up after a restore must not become one witness."""
    other = tmp_path / "other"
    create_witness(str(other), NAME, os.urandom)
    os.replace(other / "state.db", os.path.join(folder, "state.db"))
    with pytest.raises(Refusal, match="another witness"):
        Witness(folder, lambda: NOW)


def test_damage_while_it_runs_stops_the_signing(folder: str) -> None:
    """A disk does not fail only at the start."""
    witness = Witness(folder, lambda: NOW)
    witness.trust(LOG.vkeys)
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    damage("cut", folder)
    assert isinstance(witness.add_checkpoint(LOG.body(5, 6)), Unable)
    assert isinstance(witness.add_checkpoint(LOG.body(5, 6)), Unable)
    assert witness.ready() is not None
    witness.close()


# keys


def test_keys_that_others_can_read_are_refused(folder: str) -> None:
    """Whoever could read them may be signing too."""
    path = os.path.join(folder, "witness.key")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.stat(os.path.join(folder, "state.db")).st_mode & 0o777 == 0o600
    os.chmod(path, 0o640)
    with pytest.raises(Refusal, match="chmod 600"):
        Witness(folder, lambda: NOW)


@pytest.mark.parametrize("text", ["", "\n", "PRIVATE+KEY+x", "{0}\n{0}\n", "{1}\n", "{2}\n"])
def test_damaged_keys_are_refused_without_showing_them(folder: str, text: str) -> None:
    """A message ends up in logs and reports."""
    path = Path(folder, "witness.key")
    lines = path.read_text().splitlines()
    log_key = SigningKey(name=NAME, algorithm=Algorithm.ED25519, seed=seed("x")).text
    path.write_text(text.format(lines[0], lines[1][:-1], log_key))
    with pytest.raises(Refusal) as refused:
        Witness(folder, lambda: NOW)
    secrets = {line[-24:] for line in [*lines, log_key]}
    assert not [secret for secret in secrets if secret in str(refused.value)]


def test_a_witness_is_made_once(folder: str) -> None:
    """New keys over old ones would throw away the name that others trust."""
    before = {path: path.read_bytes() for path in Path(folder).iterdir()}
    with pytest.raises(Refusal, match="is not empty"):
        create_witness(folder, NAME, os.urandom)
    assert {path: path.read_bytes() for path in Path(folder).iterdir()} == before


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "x" * 256, "é" * 128])
def test_a_name_that_no_key_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """It would only be found out when the first policy is written."""
    with pytest.raises(Refusal):
        create_witness(str(tmp_path / "w"), name, os.urandom)
    assert not (tmp_path / "w").exists()


def test_half_a_folder_is_no_witness(folder: str) -> None:
    """A machine that died while it was made leaves no keys, and nothing that could sign."""
    os.unlink(os.path.join(folder, "witness.key"))
    with pytest.raises(Refusal, match="holds no witness"):
        Witness(folder, lambda: NOW)


# the logs it watches


def test_keys_that_are_no_log_s_are_refused_together(witness: Witness) -> None:
    """A slip in a long list must not leave half of it trusted."""
    cosigner = next(key for key in witness.keys if key.algorithm is Algorithm.COSIGNATURE_ED25519)
    foreign = SigningKey(name="example.net/x", algorithm=Algorithm.COSIGNATURE_ED25519, seed=seed("f")).verifier
    own = VerifierKey(name="example.net/y", algorithm=Algorithm.ED25519, public=cosigner.public)
    good = SampleLog("example.net/good")
    bad = ["", "nonsense", cosigner.text, foreign.text, own.text, LOG.keys[0].text, good.vkeys[0] + "="]
    with pytest.raises(Refusal) as refused:
        witness.trust([*good.vkeys, *bad])
    assert len(refused.value.problems) == len(bad)
    assert [log.origin for log in witness.status()] == [LOG.origin]


def test_a_dropped_key_is_no_longer_believed_and_nothing_is_forgotten(witness: Witness) -> None:
    """A log that lost a key goes on under another, from where it was and not from anywhere."""
    signed(witness.add_checkpoint(LOG.body(0, 5)))
    witness.distrust(LOG.vkeys)
    assert declined(witness.add_checkpoint(LOG.body(5, 6))).status == 404
    with pytest.raises(Refusal, match="not trusted"):
        witness.distrust(LOG.vkeys)
    witness.trust(LOG.vkeys)
    assert declined(witness.add_checkpoint(LOG.body(0, 6))).size == 5
    signed(witness.add_checkpoint(LOG.body(5, 6)))


def test_a_log_that_is_added_is_witnessed_at_once(folder: str) -> None:
    """Nobody has to stop a witness, and with it every other log, to add one."""
    serving = Witness(folder, lambda: NOW)
    assert declined(serving.add_checkpoint(LOG.body(0, 1))).status == 404
    adding = Witness(folder, lambda: NOW)
    adding.trust(LOG.vkeys)
    adding.close()
    signed(serving.add_checkpoint(LOG.body(0, 1)))
    serving.close()
