"""The tokens of a Cedar text, with their lines: what Cedar's own parser does not tell.

Cedar parses; this only finds where statements begin and which names they hold. A text that Cedar would take down the
process with (brackets or conditions nested without end) is refused before Cedar sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cedarpy

DEEPEST = 100
"""Brackets and `if`s within each other. Cedar's parser overflows its stack at some 1,000 and ends the process."""

LONGEST_CHAIN = 2_000
"""Operators in one policy: each makes the tree that Cedar evaluates one deeper."""

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>//[^\r\n]*)|(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d+)"
    r"|(?P<sign>::|==|!=|<=|>=|&&|\|\||.)",
    re.DOTALL,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_CHAINS = frozenset({"&&", "||", ".", "+", "-", "*", "if", "!", "==", "!=", "<", ">", "<=", ">=", "in", "has", "like"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    kind: str
    text: str
    line: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One policy's tokens, the closing `;` included where there is one."""

    tokens: tuple[Token, ...]

    @property
    def line(self) -> int:
        return self.tokens[0].line

    def text(self, whole: str) -> str:
        last = self.tokens[-1]
        return whole[self.tokens[0].start : last.start + len(last.text)]

    def too_deep(self) -> Token | None:
        """The token at which the policy goes deeper than Cedar can safely follow."""
        depth = chain = ifs = 0
        for token in self.tokens:
            if token.kind == "string":
                continue
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            chain += token.text in _CHAINS
            ifs += token.text == "if"
            if depth > DEEPEST or ifs > DEEPEST or chain > LONGEST_CHAIN:
                return token
        return None

    def annotations(self) -> Iterator[tuple[Token, Token | None]]:
        """`(name, string)` of each annotation; None where it has no value."""
        tokens = self.tokens
        i = 0
        while i + 1 < len(tokens) and tokens[i].text == "@":
            name, value = tokens[i + 1], None
            i += 2
            if i + 2 < len(tokens) and tokens[i].text == "(" and tokens[i + 1].kind == "string":
                value = tokens[i + 1]
                i += 3
            yield name, value

    def effect(self) -> str:
        """`permit` or `forbid`: the first word that no annotation holds."""
        return next((t.text for t in self.tokens if t.text in ("permit", "forbid") and t.kind == "word"), "")

    def any_action(self) -> bool:
        """Whether the scope leaves the action open."""
        tokens = self.tokens
        scope = next((i for i, t in enumerate(tokens) if t.text in ("permit", "forbid") and t.kind == "word"), 0)
        after = next((i for i, t in enumerate(tokens) if i > scope and t.text == "action" and t.kind == "word"), -1)
        return 0 <= after < len(tokens) - 1 and tokens[after + 1].text not in ("==", "in")

    def entities(self) -> Iterator[tuple[str, Token, Token]]:
        """`(type, first token, string)` of each entity literal such as `Group::"ops"`."""
        tokens = self.tokens
        for i, token in enumerate(tokens):
            if token.kind != "string" or i < 2 or tokens[i - 1].text != "::":
                continue
            first = i - 2
            while first >= 2 and tokens[first - 1].text == "::" and tokens[first - 2].kind == "word":
                first -= 2
            yield "".join(t.text for t in tokens[first : i - 1]), tokens[first], token

    def types_tested(self) -> Iterator[tuple[str, Token]]:
        """`(type, token)` of each `is TYPE`."""
        tokens = self.tokens
        for i, token in enumerate(tokens[:-1]):
            if token.kind == "word" and token.text == "is" and tokens[i + 1].kind == "word":
                last = i + 1
                while last + 2 < len(tokens) and tokens[last + 1].text == "::" and tokens[last + 2].kind == "word":
                    last += 2
                yield "".join(t.text for t in tokens[i + 1 : last + 1]), tokens[i + 1]

    def slots(self) -> Iterator[Token]:
        """Each `?principal` or `?resource`."""
        for i, token in enumerate(self.tokens[:-1]):
            if token.text == "?" and self.tokens[i + 1].kind == "word":
                yield token


def statements(text: str) -> list[Statement]:
    """Splits at each `;` outside strings and comments; Cedar has no other."""
    found: list[Statement] = []
    tokens: list[Token] = []
    line = 1
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind not in ("space", "comment"):
            tokens.append(Token(kind=kind, text=match.group(), line=line, start=match.start()))
            if match.group() == ";":
                found.append(Statement(tokens=tuple(tokens)))
                tokens = []
        line += match.group().count("\n")
    if tokens:
        found.append(Statement(tokens=tuple(tokens)))
    return found


def syntax_error(text: str, statement: Statement) -> tuple[int, str] | None:
    """The line and words of Cedar's complaint about a statement, or None. The line is that of the first token that
    Cedar cannot take, found by parsing ever shorter heads: a head that is only unfinished was right so far."""
    said = complaint(statement.text(text))
    if said is None:
        return None
    tokens = statement.tokens
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        head = Statement(tokens=tokens[: middle + 1]).text(text)
        if (so_far := complaint(head)) is None or "unexpected end of input" in so_far:
            low = middle + 1
        else:
            high = middle
    if low >= len(tokens) - 1:  # the grammar holds to the end: the complaint is about a word, which it quotes last
        for token in tokens:
            if token.kind == "word" and said.endswith((f" {token.text}", f"`{token.text}`")):
                return token.line, said
    if low == len(tokens) - 1 and "unexpected" not in said:
        return statement.line, said
    return tokens[min(low, len(tokens) - 1)].line, said


def complaint(text: str) -> str | None:
    """What Cedar's parser says is wrong with a text, or None."""
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return " ".join(str(error).split())
    return None


def spoken(tokens: Iterable[Token]) -> Mapping[str, str]:
    """What each string token means, escapes read by Cedar itself; one that Cedar refuses is left out."""
    written = sorted({token.text for token in tokens})
    together = _values(written)
    if together is not None:
        return dict(zip(written, together, strict=True))
    meant: dict[str, str] = {}
    for text in written:
        if (alone := _values([text])) is not None:
            meant[text] = alone[0]
    return meant


def _values(written: Sequence[str]) -> list[str] | None:
    text = "\n".join(f"@id({one}) permit(principal, action, resource);" for one in written)
    try:
        policies = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    except ValueError:
        return None
    return [str(policies[f"policy{i}"]["annotations"]["id"]) for i in range(len(written))]
