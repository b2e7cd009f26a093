"""The parsers: one for the program, one for each command, one for each verb of a command that has verbs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NoReturn


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of one width, whatever the terminal's."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=110)


class Parser(argparse.ArgumentParser):
    """A parser that ends in one line where the arguments are wrong."""

    page: str | None = None
    """The whole help, where it is written by hand."""
    verbs: dict[str, Parser] | None = None
    """Where a command has verbs: the parser of each. The command's help then tells them all."""
    after = "VERB FOLDER"
    """What follows such a command."""

    def format_help(self) -> str:
        if self.page is not None:
            return self.page
        return super().format_help() if self.verbs is None else self._every_verb(self.verbs)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}: see {self.prog} --help\n")

    def flags(self) -> list[str]:
        """Every flag it knows, in its long form."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def _every_verb(self, verbs: dict[str, Parser]) -> str:
        text = self._get_formatter()
        text.add_text(f"usage: {self.prog} {self.after} [flags]")
        text.add_text(self.description)
        for name, verb in verbs.items():
            text.start_section(name)
            text.add_text(verb.description)
            text.add_arguments([action for action in verb._actions if action.dest != "help"])
            text.end_section()
        text.add_text(self.epilog)
        return text.format_help()


def near(word: str, known: Iterable[str]) -> str:
    """`: did you mean 'reach'?`, or nothing."""
    found = get_close_matches(word, list(known), n=1)
    return f": did you mean {found[0]!r}?" if found else ""
