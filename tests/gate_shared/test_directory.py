"""A directory speaks to one of several gates: each of them hears it, and who left at one has left at all."""

from __future__ import annotations

from armslength.gate import Question, Refused, Standing, Why
from armslength.service import DIRECTORY_ATTRIBUTES, Gate
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import PersonId, target
from tests.gate_shared.pair import Pair

BO = PersonId("bo")
TABLE = f'\n[[directory]]\nid = "okta"\nsecret_sha256 = "{"1" * 64}"\n'


def say(gate: Gate, person: str, **more: object) -> None:
    given = {"externalId": person, "userName": person, "active": True, **more}
    found = gate.directories.find("okta", "user", "external", person)
    id = found[0].id if found else None
    gate.directories.say("okta", "user", id, lambda before: (given, DIRECTORY_ATTRIBUTES))  # type: ignore[arg-type,return-value]


def looked(gate: Gate) -> object:
    return gate.look(
        Question(executor=BO, asker=BO, author=None, action="view", resource=target("asset:meetings"), context={})
    )


def test_what_a_directory_says_to_one_gate_all_have_heard(pair: Pair) -> None:
    """The provider knows one address; behind it is now this gate, now that."""
    for site in ("a", "b"):
        pair.gates[site].close()
        settings = pair.path / "gates" / site / "gate.toml"
        settings.write_text(settings.read_text("utf-8") + TABLE, "utf-8")
        pair.open(site)
    one, other = pair.gates[pair.leader()], pair.gates[pair.other()]
    stale = looked(one)
    assert isinstance(stale, Refused) and stale.why is Why.STALE
    for person in THE_FIRM.everybody:
        say(other, person)
    one.tick()
    assert isinstance(looked(one), Standing) and isinstance(looked(other), Standing)
    say(other, "bo", active=False)
    pair.synced()
    one.tick()
    for gate in (one, other):
        refused = looked(gate)
        assert gate.state.gone(BO) and isinstance(refused, Refused) and refused.why is Why.LEFT
    say(one, "bo")
    for gate in (one, other):
        gate.tick()
        assert gate.state.gone(BO)
    pair.alike()
