"""Write the sample estate: `before` the repair and `after` it.

Usage: .venv/bin/python scripts/sample [FOLDER]    FOLDER is examples/meridian when absent.

Needs only Python's own library. The outcome is the same on every run: tests/examples compares it
with the committed files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import assets
import daily
import membership
import offices
import protected
from row import Only, marked, table

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / "examples" / "meridian"


def files(which: Only) -> dict[str, str]:
    """Name and text of every file of one estate."""
    tables = {
        "people": offices.people(),
        "entities": offices.entities(),
        "travel": offices.travel(),
        "declared": offices.declared(),
        "groups": membership.groups(),
        "unknown": membership.unknown(),
        "assets": assets.assets(),
        "grants": table("holder action target terms source note", (*protected.grants(), *daily.grants())),
        "routes": assets.routes(),
    }
    written = {f"{name}.csv": rows.text(which) for name, rows in tables.items()}
    for name in ("estate.toml", "policy.cedar"):
        written[name] = marked((HERE / "text" / name).read_text(encoding="utf-8"), which)
    return written


def main(folder: Path) -> None:
    before, after = files("before"), files("after")
    for which, written in (("before", before), ("after", after)):
        (folder / which).mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (folder / which / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLE)
