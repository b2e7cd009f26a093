"""Things of AWS that documents name become assets: `NAME/ACCOUNT/SERVICE/…`, one within the other.

A pattern that may fit things that no document names is an asset of its own, beside those that it fits: whoever may use
the pattern may use all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from armslength.intake.aws.pattern import covers, head, overlap, wild
from armslength.intake.aws.region import STATES
from armslength.intake.harvest import Harvest


@dataclass(frozen=True, slots=True)
class Place:
    """Where an ARN, or a pattern of them, lies: `name` is empty for all that a service has, `service` for all that an
    account has."""

    account: str
    service: str
    region: str
    name: str

    @property
    def parts(self) -> tuple[str, ...]:
        region = (self.region,) if self.region else ()
        return (self.account, *((self.service,) if self.service else ()), *((*region, self.name) if self.name else ()))


def place(arn: str, account: str) -> Place:
    """`account`: whose it is where the ARN does not say."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or wild(parts[2]):
        # A pattern such as arn:aws:s3* says too little of what it fits.
        service = parts[2] if len(parts) > 2 and not wild(parts[2]) else ""
        return Place(account, service, "", "")
    _, _, service, region, owner, name = parts
    if not owner or wild(owner):
        owner = account
    name = _thing(service, name)
    if not name.strip("*"):
        return Place(owner, service, "", "")
    return Place(owner, service, region, name)


def _thing(service: str, name: str) -> str:
    """The thing that may be read as a whole: a bucket, not an object in it."""
    match service:
        case "s3":
            if name.startswith("accesspoint/"):
                return name
            bucket, slash, _ = name.partition("/")
            return bucket if slash else name
        case "dynamodb" | "kinesis":
            return "/".join(name.split("/")[:2])
        case "logs":
            return name.removesuffix(":*").partition(":log-stream:")[0]
        case "lambda" if name.startswith("function:"):
            return ":".join(name.split(":")[:2])
        case "secretsmanager":
            # Six characters that AWS adds; patterns stand for them with ?????? or -*.
            return name[: -len("-??????")] + "-*" if name.endswith("-??????") else name
        case _:
            return name


class Things:
    """Every asset that was named, by service, so that a pattern finds those that it may fit."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._made: dict[Place, str] = {}
        self._named: dict[tuple[str, str], list[str]] = {}
        self._places: dict[tuple[str, str, str], list[Place]] = {}
        self._found: dict[Place, tuple[Place, ...]] = {}

    def name(self, places: Iterable[Place]) -> None:
        """These exist, or may. To be told before anything is asked."""
        for one in places:
            if not one.name:
                continue
            key = (one.account, one.service)
            known = self._places.setdefault((*key, one.name), [])
            if not known:
                self._named.setdefault(key, []).append(one.name)
            if one not in known:
                known.append(one)

    def ready(self) -> None:
        for names in self._named.values():
            names.sort()

    def fitting(self, one: Place) -> tuple[Place, ...]:
        """The place itself, and each other that may be part of it."""
        return self._search(one) if one.name and (wild(one.name) or wild(one.region)) else (one,)

    def _search(self, one: Place) -> tuple[Place, ...]:
        known = self._found.get(one)
        if known is not None:
            return known
        key = (one.account, one.service)
        names = self._named.get(key, [])
        found: dict[Place, None] = {one: None}
        start = head(one.name)
        at = bisect_left(names, start)
        candidates = []
        while at < len(names) and names[at].startswith(start):
            candidates.append(names[at])
            at += 1
        # Patterns of others that begin with less, and so may fit the same things.
        for length in range(len(start)):
            for letter in "*?":
                prefix = start[:length] + letter
                at = bisect_left(names, prefix)
                while at < len(names) and names[at].startswith(prefix):
                    candidates.append(names[at])
                    at += 1
        for name in candidates:
            if overlap(one.name, name):
                for other in self._places[(*key, name)]:
                    if overlap(one.region, other.region) or one.region == other.region:
                        found[other] = None
        self._found[one] = tuple(found)
        return self._found[one]

    def asset(self, one: Place, origin: str) -> str:
        """The id, once the asset and those around it were given to the harvest."""
        id = self._made.get(one)
        if id is not None:
            return id
        id = self._made[one] = self._harvest.id(*one.parts)
        within = ""
        if one.name:
            within = self.asset(Place(one.account, one.service, "", ""), origin)
        elif one.service:
            within = self.asset(Place(one.account, "", "", ""), origin)
        kind = "aws account" if not one.service else f"aws {one.service}"
        fits = one.name and (wild(one.name) or wild(one.region))
        self._harvest.asset(
            id,
            kind=kind,
            within=within,
            hosted_in=STATES.get(one.region, ""),
            traits=["pattern"] if fits else (),
            origin=origin,
        )
        return id


class Names:
    """ARNs of one kind of identity, so that a pattern finds those that it fits without a look at all of them."""

    def __init__(self, arns: Iterable[str], whole: str) -> None:
        """`whole`: the pattern that fits all of them, those of the future too."""
        self._arns = sorted(arns)
        self._known = frozenset(self._arns)
        self._whole = whole
        self._found: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._arns)

    def all(self) -> tuple[str, ...]:
        return tuple(self._arns)

    def whole(self, pattern: str) -> bool:
        return covers(pattern, self._whole)

    def possible(self, pattern: str) -> bool:
        """Whether one could be made that the pattern fits."""
        return overlap(pattern, self._whole)

    def fitting(self, pattern: str) -> tuple[str, ...]:
        if not wild(pattern):
            return (pattern,) if pattern in self._known else ()
        found = self._found.get(pattern)
        if found is None:
            start = head(pattern)
            at = bisect_left(self._arns, start)
            some = []
            while at < len(self._arns) and self._arns[at].startswith(start):
                if covers(pattern, self._arns[at]):
                    some.append(self._arns[at])
                at += 1
            found = self._found[pattern] = tuple(some)
        return found
