"""What we serve over HTTP, used by software that we did not write: our witness by a log, our log by a reader."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
import urllib3
from prometheus_client import CollectorRegistry

from armslength.service import Witness, create_witness
from armslength.tlog import Algorithm, Note, origin_hash, parse_signatures
from armslength.web import ReadMetrics, WitnessMetrics, read_path_app, running, witness_app
from tests.foreign.checker import run_aics, run_go_checker
from tests.foreign.published import ED25519_KEYS, LOG, ORIGIN, publish, sample_entries, vkeys, write


@pytest.fixture
def served_witness(tmp_path: Path) -> Iterator[tuple[str, Witness]]:
    """Our witness on the loopback interface, told to trust the log's Ed25519 key."""
    folder = str(tmp_path / "witness")
    create_witness(folder, "witness.example/ours", lambda count: sha256(b"test seed").digest()[:count])
    with closing(Witness(folder, lambda: int(time.time()))) as witness:
        witness.trust([LOG.verifier.text])
        with running(witness_app(witness, WitnessMetrics(CollectorRegistry()))) as url:
            yield url, witness


def feed(url: str, witness: Witness, folder: Path) -> list[str]:
    """What aics-witness's client got from our witness for the log in `folder`, having verified the Ed25519 line."""
    (key,) = (key for key in witness.keys if key.algorithm is Algorithm.COSIGNATURE_ED25519)
    verdict = run_aics("feed", url, key.text, folder)
    assert verdict.accepted, verdict.reason
    return verdict.lines


def test_a_foreign_logs_client_gets_our_cosignature_as_the_log_grows(
    served_witness: tuple[str, Witness], tmp_path: Path
) -> None:
    """Nobody but our own ledger could be witnessed by us."""
    url, witness = served_witness
    (key,) = (key for key in witness.keys if key.algorithm is Algorithm.COSIGNATURE_ED25519)
    folder = tmp_path / "log"
    for size in (1, 256, 600):
        publish(folder, sample_entries(size))
        (line,) = feed(url, witness, folder)
        note = Note.parse((folder / "checkpoint").read_bytes()).with_signatures(parse_signatures(f"{line}\n"))
        file = write(tmp_path / "note", note.format().encode())
        verdict = run_go_checker("note", file, LOG.verifier.text, key.text)
        assert verdict.accepted and len(verdict.lines) == 2, verdict.reason


def test_a_foreign_log_that_shows_another_history_is_told_so(
    served_witness: tuple[str, Witness], tmp_path: Path
) -> None:
    """A foreign log's client would take the refusal of a split view for a passing disturbance and try again."""
    url, witness = served_witness
    publish(tmp_path / "log", sample_entries(300))
    feed(url, witness, tmp_path / "log")
    publish(tmp_path / "other", [b"another history", *sample_entries(600)])
    (key,) = (key for key in witness.keys if key.algorithm is Algorithm.COSIGNATURE_ED25519)
    verdict = run_aics("feed", url, key.text, tmp_path / "other")
    assert not verdict.accepted and "WitnessRejected" in verdict.reason and "422" in verdict.reason


def test_go_accepts_the_checkpoint_that_our_witness_serves(served_witness: tuple[str, Witness], tmp_path: Path) -> None:
    """Whoever compares witnesses' views of a log could not read ours."""
    url, witness = served_witness
    publish(tmp_path / "log", sample_entries(300))
    feed(url, witness, tmp_path / "log")
    answer = urllib3.request("GET", f"{url}/{origin_hash(ORIGIN)}/checkpoint", retries=False)
    assert answer.status == 200
    keys = [LOG.verifier.text, *(key.text for key in witness.keys)]
    verdict = run_go_checker("note", write(tmp_path / "note", answer.data), *keys)
    assert verdict.accepted and len(verdict.lines) == 3, verdict.reason


@pytest.mark.parametrize("size", [0, 257, 70_000])
def test_aics_reads_our_whole_log_over_http(size: int, tmp_path: Path) -> None:
    """A mirror run by a stranger would stop at a path, a header or a compressed answer that only our reader knows."""
    publish(tmp_path, sample_entries(size))
    with running(read_path_app(tmp_path, ReadMetrics(CollectorRegistry()))) as url:
        verdict = run_aics("log", url, *vkeys(ED25519_KEYS))
    assert verdict.accepted and f"of {size} entries" in verdict.lines[-1], verdict.reason


def test_aics_refuses_over_http_what_it_refuses_from_files(tmp_path: Path) -> None:
    """The reading over HTTP would check nothing."""
    publish(tmp_path, sample_entries(600))
    tile = tmp_path / "tile" / "0" / "001"
    write(tile, bytes(32) + tile.read_bytes()[32:])
    with running(read_path_app(tmp_path, ReadMetrics(CollectorRegistry()))) as url:
        verdict = run_aics("log", url, *vkeys(ED25519_KEYS))
    assert not verdict.accepted and "TileVerificationError" in verdict.reason
