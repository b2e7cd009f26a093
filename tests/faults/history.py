"""What the world outside a ledger was told: the acts asked for, the receipts given, the checkpoints shown.

Whatever happens to the writer, none of it may turn out false later. A history lives in a process that the failures do
not reach.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from armslength.ledger import Kind
from armslength.service import Act
from armslength.tlog import Checkpoint, Note, Receipt


@dataclass(slots=True)
class History:
    """`asked` are acts by id, also those nobody got an answer for; `given` (first index, leaf hashes) by act id;
    `leaves` the hash at each index that a receipt named; `signed` the root at each size that was shown."""

    asked: dict[bytes, Act] = field(default_factory=dict)
    given: dict[bytes, tuple[int, tuple[bytes, ...]]] = field(default_factory=dict)
    leaves: dict[int, bytes] = field(default_factory=dict)
    signed: dict[int, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def unanswered(self) -> list[Act]:
        return [act for id, act in self.asked.items() if id not in self.given]

    def receipt(self, act: bytes, first: int, leaves: tuple[bytes, ...]) -> None:
        before = self.given.setdefault(act, (first, leaves))
        if before != (first, leaves):
            self.problems.append(f"act {act.hex()}: a receipt for index {first}, after one for {before[0]}")
        for index, leaf in enumerate(leaves, first):
            if self.leaves.setdefault(index, leaf) != leaf:
                self.problems.append(f"index {index} was given to two leaves")

    def checkpoint(self, note: str) -> None:
        shown = Checkpoint.parse(Note.parse(note).text)
        if self.signed.setdefault(shown.size, shown.root) != shown.root:
            self.problems.append(f"two roots were signed at size {shown.size}")

    def hear(self, line: str) -> None:
        """A line that `ask_line`, `receipt_line`, `checkpoint_line` or `problem_line` made."""
        word, _, rest = line.partition("\t")
        said: Any = json.loads(rest)
        match word:
            case "ask":
                id = bytes.fromhex(said["id"])
                self.asked[id] = Act(
                    id=id, kind=Kind(said["kind"]), fields=said["fields"], customers=tuple(said["customers"])
                )
            case "receipt":
                self.receipt(bytes.fromhex(said["act"]), said["first"], tuple(map(bytes.fromhex, said["leaves"])))
            case "checkpoint":
                self.checkpoint(said)
            case "problem":
                self.problems.append(said)
            case _:
                raise ValueError(f"a line that says {word!r}")


def ask_line(act: Act) -> str:
    fields = {label: json.loads(value) for label, value in act.values.items()}
    said = {"id": act.id.hex(), "kind": act.kind, "fields": fields, "customers": act.customers}
    return f"ask\t{json.dumps(said)}\n"


def receipt_line(receipt: Receipt) -> str:
    said = {"act": receipt.act.hex(), "first": receipt.first, "leaves": [leaf.hex() for leaf in receipt.leaves]}
    return f"receipt\t{json.dumps(said)}\n"


def checkpoint_line(note: str) -> str:
    return f"checkpoint\t{json.dumps(note)}\n"


def problem_line(problem: str) -> str:
    return f"problem\t{json.dumps(problem[-1500:])}\n"
