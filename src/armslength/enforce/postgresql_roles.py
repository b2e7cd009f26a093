"""The roles of leases on a server: made with exactly their privileges, looked at, and ended.

INVARIANT: a role is made in one transaction, so it is there with its limits, its logging and its mark, or not at all.
What ends one takes away first what opens anything: no new session, then no session, then what it holds and owns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from armslength.enforce.postgresql_logging import LOGGING, settings_differ
from armslength.enforce.postgresql_names import ROLE, identifier, literal
from armslength.enforce.postgresql_server import PostgresqlServer, ServerFailed
from armslength.enforce.postgresql_settings import DatabaseGrant
from armslength.enforce.postgresql_setup import SCHEMA
from armslength.gate import LeaseId, Moment

END_SECONDS = 5.0
"""For which sessions that were told to end are waited for at one go; what is left is told again."""
_LOOK_SECONDS = 0.05
_EXISTS = ("42710", "23505")
"""SQLSTATEs: there is such a role already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSeen:
    """A role on the server whose name is a lease's. `mark` is what stands in its comment; `fault` says in what it is
    not as a point made it."""

    name: str
    oid: int
    mark: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeen:
    """A session under a lease's role, as the server shows it: `began` and `asked` (its last statement) are POSIX
    seconds by the server's clock, `asked` None where it has run none."""

    role: str
    pid: int
    began: float
    asked: float | None

    @property
    def id(self) -> str:
        """As the log has it."""
        return f"{int(self.began):x}.{self.pid:x}"


class NameTaken(ServerFailed):
    """A role has the name, and the point has not made it."""


class LeaseRoles:
    """Of one gate's leases. `gate` is the origin of its ledger."""

    def __init__(self, server: PostgresqlServer, gate: str, databases: Sequence[str]) -> None:
        self._server, self._databases = server, tuple(databases)
        self._mark = f"armslength lease of {gate}: "

    def mark(self, lease: LeaseId) -> str:
        return self._mark + lease

    def ours(self, mark: str) -> bool:
        return mark.startswith(self._mark)

    def make(
        self, name: str, lease: LeaseId, grant: DatabaseGrant, *, verifier: str, end: Moment, customers: Sequence[str]
    ) -> None:
        """Raises `NameTaken`, `ServerFailed`; after the latter nobody knows whether it is there, until one looks."""
        role, until = identifier(name), end.strftime("%Y-%m-%d %H:%M:%S+00")
        schemas = sorted({each.schema for each in grant.privileges})
        statements = [
            f"CREATE ROLE {role} LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {grant.max_connections}"
            f" PASSWORD {literal(verifier)} VALID UNTIL {literal(until)} ROLE CURRENT_USER",
            f"COMMENT ON ROLE {role} IS {literal(self.mark(lease))}",
            *(f"ALTER ROLE {role} SET {setting} TO {literal(value)}" for setting, value in LOGGING.items()),
            f"ALTER ROLE {role} SET statement_timeout TO '{grant.statement_timeout_seconds}s'",
            f"ALTER ROLE {role} SET idle_in_transaction_session_timeout TO '{grant.idle_transaction_seconds}s'",
            f"ALTER ROLE {role} SET search_path TO {', '.join(map(identifier, schemas))}",
            f"GRANT CONNECT ON DATABASE {identifier(grant.database)} TO {role}",
            *(f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {role}" for schema in schemas),
            *(privilege.grant(name) for privilege in grant.privileges),
            f"DELETE FROM {SCHEMA}.leased WHERE role = {literal(name)}",
            *(
                f"INSERT INTO {SCHEMA}.leased (role, customer) VALUES ({literal(name)}, {literal(customer)})"
                for customer in customers
            ),
        ]
        try:
            self._server.run(statements, database=grant.database)
        except ServerFailed as error:
            if error.code in _EXISTS:
                raise NameTaken(f"a role {name} is there already", error.code) from None
            raise

    def seen(self) -> tuple[RoleSeen, ...]:
        """Every role whose name is a lease's, whoever made it. Raises `ServerFailed`."""
        found = self._server.rows(
            "SELECT r.rolname::text, r.oid::bigint, coalesce(shobj_description(r.oid, 'pg_authid'), ''), r.rolconfig,"
            " r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,"
            " EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid), NOT r.rolcanlogin,"
            " EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase <> 0"
            " AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE split_part(c, '=', 1) = ANY (%s)))"
            " FROM pg_roles r WHERE r.rolname ~ '^lease_[0-9a-f]{32}$' ORDER BY r.rolname",
            list(LOGGING),
        )
        return tuple(
            RoleSeen(name=name, oid=oid, mark=mark, fault=_fault(config, powers, member, closed, elsewhere))
            for name, oid, mark, config, powers, member, closed, elsewhere in found
        )

    def sessions(self) -> tuple[SessionSeen, ...]:
        """Raises `ServerFailed`."""
        found = self._server.rows(
            "SELECT usename::text, pid, extract(epoch FROM backend_start)::float8,"
            " extract(epoch FROM query_start)::float8 FROM pg_stat_activity"
            " WHERE usename ~ '^lease_[0-9a-f]{32}$' AND backend_type = 'client backend'"
        )
        return tuple(SessionSeen(role=role, pid=pid, began=began, asked=asked) for role, pid, began, asked in found)

    def end_strays(self) -> int:
        """End sessions whose role is gone: somebody dropped it beside us, or they came in while it went. Gives how
        many. Raises `ServerFailed`."""
        found = self._server.rows(
            "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a"
            " LEFT JOIN pg_roles r ON r.oid = a.usesysid"
            " WHERE a.backend_type = 'client backend' AND a.usesysid IS NOT NULL AND r.oid IS NULL"
        )
        return int(found[0][0])

    def shut(self, names: Sequence[str], *, wait: float = END_SECONDS) -> str | None:
        """No new session under these roles, and no session: first the doors of all, then whoever is in. Why some are
        not, or None; one that the server does not let us end holds up no other. Raises `ServerFailed` where the server
        does not answer."""
        stuck = None
        for name in names:
            # In one go: a session that holds its role's row, and would have us wait for it, is told to end first, and
            # who comes in its place finds us waiting before them.
            statements = [
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {literal(name)}",
                f"ALTER ROLE {identifier(name)} NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '-infinity'",
            ]
            try:
                self._server.run(statements)
            except ServerFailed as error:
                if not error.code:
                    raise
                stuck = f"{name} cannot be closed: {error}"
        until, quiet = time.monotonic() + wait, 0
        while quiet < 2:
            # Twice, for whoever was let in just before the door was closed is seen only a moment later.
            left = 0
            for name in names:
                try:
                    left += self._cut(name)
                except ServerFailed as error:
                    if not error.code:
                        raise
                    stuck = f"the sessions of {name} cannot be ended: {error}"
            quiet = 0 if left else quiet + 1
            if time.monotonic() > until:
                return stuck or "sessions that were told to end have not ended yet"
            time.sleep(_LOOK_SECONDS)
        return stuck

    def _cut(self, name: str) -> int:
        found = self._server.rows(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename::text = %s", name
        )
        return int(found[0][0])

    def drop(self, name: str) -> None:
        """What it left prepared, what it owns, what it was given, and the role. Raises `ServerFailed`."""
        if not ROLE.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is no lease's role")
        role = identifier(name)
        prepared = self._server.rows("SELECT gid, database::text FROM pg_prepared_xacts WHERE owner::text = %s", name)
        for gid, database in prepared:
            # Only its owner may, and the point is a member of each role that it made.
            statements = [f"SET ROLE {role}", f"ROLLBACK PREPARED {literal(gid)}", "RESET ROLE"]
            self._server.run(statements, database=database, apart=True)
        for database in self._where(name):
            self._unlink(name, database)
            statements = [*self._columns(name, database), f"DROP OWNED BY {role} CASCADE"]
            if database in self._databases:
                statements.append(f"DELETE FROM {SCHEMA}.leased WHERE role = {literal(name)}")
            self._server.run(statements, database=database)
        self._server.run([f"DROP ROLE IF EXISTS {role}"])

    def _unlink(self, name: str, database: str) -> None:
        """Its large objects, which everybody may make, some at a time: all at once they would fill the server's table
        of locks, and then the role could not be dropped."""
        while True:
            found = self._server.rows(
                "SELECT oid::bigint FROM pg_largeobject_metadata m WHERE lomowner ="
                " (SELECT oid FROM pg_roles WHERE rolname::text = %s) LIMIT 500",
                name,
                database=database,
            )
            if not found:
                return
            oids = ", ".join(str(int(row[0])) for row in found)
            self._server.run([f"SELECT lo_unlink(o) FROM unnest(ARRAY[{oids}]::oid[]) o"], database=database)

    def _columns(self, name: str, database: str) -> Iterator[str]:
        """What takes columns back: DROP OWNED asks for a right on the whole table, which the point need not have."""
        found = self._server.rows(
            "SELECT 'REVOKE ' || a.privilege_type || ' (' || quote_ident(t.attname) || ') ON '"
            " || c.oid::regclass::text FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid,"
            " aclexplode(t.attacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname::text = %s",
            name,
            database=database,
        )
        yield from (f"{row[0]} FROM {identifier(name)}" for row in found)

    def _where(self, name: str) -> Iterator[str]:
        """The databases in which something hangs on it, and those where we wrote its customers."""
        found = self._server.rows(
            "SELECT DISTINCT d.datname::text FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid"
            " JOIN pg_database d ON d.oid = s.dbid WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname::text = %s",
            name,
        )
        yield from sorted({*self._databases, *(row[0] for row in found)})


def _fault(config: list[str] | None, powers: bool, member: bool, closed: bool, elsewhere: bool) -> str | None:
    if (name := settings_differ(config)) is not None:
        return f"its setting {name} was changed"
    if elsewhere:
        return "its logging was changed for one database"
    if powers:
        return "it was given powers"
    if closed:
        return "it was closed"
    return "it was made a member of a role" if member else None
