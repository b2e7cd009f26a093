"""Which column of an HR export means what: proposed by names, asked for once, kept as mapping.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from armslength.estate import COLUMNS, ORIGIN, refused_column
from armslength.intake.node import Node
from armslength.intake.problem import Problems
from armslength.intake.toml_document import toml_node

FILE = "mapping.toml"
FIELDS: Mapping[str, str] = {
    "id": "the employee's number, which never changes",
    "name": "the name",
    "mail": "the mail address at work",
    "unit": "the department",
    "role": "what they do",
    "entity": "the legal employer",
    "workplace": "the office, or its country",
    "residence": "the country where they live",
    "manager": "the manager's number or mail address",
    "until": "the last day, YYYY-MM-DD",
    "status": "whether they still work here",
}
"""What can be mapped, besides `login.SYSTEM` and `more.COLUMN`."""

NEVER = "exposure comes from places and employers, never from nationality, ancestry, faith or birth"

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_NAMES: Mapping[str, str] = {
    "id": "employeeid employeenumber employeeno employeenr empid empno personid personnelnumber personalnummer staffid"
    " staffnumber workerid matricule id",
    "name": "name fullname displayname employeename preferredname legalname",
    "mail": "email mail workemail emailaddress businessemail primaryemail emailwork companyemail workmail",
    "unit": "unit department departmentname orgunit organizationalunit team division abteilung",
    "role": "role jobtitle title position job jobprofile businesstitle function",
    "entity": "entity legalentity company employer companyname legalemployer",
    "workplace": "workplace workcountry countryofwork office worklocation locationcountry location site country",
    "residence": "residence homecountry countryofresidence residencecountry homeaddresscountry",
    "manager": "manager managerid manageremployeeid managernumber supervisor supervisorid reportsto manageremail"
    " linemanager",
    "until": "terminationdate termdate lastday lastdayofwork leavingdate exitdate enddate employmentenddate until",
    "status": "status employmentstatus employeestatus workerstatus",
    "login.github": "github githubuser githublogin githubusername githubhandle",
}
"""Plain forms of the names that HR systems use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """`of`: the column of every field (`id`, `login.github`, `more.costcentre`). `left`: what the status of those who
    left is. `seen`: every column that the export had when this was said."""

    of: Mapping[str, str]
    left: frozenset[str] = frozenset()
    seen: tuple[str, ...] = field(default=())


def field_problem(name: str) -> str | None:
    """Why this is nothing that a column can be mapped to."""
    kind, dot, key = name.partition(".")
    if not dot:
        return None if name in FIELDS else f"{name!r}: expected {', '.join(FIELDS)}, login.SYSTEM or more.COLUMN"
    if kind not in ("login", "more") or _KEY.fullmatch(key) is None:
        return f"{name!r}: expected login.SYSTEM or more.COLUMN, in letters a to z, digits, '.', '_' and '-'"
    if kind == "more" and (key in COLUMNS["people"] or key in (*ORIGIN, "origin") or refused_column(key)):
        return f"{name!r}: expected the name of a column that people.csv does not have already and that is not refused"
    return None


def check_columns(columns: Columns, header: Iterable[str], file: str, problems: Problems) -> None:
    """Reports what of the mapping cannot be: a column that is not there, or one that is never read."""
    there = tuple(header)
    for name, column in columns.of.items():
        if refused_column(column):
            problems.add(file, f"is never read, so it cannot be {name}: {NEVER}", path=column)
        elif column not in there:
            told = f"is not in the file, and is mapped to {name}: the columns are {', '.join(there)[:2000]}"
            problems.add(file, f"{told}; say --map {name}=COLUMN", path=column, line=1)
    if "id" not in columns.of:
        problems.add(file, f"no column is mapped to id: expected --map id=COLUMN; columns: {', '.join(there)[:2000]}")


def proposed(header: Iterable[str]) -> dict[str, str]:
    """The columns that are named as HR systems name these fields."""
    plain: dict[str, str] = {}
    for column in header:
        if not refused_column(column):
            plain.setdefault(re.sub(r"[\W_]", "", column.casefold()), column)
    found: dict[str, str] = {}
    for name, words in _NAMES.items():
        named = [plain[word] for word in words.split() if word in plain]
        if named and named[0] not in found.values():
            found[name] = named[0]
    return found


def read_columns(file: str, data: bytes, problems: Problems) -> Columns:
    """What `columns_toml` wrote, or people did. What is wrong is reported."""
    root = toml_node(file, data, problems) or Node({}, file, "$", problems)
    of: dict[str, str] = {}
    for key, part in root.members():
        if key not in ("columns", "login", "more", "left", "seen"):
            part.wrong("is no setting of a mapping: expected columns, login, more, left, seen")
        elif key in ("columns", "login", "more"):
            for name, column in part.members():
                full = name if key == "columns" else f"{key}.{name}"
                if (problem := field_problem(full)) is not None:
                    column.wrong(problem)
                of[full] = column.text()
    return Columns(of=of, left=frozenset(root.at("left").texts()), seen=tuple(root.at("seen").texts()))


def columns_toml(columns: Columns) -> bytes:
    def table(title: str, prefix: str) -> list[str]:
        mine = {
            name.removeprefix(prefix): column
            for name, column in columns.of.items()
            if name.startswith(prefix) and (prefix or "." not in name)
        }
        if not mine:
            return []
        return ["", f"[{title}]", *(f"{_toml(name)} = {_toml(column)}" for name, column in mine.items())]

    lines = [
        "# Which column of the HR export means what. `armslength intake hr --map FIELD=COLUMN` changes it.",
        f"left = [{', '.join(_toml(word) for word in sorted(columns.left))}]",
        f"seen = [{', '.join(_toml(name) for name in columns.seen)}]",
        *table("columns", ""),
        *table("login", "login."),
        *table("more", "more."),
    ]
    return ("\n".join(lines) + "\n").encode()


def _toml(text: str) -> str:
    # A basic string of TOML is one of JSON, but for this character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
