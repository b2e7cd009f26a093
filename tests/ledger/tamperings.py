"""What somebody could hand a customer in place of an honest bundle, and the honest ones beside it.

Each case says which checks have to fail, and no others. Both verifiers are held to it: the command and the page.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from armslength.ledger import (
    Everything,
    Kind,
    MapHead,
    Record,
    Records,
    Saved,
    canonical,
    commit,
    format_base64url,
    format_saved,
    parse_base64url,
)
from armslength.tlog import Algorithm, Checkpoint, Note, SigningKey, leaf_hash, sign_note, tree_root
from tests.ledger.ledgers import (
    ADA,
    BEN,
    COSIGNED,
    CYD,
    NOW,
    ORIGIN,
    WITNESS_KEYS,
    Ledger,
    community,
    policy_text,
    seed,
    written,
)

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a verifier is given. `fails` are the checks that have to fail, None where the bundle cannot even be read;
    `open` those that stay unchecked besides the three that need something of the customer's."""

    name: str
    bundle: bytes
    fails: frozenset[str] | None
    policy: str
    saved: str | None = None
    handle: bytes | None = ADA
    open: frozenset[str] = frozenset({"saved", "history"})


_MAKERS: list[tuple[str, Callable[[], Case]]] = []


def _case(
    *,
    fails: Iterable[str] | None = (),
    policy: str | None = None,
    handle: bytes | None = ADA,
    open: Iterable[str] | None = None,
) -> Callable[[Callable[[], bytes | tuple[bytes, Saved]]], Callable[[], Case]]:
    """Register a maker of a bundle, or of a bundle and what the customer saved before."""

    def register(make: Callable[[], bytes | tuple[bytes, Saved]]) -> Callable[[], Case]:
        name = make.__name__

        @functools.cache
        def made() -> Case:
            given = make()
            bundle, saved = given if isinstance(given, tuple) else (given, None)
            standing = {"saved", "history"} if saved is None else set()
            if handle is None and saved is None:
                standing.add("customer")
            return Case(
                name=name,
                bundle=bundle,
                fails=None if fails is None else frozenset(fails),
                policy=policy_text() if policy is None else policy,
                saved=None if saved is None else format_saved(saved),
                handle=handle,
                open=frozenset(standing if open is None else open),
            )

        _MAKERS.append((name, made))
        return made

    return register


def cases() -> list[tuple[str, Callable[[], Case]]]:
    """Every case by name, made when it is asked for."""
    return list(_MAKERS)


# what an honest ledger gives, to be tampered with


def ada() -> Document:
    return _document(written(community().bundle(ADA)))


def _document(data: bytes) -> Document:
    return dict(json.loads(data))


def _dumped(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def saved_of(ledger: Ledger, customer: bytes, size: int | None = None) -> Saved:
    """What the customer would have saved when the log had `size` entries."""
    note = ledger.checkpoint(size)
    size = len(ledger.entries) if size is None else size
    own = [leaf_hash(each.leaf) for each in ledger.owned[customer] if each.index < size]
    return Saved(
        origin=ledger.origin,
        customer=customer,
        note=note,
        checkpoint=Checkpoint.parse(note.text),
        records=len(own),
        root=tree_root(own),
    )


def _signed(text: str, *keys: SigningKey, time: int = COSIGNED) -> Note:
    signatures = (sign_note(text, key, timestamp=time if key.algorithm.timestamped else None) for key in keys)
    return Note(text=text, signatures=tuple(signatures))


# honest bundles


@_case()
def an_honest_bundle() -> bytes:
    return written(community().bundle(ADA))


@_case()
def an_honest_bundle_of_the_whole_log() -> bytes:
    return written(community().bundle(ADA, full=True))


@_case()
def an_honest_bundle_with_fields_withheld() -> bytes:
    return written(community().bundle(ADA, withhold=("approvers", "reason")))


@_case()
def an_honest_bundle_that_tells_nothing() -> bytes:
    return written(community().bundle(ADA, opened=()))


@_case(handle=CYD)
def an_honest_bundle_of_nobody() -> bytes:
    return written(community().bundle(CYD))


@_case(handle=None)
def an_honest_bundle_for_somebody_unknown() -> bytes:
    return written(community().bundle(ADA))


@_case()
def an_honest_bundle_saved_within_the_tail() -> tuple[bytes, Saved]:
    ledger = community()
    return written(ledger.bundle(ADA)), saved_of(ledger, ADA, 12)


@_case()
def an_honest_bundle_saved_before_the_map_head() -> tuple[bytes, Saved]:
    ledger = community()
    return written(ledger.bundle(ADA, earlier=(3, 5, 7))), saved_of(ledger, ADA, 5)


@_case(fails=("history",))
def a_bundle_without_the_proof_from_what_was_saved() -> tuple[bytes, Saved]:
    ledger = community()
    return written(ledger.bundle(ADA, earlier=(3, 7))), saved_of(ledger, ADA, 5)


@_case()
def an_honest_bundle_seen_twice() -> tuple[bytes, Saved]:
    ledger = community()
    return written(ledger.bundle(ADA)), saved_of(ledger, ADA)


@_case()
def an_honest_bundle_after_all_was_erased() -> bytes:
    ledger = community()
    ledger.erase(ADA, Records(records=((0, None), (2, None), (5, ("asset", "reason")))))
    ledger.erase(ADA, Everything())
    ledger.head()
    return written(ledger.bundle(ADA))


@_case(policy=policy_text(witnesses=("anna", "bruno", "carla"), least=2))
def an_honest_bundle_of_three_witnesses_two_of_whom_suffice() -> bytes:
    ledger = community()
    return written(ledger.bundle(ADA, note=ledger.checkpoint(witnesses=("anna", "bruno", "carla"))))


@_case(policy=policy_text(witnesses=()))
def an_honest_bundle_under_a_policy_without_witnesses() -> bytes:
    return written(community().bundle(ADA))


# records dropped, altered, moved


@_case(fails=("records", "chain", "openings", "erasures"))
def the_last_leaf_dropped() -> bytes:
    document = ada()
    document["leaves"].pop()
    return _dumped(document)


@_case(fails=("records", "chain", "openings"))
def a_leaf_dropped() -> bytes:
    document = ada()
    del document["leaves"][1]
    return _dumped(document)


@_case(fails=("records", "chain"))
def a_leaf_altered() -> bytes:
    document = ada()
    document["leaves"][2] = document["leaves"][2].replace('"kind":"use"', '"kind":"refusal"')
    return _dumped(document)


@_case(fails=("records",))
def a_leaf_altered_and_those_after_it_remade() -> bytes:
    """Whoever holds the data can make a chain that fits; only the map and the witnesses stand in the way."""
    ledger = Ledger(name="remade")
    for number in range(3):
        ledger.use(ADA, number)
    ledger.head()
    forged = Ledger(name="forged")
    for number in (0, 7, 2):
        forged.use(ADA, number)
    forged.head()
    document, false = _document(written(ledger.bundle(ADA))), _document(written(forged.bundle(ADA)))
    return _dumped({**document, "leaves": false["leaves"], "opened": false["opened"]})


@_case(fails=("records", "chain", "openings"))
def two_leaves_exchanged() -> bytes:
    document = ada()
    leaves = document["leaves"]
    leaves[0], leaves[1] = leaves[1], leaves[0]
    return _dumped(document)


@_case(fails=("records", "chain", "openings"))
def a_leaf_repeated() -> bytes:
    document = ada()
    document["leaves"].insert(1, document["leaves"][0])
    return _dumped(document)


@_case(fails=("records", "chain"))
def a_leaf_that_is_none() -> bytes:
    document = ada()
    document["leaves"][4] = document["leaves"][4].replace('"version":1', '"version":2')
    return _dumped({**document, "opened": []})


@_case(fails=("records", "chain"))
def a_leaf_of_a_day_that_is_none() -> bytes:
    document = ada()
    document["leaves"][4] = document["leaves"][4].replace("2025-11-03T", "2026-02-30T")
    return _dumped({**document, "opened": []})


# customers exchanged


@_case(fails=("records", "chain", "openings"))
def the_leaves_of_another_customer() -> bytes:
    document = ada()
    return _dumped({**document, "leaves": _document(written(community().bundle(BEN)))["leaves"]})


@_case(fails=("map", "records", "chain", "openings"), handle=BEN)
def a_bundle_under_the_handle_of_another() -> bytes:
    return _dumped({**ada(), "customer": format_base64url(BEN)})


@_case(fails=("customer",))
def the_whole_bundle_of_another_customer() -> bytes:
    return written(community().bundle(BEN))


@_case(fails=("customer", "saved"), handle=None)
def the_whole_bundle_of_another_than_saved_before() -> tuple[bytes, Saved]:
    ledger = community()
    return written(ledger.bundle(BEN)), saved_of(ledger, ADA, 12)


# what is told


@_case(fails=("openings",))
def an_opening_used_again() -> bytes:
    document = ada()
    document["opened"][1]["fields"][0] = document["opened"][0]["fields"][0]
    return _dumped(document)


@_case(fails=("openings",))
def a_field_of_another_record() -> bytes:
    document = ada()
    document["opened"][1]["fields"][2] = document["opened"][2]["fields"][2]
    return _dumped(document)


@_case(fails=("openings",))
def a_value_altered() -> bytes:
    document = ada()
    document["opened"][0]["fields"][5][2] += 0.5
    return _dumped(document)


@_case(fails=("openings",))
def a_field_under_another_label() -> bytes:
    document = ada()
    document["opened"][0]["fields"][0][0] = "act"
    return _dumped(document)


@_case(fails=("openings",))
def a_field_left_out() -> bytes:
    document = ada()
    del document["opened"][0]["fields"][3]
    return _dumped(document)


@_case(fails=("openings",))
def a_field_put_in() -> bytes:
    document = ada()
    document["opened"][0]["fields"].append(["zeal", format_base64url(seed("zeal")), "great"])
    return _dumped(document)


@_case(fails=("openings",))
def something_told_of_no_record() -> bytes:
    document = ada()
    document["opened"].append({**document["opened"][-1], "sequence": 6})
    return _dumped(document)


# signatures


@_case(fails=("signatures",))
def a_forged_cosignature() -> bytes:
    ledger = community()
    note = ledger.checkpoint()
    stranger = SigningKey(
        name=WITNESS_KEYS["bruno"].name, algorithm=Algorithm.COSIGNATURE_ED25519, seed=seed("stranger")
    )
    forged = sign_note(note.text, stranger, timestamp=COSIGNED)
    claimed = type(forged)(name=forged.name, key_id=WITNESS_KEYS["bruno"].verifier.id, blob=forged.blob)
    return written(ledger.bundle(ADA, note=note.with_signatures([claimed])))


@_case(fails=("signatures",))
def a_cosignature_of_another_checkpoint() -> bytes:
    ledger = community()
    older = ledger.checkpoint(11)
    return written(ledger.bundle(ADA, note=ledger.checkpoint().with_signatures([older.signatures[2]])))


@_case(fails=("signatures",))
def a_cosignature_with_another_time() -> bytes:
    ledger = community()
    note = ledger.checkpoint()
    one = note.signatures[1]
    later = type(one)(name=one.name, key_id=one.key_id, blob=(COSIGNED + 60).to_bytes(8, "big") + one.blob[8:])
    return written(ledger.bundle(ADA, note=note.with_signatures([later])))


@_case(fails=("signatures",))
def a_cosignature_missing() -> bytes:
    ledger = community()
    return written(ledger.bundle(ADA, note=ledger.checkpoint(witnesses=("anna",))))


@_case(fails=("signatures",))
def a_cosignature_by_a_stranger_of_the_same_name() -> bytes:
    ledger = community()
    note = ledger.checkpoint(witnesses=("anna",))
    stranger = SigningKey(
        name=WITNESS_KEYS["bruno"].name, algorithm=Algorithm.COSIGNATURE_ED25519, seed=seed("stranger")
    )
    more = sign_note(note.text, stranger, timestamp=COSIGNED)
    return written(ledger.bundle(ADA, note=note.with_signatures([more])))


@_case(fails=("signatures",))
def cosignatures_from_the_future() -> bytes:
    ledger = community()
    return written(ledger.bundle(ADA, note=ledger.checkpoint(time=NOW + 10 * 366 * 86_400)))


@_case(fails=("signatures",))
def a_log_that_did_not_sign() -> bytes:
    ledger = community()
    return written(ledger.bundle(ADA, note=ledger.checkpoint(logs=())))


@_case(fails=("signatures",))
def another_log_with_the_same_witnesses() -> bytes:
    """The witnesses cosign whatever grows; that it is the customer's log is for the policy to say."""
    ledger = community()
    ledger.origin = "log.elsewhere.example/ledger"
    other = SigningKey(name=ledger.origin, algorithm=Algorithm.ED25519, seed=seed("other log"))
    return written(ledger.bundle(ADA, note=ledger.checkpoint(logs=(other,))))


@_case(fails=("signatures",))
def a_wrong_origin() -> bytes:
    return _dumped({**ada(), "origin": "log.armslength.example/other"})


@_case(
    fails=("signatures",),
    policy=policy_text(logs=(SigningKey(name=ORIGIN, algorithm=Algorithm.ED25519, seed=seed("new log key")),)),
)
def a_policy_of_another_key_of_the_log() -> bytes:
    return written(community().bundle(ADA))


# the log and its map


@_case(fails=("log",))
def the_tail_cut() -> bytes:
    document = ada()
    document["tail"].pop()
    return _dumped(document)


@_case(fails=("log", "openings"))
def a_record_in_the_tail_left_out() -> bytes:
    document = ada()
    del document["tail"][1]
    return _dumped(document)


@_case(fails=("log", "openings"))
def a_record_in_the_tail_given_to_another() -> bytes:
    document = ada()
    document["tail"][1] = document["tail"][1].replace(format_base64url(ADA), format_base64url(CYD))
    return _dumped(document)


@_case(fails=("log",))
def an_entry_of_the_tail_altered() -> bytes:
    document = ada()
    document["tail"][2] = document["tail"][2].replace('"kind":"use"', '"kind":"lease"')
    return _dumped(document)


@_case(fails=("log",))
def a_hash_before_the_tail_altered() -> bytes:
    document = ada()
    document["before"][0] = format_base64url(seed("another hash"))
    return _dumped(document)


@_case(fails=("log",))
def a_hash_before_the_tail_missing() -> bytes:
    document = ada()
    document["before"].pop()
    return _dumped(document)


@_case(fails=("log",))
def an_entry_that_nobody_can_read() -> bytes:
    """It is signed and in its place, and could be a record that is kept from the customer."""
    ledger = community()
    ledger.entries.append(b'{"act":"hidden"}')
    return written(ledger.bundle(ADA))


@_case(fails=("log", "erasures"))
def a_map_head_that_is_not_in_the_log() -> bytes:
    """A map made for this customer alone, in which their last records are missing."""
    ledger = community()
    index, mapped = ledger.heads[-1]
    fewer = mapped.copy()
    fewer.set(ADA, 2, tree_root(leaf_hash(each.leaf) for each in ledger.owned[ADA][:2]))
    honest = ledger.checkpoint()
    ledger.entries[index] = MapHead(size=index, customers=2, root=fewer.root(), time=ledger.time).leaf()
    ledger.entries[index + 1 :] = [
        entry for entry in ledger.entries[index + 1 :] if format_base64url(BEN).encode() in entry
    ]
    ledger.entries += ledger.entries[-1:]
    ledger.heads[-1] = (index, fewer)
    del ledger.owned[ADA][2:]
    return written(ledger.bundle(ADA, note=honest))


@_case(fails=("log",))
def a_map_head_of_another_time() -> bytes:
    document = ada()
    document["tail"][0] = document["tail"][0].replace("T08:10Z", "T08:11Z")
    return _dumped(document)


@_case(fails=("map",))
def a_record_in_the_place_of_the_map_head() -> bytes:
    """The log is signed as it is; the bundle only points beside its map head."""
    ledger = community()
    ledger.heads[-1] = (ledger.heads[-1][0] + 1, ledger.heads[-1][1])
    return written(ledger.bundle(ADA))


@_case(fails=("map",))
def a_map_head_that_covers_less_than_it_stands_after() -> bytes:
    ledger = Ledger(name="short")
    ledger.use(ADA)
    ledger.head()
    ledger.use(BEN)
    index, mapped = ledger.heads[-1]
    ledger.entries.append(MapHead(size=index, customers=1, root=mapped.root(), time=ledger.time).leaf())
    ledger.heads[-1] = (3, mapped)
    return written(ledger.bundle(ADA))


@_case(fails=("map", "records", "chain"))
def a_map_proof_of_another_handle() -> bytes:
    document = ada()
    theirs = _document(written(community().bundle(BEN)))
    return _dumped({**document, "map": theirs["map"], "leaves": theirs["leaves"], "opened": []})


@_case(fails=("map", "chain"))
def an_absence_of_a_customer_who_is_there() -> bytes:
    """Their records in the map are denied, so that only those at the end of the log would have to be shown."""
    document = ada()
    theirs = _document(written(community().bundle(BEN)))
    return _dumped({**document, "map": theirs["map"], "leaves": [], "opened": []})


@_case(fails=("map", "chain"))
def a_map_said_to_be_empty() -> bytes:
    document = ada()
    document["map"]["proof"] = {"steps": [], "leaf": None}
    return _dumped({**document, "leaves": [], "opened": []})


@_case(fails=("map", "records"))
def a_map_leaf_that_counts_fewer() -> bytes:
    document = ada()
    document["map"]["proof"]["leaf"]["size"] -= 1
    return _dumped(document)


@_case(fails=("map",))
def a_map_proof_with_a_step_too_many() -> bytes:
    document = ada()
    steps = document["map"]["proof"]["steps"]
    steps.append([255, steps[0][1]])
    return _dumped(document)


@_case(fails=("map",))
def a_map_proof_with_its_steps_out_of_order() -> bytes:
    document = ada()
    steps = document["map"]["proof"]["steps"]
    steps.insert(0, [200, steps[0][1]])
    return _dumped(document)


@_case(fails=("records", "chain"), handle=CYD)
def records_of_a_customer_whom_the_map_does_not_know() -> bytes:
    ledger = community()
    ledger.use(CYD)
    document = _document(written(ledger.bundle(CYD)))
    return _dumped({**document, "customer": format_base64url(CYD), "leaves": [document["tail"][-1]]})


@_case(fails=("chain",))
def a_second_chain_beside_the_first() -> bytes:
    """The log holds a record that no chain counts: it was to be shown to nobody, and a full scan finds it."""
    ledger = community()
    hidden = Record(
        kind=Kind.USE,
        customer=ADA,
        sequence=5,
        previous=leaf_hash(ledger.owned[ADA][4].leaf),
        time=ledger.time,
        commitment=seed("hidden"),
        act=seed("hidden")[:16],
    )
    ledger.entries.append(hidden.leaf())
    ledger.head()
    return written(ledger.bundle(ADA, full=True))


@_case(fails=("log", "map", "records", "openings"))
def a_log_without_entries() -> bytes:
    document = ada()
    return _dumped({**document, "tail": [], "leaves": []})


# erasures


def _closed(field: list[Any], state: str) -> list[Any]:
    label, opening, value = field
    commitment = commit(parse_base64url(opening, 32), label, canonical(value, label=label))
    return [label, {state: format_base64url(commitment)}]


@_case(fails=("erasures",))
def an_erasure_without_a_record_of_it() -> bytes:
    document = ada()
    fields = document["opened"][0]["fields"]
    fields[4] = _closed(fields[4], "erased")
    return _dumped(document)


@_case(fails=("erasures",))
def an_erasure_of_another_field() -> bytes:
    document = ada()
    fields = document["opened"][1]["fields"]
    fields[3] = _closed(fields[3], "erased")
    return _dumped(document)


@_case(fails=("erasures",))
def an_erasure_of_another_customer() -> bytes:
    ledger = community()
    ledger.erase(BEN, Everything())
    document = _document(written(ledger.bundle(ADA)))
    fields = document["opened"][2]["fields"]
    fields[4] = _closed(fields[4], "erased")
    return _dumped(document)


@_case(fails=("erasures",))
def an_erasure_that_came_before() -> bytes:
    ledger = Ledger(name="before")
    ledger.use(ADA)
    ledger.erase(ADA, Everything())
    ledger.use(ADA, 1)
    document = _document(written(ledger.bundle(ADA)))
    fields = document["opened"][2]["fields"]
    fields[0] = _closed(fields[0], "erased")
    return _dumped(document)


@_case(fails=("erasures",))
def an_erasure_whose_scope_is_not_told() -> bytes:
    return written(community().bundle(ADA, withhold=("scope",)))


@_case(fails=("erasures",))
def an_erasure_record_that_is_itself_erased() -> bytes:
    ledger = community()
    ledger.erase(ADA, Everything())
    document = _document(written(ledger.bundle(ADA)))
    fields = document["opened"][4]["fields"]
    assert [field[0] for field in fields] == ["basis", "scope"]
    fields[0] = _closed(fields[0], "erased")
    return _dumped(document)


@_case(fails=("erasures",))
def an_erasure_with_a_scope_that_is_none() -> bytes:
    ledger = community()
    ledger.add(ADA, Kind.ERASURE, {"scope": [{"sequence": 3}, {"sequence": 2}]})
    return written(ledger.bundle(ADA))


@_case(fails=("erasures",))
def an_ordinary_record_with_a_scope() -> bytes:
    ledger = community()
    ledger.add(ADA, Kind.FINDING, {"scope": "everything"})
    document = _document(written(ledger.bundle(ADA)))
    fields = document["opened"][0]["fields"]
    fields[4] = _closed(fields[4], "erased")
    return _dumped(document)


# what was saved before


@_case(fails=("saved", "history"))
def a_log_rolled_back() -> tuple[bytes, Saved]:
    """The last two entries are gone, as after a restored backup, and the witnesses were talked into it."""
    ledger = community()
    saved = saved_of(ledger, ADA)
    del ledger.entries[-2:]
    ledger.owned[ADA].pop()
    return written(ledger.bundle(ADA)), saved


@_case(fails=("saved", "history"))
def two_logs_of_the_same_size() -> tuple[bytes, Saved]:
    return written(community().bundle(ADA)), saved_of(community(name="fork"), ADA)


@_case(fails=("saved", "history"))
def two_logs_within_the_tail() -> tuple[bytes, Saved]:
    return written(community().bundle(ADA)), saved_of(community(name="fork"), ADA, 11)


@_case(fails=("saved", "history"))
def two_logs_with_a_proof_of_the_one_shown() -> tuple[bytes, Saved]:
    return written(community().bundle(ADA, earlier=(5,))), saved_of(community(name="fork"), ADA, 5)


@_case(fails=("history",))
def two_logs_that_differ_in_what_is_not_the_customers() -> tuple[bytes, Saved]:
    fork = community()
    fork.entries[1] = fork.entries[1].replace(b'"kind":"use"', b'"kind":"lease"')
    return written(community().bundle(ADA, earlier=(5,))), saved_of(fork, ADA, 5)


@_case(fails=("saved",))
def records_other_than_those_saved() -> tuple[bytes, Saved]:
    ledger = community()
    saved = saved_of(ledger, ADA, 12)
    return written(ledger.bundle(ADA)), Saved(
        origin=saved.origin,
        customer=ADA,
        note=saved.note,
        checkpoint=saved.checkpoint,
        records=saved.records,
        root=seed("another root"),
    )


@_case(fails=("history",))
def a_wrong_consistency_proof() -> tuple[bytes, Saved]:
    ledger = community()
    document = _document(written(ledger.bundle(ADA, earlier=(5,))))
    document["consistency"][0]["proof"].reverse()
    return _dumped(document), saved_of(ledger, ADA, 5)


@_case(fails=("history",))
def a_consistency_proof_of_another_size() -> tuple[bytes, Saved]:
    ledger = community()
    document = _document(written(ledger.bundle(ADA, earlier=(6,))))
    document["consistency"][0]["from"] = 5
    return _dumped(document), saved_of(ledger, ADA, 5)


@_case(fails=("history",))
def a_consistency_proof_cut_short() -> tuple[bytes, Saved]:
    ledger = community()
    document = _document(written(ledger.bundle(ADA, earlier=(5,))))
    document["consistency"][0]["proof"].pop()
    return _dumped(document), saved_of(ledger, ADA, 5)


@_case(fails=("saved", "history", "signatures"), handle=None)
def another_log_than_saved_before() -> tuple[bytes, Saved]:
    ledger = community()
    saved = saved_of(ledger, ADA, 12)
    ledger.origin = "log.elsewhere.example/ledger"
    other = SigningKey(name=ledger.origin, algorithm=Algorithm.ED25519, seed=seed("other log"))
    return written(ledger.bundle(ADA, note=ledger.checkpoint(logs=(other,)))), saved


# what cannot be read: never green, and not half believed


def _text(change: Callable[[str], str]) -> bytes:
    return change(written(community().bundle(ADA)).decode()).encode("utf-8", "surrogatepass")


@_case(fails=None)
def a_key_that_comes_twice() -> bytes:
    return _text(lambda text: text.replace('"leaves":[', '"leaves":[],"leaves":[', 1))


@_case(fails=None)
def a_key_that_comes_twice_in_another_spelling() -> bytes:
    return _text(lambda text: text.replace('"leaves":[', '"l\\u0065aves":[],"leaves":[', 1))


@_case(fails=None)
def a_key_that_comes_twice_within_a_value() -> bytes:
    return _text(lambda text: text.replace('"recordings-0"', '{"a":1,"a":2}', 1))


@_case(fails=None)
def a_key_of_nobody() -> bytes:
    return _dumped({**ada(), "__proto__": {}})


@_case(fails=None)
def a_key_missing() -> bytes:
    document = ada()
    del document["opened"]
    return _dumped(document)


@_case(fails=None)
def another_version() -> bytes:
    return _dumped({**ada(), "format": "armslength.bundle/v2"})


@_case(fails=None)
def a_huge_sequence_number() -> bytes:
    document = ada()
    document["opened"][-1]["sequence"] = 2**53
    return _dumped(document)


@_case(fails=None)
def a_number_past_all_doubles() -> bytes:
    return _text(lambda text: text.replace(",12.5]", ",1e999]", 1))


@_case(fails=None)
def a_number_of_ten_thousand_digits() -> bytes:
    return _text(lambda text: text.replace(",12.5]", f",{'9' * 10_000}]", 1))


@_case(fails=("openings",))
def a_large_number_that_was_not_recorded() -> bytes:
    return _text(lambda text: text.replace(",12.5]", ",123456789012345678901234567890]", 1))


@_case(fails=None)
def a_number_that_is_none() -> bytes:
    return _text(lambda text: text.replace(",12.5]", ",NaN]", 1))


@_case(fails=None)
def a_value_nested_without_end() -> bytes:
    return _text(lambda text: text.replace('"recordings-0"', "[" * 100_000 + "]" * 100_000, 1))


@_case(fails=None)
def a_value_nested_one_too_deep() -> bytes:
    return _text(lambda text: text.replace('"recordings-0"', "[" * 28 + "]" * 28, 1))


@_case(fails=("openings",))
def a_value_nested_as_deep_as_may_be() -> bytes:
    return _text(lambda text: text.replace('"recordings-0"', "[" * 27 + "]" * 27, 1))


@_case(fails=None)
def a_base64_tail_with_bits_that_mean_nothing() -> bytes:
    def changed(text: str) -> str:
        opening = json.loads(text)["opened"][0]["fields"][0][1]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return text.replace(opening, opening[:-1] + alphabet[alphabet.index(opening[-1]) + 1], 1)

    return _text(changed)


@_case(fails=None)
def a_hash_with_padding() -> bytes:
    document = ada()
    document["before"][0] += "="
    return _dumped(document)


@_case(fails=None)
def a_hash_in_the_other_alphabet() -> bytes:
    document = ada()
    document["before"][0] = "+" + document["before"][0][1:]
    return _dumped(document)


@_case(fails=None)
def half_a_surrogate_pair() -> bytes:
    return _text(lambda text: text.replace('"recordings-0"', '"\\ud800"', 1))


@_case(fails=None)
def half_a_surrogate_pair_in_an_entry() -> bytes:
    return _text(lambda text: text.replace('"tail":[', '"tail":["\\udfff",', 1))


@_case(fails=None)
def labels_out_of_order() -> bytes:
    document = ada()
    document["opened"][0]["fields"].reverse()
    return _dumped(document)


@_case(fails=None)
def a_label_that_is_none() -> bytes:
    document = ada()
    document["opened"][0]["fields"][0][0] = "Action"
    return _dumped(document)


@_case(fails=None)
def one_record_opened_twice() -> bytes:
    document = ada()
    document["opened"].insert(0, document["opened"][0])
    return _dumped(document)


@_case(fails=None)
def a_checkpoint_with_two_spellings_of_its_size() -> bytes:
    document = ada()
    document["checkpoint"] = document["checkpoint"].replace("\n13\n", "\n013\n")
    return _dumped(document)


@_case(fails=None)
def a_checkpoint_without_signatures() -> bytes:
    document = ada()
    document["checkpoint"] = document["checkpoint"].partition("\n\n")[0] + "\n"
    return _dumped(document)


@_case(fails=None)
def a_byte_order_mark() -> bytes:
    return b"\xef\xbb\xbf" + written(community().bundle(ADA))


@_case(fails=None)
def bytes_that_are_no_text() -> bytes:
    return written(community().bundle(ADA)).replace(b"caf", b"ca\xff", 1)


@_case(fails=None)
def something_after_the_end() -> bytes:
    return written(community().bundle(ADA)) + b"{}"


@_case(fails=None)
def a_file_cut_short() -> bytes:
    return written(community().bundle(ADA))[:-200]


@_case(fails=None)
def nothing_at_all() -> bytes:
    return b""


@_case(fails=None, policy=policy_text()[:-1])
def a_policy_cut_short() -> bytes:
    return written(community().bundle(ADA))


@_case(fails=None, policy=policy_text().replace("quorum witnesses", "quorum nobody"))
def a_policy_with_a_quorum_of_nobody() -> bytes:
    return written(community().bundle(ADA))


@_case(fails=None, policy=policy_text().replace("group witnesses 2", "group witnesses 3"))
def a_policy_that_asks_for_more_than_there_are() -> bytes:
    return written(community().bundle(ADA))


@_case(fails=None, policy=policy_text() + "quorum none\n")
def a_policy_with_two_quorums() -> bytes:
    return written(community().bundle(ADA))


@_case(fails=None, policy=policy_text().replace("+", "+0", 1))
def a_policy_with_a_key_that_is_none() -> bytes:
    return written(community().bundle(ADA))
