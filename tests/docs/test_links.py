"""Links between the documents, and into the repository."""

from __future__ import annotations

import pytest

from tests.docs.documents import ROOT, Document, anchor, document, documents

DOCUMENTS = documents()


def broken(given: Document) -> list[str]:
    found = []
    for link in given.links:
        if link.startswith(("https://", "mailto:")):
            continue
        target, _, fragment = link.partition("#")
        path = (ROOT / given.name).parent / target if target else ROOT / given.name
        if not path.exists():
            found.append(f"{link}: no such file")
        elif fragment and fragment not in document(path.resolve().relative_to(ROOT).as_posix()).anchors:
            found.append(f"{link}: no such heading")
    return found


@pytest.mark.parametrize("given", DOCUMENTS, ids=lambda given: given.name)
def test_every_link_resolves(given: Document) -> None:
    """A reader sent to nothing stops reading."""
    assert broken(given) == []


def test_a_wrong_link_is_seen() -> None:
    """The test above would otherwise vouch for links that it cannot read."""
    text = '[a](absent.md) [b](README.md#no-such) [c](#here) <img src="absent.png"> `[d](absent.md)`\n\n# There\n'
    seen = broken(Document(name="README.md", text=text))
    assert [line.split(":")[0] for line in seen] == ["absent.md", "README.md#no-such", "#here", "absent.png"]


def test_anchors_are_made_as_code_hosts_make_them() -> None:
    """A link that only this test follows helps nobody."""
    assert anchor("Exposure, never ancestry") == "exposure-never-ancestry"
    assert anchor("Derivation: rules 1 to 7") == "derivation-rules-1-to-7"
    assert anchor("`armslength diff`") == "armslength-diff"


def test_the_index_lists_every_document() -> None:
    """A page that no page leads to is not read."""
    pages = {given.name for given in DOCUMENTS if given.name.startswith("docs/")} - {"docs/index.md"}
    listed = {f"docs/{link}" for link in document("docs/index.md").links}
    assert pages - listed == set()
