"""What has to hold of a ledger's stores before anything is signed, whenever they are read: at a start, and after a
storage error. Each check raises `Damaged` or `Overtaken` with what to do."""

from __future__ import annotations

from armslength.ledger import Journal
from armslength.store import Damaged, Held, KeyStore, LedgerFolder, LockStore, LogState, LogStore, Overtaken, log_nodes
from armslength.tlog import Checkpoint, Note, TlogError, edge_at, root_at, verify_signature


def check_note(folder: LedgerFolder, keys: KeyStore, state: LogState) -> int:
    """The stored checkpoint is ours and of this state. Gives the newest time that it was signed with (0: none),
    before which no time may be signed any more."""
    if state.origin != folder.settings.origin or keys.origin() != state.origin:
        raise Damaged(
            f"{folder.path}: the log is of {state.origin!r}, its keys of {keys.origin()!r}, the settings say"
            f" {folder.settings.origin!r}"
        )
    try:
        note = Note.parse(state.note)
        checkpoint = Checkpoint.parse(note.text)
        signed = [made for log in folder.policy.logs if (made := verify_signature(note, log.key)) is not None]
    except TlogError as error:
        raise Damaged(f"{folder.log}: the stored checkpoint: {error}") from None
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (state.origin, state.size, state.edge.root()):
        raise Damaged(f"{folder.log}: the stored checkpoint is not that of the stored state")
    if not signed:
        raise Damaged(f"{folder.log}: the stored checkpoint is signed by no key of the policy")
    return max(each.timestamp or 0 for each in signed)


def check_keys(folder: LedgerFolder, keys: KeyStore, state: LogState, *, old_keys: bool) -> None:
    """The store of keys was written for this log: it has read no further than the log goes, and is not behind
    it."""
    erased = keys.erased()
    if erased > state.size:
        raise Overtaken(
            f"{folder.log}: holds {state.size} entries, but the erasures up to {erased} were done"
            f" ({folder.keys}): it was rolled back; restore what is missing, and never sign on from here"
        )
    followed = keys.followed()
    if followed < state.size:
        if not old_keys:
            raise Overtaken(
                f"{folder.keys}: was written for {followed} entries, but the log has {state.size}: it is an"
                " older copy; find the newest, or go on without what it lacks: armslength ledger adopt-keys"
            )
        keys.follow(state.size)


def check_lock(folder: LedgerFolder, log: LogStore, lock: LockStore, state: LogState) -> None:
    """The lock knows a prefix of this log; if it is behind, the last commit ended between the two, and it is
    moved on."""
    origin = state.origin
    held = lock.held(origin)
    if held.size > state.size:
        raise Overtaken(
            f"{folder.log}: holds {state.size} entries, but {held.size} were signed ({folder.lock}): it"
            " was rolled back; restore what is missing, and never sign on from here"
        )
    if root_at(held.size, log_nodes(log, state.size)) != held.root:
        raise Overtaken(
            f"{folder.log}: another root than the one signed at size {held.size} ({folder.lock}): this"
            " is not the log that was signed"
        )
    if held.size < state.size:
        lock.advance(origin, before=held, after=Held(size=state.size, root=state.edge.root()))


def replayed(folder: LedgerFolder, log: LogStore, state: LogState) -> Journal:
    """The journal before the newest map head, carried on over it and the entries after it by the code that checks
    every log: so the chains that are kept are those that the head vouches for."""
    chains = log.heads()
    start = state.mapped if chains else 0
    try:
        journal = Journal(edge=edge_at(start, log_nodes(log, state.size)), chains=chains)
        for leaves in log.pieces(start, state.size):
            journal.adopt(journal.replay(leaves))
    except TlogError as error:
        raise Damaged(f"{folder.log}: {error}") from None
    if journal.edge != state.edge:
        raise Damaged(f"{folder.log}: the entries do not give the root that was signed")
    if (journal.mapped, journal.time) != (state.mapped, state.time):
        raise Damaged(f"{folder.log}: the stored state is not that of its entries")
    return journal  # it knows which chains moved since the head, as the next head has to
