"""What our ledger's own client makes of the answers of aics-witness, a witness we did not write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.store import Conflict, Cosigned, Refused, Unreachable, WitnessClient
from armslength.tlog import AddCheckpoint, Note, Policy
from tests.foreign.checker import ForeignWitness, foreign_witness
from tests.service.logs import SampleLog

LOG = SampleLog()
OTHER = SampleLog(history="other ")
SECONDS = 60.0


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignWitness]:
    """A foreign witness at size 300 of the sample log."""
    folder = tmp_path_factory.mktemp("foreign") / "witness"
    with (
        foreign_witness(folder, "witness.example/foreign", {LOG.origin: LOG.vkeys}) as running,
        WitnessClient() as client,
    ):
        assert client.latest(running.url, LOG.origin, SECONDS) is None
        assert isinstance(client.submit(running.url, LOG.request(0, 300), SECONDS), Cosigned)
        yield running


@pytest.fixture
def client() -> Iterator[WitnessClient]:
    with WitnessClient() as found:
        yield found


def test_its_cosignature_counts(client: WitnessClient, witness: ForeignWitness) -> None:
    """A ledger that understands only its own witnesses has none that are independent."""
    request = LOG.request(300, 300)
    answer = client.submit(witness.url, request, SECONDS)
    assert isinstance(answer, Cosigned)
    policy = Policy.parse(f"log {LOG.vkeys[0]}\nwitness w {witness.vkey}\nquorum w\n")
    policy.endorse(request.note.with_signatures(answer.signatures))


def test_its_stale_size_is_a_conflict_with_the_size(client: WitnessClient, witness: ForeignWitness) -> None:
    """The ledger could not go on after a restart."""
    assert client.submit(witness.url, LOG.request(0, 400), SECONDS) == Conflict(size=300)


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (OTHER.request(300, 300), {409, 422}),
        (OTHER.request(300, 400), {422}),
        (SampleLog("example.net/unknown").request(0, 5), {404}),
        (AddCheckpoint(old=300, proof=(), note=LOG.checkpoint(200)), {400}),
    ],
    ids=["another root", "another history", "an unknown log", "a smaller size"],
)
def test_its_refusals_are_refusals(
    client: WitnessClient, witness: ForeignWitness, request_: AddCheckpoint, statuses: set[int]
) -> None:
    """A split view taken for a passing disturbance would be tried again in silence."""
    answer = client.submit(witness.url, request_, SECONDS)
    assert isinstance(answer, Refused) and answer.status in statuses


def test_what_it_saw_last_is_read(client: WitnessClient, witness: ForeignWitness) -> None:
    """A ledger that was rolled back learns it from its witnesses, or from nobody."""
    note = client.latest(witness.url, LOG.origin, SECONDS)
    assert isinstance(note, Note) and note.text == LOG.checkpoint(300).text


def test_its_absence_is_told(client: WitnessClient, tmp_path: Path) -> None:
    """A witness that went away is no refusal."""
    with foreign_witness(tmp_path / "w", "witness.example/gone", {LOG.origin: LOG.vkeys}) as running:
        assert isinstance(client.submit(running.url, LOG.request(0, 5), SECONDS), Cosigned)
    assert isinstance(client.submit(running.url, LOG.request(5, 6), SECONDS), Unreachable)
