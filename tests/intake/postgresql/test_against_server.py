"""Random roles, memberships and grants in a real server: what the server lets a role do, the rows say too."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.intake.postgresql.dumps import Walk, harvest_of
from tests.intake.postgresql.server import PostgresqlServer, needs_postgresql
from tests.intake.postgresql.test_live import live

pytestmark = needs_postgresql
DATABASE = "chance"
ROLES = [f"r{n}" for n in range(8)]
TABLES = ["one.a", "one.b", "two.c", "two.d"]
ACTIONS = {"SELECT": "read", "INSERT": "write", "UPDATE": "write", "DELETE": "write"}


def script(seed: int, *, modern: bool, powers: bool) -> str:
    """A cluster by chance. Without `powers` nothing but memberships and grants of the four privileges, and everybody
    may connect and use both schemas: then the server and the rows have to agree in full."""
    chance = random.Random(seed)
    lines = []
    for name in ROLES:
        words = ["LOGIN" if chance.random() < 0.6 else "NOLOGIN", "NOINHERIT" if chance.random() < 0.3 else "INHERIT"]
        if powers:
            words += [
                w for w, p in (("SUPERUSER", 0.05), ("CREATEROLE", 0.1), ("REPLICATION", 0.1)) if chance.random() < p
            ]
        lines.append(f"CREATE ROLE {name} {' '.join(words)};")
    for place, name in enumerate(ROLES):
        for other in ROLES[place + 1 :]:
            if chance.random() < 0.25:
                options = ["ADMIN OPTION"] if powers and chance.random() < 0.2 else []
                if modern:
                    options = [o.replace("OPTION", "TRUE") for o in options]
                    options += [f"{o} {chance.choice(('TRUE', 'TRUE', 'FALSE'))}" for o in ("INHERIT", "SET")]
                lines.append(f"GRANT {name} TO {other}{' WITH ' + ', '.join(options) if options else ''};")
    owners = ROLES if powers else ["root"]
    for name in ("one", "two"):
        lines.append(f"CREATE SCHEMA {name} AUTHORIZATION {chance.choice(owners)};")
        lines.append(f"GRANT USAGE ON SCHEMA {name} TO {chance.choice(ROLES) if powers else 'PUBLIC'};")
    for name in TABLES:
        lines.append(f"CREATE TABLE {name} (x int, y int);")
        lines.append(f"ALTER TABLE {name} OWNER TO {chance.choice(owners)};")
        for _ in range(3):
            whom = "PUBLIC" if chance.random() < 0.1 else chance.choice(ROLES)
            lines.append(f"GRANT {chance.choice(list(ACTIONS))} ON {name} TO {whom};")
        if powers and chance.random() < 0.5:
            lines.append(f"REVOKE ALL ON {name} FROM {chance.choice(ROLES)};")
        if powers and chance.random() < 0.5:
            lines.append(f"GRANT {chance.choice(('SELECT', 'UPDATE'))} (y) ON {name} TO {chance.choice(ROLES)};")
    if powers:
        lines.append("REVOKE CONNECT ON DATABASE chance FROM PUBLIC;" if chance.random() < 0.5 else "")
        lines.append(f"GRANT CONNECT ON DATABASE chance TO {chance.choice(ROLES)};")
        lines.append(f"GRANT pg_read_all_data TO {chance.choice(ROLES)};" if chance.random() < 0.3 else "")
    return "\n".join(lines)


ASKED = """
SELECT l.rolname, t.name, p.privilege, bool_or(has_table_privilege(r.oid, t.name, p.privilege)),
  bool_or(has_table_privilege(r.oid, t.name, p.privilege) AND has_schema_privilege(r.oid, split_part(t.name, '.', 1),
  'USAGE') AND has_database_privilege(l.oid, 'chance', 'CONNECT')),
  bool_or(CASE WHEN p.privilege = 'DELETE' THEN false ELSE has_any_column_privilege(r.oid, t.name, p.privilege) END
  AND has_schema_privilege(r.oid, split_part(t.name, '.', 1), 'USAGE')
  AND has_database_privilege(l.oid, 'chance', 'CONNECT'))
FROM pg_roles l CROSS JOIN pg_roles r
CROSS JOIN (VALUES ('one.a'), ('one.b'), ('two.c'), ('two.d')) t (name)
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) p (privilege)
WHERE l.rolcanlogin AND l.rolname ~ '^r[0-9]' AND pg_has_role(l.oid, r.oid, '{how}')
GROUP BY 1, 2, 3
"""
"""By every login role and every role that it can SET ROLE to: the privilege; with all that is needed to use it; on some
column."""


@pytest.fixture
def clean(server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    server.sql(f"CREATE DATABASE {DATABASE}")
    yield server
    server.sql(f"DROP DATABASE {DATABASE}")
    server.sql("".join(f"DROP ROLE IF EXISTS {name};\n" for name in ROLES))


def asked(server: PostgresqlServer, *, modern: bool) -> list[tuple[str, str, str, bool, bool, bool]]:
    text = server.sql(ASKED.format(how="SET" if modern else "MEMBER"), DATABASE)
    found = []
    for line in text.splitlines():
        login, table, privilege, *has = line.split("|")
        found.append((login, table, privilege, has[0] == "t", has[1] == "t", has[2] == "t"))
    return found


def version(server: PostgresqlServer) -> int:
    return int(server.sql("SHOW server_version_num")) // 10_000


@pytest.mark.parametrize("seed", range(8))
def test_what_the_server_allows_the_rows_allow(clean: PostgresqlServer, seed: int) -> None:
    """Under-reporting is the one error that nobody would notice. Dumps and catalogs are both held to it."""
    modern = version(clean) >= 16
    clean.sql(script(seed, modern=modern, powers=True), DATABASE)
    for made in (live(clean.dsn("root", DATABASE), DATABASE), harvest_of(clean.globals(), clean.dump(DATABASE))):
        walk = Walk(made)
        can = {name: walk.can(name) for name in ROLES}
        for login, table, privilege, _, usable, column in asked(clean, modern=modern):
            action, asset = ACTIONS[privilege], f"db/{DATABASE}/{table.replace('.', '/')}"
            if usable:
                assert {(action, asset), ("operate", asset)} & can[login], (login, privilege, table)
            if column:
                below = {asset, f"{asset}/x", f"{asset}/y"}
                assert any((a, b) in can[login] for a in (action, "operate") for b in below), (login, privilege, table)


@pytest.mark.parametrize("seed", range(100, 106))
def test_without_powers_they_agree_in_full(clean: PostgresqlServer, seed: int) -> None:
    """Over-reporting has its price as well: a report full of what is not so is not read."""
    modern = version(clean) >= 16
    clean.sql(script(seed, modern=modern, powers=False), DATABASE)
    walk = Walk(live(clean.dsn("root", DATABASE), DATABASE))
    server: dict[tuple[str, str, str], bool] = {}
    for login, table, privilege, has, _, _ in asked(clean, modern=modern):
        key = login, ACTIONS[privilege], f"db/{DATABASE}/{table.replace('.', '/')}"
        server[key] = server.get(key, False) or has
    assert server and {key: walk.may(*key) for key in server} == server


def through(seed: int) -> str:
    """Views on views, a rule, children and functions that act as their owners, owned and granted by chance. Every table
    holds one row, which says its name."""
    chance = random.Random(seed)
    lines = [f"ALTER TABLE {name} ADD COLUMN m text; INSERT INTO {name} (m) VALUES ('{name}');" for name in TABLES]
    lines += [
        f"CREATE TABLE two.kid () INHERITS ({chance.choice(TABLES)}); INSERT INTO two.kid (m) VALUES ('two.kid');"
    ]
    lines.append("GRANT USAGE ON SCHEMA one, two TO PUBLIC;")
    found = [*TABLES, "two.kid"]
    for n in range(6):
        invoker = " WITH (security_invoker = true)" if chance.random() < 0.2 else ""
        some = [f"SELECT m FROM {chance.choice(found)}" for _ in range(chance.choice((1, 1, 2)))]
        lines.append(f"CREATE VIEW one.v{n}{invoker} AS {' UNION ALL '.join(some)};")
        lines.append(f"ALTER VIEW one.v{n} OWNER TO {chance.choice([*ROLES, 'root'])};")
        found.append(f"one.v{n}")
    lines.append(f"CREATE RULE r AS ON DELETE TO {chance.choice(TABLES)} DO ALSO DELETE FROM {chance.choice(found)};")
    for n in range(2):
        body = f"SELECT m FROM {chance.choice(found)}"
        lines.append(f"CREATE FUNCTION two.f{n}() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS '{body}';")
        lines.append(f"ALTER FUNCTION two.f{n}() OWNER TO {chance.choice([*ROLES, 'root'])};")
        if chance.random() < 0.7:
            lines.append(f"REVOKE ALL ON FUNCTION two.f{n}() FROM PUBLIC;")
            lines.append(f"GRANT ALL ON FUNCTION two.f{n}() TO {chance.choice(ROLES)};")
    for name in found:
        lines.append(
            f"GRANT {chance.choice(('SELECT', 'DELETE', 'SELECT, DELETE'))} ON {name} TO {chance.choice(ROLES)};"
        )
    return "\n".join(lines)


def tried(server: PostgresqlServer, *, modern: bool) -> set[tuple[str, str, str]]:
    """What each login role gets when it tries everything as every role that it can become: the tables whose rows it
    sees, and those whose rows are gone."""
    how = "SET" if modern else "MEMBER"
    pairs = server.sql(
        f"SELECT l.rolname, r.rolname FROM pg_roles l, pg_roles r WHERE l.rolcanlogin AND l.rolname ~ '^r[0-9]' "
        f"AND (r.rolname ~ '^r[0-9]' OR r.rolname ~ '_all_data$') AND pg_has_role(l.oid, r.oid, '{how}') ORDER BY 1, 2",
        DATABASE,
    )
    tables = [*TABLES, "two.kid"]
    every = [*tables, *(f"one.v{n}" for n in range(6))]
    left = "".join(f"SELECT '{{0}}|write|{t}' WHERE NOT EXISTS (SELECT FROM ONLY {t});\n" for t in tables)
    lines = []
    for login, role in (line.split("|") for line in pairs.splitlines()):
        become = f"SET SESSION AUTHORIZATION {login};\nSET ROLE {role};\n"
        lines.append(become)
        lines += [f"SELECT '{login}|read|' || m FROM {name};\n" for name in every]
        lines += [f"SELECT '{login}|read|' || f FROM two.f{n}() f;\n" for n in range(2)]
        lines.append("RESET ROLE;\nRESET SESSION AUTHORIZATION;\n")
        for name in every:
            back = "RESET ROLE;\nRESET SESSION AUTHORIZATION;\n"
            lines.append(f"BEGIN;\n{become}DELETE FROM {name};\n{back}{left.format(login)}ROLLBACK;\n{back}")
    found = server.sql("\\set ON_ERROR_STOP off\n" + "".join(lines), DATABASE)
    return {(a, b, c) for a, b, c in (line.split("|") for line in found.splitlines())}


@pytest.mark.parametrize("seed", range(200, 206))
def test_what_can_be_seen_and_deleted_is_told(clean: PostgresqlServer, seed: int) -> None:
    """Not what a catalog says of privileges but what happens: through views, rules, children and functions as well."""
    modern = version(clean) >= 16
    plain = [line for line in script(seed, modern=modern, powers=True).splitlines() if "CONNECT" not in line]
    clean.sql("\n".join(plain) + "\n" + through(seed), DATABASE)
    done = tried(clean, modern=modern)
    assert len(done) > 3
    for made in (live(clean.dsn("root", DATABASE), DATABASE), harvest_of(clean.globals(), clean.dump(DATABASE))):
        walk = Walk(made)
        can = {name: walk.can(name) for name in ROLES}
        for login, action, table in sorted(done):
            asset = f"db/{DATABASE}/{table.replace('.', '/')}"
            assert {(action, asset), ("operate", asset)} & can[login], (login, action, table)
