"""A gate that is there, served, for parts of the field's benchmark: `python benchmarks/field_gate.py FOLDER PORT`."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.service import open_gate  # noqa: E402
from armslength.web import Listener, gate_app, serve  # noqa: E402
from benchmarks.gate_server import HOST  # noqa: E402


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    with closing(open_gate(folder)) as gate:
        gate.start()
        serve([Listener(app=gate_app(gate), host=HOST, port=port, quick=True)], lambda urls: print(*urls, flush=True))


if __name__ == "__main__":
    main()
