"""Answers of GitHub's REST API in each form that `gh api` prints, by their path in the export's folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import IntakeError, Problems

HOW = "expected the folder that the script in docs/intake/github.md makes, with org.json, or a peribolos config in YAML"
PAGES = (30, 100)
"""Things of a page: GitHub's own choice, and the most that it gives."""
_SPACE = re.compile(r"[ \t\r\n]*")


def answer(file: str, data: bytes, problems: Problems) -> Node | None:
    """One document, or several after one another (`--paginate`), which are as if they stood in an array."""
    trial = Problems()
    node = json_node(file, data, trial)
    if node is None:
        try:
            trial.stop()
        except IntakeError as error:
            if "Extra data" in str(error) and (joined := _joined(data)) is not None:
                node = json_node(file, joined, problems)
            else:
                for problem in error.problems:
                    problems.add(file, problem.message, path=problem.column, line=problem.line)
        if node is None:
            return None
    root = Node(node.value, file, "$", problems)
    value = root.value
    if isinstance(value, dict) and "message" in value and "documentation_url" in value:
        root.wrong("is an error that GitHub answered: expected what was asked for")
        return None
    return root


def _joined(data: bytes) -> bytes | None:
    decoder = json.JSONDecoder()
    text = data.decode("utf-8-sig")
    pieces, at = [], _end(text, 0)
    try:
        while at < len(text):
            _, end = decoder.raw_decode(text, at)
            pieces.append(text[at:end])
            at = _end(text, end)
    except (ValueError, RecursionError):
        return None
    return f"[{','.join(pieces)}]".encode()


def _end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def parts(root: Node, key: str = "") -> Iterator[Node]:
    """The things of an answer: of an array, of pages in an array (`--slurp`), or of the arrays under a key of pages."""
    if isinstance(root.value, dict):
        yield from root.at(key).items() if key in root.value else (root,)
        return
    for page in root.items():
        if isinstance(page.value, list):
            yield from page.items()
        elif isinstance(page.value, dict) and key in page.value:
            yield from page.at(key).items()
        else:
            yield page


def _counted(page: Node, key: str) -> bool:
    return isinstance(page.value, dict) and key in page.value and "total_count" in page.value


class Folder:
    """The files of one organisation, by their path below its folder."""

    def __init__(self, root: str, files: Mapping[str, bytes], problems: Problems) -> None:
        self.root, self.files, self.problems = root, files, problems
        self.taken: set[str] = set()
        self.full: list[str] = []
        """Files with as many things as a page has: further ones may be missing, and nothing in them would tell."""

    def file(self, path: str) -> str:
        return f"{self.root}{path}"

    def text(self, path: str) -> bytes | None:
        self.taken.add(self.file(path))
        return self.files.get(self.file(path))

    def node(self, path: str) -> Node | None:
        data = self.text(path)
        return None if data is None else answer(self.file(path), data, self.problems)

    def parts(self, path: str, key: str = "") -> list[Node] | None:
        """None where there is no such file."""
        node = self.node(path)
        if node is None:
            return [] if self.file(path) in self.files else None
        found = list(parts(node, key))
        pages = node.items() if isinstance(node.value, list) else (node,)
        totals = [page.at("total_count").whole(0) for page in pages if key and _counted(page, key)]
        if totals and max(totals) > len(found):
            told = f"has {len(found):,} of {max(totals):,}: expected all, which gh api --paginate gives"
            self.problems.add(self.file(path), told, path="$.total_count")
        elif not totals and len(found) in PAGES:
            self.full.append(self.file(path))
        return found

    def needed(self, path: str, why: str, key: str = "") -> list[Node]:
        found = self.parts(path, key)
        if found is None:
            self.problems.add(self.file(path), f"is missing: {why}")
        return found or []

    def left(self) -> list[str]:
        """Files that nothing asked for."""
        return [name for name in self.files if name.startswith(self.root) and name not in self.taken]
