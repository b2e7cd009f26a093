"""That nothing the customer was shown before has changed or gone: their own records, and the log around them."""

from __future__ import annotations

from armslength.ledger.bundle import Bundle
from armslength.ledger.check import Check, CheckName
from armslength.ledger.completeness import Shown, Tail
from armslength.ledger.saved import Saved
from armslength.tlog import EMPTY, Edge, Malformed, Unverified, format_base64url, verify_consistency

_NONE_SAVED = "you gave nothing saved from an earlier verification; save this one, and the next will be held to it"


def check_customer(bundle: Bundle, saved: Saved | None, customer: bytes | None) -> Check:
    """That the handle is the customer's own: a complete bundle of somebody else verifies as well."""
    given = [handle for handle in (customer, None if saved is None else saved.customer) if handle is not None]
    handle = format_base64url(bundle.customer)
    if not given:
        said = f"whether {handle} is you: compare it with the handle you were given, or pass that to the verifier"
        return Check.unchecked(CheckName.CUSTOMER, said)
    faults = [
        f"the bundle is of {handle}, and you are {format_base64url(other)}"
        for other in dict.fromkeys(given)
        if other != bundle.customer
    ]
    return Check.of(CheckName.CUSTOMER, faults, f"the bundle is yours, of the handle {handle}")


def check_saved(bundle: Bundle, shown: Shown, saved: Saved | None) -> Check:
    """That the records saved are the first of these: nothing of them went or was changed."""
    if saved is None:
        return Check.unchecked(CheckName.SAVED, _NONE_SAVED)
    if saved.origin != bundle.origin or saved.customer != bundle.customer:
        return Check.of(CheckName.SAVED, ["what you saved is of another log or another customer"], "")
    if saved.records > shown.total:
        gone = f"you saved {saved.records:,} records, and are now shown {shown.total:,}"
        return Check.of(CheckName.SAVED, [f"{gone}: records are gone, or the bundle is old"], "")
    if shown.roots[saved.records] != saved.root:
        changed = f"the first {saved.records:,} records are not those you saved: their root is another"
        return Check.of(CheckName.SAVED, [changed], "")
    return Check.of(CheckName.SAVED, (), f"the {saved.records:,} records you saved are the first of these, unchanged")


def check_history(bundle: Bundle, tail: Tail, saved: Saved | None) -> Check:
    """That the log as it was then is the beginning of the log as it is now."""
    if saved is None:
        return Check.unchecked(CheckName.HISTORY, _NONE_SAVED)
    old, new = saved.checkpoint, bundle.checkpoint
    if old.origin != new.origin:
        return Check.of(CheckName.HISTORY, [f'you saved a checkpoint of "{old.origin}", another log'], "")
    if old.size > new.size:
        gone = f"you saved a checkpoint of {old.size:,} entries, and this one has {new.size:,}"
        return Check.of(CheckName.HISTORY, [f"{gone}: the log went back, or the bundle is old"], "")
    split = f"the log you saved at {old.size:,} entries is not the beginning of this one: you were shown two logs"
    told = f"the log you saved at {old.size:,} entries is the beginning of this one"
    known = {0: EMPTY, new.size: new.root}
    if old.size in known:
        return Check.of(CheckName.HISTORY, [] if old.root == known[old.size] else [split], told)
    start = 0 if bundle.map is None else bundle.map.index
    if old.size >= start and start + len(tail.hashes) == new.size:
        try:
            edge = Edge(size=start, hashes=bundle.before).extended(tail.hashes[: old.size - start])
        except Malformed:
            return Check.of(CheckName.HISTORY, ["the hashes before the tail are not those of a log"], "")
        return Check.of(CheckName.HISTORY, [] if edge.root() == old.root else [split], told)
    proof = next((each.proof for each in bundle.consistency if each.size == old.size), None)
    if proof is None:
        said = (
            f"the bundle holds no proof from {old.size:,} entries, where you saved the log: ask for a bundle with one"
        )
        # Who made the bundle must not be the one to choose whether this is checked.
        return Check.of(CheckName.HISTORY, [said], "")
    try:
        verify_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, proof=proof)
    except Unverified as error:
        return Check.of(CheckName.HISTORY, [f"{split}, or the proof is wrong: {error}"], "")
    return Check.of(CheckName.HISTORY, (), told)
