"""Where somebody is, from what sources write: a state's code or English name, or an office that linking.toml knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from armslength.estate import BLOCS, NAMES

SHARED = frozenset({"Georgia"})
"""Names that a part of another state has as well."""


class Places:
    """`offices` as in linking.toml; `declared`: the states that estate.toml adds."""

    def __init__(self, offices: Mapping[str, str], declared: Iterable[str]) -> None:
        self._codes = {*NAMES, *BLOCS, *declared}
        self._names = {_plain(name): code for code, name in NAMES.items() if name not in SHARED}
        self._offices: dict[str, str] = {}
        self.wrong: list[tuple[str, str]] = []
        """Offices of linking.toml that cannot stand, with what is wrong."""
        for office, code in offices.items():
            if code not in self._codes:
                self.wrong.append((office, f"{code!r} is no state: expected a code such as IE"))
            elif self._offices.setdefault(_plain(office), code) != code:
                self.wrong.append(
                    (office, f"{code}: the same words in other letters have {self._offices[_plain(office)]}")
                )

    def state(self, text: str) -> str | None:
        """The code, or None where the words name no state. "" stays "". What linking.toml says comes first: an office
        may be called CA, for California."""
        if not text:
            return text
        if (office := self._offices.get(_plain(text))) is not None:
            return office
        return text if text in self._codes else self._names.get(_plain(text))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
