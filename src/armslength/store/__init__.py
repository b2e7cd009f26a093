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
    from armslength.store.database import Integrity
    from armslength.store.document import Documents, Unread, read_documents
    from armslength.store.exchange import Exchange, NoReply, Reply
    from armslength.store.failure import Damaged, Occupied, Overtaken, StorageFailed, StoreError
    from armslength.store.folder import UNFINISHED
    from armslength.store.gate_away import Away
    from armslength.store.gate_database import GateDatabase, GateTables
    from armslength.store.gate_estates import AdoptedEstates
    from armslength.store.gate_evidence import Document
    from armslength.store.gate_folder import (
        GateFolder,
        add_gate_point,
        create_gate_folder,
        read_gate_folder,
        write_lease_keys,
    )
    from armslength.store.gate_idempotency import Remembered
    from armslength.store.gate_outbox import Notice
    from armslength.store.gate_rows import GateRow, RowClaim, RowColumns
    from armslength.store.gate_sessions import Ceremony, Session
    from armslength.store.gate_settings import GateLookup, GatePoint, GateSettings
    from armslength.store.gate_snapshot import GateSnapshot
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
    from armslength.store.lock import Held, Lock, read_lock
    from armslength.store.log_database import LogBatch, LogDatabase, LogState
    from armslength.store.log_source import LogSource, Unserved
    from armslength.store.log_tiles import log_entries, log_nodes, log_tile
    from armslength.store.mirror import Mirror
    from armslength.store.monitor_folder import KeptEvidence, MonitorFolder, Place, SeenClaim
    from armslength.store.notice_post import can_post, post
    from armslength.store.postgresql_catalog import PostgresqlCatalog, read_postgresql
    from armslength.store.postgresql_dsn import PostgresqlAddress, postgresql_address
    from armslength.store.public_folder import PublicFolder
    from armslength.store.scim_client import ScimClient, ScimFailed
    from armslength.store.witness_client import Conflict, Cosigned, Refused, Unreachable, WitnessClient
    from armslength.store.witness_state import SplitView, Vouched, WitnessState, create_witness_state
    from armslength.store.writing import replace_file

_LATE = {
    "database": ("Integrity",),
    "failure": ("Damaged", "Occupied", "Overtaken", "StorageFailed", "StoreError"),
    "gate_away": ("Away",),
    "gate_database": ("GateDatabase", "GateTables"),
    "gate_estates": ("AdoptedEstates",),
    "gate_evidence": ("Document",),
    "gate_folder": ("GateFolder", "add_gate_point", "create_gate_folder", "read_gate_folder", "write_lease_keys"),
    "gate_idempotency": ("Remembered",),
    "gate_outbox": ("Notice",),
    "gate_rows": ("GateRow", "RowClaim", "RowColumns"),
    "gate_sessions": ("Ceremony", "Session"),
    "gate_settings": ("GateLookup", "GatePoint", "GateSettings"),
    "gate_snapshot": ("GateSnapshot",),
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
    "lock": ("Held", "Lock", "read_lock"),
    "log_database": ("LogBatch", "LogDatabase", "LogState"),
    "log_tiles": ("log_entries", "log_nodes", "log_tile"),
    "notice_post": ("can_post", "post"),
    "public_folder": ("PublicFolder",),
    "writing": ("replace_file",),
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
    "postgresql_catalog": ("PostgresqlCatalog", "read_postgresql"),
    "scim_client": ("ScimClient", "ScimFailed"),
}
_MODULE = {name: module for module, names in _LATE.items() for name in names}

__all__ = [
    "FIRM_NAME",
    "SOURCE_NAME",
    "UNFINISHED",
    "AdoptedEstates",
    "Away",
    "Ceremony",
    "Conflict",
    "Cosigned",
    "Customer",
    "Damaged",
    "Document",
    "Documents",
    "Exchange",
    "GateDatabase",
    "GateFolder",
    "GateLookup",
    "GatePoint",
    "GateRow",
    "GateSettings",
    "GateSnapshot",
    "GateTables",
    "Held",
    "IntakeFolder",
    "Integrity",
    "KeptEvidence",
    "KeyDatabase",
    "LedgerFolder",
    "LedgerSettings",
    "Lock",
    "LogBatch",
    "LogDatabase",
    "LogSource",
    "LogState",
    "Mirror",
    "MonitorFolder",
    "NoReply",
    "Notice",
    "Occupied",
    "Openings",
    "Overtaken",
    "Place",
    "PostgresqlAddress",
    "PostgresqlCatalog",
    "PublicFolder",
    "Refused",
    "Remembered",
    "Reply",
    "RowClaim",
    "RowColumns",
    "ScimClient",
    "ScimFailed",
    "SeenClaim",
    "Session",
    "Source",
    "SplitView",
    "StorageFailed",
    "StoreError",
    "Unreachable",
    "Unread",
    "Unserved",
    "Vouched",
    "WitnessClient",
    "WitnessState",
    "add_gate_point",
    "can_post",
    "create_gate_folder",
    "create_ledger_folder",
    "create_witness_state",
    "describe",
    "find",
    "finish_ledger_folder",
    "log_entries",
    "log_nodes",
    "log_tile",
    "parsed",
    "post",
    "postgresql_address",
    "read",
    "read_documents",
    "read_gate_folder",
    "read_ledger_folder",
    "read_lock",
    "read_postgresql",
    "replace_file",
    "write_lease_keys",
    "write_policy",
    "write_signers",
]


def __getattr__(name: str) -> object:
    module = _MODULE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
