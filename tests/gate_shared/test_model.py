"""Two gates beside the plain model of one: whatever is done, and at whichever gate, one plain state comes of it.

The machine is that of a single gate (tests/gate_model). Here each of its steps goes to one gate or the other; processes
end at one of them while the other goes on; and both are asked for the same thing at the same moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from armslength.gate import PersonId, Refused
from armslength.service import Redeemed, shared_beating, shared_ledger
from tests.gate_model.machine import something_was_lent
from tests.gate_model.test_model import GateMachine
from tests.gate_model.workshop import POINT, Workshop, target
from tests.gate_shared.pair import Pair, ledger_of
from tests.gate_shared.pairshop import PairShop
from tests.gate_shared.server import SharedServer, until
from tests.service.race import at_once


class SharedMachine(GateMachine):
    server: ClassVar[SharedServer]
    template: ClassVar[Path]
    shop: PairShop

    def made(self) -> Workshop:
        return PairShop(Pair(self.server, self.template), seed=7)

    @precondition(something_was_lent)
    @rule(data=st.data(), many=st.integers(1, 3))
    def race_for_uses(self, data: st.DataObject, many: int) -> None:
        """Both gates are asked to let it happen, at the same moment: no more is let happen than one would have."""
        live = [lent for lent in self.plain.leases.values() if lent.ended is None]
        if not live:
            return
        ask = data.draw(st.sampled_from(live)).ask
        named = ask.customers
        able = {
            lent.id: lent
            for lent in self.plain.lent_for(ask.executor, ask.action, ask.target)
            if self.plain.usable(lent, self.now, named)
        }
        left = [None if lent.uses is None else lent.uses - lent.used for lent in able.values()]
        most = None if None in left else sum(each or 0 for each in left)
        uses = [os.urandom(16) for _ in range(2 * many)]
        self.shop.pair.synced()
        self.since = self.now
        told: dict[bytes, object] = {}

        def redeem(use: bytes, site: str) -> None:
            told[use] = self.shop.pair.gates[site].redeem(
                point=POINT,
                executor=PersonId(ask.executor),
                action=ask.action,
                resource=target(ask.target),
                customers=sorted(named),
                use=use,
            )

        at_once([partial(redeem, use, "ab"[n % 2]) for n, use in enumerate(uses)])
        assert len(told) == len(uses)
        yes = {use: each for use, each in told.items() if isinstance(each, Redeemed)}
        assert all(isinstance(each, Redeemed | Refused) for each in told.values())
        assert most is None or len(yes) <= most, "more was let happen than the leases are for"
        assert most is not None or not able or len(yes) == len(uses), "a lease without a limit was refused"
        for use, each in yes.items():
            assert each.lease is not None
            self._used(able[each.lease.terms.id], use, named)
        self._compare()
        self._sweep()

    @rule()
    def kill_the_writer(self) -> None:
        """The other gate takes the seat, and goes on alone until this one is back."""
        self.shop.kill()
        (left,) = self.shop.pair.gates.values()
        until(lambda: ledger_of(left).leads)
        left.tick()
        self.since = self.now
        self.shop.open()
        self._sweep()

    def _sweep(self) -> None:
        super()._sweep()
        self.shop.pair.alike()


SLOW = settings.default is not None and settings.default.max_examples > 1000
SharedMachine.TestCase.settings = settings(
    max_examples=100 if SLOW else 3,
    stateful_step_count=50 if SLOW else 15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


@pytest.fixture(autouse=True, scope="module")
def _firm(server: SharedServer, template: Path) -> Iterator[None]:
    SharedMachine.server, SharedMachine.template = server, template
    with pytest.MonkeyPatch.context() as patch:
        # The seat is taken sooner than in the field, or most of the time would be spent in waiting for that.
        patch.setattr(shared_ledger, "SILENT", 0.4)
        patch.setattr(shared_beating, "EVERY", 0.05)
        yield


class TestTwoGatesAreThePlainModelThatTheyWereTold(SharedMachine.TestCase):  # type: ignore[misc,valid-type]
    """Whichever gate somebody comes to, and whichever is killed: what holds is what holds at one gate."""
