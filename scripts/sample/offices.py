"""Who works at Meridian Meetings: employers, offices and people. Every name and number is invented.

A person is a role and a number. The only ties to a state are places and employers.
"""

from __future__ import annotations

from dataclasses import dataclass

from row import Row, Table, table

# employer, state, owner. The Asian companies are a joint venture; its owner sits overseas and owns nothing else here.
ENTITIES = (
    ("meridian-inc", "US", ""),
    ("meridian-ie", "IE", "meridian-inc"),
    ("meridian-de", "DE", "meridian-ie"),
    ("meridian-pl", "PL", "meridian-ie"),
    ("meridian-uk", "GB", "meridian-inc"),
    ("meridian-in", "IN", "meridian-inc"),
    ("meridian-br", "BR", "meridian-inc"),
    ("meridian-au", "AU", "meridian-inc"),
    ("harbour-group", "JP", ""),
    ("meridian-asia", "SG", "harbour-group"),
    ("meridian-cn", "CN", "meridian-asia"),
    ("meridian-hk", "HK", "meridian-asia"),
    ("meridian-jp", "JP", "meridian-asia"),
    ("callbridge-group", "AU", ""),
    ("callbridge-ph", "PH", "callbridge-group"),
    ("kestrel-holdings", "GB", ""),
    ("kestrel-pl", "PL", "kestrel-holdings"),
    ("birchline", "RU", ""),
    ("staffwell", "US", ""),
)

# unit: the id and the role of its people, the id and the role of whoever leads five or more of them in one office
UNITS = {
    "executive": ("exec", "executive", "chief", "chief executive"),
    "site-reliability": ("sre", "site reliability engineer", "sre-lead", "site reliability lead"),
    "platform": ("platform", "platform engineer", "platform-lead", "platform engineering lead"),
    "release": ("release", "release engineer", "release-lead", "release engineering lead"),
    "client-apps": ("client", "client engineer", "client-lead", "client engineering lead"),
    "media-engineering": ("media", "media engineer", "media-lead", "media engineering lead"),
    "quality": ("qa", "quality engineer", "qa-lead", "quality lead"),
    "data-platform": ("data", "data engineer", "data-lead", "data platform lead"),
    "security": ("security", "security engineer", "security-lead", "security lead"),
    "identity": ("identity", "identity engineer", "identity-lead", "identity lead"),
    "it-support": ("desk", "help desk agent", "desk-lead", "help desk lead"),
    "customer-support": ("support", "support agent", "support-lead", "support lead"),
    "trust-safety": ("review", "trust and safety reviewer", "review-lead", "trust and safety lead"),
    "legal": ("counsel", "counsel", "counsel-lead", "lead counsel"),
    "privacy": ("privacy", "privacy specialist", "privacy-lead", "privacy lead"),
    "people-ops": ("people", "people partner", "people-lead", "people lead"),
    "finance": ("finance", "finance analyst", "finance-lead", "finance lead"),
    "sales": ("sales", "account executive", "sales-lead", "sales lead"),
    "marketing": ("marketing", "marketer", "marketing-lead", "marketing lead"),
    "product": ("product", "product manager", "product-lead", "product lead"),
    "key-management": ("keys", "key custodian", "keys-lead", "key management lead"),
    "regional-operations": ("region", "regional operations engineer", "region-lead", "regional operations lead"),
    "government-affairs": ("liaison", "government liaison", "policy-lead", "public policy lead"),
    "facilities": ("facility", "facilities coordinator", "facility-lead", "facilities lead"),
}

# place, then unit and how many; a unit may name an employer other than the office's own after a slash
OFFICES = {
    "US": "executive 6, site-reliability 16, platform 18, platform/staffwell 4, release 6, client-apps 14, "
    "media-engineering 13, quality 8, data-platform 12, security 14, identity 5, it-support 8, customer-support 16, "
    "trust-safety 12, legal 8, privacy 4, people-ops 7, finance 8, sales 17, marketing 6, marketing/staffwell 3, "
    "product 10, key-management 4, facilities 3",
    "CN": "client-apps 17, media-engineering 10, quality 5, regional-operations 4, customer-support 3, it-support 2, "
    "sales 2, people-ops 1, government-affairs 1",
    "IN": "site-reliability 8, platform 14, release 5, client-apps 13, quality 12, data-platform 8, it-support 5, "
    "customer-support 6, trust-safety 2, people-ops 2, sales 1, government-affairs 1",
    "IE": "site-reliability 5, customer-support 14, trust-safety 7, legal 4, privacy 3, security 2, people-ops 2, "
    "finance 4, key-management 1, it-support 1, government-affairs 1",
    "BR": "customer-support 8, sales 3, trust-safety 1, legal 1, government-affairs 1",
    "GB": "identity 4, sales 5, customer-support 5, security 3, trust-safety 2, product 3, legal 2, finance 1, "
    "key-management 1",
    "DE": "media-engineering 8, platform 8, site-reliability 4, release 2, sales 3, security 1",
    "PL": "client-apps 12, platform 4, trust-safety/kestrel-pl 12",
    "PH": "it-support/callbridge-ph 10, customer-support/callbridge-ph 42",
    "SG": "site-reliability 6, customer-support 6, sales 4, finance 2, it-support 2, legal 1, trust-safety 2, "
    "product 1",
    "JP": "sales 4, customer-support 4, client-apps 4, product 2",
    "HK": "sales 5, customer-support 3, finance 1, people-ops 1",
    "AU": "customer-support 4, sales 3, site-reliability 2, trust-safety 1",
    "RU": "quality/birchline 10",
}
EMPLOYER = {
    place: f"meridian-{name}"
    for place, name in zip(OFFICES, "inc cn in ie br uk de pl ph asia jp hk au ru".split(), strict=True)
}

# Across a border from work: unit, place of work, how many, residence.
COMMUTERS = (
    ("platform", "US", 1, "CA"),
    ("client-apps", "US", 1, "CA"),
    ("customer-support", "SG", 2, "MY"),
    ("media-engineering", "DE", 1, "AT"),
    ("sales", "GB", 1, "IE"),
    ("sales", "HK", 1, "CN"),
)


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    unit: str
    role: str
    entity: str
    workplace: str
    residence: str
    lead: bool


def _office(place: str) -> list[tuple[str, str, int]]:
    """The office's (unit, employer, head count)."""
    parts = []
    for part in OFFICES[place].split(","):
        unit, count = part.split()
        unit, _, employer = unit.partition("/")
        parts.append((unit, employer or EMPLOYER[place], int(count)))
    return parts


def _hire() -> tuple[Person, ...]:
    hired: list[Person] = []
    number: dict[str, int] = {}
    abroad = {(unit, place): [home] * count for unit, place, count, home in COMMUTERS}
    for place in OFFICES:
        for unit, employer, count in _office(place):
            slug, role, lead_slug, lead_role = UNITS[unit]
            for n in range(count):
                lead = n == 0 and count >= 5
                stem = lead_slug if lead else slug
                number[stem] = number.get(stem, 0) + 1
                homes = [] if lead else abroad.get((unit, place), [])
                residence = homes.pop() if homes else place
                shown = f"{stem}-{number[stem]}" if lead or stem == "liaison" else f"{stem}-{number[stem]:03d}"
                hired.append(Person(shown, unit, lead_role if lead else role, employer, place, residence, lead))
    return tuple(hired)


PEOPLE = _hire()


def staff(unit: str = "", place: str = "", lead: bool | None = None) -> list[str]:
    """Ids of people by unit, workplace (several separated by spaces) and rank, in the order of the table."""
    return [
        p.id
        for p in PEOPLE
        if (not unit or p.unit == unit)
        and (not place or p.workplace in place.split())
        and (lead is None or p.lead == lead)
    ]


def _manager(person: Person) -> str:
    """The lead at the office; for a lead the unit's first lead; for that one the chief executive."""
    if person.unit == "executive":
        return "" if person.lead else "chief-1"
    near = staff(person.unit, person.workplace, True)
    if near and not person.lead:
        return near[0]
    head = staff(person.unit, lead=True)
    if head and head[0] != person.id:
        return head[0]
    return "chief-1"


def people() -> Table:
    return table(
        "id unit role entity workplace residence manager source",
        (
            Row(
                (
                    p.id,
                    p.unit,
                    p.role,
                    p.entity,
                    p.workplace,
                    p.residence,
                    _manager(p),
                    "hr" if p.entity.startswith("meridian-") else "vendor list",
                )
            )
            for p in PEOPLE
        ),
    )


def entities() -> Table:
    return table("id state parent", (Row(cells) for cells in ENTITIES))


def travel() -> Table:
    """Trips. The first one put a lead with standing rights within another state's reach for a week."""
    return table(
        "person state from until",
        (
            Row(("sre-lead-1", "CN", "2026-09-07", "2026-09-11")),
            Row(("sales-003", "BR", "2026-11-16", "2026-11-27")),
            Row(("product-002", "IN", "2026-11-18", "2026-11-30")),
            Row(("media-026", "JP", "2026-10-05", "2026-10-09")),
            Row(("client-020", "SG", "2026-10-12", "2026-10-16")),
            Row(("marketing-004", "AU", "2026-11-20", "2026-12-02")),
            Row(("counsel-003", "GB", "2026-06-01", "2026-06-05")),
            Row(("security-009", "FR", "2026-11-19", "2026-11-26")),
            Row(("people-003", "PH", "2026-08-10", "2026-08-14")),
        ),
    )


def declared() -> Table:
    """Two people chose to declare a tie. Every output seals them."""
    return table("person state", (Row(("review-004", "BR")), Row(("data-006", "IN"))))
