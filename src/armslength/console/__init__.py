"""The console: pages for people who ask, approve, and look after the gate; and for a customer who is asked.

It asks the gate and shows what it says, and decides nothing. It takes a form only from its own pages, loads nothing
from elsewhere, runs nothing that people handed in, and shows nobody where a state can reach somebody.

    console_app(gate, demo=…) -> ASGI app        at the gate's own address, beside its protocols
    fingerprint(credential, key) -> text         what two people read to each other before a passkey counts
    found_demonstration(gate, step) -> people    make a new gate one that can be shown
"""

from armslength.console.app import console_app
from armslength.console.demonstration import NotADemonstration, demo_key, demonstration_keys
from armslength.console.key_print import fingerprint
from armslength.console.seeding import found_demonstration

__all__ = ["NotADemonstration", "console_app", "demo_key", "demonstration_keys", "fingerprint", "found_demonstration"]
