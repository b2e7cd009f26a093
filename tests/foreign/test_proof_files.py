"""tlog-proof files: ours checked by a Go reading of the document over x/mod, Go's checked by us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.tlog import Note, Policy, TlogError, TlogProof, inclusion_proof, leaf_hash
from tests.foreign.checker import run_go_checker
from tests.foreign.published import (
    KEYS,
    LOG,
    LOG_ML_DSA,
    WITNESS,
    WITNESS_ML_DSA,
    Tree,
    publish,
    sample_entries,
    vkeys,
    write,
)

SIZE = 600
INDEX = 300
POLICY = Policy.parse(
    f"log {LOG.verifier.text}\nlog {LOG_ML_DSA.verifier.text}\n"
    f"witness one {WITNESS.verifier.text}\nwitness two {WITNESS_ML_DSA.verifier.text}\n"
    "group both all one two\nquorum both\n"
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tree]:
    folder = tmp_path_factory.mktemp("log")
    return folder, publish(folder, sample_entries(SIZE))


def proof_of(log: tuple[Path, Tree], index: int, extra: bytes | None = None) -> TlogProof:
    folder, tree = log
    note = Note.parse((folder / "checkpoint").read_bytes())
    return TlogProof(index=index, hashes=inclusion_proof(index, SIZE, tree.node), checkpoint=note, extra=extra)


def judged_by_go(folder: Path, proof: str, entry: bytes) -> bool:
    file, data = write(folder / "a.tlog-proof", proof.encode()), write(folder / "entry", entry)
    return run_go_checker("proof", file, data, *vkeys(KEYS)).accepted


def judged_by_us(proof: str, entry: bytes) -> bool:
    try:
        TlogProof.parse(proof).verify(leaf_hash(entry), POLICY)
    except TlogError:
        return False
    return True


@pytest.mark.parametrize("index", [0, 1, 2, INDEX, SIZE - 1])
@pytest.mark.parametrize("extra", [None, b"a field that nobody vouches for"])
def test_go_accepts_our_proof_files(index: int, extra: bytes | None, log: tuple[Path, Tree], tmp_path: Path) -> None:
    """A proof kept by a customer would need our software, forever, to be read."""
    entry = sample_entries(SIZE)[index]
    text = proof_of(log, index, extra).format()
    assert judged_by_go(tmp_path, text, entry)
    assert judged_by_us(text, entry)


@pytest.mark.parametrize("index", [0, INDEX, SIZE - 1])
def test_go_writes_the_same_proof_file(index: int, log: tuple[Path, Tree]) -> None:
    """A second spelling of one proof: two files that mean the same and compare as different."""
    verdict = run_go_checker("prove-log", log[0], str(index))
    assert verdict.accepted, verdict.reason
    assert verdict.output == proof_of(log, index).format()


def changed_line(number: int, new: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.split("\n")
        lines[number] = new(lines[number])
        return "\n".join(lines)

    return change


def without_line(number: int) -> Callable[[str], str]:
    return lambda text: "\n".join(line for at, line in enumerate(text.split("\n")) if at != number)


TAMPERINGS: dict[str, Callable[[str], str]] = {
    "another version": changed_line(0, lambda line: line.replace("v1", "v2")),
    "no version": without_line(0),
    "the next index": changed_line(1, lambda line: f"index {INDEX + 1}"),
    "an index beyond the tree": changed_line(1, lambda line: f"index {SIZE}"),
    "an index with a leading zero": changed_line(1, lambda line: f"index 0{INDEX}"),
    "an index with a sign": changed_line(1, lambda line: f"index +{INDEX}"),
    "no index": without_line(1),
    "a hash with one bit turned over": changed_line(4, lambda line: ("B" if line[0] == "A" else "A") + line[1:]),
    "a hash fewer": without_line(4),
    "a hash more": changed_line(4, lambda line: f"{line}\n{line}"),
    "a hash cut short": changed_line(4, lambda line: line[:-4]),
    "two empty lines": changed_line(4, lambda line: f"{line}\n"),
    "no empty line": lambda text: text.replace("\n\n", "\n", 1),
    "another root in the checkpoint": lambda text: text.replace(
        text.split("\n\n")[1].split("\n")[2], "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    ),
    "another size in the checkpoint": lambda text: text.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"),
    "no log signature": lambda text: "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(f"— {LOG.name} ")
    ),
    "no witness": lambda text: "".join(line for line in text.splitlines(keepends=True) if "— witness" not in line),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_go_and_we_refuse_a_tampered_proof_file(tampering: str, log: tuple[Path, Tree], tmp_path: Path) -> None:
    """A customer would be shown a proof that proves nothing and find it good."""
    entry = sample_entries(SIZE)[INDEX]
    true = proof_of(log, INDEX).format()
    false = TAMPERINGS[tampering](true)
    assert false != true
    assert judged_by_go(tmp_path, true, entry) and not judged_by_go(tmp_path, false, entry)
    assert judged_by_us(true, entry) and not judged_by_us(false, entry)


@pytest.mark.parametrize(
    "entry", [b"another entry", b"", sample_entries(SIZE)[INDEX] + b" ", sample_entries(SIZE)[INDEX - 1]]
)
def test_go_and_we_refuse_the_proof_for_another_entry(entry: bytes, log: tuple[Path, Tree], tmp_path: Path) -> None:
    """Any record could be passed off as logged."""
    text = proof_of(log, INDEX).format()
    assert not judged_by_go(tmp_path, text, entry)
    assert not judged_by_us(text, entry)
