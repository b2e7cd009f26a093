"""A customer's verification: every tampering is found, by the check that is there for it, and nothing honest is
refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from armslength.ledger import (
    BundleVerdict,
    CheckName,
    Kind,
    NotReadable,
    Opened,
    Outcome,
    Saved,
    format_saved,
    parse_bundle,
    parse_saved,
    verify_bundle,
)
from armslength.tlog import Malformed, Policy, leaf_hash, tree_root
from tests.ledger.ledgers import ADA, BEN, CYD, LOG_KEYS, NOW, POLICY, START, Ledger, community, policy_text, written
from tests.ledger.tamperings import Case, cases, saved_of

CASES = cases()


def judged(case: Case) -> BundleVerdict:
    """What the verifier says of a case. Raises `NotReadable` or `Malformed`."""
    return verify_bundle(
        parse_bundle(case.bundle),
        policy=Policy.parse(case.policy),
        saved=None if case.saved is None else parse_saved(case.saved.encode()),
        customer=case.handle,
        now=NOW,
    )


def outcomes(verdict: BundleVerdict, outcome: Outcome) -> set[str]:
    return {check.name.value for check in verdict.checks if check.outcome is outcome}


@pytest.mark.parametrize("make", [make for _, make in CASES], ids=[name for name, _ in CASES])
def test_each_case_fails_where_it_should_and_nowhere_else(make: Callable[[], Case]) -> None:
    """A customer would be shown less than everything, or something else, and be told that all is well."""
    case = make()
    if case.fails is None:
        with pytest.raises((NotReadable, Malformed)):
            judged(case)
        return
    verdict = judged(case)
    assert outcomes(verdict, Outcome.FAILS) == case.fails
    assert outcomes(verdict, Outcome.UNCHECKED) == case.open
    assert verdict.holds == (not case.fails)
    assert [check.name for check in verdict.checks] == list(CheckName)
    assert all(check.said and all(check.said) for check in verdict.checks)


def test_nothing_that_fails_is_worth_saving() -> None:
    """Once saved, a forged state would be what later ones are held to."""
    for _, make in CASES:
        case = make()
        if case.fails is not None:
            verdict = judged(case)
            connected = case.saved is None or not ({"saved", "history"} & case.open)
            assert (verdict.worth_saving is not None) == (not case.fails and connected), case.name


def test_what_is_saved_is_the_customers_records_and_the_checkpoint() -> None:
    """The next bundle is held to this and nothing else."""
    ledger = community()
    bundle = ledger.bundle(ADA)
    kept = verify_bundle(bundle, policy=POLICY, now=NOW).worth_saving
    assert kept is not None
    own = [leaf_hash(each.leaf) for each in ledger.owned[ADA]]
    assert (kept.records, kept.root, kept.checkpoint.size) == (6, tree_root(own), 13)
    assert parse_saved(format_saved(kept).encode()) == kept


def test_saving_again_and_again_follows_the_log() -> None:
    """A customer who verifies each month must not run into a wall of their own."""
    ledger = Ledger(name="months")
    saved: Saved | None = None
    sizes: list[int] = []
    for month in range(6):
        for number in range(month * 2):
            ledger.use(ADA, number)
            ledger.use(BEN, number)
        ledger.head()
        bundle = parse_bundle(written(ledger.bundle(ADA, earlier=sizes)))
        verdict = verify_bundle(bundle, policy=POLICY, saved=saved, now=NOW)
        assert verdict.holds and (saved is None or not outcomes(verdict, Outcome.UNCHECKED))
        saved = verdict.worth_saving
        assert saved is not None
        sizes.append(saved.checkpoint.size)
    assert saved.records == 2 + 4 + 6 + 8 + 10


def test_a_saved_checkpoint_that_cannot_be_connected_is_not_replaced() -> None:
    """Whoever leaves the proof out could else switch the customer to another history in two steps."""
    ledger = community()
    verdict = verify_bundle(ledger.bundle(ADA), policy=POLICY, saved=saved_of(ledger, ADA, 5), now=NOW)
    assert not verdict.holds and outcomes(verdict, Outcome.FAILS) == {"history"}
    assert verdict.worth_saving is None


def test_every_size_of_log_and_every_place_of_the_map_head_verifies() -> None:
    """A tree's shape changes with each size; an error in one of them would refuse honest bundles."""
    ledger = Ledger(name="sizes")
    for size in range(40):
        if size % 7 == 3:
            ledger.head()
        else:
            ledger.use((ADA, BEN, CYD)[size % 3], size)
        for customer in (ADA, BEN):
            for full in (False, True):
                bundle = ledger.bundle(customer, full=full, opened=())
                assert verify_bundle(bundle, policy=POLICY, now=NOW).holds, (size, full)


def test_every_saved_size_is_connected() -> None:
    """As above, for the proofs from what was saved."""
    ledger = Ledger(name="connected")
    for number in range(9):
        ledger.use(ADA, number)
    ledger.head()
    for number in range(3):
        ledger.use(ADA, number)
    total = len(ledger.entries)
    bundle = ledger.bundle(ADA, earlier=range(1, total), opened=())
    for size in range(total + 1):
        verdict = verify_bundle(bundle, policy=POLICY, saved=saved_of(ledger, ADA, size), now=NOW)
        assert not outcomes(verdict, Outcome.FAILS) | outcomes(verdict, Outcome.UNCHECKED), size


def test_the_records_are_counted_by_kind_and_period() -> None:
    """A customer looks for a demand that they never heard of; it has to stand there."""
    verdict = verify_bundle(community().bundle(ADA), policy=POLICY, now=NOW)
    assert [(count.kind, count.records) for count in verdict.kinds] == [
        (Kind.USE, 4),
        (Kind.DEMAND, 1),
        (Kind.ERASURE, 1),
    ]
    assert (verdict.kinds[0].first, verdict.kinds[0].last) == (START, START + 11 * 60)
    assert verdict.records == 6


def test_what_cannot_be_shown_is_said() -> None:
    """A green result that is taken for more than it shows does harm."""
    ledger = community()
    told = verify_bundle(ledger.bundle(ADA, withhold=("reason",)), policy=POLICY, now=NOW).unshown
    assert any("never logged" in each for each in told)
    assert any("monitors" in each for each in told)
    assert any("what 4 withheld fields say" in each for each in told)
    assert any("what 1 erased field said" in each for each in told)
    assert any("logged after 2025-11-03T08:12Z" in each for each in told)
    told = verify_bundle(ledger.bundle(ADA, full=True, opened=()), policy=POLICY, now=NOW).unshown
    assert not any("monitors" in each for each in told)
    assert any("what 6 of your 6 records say" in each for each in told)
    nobody = Policy.parse(policy_text(witnesses=()))
    assert any("no witness" in each for each in verify_bundle(ledger.bundle(ADA), policy=nobody, now=NOW).unshown)


def test_closed_records_that_were_erased_are_told_apart() -> None:
    """Silence that an erasure explains is not the silence of somebody who hides."""
    ledger = community()
    opened: list[Opened] = [each for each in ledger.opened(ADA) if each.sequence == 4]
    scope = next(iter(opened))
    told = verify_bundle(ledger.bundle(ADA, opened=[scope]), policy=POLICY, now=NOW).unshown
    assert any("what 5 of your 6 records say: nothing of them is told" in each for each in told)
    assert not any("of them erased" in each for each in told)
    from armslength.ledger import Everything

    erasing = ledger.erase(ADA, Everything())
    opened = [each for each in ledger.opened(ADA) if each.sequence == erasing.record.sequence]
    told = verify_bundle(ledger.bundle(ADA, opened=opened), policy=POLICY, now=NOW).unshown
    assert any("what 6 of your 7 records say: nothing of them is told, 5 of them erased" in each for each in told)


def test_signatures_of_ml_dsa_are_verified_too() -> None:
    """The day Ed25519 falls, these are all that is left."""
    ledger = community()
    policy = Policy.parse(policy_text(logs=LOG_KEYS, witnesses=("anna", "carla")))
    note = ledger.checkpoint(logs=LOG_KEYS, witnesses=("anna", "carla"))
    verdict = verify_bundle(ledger.bundle(ADA, note=note), policy=policy, now=NOW)
    assert verdict.holds
    assert any("ML-DSA-44" in said for said in verdict.checks[0].said)
    forged = note.signatures[3]
    wrong = type(forged)(name=forged.name, key_id=forged.key_id, blob=forged.blob[:-1] + bytes([forged.blob[-1] ^ 1]))
    verdict = verify_bundle(ledger.bundle(ADA, note=note.with_signatures([wrong])), policy=policy, now=NOW)
    assert outcomes(verdict, Outcome.FAILS) == {"signatures"}


def test_a_log_that_signs_with_ml_dsa_alone_is_believed() -> None:
    """A policy may list no other key."""
    ledger = community()
    policy = Policy.parse(policy_text(logs=LOG_KEYS[1:], witnesses=("carla",)))
    bundle = ledger.bundle(ADA, note=ledger.checkpoint(logs=LOG_KEYS[1:], witnesses=("carla",)))
    assert verify_bundle(bundle, policy=policy, now=NOW).holds


def test_without_a_clock_a_time_to_come_is_not_refused() -> None:
    """Who verifies an old bundle years later may have no clock worth asking."""
    ledger = community()
    bundle = ledger.bundle(ADA, note=ledger.checkpoint(time=NOW + 10 * 366 * 86_400))
    assert verify_bundle(bundle, policy=POLICY, now=None).holds
    assert not verify_bundle(bundle, policy=POLICY, now=NOW).holds


def test_faults_without_number_are_counted_and_not_all_told() -> None:
    """A page of ten thousand lines is not read."""
    ledger = Ledger(name="many")
    for number in range(40):
        ledger.use(ADA, number)
    ledger.head()
    document = json.loads(written(ledger.bundle(ADA, opened=())))
    document["leaves"].reverse()
    verdict = verify_bundle(parse_bundle(json.dumps(document).encode()), policy=POLICY, now=NOW)
    chain = next(check for check in verdict.checks if check.name is CheckName.CHAIN)
    assert len(chain.said) == 11 and chain.said[-1].startswith("and 70 faults more")
