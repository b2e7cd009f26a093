"""A gate that listens, for the other parts of the gate's benchmark: `python benchmarks/gate_server.py FOLDER PORT N`.

N policies. Port PORT + 1 serves an app that answers nothing but a constant, on the same server: what HTTP alone costs.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from starlette.types import Receive, Scope, Send  # noqa: E402

from armslength.service import create_gate, open_gate  # noqa: E402
from armslength.store import GatePoint, GateSettings  # noqa: E402
from armslength.web import Listener, gate_app, serve  # noqa: E402
from benchmarks.gate_estates import draw  # noqa: E402

SECRET = "pt_" + "A" * 43
HOST = "127.0.0.1"


async def constant(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"17")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"decision":true}'})


def main() -> None:
    folder, port, policies = Path(sys.argv[1]) / "gate", int(sys.argv[2]), int(sys.argv[3])
    point = GatePoint(
        id="load", secret_sha256=hashlib.sha256(SECRET.encode()).hexdigest(), hosts=("*",), may=("evaluate", "forward")
    )
    settings = GateSettings(origin="bench.example/gate", url=f"http://localhost:{port}", points=(point,))
    create_gate(folder, settings=settings, estate=draw(policies=policies, people=2000, seed=1).files)
    with closing(open_gate(folder)) as gate:
        gate.start()
        apps = (gate_app(gate), constant)
        listeners = [Listener(app=app, host=HOST, port=port + n, quick=True) for n, app in enumerate(apps)]
        serve(listeners, lambda urls: print(*urls, flush=True))


if __name__ == "__main__":
    main()
