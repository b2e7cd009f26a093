"""Estates with one of every problem, and word for word what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.estate import EstateError, parse

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("name", ["bad", "bad-policy"])
def test_every_problem_is_told_at_once(name: str) -> None:
    """Whoever mends an estate one message at a time gives up before the end, or mends it in the wrong place."""
    folder = HERE / name
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".txt"}
    with pytest.raises(EstateError) as caught:
        parse(files)
    assert f"{caught.value}\n" == (folder / "problems.txt").read_text("utf-8")
