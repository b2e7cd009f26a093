"""What keeps a server from being guarded: settings without which nothing is in its log, and rights that everybody has
beside their lease. All of it at once, each with the statement that mends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from armslength.enforce.postgresql_logging import LOGGING
from armslength.enforce.postgresql_names import identifier, literal
from armslength.enforce.postgresql_privilege import Privilege
from armslength.enforce.postgresql_server import Connect, PostgresqlServer, ServerFailed
from armslength.enforce.postgresql_settings import DatabaseGrant, PostgresqlPointSettings
from armslength.enforce.postgresql_setup import SCHEMA

OLDEST = 150_000
"""The first that writes JSON, and lets a role that is no superuser set what is logged."""
_SETUP = "run what `armslength postgresql setup` prints"
_UTC = ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu")


def postgresql_problems(connect: Connect, settings: PostgresqlPointSettings) -> list[str]:
    """What keeps a server from being guarded; empty: nothing. Raises `ServerFailed`."""
    server = PostgresqlServer(connect, settings.databases[0])
    try:
        return server_problems(server, settings)
    finally:
        server.close()


def server_problems(
    server: PostgresqlServer, settings: PostgresqlPointSettings, clock: Callable[[], float] = time.time
) -> list[str]:
    """Empty: it may be guarded. Raises `ServerFailed`."""
    problems = list(_of_server(server, clock, settings.clock_seconds, settings.log))
    for database in settings.databases:
        try:
            problems += _of_database(server, settings, database)
        except ServerFailed as error:
            problems.append(f"database {database}: {error}")
    return problems


def clocks_differ(server: PostgresqlServer, clock: Callable[[], float], most: float) -> str | None:
    """Raises `ServerFailed`."""
    before = clock()
    theirs = float(server.rows("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])
    by = max(theirs - clock(), before - theirs)
    return f"the server's clock and ours differ by {by:.0f} s: expected at most {most:g}" if by > most else None


def _of_server(server: PostgresqlServer, clock: Callable[[], float], most: float, folder: Path) -> Iterator[str]:
    names = ("server_version_num", "logging_collector", "log_destination", "log_timezone")
    found = {name: str(server.rows("SELECT current_setting(%s)", name)[0][0]) for name in names}
    if int(found["server_version_num"]) < OLDEST:
        yield "the server is older than PostgreSQL 15"
        return
    if found["logging_collector"] != "on":
        yield "nothing collects the server's log: set logging_collector = on and start it again"
    if "jsonlog" not in found["log_destination"].replace(" ", "").split(","):
        yield "the server writes no JSON log: add jsonlog to log_destination"
    if found["log_timezone"] not in _UTC:
        yield f"the log's times are of {found['log_timezone']}: set log_timezone = 'UTC'"
    if said := _of_log(server, folder):
        yield said
    if said := clocks_differ(server, clock, most):
        yield said
    user, superuser, creates, signals, sees = server.rows(
        "SELECT current_user::text, rolsuper, rolcreaterole, pg_has_role('pg_signal_backend', 'USAGE'),"
        " pg_has_role('pg_read_all_stats', 'USAGE') FROM pg_roles WHERE rolname = current_user"
    )[0]
    if superuser:
        yield f"the point's role {user} is a superuser: take that from it"
    if not (creates and signals and sees):
        yield f"the point's role {user} lacks CREATEROLE, pg_signal_backend or pg_monitor: {_SETUP}"
    lacks = [name for name in LOGGING if not server.rows("SELECT has_parameter_privilege(%s, 'SET')", name)[0][0]]
    if lacks:
        yield f"the point's role may not set {', '.join(lacks)}: {_SETUP}"
    for (database,) in server.rows(
        "SELECT datname::text FROM pg_database d WHERE datallowconn AND EXISTS (SELECT FROM"
        " aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE a.grantee = 0) ORDER BY 1"
    ):
        yield (
            f"everybody may connect to the database {database} or make temporary tables there:"
            f" REVOKE CONNECT, TEMPORARY ON DATABASE {identifier(database)} FROM PUBLIC"
        )


def _of_log(server: PostgresqlServer, folder: Path) -> str | None:
    """That the log which the server writes now is in the folder, and may be read."""
    try:
        found = server.rows(
            "SELECT name, current_setting('log_directory') FROM pg_ls_logdir() WHERE name LIKE '%%.json'"
            " ORDER BY modification DESC, name DESC LIMIT 1"
        )
    except ServerFailed as error:
        if not error.code:
            raise
        return None  # who may not look lacks pg_monitor, or there is no log yet: both are told
    if not found:
        return None
    name, theirs = map(str, found[0])
    try:
        (folder / name).open("rb").close()
    except FileNotFoundError:
        return (
            f"the server writes its log to {name} in {theirs}, which is not in {folder}: name its folder in server.log"
        )
    except OSError as error:
        return (
            f"the log {folder / name}: {error.strerror}: let the point's system user read it"
            " (log_file_mode = 0640, and the server's group)"
        )
    return None


def _of_database(server: PostgresqlServer, settings: PostgresqlPointSettings, database: str) -> Iterator[str]:
    place = f"database {database}: "
    for (schema,) in server.rows(
        "SELECT nspname::text FROM pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a"
        " WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' ORDER BY 1",
        database=database,
    ):
        yield place + f"everybody may make objects: REVOKE CREATE ON SCHEMA {identifier(schema)} FROM PUBLIC"
    for kind, schema, name in server.rows(
        "SELECT DISTINCT c.relkind::text, n.nspname::text, c.relname::text FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast' AND ("
        "EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0) OR EXISTS (SELECT FROM pg_attribute t,"
        " aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND a.grantee = 0)) ORDER BY 2, 3",
        database=database,
    ):
        what = "SEQUENCE" if kind == "S" else "TABLE"
        yield (
            place
            + f"everybody has rights on it: REVOKE ALL ON {what} {identifier(schema)}.{identifier(name)} FROM PUBLIC"
        )
    for schema, name, takes in server.rows(
        "SELECT n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid) FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname NOT IN"
        " ('pg_catalog', 'information_schema') AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl,"
        " acldefault('f', p.proowner))) a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE') ORDER BY 1, 2",
        database=database,
    ):
        if f"{schema}.{name}" in settings.reviewed or (schema, name) == (SCHEMA, "customers"):
            continue
        yield place + (
            f"everybody may run a function that acts as its owner: REVOKE EXECUTE ON FUNCTION {identifier(schema)}."
            f"{identifier(name)}({takes}) FROM PUBLIC, or name {schema}.{name} in server.reviewed"
        )
    for grant in settings.grants:
        if grant.database == database:
            for said in _of_grant(server, grant):
                yield place + said


def _of_grant(server: PostgresqlServer, grant: DatabaseGrant) -> Iterator[str]:
    for privilege in grant.privileges:
        kind = "regprocedure" if privilege.kind == "function" else "regclass"
        try:
            oid = int(
                server.rows(f"SELECT {literal(privilege.object)}::{kind}::oid::bigint", database=grant.database)[0][0]
            )
        except ServerFailed as error:
            yield f"{privilege.object}: {error}"
            continue
        yield from _of_rights(server, grant, privilege, oid)
        if grant.rows == "customers" and privilege.kind == "table":
            yield from _of_rows(server, grant, privilege, oid)


def _of_rights(server: PostgresqlServer, grant: DatabaseGrant, privilege: Privilege, oid: int) -> Iterator[str]:
    """Each of them the point has to be able to pass on."""
    for right in privilege.rights:
        word = f"{right.word} WITH GRANT OPTION"
        asked: list[tuple[str, tuple[object, ...]]]
        if privilege.kind == "function":
            asked = [("SELECT has_function_privilege(%s::oid, %s)", (oid, word))]
        elif privilege.kind == "sequence":
            asked = [("SELECT has_sequence_privilege(%s::oid, %s)", (oid, word))]
        elif right.columns:
            asked = [("SELECT has_column_privilege(%s::oid, %s, %s)", (oid, name, word)) for name in right.columns]
        else:
            asked = [("SELECT has_table_privilege(%s::oid, %s)", (oid, word))]
        try:
            if not all(server.rows(statement, *values, database=grant.database)[0][0] for statement, values in asked):
                yield f"the point may not pass on {right} on {privilege.object}: {_SETUP}"
        except ServerFailed as error:
            yield f"{right} on {privilege.object}: {error}"


def _of_rows(server: PostgresqlServer, grant: DatabaseGrant, privilege: Privilege, oid: int) -> Iterator[str]:
    """That policies keep a role which has none of its own to its lease's customers."""
    secured = server.rows("SELECT relrowsecurity FROM pg_class WHERE oid = %s::oid", oid, database=grant.database)
    if not secured[0][0]:
        yield (
            f"{privilege.object} shows all rows: ALTER TABLE {privilege.object} ENABLE ROW LEVEL SECURITY,"
            ' with a policy, or rows = "any"'
        )
        return
    for name, using, checks in server.rows(
        "SELECT polname::text, coalesce(pg_get_expr(polqual, polrelid), ''), coalesce("
        "pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid), '') FROM pg_policy"
        " WHERE polrelid = %s::oid AND polpermissive AND 0 = ANY (polroles)",
        oid,
        database=grant.database,
    ):
        if any(text and f"{SCHEMA}.customers()" not in text for text in (using, checks)):
            yield (
                f"the policy {name} of {privilege.object} lets everybody see rows of any customer: say whom it is for"
                " (TO …)"
            )
