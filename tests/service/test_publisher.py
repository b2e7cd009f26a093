"""The publisher among real witnesses: what stands published is what enough of them cosigned, whatever one does."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from armslength.service import Ledger, check_ledger, ledger_status
from armslength.service.publisher import Publisher
from armslength.store import LedgerFolder, Overtaken, PublicFolder, open_log, read_ledger_folder
from armslength.tlog import Checkpoint, Note, Unverified, fsck, sign_note
from tests.service.ledgers import Clock, act, copied, ledger_folder, opened, record, recorded
from tests.service.logs import NOW, SampleLog
from tests.service.watchers import (
    Answer,
    Watcher,
    cosigning,
    honestly,
    lines,
    saying,
    to_posts,
    trusted,
    watching,
)

YEAR = 366 * 86_400
Trio = tuple[Watcher, Watcher, Watcher]


@pytest.fixture(scope="module")
def witnesses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with watching(tmp_path_factory.mktemp("witnesses"), "anna", "bruno", "carla") as (anna, bruno, carla):
        yield anna, bruno, carla


@pytest.fixture
def trio(witnesses: Trio) -> Trio:
    """The three of them, honest."""
    for each in witnesses:
        each.door.instead = None
    return witnesses


LOGS = count()


def kept(path: Path, trio: Trio, quorum: str, **settings: float) -> LedgerFolder:
    """A log that the witnesses have never seen."""
    origin = f"log{next(LOGS)}.example.com/acts"
    folder = ledger_folder(path / "ledger", origin=origin, witnesses=lines(trio, quorum), **settings)
    trusted(trio, folder)
    return folder


def published(folder: LedgerFolder) -> int | None:
    """The size of what stands published; fails unless the policy accepts it and all that it needs is there."""
    public = PublicFolder(folder.public)
    note = public.published()
    if note is None:
        return None
    endorsed = folder.policy.endorse(note, now=NOW)
    assert fsck(public.read, endorsed.checkpoint) == ()
    return endorsed.checkpoint.size


def cosigners(folder: LedgerFolder) -> set[str]:
    note = PublicFolder(folder.public).published()
    assert note is not None
    return {name for name, _ in folder.policy.endorse(note, now=NOW).witnesses}


def problems(ledger: Ledger) -> dict[str, str | None]:
    """What is told of the witnesses, by their URLs."""
    return {answer.url: answer.problem for answer in ledger.health().publisher.witnesses}


# Quorums


def test_the_newest_checkpoint_is_published_with_the_cosignatures_it_got(tmp_path: Path, trio: Trio) -> None:
    """Customers' policies ask for them."""
    folder = kept(tmp_path, trio, "all")
    with opened(folder) as ledger:
        assert published(folder) is None
        first = recorded(ledger, act("one", "acme"))[0]
        assert not ledger.witnessed(first)
        health = ledger.publish()
        assert (health.published, health.behind, health.problem) == (1, 1, None)
        assert health.at == NOW
        assert ledger.witnessed(first)
        assert published(folder) == 1
        recorded(ledger, *(act(f"more {number}", "acme") for number in range(4)))
        assert published(folder) == 1
        assert ledger.publish().published == 5
        assert [each.size(folder.settings.origin) for each in trio] == [5, 5, 5]
    assert published(folder) == 6  # the map head that closing writes
    assert cosigners(folder) == {"anna", "bruno", "carla"}
    assert set(problems(ledger).values()) == {None}


def test_what_is_exported_is_not_written_again_while_the_quorum_is_missed(tmp_path: Path, trio: Trio) -> None:
    """Witnesses that are away for a night would have a large log write all of its tiles again, try after try."""
    folder = kept(tmp_path, trio, "2")
    with opened(folder) as ledger:
        for each in trio:
            each.door.instead = saying(503, "the witness cannot answer now")
        recorded(ledger, act("one", "acme"))
        tile = folder.public / "tile/0/000.p/1"

        def tried() -> int:
            assert ledger.publish().problem is not None
            return tile.stat().st_mtime_ns

        first = tried()
        assert (tried(), tried()) == (first, first)
        shutil.rmtree(folder.public)
        tried()
        for each in trio:
            each.door.instead = None
        assert ledger.publish().published == 1
        assert check_ledger(folder).findings == ()


def test_while_the_quorum_is_missed_the_old_checkpoint_stays_and_the_status_says_so(tmp_path: Path, trio: Trio) -> None:
    """Somebody would be told that their record is witnessed, and it is not."""
    anna, bruno, _ = trio
    folder = kept(tmp_path, trio, "2")
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        anna.door.instead = bruno.door.instead = saying(503, "the witness cannot answer now")
        late = recorded(ledger, act("two", "acme"))[0]
        for _ in range(2):
            health = ledger.publish()
            assert (health.published, health.behind) == (1, 2)
            assert health.problem is not None
            assert 'the quorum "enough" is not met for size 2' in health.problem
            assert 'not by "anna", "bruno"' in health.problem
            assert published(folder) == 1
            assert not ledger.witnessed(late)
            assert ledger.health().writer.stopped is None
        assert problems(ledger) == {
            anna.url: "it refused (503): answered 503: the witness cannot answer now",
            bruno.url: "it refused (503): answered 503: the witness cannot answer now",
            trio[2].url: None,
        }
        status = ledger_status(folder)
        assert (status.size, status.published) == (2, 1)
        assert status.problems == ("1 entries are durable and not published yet",)
        assert status.assessment is not None
        assert status.assessment.quorum_met
        anna.door.instead = None
        health = ledger.publish()
        assert (health.published, health.behind, health.problem) == (2, 2, None)
        assert ledger.witnessed(late)
        assert published(folder) == 2
        assert cosigners(folder) == {"anna", "carla"}
        assert ledger_status(folder).problems == ()


def test_a_log_whose_witnesses_never_answered_has_nothing_published(tmp_path: Path, trio: Trio) -> None:
    """An unwitnessed checkpoint is no checkpoint."""
    for each in trio:
        each.door.instead = saying(500)
    folder = kept(tmp_path, trio, "any")
    record(folder, act("one", "acme"))
    assert published(folder) is None
    assert ledger_status(folder).problems == ("nothing is published yet",)
    trio[1].door.instead = None
    with opened(folder):
        pass
    assert published(folder) == 2
    assert cosigners(folder) == {"bruno"}


def test_witnesses_that_nobody_reaches_are_told_by_name(tmp_path: Path, trio: Trio) -> None:
    """An operator who does not see which witness is down asks all of them."""
    with watching(tmp_path / "gone", "dora") as (dora,):
        line = dora.line
    folder = ledger_folder(
        tmp_path / "ledger", witnesses=f"{trio[0].line}{line}group enough any anna dora\nquorum enough\n"
    )
    trusted(trio[:1], folder)
    with opened(folder) as ledger:
        (unasked,) = ledger.health().unasked
        assert unasked.url == dora.url
        assert unasked.problem is not None
        assert "refused" in unasked.problem
        recorded(ledger, act("one", "acme"))
        health = ledger.publish()
        assert (health.published, health.problem) == (1, None)
        found = problems(ledger)
        assert found[trio[0].url] is None
        assert (found[dora.url] or "").startswith("no answer: ")


def test_nothing_new_asks_nobody(tmp_path: Path, trio: Trio) -> None:
    """A quiet log would have witnesses sign the same thing every second."""
    folder = kept(tmp_path, trio, "all")
    record(folder, act("one", "acme"))
    with opened(folder) as ledger:
        before = [dict(each.door.asked) for each in trio]
        for _ in range(3):
            assert ledger.publish().problem is None
        assert [each.door.asked for each in trio] == before


def test_a_publisher_that_was_started_publishes_by_itself(tmp_path: Path, trio: Trio) -> None:
    """Nobody would call it."""
    folder = kept(tmp_path, trio, "all", publish=0.01)
    done = threading.Semaphore(0)
    ledger = opened(folder, step=lambda step: done.release() if step == "published" else None)
    with ledger:
        recorded(ledger, act("one", "acme"))
        ledger.start()
        assert done.acquire(timeout=30)
        recorded(ledger, act("two", "acme"))
        while published(folder) != 2:
            assert done.acquire(timeout=30)
    assert ledger.health().publisher.problem is None


def test_each_witness_gets_a_proof_from_where_it_is(tmp_path: Path, trio: Trio) -> None:
    """One that was away for a while would never come back."""
    anna, bruno, carla = trio
    folder = kept(tmp_path, trio, "all", witness_timeout=60.0)
    with opened(folder) as ledger:
        for number, away in enumerate([(), (anna,), (anna, bruno), (bruno,), ()]):
            for each in trio:
                each.door.instead = saying(500) if each in away else None
            recorded(ledger, *(act(f"{number}/{more}", "acme") for more in range(3)))
            assert (ledger.publish().problem is None) == (not away)
            newest = [each for each in trio if each.size(folder.settings.origin) == 3 * number + 3]
            assert newest == [each for each in trio if each not in away]
    # A process that knows nothing of what they cosigned last finds it out.
    with opened(folder) as ledger:
        posts = carla.door.asked["POST"]
        recorded(ledger, act("after a start", "acme"))
        assert ledger.publish().problem is None
        assert carla.door.asked["POST"] == posts + 2
        assert cosigners(folder) == {"anna", "bruno", "carla"}


# Witnesses gone bad


def huge(get: Answer) -> Answer:
    """A conflict that no log could resolve, and what is shown for it."""

    async def conflict(request: Request) -> Response:
        return PlainTextResponse("9223372036854775807\n", 409, headers={"Content-Type": "text/x.tlog.size"})

    return to_posts(conflict, get=get)


def forged(folder: LedgerFolder, size: int) -> str:
    """A larger checkpoint under the log's name and key ids, signed by nobody's key."""
    log = SampleLog(folder.settings.origin)
    text = Checkpoint(origin=log.origin, size=size, root=bytes(32)).format()
    note = PublicFolder(folder.public).published()
    assert note is not None
    return Note(text=text, signatures=note.signatures).format()


def relabelled(folder: LedgerFolder) -> str:
    """A checkpoint of a customer's own log, whose Ed25519 signature covers the text alone, as if of the main log."""
    (key,) = (key for key in folder.signers if not key.algorithm.timestamped)
    text = Checkpoint(origin=f"{folder.settings.origin}/customer/abc", size=900, root=bytes(32)).format()
    signature = sign_note(text, key)
    return Note(text=text, signatures=(signature,)).format()


async def same_size(request: Request) -> Response:
    """A conflict at the size that was claimed: how some witnesses say that the root differs."""
    claimed = (await request.body()).split(b"\n", 1)[0].removeprefix(b"old ")
    return PlainTextResponse(claimed + b"\n", 409)


async def redirecting(request: Request) -> Response:
    return RedirectResponse("http://127.0.0.1:1/elsewhere")


LIES: dict[str, Callable[[LedgerFolder, Trio], Answer]] = {
    "a conflict with a size that nobody has": lambda folder, trio: huge(saying(404)),
    "that, and another log's checkpoint": lambda folder, trio: huge(
        saying(200, SampleLog("other.example/log").checkpoint(9).format())
    ),
    "that, and a checkpoint that was not signed": lambda folder, trio: huge(saying(200, forged(folder, 900))),
    "that, and a checkpoint of the same name by other keys": lambda folder, trio: huge(
        saying(200, SampleLog(folder.settings.origin).checkpoint(900).format())
    ),
    "that, and a checkpoint of a customer's log": lambda folder, trio: huge(saying(200, relabelled(folder))),
    "that, and an older checkpoint that is true": lambda folder, trio: huge(
        saying(200, (folder.public / "checkpoint").read_bytes())
    ),
    "that, and rubbish": lambda folder, trio: huge(saying(200, "rubbish" * 100_000)),
    "a conflict at nothing, for ever": lambda folder, trio: to_posts(saying(409, "0\n")),
    "a conflict at the size that was sent": lambda folder, trio: to_posts(same_size),
    "a conflict without a size": lambda folder, trio: to_posts(saying(409, "many\n")),
    "a proof refused": lambda folder, trio: saying(422, "the proof does not hold"),
    "rubbish": lambda folder, trio: saying(200, "rubbish"),
    "nothing": lambda folder, trio: saying(200),
    "a megabyte": lambda folder, trio: saying(200, "x" * 2_000_000),
    "a signature over something else": lambda folder, trio: to_posts(
        cosigning(trio[2].signer, time=NOW, text=SampleLog().checkpoint(5).text)
    ),
    "a stranger's signature": lambda folder, trio: to_posts(cosigning(trio[0].signer.named("x.example/w"), time=NOW)),
    "another witness's signature": lambda folder, trio: to_posts(cosigning(trio[0].signer, trio[1].signer, time=NOW)),
    "another witness's, over something else": lambda folder, trio: to_posts(
        cosigning(trio[0].signer, trio[2].signer, time=NOW, text=SampleLog().checkpoint(5).text)
    ),
    "a signature from the future": lambda folder, trio: to_posts(cosigning(trio[2].signer, time=NOW + YEAR)),
    "another witness's from the future": lambda folder, trio: to_posts(cosigning(trio[0].signer, time=NOW + YEAR)),
    "its own sixty times": lambda folder, trio: to_posts(cosigning(*[trio[2].signer] * 60, time=NOW)),
    "another's sixty times": lambda folder, trio: to_posts(cosigning(*[trio[1].signer] * 60, time=NOW)),
    "its own cut short": lambda folder, trio: honestly(trio[2].witness, lambda said: said[:-20]),
    "a redirect": lambda folder, trio: redirecting,
    "a refusal in control characters": lambda folder, trio: saying(403, "\x1b[31mred\x1b[0m\nand more"),
}
ODD = {"its own sixty times"}
"""Strange, and a cosignature all the same."""
COSIGNED = {"a signature from the future"}
"""It did cosign; that its clock is wrong is told where the quorum is."""


@pytest.fixture(scope="module")
def two_of_three(tmp_path_factory: pytest.TempPathFactory, witnesses: Trio) -> Iterator[Ledger]:
    with opened(kept(tmp_path_factory.mktemp("two"), witnesses, "2")) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def all_three(tmp_path_factory: pytest.TempPathFactory, witnesses: Trio) -> Iterator[Ledger]:
    with opened(kept(tmp_path_factory.mktemp("all"), witnesses, "all")) as ledger:
        yield ledger


@pytest.mark.parametrize("lie", LIES)
def test_one_witness_that_lies_stops_nothing(two_of_three: Ledger, trio: Trio, lie: str) -> None:
    """Any of them could keep a log from publishing, or stop it altogether, by saying something strange."""
    ledger, folder, carla = two_of_three, two_of_three.folder, trio[2]
    recorded(ledger, act(f"before {lie}", "acme"))
    assert ledger.publish().problem is None
    carla.door.instead = LIES[lie](folder, trio)
    recorded(ledger, act(f"during {lie}", "acme"))
    size = ledger.health().writer.size
    health = ledger.publish()
    assert (health.published, health.problem) == (size, None)
    assert ledger.health().writer.stopped is None
    assert published(folder) == size
    assert {"anna", "bruno"} <= cosigners(folder)
    told = problems(ledger)[carla.url]
    assert told is None or (told.isprintable() and len(told) < 400)


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_is_taken_for_a_cosignature(all_three: Ledger, trio: Trio, lie: str) -> None:
    """What is published would be refused by every customer, or believed without its witness."""
    ledger, folder, carla = all_three, all_three.folder, trio[2]
    recorded(ledger, act(f"before {lie}", "acme"))
    assert ledger.publish().problem is None
    before = ledger.health().writer.size
    carla.door.instead = LIES[lie](folder, trio)
    recorded(ledger, act(f"during {lie}", "acme"))
    health = ledger.publish()
    if lie in ODD:
        assert (health.published, health.problem) == (before + 1, None)
        assert cosigners(folder) == {"anna", "bruno", "carla"}
        return
    assert (health.published, health.behind) == (before, before + 1)
    assert health.problem is not None
    assert '"carla"' in health.problem
    assert published(folder) == before
    told = problems(ledger)
    assert [told[each.url] for each in trio[:2]] == [None, None]
    assert (told[carla.url] is None) == (lie in COSIGNED), told[carla.url]
    assert ledger.health().writer.stopped is None
    carla.door.instead = None
    assert ledger.publish().problem is None
    assert published(folder) == before + 1


def test_a_witness_beyond_its_time_is_not_waited_for(tmp_path: Path, trio: Trio) -> None:
    """One slow witness would hold up every checkpoint."""
    carla = trio[2]
    over = threading.Event()

    async def slow(request: Request) -> Response:
        while not over.is_set():
            await asyncio.sleep(0.01)
        return PlainTextResponse("too late", 500)

    try:
        with opened(kept(tmp_path, trio, "2", witness_timeout=30.0)) as ledger:
            carla.door.instead = slow
            recorded(ledger, act("one", "acme"))
            health = ledger.publish()
            assert (health.published, health.problem) == (1, None)
            assert problems(ledger) == {trio[0].url: None, trio[1].url: None, carla.url: "it has not answered yet"}
            over.set()
        with opened(kept(tmp_path / "more", trio, "all", witness_timeout=2.0)) as ledger:
            over.clear()
            recorded(ledger, act("one", "acme"))
            health = ledger.publish()
            assert health.published == 0
            assert problems(ledger)[carla.url] == "no answer: no answer within 2 s"
            carla.door.instead = None
            assert ledger.publish().published == 1
    finally:
        over.set()


# What a witness can prove


def rolled_back(tmp_path: Path, folder: LedgerFolder) -> None:
    """Record two acts and publish them, then restore log, lock and public as they were before."""
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"), act("three", "acme"))
    copied(backup, folder.path)


def test_a_ledger_rolled_back_with_its_lock_and_public_folder_is_not_opened(tmp_path: Path, trio: Trio) -> None:
    """It would sign a second history, and every customer hold a proof against the firm."""
    folder = kept(tmp_path, trio, "any")
    record(folder, act("one", "acme"))
    rolled_back(tmp_path, folder)
    for each in trio[:2]:
        each.door.instead = saying(500)
    with pytest.raises(Overtaken) as refused:
        opened(folder)
    assert str(refused.value) == (
        f"{folder.log}: the witness {trio[2].url} shows a checkpoint of size 5 signed by this log, which has 2 entries:"
        " it was rolled back; restore what is missing, and never sign on from here"
    )
    copied(tmp_path / "backup", folder.path)
    trio[2].door.instead = saying(500)
    with opened(folder) as ledger:  # nobody who knows better answers: it says so
        assert {answer.url for answer in ledger.health().unasked} == {each.url for each in trio}


def test_a_rollback_that_a_witness_proves_while_the_ledger_runs_stops_it(tmp_path: Path, trio: Trio) -> None:
    """The witness was away when the ledger was opened; what it knows must still count."""
    folder = kept(tmp_path, trio, "any")
    record(folder, act("one", "acme"))
    rolled_back(tmp_path, folder)
    for each in trio:
        each.door.instead = saying(500)
    ledger = opened(folder)
    with ledger:
        before = (folder.public / "checkpoint").read_bytes()
        recorded(ledger, act("another", "acme"))
        trio[1].door.instead = None
        health = ledger.publish()
        said = (
            f"the witness {trio[1].url} shows a checkpoint of size 5 signed by this log, which has 3 entries: it was"
            " rolled back"
        )
        assert health.problem == said
        assert ledger.health().writer.stopped == said
        with pytest.raises(Exception, match="it was rolled back"):
            ledger.append(act("more", "acme")).result()
        assert (folder.public / "checkpoint").read_bytes() == before
        size = ledger.health().writer.size
    assert ledger_status(folder).size == size == 3  # not even a map head is signed at the end
    assert (folder.public / "checkpoint").read_bytes() == before


def test_two_histories_of_one_size_stop_the_ledger(tmp_path: Path, trio: Trio) -> None:
    """A copy of the ledger signs somewhere: one of the two has to end."""
    folder = kept(tmp_path, trio, "any")
    record(folder, act("one", "acme"))
    twin = copied(folder.path, tmp_path / "twin")
    record(folder, act("ours", "acme"))
    for each in trio:
        each.door.instead = saying(500)
    ledger = opened(read_ledger_folder(twin))
    with ledger:
        recorded(ledger, act("theirs", "acme"), act("theirs too", "acme"))
        trio[0].door.instead = None
        health = ledger.publish()
        assert health.problem == (
            f"the witness {trio[0].url} shows another checkpoint of size 4 signed by this log: there are two histories"
        )
        assert ledger.health().writer.stopped == health.problem
    for each in trio:
        each.door.instead = None
    with pytest.raises(Overtaken, match="there are two histories"):
        opened(read_ledger_folder(twin))
    with opened(folder) as ledger:
        assert ledger.publish().problem is None


def test_a_larger_published_checkpoint_keeps_a_log_from_opening(tmp_path: Path) -> None:
    """Log and lock restored together, without witnesses: what is published still tells."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"))
    copied(folder.public, backup / "public")
    copied(backup, folder.path)
    with pytest.raises(Overtaken) as refused:
        opened(folder)
    assert str(refused.value) == (
        f"{folder.log}: holds 2 entries, but a checkpoint of 4 is published in {folder.public}: it was rolled back;"
        " restore what is missing, and never sign on from here"
    )


def test_another_published_checkpoint_of_the_same_size_keeps_a_log_from_opening(tmp_path: Path) -> None:
    """Two copies of a ledger that publish into one folder would give readers tiles of both."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme"))
    twin = copied(folder.path, tmp_path / "twin")
    record(folder, act("ours", "acme"))
    record(read_ledger_folder(twin), act("theirs", "acme"), act("theirs too", "acme"))
    copied(folder.public, twin / "public")
    with pytest.raises(Overtaken, match="has another root than was published in .* at size 4: there are two histories"):
        opened(read_ledger_folder(twin))


def another_publisher(ledger: Ledger) -> Publisher:
    """As a process that took the writer's place has it, for the same folder."""
    folder = ledger.folder
    reading = open_log(folder)
    return Publisher(
        folder,
        ledger._witnesses,
        clock=Clock(),
        step=lambda step: None,
        newest=reading.state,
        contradicted=pytest.fail,
    )


def test_a_publisher_that_was_stopped_half_way_does_not_bring_an_older_checkpoint_back(tmp_path: Path) -> None:
    """Readers would see the log shrink: the mark of a second history."""
    folder = ledger_folder(tmp_path / "ledger")
    later: list[int] = []

    def meanwhile(step: str) -> None:
        if step == "cosigned" and not later:
            recorded(ledger, act("two", "acme"), act("three", "acme"))
            other = another_publisher(ledger)
            later.append(other.publish().published)
            other.close()

    with opened(folder, step=meanwhile) as ledger:
        recorded(ledger, act("one", "acme"))
        health = ledger.publish()
        assert later == [3]
        assert published(folder) == 3
        assert health.problem == "a newer checkpoint, of size 3, is published already"
        assert ledger.health().writer.stopped is None
        assert ledger.publish().problem is None
    assert published(folder) == 4


def test_while_another_process_is_about_to_publish_nothing_is_published(tmp_path: Path) -> None:
    """It may be stopped between its look at what stands there and its own, and go on at any time."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        assert ledger.publish().published == 1
        recorded(ledger, act("two", "acme"))
        held = os.open(folder.public, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert ledger.publish().problem == f"{folder.public}: another process is publishing there"
        assert published(folder) == 1
        os.close(held)
        assert ledger.publish().published == 2


@pytest.mark.parametrize("rubbish", [b"rubbish", b"", SampleLog("other.example/log").checkpoint(900).format().encode()])
def test_what_is_not_ours_is_published_over(tmp_path: Path, rubbish: bytes) -> None:
    """Anybody who can write into the published folder could keep the ledger from starting."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme"))
    (folder.public / "checkpoint").write_bytes(rubbish)
    (folder.public / "tile" / "0" / "000.p" / "2").unlink()
    with opened(folder) as ledger:
        assert ledger.publish().problem is None
    assert published(folder) == 2


def test_a_published_folder_that_somebody_deletes_is_made_again_whole(tmp_path: Path) -> None:
    """A checkpoint would stand there whose tiles are missing."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        recorded(ledger, *(act(str(number), "acme") for number in range(3)))
        assert ledger.publish().problem is None
        folder.public.rename(tmp_path / "moved away")
        ledger.publish()
        assert published(folder) == 3


def test_a_folder_that_cannot_be_written_is_told_and_later_published(tmp_path: Path) -> None:
    """The disk of the web server is full; the ledger goes on, and says what is wrong only as long as it is."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        tile = folder.public / "tile" / "0" / "000.p" / "2"
        tile.mkdir()
        (tile / "in the way").touch()
        late = recorded(ledger, act("two", "acme"))[0]
        health = ledger.publish()
        assert (health.published, health.problem) == (1, f"{tile}: Is a directory")
        assert not ledger.witnessed(late)
        (tile / "in the way").unlink()
        tile.rmdir()
        assert ledger.publish().problem is None
        assert published(folder) == 2


def test_a_problem_that_has_passed_is_no_longer_told(tmp_path: Path) -> None:
    """An alarm that never ends is one that nobody looks at."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        checkpoint = folder.public / "checkpoint"
        checkpoint.rename(tmp_path / "aside")
        checkpoint.mkdir()
        assert ledger.publish().problem == f"{checkpoint}: Is a directory"
        checkpoint.rmdir()
        (tmp_path / "aside").rename(checkpoint)
        health = ledger.publish()
        assert (health.published, health.problem) == (1, None)


def test_a_checkpoint_that_the_policy_refuses_is_never_published(tmp_path: Path, trio: Trio) -> None:
    """What stands published is what the firm's own policy accepts; nothing else is a checkpoint."""
    folder = kept(tmp_path, trio, "all")
    record(folder, act("one", "acme"))
    note = PublicFolder(folder.public).published()
    assert note is not None
    (log, *_) = note.signatures
    with pytest.raises(Unverified):
        folder.policy.endorse(Note(text=note.text, signatures=(log,)), now=NOW)
    clock = Clock(NOW - YEAR)  # every witness's time is in this ledger's future
    with opened(folder, clock=clock) as ledger:
        recorded(ledger, act("two", "acme"))
        health = ledger.publish()
        assert health.published == 2
        assert health.problem is not None
        assert "not counted, being from the future" in health.problem
    assert published(folder) == 2
