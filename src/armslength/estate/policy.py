"""policy.cedar: parsed by Cedar for its errors, its names resolved.

Every policy has an `@id` of its own; `@terms` names terms; templates are refused; an entity literal must name
something that the tables hold, since Cedar takes an unknown one for an entity without parents and goes on (semantics,
"Cedar policies").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate.cedar_text import Statement, Token, complaint, spoken, statements, syntax_error
from armslength.estate.columns import POLICY
from armslength.estate.csv_form import decode
from armslength.estate.model import ENROLL, Kind, PolicyText
from armslength.estate.names import Names
from armslength.estate.problem import Findings, did_you_mean, near

TYPES: Mapping[str, Kind] = {
    "Person": Kind.PERSON,
    "Group": Kind.GROUP,
    "Asset": Kind.ASSET,
    "Class": Kind.CLASS,
    "Terms": Kind.TERMS,
}
ACTION = "Action"
LONGEST = 4_000_000
"""Characters of a policy file; more is no one's policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy:
    """`actions`: every `Action::"…"`; `named`: every `(kind, index)` that a policy names; `may_enroll`: some permit
    may be for the power `enroll`."""

    policy: PolicyText
    actions: frozenset[str]
    named: frozenset[tuple[Kind, int]]
    may_enroll: bool


def policy(files: Mapping[str, bytes], names: Names, findings: Findings) -> ReadPolicy | None:
    """The policies; None where there is no file or it has a problem, after reporting it."""
    data = files.get(POLICY)
    text = None if data is None else decode(POLICY, data, findings)
    if text is None:
        return None
    if len(text) > LONGEST:
        findings.wrong(POLICY, f"has {len(text)} characters: expected at most {LONGEST}")
        return None
    before = len(findings.problems)
    found = [statement for statement in statements(text) if _parses(text, statement, findings)]
    if len(findings.problems) == before and (whole := complaint(text)) is not None:
        findings.wrong(POLICY, f"is not Cedar: {whole}", line=1)
        return None
    meant = spoken(
        [
            *(value for s in found for _, value in s.annotations() if value is not None),
            *(value for s in found for _, _, value in s.entities()),
        ]
    )
    ids = _ids(found, meant, findings)
    actions: set[str] = set()
    permitted: set[str] = set()
    named: set[tuple[Kind, int]] = set()
    for statement in found:
        _terms(statement, meant, names, named, findings)
        mine: set[str] = set()
        for kind, first, value in statement.entities():
            _entity(kind, first, meant.get(value.text), names, mine, named, findings)
        actions |= mine
        permitted |= mine if statement.effect() == "permit" else set()
        for kind, token in statement.types_tested():
            if kind not in TYPES and kind != ACTION:
                _unknown_type(kind, token, findings)
    if len(findings.problems) > before:
        return None
    lines = tuple(statement.line for statement in found)
    return ReadPolicy(
        policy=PolicyText(text=text, ids=ids, lines=lines, permitted=frozenset(permitted)),
        actions=frozenset(actions),
        named=frozenset(named),
        may_enroll=ENROLL in actions or any(s.effect() == "permit" and s.any_action() for s in found),
    )


def _parses(text: str, statement: Statement, findings: Findings) -> bool:
    """Whether the statement is a policy; what is wrong with it was reported if not."""
    before = len(findings.problems)
    deep = statement.too_deep()
    if deep is not None:
        findings.wrong(POLICY, "the policy is nested or chained too deeply: split it in several", line=deep.line)
        return False
    slots = list(statement.slots())
    for slot in slots:
        findings.wrong(POLICY, "is a template: expected a policy without ?principal or ?resource", line=slot.line)
    if not slots and (error := syntax_error(text, statement)) is not None:
        findings.wrong(POLICY, f"is not Cedar: {error[1]}", line=error[0])
    return len(findings.problems) == before


def _ids(found: list[Statement], meant: Mapping[str, str], findings: Findings) -> tuple[str, ...]:
    lines: dict[str, int] = {}
    for statement in found:
        name = next((value for key, value in statement.annotations() if key.text == "id"), None)
        text = meant.get(name.text, "").strip() if name is not None else ""
        if not text:
            findings.wrong(POLICY, 'has no @id: expected @id("…") before each policy', line=statement.line)
        elif text in lines:
            findings.wrong(POLICY, f"@id {text!r} is repeated: line {lines[text]} has it already", line=statement.line)
        else:
            lines[text] = statement.line
        for key, _ in statement.annotations():
            if key.text not in ("id", "terms") and (slip := near(key.text, ("id", "terms"))):
                findings.odd(POLICY, f"@{key.text} means nothing here: did you mean @{slip}?", line=key.line)
    return tuple(lines)


def _terms(
    statement: Statement, meant: Mapping[str, str], names: Names, named: set[tuple[Kind, int]], findings: Findings
) -> None:
    for key, value in statement.annotations():
        if key.text != "terms":
            continue
        text = meant.get(value.text, "") if value is not None else ""
        if not text:
            findings.wrong(
                POLICY, '@terms names nothing: expected @terms("…"), or none for standing access', line=key.line
            )
            continue
        place = names.terms.find(text)
        if isinstance(place, str):
            findings.wrong(POLICY, f"@terms: terms {place}", line=key.line)
        else:
            named.add((Kind.TERMS, place))
        if statement.effect() == "forbid":
            findings.odd(POLICY, "@terms on a forbid means nothing: a forbid holds for everyone", line=key.line)


def _entity(
    kind: str,
    first: Token,
    name: str | None,
    names: Names,
    actions: set[str],
    named: set[tuple[Kind, int]],
    findings: Findings,
) -> None:
    if name is None:
        findings.wrong(POLICY, f"{kind}: the name cannot be read", line=first.line)
    elif kind == ACTION:
        if not name or name == "*":
            findings.wrong(
                POLICY, f"Action {name!r}: expected an action's name, or `action` alone for any", line=first.line
            )
        actions.add(name)
    elif kind in TYPES:
        place = names.of(TYPES[kind]).find(name)
        if isinstance(place, str):
            findings.wrong(POLICY, f"{kind} {place}", line=first.line)
        else:
            named.add((TYPES[kind], place))
    else:
        _unknown_type(kind, first, findings)


def _unknown_type(kind: str, token: Token, findings: Findings) -> None:
    words = [*TYPES, ACTION]
    hint = did_you_mean(kind, words) or f": expected {', '.join(words[:-1])} or {words[-1]}"
    findings.wrong(POLICY, f"{kind!r} is no type of entity{hint}", line=token.line)
