"""A log among its witnesses: it takes from each what is its own, and believes what it can prove and not its word."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from armslength.service.witnesses import Witnesses
from armslength.store import LedgerFolder, LogDatabase, LogState, PublicFolder, WitnessClient, log_nodes
from armslength.tlog import Note, Policy, VerifierKey, verify_signature
from tests.service.ledgers import act, copied, ledger_folder, opened, record, recorded
from tests.service.logs import NOW
from tests.service.watchers import Watcher, cosigning, lines, saying, to_posts, trusted, watching

Pair = tuple[Watcher, Watcher]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with watching(tmp_path, "anna", "bruno") as (anna, bruno):
        yield anna, bruno


@pytest.fixture
def folder(tmp_path: Path, pair: Pair) -> LedgerFolder:
    """A ledger whose witnesses have seen it."""
    made = ledger_folder(tmp_path / "ledger", witnesses=lines(pair, "all"))
    trusted(pair, made)
    record(made, act("one", "acme"), act("two", "acme"))
    return made


class Asking:
    """A log that asks its witnesses, without a ledger around it."""

    def __init__(self, folder: LedgerFolder, policy: Policy, *, timeout: float = 30.0) -> None:
        self._log = LogDatabase(folder.log)
        self._client = WitnessClient()
        self._public = PublicFolder(folder.public)
        self.witnesses = Witnesses(policy, self._client, timeout=timeout)

    def close(self) -> None:
        self.witnesses.close()
        self._client.close()
        self._log.close()

    def state(self) -> LogState:
        return self._log.state()

    def round(self, *, enough: int = 9) -> tuple[set[VerifierKey], dict[str, str | None], str | None]:
        """Ask for cosignatures: the keys that gave one, what is told of each witness, and what was proven."""
        state = self.state()
        note = Note.parse(state.note)
        found = self.witnesses.cosign(
            note, state.edge, log_nodes(self._log, state.size), enough=lambda given: len(list(given)) >= enough
        )
        whole = note.with_signatures(found.signatures)
        keys = {witness.key for witness in self.witnesses._policy.witnesses}
        given = {key for key in keys if verify_signature(whole, key) is not None}
        assert len(given) == len(found.signatures)
        return given, {answer.url: answer.problem for answer in found.answers}, found.contradiction

    def against(self) -> tuple[str | None, dict[str, str | None]]:
        """What can be proven against the log as it is opened, and the witnesses that left it open."""
        state = self.state()
        proven, answers = self.witnesses.contradiction(
            Note.parse(state.note), state.edge, log_nodes(self._log, state.size), shown=self._public.published()
        )
        return proven, {answer.url: answer.problem for answer in answers if answer.problem is not None}


@pytest.fixture
def asking(folder: LedgerFolder) -> Iterator[Asking]:
    with closing(Asking(folder, folder.policy)) as made:
        yield made


def test_every_witness_is_asked_and_gives_its_own(asking: Asking, pair: Pair) -> None:
    """A customer's policy asks for each by its key."""
    given, told, proven = asking.round()
    assert given == {each.key for each in pair}
    assert told == {each.url: None for each in pair}
    assert proven is None


def test_a_witness_with_two_keys_in_the_policy_gives_a_cosignature_by_each(folder: LedgerFolder, pair: Pair) -> None:
    """The one for today's tools, and the one that outlasts quantum computers."""
    anna = pair[0]
    line = f"witness anna-pq {_pq(anna).text} {anna.url}\n"
    text = folder.policy.format().replace("group enough", f"{line}group enough")
    with closing(Asking(folder, Policy.parse(text))) as asking:
        posts = anna.door.asked["POST"]
        given, told, _ = asking.round()
        assert given == {anna.key, _pq(anna), pair[1].key}
        assert anna.door.asked["POST"] <= posts + 2  # it is one witness, and asked as one
        assert set(told) == {each.url for each in pair}


def _pq(watcher: Watcher) -> VerifierKey:
    (key,) = (key for key in watcher.witness.keys if key != watcher.key)
    return key


def test_a_witness_without_an_address_is_not_asked(folder: LedgerFolder, pair: Pair) -> None:
    """Its cosignature comes some other way, or not at all; nobody can be reached at no address."""
    text = folder.policy.format().replace(f" {pair[1].url}", "")
    with closing(Asking(folder, Policy.parse(text))) as asking:
        assert asking.round() == ({pair[0].key}, {pair[0].url: None}, None)
        assert asking.against() == (None, {})


def test_a_policy_without_witnesses_asks_nobody(folder: LedgerFolder) -> None:
    """The trial that everybody begins with."""
    text = "".join(line for line in folder.policy.format().splitlines(keepends=True) if line.startswith("log "))
    with closing(Asking(folder, Policy.parse(text + "quorum none\n"))) as asking:
        assert asking.round(enough=0) == (set(), {}, None)
        assert asking.against() == (None, {})


def test_a_cosignature_of_one_witness_shown_by_another_is_not_its_own(asking: Asking, pair: Pair) -> None:
    """One that is down would look as if it were up, and one that lies as if it were honest."""
    anna, bruno = pair
    anna.door.instead = saying(500)
    bruno.door.instead = to_posts(cosigning(anna.signer, time=NOW))
    given, told, proven = asking.round()
    assert (given, proven) == (set(), None)
    assert told == {
        anna.url: "it refused (500): answered 500",
        bruno.url: "it answered with no cosignature by its key in the policy",
    }


def test_once_there_are_enough_the_slow_are_left_behind_and_heard_next_time(asking: Asking, pair: Pair) -> None:
    """One slow witness would hold up every checkpoint of a log whose quorum does not need it."""
    anna, bruno = pair
    over, came = threading.Event(), threading.Event()

    async def slow(request: Request) -> Response:
        came.set()
        while not over.is_set():
            await asyncio.sleep(0.01)
        return PlainTextResponse("busy", 500)

    try:
        bruno.door.instead = slow
        posts = bruno.door.asked["POST"]
        for _ in range(3):
            given, told, _ = asking.round(enough=1)
            assert given == {anna.key}
            assert told == {anna.url: None, bruno.url: "it has not answered yet"}
        assert came.is_set()
        assert bruno.door.asked["POST"] == posts + 1  # nobody is asked twice at once
    finally:
        over.set()
    bruno.door.instead = None
    while True:  # the answer that came late is taken, and then it is asked again
        given, told, _ = asking.round()
        if given == {each.key for each in pair}:
            break
    assert set(told.values()) == {None}


# What they say when the log is opened


def test_witnesses_that_agree_leave_nothing_open(asking: Asking, pair: Pair) -> None:
    """Every start would warn of something."""
    assert asking.against() == (None, {})


def test_a_witness_that_says_more_than_it_can_prove_is_told_and_not_believed(asking: Asking, pair: Pair) -> None:
    """Any of them could keep any log from starting."""
    bruno = pair[1]

    async def more(request: Request) -> Response:
        if request.method == "POST":
            return PlainTextResponse("7000\n", 409, headers={"Content-Type": "text/x.tlog.size"})
        return PlainTextResponse("gone", 404)

    bruno.door.instead = more
    assert asking.against() == (
        None,
        {bruno.url: "it says that it cosigned size 7000, and this log has 3; it shows no proof of that"},
    )


def test_a_witness_that_forgot_the_log_leaves_it_open(asking: Asking, pair: Pair) -> None:
    """It cosigned what is published and shows nothing: it was restored from before, or hides what it knows."""
    pair[0].door.instead = to_posts(saying(500), get=saying(404, "never heard of it"))
    assert asking.against() == (
        None,
        {pair[0].url: "it shows no checkpoint of this log, and cosigned the one that is published"},
    )


def test_witnesses_that_do_not_answer_leave_it_open(folder: LedgerFolder, pair: Pair) -> None:
    """Nobody can say whether they know more; an operator has to be told that."""
    pair[0].door.instead = saying(503)
    pair[1].door.instead = saying(200, "rubbish")
    with closing(Asking(folder, folder.policy)) as asking:
        proven, told = asking.against()
    assert proven is None
    assert told[pair[0].url] == "answered 503"
    assert "answered with what is no checkpoint" in (told[pair[1].url] or "")


def test_a_larger_checkpoint_that_the_log_signed_proves_a_rollback(
    folder: LedgerFolder, pair: Pair, tmp_path: Path
) -> None:
    """It is shown by one of them only: the other may have been away."""
    backup = copied(folder.path, tmp_path / "backup")
    pair[0].door.instead = saying(500)
    with opened(folder) as ledger:
        recorded(ledger, act("three", "acme"))
        ledger.publish()
    pair[0].door.instead = None
    copied(backup, folder.path)
    with closing(Asking(folder, folder.policy)) as asking:
        proven, _ = asking.against()
        assert proven == (
            f"the witness {pair[1].url} shows a checkpoint of size 5 signed by this log, which has 3 entries: it was"
            " rolled back"
        )
        given, told, contradiction = asking.round()
        assert contradiction == proven
        assert given == {pair[0].key}
        assert told[pair[1].url] == ("it says that it cosigned size 5, and this log has 3; it shows no proof of that")
