"""Functions that somebody read, and found to give no more than what they are for."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable


class Reviewed:
    """Patterns over DATABASE.SCHEMA.NAME(ARGUMENTS), with * and ?; one without parentheses takes any arguments."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = {
            pattern: re.compile(fnmatch.translate(pattern if "(" in pattern else f"{pattern}(*)"))
            for pattern in dict.fromkeys(patterns)
        }
        self._used: set[str] = set()

    def has(self, database: str, schema: str, signature: str) -> bool:
        name = f"{database}.{schema}.{signature}"
        found = [pattern for pattern, regex in self._patterns.items() if regex.match(name)]
        self._used.update(found)
        return bool(found)

    def unused(self) -> list[str]:
        return [pattern for pattern in self._patterns if pattern not in self._used]
