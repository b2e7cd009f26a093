"""The ledger's benchmark: everybody records the same acts, and what it prints is what it measured."""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pymerkle import InvalidProof

from benchmarks.ledger import count, counts
from benchmarks.ledger_acts import Acts, Drawn
from benchmarks.ledger_contest import GROUPED, OURS, SINGLE, peers, rates
from benchmarks.ledger_load import Latencies, Recorder
from benchmarks.ledger_made import Ours, make, read_back
from benchmarks.ledger_tables import aims, ratio
from benchmarks.peers.group_commit import GroupCommit
from benchmarks.peers.hash_chain import HashChain
from benchmarks.peers.merkle_tree import MerkleTree

TINY = (
    "--quick --customers 20 --rounds 1 --round-size 160 --seconds 0.3 --rate 100 --clients 4 --sizes 100,300 --own 60"
)


def test_it_measures_everything_from_the_command_line(root: Path, tmp_path: Path) -> None:
    """Who wants to see whether their change made the ledger slower would see a traceback."""
    command = [sys.executable, str(root / "benchmarks/ledger.py"), *TINY.split(), "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    starts = [line.strip() for line in done.stdout.splitlines()]
    for name in (OURS, *GROUPED, *SINGLE):
        assert any(line.startswith(f"{name}  ") for line in starts), name
        for kind in ("open", "closed"):
            assert found["contest"][kind][name]["acts"] > 0
    assert found["contest"]["open"][OURS]["acts"] == 30
    assert [each["size"] for each in found["growth"]] == [100, 300]
    for each in found["growth"]:
        assert (each["fsck"]["findings"], each["fsck"]["opened"]) == ([], each["size"])
        assert any(line.startswith(f"{each['size']}  ") for line in starts)
    assert found["completeness"]["verdict"]["verdict"] == "holds"
    assert found["completeness"]["records"] == 60
    for aim in ("full records", "durable acknowledgement", "cosigned proof", "bytes a record", "completeness of 60"):
        assert any(line.startswith(aim) for line in starts), aim


def test_everybody_records_the_same_acts(tmp_path: Path) -> None:
    """A ratio against a peer that was given less to do would be no ratio."""
    folder = make(tmp_path / "ledger")
    ours, others = Ours(folder.path), peers(tmp_path)
    recorders: dict[str, Recorder] = {OURS: ours, **others}
    found = rates(recorders, Acts(1, 20), 2, 160)
    for recorder in recorders.values():
        recorder.close()
    source = Acts(1, 20)
    drawn = [source.draw(160), source.draw(160)]
    assert read_back(folder) == [act for some in drawn for act in some]
    for name, kind, file in (
        (GROUPED[0], HashChain, "chain-grouped.db"),
        (GROUPED[1], MerkleTree, "tree-grouped.db"),
        (SINGLE[0], HashChain, "chain-single.db"),
        (SINGLE[1], MerkleTree, "tree-single.db"),
    ):
        with closing(kind(tmp_path / file)) as store:
            part = 160 if name in GROUPED else 10
            assert store.records() == [act.spelled() for some in drawn for act in some[:part]]
            assert found[name]["records"] == 2 * part


def test_the_same_seed_draws_the_same_acts_and_another_seed_others() -> None:
    """Who compares two runs would compare two loads."""
    assert Acts(7, 50).draw(20) == Acts(7, 50).draw(20) != Acts(8, 50).draw(20)
    assert [act.customer for some in Acts(1, 5).each(2) for act in some] == [f"customer-{n:06d}" for n in range(5)]


def test_an_act_has_the_six_fields_that_the_figures_speak_of() -> None:
    """Figures for records with less in them would flatter."""
    for act in Acts(1, 5).draw(50):
        assert len(act.fields) == 6
        assert act.act().values.keys() == act.fields.keys()
        assert json.loads(act.spelled())["fields"] == act.fields


def test_the_hash_chain_goes_on_where_it_ended_and_finds_a_change(tmp_path: Path) -> None:
    """The peer would be no audit log, and its figures those of a table."""
    path = tmp_path / "chain.db"
    for records in ((b"a", b"b"), (b"c",)):
        with closing(HashChain(path)) as chain:
            chain.record(records)
            chain.check()
    with closing(HashChain(path)) as chain:
        assert (chain.check(), chain.records()) == (3, [b"a", b"b", b"c"])
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE chain SET record = x'78' WHERE idx = 1")
        with pytest.raises(ValueError, match="the chain breaks at record 1"):
            chain.check()


def test_the_tree_proves_a_record_and_no_other(tmp_path: Path) -> None:
    """The peer's proofs would be measured without being any."""
    with closing(MerkleTree(tmp_path / "tree.db")) as tree:
        tree.record([b"a", b"b", b"c"])
        tree.record([b"d"])
        root = tree.root()
        for index in range(4):
            tree.verify(index, tree.prove(index), root)
            with pytest.raises(InvalidProof):
                tree.verify((index + 1) % 4, tree.prove(index), root)


def test_a_peer_that_fails_is_not_counted_as_fast(tmp_path: Path) -> None:
    """Whoever records nothing would win."""
    store = HashChain(tmp_path / "chain.db")
    store.close()
    recorder = GroupCommit(store, 10)
    (act,) = Acts(1, 5).draw(1)
    with pytest.raises(sqlite3.ProgrammingError):
        recorder.append(act).result()
    recorder.close()


def test_what_was_lost_is_not_read_back_as_recorded(tmp_path: Path) -> None:
    """The comparison of what was recorded would compare leaves only."""
    folder = make(tmp_path / "ledger")
    ours = Ours(folder.path)
    for act in Acts(1, 5).draw(3):
        ours.append(act).result()
    ours.close()
    with closing(sqlite3.connect(folder.log)) as db, db:
        db.execute("DELETE FROM payloads WHERE idx = 1")
    with pytest.raises(ValueError, match="entry 1"):
        read_back(folder)


def test_a_percentile_is_what_so_many_stay_within() -> None:
    """A p99 that leaves out the slowest would meet any aim."""
    found = Latencies(seconds=tuple(place / 100 for place in range(100, 0, -1)), refused=2, elapsed=2.0)
    assert (found.at(0.5), found.at(0.99), found.at(1.0), found.rate) == (0.51, 1.0, 1.0, 50.0)


def test_an_aim_that_is_missed_is_called_so() -> None:
    """Nobody reads every number."""
    measured = {"records": 100_000, "alone": 2.5, "verify": 4.0}
    assert "2.50 s  NOT MET" in aims({"completeness": measured})
    assert "1.50 s  " in (met := aims({"completeness": {**measured, "alone": 1.5}}))
    assert "NOT" not in met
    assert (ratio(50.0, 100.0), ratio(1000.0, 10.0)) == ("0.50×", "100×")


def test_sizes_are_read_in_records() -> None:
    """Ten times too many is another benchmark."""
    assert counts("500,10k,1M") == [500, 10_000, 1_000_000]
    for wrong in ("0", "many", "-1k", "1.5k"):
        with pytest.raises(argparse.ArgumentTypeError, match="is no number of records"):
            count(wrong)
    with pytest.raises(argparse.ArgumentTypeError, match="sizes that grow"):
        counts("10k,1k")


def test_drawn_acts_are_values() -> None:
    """`read_back` is compared with what was drawn, so equal must mean equal in everything."""
    (act,) = Acts(1, 5).draw(1)
    other = Drawn(id=act.id, kind=act.kind, customer=act.customer, fields={**act.fields, "ticket": "OPS-0"})
    assert act != other
