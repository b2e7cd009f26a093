"""What a customer is handed, made from the stores: it verifies, shows what was asked for, fits what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.ledger import (
    FIRM,
    Bundle,
    Disclosed,
    Json,
    Saved,
    Withheld,
    format_base64url,
    format_bundle,
    parse_bundle,
    parse_record,
    verify_bundle,
)
from armslength.service import Refusal, Whose, customer_bundle, export_sublog
from armslength.store import Damaged, LedgerFolder, Overtaken, PublicFolder, read_ledger_folder
from armslength.tlog import Checkpoint, LogKey, Note, Policy, fsck, parse_entries
from tests.service.ledgers import act, copied, ledger_folder, opened, record, recorded
from tests.service.logs import NOW, seed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> LedgerFolder:
    """Three customers under two map heads, and records after them."""
    made = ledger_folder(tmp_path_factory.mktemp("bundles") / "ledger")
    for part in range(2):
        record(made, *(act(f"{part}/{number}", "acme", "beta") for number in range(3)), act(f"{part}/c", "gamma"))
    with opened(made) as ledger:
        futures = [ledger.append(act(f"many {number}", "acme")) for number in range(300)]
        for future in futures:
            future.result()
        ledger.publish()
        recorded(ledger, act("after", "acme"), act("alone", "delta"))
    return made


def verified(bundle: Bundle, folder: LedgerFolder, saved: Saved | None = None) -> Saved:
    """Fails unless the bundle verifies as its file does; gives what is worth saving."""
    again = parse_bundle("".join(format_bundle(bundle)).encode())
    assert again == bundle
    verdict = verify_bundle(again, policy=folder.policy, customer=bundle.customer, saved=saved, now=NOW)
    assert verdict.holds, verdict.checks
    assert verdict.worth_saving is not None
    return verdict.worth_saving


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("name", "records"), [("acme", 307), ("beta", 6), ("gamma", 2), ("delta", 1)])
def test_a_bundle_shows_every_record_and_verifies(folder: LedgerFolder, name: str, records: int, whole: bool) -> None:
    """A customer would have to believe."""
    bundle = customer_bundle(folder, Whose(name=name), whole=whole)
    assert verified(bundle, folder).records == records
    assert len(bundle.opened) == records
    assert all(isinstance(field, Disclosed) for opened in bundle.opened for field in opened.fields)
    assert (bundle.map is None) == whole
    assert len(bundle.tail) == (bundle.checkpoint.size if whole else 1)


def test_the_firm_has_a_log_of_its_own(folder: LedgerFolder) -> None:
    """Its changes of people and policies are checked in the same way."""
    bundle = customer_bundle(folder, Whose())
    assert bundle.customer == FIRM
    assert verified(bundle, folder).records == 0


def test_a_handle_that_nobody_has_is_proven_to_have_no_records(folder: LedgerFolder) -> None:
    """Whoever fears to be in the log can be shown that they are not."""
    bundle = customer_bundle(folder, Whose(handle=seed("nobody")))
    assert bundle.leaves == ()
    verdict = verify_bundle(bundle, policy=folder.policy, customer=seed("nobody"), now=NOW)
    assert verdict.holds
    assert verdict.records == 0


def test_a_name_that_nobody_has_is_refused(folder: LedgerFolder) -> None:
    """A mistyped name would be shown to have no records."""
    with pytest.raises(Refusal) as refused:
        customer_bundle(folder, Whose(name="acne"))
    assert list(refused.value.problems) == [
        "no customer 'acne' in this ledger; one that was erased is known by its handle only"
    ]


def test_what_is_withheld_is_committed_to_and_not_told(folder: LedgerFolder) -> None:
    """The name of an approver is not the customer's to know; that there was one is."""
    bundle = customer_bundle(folder, Whose(name="beta"), withhold={"note"})
    for opened_record in bundle.opened:
        assert [type(field) for field in opened_record.fields] == [Disclosed, Withheld]
    verified(bundle, folder)
    assert b"Marker" not in "".join(format_bundle(bundle)).encode()


def test_a_checkpoint_saved_before_is_proven_a_beginning(tmp_path: Path) -> None:
    """A log that was rewritten since would verify by itself."""
    folder = ledger_folder(tmp_path / "ledger")
    saved: Saved | None = None
    sizes = []
    for number in range(4):
        record(folder, *(act(f"{number}/{more}", "acme", "beta") for more in range(number + 1)))
        since = [saved.checkpoint.size] if saved is not None else []
        bundle = customer_bundle(folder, Whose(name="acme"), since=since)
        saved = verified(bundle, folder, saved)
        sizes.append(saved.checkpoint.size)
    assert sizes == sorted(set(sizes))
    every = customer_bundle(folder, Whose(name="acme"), since=sizes)
    assert [earlier.size for earlier in every.consistency] == sizes[:-1]


@pytest.mark.parametrize("since", [[0], [10**6], [3, 10**6, 0]])
def test_a_saved_size_that_cannot_be_is_told(folder: LedgerFolder, since: list[int]) -> None:
    """A customer who saved more than there is has found a log that was rolled back."""
    size = customer_bundle(folder, Whose()).checkpoint.size
    with pytest.raises(Refusal) as refused:
        customer_bundle(folder, Whose(name="acme"), since=since)
    wrong = [each for each in since if each != 3]
    assert list(refused.value.problems) == [
        f"a checkpoint of {each} entries was saved, but {size} are published" for each in wrong
    ]


def test_a_bundle_is_of_what_is_published_and_not_of_what_is_durable(tmp_path: Path) -> None:
    """What no witness has seen proves nothing; and the map of a newer head is not that of the published one."""
    folder = ledger_folder(tmp_path / "ledger")
    with pytest.raises(Refusal, match="no checkpoint is published yet"):
        customer_bundle(folder, Whose())
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"), act("two", "beta"))
        ledger.publish()
    published = (folder.public / "checkpoint").read_bytes()
    record(folder, act("three", "acme"), act("four", "beta"))
    assert verified(customer_bundle(folder, Whose(name="acme")), folder).records == 2
    (folder.public / "checkpoint").write_bytes(published)
    bundle = customer_bundle(folder, Whose(name="acme"))
    assert verified(bundle, folder).records == 1
    assert bundle.checkpoint.size == 3
    bundle = customer_bundle(folder, Whose(name="acme"), whole=True)
    assert verified(bundle, folder).records == 1


def test_a_published_checkpoint_that_the_log_does_not_reach_is_told(tmp_path: Path) -> None:
    """A customer would be handed the bundle of a log that was rolled back."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"))
    copied(folder.public, backup / "public")
    with pytest.raises(Damaged, match="has 2 entries, and 4 are published"):
        customer_bundle(read_ledger_folder(backup), Whose(name="acme"))


def test_bundles_are_made_while_somebody_records(folder: LedgerFolder, tmp_path: Path) -> None:
    """A customer asks, and the ledger would have to be stopped."""
    copy = read_ledger_folder(copied(folder.path, tmp_path / "ledger"))
    counts = []

    def look(step: str) -> None:
        if step in ("keys", "log", "lock", "tiles", "published"):
            counts.append(verified(customer_bundle(copy, Whose(name="beta")), copy).records)

    with opened(copy, step=look) as ledger:
        recorded(ledger, act("meanwhile", "beta"))
        ledger.publish()
        recorded(ledger, act("meanwhile too", "beta"))
    assert counts == sorted(counts)
    assert set(counts) == {6, 7, 8}


# A customer's own log


@pytest.mark.parametrize(("name", "records"), [("acme", 307), ("delta", 1)])
def test_a_customers_own_log_is_a_log_that_any_tool_reads(
    folder: LedgerFolder, tmp_path: Path, name: str, records: int
) -> None:
    """They could check it only with our program."""
    into = tmp_path / "theirs"
    exported = export_sublog(folder, Whose(name=name), into, now=NOW)
    assert exported.records == records
    public = PublicFolder(into)
    note = public.published()
    assert note is not None
    handle = customer_bundle(folder, Whose(name=name)).customer
    policy = Policy(
        logs=tuple(LogKey(key=key, url=None) for key in exported.keys), witnesses=(), groups=(), quorum="none"
    )
    endorsed = policy.endorse(note, now=NOW)
    assert endorsed.checkpoint.origin == f"{folder.settings.origin}/customer/{format_base64url(handle)}"
    assert endorsed.checkpoint.size == records
    assert len(endorsed.logs) == 2
    assert fsck(public.read, endorsed.checkpoint) == ()
    (last, width) = divmod(records, 256)
    data = public.read(f"tile/entries/00{last}.p/{width}")
    assert data is not None
    newest = parse_record(parse_entries(data, width)[-1])
    assert (newest.customer, newest.sequence) == (handle, records - 1)


def test_a_customers_own_log_grows_into_the_same_folder(tmp_path: Path) -> None:
    """Readers who follow it would find a checkpoint whose tiles are those of before."""
    folder = ledger_folder(tmp_path / "ledger")
    for number in range(3):
        record(folder, act(f"{number}", "acme"))
        export_sublog(folder, Whose(name="acme"), tmp_path / "theirs", now=NOW)
        public = PublicFolder(tmp_path / "theirs")
        note = public.published()
        assert note is not None
        checkpoint = Checkpoint.parse(note.text)
        assert checkpoint.size == number + 1
        assert fsck(public.read, checkpoint) == ()


def test_a_log_that_was_rolled_back_signs_no_customers_log(tmp_path: Path) -> None:
    """It would be signed evidence of a second history."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"))
    for each in backup.glob("log.db*"):
        (folder.path / each.name).write_bytes(each.read_bytes())
    with pytest.raises(Overtaken, match="is not the log that was signed at size 4"):
        export_sublog(folder, Whose(name="acme"), tmp_path / "theirs", now=NOW)
    assert not (tmp_path / "theirs").exists()


def test_the_checkpoint_of_a_customers_log_is_none_of_the_main_log(folder: LedgerFolder, tmp_path: Path) -> None:
    """Under the main log's name it would be a second history of it."""
    export_sublog(folder, Whose(name="beta"), tmp_path / "theirs", now=NOW)
    note = PublicFolder(tmp_path / "theirs").published()
    assert note is not None
    with pytest.raises(Exception, match="the policy knows the logs"):
        folder.policy.endorse(note)
    ours = {key.verifier.id for key in folder.signers}
    assert not ours & {signature.key_id for signature in note.signatures}
    assert Note.parse(note.format()) == note


FIRM_FIELDS: dict[str, Json] = {"action": "read", "firm_event": {"customers": ["acme", "beta"]}, "firm_note": "Marker1"}


def test_what_is_for_the_firm_is_withheld_from_customers(tmp_path: Path) -> None:
    """A customer would read who the approvers are, and which other customers an act was on."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme", "beta", fields=FIRM_FIELDS), act("two", fields={**FIRM_FIELDS, "firm": "told"}))
    for whose, told in ((Whose(name="acme"), {"action"}), (Whose(), {"action", "firm"})):
        bundle = customer_bundle(folder, whose)
        verified(bundle, folder)
        (shown,) = bundle.opened
        assert {field.label for field in shown.fields if isinstance(field, Disclosed)} == told
        assert {field.label for field in shown.fields if isinstance(field, Withheld)} == {"firm_event", "firm_note"}
        written = "".join(format_bundle(bundle))
        assert "beta" not in written
        assert "Marker1" not in written


def test_an_auditor_is_told_what_is_for_the_firm(tmp_path: Path) -> None:
    """Nobody from outside could check that each lease had its quorum."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("one", "acme", "beta", fields=FIRM_FIELDS))
    bundle = customer_bundle(folder, Whose(name="acme"), firm=True)
    verified(bundle, folder)
    (shown,) = bundle.opened
    assert [type(field) for field in shown.fields] == [Disclosed] * 3
    less = customer_bundle(folder, Whose(name="acme"), firm=True, withhold={"firm_note"})
    assert [type(field) for field in less.opened[0].fields] == [Disclosed, Disclosed, Withheld]
