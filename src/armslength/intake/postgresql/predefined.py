"""What the server itself defines: roles that are there from the start, and functions and parameters that give power.

From the manual's chapters "Predefined Roles", "Server Signaling Functions", "Generic File Access Functions" and
"Client Connection Defaults", versions 12 to 18.
"""

from __future__ import annotations

DATABASE_OWNER = "pg_database_owner"
"""Stands for the owner of whatever database it is used in; nobody can be made a member."""
READ_ALL = "pg_read_all_data"
WRITE_ALL = "pg_write_all_data"
MAINTAIN = "pg_maintain"

ROLES = {
    "pg_monitor": 10,
    "pg_read_all_settings": 10,
    "pg_read_all_stats": 10,
    "pg_stat_scan_tables": 10,
    "pg_signal_backend": 9,
    "pg_read_server_files": 11,
    "pg_write_server_files": 11,
    "pg_execute_server_program": 11,
    DATABASE_OWNER: 14,
    READ_ALL: 14,
    WRITE_ALL: 14,
    "pg_checkpoint": 15,
    "pg_use_reserved_connections": 16,
    "pg_create_subscription": 16,
    MAINTAIN: 17,
    "pg_signal_autovacuum_worker": 18,
}
"""Each with the first version that has it."""

MEMBERS = (
    ("pg_read_all_settings", "pg_monitor"),
    ("pg_read_all_stats", "pg_monitor"),
    ("pg_stat_scan_tables", "pg_monitor"),
)
"""Role and member, from the start."""

BEYOND = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
"""Roles that reach the files or programs of the machine, and with them everything that the cluster holds."""

APART = frozenset(ROLES) - {DATABASE_OWNER, READ_ALL, WRITE_ALL, MAINTAIN, *BEYOND}
"""Roles whose rights are no row of an estate: statistics, settings, signals, checkpoints."""

FILE_FUNCTIONS = frozenset(
    {
        "dblink_connect_u",
        "lo_export",
        "lo_import",
        "pg_file_read",
        "pg_file_rename",
        "pg_file_unlink",
        "pg_file_write",
        "pg_ls_dir",
        "pg_read_binary_file",
        "pg_read_file",
        "pg_read_file_old",
        "pg_stat_file",
    }
)
"""Functions that reach the machine's files, or connect as the server does."""

HARMLESS = ("auto_explain.", "deadlock_timeout", "log_", "pg_stat_statements.", "temp_file_limit", "track_")
"""Beginnings of parameters that SET changes for one's own session only, with no more to see or do."""

TRUSTED = frozenset({"sql", "plpgsql", "plperl", "pltcl", "plv8", "plcoffee", "plls", "pljava", "plrust", "plprql"})
"""Languages that keep a function within its role's rights, as far as a dump can tell by their names."""

BUILTIN_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
"""Of the second nothing is taken: its views show each what is theirs."""

ALL = {
    "TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
    "SEQUENCE": ("USAGE", "SELECT", "UPDATE"),
    "DATABASE": ("CREATE", "CONNECT", "TEMPORARY"),
    "SCHEMA": ("USAGE", "CREATE"),
    "FUNCTION": ("EXECUTE",),
    "FOREIGN SERVER": ("USAGE",),
    "PARAMETER": ("SET", "ALTER SYSTEM"),
}
"""What ALL stands for."""


def all_of(kind: str, version: int) -> tuple[str, ...]:
    """What ALL stands for; where the version is not known, as much as it can."""
    more = ("MAINTAIN",) if kind == "TABLE" and (version >= 17 or version == 0) else ()
    return (*ALL.get(kind, ()), *more)


def roles_of(version: int) -> list[str]:
    """The predefined roles of a version; where it is not known, all."""
    return [name for name, since in ROLES.items() if not version or since <= version]
