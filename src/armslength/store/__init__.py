"""Everything outside the program: estates on disk and in git, and the files that a ledger, a gate, a witness or a
monitor keeps.

An estate's bytes, where everything that can go wrong becomes an `EstateError`:

read(location) -> Parsed       a folder, or `REV:PATH` in the repository around the current folder
find(location) -> Source       the bytes alone, and words for where they came from
parsed(source) -> Parsed       the estate of such bytes
describe(location) -> str      the words alone

A ledger's and a gate's stores, where everything that can go wrong becomes a `StoreError`. They are loaded when first
asked for, since the commands on an estate need none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from armslength.store.location import describe, find, parsed, read
from armslength.store.source import Source

if TYPE_CHECKING:
    from armslength.store.companion import Companion
    from armslength.store.companion_side import SELDOM
    from armslength.store.database import Integrity
    from armslength.store.document import Documents, Unread, read_documents
    from armslength.store.event_journal import EventJournal, KeptEvent
    from armslength.store.exchange import Exchange, NoReply, Reply
    from armslength.store.failure import Damaged, Occupied, Overtaken, StorageFailed, StoreError
    from armslength.store.folder import UNFINISHED
    from armslength.store.gate_away import Away
    from armslength.store.gate_database import GateDatabase, GateTables
    from armslength.store.gate_directory import DirectoryRow
    from armslength.store.gate_directory_settings import GateDirectory
    from armslength.store.gate_estates import AdoptedEstates
    from armslength.store.gate_evidence import Document
    from armslength.store.gate_folder import (
        GateFolder,
        add_gate_directory,
        add_gate_point,
        create_gate_folder,
        open_gate_database,
        read_gate_folder,
        write_lease_keys,
    )
    from armslength.store.gate_idempotency import Remembered
    from armslength.store.gate_joining import join_gate_folder
    from armslength.store.gate_outbox import Notice
    from armslength.store.gate_rows import GateRow, RowClaim, RowColumns
    from armslength.store.gate_sessions import Ceremony, Session
    from armslength.store.gate_settings import GateLookup, GatePoint, GateSettings
    from armslength.store.gate_sign_in import GateSignIn, read_client_secret
    from armslength.store.gate_snapshot import GateSnapshot
    from armslength.store.gate_ssh_ca import make_ssh_ca, read_ssh_ca, ssh_ca_line
    from armslength.store.intake_folder import SOURCE_NAME, IntakeFolder
    from armslength.store.key_database import FIRM_NAME, Customer, KeyDatabase, Openings
    from armslength.store.ledger_folder import (
        LedgerFolder,
        LedgerSettings,
        create_ledger_folder,
        finish_ledger_folder,
        read_ledger_folder,
        write_policy,
        write_signers,
    )
    from armslength.store.ledger_inbox import Answer, Inbox, Sent, Wakeups
    from armslength.store.ledger_seat import Seat, SeatHeld
    from armslength.store.ledger_stores import KeyStore, LockStore, LogStore, open_keys, open_lock, open_log, read_lock
    from armslength.store.lock import Held, Lock
    from armslength.store.log_database import LogBatch, LogDatabase, LogState
    from armslength.store.log_source import LogSource, Unserved
    from armslength.store.log_tiles import log_entries, log_nodes, log_tile
    from armslength.store.mirror import Mirror
    from armslength.store.monitor_folder import KeptEvidence, MonitorFolder, Place, SeenClaim
    from armslength.store.notice_post import can_post, post
    from armslength.store.oidc_provider import (
        LONGEST_CODE,
        OidcProvider,
        ProviderAway,
        ProviderRefused,
        can_sign_in_by_provider,
    )
    from armslength.store.postgresql_catalog import PostgresqlCatalog, read_postgresql
    from armslength.store.postgresql_dsn import PostgresqlAddress, postgresql_address
    from armslength.store.postgresql_place import PostgresqlPlace, StorePlace, is_postgresql
    from armslength.store.postgresql_server import connect_postgresql
    from armslength.store.public_folder import PublicFolder
    from armslength.store.public_place import Bucket, is_bucket
    from armslength.store.public_store import PublicStore, open_public, public_source
    from armslength.store.scim_client import ScimClient, ScimFailed
    from armslength.store.witness_client import Conflict, Cosigned, Refused, Unreachable, WitnessClient
    from armslength.store.witness_state import SplitView, Vouched, WitnessState, create_witness_state
    from armslength.store.writing import replace_file, sync_folder

_LATE = {
    "companion": ("Companion",),
    "companion_side": ("SELDOM",),
    "database": ("Integrity",),
    "event_journal": ("EventJournal", "KeptEvent"),
    "failure": ("Damaged", "Occupied", "Overtaken", "StorageFailed", "StoreError"),
    "gate_away": ("Away",),
    "gate_database": ("GateDatabase", "GateTables"),
    "gate_directory": ("DirectoryRow",),
    "gate_directory_settings": ("GateDirectory",),
    "gate_estates": ("AdoptedEstates",),
    "gate_evidence": ("Document",),
    "gate_folder": (
        "GateFolder",
        "add_gate_directory",
        "add_gate_point",
        "create_gate_folder",
        "open_gate_database",
        "read_gate_folder",
        "write_lease_keys",
    ),
    "gate_idempotency": ("Remembered",),
    "gate_joining": ("join_gate_folder",),
    "gate_outbox": ("Notice",),
    "gate_rows": ("GateRow", "RowClaim", "RowColumns"),
    "gate_sessions": ("Ceremony", "Session"),
    "gate_settings": ("GateLookup", "GatePoint", "GateSettings"),
    "gate_sign_in": ("GateSignIn", "read_client_secret"),
    "gate_snapshot": ("GateSnapshot",),
    "gate_ssh_ca": ("make_ssh_ca", "read_ssh_ca", "ssh_ca_line"),
    "key_database": ("FIRM_NAME", "Customer", "KeyDatabase", "Openings"),
    "ledger_folder": (
        "LedgerFolder",
        "LedgerSettings",
        "create_ledger_folder",
        "finish_ledger_folder",
        "read_ledger_folder",
        "write_policy",
        "write_signers",
    ),
    "ledger_inbox": ("Answer", "Inbox", "Sent", "Wakeups"),
    "ledger_seat": ("Seat", "SeatHeld"),
    "ledger_stores": ("KeyStore", "LockStore", "LogStore", "open_keys", "open_lock", "open_log", "read_lock"),
    "lock": ("Held", "Lock"),
    "log_database": ("LogBatch", "LogDatabase", "LogState"),
    "log_tiles": ("log_entries", "log_nodes", "log_tile"),
    "notice_post": ("can_post", "post"),
    "oidc_provider": ("LONGEST_CODE", "OidcProvider", "ProviderAway", "ProviderRefused", "can_sign_in_by_provider"),
    "public_folder": ("PublicFolder",),
    "public_place": ("Bucket", "is_bucket"),
    "public_store": ("PublicStore", "open_public", "public_source"),
    "writing": ("replace_file", "sync_folder"),
    "exchange": ("Exchange", "NoReply", "Reply"),
    "witness_client": ("Conflict", "Cosigned", "Refused", "Unreachable", "WitnessClient"),
    "witness_state": ("SplitView", "Vouched", "WitnessState", "create_witness_state"),
    "log_source": ("LogSource", "Unserved"),
    "mirror": ("Mirror",),
    "monitor_folder": ("KeptEvidence", "MonitorFolder", "Place", "SeenClaim"),
    "document": ("Documents", "Unread", "read_documents"),
    "folder": ("UNFINISHED",),
    "intake_folder": ("SOURCE_NAME", "IntakeFolder"),
    "postgresql_dsn": ("PostgresqlAddress", "postgresql_address"),
    "postgresql_place": ("PostgresqlPlace", "StorePlace", "is_postgresql"),
    "postgresql_server": ("connect_postgresql",),
    "postgresql_catalog": ("PostgresqlCatalog", "read_postgresql"),
    "scim_client": ("ScimClient", "ScimFailed"),
}
_MODULE = {name: module for module, names in _LATE.items() for name in names}

__all__ = [
    "FIRM_NAME",
    "LONGEST_CODE",
    "SELDOM",
    "SOURCE_NAME",
    "UNFINISHED",
    "AdoptedEstates",
    "Answer",
    "Away",
    "Ceremony",
    "Bucket",
    "Companion",
    "Conflict",
    "Cosigned",
    "Customer",
    "Damaged",
    "DirectoryRow",
    "Document",
    "Documents",
    "EventJournal",
    "Exchange",
    "GateDatabase",
    "GateDirectory",
    "GateFolder",
    "GateLookup",
    "GatePoint",
    "GateRow",
    "GateSettings",
    "GateSignIn",
    "GateSnapshot",
    "GateTables",
    "Held",
    "Inbox",
    "IntakeFolder",
    "Integrity",
    "KeptEvent",
    "KeptEvidence",
    "KeyDatabase",
    "KeyStore",
    "LedgerFolder",
    "LedgerSettings",
    "Lock",
    "LockStore",
    "LogBatch",
    "LogDatabase",
    "LogSource",
    "LogState",
    "LogStore",
    "Mirror",
    "MonitorFolder",
    "NoReply",
    "Notice",
    "Occupied",
    "OidcProvider",
    "Openings",
    "Overtaken",
    "Place",
    "PostgresqlAddress",
    "PostgresqlCatalog",
    "PostgresqlPlace",
    "ProviderAway",
    "ProviderRefused",
    "PublicFolder",
    "PublicStore",
    "Refused",
    "Remembered",
    "Reply",
    "RowClaim",
    "RowColumns",
    "ScimClient",
    "ScimFailed",
    "Seat",
    "SeatHeld",
    "SeenClaim",
    "Sent",
    "Session",
    "Source",
    "SplitView",
    "StorageFailed",
    "StoreError",
    "StorePlace",
    "Unreachable",
    "Unread",
    "Unserved",
    "Vouched",
    "Wakeups",
    "WitnessClient",
    "WitnessState",
    "add_gate_directory",
    "add_gate_point",
    "can_post",
    "can_sign_in_by_provider",
    "connect_postgresql",
    "create_gate_folder",
    "create_ledger_folder",
    "create_witness_state",
    "describe",
    "find",
    "finish_ledger_folder",
    "is_bucket",
    "is_postgresql",
    "join_gate_folder",
    "log_entries",
    "log_nodes",
    "log_tile",
    "make_ssh_ca",
    "open_gate_database",
    "open_keys",
    "open_lock",
    "open_log",
    "open_public",
    "parsed",
    "post",
    "postgresql_address",
    "public_source",
    "read",
    "read_client_secret",
    "read_documents",
    "read_gate_folder",
    "read_ledger_folder",
    "read_lock",
    "read_postgresql",
    "read_ssh_ca",
    "replace_file",
    "ssh_ca_line",
    "sync_folder",
    "write_lease_keys",
    "write_policy",
    "write_signers",
]


def __getattr__(name: str) -> object:
    module = _MODULE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
