"""Inclusion and consistency proofs: ours judged by Go's tlog and aics-tlog, Go's compared with ours byte for byte."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from armslength.tlog import Unverified, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from tests.foreign.checker import Verdict, run_aics, run_go_checker
from tests.foreign.published import Tree, publish, sample_entries

SMALL = 33
LARGE = 70_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A line for the checkers: `inclusion` (size, root, index, leaf), `consistency` (old, its root, new, its root)."""

    kind: str
    first: int
    first_hash: bytes
    second: int
    second_hash: bytes
    proof: tuple[bytes, ...]

    @property
    def line(self) -> str:
        hashes = " ".join(base64.b64encode(each).decode() for each in self.proof)
        first, second = (base64.b64encode(each).decode() for each in (self.first_hash, self.second_hash))
        return f"{self.kind} {self.first} {first} {self.second} {second} {hashes}".rstrip()

    @property
    def question(self) -> str:
        return f"{self.kind} {self.first} {self.second}"

    def holds(self) -> bool:
        """Our own verdict."""
        try:
            if self.kind == "inclusion":
                size, root = self.first, self.first_hash
                verify_inclusion(index=self.second, size=size, leaf=self.second_hash, proof=self.proof, root=root)
            else:
                roots = {"old_root": self.first_hash, "new_root": self.second_hash}
                verify_consistency(old=self.first, new=self.second, proof=self.proof, **roots)
        except Unverified:
            return False
        return True


def inclusion(tree: Tree, index: int, size: int) -> Claim:
    return Claim(
        kind="inclusion",
        first=size,
        first_hash=tree.root(size),
        second=index,
        second_hash=tree.levels[0][index],
        proof=inclusion_proof(index, size, tree.node),
    )


def consistency(tree: Tree, old: int, new: int) -> Claim:
    return Claim(
        kind="consistency",
        first=old,
        first_hash=tree.root(old),
        second=new,
        second_hash=tree.root(new),
        proof=consistency_proof(old, new, tree.node),
    )


def claims(tree: Tree, sizes: Sequence[int], indexes: Sequence[int]) -> list[Claim]:
    """Every inclusion and every consistency among these; Go's tlog has no consistency with the empty tree."""
    pairs = [(index, size) for size in sizes for index in indexes if index < size]
    return [inclusion(tree, *pair) for pair in pairs] + [
        consistency(tree, index + 1, size) for index, size in pairs if index + 1 <= size
    ]


def lines(made: Sequence[Claim]) -> bytes:
    return "".join(f"{claim.line}\n" for claim in made).encode()


@pytest.fixture(scope="module")
def made() -> list[Claim]:
    """All proofs of all trees up to SMALL, and those around the edges of tiles in one of LARGE."""
    edges = [0, 1, 254, 255, 256, 257, 511, 512, 32_767, 32_768, 65_535, 65_536, LARGE - 2, LARGE - 1]
    everything = claims(Tree.of(sample_entries(SMALL)), range(1, SMALL + 1), range(SMALL))
    return everything + claims(Tree.of(sample_entries(LARGE)), [LARGE - 1, 65_536, 65_537, LARGE], edges)


@pytest.mark.parametrize("run", [run_go_checker, run_aics])
def test_both_accept_all_our_proofs(run: Callable[..., Verdict], made: list[Claim]) -> None:
    """A customer's inclusion proof would be worthless to everyone but us."""
    verdict = run("proofs", stdin=lines(made))
    assert verdict.accepted, verdict.reason
    assert verdict.lines == ["accepted"] * len(made)


def test_go_makes_the_very_same_proofs(tmp_path: Path) -> None:
    """RFC 6962 leaves no choice in a proof; a difference would be a mistake of ours that our verifier shares."""
    tree = publish(tmp_path, sample_entries(600))
    asked = claims(tree, [1, 2, 255, 256, 257, 511, 513, 600], range(0, 600, 7))
    questions = "".join(f"{claim.question}\n" for claim in asked).encode()
    verdict = run_go_checker("prove", tmp_path, stdin=questions)
    assert verdict.accepted, verdict.reason
    assert verdict.lines == [claim.line for claim in asked]


def turned(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def mutations(claim: Claim, chance: random.Random) -> Iterator[Claim]:
    """The claim with one thing wrong, in every way we could think of."""
    yield replace(claim, first_hash=turned(claim.first_hash))
    yield replace(claim, second_hash=turned(claim.second_hash))
    yield replace(claim, proof=(*claim.proof, bytes(32)))
    yield replace(claim, proof=(bytes(32), *claim.proof))
    yield replace(claim, first=claim.first + 1)
    yield replace(claim, second=claim.second + 1)
    if claim.first > 1:
        yield replace(claim, first=claim.first - 1)
    if claim.second:
        yield replace(claim, second=claim.second - 1)
    if claim.proof:
        at = chance.randrange(len(claim.proof))
        altered = list(claim.proof)
        altered[at] = turned(altered[at])
        yield replace(claim, proof=tuple(altered))
        yield replace(claim, proof=claim.proof[:-1])
        yield replace(claim, proof=claim.proof[1:])
        yield replace(claim, proof=claim.proof[::-1])
        yield replace(claim, proof=claim.proof + claim.proof[-1:])


def test_go_and_aics_agree_with_us_on_every_tampered_proof(made: list[Claim]) -> None:
    """Somewhere a wrong proof would pass: with us, and a customer is deceived; with them, and this comparison is empty.

    Not all of these are false: a single hash reversed is itself, and a proof may also hold at another size."""
    chance = random.Random(1)
    tampered = [other for claim in chance.sample(made, 400) for other in mutations(claim, chance)]
    ours = [claim.holds() for claim in tampered]
    assert ours.count(False) > 0.85 * len(ours)
    for run in (run_go_checker, run_aics):
        verdict = run("proofs", stdin=lines(tampered))
        assert not verdict.accepted
        theirs = [line == "accepted" for line in verdict.lines]
        differing = [claim.line for claim, a, b in zip(tampered, ours, theirs, strict=True) if a != b]
        assert differing == []
