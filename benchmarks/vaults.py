"""The protected parts of the invented firm: vaults of assets that are reached through quorums, and leak in a minority.

Each vault has holders, approvers, terms, and people with powers over them. Its style says how well it is kept:
`sealed` and `clean` lead only through quorums, `chained` has a quorum that takes over another vault's approvers,
`partly` has approvers whom a help desk can reset, `leaky` has standing access or a power without terms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from benchmarks.firm import Firm, Index
from benchmarks.places import HOSTS, REGIONS

KEPT = ("sealed",) * 4 + ("clean",) * 6 + ("chained",) * 3
WEAK = ("partly",) * 4 + ("leaky",) * 3
CLASSES = ("customer-content", "recordings", "identity-data", "payment-data", "release-code")
KEYS = "signing-keys"
ACTIONS = ("read", "write", "export", "delete")
GATE = "access-gate"
DESKS = (*REGIONS, "vendor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One `[terms.id]` of estate.toml; `sources` are the groups of `from`, each with its count."""

    id: str
    approvals: int
    approvers: str
    apart: int
    distinct: tuple[str, ...] = ()
    sources: tuple[tuple[str, int], ...] = ()

    def toml(self) -> str:
        text = f"[terms.{self.id}]\napprovals = {self.approvals}\n"
        text += f'approvers = "{self.approvers}"\napart = {self.apart}\n'
        if self.distinct:
            text += f"distinct = {json.dumps(self.distinct)}\n"
        if self.sources:
            places = ", ".join(f'{{ of = "group:{group}", count = {count} }}' for group, count in self.sources)
            text += f"from = [{places}]\n"
        return text


@dataclass(slots=True)
class Controls:
    """What the vaults add to the estate: rows of grants.csv and assets.csv, and terms."""

    grants: list[tuple[str, str, str, str]] = field(default_factory=list)
    assets: list[tuple[str, str, str, str, str, str, str, str]] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    covered: list[Index] = field(default_factory=list)
    vaults: list[str] = field(default_factory=list)

    def grant(self, holder: str, action: str, target: str, terms: str = "") -> None:
        self.grants.append((holder, action, target, terms))


def controls(firm: Firm, rng: np.random.Generator, *, unknown: bool) -> Controls:
    """Draw every vault, the gate, the help desks and the sign-on administrators. `unknown`: three groups of which
    the sources told nothing are named as a holder of standing access, of access with terms, and inside approvers."""
    built = Controls()
    count = firm.size.vaults
    # Every third vault is weak, the second first: an estate with two vaults has one of each kind.
    kept = [str(style) for _ in range(-(-count // len(KEPT))) for style in rng.permutation(KEPT)]
    weak = [str(style) for _ in range(-(-count // len(WEAK))) for style in rng.permutation(WEAK)]
    # Each vault has people of its own; a few serve elsewhere too, so that a leak now and then leads further.
    pools = np.array_split(rng.permutation(firm.trusted), count + 1)
    for number in range(count):
        style = weak.pop() if number % 3 == 1 else kept.pop()
        shared = rng.choice(firm.trusted, size=max(1, len(pools[number]) // 25), replace=False)
        pool = np.unique(np.concatenate([pools[number], shared]))
        _Vault(firm, pool, built, rng, number, style, following=(number + 1) % count).build()
    _gate(firm, built, rng, pools[-1])
    _desks(firm, built, rng)
    if unknown:
        first = built.vaults[0]
        built.grant("group:unknown-standing", "read", f"asset:{first}")
        built.grant("group:unknown-holders", "export", f"asset:{first}", built.terms[0].id)
        firm.roll.nest("approvers-000-0", "unknown-approvers")
    return built


def _pick(firm: Firm, pool: Index, rng: np.random.Generator, states: int, least: int, most: int) -> Index:
    """People of a pool from about so many states: large states more often, yet not by as much as they are larger."""
    here, share = np.unique(firm.state[pool], return_counts=True)
    chance = np.sqrt(share) / np.sqrt(share).sum()
    chosen = rng.choice(here, size=min(states, len(here)), replace=False, p=chance)
    among = pool[np.isin(firm.state[pool], chosen)]
    wanted = min(len(among), max(3, min(int(rng.integers(least, most + 1)), len(pool) // 2)))
    # Each state's people count alike, so that a group is not filled by the largest state alone.
    _, place, crowd = np.unique(firm.state[among], return_inverse=True, return_counts=True)
    weight = 1.0 / crowd[place] ** 0.7
    return rng.choice(among, size=wanted, replace=False, p=weight / weight.sum())


class _Vault:
    """One vault while it is drawn."""

    def __init__(
        self,
        firm: Firm,
        pool: Index,
        built: Controls,
        rng: np.random.Generator,
        number: int,
        style: str,
        following: int,
    ) -> None:
        self.firm, self.pool, self.built, self.rng = firm, pool, built, rng
        self.style, self.following = style, following
        self.tag = f"{number:03d}"
        self.assets: list[str] = []

    def build(self) -> None:
        self._groups()
        strict = self._terms("strict", 1)
        ways = {"sealed": 2, "clean": 1, "chained": 1, "partly": 0, "leaky": 0}[self.style]
        usual = [self._terms(("thin", "standard", "strict")[ways], place) for place in (0, 1)]
        self._things()
        self._rules(strict, usual)
        self._powers(strict, usual)
        if self.style == "leaky":
            self._leaks()

    def _groups(self) -> None:
        firm, rng, tag = self.firm, self.rng, self.tag
        for place in range(3):
            firm.roll.join(f"holders-{tag}-{place}", _pick(firm, self.pool, rng, int(rng.integers(2, 5)), 5, 25))
        for place in range(2):
            people = _pick(firm, self.pool, rng, int(rng.integers(4, 11)), 10, 60)
            if self.style == "sealed":
                # Small circles: most states then have nobody in them.
                people = people[:14]
            inner, outer = np.split(people, [len(people) // 3])
            firm.roll.join(f"approvers-{tag}-{place}", outer)
            firm.roll.join(f"reviewers-{tag}-{place}", inner)
            firm.roll.nest(f"approvers-{tag}-{place}", f"reviewers-{tag}-{place}")
            if self.style == "partly" and place == 0:
                self.built.covered.append(people)
        if self.style == "partly" and rng.random() < 0.4:
            self.built.covered.append(_pick(firm, self.pool, rng, 4, 5, 10))
        for name, most in (("owners", 5), ("policy", 5), ("platform", 12)):
            firm.roll.join(f"{name}-{tag}", _pick(firm, self.pool, rng, 3, 3, most))

    def _terms(self, kind: str, place: int) -> str:
        """Declare terms of a kind, approved by the vault's approvers, or now and then by anybody."""
        rng = self.rng
        approvals, apart = {"thin": (1, int(rng.integers(2))), "standard": (2, int(rng.integers(1, 3)))}.get(
            kind, (3, 3 if self.style == "sealed" else int(rng.integers(2, 4)))
        )
        group = f"approvers-{self.tag}-{place}"
        everyone = kind == "standard" and self.style != "chained" and rng.random() < 0.15
        unit = kind != "thin" and rng.random() < 0.4
        made = Terms(
            id=f"{kind}-{self.tag}-{len(self.built.terms)}",
            approvals=approvals,
            approvers="everyone" if everyone else f"group:{group}",
            apart=apart,
            distinct=("unit", "entity") if unit and rng.random() < 0.1 else ("unit",) if unit else (),
            sources=((f"reviewers-{self.tag}-{place}", 1),) if kind != "thin" and rng.random() < 0.3 else (),
        )
        self.built.terms.append(made)
        return made.id

    def _things(self) -> None:
        """The vault, its key and its assets; some lie within others, some are hosted abroad, most with a key."""
        rng, tag = self.rng, self.tag
        vault, key = f"vault-{tag}", f"key-{tag}"
        self.built.vaults.append(vault)
        self.built.assets.append((vault, "store", "vault", "", "", "", "0", ""))
        self.built.assets.append((key, "key", KEYS, "", "", "", "0", ""))
        for number in range(self.firm.size.vault_assets - 1):
            name = f"kept-{tag}-{number:02d}"
            within = self.assets[int(rng.integers(len(self.assets)))] if number > 3 and rng.random() < 0.2 else vault
            host = HOSTS[int(rng.integers(len(HOSTS)))] if rng.random() < 0.5 else ""
            bare = host and self.style in ("leaky", "partly") and rng.random() < 0.15
            shield = "CN RU" if rng.random() < 0.3 else ""
            kind = CLASSES[number % len(CLASSES)]
            subjects = str(int(rng.integers(10, 100_000)))
            self.built.assets.append((name, "store", kind, within, host, "" if bare else key, subjects, shield))
            self.assets.append(name)

    def _rules(self, strict: str, usual: list[str]) -> None:
        """Who may do what by quorum: each rule covers a slice of the vault and some actions; one covers all of it."""
        rng, tag = self.rng, self.tag
        slices = np.array_split(rng.permutation(len(self.assets)), 3)
        for place, part in enumerate(slices):
            for turn in range(1 + (place < 2)):
                terms = usual[int(rng.integers(2))] if turn == 0 else strict
                actions = rng.choice(ACTIONS, size=int(rng.integers(1, 4)), replace=False)
                for asset in part:
                    for action in actions:
                        holder = f"group:holders-{tag}-{(place + turn) % 3}"
                        self.built.grant(holder, str(action), f"asset:{self.assets[asset]}", terms)
        self.built.grant(f"group:holders-{tag}-0", "read", f"asset:vault-{tag}", strict)
        self.built.grant(f"group:holders-{tag}-1", "use", f"asset:key-{tag}", usual[0])

    def _powers(self, strict: str, usual: list[str]) -> None:
        rng, tag = self.rng, self.tag
        # Most firms guard who joins as they guard the vault; where they do not, quorums chain.
        gentle = usual[int(rng.integers(2))] if self.style == "chained" else strict
        self.built.grant(f"group:owners-{tag}", "enroll", f"group:approvers-{tag}-1", gentle)
        self.built.grant(f"group:owners-{tag}", "enroll", f"group:holders-{tag}-0", gentle)
        self.built.grant(f"group:policy-{tag}", "amend", f"terms:{usual[1]}", strict)
        self.built.grant(f"group:platform-{tag}", "operate", f"asset:vault-{tag}", strict)
        if self.style == "chained":
            # Who passes this quorum becomes the next vault's approvers, and one of its holders.
            self.firm.roll.join(f"sign-on-{tag}", _pick(self.firm, self.pool, rng, 3, 4, 8))
            self.built.grant(f"group:sign-on-{tag}", "assume", f"group:approvers-{self.following:03d}-0", usual[0])
            someone = self.firm.ids[int(rng.choice(self.pool))]
            self.built.grant(f"group:sign-on-{tag}", "assume", f"person:{someone}", usual[1])

    def _leaks(self) -> None:
        """The usual kinds: forgotten standing access, an owner who needs nobody, a project inside the holders."""
        rng, tag, firm = self.rng, self.tag, self.firm
        kind = int(rng.integers(4))
        if kind == 0:
            firm.roll.join(f"legacy-{tag}", _pick(firm, self.pool, rng, 3, 6, 15))
            for asset in rng.choice(self.assets, size=len(self.assets) // 2, replace=False):
                self.built.grant(f"group:legacy-{tag}", "read", f"asset:{asset}")
        elif kind == 1:
            self.built.grant(f"group:platform-{tag}", "operate", f"asset:vault-{tag}")
        elif kind == 2:
            self.built.grant(f"group:owners-{tag}", "enroll", f"group:approvers-{tag}-0")
            self.built.grant(f"group:policy-{tag}", "amend", f"terms:{self.built.terms[-1].id}")
        else:
            firm.roll.nest(f"holders-{tag}-2", firm.projects[int(rng.integers(len(firm.projects)))])
        for asset in rng.choice(self.assets, size=max(1, len(self.assets) // 8), replace=False):
            person = firm.ids[int(rng.choice(self.pool))]
            self.built.grant(f"person:{person}", str(rng.choice(ACTIONS)), f"asset:{asset}")


def _gate(firm: Firm, built: Controls, rng: np.random.Generator, pool: Index) -> None:
    """The gate and those who run it; sign-on administrators who can become anybody; one team that runs every key."""
    team = _pick(firm, pool, rng, 4, 8, 12)
    roll = firm.roll
    roll.join("gate-team", team)
    roll.join("gate-approvers", _pick(firm, pool, rng, 4, 12, 20))
    roll.join("sign-on-admins", _pick(firm, pool, rng, 3, 6, 10))
    roll.join("platform-keys", _pick(firm, pool, rng, 3, 6, 10))
    built.assets.append((GATE, "service", "control-plane", "", "", "", "0", ""))
    circle = "group:gate-approvers"
    built.terms.append(Terms(id="gate-change", approvals=3, approvers=circle, apart=3, distinct=("unit",)))
    built.terms.append(Terms(id="sign-on-change", approvals=3, approvers=circle, apart=3))
    built.grant("group:gate-team", "operate", f"asset:{GATE}", "gate-change")
    built.grant("group:sign-on-admins", "assume", "group:staff", "sign-on-change")
    built.grant("group:platform-keys", "operate", f"class:{KEYS}", "gate-change")
    built.grant("group:platform-keys", "enroll", "group:gate-team", "sign-on-change")
    built.grant("group:gate-team", "amend", "terms:sign-on-change", "gate-change")


def _desks(firm: Firm, built: Controls, rng: np.random.Generator) -> None:
    """Help desks that reset credentials in their region: of most ordinary people, and of the approvers and holders
    whom nobody took out of the scope. The contractors' desk can reset the desk of the first region."""
    count, roll = firm.size.people, firm.roll
    covered = np.zeros(count, dtype=bool)
    for people in built.covered:
        covered[people] = True
    trusted = np.zeros(count, dtype=bool)
    trusted[firm.trusted] = True
    staffed = np.zeros(count, dtype=bool)
    size = max(3, min(60, count // 200))
    seats: dict[str, Index] = {}
    for place, desk in enumerate(DESKS):
        among = np.flatnonzero(~trusted & ~staffed & (firm.region == place % len(REGIONS)))
        # A desk works from two or three places, not from wherever its region has people.
        here = np.unique(firm.state[among])
        near = among[np.isin(firm.state[among], rng.choice(here, size=min(3, len(here)), replace=False))]
        seats[desk] = rng.choice(near, size=min(size, len(near)), replace=False)
        staffed[seats[desk]] = True
    scoped = (~trusted & ~staffed & (rng.random(count) < 0.95)) | covered
    resets = [(name, f"scope-{name}", np.flatnonzero(scoped & (firm.region == n))) for n, name in enumerate(REGIONS)]
    for desk, scope, people in [*resets, ("vendor", f"desk-{REGIONS[0]}", seats[REGIONS[0]])]:
        # A small firm may have nobody in some region.
        if len(seats[desk]) and len(people):
            roll.join(f"desk-{desk}", seats[desk])
            roll.join(scope, people)
            built.grant(f"group:desk-{desk}", "assume", f"group:{scope}")
