"""Notices on their way out: who gets which, what happens when nobody takes them, and when a customer counts as told."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from armslength.gate import Granted, PersonId, Refused, RequestId, Why
from armslength.service import Delivery, Gate, check_gate
from armslength.store import Notice, can_post, read_gate_folder
from armslength.store.gate_settings import format_gate_settings
from armslength.store.notice_post import post
from tests.service.gates import ACCOUNTS, MEETINGS, TestGate, approve, ask, asked, deliver, settings, small_gate

MINUTE, HOUR, DAY = 60, 3600, 86_400

SECRET = "user:" + "hunter2" + "@"
"""What stands before the host in a URL with a password."""


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def configured(made: TestGate, **notices: tuple[str, ...]) -> TestGate:
    """The gate with these channels: `told_customer` for told-customer, `every` for all kinds."""
    said = {name.replace("_", "-").replace("every", "*"): urls for name, urls in notices.items()}
    (made.path / "gate.toml").write_bytes(format_gate_settings(settings(notices=said)))
    return made


def notices(gate: Gate, kind: str, person: str | None = None) -> list[Notice]:
    with gate.database.reading() as tables:
        return [each for each in tables.outbox.newest(person=person, limit=1000) if each.kind == kind]


@dataclass
class Outside:
    """Stands in for the channels: what it says of each notice, and what it was given."""

    says: Callable[[str], str | None] = lambda title: None
    given: list[tuple[tuple[str, ...], str | None, str, str]] = field(default_factory=list)

    def __call__(self, urls: Sequence[str], *, whom: str | None, title: str, text: str) -> str | None:
        self.given.append((tuple(urls), whom, title, text))
        return self.says(title)


def suspended(gate: Gate, *customers: str) -> RequestId:
    """A request under veto terms, whose quorum is there."""
    id = asked(gate, "suspend", ACCOUNTS, *(customers or ("acme",))).request.id
    assert approve(gate, id, "di").waiting
    return id


# When a customer counts as told


def test_a_window_runs_from_the_delivery(made: TestGate) -> None:
    """A customer who hears of it after an hour of queueing would have no time left to say no."""
    with made.running() as gate:
        id = suspended(gate)
        made.clock.now += 50 * MINUTE
        gate.tick()
        deliver(gate, made.clock)
        made.clock.now += 59 * MINUTE
        gate.tick()
        assert gate.request(id).waiting
        made.clock.now += MINUTE
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)
    assert check_gate(made.path).findings == ()


def test_a_window_waits_for_the_last_of_the_customers(made: TestGate) -> None:
    """Of two customers one would have no say."""
    with made.running() as gate:
        id = suspended(gate, "acme", "bolt")
        outside = Outside()
        delivery = Delivery(gate, clock=made.clock, send=lambda urls, **said: _only(outside, "acme", urls, **said))
        delivery.deliver()
        made.clock.now += 2 * HOUR
        gate.tick()
        assert gate.request(id).waiting, "bolt was not told"
        deliver(gate, made.clock)
        made.clock.now += HOUR - 1
        gate.tick()
        assert gate.request(id).waiting
        made.clock.now += 1
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)


def _only(outside: Outside, customer: str, urls: Sequence[str], **said: str) -> str | None:
    outside(urls, **said)
    return None if said["whom"] == customer else "was not taken"


def test_no_delivery_no_window(made: TestGate) -> None:
    """A channel that takes nothing must not be the firm's way round the customer."""
    with made.running() as gate:
        id = suspended(gate)
        delivery = Delivery(gate, clock=made.clock, send=Outside(says=lambda title: "was not taken"))
        for _ in range(20):
            delivery.deliver()
            made.clock.now += HOUR
            gate.tick()
            assert gate.request(id).waiting
        made.clock.now += DAY
        gate.tick()
        assert not isinstance(gate.request(id).status, Granted)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outbox SET due=NULL WHERE kind='told-customer'",
        "UPDATE outbox SET due=NULL, sent=made WHERE kind='told-customer'",
        "UPDATE outbox SET due=NULL, sent=made, seal=zeroblob(32) WHERE kind='told-customer'",
        "UPDATE outbox SET due=made+864000 WHERE kind='told-customer'",
        "UPDATE outbox SET kind='alarm', due=NULL WHERE kind='told-customer'",
        "DELETE FROM outbox WHERE kind='told-customer'",
    ],
)
def test_the_database_alone_cannot_say_that_a_customer_was_told(made: TestGate, statement: str) -> None:
    """Its administrator would hush the customer and wait an hour."""
    with made.running() as gate:
        id = suspended(gate)
        for _ in range(3):
            with made.administrator() as db:
                db.execute(statement)
            made.clock.now += 2 * HOUR
            gate.tick()
            assert gate.request(id).waiting


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outbox SET sent=sent-3600 WHERE seal IS NOT NULL",
        "UPDATE outbox SET mark=replace(mark, 'acme', 'bolt') WHERE mark LIKE '%acme%'",
        """UPDATE outbox SET due=NULL, sent=(SELECT sent FROM outbox WHERE seal IS NOT NULL),
           seal=(SELECT seal FROM outbox WHERE seal IS NOT NULL) WHERE mark LIKE '%bolt%'""",
    ],
)
def test_a_seal_is_for_one_notice_and_one_time(made: TestGate, statement: str) -> None:
    """Moved to another customer, or to an hour ago, it would end their time before it began."""
    with made.running() as gate:
        first = suspended(gate, "acme")
        deliver(gate, made.clock)
        second = suspended(gate, "bolt")
        with made.administrator() as db:
            db.execute("DELETE FROM outbox WHERE mark LIKE '%bolt%'" if "replace" in statement else "SELECT 1")
            db.execute(statement)
        made.clock.now += 30 * MINUTE
        gate.tick()
        assert gate.request(first).waiting and gate.request(second).waiting
        made.clock.now += HOUR
        gate.tick()
        assert gate.request(second).waiting


def test_a_notice_that_says_something_else_tells_nobody(made: TestGate) -> None:
    """The customer would read that there is nothing to do, and their hour would pass."""
    with made.running() as gate:
        id = suspended(gate)
        with made.administrator() as db:
            body = json.dumps({"about": id, "customer": "acme", "kind": "told-customer", "says": "a test, do nothing"})
            db.execute("UPDATE outbox SET body=? WHERE kind='told-customer'", (body.encode(),))
        deliver(gate, made.clock)
        made.clock.now += 2 * HOUR
        gate.tick()
        assert gate.request(id).waiting
        outside = Outside()
        Delivery(gate, clock=made.clock, send=outside).deliver()
        assert [text.splitlines()[0] for _, whom, _, text in outside.given if whom == "acme"] == [
            "somebody asks for suspend on your data, and you may say yes or no"
        ]


def test_veto_terms_need_somewhere_to_tell_customers(made: TestGate) -> None:
    """Asked for all the same, it would wait for a delivery that cannot come. `*` is where the firm's people read."""
    for gate_of in (configured(made), configured(made, every=("json://127.0.0.1:9",))):
        with gate_of.running() as gate:
            outcome = gate.ask(ask("suspend", ACCOUNTS, "acme"), caller="person:bo")
            assert isinstance(outcome, Refused) and outcome.why is Why.IMPOSSIBLE and "told-customer" in outcome.says
            silent = asked(gate, "delete", ACCOUNTS, f"acme-{len(gate.requests())}")
            assert silent.waiting, "where silence opens nothing, the customer's link may come another way"


def test_a_channel_that_was_taken_away_opens_nothing(made: TestGate) -> None:
    """Whoever can edit gate.toml and start the gate again would be rid of the customers."""
    with made.running() as gate:
        id = suspended(gate)
    with configured(made).running() as gate:
        Delivery(gate, clock=made.clock).deliver()
        made.clock.now += 2 * HOUR
        gate.tick()
        assert gate.request(id).waiting


def test_a_delivery_while_the_clock_is_wrong_is_made_again(made: TestGate) -> None:
    """A time that nobody can go by would be the beginning of the customer's window."""
    with made.running() as gate:
        id = suspended(gate)
        gate.tick()
        made.clock.now -= HOUR
        outside = Outside()
        due = made.clock.now + 2 * HOUR
        Delivery(gate, clock=lambda: due, send=outside).deliver()
        (notice,) = notices(gate, "told-customer")
        assert outside.given and notice.seal is None and "clock" in (notice.problem or "")
        made.clock.now += 3 * HOUR
        gate.tick()
        assert gate.request(id).waiting


# Sending


def test_without_channels_notices_stand_in_the_console(made: TestGate) -> None:
    """Said to be sent, they would be looked for in a mailbox."""
    with configured(made).running() as gate:
        asked(gate)
        delivery = Delivery(gate, clock=made.clock)
        assert delivery.deliver() == 0
        standing = notices(gate, "waiting", "di")
        assert [(each.sent, each.due, each.problem) for each in standing] == [(False, None, None)]


def test_a_notice_is_tried_again_with_patience_and_given_up_after_a_day(made: TestGate) -> None:
    """A channel that is down for an hour must not lose it, nor one that is gone be asked for ever."""
    with configured(made, waiting=("json://127.0.0.1:9",)).running() as gate:
        asked(gate)
        outside = Outside(says=lambda title: "was not taken")
        delivery = Delivery(gate, clock=made.clock, send=outside)
        start, tried = made.clock.now, []
        while made.clock.now < start + 2 * DAY:
            before = len(outside.given)
            delivery.deliver()
            if len(outside.given) > before:
                tried.append(int(made.clock.now - start))
            made.clock.now += 15
        waits = [later - earlier for earlier, later in zip(tried, tried[1:], strict=False)]
        assert waits[:7] == [30, 60, 120, 240, 480, 960, 1920]
        assert set(waits[7:]) == {3600} and tried[-1] <= DAY
        (notice,) = notices(gate, "waiting", "di")
        assert (notice.due, notice.sent, notice.problem) == (None, False, "was not taken")
        assert notice.tries == len(tried)


def test_a_notice_that_was_taken_is_sent_once(made: TestGate) -> None:
    """People who hear everything twice read nothing."""
    with configured(made, every=("json://127.0.0.1:9",)).running() as gate:
        asked(gate)
        outside = Outside()
        delivery = Delivery(gate, clock=made.clock, send=outside)
        while delivery.deliver():
            pass
        count = len(outside.given)
        made.clock.now += DAY
        delivery.deliver()
        assert count == len(outside.given) > 0
        assert all(each.sent for each in notices(gate, "waiting", "di"))


def test_one_broken_notice_keeps_no_other_back(made: TestGate) -> None:
    """Whoever writes to the database would silence everything with one row."""
    with configured(made, every=("json://127.0.0.1:9",)).running() as gate:
        asked(gate)
        with made.administrator() as db:
            for number, body in enumerate((b"[]", b"\xff", b"{}", b'{"about": 1, "says": "x"}', b"null")):
                db.execute(
                    "INSERT INTO outbox (mark, kind, body, made, due, tries) VALUES (?, 'alarm', ?, 0, 0, 0)",
                    (f"broken {number}", body),
                )
        outside = Outside()
        Delivery(gate, clock=made.clock, send=outside).deliver()
        assert "di" in [whom for _, whom, _, _ in outside.given]
        assert [each.problem is None for each in notices(gate, "alarm")] == [False] * 5


def test_what_a_channel_fails_with_is_not_written_down(made: TestGate, caplog: pytest.LogCaptureFixture) -> None:
    """An error's text may hold the URL, and the URL a password."""

    def send(urls: Sequence[str], **said: object) -> str | None:
        raise RuntimeError(f"cannot reach {urls[0]}")

    with configured(made, waiting=(f"json://{SECRET}127.0.0.1:9",)).running() as gate, caplog.at_level(0):
        asked(gate)
        Delivery(gate, clock=made.clock, send=send).deliver()
        (notice,) = notices(gate, "waiting", "di")
        assert notice.problem == "sending failed with RuntimeError"
    assert "hunter2" not in caplog.text and "RuntimeError" in caplog.text


def test_the_thread_sends_and_ends(made: TestGate) -> None:
    """A thread that a failure ended would be missed by nobody until a customer asks."""
    with configured(made, every=("json://127.0.0.1:9",)).running() as gate:
        asked(gate)
        took = threading.Event()

        def send(urls: Sequence[str], **said: object) -> str | None:
            took.set()
            return None

        delivery = Delivery(gate, clock=made.clock, send=send)
        delivery.start()
        try:
            assert took.wait(20)
        finally:
            delivery.close()
        assert not [each for each in threading.enumerate() if each.name == "gate-notices"]


# To a real channel


@dataclass
class Receiver:
    """What came, as path and body; `answer` is the status it gives."""

    url: str = ""
    answer: int = 200
    came: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append((self.path, json.loads(body)))
            self.send_response(receiver.answer)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"json://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


real = pytest.mark.skipif(not can_post(), reason="the extra notices is not installed")


@real
def test_a_customer_is_told_where_their_name_leads(made: TestGate) -> None:
    """The link answers in the customer's name: another customer's mailbox must not get it."""
    with receiving() as receiver:
        told, waiting = f"{receiver.url}/told/{{customer}}", f"{receiver.url}/to/{{person}}"
        configured(made, told_customer=(told,), waiting=(waiting,))
        with made.running() as gate:
            id = suspended(gate, "acme & co/ltd", "bolt")
            delivery = Delivery(gate, clock=made.clock)
            while delivery.deliver():
                pass
            links = {
                path.removeprefix("/told/"): body["message"].splitlines()[1]
                for path, body in receiver.came
                if path.startswith("/told/")
            }
            assert set(links) == {"acme%20&%20co%2Fltd", "bolt"}
            token = links["bolt"].removeprefix(f"{gate.settings.url}/voice/")
            assert gate.voice_of(token)[1] == "bolt"
            people = {path.removeprefix("/to/") for path, _ in receiver.came if path.startswith("/to/")}
            assert "di" in people and not {"bo", "bolt"} & people
            made.clock.now += HOUR
            gate.tick()
            assert isinstance(gate.request(id).status, Granted)


@real
def test_a_channel_that_answers_no_did_not_take_it(made: TestGate, caplog: pytest.LogCaptureFixture) -> None:
    """Taken for told, the customer would lose their say; and the operator reads the log, not the password."""
    with receiving() as receiver, caplog.at_level(logging.DEBUG):
        receiver.answer = 500
        secret = receiver.url.replace("//", f"//{SECRET}")
        with configured(made, told_customer=(f"{secret}/told",)).running() as gate:
            id = suspended(gate)
            assert Delivery(gate, clock=made.clock).deliver() == 0
            assert receiver.came
            (notice,) = notices(gate, "told-customer")
            assert notice.problem == "URL 1 (json): was not taken" and notice.seal is None
            made.clock.now += 2 * HOUR
            gate.tick()
            assert gate.request(id).waiting
            receiver.answer = 200
            assert Delivery(gate, clock=made.clock).deliver() == 1
    assert "hunter2" not in caplog.text and "a notice of kind told-customer was not taken" in caplog.text


@real
def test_a_url_for_one_is_left_out_for_a_notice_to_nobody_alone() -> None:
    """`{person}` would be written to as a mailbox of that name."""
    with receiving() as receiver:
        urls = (f"{receiver.url}/to/{{person}}", f"{receiver.url}/all")
        assert post(urls, whom=None, title="t", text="x") is None
        assert [path for path, _ in receiver.came] == ["/all"]
        problem = post((f"nonsense://{SECRET}y",), whom=None, title="t", text="x")
        assert problem == "URL 1 (nonsense): Apprise cannot read it"


def test_a_customers_link_goes_nowhere_else(made: TestGate) -> None:
    """With `*`, everybody in the security channel could say yes in the customer's name."""
    configured(made, every=("json://127.0.0.1:9/all",), told_customer=("json://127.0.0.1:9/told",))
    with made.running() as gate:
        suspended(gate)
        asked(gate, "end", MEETINGS)
        outside = Outside()
        delivery = Delivery(gate, clock=made.clock, send=outside)
        while delivery.deliver():
            pass
        voiced = [urls for urls, _, _, text in outside.given if "/voice/" in text]
        assert voiced == [("json://127.0.0.1:9/told",)]
        assert PersonId("di") in [whom for _, whom, _, _ in outside.given]


def test_settings_survive_being_written(made: TestGate) -> None:
    """What `configured` writes is what the gate reads."""
    assert read_gate_folder(configured(made, every=("json://a",)).path).settings.notices == {"*": ("json://a",)}
