"""Grants on what the floors protect, and on what leads there: before the repair and after it.

Each line is: holder, action, target, terms before, terms after, note. Empty terms are standing access, `GONE` a grant
that the repair drops. The note stays in the table; reach ignores it.
"""

from __future__ import annotations

from collections.abc import Iterator

from row import Row

GONE = "gone"
NEW = "new"

MEETINGS = (
    ("group:oncall", "terminate", "class:meeting-control", "", "two-apart", "to stop a meeting that floods a server"),
    ("group:support-tier3", "terminate", "class:meeting-control", "", "two-apart", "abusive meetings out of hours"),
    ("group:abuse-desk", "terminate", "class:meeting-control", "", "two-apart", ""),
    ("group:cn-operations", "terminate", "asset:meetings-cn", "", "two-apart", "the one-minute rule"),
    ("person:product-004", "terminate", "asset:meetings-us", "", GONE, "was on call until 2024"),
    ("person:sre-019", "terminate", "asset:meetings-in", "", GONE, "kept after a move"),
)
ACCOUNTS = (
    ("group:abuse-desk", "suspend", "class:account-control", "", "two-apart", ""),
    ("group:billing", "suspend", "class:account-control", "", "two-apart", "unpaid accounts"),
    ("group:cn-operations", "suspend", "asset:accounts-cn", "", "two-apart", ""),
    ("group:support-tier2", "suspend", "asset:accounts-in", "", "two-apart", ""),
    ("person:support-040", "suspend", "asset:accounts-br", "", GONE, "covered for a colleague in 2025"),
    ("group:region-tool", "reclass", "class:account-control", "", "two-apart", "moves a customer; the tool is shared"),
    ("group:billing", "reclass", "asset:accounts-eu", "", "two-apart", "tax address"),
    ("person:platform-031", "reclass", "class:account-control", "", GONE, "migration of 2023"),
)
ACCOUNT_DATA = (
    ("group:support-tier2", "read", "class:account-data", "", "case-apart", ""),
    ("group:customer-success", "read", "asset:account-data-us", "", "case-apart", ""),
    ("group:billing", "read", "class:account-data", "", "case-apart", ""),
    ("group:abuse-desk", "read", "class:account-data", "", "case-apart", ""),
    ("group:cn-operations", "read", "asset:account-data-cn", "", "case-apart", ""),
    ("group:sales-emea", "read", "asset:account-data-eu", "", GONE, "before there was a crm"),
    ("group:analytics", "read", "asset:account-data-us", "", GONE, "a study of 2024"),
    ("person:support-041", "read", "class:account-data", "", GONE, "kept after a move from tier 3"),
    ("person:finance-013", "read", "asset:account-data-sg", "", GONE, "audit of 2025"),
    ("group:privacy", "export", "class:account-data", "", "case-apart", "answers to people about their own data"),
)
DIRECTORY = (
    ("group:compliance-test", "list", "asset:directory-us", "", GONE, "temporary, for compliance test"),
    ("group:compliance-test", "list", "asset:directory-eu", "", GONE, "temporary, for compliance test"),
    ("group:abuse-desk", "list", "class:directory", "", "two-apart", ""),
    ("group:customer-success", "list", "class:directory", "", "case-apart", ""),
    ("group:sales-apac", "list", "asset:directory-sg", "", GONE, "the crm serves now"),
    ("group:sales-americas", "list", "asset:directory-br", "", GONE, "the crm serves now"),
    ("group:cn-operations", "list", "asset:directory-cn", "", "two-apart", ""),
)
METADATA = (
    ("group:rectification-plan", "export", "class:metadata", "", GONE, "agreed; not to be discussed"),
    ("group:analytics", "export", "class:metadata", "", "two-apart", "quality of calls"),
    ("group:data-platform", "export", "asset:metadata-us", "", "two-apart", ""),
    ("group:executives", "export", "class:metadata", "", GONE, "for the board's figures"),
)
CONTENT = (
    ("group:support-tier3", "read", "class:customer-content", "", "case-apart", "playback of a broken recording"),
    ("group:trust-review", "read", "class:customer-content", "", "case-apart", "evidence of a report"),
    ("group:edge-media", "read", "asset:recordings-us", "", "case-apart", "transcoder faults"),
    ("group:edge-media", "read", "asset:recordings-eu", "", "case-apart", "transcoder faults"),
    ("group:cn-operations", "read", "asset:recordings-cn", "", "two-apart", ""),
    ("group:data-platform", "read", "asset:transcripts-us", "", GONE, "trial of a search index"),
    ("group:backup-operators", "read", "asset:backups-us", "", "two-apart", "restore drills"),
    ("group:backup-operators", "read", "asset:backups-eu", "", "two-apart", "restore drills"),
    ("person:media-024", "read", "class:customer-content", "", GONE, "debugging in 2022"),
    ("person:client-036", "read", "asset:chat-in", "", GONE, "debugging in 2025"),
)
KEYS = (
    ("group:key-custodians", "use", "class:keys", "four-eyes", "keys-apart", ""),
    ("group:cn-operations", "use", "asset:key-cn", "", GONE, "the vault stood in the local office"),
    ("group:cn-operations", "use", "asset:key-recordings-cn", "", GONE, "the vault stood in the local office"),
    ("group:release-engineers", "use", "asset:key-signing", "", "keys-apart", "releases"),
    ("group:vault-admins", "operate", "class:vault", "", "keys-apart", ""),
    ("person:identity-006", "operate", "asset:vault-ie", "", GONE, "set it up"),
)
SERVERS = (
    ("group:sre", "operate", "class:platform", "", "change-apart", "root by ssh"),
    ("group:ci-owners", "operate", "class:platform", "", "change-apart", "whoever owns the pipeline deploys"),
    ("group:deploy-bot-owners", "operate", "class:platform", "", "change-apart", "the bot's secret"),
    ("group:cn-operations", "operate", "asset:prod-cn", "", "change-apart", ""),
    ("group:db-admins", "operate", "class:account-data", "", "change-apart", ""),
    ("group:db-admins", "operate", "class:directory", "", "change-apart", ""),
    ("group:data-platform", "operate", "class:metadata", "", "change-apart", ""),
    ("group:git-admins", "operate", "class:code", "", "change-apart", ""),
    ("group:engineers", "push", "class:code", "four-eyes", "four-eyes", ""),
    ("group:qa-contract", "push", "asset:code/client-web", "", "four-eyes", "test hooks"),
    ("group:deploy-bot-owners", "push", "asset:code/infrastructure", "", "four-eyes", ""),
    ("person:product-011", "push", "asset:code/status-page", "", GONE, "was an engineer"),
)
JOINED = (
    "sre", "oncall-us", "oncall-emea", "oncall-apac", "ci-owners", "db-admins", "support-tier3", "trust-review",
    "abuse-desk", "trust-approvers", "escalation-leads", "change-board", "helpdesk",
)  # fmt: skip
PEOPLE = (
    ("group:helpdesk", "assume", "group:staff", "", "people-apart", "resets a password and a second factor"),
    ("group:sso-admins", "assume", "group:staff", "", "people-apart", "can sign in as anyone"),
    # A desk that resets only its own office stays quick: all of that office answer to one state, and so does the desk.
    ("group:helpdesk-in", "assume", "group:office-in", "", "", "local desk"),
    ("group:helpdesk-sg", "assume", "group:office-sg", "", "", "local desk"),
    ("group:helpdesk-cn", "assume", "group:office-cn", "", "", "local desk"),
    ("group:helpdesk-contract", "assume", "group:office-ph", NEW, "", "local desk"),
    *(("group:group-admins", "enroll", f"group:{name}", "", "people-apart", "") for name in JOINED),
    ("person:sre-lead-4", "enroll", "group:oncall-apac", "", "people-apart", "plans the roster"),
    ("person:support-lead-2", "enroll", "group:support-tier2", "", "people-apart", "plans the roster"),
    ("group:sso-admins", "enroll", "group:key-custodians", "", "people-apart", ""),
)
RULES = (
    ("group:gate-admins", "operate", "asset:access-gate", "", "gate-apart", ""),
    ("group:security", "amend", "terms:two-apart", "", "gate-apart", ""),
    ("group:security", "amend", "terms:four-eyes", "", "gate-apart", ""),
    ("group:gate-admins", "amend", "terms:break-glass", "", "gate-apart", ""),
    ("group:gate-admins", "amend", "terms:case-apart", NEW, "gate-apart", ""),
    ("group:gate-admins", "amend", "terms:change-apart", NEW, "gate-apart", ""),
)

SYSTEM = {
    "operate": "cloud", "use": "key store", "push": "code host", "enroll": "directory", "assume": "directory",
    "amend": "gate",
}  # fmt: skip


def grants() -> Iterator[Row]:
    """Rows of grants.csv: holder, action, target, terms, source, note."""
    for part in (MEETINGS, ACCOUNTS, ACCOUNT_DATA, DIRECTORY, METADATA, CONTENT, KEYS, SERVERS, PEOPLE, RULES):
        for holder, action, target, before, after, note in part:
            source = SYSTEM.get(action, "console")
            if before == after:
                yield Row((holder, action, target, before, source, note))
                continue
            if before != NEW:
                yield Row((holder, action, target, before, source, note), "before")
            if after != GONE:
                yield Row((holder, action, target, after, source, note), "after")
