"""What is printed while the case is played: headings, who did what, and what came of it."""

from __future__ import annotations

import textwrap
from typing import TextIO

WIDTH = 110


class Transcript:
    """Lines as they happen. It prints what it is given, and judges nothing."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._chapters = 0

    def chapter(self, title: str, *paragraphs: str) -> None:
        self._chapters += 1
        self._write(f"\n{self._chapters}. {title}\n")
        for text in paragraphs:
            self.tell(text)

    def tell(self, text: str) -> None:
        self._write(_filled(text, "   ", "   "))

    def act(self, who: str, what: str, came: str) -> None:
        """One thing that somebody did, and the answer to it."""
        self._write(_filled(f"{who}: {what}", "   ▸ ", "     "))
        self._write(_filled(came, "       ", "       "))

    def shown(self, text: str) -> None:
        """What a command printed, as it is."""
        self._write(textwrap.indent(text.rstrip("\n"), "     | ") + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _filled(text: str, first: str, rest: str) -> str:
    """Wrapped at spaces only, so that ids and paths can be copied."""
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(lines) + "\n"
