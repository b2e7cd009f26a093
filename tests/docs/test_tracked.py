"""What no file of the repository may hold: where packages come from here, where this machine keeps things, secrets.

Every pattern is written so that it does not match itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, tracked

REGISTRIES = re.compile(
    r"py[p]i\.(?:org|python)|python[h]osted\.org|test\.py[p]i|npm[j]s\.(?:org|com)|registry\.yarn[p]kg|crates\.i[o]\b"
    r"|proxy\.golan[g]\.org|rubygem[s]\.org|anaconda\.or[g]|deb\.debia[n]\.org"
    r"|https?://[^\s\"']*/simpl[e](?:/|\b)|--(?:extra-)?index-ur[l][ =]|--find-link[s][ =]|--trusted-hos[t][ =]"
)
PLACES = re.compile(r"(?:^|[^\w.:/~*…}-])/(?:wor[k]|roo[t]|far[m]|hom[e]|User[s]|tm[p]/\w)[/\w]", re.MULTILINE)
SECRETS = re.compile(
    r"-----BEGI[N] (?:[A-Z]+ )?PRIVATE KEY|\bAKI[A][0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bxox[abpr]-\w{10,}"
    r"|\bglpa[t]-\w{20,}|\b(?:sk|pk)-[A-Za-z0-9]{32,}|://[^/\s:@{}$]+:[^/\s@{}$]+@"
)


def held(text: str) -> list[str]:
    """What of these `text` holds."""
    kinds = (("registry", REGISTRIES), ("place", PLACES), ("secret", SECRETS))
    found = [f"{kind}: {match[0].strip()!r}" for kind, pattern in kinds for match in pattern.finditer(text)]
    own = {str(ROOT), str(Path.home())} - {"/", ""}
    return found + [f"place: {place!r}" for place in own if place in text and len(place) > 5]


def test_no_file_tells_of_this_machine_its_sources_or_secrets() -> None:
    """A committed secret is spent; a committed index or path sends every user where they have no business."""
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        found += [f"{path.relative_to(ROOT)}: {what}" for what in held(data.decode("utf-8", "replace"))]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/project/x",
        "--index-" + "url https://mirror",
        "--find-" + "links wheels",
        "see /" + "work/main/src",
        "(/" + "root/.pyenv)",
        '"/' + 'home/ana/estate"',
        "-----BEGIN " + "PRIVATE KEY-----",
        "https://ana:" + "secret@host",
    ],
)
def test_each_kind_is_seen(text: str) -> None:
    """A pattern that matches nothing would pass every file."""
    assert len(held(text)) >= 1


@pytest.mark.parametrize("text", ["/usr/bin/env bash", "docs/home/page.md", "https://example.com/work/x", "../shared"])
def test_ordinary_text_passes(text: str) -> None:
    """A check that cries at everything is switched off."""
    assert held(text) == []


def test_the_lock_names_no_index_and_pins_every_package_by_hash() -> None:
    """A package without its hash can be exchanged on the way; an index in the lock binds users to ours."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    assert not re.search(r"^-", lock, re.MULTILINE)
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(packages) > 20
    loose = [package.split("\n")[0] for package in packages if "==" not in package or "--hash=sha256:" not in package]
    assert loose == []
