"""Who is in which group: offices and teams, bodies that decide, and what grew over the years."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from offices import OFFICES, PEOPLE, staff
from row import Only, Row, Table, pick, table

ENGINEERING = (
    "site-reliability", "platform", "release", "client-apps", "media-engineering", "quality", "data-platform",
)  # fmt: skip
TEAMS = (
    "sre", "platform-engineers", "release-engineers", "client-engineers", "media-engineers", "quality", "data-platform",
)  # fmt: skip


def _group(name: str, people: Iterable[str] = (), groups: Iterable[str] = (), only: Only = "both") -> Iterator[Row]:
    yield from (Row((name, f"group:{inner}"), only) for inner in groups)
    yield from (Row((name, f"person:{person}"), only) for person in people)


def _offices() -> Iterator[Row]:
    for place in OFFICES:
        yield from _group(f"office-{place.lower()}", staff(place=place))
    yield from _group("staff", groups=[f"office-{place.lower()}" for place in OFFICES])
    yield from _group("contractors-callbridge", staff(place="PH"))
    yield from _group("contractors-birchline", staff(place="RU"))
    yield from _group("contractors-kestrel", staff("trust-safety", "PL"))
    yield from _group("contractors-staffwell", [p.id for p in PEOPLE if p.entity == "staffwell"])
    yield from _group(
        "contractors", groups=[f"contractors-{firm}" for firm in ("callbridge", "birchline", "kestrel", "staffwell")]
    )
    # Nobody at Meridian knows who answers these lines until the repair asks the vendor.
    yield from _group("vendor-callcentre", staff("customer-support", "PH")[-6:], only="after")


def _engineering() -> Iterator[Row]:
    yield from _group("sre", staff("site-reliability"))
    yield from _group("sre-leads", staff("site-reliability", lead=True))
    yield from _group("platform-engineers", staff("platform"))
    yield from _group("release-engineers", staff("release"))
    yield from _group("client-engineers", staff("client-apps"))
    yield from _group("media-engineers", staff("media-engineering"))
    yield from _group("quality", staff("quality", "US IN CN"))
    yield from _group("qa-contract", staff("quality", "RU"))
    yield from _group("data-platform", staff("data-platform"))
    yield from _group("engineers", groups=[*TEAMS, "qa-contract"])
    yield from _group("engineering-leads", [p for unit in ENGINEERING for p in staff(unit, lead=True)])
    yield from _group(
        "code-reviewers",
        [p for unit in ENGINEERING[:6] for p in pick(f"reviewers {unit}", staff(unit, "US IN IE DE PL CN JP"), 9)],
    )
    yield from _group("test-lab", staff("quality", "IN"), ["qa-contract"])
    yield from _group("oncall-us", pick("oncall-us", staff("site-reliability", "US"), 9))
    yield from _group("oncall-emea", staff("site-reliability", "IE DE"))
    yield from _group("oncall-apac", staff("site-reliability", "SG AU"))
    # The lab wanted the pager's dashboards and got the pager's rights.
    yield from _group("oncall-apac", groups=["test-lab"], only="before")
    yield from _group("oncall", groups=["oncall-us", "oncall-emea", "oncall-apac"])
    yield from _group(
        "incident-commanders",
        staff("site-reliability", lead=True)
        + staff("security", lead=True)
        + staff("customer-support", "US IE GB", True)
        + staff("executive", lead=False)[:2]
        + staff("security", "GB")[:1]
        + staff("platform", "US", True),
    )
    yield from _group("ci-owners", staff("release", "US IN") + staff("platform", "US", True))
    yield from _group("deploy-bot-owners", staff("release", "DE") + staff("platform", "IN", True))
    yield from _group("git-admins", staff("platform", "US")[1:3] + staff("platform", "PL")[:1])
    yield from _group("db-admins", staff("data-platform", "US")[1:5] + staff("data-platform", "IN")[1:3])
    yield from _group("network-ops", staff("platform", "US")[5:9] + staff("platform", "DE")[2:5])
    yield from _group("backup-operators", staff("data-platform", "US")[5:7] + staff("site-reliability", "IE")[1:3])
    yield from _group("analytics", staff("data-platform", "IN")[3:] + staff("product", "US")[1:4])
    yield from _group("guild-backend", pick("guild-backend", staff("platform"), 10), ["guild-data"])
    yield from _group("guild-data", pick("guild-data", staff("data-platform"), 7), ["guild-backend"])
    yield from _group("guild-design", staff("product")[3:9] + staff("marketing")[:3])
    yield from _group("build-cops", pick("build-cops", staff("client-apps"), 8))
    yield from _group("beta-testers", pick("beta-testers", staff(), 30))
    yield from _group("edge-media", staff("media-engineering", "US")[4:7] + staff("media-engineering", "DE")[4:7])
    yield from _group("staging-users", groups=["engineers", "support-tier3"])


def _support() -> Iterator[Row]:
    yield from _group("support-tier1-americas", pick("tier1 am", staff("customer-support", "US BR", False), 12))
    yield from _group("support-tier1-emea", pick("tier1 em", staff("customer-support", "IE GB", False), 10))
    yield from _group("support-tier1-apac", staff("customer-support", "PH HK JP", False))
    yield from _group("support-tier1-cn", staff("customer-support", "CN"))
    yield from _group("support-tier1", groups=[f"support-tier1-{area}" for area in ("americas", "emea", "apac", "cn")])
    yield from _group("support-tier2", pick("tier2", staff("customer-support", "US IE GB IN BR AU SG", False), 24))
    yield from _group("support-tier2", groups=["vendor-callcentre"], only="before")
    yield from _group("support-tier1", groups=["vendor-callcentre"], only="after")
    yield from _group(
        "support-tier3",
        pick("tier3", staff("customer-support", "US IE GB SG", False), 9)
        + pick("tier3 media", staff("media-engineering", "US DE"), 3),
    )
    yield from _group(
        "escalation-leads",
        staff("customer-support", "US IN IE BR GB SG", True)
        + staff("privacy")
        + staff("trust-safety", "US IE", True)
        + staff("legal", "GB")[:1]
        + staff("product", "US GB")[:3]
        + staff("security", "IE GB")[:2],
    )
    yield from _group("customer-success", staff("sales", "US GB")[2:9])
    yield from _group("billing", staff("finance", "US IE SG"))
    yield from _group("abuse-desk", staff("trust-safety", "US")[1:5] + staff("trust-safety", "IE")[1:3])
    yield from _group("trust-review", staff("trust-safety", "US IE GB IN BR AU SG"), ["trust-review-contract"])
    yield from _group("trust-review-contract", staff("trust-safety", "PL"))
    yield from _group(
        "trust-approvers",
        staff("trust-safety", "US IE", True)
        + staff("trust-safety", "US IE", False)[::3]
        + staff("trust-safety", "IN BR GB SG AU")[::2]
        + staff("legal", "US IE GB")[::2]
        + staff("privacy")
        + staff("security", "US IE GB DE")[1::3],
    )
    yield from _group("disclosure-desk", staff("trust-safety", "US IE")[5:9] + staff("privacy", "US")[:2])
    yield from _group("legal", staff("legal"))
    yield from _group("privacy", staff("privacy"))


def _trusted() -> Iterator[Row]:
    yield from _group("helpdesk-us", staff("it-support", "US"))
    yield from _group("helpdesk-contract", staff("it-support", "PH"))
    yield from _group("helpdesk", groups=["helpdesk-us", "helpdesk-contract"])
    for place in ("in", "sg", "cn"):
        yield from _group(f"helpdesk-{place}", staff("it-support", place.upper()))
    yield from _group(
        "people-desk-leads",
        staff("it-support", "US IN", True)
        + staff("people-ops", "US IN IE")[::2]
        + staff("security", "US GB DE")[2::3]
        + staff("identity", "GB")[2:]
        + staff("legal", "US")[-2:],
    )
    yield from _group("sso-admins", staff("identity", "US")[:3] + staff("identity", "GB")[:1])
    yield from _group("group-admins", staff("identity", "GB")[1:3] + staff("it-support", "US", True))
    yield from _group("security", staff("security"))
    yield from _group("security-oncall", pick("security-oncall", staff("security", "US IE GB"), 6))
    yield from _group(
        "security-council",
        staff("security", "US IE GB")[::3]
        + staff("legal", "US IE", True)
        + staff("legal", "GB")
        + staff("executive", lead=False)[:3]
        + staff("site-reliability", "US IN IE", True)
        + staff("privacy")[::3]
        + staff("key-management", "US")[:1],
    )
    yield from _group(
        "change-board",
        staff("site-reliability", "US IN IE SG", True)
        + staff("release", "US IN", True)
        + staff("platform", "US IN DE", True)
        + staff("security", "US IE GB DE")[::3]
        + staff("data-platform", lead=True)
        + staff("quality", "US", True)
        + staff("product", "US GB")[::4],
    )
    yield from _group("gate-admins", staff("security", "US")[1:3] + staff("security", "GB")[1:2])
    yield from _group(
        "key-custodians",
        staff("key-management")
        + staff("security", "US GB")[3::4]
        + staff("legal", "US IE")[1::4]
        + staff("site-reliability", "US IN", True)
        + staff("finance", "US IE")[:6:5],
    )
    yield from _group("vault-admins", staff("key-management", "US")[:2] + staff("key-management", "GB"))
    yield from _group("people-ops", staff("people-ops"))
    yield from _group("finance", staff("finance"))
    yield from _group("executives", staff("executive"))
    yield from _group("facilities", staff("facilities"))


def _business() -> Iterator[Row]:
    yield from _group("liaison", staff("government-affairs"))
    yield from _group("cn-operations", staff("regional-operations") + staff("client-apps", "CN", True))
    yield from _group("region-tool", groups=["customer-success", "cn-operations"])
    # Agreed with the authorities in place of a block, and told to few.
    yield from _group("rectification-plan", ["liaison-1", *staff("regional-operations")[:1]], only="before")
    yield from _group("compliance-test", ["liaison-1"], only="before")
    yield from _group("sales-americas", staff("sales", "US BR"))
    yield from _group("sales-emea", staff("sales", "IE GB DE PL"))
    yield from _group("sales-apac", staff("sales", "IN SG JP HK AU CN"))
    yield from _group("sales", groups=["sales-americas", "sales-emea", "sales-apac"])
    yield from _group("marketing", staff("marketing"))
    yield from _group("product", staff("product"))
    yield from _group("wiki-editors", pick("wiki", staff(), 24), ["product"])
    yield from _group("running-club", pick("running", staff(), 18))
    yield from _group("works-council", pick("works-council", staff(place="DE PL"), 5))
    yield from _group("project-lantern", staff("media-engineering", "DE")[:3], only="before")


def groups() -> Table:
    return table("group member", chain(_offices(), _engineering(), _support(), _trusted(), _business()))


def unknown() -> Table:
    note = "the call centre's agents sign in through one shared directory; the vendor has not sent the list"
    return table("group note", [Row(("vendor-callcentre", note), "before")])
