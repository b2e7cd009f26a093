"""`python -m examples.matrix play` and `… run`: the commands behind the two scripts of this folder."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from examples.matrix.door import HOST, NoDoor
from examples.matrix.firm import Firm, standing
from examples.matrix.homeserver import HomeserverError
from examples.matrix.k1 import play
from examples.matrix.synapse_environment import NoSynapse, cache
from examples.matrix.transcript import Transcript


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="examples/matrix", description="A Matrix homeserver guarded by the gate.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="play|run")
    told = {
        "play": "set it all up, play case K1 on it, print what happens, and take it down",
        "run": "set it all up and keep it running until Ctrl-C, to try things by hand",
    }
    for verb, what in told.items():
        flags = verbs.add_parser(verb, help=what, description=what)
        flags.add_argument("--folder", type=Path, help="where it all stands; removed at the end if not given")
        flags.add_argument("--synapse", type=Path, default=cache(), help="where Synapse is installed, once")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="matrix-") as temporary:
            folder = (options.folder or Path(temporary) / "firm").absolute()
            with standing(folder, cache=options.synapse.absolute(), demo=options.verb == "run") as firm:
                if options.verb == "play":
                    play(firm, Transcript(sys.stdout))
                else:
                    _wait(firm)
    except (NoSynapse, HomeserverError, NoDoor) as error:
        print(f"examples/matrix: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _wait(firm: Firm) -> None:
    """Tell how to reach everything, and wait to be stopped."""
    told = Transcript(sys.stdout)
    authority = firm.folder / "authority"
    for person in ("liaison-cn", "ops-ie", "desk-sg"):
        firm.at_the_door(person)
    told.tell(f"The gate's pages, where you may act as anybody: {firm.gate.settings.url}")
    told.tell("The staff's door, as a member of the staff (liaison-cn, ops-ie and desk-sg have certificates):")
    told.shown(
        f"curl --cacert {authority}/authority.pem --cert {authority}/ops-ie.pem --key {authority}/ops-ie.key \\\n"
        f"    --resolve {HOST}:{firm.door.port}:127.0.0.1 \\\n"
        f"    https://{HOST}:{firm.door.port}/_synapse/admin/v1/server_version"
    )
    told.tell(f"The homeserver, for customers: {firm.homeserver.url}. Rooms and their hosts:")
    for room in (firm.customers.vigil, firm.customers.market, firm.customers.annex):
        told.tell(f"{room.id} of {room.host.user}")
    told.tell("Ctrl-C ends it.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
