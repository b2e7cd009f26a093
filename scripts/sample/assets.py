"""What Meridian runs: eight regions of the service, their keys, and the firm's own systems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from row import Only, Row, Table, draw, table

# region: the states that host it, the vault that keeps its keys, thousands of customers
REGIONS = {
    "us": ("US", "vault-us", 5200),
    "eu": ("DE IE", "vault-ie", 2600),
    "in": ("IN", "vault-us", 1400),
    "sg": ("SG", "vault-us", 700),
    "jp": ("JP", "vault-us", 650),
    "br": ("BR", "vault-us", 480),
    "au": ("AU", "vault-us", 300),
    "cn": ("CN", "vault-cn", 900),
}
# stem, kind, class, share of the region's customers whose data it holds, in a hundred
SYSTEMS = (
    ("meetings", "control plane", "meeting-control", 0),
    ("accounts", "control plane", "account-control", 0),
    ("account-data", "database", "account-data", 100),
    ("account-summary", "database", "account-summary", 100),
    ("directory", "index", "directory", 100),
    ("recordings", "object store", "customer-content", 34),
    ("transcripts", "object store", "customer-content", 12),
    ("chat", "database", "customer-content", 71),
    ("metadata", "event store", "metadata", 100),
    ("media", "relays", "media", 0),
    ("telemetry", "time series", "telemetry", 0),
)
REPOSITORIES = (
    "meeting-server", "media-relay", "media-codec", "accounts-service", "billing-service", "directory-service",
    "recordings-service", "transcripts-service", "chat-service", "api-edge", "admin-console", "region-tool",
    "client-desktop", "client-web", "client-ios", "client-android", "client-rooms", "design-system", "deploy-bot",
    "infrastructure", "access-policy", "data-pipelines", "metrics", "test-harness", "load-generator", "docs-site",
    "status-page", "support-desk",
)  # fmt: skip
TOOLS = (
    "ticket-desk", "report-queue", "pager", "status-board", "feature-flags", "release-calendar", "wiki-search",
    "translation-desk", "survey-tool", "incident-room", "on-call-roster", "capacity-planner",
)  # fmt: skip
DOCS = ("handbook", "runbooks", "architecture-notes", "support-articles", "policy-library", "release-notes")
BUSINESS = ("payroll", "hr-records", "ledger-books", "invoices", "crm", "contracts", "campaigns", "expenses")
BUILD = ("ci-runners", "artifact-store", "signing-queue", "mirror")


def _asset(
    name: str, kind: str, of_class: str, within: str = "", hosted_in: str = "", key: str = "", subjects: int = 0,
    shielded_from: str = "", only: Only = "both",
) -> Row:  # fmt: skip
    counted = str(subjects) if subjects else ""
    return Row((name, kind, of_class, within, hosted_in, key, counted, shielded_from), only)


def _keys() -> Iterator[Row]:
    yield _asset("vault-us", "key store", "vault", hosted_in="US")
    yield _asset("vault-ie", "key store", "vault", hosted_in="IE")
    yield _asset("vault-cn", "key store", "vault", hosted_in="CN")
    yield _asset("key-root", "key", "keys", "vault-us")
    for region, (_, vault, _) in REGIONS.items():
        for name in (f"key-{region}", f"key-recordings-{region}"):
            match vault:
                case "vault-ie":  # wrapped by a key that is kept elsewhere
                    yield _asset(name, "key", "keys", vault, only="before")
                    yield _asset(name, "key", "keys", vault, key="key-root", only="after")
                case "vault-cn":  # moved out
                    yield _asset(name, "key", "keys", vault, only="before")
                    yield _asset(name, "key", "keys", "vault-us", only="after")
                case _:
                    yield _asset(name, "key", "keys", vault)
    yield _asset("key-backups", "key", "keys", "vault-us")
    yield _asset("key-signing", "key", "keys", "vault-us")


def _regions() -> Iterator[Row]:
    for region, (hosts, _, thousands) in REGIONS.items():
        yield _asset(f"prod-{region}", "region", "platform", hosted_in=hosts, key=f"key-{region}")
        for stem, kind, of_class, share in SYSTEMS:
            customers = 10 * thousands * share
            key = f"key-recordings-{region}" if stem == "recordings" else ""
            yield _asset(f"{stem}-{region}", kind, of_class, f"prod-{region}", key=key, subjects=customers)
    refused = "AU CN IN RU"
    yield _asset("meetings-shielded", "control plane", "meeting-control", "prod-us", shielded_from=refused)
    yield _asset("accounts-shielded", "control plane", "account-control", "prod-us", shielded_from=refused)
    yield _asset(
        "recordings-shielded", "object store", "customer-content", "prod-us", subjects=4100, shielded_from=refused
    )
    for region, host in (("us", "US"), ("eu", "DE")):
        customers = 1000 * REGIONS[region][2]
        yield _asset(
            f"backups-{region}",
            "object store",
            "customer-content",
            hosted_in=host,
            key="key-backups",
            subjects=customers,
        )


def _own_systems() -> Iterator[Row]:
    yield _asset("access-gate", "gate", "gate", hosted_in="US")
    yield _asset("identity-provider", "directory", "tools", hosted_in="US")
    yield _asset("admin-console", "web application", "tools", hosted_in="US")
    yield _asset("access-logs", "event store", "logs", hosted_in="US")
    yield _asset("staging", "region", "staging", hosted_in="US")
    yield _asset("test-content", "object store", "test-content", "staging")
    for name in REPOSITORIES:
        yield _asset(f"code/{name}", "repository", "code", hosted_in="US")
    for name in BUILD:
        yield _asset(name, "build service", "build", hosted_in="US" if draw(name) % 3 else "DE")
    for name in TOOLS:
        yield _asset(name, "web application", "tools", hosted_in="US")
    for name in DOCS:
        yield _asset(name, "documents", "docs", hosted_in="US")
    for name in BUSINESS:
        yield _asset(name, "web application", "business", hosted_in="US" if draw(name) % 4 else "IE")


def assets() -> Table:
    columns = "id kind class within hosted_in key subjects shielded_from"
    return table(columns, chain(_keys(), _regions(), _own_systems()))


def _routes() -> Iterator[Row]:
    for region in REGIONS:
        one = f"/{region}/accounts/{{customer}}"
        for method, path, action, resource, customers in (
            ("DELETE", f"/{region}/meetings/{{meeting}}", "terminate", "meetings", "*host-of-meeting"),
            ("POST", f"{one}/suspend", "suspend", "accounts", "{customer}"),
            ("GET", one, "read", "account-data", "{customer}"),
        ):
            yield Row(("console.meridian.example", method, path, action, f"{resource}-{region}", customers))


def routes() -> Table:
    """Which request at the console means which action on what."""
    return table("host method path action resource customers", _routes())
