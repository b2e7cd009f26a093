"""Bundles from nowhere: the reader refuses or reads, and what verifies says what the honest bundle said."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.ledger import (
    Bundle,
    Disclosed,
    Json,
    NotReadable,
    canonical,
    commit,
    format_base64url,
    parse_base64url,
    parse_bundle,
    parse_saved,
    verify_bundle,
)
from armslength.ledger.commitment_list import Committing
from armslength.ledger.hash_list import format_hashes, parse_hashes
from armslength.ledger.strict_json import read_json, spelled
from armslength.tlog import Malformed
from tests.ledger import values
from tests.ledger.ledgers import ADA, NOW, POLICY, community, written

HONEST = community().bundle(ADA)
TEXT = written(HONEST)


def told(bundle: Bundle) -> set[tuple[int, Disclosed]]:
    """What a customer reads of their records."""
    return {(each.sequence, field) for each in bundle.opened for field in each.fields if isinstance(field, Disclosed)}


def honestly(found: Bundle | None) -> bool:
    """That what is believed is the honest bundle, or one that tells less of the same records."""
    return found is None or (
        (found.customer, found.leaves, found.tail) == (HONEST.customer, HONEST.leaves, HONEST.tail)
        and told(found) <= told(HONEST)
    )


def believed(data: bytes) -> Bundle | None:
    """The bundle if it can be read and verifies."""
    try:
        bundle = parse_bundle(data)
    except NotReadable:
        return None
    return bundle if verify_bundle(bundle, policy=POLICY, customer=ADA, now=NOW).holds else None


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_no_change_of_the_bytes_makes_other_words_believed(at: int, put: bytes, taken: int) -> None:
    """A customer would read what nobody signed."""
    changed = TEXT[:at] + put + TEXT[at + taken :]
    assert honestly(believed(changed))


def _places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(part, dict):
        for key, value in part.items():
            found += _places(value, (*path, key))
    elif isinstance(part, list):
        for i, value in enumerate(part):
            found += _places(value, (*path, i))
    return found


DOCUMENT: dict[str, Any] = json.loads(TEXT)
PLACES = _places(DOCUMENT)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(PLACES), st.sampled_from(["drop", "copy", "swap", "put"]), values.jsons)
def test_no_change_of_the_parts_makes_other_words_believed(
    one: tuple[Any, ...], other: tuple[Any, ...], how: str, value: Json
) -> None:
    """As above, for whoever knows the format."""
    document: Any = json.loads(TEXT)

    def parent(path: tuple[Any, ...]) -> Any:
        part = document
        for key in path[:-1]:
            part = part[key]
        return part

    first, second = parent(one), parent(other)
    match how:
        case "drop":
            del first[one[-1]]
        case "copy":
            first[one[-1]] = json.loads(json.dumps(second[other[-1]]))
        case "swap":
            a, b = json.dumps(first[one[-1]]), json.dumps(second[other[-1]])
            first[one[-1]] = json.loads(b)
            if one != other[: len(one)] and other != one[: len(other)]:
                second[other[-1]] = json.loads(a)
        case "put":
            first[one[-1]] = value
    assert honestly(believed(json.dumps(document).encode()))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | values.jsons.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused_with_words(data: bytes) -> None:
    """A verifier that ends in a traceback shows that its maker trusted the sender."""
    for parse in (parse_bundle, parse_saved):
        try:
            parse(data)
        except NotReadable as refused:
            assert refused.problems and all(refused.problems)
        else:
            raise AssertionError("read something out of nothing")


@settings(max_examples=300, deadline=None)
@given(values.jsons)
def test_a_value_is_spelled_as_rfc_8785_has_it(value: Json) -> None:
    """A commitment over another spelling would be refused, and the record called forged."""
    read = read_json(json.dumps(value).encode())
    assert spelled(read) == canonical(value, label="value")
    assert spelled(read_json(spelled(read))) == spelled(read)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_a_text_is_spelled_as_rfc_8785_has_it_or_refused(text: str) -> None:
    """As above, for half a surrogate pair, which Python carries about without complaint."""
    try:
        expected = canonical(text, label="value")
    except Malformed:
        expected = None
    try:
        assert spelled(text) == expected
    except Malformed:
        assert expected is None


@given(st.lists(values.hashes, max_size=9))
def test_hashes_are_read_and_written_as_they_are_one_at_a_time(hashes: list[bytes]) -> None:
    """The fast way and the plain way would tell different bundles."""
    texts = [format_base64url(each) for each in hashes]
    assert format_hashes(hashes) == texts
    assert parse_hashes(texts) == hashes


@settings(max_examples=300, deadline=None)
@given(st.lists(values.hashes, min_size=1, max_size=4), st.data())
def test_a_list_with_one_wrong_hash_is_refused(hashes: list[bytes], data: st.DataObject) -> None:
    """What stands between two texts in the fast way must not make good what one of them lacks."""
    joined = list("A".join(format_base64url(each) for each in hashes))
    at = data.draw(st.integers(0, len(joined) - 1))
    joined[at] = data.draw(st.sampled_from("ABw_-+/=é0 \n"))
    cut = data.draw(st.sampled_from([44, 43, 42, 45]))
    texts = ["".join(joined)[i : i + cut][:43] for i in range(0, len(joined), cut)]
    try:
        expected = [parse_base64url(text, 32) for text in texts]
    except Malformed:
        expected = None
    try:
        assert parse_hashes(texts) == expected
    except Malformed:
        assert expected is None


@given(st.lists(st.tuples(values.labels, values.hashes, st.binary(max_size=80)), max_size=6))
def test_commitments_are_made_as_they_are_one_at_a_time(fields: list[tuple[str, bytes, bytes]]) -> None:
    """As above, for what a leaf holds."""
    assert Committing().commitments(fields) == [commit(opening, label, value) for label, opening, value in fields]
