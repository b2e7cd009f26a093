"""Grants of everyday work on what no floor protects: a great many, standing, and the same before and after."""

from __future__ import annotations

from collections.abc import Iterator

from assets import BUILD, BUSINESS, DOCS, REGIONS, REPOSITORIES, TOOLS
from membership import TEAMS
from offices import OFFICES, staff
from row import Row, pick

OWNERS = {
    "client": "client-engineers", "design": "client-engineers", "media": "media-engineers", "data": "data-platform",
    "metrics": "sre", "infrastructure": "sre", "deploy": "release-engineers", "test": "quality", "load": "quality",
    "docs": "product", "status": "sre", "support": "support-tier3",
}  # fmt: skip
READERS = ("security", "product", "engineering-leads", "build-cops", "guild-backend", "qa-contract", "code-reviewers")
DEPARTMENTS = {
    "payroll": ("finance", "people-ops"), "hr-records": ("people-ops", "executives"),
    "ledger-books": ("finance", "executives"), "invoices": ("finance", "billing"),
    "crm": ("sales", "customer-success", "marketing"), "contracts": ("legal", "sales", "finance"),
    "campaigns": ("marketing", "product"), "expenses": ("finance", "people-ops"),
}  # fmt: skip
CLUBS = ("running-club", "wiki-editors", "beta-testers", "guild-backend", "guild-data", "guild-design", "build-cops")

Cells = tuple[str, str, str, str]


def _code() -> Iterator[Cells]:
    yield "group:engineers", "read", "class:code", "code host"
    yield "everyone", "read", "asset:code/docs-site", "code host"
    for name in REPOSITORIES:
        repository = f"asset:code/{name}"
        owner = OWNERS.get(name.split("-")[0], "platform-engineers")
        yield f"group:{owner}", "review", repository, "code host"
        yield f"group:{owner}", "triage", repository, "code host"
        for team in pick(f"triage {name}", TEAMS, 2):
            if team != owner:
                yield f"group:{team}", "triage", repository, "code host"
        for reader in pick(f"readers {name}", READERS, 2):
            yield f"group:{reader}", "review", repository, "code host"
    for name in BUILD:
        for team in pick(f"build {name}", TEAMS, 4):
            yield f"group:{team}", "run", f"asset:{name}", "build"
        yield "group:release-engineers", "operate", f"asset:{name}", "build"


def _regions() -> Iterator[Cells]:
    near = {"us": "americas", "br": "americas", "eu": "emea", "cn": "cn"}
    for region in REGIONS:
        for team in ("sre", "media-engineers", *pick(f"telemetry {region}", TEAMS[1:], 2)):
            yield f"group:{team}", "view", f"asset:telemetry-{region}", "console"
        desk = near.get(region, "apac")
        yield f"group:support-tier1-{desk}", "read", f"asset:account-summary-{region}", "console"
        yield "group:network-ops", "operate", f"asset:media-{region}", "cloud"
    for team in ("support-tier2", "support-tier3", "customer-success", "vendor-callcentre"):
        yield f"group:{team}", "read", "class:account-summary", "console"
    yield "group:cn-operations", "view", "asset:telemetry-cn", "console"
    yield "group:security-oncall", "view", "asset:access-logs", "console"
    yield "group:security-council", "view", "asset:access-logs", "console"
    yield "group:staging-users", "operate", "asset:staging", "cloud"
    yield "group:test-lab", "read", "asset:test-content", "console"


def _tools() -> Iterator[Cells]:
    users = (
        "engineers", "support-tier1", "support-tier2", "support-tier3", "trust-review", "product", "sales", "security",
        "contractors", "oncall", "incident-commanders", "change-board", "escalation-leads", "legal",
    )  # fmt: skip
    for name in TOOLS:
        yield "everyone", "open", f"asset:{name}", "sso"
        for team in pick(f"tool {name}", users, 3):
            yield f"group:{team}", "configure", f"asset:{name}", "sso"
    for name in DOCS:
        yield "everyone", "view", f"asset:{name}", "sso"
        for team in pick(f"docs {name}", users, 2):
            yield f"group:{team}", "edit", f"asset:{name}", "sso"
        yield "group:wiki-editors", "edit", f"asset:{name}", "sso"
    for name in BUSINESS:
        for team in DEPARTMENTS[name]:
            yield f"group:{team}", "open", f"asset:{name}", "sso"
        yield f"group:{DEPARTMENTS[name][0]}", "operate", f"asset:{name}", "sso"
    for body in ("executives", "people-desk-leads", "key-custodians", "trust-approvers", "security-council"):
        yield f"group:{body}", "view", "asset:policy-library", "sso"
    yield "group:contractors", "open", "asset:expenses", "sso"
    yield "group:sre-leads", "configure", "asset:on-call-roster", "sso"
    yield "group:works-council", "view", "asset:hr-records", "sso"
    yield "group:facilities", "configure", "asset:survey-tool", "sso"
    yield "group:liaison", "open", "asset:report-queue", "sso"
    yield "group:disclosure-desk", "configure", "asset:report-queue", "sso"
    yield "group:sso-admins", "configure", "asset:identity-provider", "sso"
    yield "group:support-tier3", "open", "asset:admin-console", "sso"
    yield "group:abuse-desk", "open", "asset:admin-console", "sso"


def _directory() -> Iterator[Cells]:
    for place in OFFICES:
        yield "group:people-ops", "enroll", f"group:office-{place.lower()}", "directory"
    for club in CLUBS:
        yield "group:group-admins", "enroll", f"group:{club}", "directory"
    yield "group:staff", "enroll", "group:running-club", "directory"
    for team in ("marketing", "sales-americas", "sales-emea", "sales-apac", "facilities"):
        yield "group:group-admins", "enroll", f"group:{team}", "directory"


def _persons() -> Iterator[Cells]:
    """What single people were once given: most of it by now nobody knows why."""
    things = [f"asset:{name}" for name in (*TOOLS, *DOCS[1:])]
    for person in pick("personal tools", staff(), 36):
        yield f"person:{person}", "configure", pick(f"tool of {person}", things, 1)[0], "sso"
    for person in pick("personal dashboards", staff(place="US IN IE DE SG CN"), 30):
        region = pick(f"dashboard of {person}", tuple(REGIONS), 1)[0]
        yield f"person:{person}", "view", f"asset:telemetry-{region}", "console"
    for person in pick("personal code", staff("product") + staff("data-platform") + staff("security"), 22):
        repository = pick(f"code of {person}", REPOSITORIES, 1)[0]
        yield f"person:{person}", "triage", f"asset:code/{repository}", "code host"


def grants() -> Iterator[Row]:
    """Rows of grants.csv: holder, action, target, terms, source, note."""
    seen: set[Cells] = set()
    for part in (_code(), _regions(), _tools(), _directory(), _persons()):
        for cells in part:
            if cells not in seen:
                seen.add(cells)
                holder, action, target, source = cells
                yield Row((holder, action, target, "", source, ""))
    # The same right, told by a second system too.
    yield Row(("group:security-oncall", "view", "asset:access-logs", "", "log store", ""), "before")
