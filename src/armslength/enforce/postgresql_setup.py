"""What the server's administrator runs once, as a text to read first: the point's own role, and what it may pass on.

The role is no superuser. In PostgreSQL 15 one with CREATEROLE can make itself a member of any role that is none, so it
is still to be guarded like one (docs/postgresql.md).
"""

from __future__ import annotations

from collections.abc import Iterator

from armslength.enforce.postgresql_logging import LOGGING
from armslength.enforce.postgresql_names import identifier, literal
from armslength.enforce.postgresql_settings import PostgresqlPointSettings

SCHEMA = "armslength"


def setup_sql(settings: PostgresqlPointSettings, user: str) -> str:
    """`user` is the point's role, as the DSN names it."""
    return "\n".join(_lines(settings, user)) + "\n"


def _lines(settings: PostgresqlPointSettings, user: str) -> Iterator[str]:
    point = identifier(user)
    yield "-- Run once by a superuser: psql -X -v ON_ERROR_STOP=1 -f THIS"
    yield "DO $$ BEGIN"
    yield f"  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal(user)}) THEN"
    yield f"    CREATE ROLE {point} LOGIN CREATEROLE;"
    yield "  END IF;"
    yield "END $$;"
    yield f"GRANT pg_signal_backend, pg_monitor TO {point};"
    for name in LOGGING:
        yield f"GRANT SET ON PARAMETER {name} TO {point};"
    yield ""
    yield "-- What everybody may, a lease's role may too. Whoever may connect now still may, by name; roles that"
    yield "-- are made later have to be let in."
    yield "DO $$ DECLARE found name; known name; BEGIN"
    yield "  FOR found IN SELECT datname FROM pg_catalog.pg_database WHERE datallowconn LOOP"
    yield "    FOR known IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin AND NOT rolsuper"
    yield "      AND rolname !~ '^lease_' AND pg_catalog.has_database_privilege(rolname, found, 'CONNECT') LOOP"
    yield "      EXECUTE pg_catalog.format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', found, known);"
    yield "    END LOOP;"
    yield "    EXECUTE pg_catalog.format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', found);"
    yield "  END LOOP;"
    yield "END $$;"
    for database in settings.databases:
        yield ""
        yield f"\\connect {identifier(database)}"
        yield f"GRANT CONNECT ON DATABASE {identifier(database)} TO {point} WITH GRANT OPTION;"
        yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        yield f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {point};"
        yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC;"
        yield f"CREATE TABLE IF NOT EXISTS {SCHEMA}.leased (role name NOT NULL, customer text NOT NULL,"
        yield "  PRIMARY KEY (role, customer));"
        yield f"ALTER TABLE {SCHEMA}.leased OWNER TO {point};"
        yield "-- The customers of the lease by which somebody is connected; none for everybody else. For policies of"
        yield "-- tables: USING (customer IN (SELECT armslength.customers()))"
        yield f"CREATE OR REPLACE FUNCTION {SCHEMA}.customers() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER"
        yield "  SET search_path = pg_catalog, pg_temp"
        yield f"  AS $$ SELECT customer FROM {SCHEMA}.leased WHERE role = session_user $$;"
        yield f"ALTER FUNCTION {SCHEMA}.customers() OWNER TO {point};"
        yield f"GRANT EXECUTE ON FUNCTION {SCHEMA}.customers() TO PUBLIC;"
        granted = [each for each in settings.grants if each.database == database]
        for schema in sorted({each.schema for grant in granted for each in grant.privileges}):
            yield f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {point} WITH GRANT OPTION;"
        for line in sorted({each.grant(user) for grant in granted for each in grant.privileges}):
            yield f"{line} WITH GRANT OPTION;"
