"""How much of people's documents is taken at a time and in a day, and nothing before the form's token is seen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from armslength.console.form import Form
from armslength.console.uploads import AT_ONCE, UPLOAD_BYTES, NotTaken, Uploads
from armslength.gate import PersonId

TOKEN = "T0ken-of_the_session"
FIRST = f'--x7\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{TOKEN}\r\n'.encode()
END = b"--x7--\r\n"
ANA, BO = PersonId("ana"), PersonId("bo")


def document(size: int) -> bytes:
    head = b'--x7\r\nContent-Disposition: form-data; name="evidence"; filename="a"\r\n\r\n'
    return head + b"d" * size + b"\r\n"


@dataclass
class Sender:
    """Sends a body in pieces and counts those that somebody asked for; `claimed` is the length that it says."""

    pieces: list[bytes]
    claimed: int | None = None
    asked: int = 0
    held: asyncio.Event | None = None

    def request(self) -> Request:
        length = sum(map(len, self.pieces)) if self.claimed is None else self.claimed
        sent = {"content-type": "multipart/form-data; boundary=x7", "content-length": str(length)}
        headers = [(name.encode(), value.encode()) for name, value in sent.items()]
        return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, self.receive)

    async def receive(self) -> Message:
        self.asked += 1
        if self.held is not None and self.asked > 1:
            await self.held.wait()
        more = self.asked < len(self.pieces)
        return {"type": "http.request", "body": self.pieces[self.asked - 1], "more_body": more}


async def sent(uploads: Uploads, sender: Sender, person: PersonId = ANA) -> Form | NotTaken:
    try:
        async with uploads.taken(sender.request(), person, TOKEN) as form:
            return form
    except NotTaken as error:
        return error


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(limited())


@pytest.mark.parametrize(
    "first",
    [
        FIRST.replace(TOKEN.encode(), b"T0ken-of_another"),
        FIRST.replace(b"csrf", b"once"),
        document(2000),
        b"--x7\r\n" + b"X: y\r\n" * 500,
    ],
    ids=["another's", "another field first", "a document first", "headers without end"],
)
def test_nothing_is_read_on_without_the_token(first: bytes) -> None:
    """Whoever has somebody's cookie and no page of theirs would fill the memory, 32 MB at a time."""

    async def work() -> None:
        sender = Sender([first, *[document(60_000)] * 500, END])
        refused = await sent(Uploads(), sender)
        assert isinstance(refused, NotTaken) and refused.status == 403 and sender.asked <= 2

    run(work)


def test_the_token_may_come_in_pieces() -> None:
    """Networks cut where they like, and honest people would be told that their page is too old."""

    async def work() -> None:
        whole = FIRST + document(100) + END
        for size in (1, 7, 50, len(FIRST)):
            pieces = [whole[k : k + size] for k in range(0, len(whole), size)]
            form = await sent(Uploads(), Sender(pieces))
            assert isinstance(form, Form) and len(form.files["evidence"][0].data) == 100

    run(work)


def test_a_form_with_files_begins_with_its_token(root: Path) -> None:
    """One that does not is refused every time, and nobody can ask with evidence any more."""
    forms = 0
    for path in (root / "src/armslength/console/templates").glob("*.html"):
        for form in path.read_text(encoding="utf-8").split("<form ")[1:]:
            tag, _, inside = form.partition(">")
            if "multipart" in tag:
                assert inside.lstrip().startswith("{{ csrf() }}"), path.name
                forms += 1
    assert forms == 2


def test_one_person_has_one_place_and_keeps_nobody_else_from_theirs() -> None:
    """Somebody who sends eight slow forms would keep everybody from handing evidence in."""

    async def work() -> None:
        uploads, held = Uploads(patience=0.2), asyncio.Event()
        slow = Sender([FIRST, document(10) + END], held=held)
        going = asyncio.create_task(sent(uploads, slow))
        await asyncio.sleep(0.05)
        second = await sent(uploads, Sender([FIRST + document(10) + END]))
        assert isinstance(second, NotTaken) and second.status == 429 and second.seconds
        assert isinstance(await sent(uploads, Sender([FIRST + document(10) + END]), BO), Form)
        held.set()
        assert isinstance(await going, Form)
        assert isinstance(await sent(uploads, Sender([FIRST + document(10) + END])), Form)

    run(work)


def test_places_are_few_and_come_free_again() -> None:
    """Memory is for everybody: a hundred forms of 32 MB at a time would end the gate."""

    async def work() -> None:
        uploads, held = Uploads(patience=0.3), asyncio.Event()
        slow = [Sender([FIRST, document(10) + END], held=held) for _ in range(AT_ONCE)]
        going = [asyncio.create_task(sent(uploads, each, PersonId(f"p{k}"))) for k, each in enumerate(slow)]
        await asyncio.sleep(0.05)
        waited = Sender([FIRST, *[document(1000)] * 5, END])
        refused = await sent(uploads, waited)
        assert isinstance(refused, NotTaken) and refused.status == 503 and refused.seconds
        patient = asyncio.create_task(sent(uploads, Sender([FIRST + END])))
        await asyncio.sleep(0.05)
        going[0].cancel()  # somebody gave up: theirs is the place that comes free
        assert isinstance(await patient, Form)
        held.set()
        with contextlib.suppress(asyncio.CancelledError):
            await going[0]
        assert all(isinstance(each, Form) for each in await asyncio.gather(*going[1:]))

    run(work)


def test_a_person_sends_so_much_in_a_day() -> None:
    """Evidence lies on the gate's disk: one person must not fill it in an afternoon."""

    async def work() -> None:
        uploads = Uploads(day_bytes=250_000)
        answers = [await sent(uploads, Sender([FIRST, document(60_000), END])) for _ in range(5)]
        assert [isinstance(each, Form) for each in answers] == [True] * 4 + [False]
        refused = answers[-1]
        assert isinstance(refused, NotTaken) and refused.status == 429
        assert refused.seconds is not None and 1000 < refused.seconds < 86_400 and "in a day" in refused.says
        assert isinstance(await sent(uploads, Sender([FIRST, document(60_000), END]), BO), Form)

    run(work)


def test_those_that_wait_for_each_other_count_too() -> None:
    """Thirty forms at a time, each within the day's measure as it comes, would be a gigabyte."""

    async def work() -> None:
        uploads = Uploads(day_bytes=250_000)
        forms = [sent(uploads, Sender([FIRST, document(60_000), END])) for _ in range(20)]
        answers = await asyncio.gather(*forms)
        assert sum(isinstance(each, Form) for each in answers) == 4

    run(work)


def test_what_never_came_is_not_counted() -> None:
    """A bad line would use up the day of somebody who tries again and again."""

    async def work() -> None:
        uploads = Uploads(day_bytes=250_000)
        for _ in range(20):
            broken = await sent(uploads, Sender([FIRST, b"--x7\r\nbroken\r\n\r\n"], claimed=200_000))
            assert isinstance(broken, NotTaken) and broken.status == 400
        assert isinstance(await sent(uploads, Sender([FIRST, document(60_000), END])), Form)

    run(work)


def test_more_than_was_said_is_not_taken() -> None:
    """The length that a form claims is what was weighed."""

    async def work() -> None:
        sender = Sender([FIRST, *[document(10_000)] * 50, END], claimed=20_000)
        answer = await sent(Uploads(), sender)
        assert isinstance(answer, NotTaken) and answer.status == 400 and sender.asked < 10

    run(work)


def test_what_is_too_large_is_said_to_be(root: Path) -> None:
    """A gigabyte in memory is everybody's memory; and a broken connection tells nobody what to do."""

    async def work() -> None:
        sender = Sender([FIRST, document(10), END], claimed=9 * UPLOAD_BYTES)
        answer = await sent(Uploads(), sender)
        assert isinstance(answer, NotTaken) and answer.status == 413 and "32 MB" in answer.says
        assert sender.asked == 3

    run(work)
