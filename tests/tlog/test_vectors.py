"""The proofs of transparency-dev/merkle, valid and must-fail, which stand beside the repository."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armslength.tlog import (
    Unverified,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from tests.tlog.trees import CT, nodes

Case = dict[str, Any]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "", validate=True)


def proof(case: Case) -> tuple[bytes, ...]:
    return tuple(decoded(text) for text in case["proof"] or ())


def verify_inclusion_case(case: Case) -> None:
    verify_inclusion(
        index=case["leafIdx"],
        size=case["treeSize"],
        leaf=decoded(case["leafHash"]),
        proof=proof(case),
        root=decoded(case["root"]),
    )


def verify_consistency_case(case: Case) -> None:
    verify_consistency(
        old=case["size1"],
        new=case["size2"],
        old_root=decoded(case["root1"]),
        new_root=decoded(case["root2"]),
        proof=proof(case),
    )


def verify_subtree_inclusion_case(case: Case) -> None:
    verify_subtree_inclusion(
        index=case["leafIdx"],
        start=case["start"],
        end=case["end"],
        leaf=decoded(case["leafHash"]),
        proof=proof(case),
        root=decoded(case["root"]),
    )


def verify_subtree_consistency_case(case: Case) -> None:
    verify_subtree_consistency(
        start=case["start"],
        end=case["end"],
        size=case["size"],
        subtree=decoded(case["root1"]),
        root=decoded(case["root2"]),
        proof=proof(case),
    )


def cases(shared: Path, name: str) -> list[Case]:
    lines = (shared / "vectors" / "merkle" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("name", "verify", "valid", "invalid"),
    [
        ("inclusion", verify_inclusion_case, 6, 92),
        ("consistency", verify_consistency_case, 6, 92),
        ("subtreeinclusion", verify_subtree_inclusion_case, 12, 192),
        ("subtreeconsistency", verify_subtree_consistency_case, 12, 106),
    ],
)
def test_we_answer_as_the_vectors_say(
    shared: Path, name: str, verify: Callable[[Case], None], valid: int, invalid: int
) -> None:
    """A proof would hold for one of us and not for the other, and which of us is wrong would be argued in public. The
    must-fail cases of consistency include three with an old size of 0, which RFC 6962 leaves open: we refuse them too.
    """
    wrong: list[str] = []
    held = 0
    every = cases(shared, name)
    for case in every:
        try:
            verify(case)
        except Unverified as failure:
            if not case["wantErr"]:
                wrong.append(f"{case['case']}: refused, {failure}")
        else:
            held += 1
            if case["wantErr"]:
                wrong.append(f"{case['case']}: taken")
    assert wrong == []
    assert (held, len(every) - held) == (valid, invalid)


def test_we_make_the_proofs_that_the_vectors_hold(shared: Path) -> None:
    """What others publish about the same tree would differ from what we do."""
    node = nodes([leaf_hash(entry) for entry in CT])
    happy = [case for case in cases(shared, "inclusion") if case["case"].endswith("/happy-path")]
    assert [inclusion_proof(case["leafIdx"], case["treeSize"], node) for case in happy] == [proof(c) for c in happy]
    grown = [case for case in cases(shared, "consistency") if case["case"].endswith("/happy-path")]
    assert [consistency_proof(case["size1"], case["size2"], node) for case in grown] == [proof(c) for c in grown]
    assert (len(happy), len(grown)) == (5, 5)
