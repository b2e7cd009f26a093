"""How a sentence names what it rests on: rows by file and line, policies, and references as the tables write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

import cedarpy

from armslength.estate import Estate, Kind, Ref
from armslength.reach import Row
from armslength.report.plain import listed, short

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|\b(?:when|unless)\b', re.DOTALL)


class Citation:
    """Cites the rows of one estate."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._tables = {table.file: table for table in estate.tables.values()}

    def cells(self, row: Row) -> dict[str, str]:
        return self._tables[row.file].cells(row.row)

    def lines(self, rows: Iterable[Row]) -> list[str]:
        """`groups.csv:3`, each place once."""
        return list(dict.fromkeys(f"{row.file}:{self._tables[row.file].line(row.row)}" for row in rows))

    def places(self, rows: Iterable[Row]) -> str:
        """` (groups.csv:3, groups.csv:9)`; "" for no rows."""
        lines = self.lines(rows)
        return f" ({', '.join(lines)})" if lines else ""

    def policy(self, policy: str) -> str:
        """`the policy `x` (policy.cedar:12)`."""
        held = self.estate.policy
        line = f" (policy.cedar:{held.lines[held.ids.index(policy)]})" if held and policy in held.ids else ""
        return f"the policy `{short(policy)}`{line}"

    def policy_terms(self, policy: str) -> str:
        """The id of the terms that a permit carries; "" for standing access. Conditions are not read."""
        held = self.estate.policy
        if held is None or policy not in held.ids:
            return ""
        ends = [token.end() for token in _TOKEN.finditer(held.text) if token.group() == ";"]
        number = held.ids.index(policy)
        text = held.text[ends[number - 1] if number else 0 : ends[number]]
        cut = next(
            (token.start() for token in _TOKEN.finditer(text) if token.group() in ("when", "unless")), len(text) - 1
        )
        head = json.loads(cedarpy.policies_to_json_str(f"{text[:cut]};"))
        return str(head["staticPolicies"]["policy0"].get("annotations", {}).get("terms") or "")

    def ref(self, ref: str) -> str:
        return "everyone" if ref == "everyone" else f"`{short(ref)}`"

    def climb(self, group: str, rows: Sequence[Row]) -> str:
        """`group:g` through `group:h` (groups.csv:3, groups.csv:9): the memberships that lead up to a group."""
        through = [f"`group:{short(self.cells(row)['group'])}`" for row in rows[:-1]]
        way = f" through {listed(through, 3)}" if through else ""
        return f"{self.ref(group)}{way}{self.places(rows)}"

    def written(self, ref: Ref) -> str:
        """A resolved reference to people, as it is written."""
        match ref.kind:
            case Kind.PERSON:
                return f"person:{self.estate.people.ids[ref.index]}"
            case Kind.GROUP:
                return f"group:{self.estate.groups.ids[ref.index]}"
            case Kind.EVERYONE:
                return "everyone"
            case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                raise ValueError(f"{ref.kind.name.lower()} {ref.index} is not people")
