"""The glossary settles what each word means."""

from __future__ import annotations

import re

from armslength.estate import Basis
from armslength.estate.model import POWERS
from tests.docs.documents import document, documents

WORDS = """
state, exposure, estate, grant, standing access, power, terms, quorum, apart, reach, length, floor, subject, resource,
action,
context, decision, request, approval, lease, asker, author, approver, executor, ledger, record,
checkpoint, tile, witness,
cosignature, finding, disposition, demand, register, customer,
person, entity, workplace, residence, travel, declared tie, group, asset, class, within, host, key, subjects,
holder, target,
unit, role, gap, home state, bloc, accomplice, coalition, outsider, derivation, cap, custody, distinct, gate,
policy, permit,
act, handle, commitment, opening, map, map head, bundle, receipt, erasure, origin, monitor, split view,
forbid, estate digest, requester, dead rule, choke point,
passkey, founding key, enrolment, voucher, evidence, window, passage, enforcement point, redeem, revocation list,
break-glass, hold, route
"""


def headings() -> list[str]:
    return [word.strip() for heading in document("docs/glossary.md").headings for word in heading.split(",")]


def test_every_word_has_its_heading() -> None:
    """A word without a meaning is read in two ways, and a floor is set on the wrong one."""
    wanted = {" ".join(word.split()) for word in WORDS.split(",")}
    assert wanted - set(headings()) == set()


def test_every_power_and_basis_has_its_heading() -> None:
    """Somebody who meets a new power in a report must be able to look it up."""
    there = set(headings())
    assert POWERS - there == set()
    bases = {basis.value for basis in Basis} - {"employer", "owner", "declared"}
    assert bases - there == set()
    assert {basis.value for basis in Basis} <= set(re.findall(r"[a-z]+", document("docs/glossary.md").text.lower()))


def test_no_word_has_two_meanings() -> None:
    """Two headings for one word are two definitions."""
    there = headings()
    assert len(there) == len(set(there))


def test_no_document_speaks_of_passports() -> None:
    """People must not be taught to think of colleagues by ancestry: exposure comes from places and employers."""
    spoken = re.compile(r"\b(?:\w+ )?(?:nationals?|nationality|ethnicity|ancestry)\b", re.IGNORECASE)
    allowed = re.compile(r"never|refused|column|ancestry, inference", re.IGNORECASE)
    found = []
    for given in documents():
        for paragraph in given.text.split("\n\n"):
            if spoken.search(paragraph) and not allowed.search(paragraph):
                found.append(f"{given.name}: {paragraph[:80]}")
    assert found == []
