"""Where the invented firm's people are: 60 states in a long tail, a bloc, legal employers and who owns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The order is the size: the first state has the most people.
STATES = tuple(
    "US IN GB PL DE IE PH SG MX CN BR CA FR AU JP RO ES NL IL CZ HK KR IT SE PT MY TW AE EG UA "
    "ZA CO AR BG HU TH VN ID CH DK FI NO BE AT GR TR CL PE KE NG MA NZ SK LT EE RS SA RU PK BD".split()
)
AMERICAS = frozenset("US MX BR CA CO AR CL PE".split())
ASIA = frozenset("IN PH SG CN AU JP HK KR MY TW TH VN ID NZ PK BD".split())
EU = frozenset("PL DE IE FR RO ES NL CZ IT SE PT BG HU DK FI BE AT GR SK LT EE".split())
HOSTS = ("US", "IE", "DE", "SG", "IN", "AU", "BR", "JP")
HOME = "US"
REGIONS = ("americas", "emea", "asia")

# Most of these states have their own legal employer; people elsewhere are employed by their region's hub.
_EMPLOYERS = 26
_HUB = {"americas": "US", "emea": "NL", "asia": "SG"}
_OWNED_BY_SINGAPORE = frozenset("PH CN HK MY TW".split())
# Contractors' employers: (state, state of the owner or none).
_VENDORS = (("IN", ""), ("PH", "JP"), ("PL", "FR"), ("MX", ""), ("EG", "AE"), ("BR", "US"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Employers:
    """Rows of entities.csv, and for each state of STATES the employer of its people; `vendors` index the rows."""

    ids: tuple[str, ...]
    states: tuple[str, ...]
    parents: tuple[str, ...]
    of_state: tuple[int, ...]
    vendors: tuple[int, ...]


def region(state: str) -> str:
    """The firm's region of a state."""
    if state in AMERICAS:
        return "americas"
    return "asia" if state in ASIA else "emea"


def weights() -> Floats:
    """Each state's share of the people, summing to 1: a long tail in which the last has some 0.03 %."""
    tail = 1.0 / np.arange(2, len(STATES) + 2, dtype=np.float64) ** 1.7
    tail[0] *= 1.6
    share: Floats = tail / tail.sum()
    return share


def employers() -> Employers:
    """The firm, its holdings and its contractors. Europe has an Irish holding, part of Asia one in Singapore."""
    rows = [("firm-us", "US", ""), ("holding-ie", "IE", "firm-us"), ("holding-sg", "SG", "firm-us")]
    own = {"US": 0}
    for state in STATES[1:_EMPLOYERS]:
        parent = "holding-ie" if state in EU else "holding-sg" if state in _OWNED_BY_SINGAPORE else "firm-us"
        own[state] = len(rows)
        rows.append((f"firm-{state.lower()}", state, parent))
    vendors = []
    for state, owner in _VENDORS:
        if owner:
            rows.append((f"vendor-{state.lower()}-owner", owner, ""))
        vendors.append(len(rows))
        rows.append((f"vendor-{state.lower()}", state, f"vendor-{state.lower()}-owner" if owner else ""))
    return Employers(
        ids=tuple(row[0] for row in rows),
        states=tuple(row[1] for row in rows),
        parents=tuple(row[2] for row in rows),
        of_state=tuple(own.get(state, own[_HUB[region(state)]]) for state in STATES),
        vendors=tuple(vendors),
    )
