"""The tables of gates in a PostgreSQL database: how they came to be, step by step, and whether they are so still.

As `gate_migrations` has it for a file: forward only, no step is edited once it was released, and a database says in
`versions` which it has seen. The schema that gates share and each gate's own take their steps apart from each other,
one gate at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from armslength.store.failure import Damaged, StoreError
from armslength.store.gate_postgresql_shape import SHAPE

SHARED = "gate_shared"

_VERSIONS = "CREATE TABLE {schema}.versions (version bigint NOT NULL PRIMARY KEY)"
_GATE = """CREATE TABLE {schema}.gate (one bigint NOT NULL PRIMARY KEY CHECK (one = 1),
    origin text COLLATE "C" NOT NULL)"""

OWN_STEPS: tuple[Sequence[str], ...] = (
    (
        _VERSIONS,
        _GATE,
        """CREATE TABLE {schema}.rows (kind text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
            version bigint NOT NULL CHECK (version > 0), doc bytea NOT NULL, person text COLLATE "C",
            status text COLLATE "C", due bigint, act bytea CHECK (octet_length(act) = 16), claimed bigint,
            PRIMARY KEY (kind, id), CHECK ((act IS NULL) = (claimed IS NULL)))""",
        "CREATE INDEX rows_by_person ON {schema}.rows (kind, person, status)",
        "CREATE INDEX rows_by_due ON {schema}.rows (kind, due)",
        """CREATE TABLE {schema}.snapshot (one bigint NOT NULL PRIMARY KEY CHECK (one = 1),
            "position" bigint NOT NULL, mac bytea NOT NULL, state bytea NOT NULL)""",
        "ALTER TABLE {schema}.snapshot ALTER COLUMN state SET STORAGE EXTERNAL",  # to compress it takes longest
    ),
)
"""Of a gate's own schema; step n makes version n + 1."""

SHARED_STEPS: tuple[Sequence[str], ...] = (
    (
        _VERSIONS,
        _GATE,
        """CREATE TABLE {schema}.evidence (digest bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
            media_type text COLLATE "C" NOT NULL, data bytea NOT NULL, made bigint NOT NULL,
            kept bigint NOT NULL CHECK (kept IN (0, 1)))""",
        "ALTER TABLE {schema}.evidence ALTER COLUMN data SET STORAGE EXTERNAL",
        """CREATE TABLE {schema}.opened (request text COLLATE "C" NOT NULL, person text COLLATE "C" NOT NULL,
            digest bytea NOT NULL REFERENCES {schema}.evidence (digest) ON DELETE CASCADE, at bigint NOT NULL,
            PRIMARY KEY (request, person, digest))""",
        "CREATE INDEX opened_by_digest ON {schema}.opened (digest)",
        """CREATE TABLE {schema}.idempotency (caller text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL,
            body bytea NOT NULL CHECK (octet_length(body) = 32), answer text COLLATE "C" NOT NULL, ends bigint NOT NULL,
            PRIMARY KEY (caller, key))""",
        "CREATE INDEX idempotency_by_ends ON {schema}.idempotency (ends)",
        """CREATE TABLE {schema}.sessions (digest bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
            person text COLLATE "C" NOT NULL, made bigint NOT NULL, seen bigint NOT NULL, idle bigint NOT NULL,
            ends bigint NOT NULL)""",
        "CREATE INDEX sessions_by_person ON {schema}.sessions (person)",
        "CREATE INDEX sessions_by_ends ON {schema}.sessions (ends)",
        """CREATE TABLE {schema}.ceremonies (digest bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
            kind text COLLATE "C" NOT NULL, person text COLLATE "C", doc bytea NOT NULL, ends bigint NOT NULL)""",
        "CREATE INDEX ceremonies_by_ends ON {schema}.ceremonies (ends)",
        """CREATE TABLE {schema}.outbox (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            mark text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, person text COLLATE "C",
            body bytea NOT NULL, made bigint NOT NULL, due bigint, tries bigint NOT NULL, problem text COLLATE "C",
            sent bigint, seal bytea)""",
        "CREATE UNIQUE INDEX outbox_by_mark ON {schema}.outbox (mark)",
        "CREATE INDEX outbox_by_due ON {schema}.outbox (due)",
        "CREATE INDEX outbox_by_person ON {schema}.outbox (person, number)",
        """CREATE TABLE {schema}.away (person text COLLATE "C" NOT NULL PRIMARY KEY, start bigint NOT NULL, ends bigint,
            "by" text COLLATE "C" NOT NULL)""",
        """CREATE TABLE {schema}.shared_rows (kind text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
            version bigint NOT NULL CHECK (version > 0), doc bytea NOT NULL, person text COLLATE "C",
            status text COLLATE "C", due bigint, act bytea CHECK (octet_length(act) = 16), claimed bigint,
            PRIMARY KEY (kind, id), CHECK ((act IS NULL) = (claimed IS NULL)))""",
        """CREATE TABLE {schema}.estates (digest text COLLATE "C" NOT NULL PRIMARY KEY, files bytea NOT NULL,
            mac bytea NOT NULL, at bigint NOT NULL)""",
        """CREATE TABLE {schema}.directory (directory text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
            kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, external text COLLATE "C" NOT NULL,
            stamp bigint NOT NULL, doc bytea NOT NULL, mac bytea NOT NULL, PRIMARY KEY (directory, id))""",
        "CREATE INDEX directory_by_kind ON {schema}.directory (directory, kind, id)",
        "CREATE INDEX directory_by_name ON {schema}.directory (directory, kind, name)",
        "CREATE INDEX directory_by_external ON {schema}.directory (directory, kind, external)",
        "CREATE INDEX directory_by_stamp ON {schema}.directory (directory, stamp)",
    ),
    ('ALTER TABLE {schema}.gate ADD COLUMN url text COLLATE "C"',),
)
"""Of the shared schema."""


def own_schema(site: str) -> str:
    """The schema of the gate of this name. A name has no underscore, so no two have the same."""
    return f"gate_{site.replace('-', '_')}"


def make_postgresql_tables(
    db: Connection, where: str, own: str, origin: str, *, url: str, create: bool, joining: bool
) -> None:
    """Make the tables, or take them to the newest version, within a transaction that writes: gates that start at once
    do it one after the other. Raises as `GateDatabase` does."""
    db.exec_driver_sql("SET LOCAL lock_timeout = 0")  # however long the others take; the answer is waited for so long
    db.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('armslength gate_shared', 0))")
    shared, mine = postgresql_version(db, where, SHARED), postgresql_version(db, where, own)
    if create and mine:
        raise StoreError(
            f"{where}: has a schema {own} already; a gate's database is made once. Where that gate is gone for good:"
            f" DROP SCHEMA {own} CASCADE"
        )
    if create and shared and not joining:
        raise StoreError(f"{where}: gates share it already; armslength gate join makes one more")
    if not create and not (shared and mine):
        lost = own if shared else SHARED
        raise Damaged(f"{where}: has no schema {lost} of a gate; armslength gate rebuild makes it again if it was lost")
    for schema, steps, version in ((SHARED, SHARED_STEPS, shared), (own, OWN_STEPS, mine)):
        if not version and not _there(db, schema):
            db.exec_driver_sql(f"CREATE SCHEMA {schema}")
        _migrate(db, schema, steps, version)
        if not version:
            db.exec_driver_sql(f"INSERT INTO {schema}.gate VALUES (1, %s)", (origin,))
        said = db.exec_driver_sql(f"SELECT origin FROM {schema}.gate").scalar_one_or_none()
        if said != origin:
            raise StoreError(f"{where}: {schema} is of the gate {said!r}; expected that of {origin!r}")
    if url:
        _check_url(db, where, url)


def drop_postgresql_tables(db: Connection, schemas: Sequence[str]) -> None:
    """The schemas stay: they may have been made for us by somebody who lets us make none."""
    for schema in schemas:
        tables = [name for (name,) in db.exec_driver_sql(f"{_TABLES} AND relkind = 'r'", (schema,))]
        if tables:
            db.exec_driver_sql(f"DROP TABLE {', '.join(f'{schema}.{name}' for name in tables)}")


def postgresql_version(db: Connection, where: str, schema: str) -> int:
    """The version that the schema is of; 0: it is not there, or empty. Raises `StoreError` for one of a later version,
    `Damaged` for one that is no gate's."""
    tables = [name for (name,) in db.exec_driver_sql(_TABLES, (schema,))]
    if not tables:
        return 0
    if "versions" not in tables:
        raise Damaged(f"{where}: the schema {schema} is not that of a gate")
    newest = len(SHARED_STEPS if schema == SHARED else OWN_STEPS)
    seen = [version for (version,) in db.exec_driver_sql(f"SELECT version FROM {schema}.versions ORDER BY version")]
    if seen != list(range(1, len(seen) + 1)) or not seen:
        raise Damaged(f"{where}: {schema} says that it is of the versions {seen!r}; expected 1, 2 and so on")
    if len(seen) > newest:
        raise StoreError(f"{where}: {schema} is of version {len(seen)}; this armslength knows version {newest}")
    return len(seen)


def check_postgresql_tables(db: Connection, where: str, own: str) -> None:
    """That the tables, and whatever else acts on them, are those that the steps make. So no trigger, rule, policy or
    function of somebody else's changes what is read or written. Raises `Damaged`."""
    if strange := postgresql_differences(db, own):
        raise Damaged(f"{where}: {', '.join(strange)} differs from what a gate makes, or is missing")


def postgresql_differences(db: Connection, own: str) -> list[str]:
    """What differs from what the steps make, by name."""
    strange = sorted(postgresql_shape(db, own) ^ SHAPE)
    return list(dict.fromkeys(f"the {each.partition(': ')[0]}" for each in strange))


def postgresql_shape(db: Connection, own: str) -> set[str]:
    """A line for each thing that has a say in what is read or written, with `own` and `shared` in the place of the
    schemas' names."""
    lines = set()
    for schema, name in ((own, "own"), (SHARED, "shared")):
        for kind, what, says in db.exec_driver_sql(_SHAPE, (schema,)):
            lines.add(f"{kind} {name}.{what}: {says}".replace(f"{schema}.", f"{name}."))
    return lines


def _check_url(db: Connection, where: str, url: str) -> None:
    """A passkey's signature names the page that it was made on: at a gate with another URL it would not hold."""
    db.exec_driver_sql(f"UPDATE {SHARED}.gate SET url = %s WHERE url IS NULL", (url,))
    said = db.exec_driver_sql(f"SELECT url FROM {SHARED}.gate").scalar_one()
    if said != url:
        raise StoreError(f"{where}: the url of its gates is {said!r}, here it is {url!r}; expected the same for all")


def _migrate(db: Connection, schema: str, steps: Sequence[Sequence[str]], version: int) -> None:
    for number, statements in enumerate(steps[version:], version + 1):
        for statement in statements:
            db.exec_driver_sql(statement.format(schema=schema))
        db.exec_driver_sql(f"INSERT INTO {schema}.versions VALUES (%s)", (number,))


def _there(db: Connection, schema: str) -> bool:
    return db.exec_driver_sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).first() is not None


_TABLES = "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind NOT IN ('i', 'I')"
_SHAPE = """
WITH tables AS (
    SELECT c.*, relname::text AS name, amname FROM pg_class c LEFT JOIN pg_am a ON a.oid = relam
    WHERE relnamespace = to_regnamespace(%s)
)
SELECT 'table', name, concat_ws(' ', relkind, relpersistence, amname, CASE WHEN relrowsecurity THEN 'policies' END,
        CASE WHEN relforcerowsecurity THEN 'forced' END, CASE WHEN relispartition THEN 'partition' END)
    FROM tables WHERE relkind NOT IN ('i', 'I')
UNION ALL SELECT 'column', name || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod), collname,
        CASE WHEN attnotnull THEN 'not null' END, nullif(attidentity, ''), nullif(attgenerated, ''),
        pg_get_expr(adbin, adrelid))
    FROM tables t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND relkind <> 'S'
        AND relkind NOT IN ('i', 'I')
    LEFT JOIN pg_collation k ON k.oid = attcollation LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL SELECT 'constraint', name || '.' || conname, concat_ws(' ', pg_get_constraintdef(k.oid),
        CASE WHEN NOT convalidated THEN 'not valid' END)
    FROM tables t JOIN pg_constraint k ON conrelid = t.oid WHERE contype <> 'n'
UNION ALL SELECT 'index', name || '.' || (SELECT relname FROM pg_class c WHERE c.oid = indexrelid),
        concat_ws(' ', CASE WHEN indisunique THEN 'unique' END, substring(pg_get_indexdef(indexrelid) FROM 'USING .*'),
        CASE WHEN NOT (indisvalid AND indisready AND indislive AND indimmediate) THEN 'not in force' END)
    FROM tables t JOIN pg_index i ON indrelid = t.oid
UNION ALL SELECT 'trigger', name || '.' || tgname, tgenabled::text FROM tables t JOIN pg_trigger ON tgrelid = t.oid
    WHERE NOT tgisinternal OR tgenabled <> 'O'
UNION ALL SELECT 'rule', name || '.' || rulename, ev_enabled::text FROM tables t JOIN pg_rewrite ON ev_class = t.oid
UNION ALL SELECT 'policy', name || '.' || polname, polcmd::text FROM tables t JOIN pg_policy ON polrelid = t.oid
UNION ALL SELECT 'inheritance', name, 'there' FROM tables t JOIN pg_inherits ON t.oid IN (inhrelid, inhparent)
UNION ALL SELECT 'function', proname, 'there' FROM pg_proc WHERE pronamespace IN (SELECT relnamespace FROM tables)
UNION ALL SELECT 'operator', oprname, 'there' FROM pg_operator WHERE oprnamespace IN (SELECT relnamespace FROM tables)
"""
