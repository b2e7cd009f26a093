"""Dumps that are none, were cut off, or were made to hurt; and servers that are none."""

from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError
from armslength.store import StoreError, postgresql_address, postgresql_catalog, read_postgresql
from tests.intake.postgresql.dumps import Walk, app, globals_, harvest_of, role, rows, schema, table

ROLES = globals_(role("root", "SUPERUSER", "LOGIN") + role("ana", "LOGIN") + role("bo") + "GRANT bo TO ana;\n")
BODY = (
    schema("s") + table("s.t") + "CREATE FUNCTION s.f(x integer, y text DEFAULT 'a;'::text) RETURNS integer\n"
    "    LANGUAGE plpgsql SECURITY DEFINER\n"
    "    AS $_$ begin return '$$;'; end; $_$;\n\n\nALTER FUNCTION s.f(x integer, y text) OWNER TO root;\n"
    "CREATE VIEW s.v WITH (security_invoker='true') AS\n SELECT t.id FROM s.t;\nALTER TABLE s.v OWNER TO root;\n"
    "COPY s.t (id, mail) FROM stdin;\n1\tGRANT ALL ON TABLE s.t TO ana;\n\\.\n\n"
    "COMMENT ON TABLE s.t IS 'it''s; /* no comment';\n/* a /* nested */ comment; */\n"
    "CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'x');\nALTER SERVER far OWNER TO root;\n"
    "CREATE USER MAPPING FOR ana SERVER far OPTIONS (password E'it\\'s; hush');\n"
    "GRANT SELECT(id),UPDATE ON TABLE s.t TO ana WITH GRANT OPTION;\n"
    "GRANT ALL ON FUNCTION s.f(x integer, y text) TO bo;\n"
)
GOOD = app(BODY)


def taken(*files: bytes) -> Harvest | None:
    """None where it was refused, as everything that is wrong has to be."""
    try:
        return harvest_of(*files)
    except IntakeError as error:
        assert error.problems
        return None


def test_the_good_dump_is_read_as_it_is_meant() -> None:
    """The tests below would otherwise break what was broken already; and what only looks like a grant is none."""
    made = harvest_of(ROLES, GOOD)
    can = Walk(made).can("ana", powers=False)
    assert can == {
        ("read", "db/app/s/t/id"),
        ("write", "db/app/s/t"),
        ("write", "db/app/s/t/id"),
        ("execute", "db/app/s/f(x integer, y text)"),
        ("use", "server/app/far"),
    }


def told(*files: bytes) -> list[tuple[str, int | None, str]]:
    with pytest.raises(IntakeError) as raised:
        harvest_of(*files)
    return [(problem.file, problem.line, problem.message) for problem in raised.value.problems]


HOW = "expected what pg_dumpall --globals-only, or pg_dump --schema-only --create, writes as plain text"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", None, f"holds no role and no database: {HOW}"),
        (b"PGDMP\x01\x0e", None, f"is a dump in pg_dump's own format: {HOW}"),
        (
            "CREATE".encode("utf-16"),
            None,
            "is not UTF-8: write it with --file=NAME --encoding=UTF8, not by a redirection",
        ),
        (b"CREATE\0", None, "is not UTF-8: write it with --file=NAME --encoding=UTF8, not by a redirection"),
        (b"--\n-- caf\xe9\n", 2, "is not UTF-8: write it with --encoding=UTF8"),
        (b"SET client_encoding = 'LATIN1';\n", 1, "is not UTF-8: write it with --encoding=UTF8"),
        (b"SET standard_conforming_strings = off;\n", 1, "standard_conforming_strings is off: expected on"),
        (b'{"Users": []}', 1, "a statement has no end: the dump is cut off, or it is none"),
        (b"\n\nSELECT 'x", 3, "a statement has no end: the dump is cut off, or it is none"),
        (b"SELECT $a$ ;", 1, "a statement has no end: the dump is cut off, or it is none"),
        (b"SELECT /* ;", 1, "a statement has no end: the dump is cut off, or it is none"),
        (b'SELECT "', 1, "a statement has no end: the dump is cut off, or it is none"),
        (b"\\connect app\nCOPY s.t FROM stdin;\n1\n", 2, "a COPY block has no end: the dump is cut off"),
        (b"CREATE SCHEMA s;\n", 1, f"is no part of a dump of a whole database: {HOW}"),
        (b"\\connect app x y\n", 1, "cannot tell which database \\connect names"),
        (b"GRANT a, b TO c;\n", 1, "a grant that cannot be read"),
        (b"GRANT SELECT ON PARAMETER;\n", 1, "a grant that cannot be read"),
    ],
)
def test_what_is_no_dump_is_refused(data: bytes, line: int | None, message: str) -> None:
    """Each with the line, and with what would have been right."""
    assert ("0.sql", line, message) in told(data)


def test_roles_are_needed_and_have_to_fit() -> None:
    """A database's dump alone names roles without saying who they are; one of another day may lack some."""
    assert told(GOOD)[0][2] == "no file holds the roles: add what pg_dumpall --globals-only writes"
    few = globals_(role("root", "SUPERUSER", "LOGIN"))
    assert {message.split(": ", 1)[1] for _, _, message in told(few, GOOD)} == {
        f"{name!r}: take all of the cluster at one time" for name in ("ana", "bo")
    }
    assert "of different versions: 1.sql of 15, 2.sql of 16" in told(ROLES, GOOD, app("", version=16, name="b"))[0][2]


def test_owners_are_needed() -> None:
    """Without them whoever owns everything would seem to have nothing."""
    body = schema("s").replace("ALTER SCHEMA s OWNER TO root;\n", "") + "CREATE TABLE s.t (\n    id integer\n);\n"
    assert "--no-owner" in told(ROLES, app(body))[0][2]


def test_a_dump_that_was_cut_off_anywhere_is_refused() -> None:
    """Rights stand at the end of a dump: what was lost would be access that nobody sees."""
    lines = GOOD.decode().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if line.startswith("-- PostgreSQL database dump complete"))
    for end in range(4, last):
        assert "hush" not in str(told(ROLES, "".join(lines[:end]).encode())), lines[end - 1]
    assert taken(ROLES, "".join(lines[: last + 1]).encode()) is not None


WORDS = [
    *"GRANT REVOKE ALTER CREATE ROLE TABLE ON TO FROM SELECT PUBLIC OWNER SCHEMA FUNCTION VIEW AS COPY stdin".split(),
    *"DATABASE DEFAULT PRIVILEGES FOR PARAMETER LARGE FOREIGN SERVER DATA WRAPPER SECURITY DEFINER RULE IN".split(),
    *"USER MAPPING PARTITION ATTACH INHERITS BEGIN END CASE WITH OPTION security_invoker ADD GENERATED".split(),
    *"LANGUAGE SEQUENCE".split(),
    *["s", "t", "ana", ".", ",", "(", ")", ";", "'", "''", '"', "$$", "$a$", "--", "/*", "*/", "\n", "\\", " ", "E'"],
    *["\\connect app\n", "s.t", "\\.\n", "=", "1", "é", "\x00", "\u2028", "'on'"],
]


@given(
    st.one_of(
        st.binary(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map(lambda w: " ".join(w).encode())
    )
)
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    """Whoever takes in a file from elsewhere must not be stopped by a traceback, or by anything that hangs."""
    taken(data)
    taken(ROLES, app(data.decode("utf-8", "replace")))


@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.sampled_from(WORDS), st.integers(0, 3))
def test_any_change_of_a_good_dump_is_refused_or_read(place: int, length: int, word: str, times: int) -> None:
    """As above, from nearer to what is right."""
    taken(ROLES, GOOD[:place] + word.encode() * times + GOOD[place + length :])


@pytest.mark.parametrize("seed", range(4))
def test_any_change_of_its_words_is_refused_or_read(seed: int) -> None:
    """As above, word by word: what still looks like a statement, and is none."""
    chance = random.Random(seed)
    parts = re.findall(r"\w+|\s+|.", GOOD.decode(), re.DOTALL)
    for _ in range(150):
        changed = [*parts]
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(changed))
            match chance.randrange(3):
                case 0:
                    del changed[place : place + chance.randint(1, 4)]
                case 1:
                    changed[place] = chance.choice(parts)
                case _:
                    changed.insert(place, chance.choice(WORDS))
        taken(ROLES, "".join(changed).encode())


def test_long_and_deep_things_end() -> None:
    """Nothing here may take the square of what it is given, or the stack."""
    many = 200_000
    for body in (
        "CREATE TABLE s.t " + "(" * many + ")" * many + ";\n",
        "/*" * many + "*/" * many + "\n",
        "SELECT " + "$a$ $a$ " * many + ";\n",
        "SELECT " + "'' " * many + ";\n",
        "SELECT '" + "''" * many + ";\n",
        "GRANT " + "SELECT," * many + "SELECT ON TABLE s.t TO ana;\n",
        "GRANT SELECT(" + "x," * many + "x) ON TABLE s.t TO ana;\n",
        "CREATE FUNCTION s.f" + "()" * many + ";\n",
        "GRANT SELECT ON PARAMETER " + "a." * many + "a TO ana;\n",
        "\\connect " + '"' * many + "\n",
        "CREATE VIEW s.v AS SELECT " + "s.t," * many + "1;\n",
    ):
        taken(ROLES, app(schema("s") + table("s.t") + body))


def test_a_chain_of_views_and_one_of_roles_end() -> None:
    """A walk from each would be the square."""
    views = "".join(
        f"CREATE VIEW s.v{n} AS\n SELECT 1\n   FROM s.{f'v{n - 1}' if n else 't'};\nALTER TABLE s.v{n} OWNER TO root;\n"
        f"GRANT SELECT ON TABLE s.v{n} TO r{n};\n"
        for n in range(2000)
    )
    names = "".join(role(f"r{n}", "LOGIN") for n in range(2000))
    chain = "".join(f"GRANT r{n} TO r{n + 1} WITH INHERIT TRUE, SET FALSE;\n" for n in range(1999))
    made = harvest_of(
        globals_(role("root", "SUPERUSER") + names + chain), app(schema("s") + table("s.t") + views, version=16)
    )
    assert Walk(made).may("r1999", "read", "db/app/s/t")
    assert made.count("groups") < 20_000 and made.count("grants") < 20_000


ODD = [
    '"=cmd|x"',
    '"a/b"',
    '"a%2Fb"',
    '" a"',
    '"a\nb"',
    '"a:b"',
    '"GRANT"',
    '"PUBLIC"',
    '"é\u202e"',
    '"a""b"',
    '"(x)"',
    '"+"',
]


def test_odd_names_stay_apart() -> None:
    """Two roles or tables that shared an id would share what they may do; `PUBLIC` in quotes is a role like others."""
    names = "".join(role(name, "LOGIN") for name in ODD)
    body = "".join(table(f"s.{name}") + f"GRANT SELECT ON TABLE s.{name} TO {name};\n" for name in ODD)
    made = harvest_of(globals_(role("root", "SUPERUSER") + names), app(schema("s") + body))
    granted = [(h, t) for h, action, t, _ in rows(made, "grants") if action == "read" and "/s/" in t]
    assert len(granted) == len({h for h, _ in granted}) == len({t for _, t in granted}) == len(ODD)
    for table_ in ("assets", "groups", "grants", "accounts"):
        for row in made.rows(table_):
            assert all(cell.isprintable() and cell == cell.strip() for cell in row[:2])
            assert all(not cell.startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize("seed", range(25))
def test_more_permissions_never_give_less(seed: int) -> None:
    """A row that is added to a dump must not hide another."""
    chance = random.Random(seed)
    pool = [
        f"GRANT {p} ON TABLE s.{t} TO {r};\n" for p in ("SELECT", "ALL") for t in "tv" for r in ("ana", "bo", "PUBLIC")
    ]
    pool += [f"GRANT {p} ON SCHEMA s TO {r};\n" for p in ("USAGE", "CREATE") for r in ("ana", "bo", "PUBLIC")]
    pool += [f"GRANT {p} ON DATABASE app TO {r};\n" for p in ("CONNECT", "CREATE") for r in ("ana", "bo", "PUBLIC")]
    pool += [f"GRANT ALL ON FUNCTION s.f(x integer, y text) TO {r};\n" for r in ("ana", "bo", "PUBLIC")]
    base = BODY.replace("GRANT USAGE ON SCHEMA s TO PUBLIC;\n", "") + (
        "REVOKE ALL ON FUNCTION s.f(x integer, y text) FROM PUBLIC;\nREVOKE ALL ON DATABASE app FROM PUBLIC;\n"
    )
    some = [line for line in pool if chance.random() < 0.3]
    more = [*some, chance.choice(pool)]
    roles = globals_(role("root", "SUPERUSER", "LOGIN") + role("ana", "LOGIN") + role("bo") + role("cy", "LOGIN"))
    less, all_ = (Walk(harvest_of(roles, app(base + "".join(lines)))) for lines in (some, more))
    for name in ("ana", "bo", "cy"):
        assert less.can(name) <= all_.can(name)


@contextmanager
def liar(answer: bytes) -> Iterator[int]:
    """Says this to whoever connects, and then nothing more; with an empty answer, nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                if answer:
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.close()
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 64,
        b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I",
        b"R\x00\x00\x00\x08\x00\x00\x00\x63",
        b"E\x00\x00\x00\x05\x00",
        b"S",
    ],
)
def test_a_server_that_is_none_ends_in_a_sentence(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong port must not look like a fault of this program, nor hold it for ever."""
    monkeypatch.setattr(postgresql_catalog, "CONNECT_SECONDS", 0.5)
    with liar(answer) as port:
        for mode in ("disable", "verify-full"):
            dsn = f"host=127.0.0.1 port={port} user=ana dbname=app sslmode={mode}"
            with pytest.raises(StoreError, match=f"127.0.0.1:{port} database app: "):
                read_postgresql(postgresql_address(dsn, {"PGPASSWORD": "hush"}))


@pytest.mark.parametrize("text", ["'{}'", "E'{}'", '"{}"', "'{}", "E'{}", '"{}'])
@pytest.mark.parametrize("filling", ["a", "''", '""', "\\a"])
def test_a_long_literal_takes_no_more_memory_than_it_has(text: str, filling: str) -> None:
    """A choice at every character would take a hundred times as much."""
    comment = f"COMMENT ON TABLE s.t IS {text.format(filling * 1_000_000)};\n"
    program = (
        "import resource, sys\n"
        "from armslength.intake import Problems\n"
        "from armslength.intake.postgresql.dump_text import Dump\n"
        "text = sys.stdin.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "list(Dump('x.sql', text, Problems()).statements())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=comment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30_000
