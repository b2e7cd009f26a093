"""Verifying a customer's bundle, offline: does it show every record about them, unchanged?

Beside the bundle it takes what the firm does not choose: the customer's policy, what they saved last time, their
handle and their clock. Every check is made, whatever the others say. docs/formats/bundle.md names them; the page in
the room `web` is a second verifier, and must say the same."""

from __future__ import annotations

from armslength.ledger.bundle import Bundle
from armslength.ledger.check import BundleVerdict, Check, CheckName, KindCount, Outcome, counted
from armslength.ledger.completeness import (
    Shown,
    check_chain,
    check_log,
    check_map,
    check_records,
    read_records,
    read_tail,
)
from armslength.ledger.continuity import check_customer, check_history, check_saved
from armslength.ledger.disclosure import Disclosure, check_disclosure
from armslength.ledger.minute import format_minute
from armslength.ledger.record import Kind
from armslength.ledger.saved import Saved
from armslength.tlog import Algorithm, Policy, TlogError, VerifierKey

NEVER_LOGGED = (
    "an act that was never logged: no log can show one; data planted so that you would notice its use, a canary, can"
)


def verify_bundle(
    bundle: Bundle,
    *,
    policy: Policy,
    saved: Saved | None = None,
    customer: bytes | None = None,
    now: int | None = None,
) -> BundleVerdict:
    """Every check of the bundle. `customer` is the handle that the customer was given, `now` POSIX seconds (None:
    there is no clock, and a cosignature from the future cannot be told)."""
    tail = read_tail(bundle)
    shown = read_records(bundle, tail, saved=0 if saved is None else saved.records)
    disclosure = check_disclosure(bundle, shown)
    checks = (
        check_signatures(bundle, policy, now),
        check_log(bundle, tail),
        check_map(bundle, tail),
        check_records(bundle, shown),
        check_chain(shown),
        check_customer(bundle, saved, customer),
        check_saved(bundle, shown, saved),
        check_history(bundle, tail, saved),
        disclosure.openings,
        disclosure.erasures,
    )
    return BundleVerdict(
        origin=bundle.origin,
        customer=bundle.customer,
        size=bundle.checkpoint.size,
        checks=checks,
        kinds=_kinds(shown),
        unshown=_unshown(
            bundle, policy, shown, disclosure, max((e.time for e in tail.entries if e is not None), default=None)
        ),
        worth_saving=_worth_saving(bundle, shown, checks, saved),
    )


def check_signatures(bundle: Bundle, policy: Policy, now: int | None) -> Check:
    """That the log the customer knows signed the checkpoint, and enough of the witnesses they trust cosigned it."""
    if bundle.origin != bundle.checkpoint.origin:
        fault = f'the bundle is of "{bundle.origin}", its checkpoint of "{bundle.checkpoint.origin}"'
        return Check.of(CheckName.SIGNATURES, [fault], "")
    try:
        endorsed = policy.endorse(bundle.note, now=now)
    except TlogError as error:
        return Check.of(CheckName.SIGNATURES, [str(error)], "")
    keys = {witness.name: witness.key for witness in policy.witnesses}
    by = ", ".join(f"{name} ({_algorithm(keys[name])}{_at(time)})" for name, time in endorsed.witnesses)
    logs = " and ".join(_algorithm(key) for key in endorsed.logs)
    return Check(
        name=CheckName.SIGNATURES,
        outcome=Outcome.HOLDS,
        said=(
            f'the log "{bundle.origin}" signed its checkpoint of {bundle.checkpoint.size:,} entries ({logs})',
            f'cosigned by {by}; your quorum "{policy.quorum}" is met'
            if by
            else "no witness cosigned, and your policy asks for none",
        ),
    )


def _kinds(shown: Shown) -> tuple[KindCount, ...]:
    times: dict[Kind, list[int]] = {}
    for record in shown.records:
        if record is not None:
            times.setdefault(record.kind, []).append(record.time)
    return tuple(
        KindCount(kind=kind, records=len(times[kind]), first=min(times[kind]), last=max(times[kind]))
        for kind in Kind
        if kind in times
    )


def _unshown(
    bundle: Bundle, policy: Policy, shown: Shown, disclosure: Disclosure, newest: int | None
) -> tuple[str, ...]:
    found = [NEVER_LOGGED]
    if newest is not None:
        found.append(
            f"what was logged after {format_minute(newest)}, the time of the newest entry: ask for a bundle again"
        )
    if bundle.map is not None:
        found.append(
            "that the log's map counts every record of yours: monitors check that, by making it again from the whole "
            "log, which is public; given the whole log in place of the map, this verifier checks it itself"
        )
    if policy.quorum == "none":
        found.append("that others are shown the same log: your policy asks for no witness")
    if disclosure.withheld:
        found.append(f"what {counted(disclosure.withheld, 'withheld field')} say; that they exist is certain")
    if disclosure.closed:
        erased = f", {disclosure.closed_erased:,} of them erased" if disclosure.closed_erased else ""
        found.append(
            f"what {disclosure.closed:,} of your {len(shown.records):,} records say: nothing of them is told{erased}"
        )
    if disclosure.erased:
        found.append(f"what {counted(disclosure.erased, 'erased field')} said: nobody can show that any more")
    return tuple(found)


def _worth_saving(bundle: Bundle, shown: Shown, checks: tuple[Check, ...], saved: Saved | None) -> Saved | None:
    if any(check.outcome is Outcome.FAILS for check in checks):
        return None
    linked = {check.name: check.outcome is Outcome.HOLDS for check in checks}
    if saved is not None and not (linked[CheckName.SAVED] and linked[CheckName.HISTORY]):
        return None
    return Saved(
        origin=bundle.origin,
        customer=bundle.customer,
        note=bundle.note,
        checkpoint=bundle.checkpoint,
        records=shown.total,
        root=shown.roots[shown.total],
    )


def _algorithm(key: VerifierKey) -> str:
    return "ML-DSA-44" if key.algorithm is Algorithm.COSIGNATURE_ML_DSA_44 else "Ed25519"


def _at(time: int) -> str:
    return f", {format_minute(time - time % 60)}" if 0 < time < 253_402_300_800 else ""
