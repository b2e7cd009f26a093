"""Every command that a document shows exists, with every flag it is shown with; and every command is told of."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, Document, commands, document, documents

PROGRAM = Path(sys.executable).parent / "armslength"
DOCUMENTS = documents()
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@functools.cache
def help_of(*arguments: str) -> str:
    wide = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    shown = subprocess.run([PROGRAM, *arguments, "--help"], capture_output=True, text=True, check=True, env=wide)
    return shown.stdout


@functools.cache
def verbs() -> frozenset[str]:
    """The subcommands that `armslength --help` lists."""
    listed = re.search(r"\{([a-z,]+)\}", help_of())
    if listed:
        return frozenset(listed[1].split(","))
    return frozenset(re.findall(r"^ {2,4}([a-z]+)(?: {2,}|$)", help_of(), re.MULTILINE))


def flags_of(verb: str) -> frozenset[str]:
    return frozenset(FLAG.findall(help_of(verb))) | {"--help"}


def wrong(words: list[str]) -> str | None:
    """What is wrong with one `armslength …`, as far as its help tells."""
    top = FLAG.findall(help_of())
    rest = words[1:]
    if not rest or rest[0].startswith("-"):
        unknown = [word for word in rest if word.startswith("--") and word.split("=")[0] not in top]
    elif rest[0] == "COMMAND":
        return None
    elif rest[0] not in verbs():
        return f"no command {rest[0]}"
    else:
        unknown = [w for w in rest[1:] if w.startswith("--") and w.split("=")[0] not in flags_of(rest[0])]
    return f"unknown: {' '.join(unknown)}" if unknown else None


def shown(given: Document) -> list[str]:
    """Every `armslength …` in a document: in its shell blocks, and quoted in its prose."""
    lines = [command for command in commands(given) if re.match(r"(\S*/)?armslength\b", command)]
    return lines + re.findall(r"`(armslength [^`]+)`", given.prose)


@pytest.mark.parametrize("given", DOCUMENTS, ids=lambda given: given.name)
def test_every_command_shown_exists(given: Document) -> None:
    """A newcomer who types what the README says and gets an error goes away."""
    found = []
    for command in shown(given):
        complaint = wrong([word for word in shlex.split(command.replace("…", "")) if word not in ("[", "]")])
        if complaint:
            found.append(f"{command}: {complaint}")
    assert found == []


def test_a_wrong_command_is_seen() -> None:
    """The test above must not pass whatever it is given."""
    assert wrong(["armslength", "conquer", "estate"]) == "no command conquer"
    assert wrong(["armslength", "reach", "estate", "--no-such-flag"]) == "unknown: --no-such-flag"
    assert wrong(["armslength", "--no-such-flag"]) == "unknown: --no-such-flag"


def test_every_script_shown_exists() -> None:
    """As above, for scripts."""
    found = []
    for given in DOCUMENTS:
        for command in commands(given):
            word = command.split()[0]
            if word.startswith(("scripts/", ".ci/")) and not os.access(ROOT / word, os.X_OK):
                found.append(f"{given.name}: {word}")
    assert found == []


def test_every_path_of_the_readme_exists() -> None:
    """The tour must lead somewhere."""
    paths = {word for command in commands(document("README.md")) for word in command.split() if "examples/" in word}
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_command_and_flag_is_told_of() -> None:
    """A flag that no document tells of is found by accident, or never."""
    sections = {part.split("\n")[0]: part for part in document("docs/cli.md").text.split("\n## ")}
    missing = [verb for verb in verbs() if verb not in sections]
    assert missing == []
    everywhere = {"--help", "--version"}
    for verb in sorted(verbs()):
        told = set(FLAG.findall(sections[verb]))
        missing += [f"{verb} {flag}" for flag in sorted(flags_of(verb) - told - everywhere)]
        missing += [f"{verb} has no {flag}" for flag in sorted(told - flags_of(verb))]
    assert missing == []


def test_no_flag_of_the_documents_is_unknown_to_every_command() -> None:
    """A flag named in passing, outside a command line, must exist as well."""
    known = set().union(*(flags_of(verb) for verb in verbs()), FLAG.findall(help_of()))
    # Flags of other programs that the documents show: pip, the test script, gh, pg_dump, the Kubernetes API server.
    others = {"--slow", "--upgrade", "--upgrade-package", "--paginate", "--slurp", "--oidc-username-prefix"}
    others |= {"--no-role-passwords", "--no-owner", "--no-privileges"}
    found = []
    for given in DOCUMENTS:
        if given.name.startswith(("docs/", "README", "CHANGELOG")):
            quoted = re.findall(r"`(--[a-z][a-z-]*)[^`]*`", given.text)
            found += [f"{given.name}: {flag}" for flag in quoted if flag not in known | others]
    assert found == []
