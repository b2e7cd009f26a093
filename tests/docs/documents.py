"""The project's documents, as the tests of this folder read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE = re.compile(r'(?:src|srcset|href)="([^"]+)"')
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A Markdown file; `name` is its path in the repository."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(Block(language=found[1], text=found[2]) for found in _FENCE.finditer(self.text))

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(_HEADING.findall(self.prose))

    @property
    def anchors(self) -> frozenset[str]:
        return frozenset(anchor(heading) for heading in self.headings)

    @property
    def links(self) -> tuple[str, ...]:
        prose = re.sub(r"`[^`\n]*`", "", self.prose)
        return (*_LINK.findall(prose), *_SOURCE.findall(prose))


def anchor(heading: str) -> str:
    """The fragment that code hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises `RuntimeError` where there is no git."""
    if shutil.which("git") is None:
        raise RuntimeError("this test needs git: apt-get install git")
    settings = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
    # The clone may belong to somebody else, as it does on build machines.
    command = ["git", "-c", "safe.directory=*", *settings, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True).stdout


def tracked() -> tuple[Path, ...]:
    """Every file that is in the repository, or would be if all that is not ignored were added."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


def documents() -> tuple[Document, ...]:
    """Every Markdown file of the repository."""
    return tuple(document(path.relative_to(ROOT).as_posix()) for path in tracked() if path.suffix == ".md")


def document(name: str) -> Document:
    return Document(name=name, text=(ROOT / name).read_text("utf-8"))


def commands(given: Document) -> Iterator[str]:
    """Each command that a document tells the reader to run: the lines of its `sh` blocks."""
    for block in given.blocks:
        if block.language != "sh":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            command = re.sub(r"(^|\s)#.*", "", line).strip()
            if command:
                yield command
