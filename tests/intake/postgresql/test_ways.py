"""Every way in which a role comes to act as another, or to do something: one small dump each."""

from __future__ import annotations

import pytest

from tests.intake.postgresql.dumps import Walk, app, globals_, grants, harvest_of, role, rows, schema, table

ROOT = role("root", "SUPERUSER", "LOGIN")
T = "db/app/s/t"


def walk(roles: str, body: str = "", **more: int) -> Walk:
    """Table s.t of root; ana can log in."""
    ana = "" if "CREATE ROLE ana;" in roles else role("ana", "LOGIN")
    return Walk(harvest_of(globals_(ROOT + ana + roles), app(schema("s") + table("s.t") + body, **more)))


def test_a_small_cluster_row_by_row() -> None:
    """Whoever reads docs/intake/postgresql.md relies on these being the rows."""
    made = harvest_of(
        globals_(ROOT + role("ana", "LOGIN") + role("readers") + "GRANT readers TO ana GRANTED BY root;\n"),
        app(schema("s", use="readers") + table("s.t") + "GRANT SELECT ON TABLE s.t TO readers;\n"),
    )
    assert rows(made, "accounts") == {
        ("postgresql/role/root", "PostgreSQL login role root"),
        ("postgresql/role/ana", "PostgreSQL login role ana"),
    }
    assert rows(made, "identifiers") == {
        ("group:postgresql/role/root", "login", "postgresql:root"),
        ("group:postgresql/role/ana", "login", "postgresql:ana"),
    }
    assert ("postgresql/role/readers", "group:postgresql/role/ana") in rows(made, "groups")
    assert ("postgresql/operators", "group:postgresql/role/root") in rows(made, "groups")
    assert {(id, kind, within) for id, kind, _, within, *_ in rows(made, "assets")} == {
        ("postgresql/cluster", "postgresql-cluster", ""),
        ("postgresql/db/app", "postgresql-database", "postgresql/cluster"),
        ("postgresql/db/app/public", "postgresql-schema", "postgresql/db/app"),
        ("postgresql/db/app/s", "postgresql-schema", "postgresql/db/app"),
        ("postgresql/db/app/s/t", "postgresql-table", "postgresql/db/app/s"),
    }
    assert grants(made) == {
        ("role/root", "operate", "db/app"),
        ("role/root", "operate", "db/app/public"),
        ("role/root", "operate", "db/app/s"),
        ("role/root", "operate", "db/app/s/t"),
        ("role/readers", "read", "db/app/s/t"),
    }
    assert rows(made, "review") == set()
    where = {row[:3]: row[-1] for row in made.rows("grants")}
    read = where["group:postgresql/role/readers", "read", "asset:postgresql/db/app/s/t"]
    text = app(schema("s", use="readers") + table("s.t") + "GRANT SELECT ON TABLE s.t TO readers;\n").decode()
    assert read == f"1.sql line {text.splitlines().index('GRANT SELECT ON TABLE s.t TO readers;') + 1}"


def test_a_superuser_controls_the_cluster_and_every_role() -> None:
    """The one that no rule inside the database holds back."""
    made = walk(role("boss", "SUPERUSER") + "GRANT boss TO ana GRANTED BY root;\n" + role("other", "LOGIN"))
    assert ("operate", "cluster") in made.can("ana") and ("operate", T) in made.can("ana")
    assert "group:postgresql/role/other" in made.groups("ana")


@pytest.mark.parametrize("attribute", ["NOINHERIT", "INHERIT"])
def test_before_16_every_member_can_set_role(attribute: str) -> None:
    """NOINHERIT only asks for one more statement."""
    made = walk(
        role("ana", "LOGIN", attribute) + role("readers") + "GRANT readers TO ana GRANTED BY root;\n",
        "GRANT SELECT ON TABLE s.t TO readers;\n",
    )
    assert made.may("ana", "read", T)


@pytest.mark.parametrize(
    ("options", "reads", "replicates", "admits"),
    [
        ("INHERIT TRUE", True, True, False),
        ("INHERIT FALSE", True, True, False),
        ("INHERIT TRUE, SET FALSE", True, False, False),
        ("INHERIT FALSE, SET FALSE", False, False, False),
        ("ADMIN OPTION, INHERIT FALSE, SET FALSE", True, True, True),
    ],
)
def test_since_16_options_of_a_membership_count(options: str, reads: bool, replicates: bool, admits: bool) -> None:
    """Rights may come without the role, the role without rights, and either with ADMIN OPTION, which gives all."""
    made = walk(
        role("readers", "REPLICATION") + f"GRANT readers TO ana WITH {options} GRANTED BY root;\n",
        "GRANT SELECT ON TABLE s.t TO readers;\n",
        version=16,
    )
    assert made.may("ana", "read", T) is reads
    assert (("read", "cluster") in made.can("ana")) is replicates
    assert ("group:postgresql/role/readers" in made.groups("ana")) is (replicates or admits)


def test_rights_pass_through_inheritance_and_roles_through_set() -> None:
    """A chain breaks where it does on the server: neither rights nor the role get past a membership without either."""
    roles = "".join(map(role, ("one", "two", "three")))
    chain = (
        "GRANT one TO ana WITH INHERIT TRUE, SET FALSE GRANTED BY root;\n"
        "GRANT two TO one WITH INHERIT TRUE GRANTED BY root;\n"
        "GRANT three TO two WITH INHERIT FALSE GRANTED BY root;\n"
    )
    body = table("s.two") + table("s.three") + "GRANT SELECT ON TABLE s.two TO two;\n"
    made = walk(roles + chain, body + "GRANT SELECT ON TABLE s.three TO three;\n", version=17)
    assert made.may("ana", "read", "db/app/s/two")
    assert not made.may("ana", "read", "db/app/s/three")


def test_admin_option_lets_others_in() -> None:
    """Who administers a role can make anybody a member."""
    made = walk(role("readers") + "GRANT readers TO ana WITH ADMIN OPTION GRANTED BY root;\n")
    assert ("role/ana", "enroll", "group:postgresql/role/readers") in grants(
        harvest_of(
            globals_(
                ROOT
                + role("ana", "LOGIN")
                + role("readers")
                + "GRANT readers TO ana WITH ADMIN OPTION GRANTED BY root;\n"
            ),
        )
    )
    assert "group:postgresql/role/readers" in made.groups("ana")


def test_createrole_before_16_is_nearly_everything() -> None:
    """It can give itself pg_execute_server_program, and that is the machine; but no superuser's role."""
    made = walk(role("ana", "LOGIN", "CREATEROLE") + role("bo", "LOGIN"))
    assert "group:postgresql/role/bo" in made.groups("ana")
    assert ("operate", "cluster") in made.can("ana")
    direct = rows(harvest_of(globals_(ROOT + role("ana", "LOGIN", "CREATEROLE"))), "grants")
    assert ("group:postgresql/createrole", "enroll", "group:postgresql/role/root", "") not in direct


def test_createrole_since_16_reaches_what_it_administers() -> None:
    """Taking more would cry wolf over every role that makes roles."""
    roles = role("ana", "LOGIN", "CREATEROLE") + role("bo", "LOGIN") + role("cy", "LOGIN")
    made = walk(roles + "GRANT cy TO ana WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY root;\n", version=16)
    assert {"group:postgresql/role/bo", "group:postgresql/role/cy"} & made.groups("ana") == {"group:postgresql/role/cy"}


def test_createrole_of_an_unknown_version_is_the_older_one() -> None:
    """Roles alone do not tell the version where no membership has an option of 16."""
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN", "CREATEROLE")))
    assert ("operate", "cluster") in Walk(made).can("ana")
    assert {row[1] for row in rows(made, "review")} == {"roles with CREATEROLE", "databases"}


@pytest.mark.parametrize("name", ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"])
def test_the_machine_is_the_cluster(name: str) -> None:
    """Files and programs of the server are below every rule that the database keeps."""
    assert ("operate", "cluster") in walk(f"GRANT {name} TO ana GRANTED BY root;\n").can("ana")


def test_predefined_roles_of_all_data() -> None:
    """They need no grant on any table, now or later."""
    made = walk("GRANT pg_read_all_data TO ana GRANTED BY root;\nGRANT pg_write_all_data TO ana GRANTED BY root;\n")
    assert {("read", T), ("write", T)} <= made.can("ana") and ("operate", T) not in made.can("ana")
    assert ("maintain", T) in walk("GRANT pg_maintain TO ana GRANTED BY root;\n", version=17).can("ana")


def test_other_predefined_roles_are_listed() -> None:
    """Statistics hold pieces of other people's statements."""
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN") + "GRANT pg_monitor TO ana GRANTED BY root;\n"))
    assert "role pg_monitor" in {row[1] for row in rows(made, "review")}


def test_replication_reads_everything() -> None:
    """A replica is a copy of every database."""
    made = walk(role("ana", "LOGIN", "REPLICATION"))
    assert ("read", T) in made.can("ana") and not made.may("ana", "write", T)


def test_owners_control_what_they_own() -> None:
    """An owner can grant everything, so a grant that was revoked is no limit."""
    made = walk(role("keeper") + "GRANT keeper TO ana GRANTED BY root;\n", table("s.u", "keeper"))
    assert ("operate", "db/app/s/u") in made.can("ana") and not made.may("ana", "read", T)


def test_owners_of_a_schema_or_database_control_what_lies_in_it() -> None:
    """They can put something else in the place of any table, and have what is written to it from then on."""
    body = "CREATE SCHEMA v;\nALTER SCHEMA v OWNER TO ana;\n" + table("v.t")
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN")), app(schema("s") + table("s.t") + body))
    assert Walk(made).may("ana", "read", "db/app/v/t") and not Walk(made).may("ana", "read", T)
    assert "schema v of database app" in {row[1] for row in rows(made, "review")}
    assert ("operate", T) in Walk(
        harvest_of(globals_(ROOT + role("ana", "LOGIN")), app(schema("s") + table("s.t"), owner="ana"))
    ).can("ana")


def test_the_database_owner_has_the_public_schema() -> None:
    """pg_database_owner is a role without a member that anybody could see."""
    data = app(table("public.t"), owner="ana")
    assert ("role/ana", "operate", "db/app/public") in grants(harvest_of(globals_(ROOT + role("ana", "LOGIN")), data))


@pytest.mark.parametrize(("by", "creates"), [(14, True), (15, False)])
def test_the_public_schema_was_open_to_all(by: int, creates: bool) -> None:
    """pg_dump leaves out what it takes for granted, and that changed with its version 15."""
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN")), app("", version=13, by=by))
    assert (("create", "db/app/public") in Walk(made).can("ana")) is creates


def test_a_database_that_pg_dumpall_took_as_there() -> None:
    """It writes no CREATE DATABASE for two of them, and its version only after it went there."""
    text = "\\connect postgres\n-- Dumped from database version 13.3\n-- Dumped by pg_dump version 13.3\n" + table(
        "public.t"
    )
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN") + text))
    assert ("create", "db/postgres/public") in Walk(made).can("ana")
    assert "database postgres" in {row[1] for row in rows(made, "review")}


@pytest.mark.parametrize(
    ("privilege", "action"),
    [
        ("SELECT", "read"),
        ("INSERT", "write"),
        ("UPDATE", "write"),
        ("DELETE", "write"),
        ("TRUNCATE", "write"),
        ("MAINTAIN", "maintain"),
        ("TRIGGER", "operate"),
        ("REFERENCES", "read"),
        ("ALL", "operate"),
    ],
)
def test_each_privilege_of_a_table(privilege: str, action: str) -> None:
    """One that was forgotten would be access that nobody sees."""
    made = walk("", f"GRANT {privilege} ON TABLE s.t TO ana;\n")
    assert made.may("ana", action, T)


def test_columns_are_assets_where_they_are_granted() -> None:
    """A column grant is less than the table, and more than nothing."""
    made = walk("", 'GRANT SELECT(mail),UPDATE(mail) ON TABLE s.t TO ana;\nGRANT SELECT("O d") ON TABLE s.t TO ana;\n')
    assert {asset for _, asset in made.can("ana")} == {f"{T}/mail", f"{T}/O d"}
    assert made.may("ana", "write", f"{T}/mail") and not made.may("ana", "write", f"{T}/O d")


def test_a_revoked_grant_gives_nothing() -> None:
    """pg_dump writes what differs from the defaults, REVOKE among it."""
    body = (
        "GRANT ALL ON TABLE s.t TO ana;\nREVOKE SELECT,INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER ON TABLE s.t FROM ana;\n"
    )
    assert walk("", body + "REVOKE REFERENCES,MAINTAIN ON TABLE s.t FROM ana;\n").can("ana") == set()


def test_public_is_whoever_may_connect_and_use_the_schema() -> None:
    """Otherwise a grant to PUBLIC in one team's database would hand it to all roles of the cluster."""
    roles = ROOT + role("ana", "LOGIN") + role("bo", "LOGIN") + role("cy", "LOGIN")
    closed = "REVOKE CONNECT,TEMPORARY ON DATABASE app FROM PUBLIC;\nGRANT CONNECT ON DATABASE app TO ana;\n"
    given = "GRANT SELECT ON TABLE s.t TO PUBLIC;\n"

    def who(body: str) -> set[str]:
        found = Walk(harvest_of(globals_(roles), app(body)))
        return {name for name in ("ana", "bo", "cy") if found.may(name, "read", T)}

    assert who(schema("s") + table("s.t") + given) == {"ana", "bo", "cy"}
    assert who(schema("s") + table("s.t") + given + closed) == {"ana"}
    assert who(schema("s", use="bo") + table("s.t") + given) == {"bo"}
    assert who(schema("s", owner="cy", use="bo") + table("s.t") + given) == {"bo", "cy"}


def test_a_named_role_counts_without_connect_or_usage() -> None:
    """Taken wider: CONNECT of a member, and USAGE by other roads, are too many cases to be sure of a no."""
    made = walk("", "REVOKE USAGE ON SCHEMA s FROM PUBLIC;\nGRANT SELECT ON TABLE s.t TO ana;\n")
    assert made.may("ana", "read", T)


FUNCTION = """CREATE FUNCTION s.f(x integer DEFAULT 1) RETURNS integer
    LANGUAGE {language} {more}
    AS $$ select 1; $$;


ALTER FUNCTION s.f(x integer) OWNER TO {owner};
"""


def function(owner: str = "keeper", more: str = "SECURITY DEFINER", language: str = "sql") -> str:
    return FUNCTION.format(owner=owner, more=more, language=language)


def test_who_may_call_a_security_definer_function_is_taken_for_its_owner() -> None:
    """What the function does is not known, and it may do whatever its owner may."""
    body = function() + table("s.u", "keeper")
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN") + role("keeper")), app(schema("s") + body))
    assert Walk(made).may("ana", "read", "db/app/s/u")
    assert Walk(made).may("ana", "execute", "db/app/s/f(x integer)")
    assert "function s.f(x integer) of database app" in {row[1] for row in rows(made, "review")}


@pytest.mark.parametrize("pattern", ["app.s.f", "app.s.*", "app.s.f(x integer)"])
def test_a_reviewed_function_gives_itself_alone(pattern: str) -> None:
    """Else one audit trigger would hide everything else behind a false alarm."""
    made = harvest_of(
        globals_(ROOT + role("ana", "LOGIN") + role("keeper")),
        app(schema("s") + function() + table("s.u", "keeper")),
        reviewed=(pattern, "app.s.gone"),
    )
    assert Walk(made).can("ana") == {("execute", "db/app/s/f(x integer)")}
    assert {row[1] for row in rows(made, "review")} == {"reviewed app.s.gone"}


def test_execute_that_was_taken_from_public() -> None:
    """PUBLIC may call every function unless that was revoked."""
    body = function() + "REVOKE ALL ON FUNCTION s.f(x integer) FROM PUBLIC;\n"
    assert "group:postgresql/role/keeper" not in walk(role("keeper"), body).groups("ana")
    body += "GRANT ALL ON FUNCTION s.f(x integer) TO ana;\n"
    assert "group:postgresql/role/keeper" in walk(role("keeper"), body).groups("ana")


@pytest.mark.parametrize(("language", "all_"), [("plpython3u", True), ("c", True), ("plpgsql", False), ("sql", False)])
def test_languages_without_bounds(language: str, all_: bool) -> None:
    """Code in them can do what the server's own user can."""
    made = walk("", function(owner="root", more="STABLE", language=language))
    assert (("operate", "cluster") in made.can("ana")) is all_


def test_functions_on_the_servers_files() -> None:
    """Being let call one of them is control of the cluster; of others it is listed."""
    grant = "GRANT ALL ON FUNCTION pg_catalog.{}(text) TO ana;\n"
    made = walk("", grant.format("pg_read_file"))
    assert ("operate", "cluster") in made.can("ana")
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN")), app(grant.format("pg_ls_logdir")))
    assert {row[1] for row in rows(made, "review")} == {"function pg_catalog.pg_ls_logdir of database app"}


def test_event_trigger_functions_are_called_by_nobody() -> None:
    """The server alone calls them, and who makes it is a superuser."""
    body = function().replace("RETURNS integer", "RETURNS event_trigger")
    assert "group:postgresql/role/keeper" not in walk(role("keeper"), body).groups("ana")


VIEW = "CREATE VIEW s.v{more} AS\n SELECT t.id\n   FROM s.t;\n\n\nALTER TABLE s.v OWNER TO root;\n"


def test_reading_a_view_is_reading_what_it_shows() -> None:
    """A class of customer data on the table would otherwise miss whoever reads it through a view."""
    body = VIEW.format(more="") + "CREATE VIEW s.w AS\n SELECT v.id\n   FROM s.v;\n\n\nALTER TABLE s.w OWNER TO root;\n"
    made = walk(role("bo", "LOGIN"), body + "GRANT SELECT ON TABLE s.w TO ana;\nGRANT INSERT ON TABLE s.w TO bo;\n")
    assert made.may("ana", "read", T) and not made.may("ana", "write", T)
    assert made.may("bo", "write", T) and not made.may("bo", "read", T)


def test_a_view_by_the_callers_rights_shows_no_more() -> None:
    """security_invoker asks for the reader's own rights on the table."""
    body = VIEW.format(more=" WITH (security_invoker='true')") + "GRANT SELECT ON TABLE s.v TO ana;\n"
    assert {asset for _, asset in walk("", body).can("ana")} == {"db/app/s/v"}
    body = VIEW.format(more=" WITH (security_invoker='false')") + "GRANT SELECT ON TABLE s.v TO ana;\n"
    assert walk("", body).may("ana", "read", T)


def test_views_in_a_ring_end() -> None:
    """Rules let two views name each other, and a walk must not go round for ever."""
    body = (
        VIEW.format(more="")
        + "CREATE VIEW s.w AS\n SELECT v.id\n   FROM s.v;\nALTER TABLE s.w OWNER TO root;\n"
        + "CREATE OR REPLACE VIEW s.v AS\n SELECT w.id\n   FROM s.w;\nGRANT SELECT ON TABLE s.v TO ana;\n"
    )
    assert walk("", body).may("ana", "read", T)


def test_a_rule_does_with_its_owners_rights() -> None:
    """Who may only insert may be shown what a rule selects in place of it."""
    body = table("s.u") + "CREATE RULE r AS\n    ON INSERT TO s.u DO INSTEAD  SELECT t.id\n   FROM s.t;\n"
    made = walk(role("bo", "LOGIN"), body + "GRANT INSERT ON TABLE s.u TO ana;\nGRANT SELECT ON TABLE s.u TO bo;\n")
    assert made.may("ana", "read", T) and made.may("ana", "write", T)
    assert not made.may("bo", "write", T)


@pytest.mark.parametrize(
    "body",
    [
        table("s.p").replace(");", ")\nPARTITION BY RANGE (id);", 1)
        + "ALTER TABLE ONLY s.p ATTACH PARTITION s.t FOR VALUES FROM (1) TO (10);\n",
        table("s.p") + "CREATE TABLE s.c (\n    more text\n)\nINHERITS (s.p);\nALTER TABLE s.c OWNER TO root;\n",
    ],
)
def test_a_parent_gives_its_children(body: str) -> None:
    """Rights on a child are not asked for when it is read through its parent."""
    child = "db/app/s/c" if "INHERITS" in body else T
    made = walk("", body + "GRANT SELECT ON TABLE s.p TO ana;\n")
    assert made.may("ana", "read", child) and not made.may("ana", "write", child)


def test_the_owner_of_a_parent_has_its_children() -> None:
    """As above; the owner has no grant that could tell."""
    body = table("s.p", "ana") + "ALTER TABLE ONLY s.p ATTACH PARTITION s.t FOR VALUES FROM (1) TO (10);\n"
    made = walk("", body)
    assert made.may("ana", "read", T) and made.may("ana", "write", T)


def test_whoever_writes_has_the_triggers_run() -> None:
    """A trigger's function is not asked for EXECUTE, and acts as its owner on what the writer gives it."""
    body = (
        function().replace("(x integer DEFAULT 1) RETURNS integer", "() RETURNS trigger").replace("(x integer)", "()")
    )
    body += "REVOKE ALL ON FUNCTION s.f() FROM PUBLIC;\n"
    body += "CREATE TRIGGER x BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f('a');\n"
    body += VIEW.format(more="") + "GRANT INSERT ON TABLE s.v TO cy;\n"
    body += "GRANT INSERT ON TABLE s.t TO ana;\nGRANT SELECT ON TABLE s.t TO bo;\n"
    made = walk(role("keeper") + role("bo", "LOGIN") + role("cy", "LOGIN"), body)
    keeper = "group:postgresql/role/keeper"
    assert {name for name in ("ana", "bo", "cy") if keeper in made.groups(name)} == {"ana", "cy"}


def test_row_security_is_no_limit_here() -> None:
    """Its policies depend on the rows; the whole table is taken."""
    body = "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;\nGRANT SELECT ON TABLE s.t TO ana;\n"
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN")), app(schema("s") + table("s.t") + body))
    assert Walk(made).may("ana", "read", T)
    assert "tables with row security in database app" in {row[1] for row in rows(made, "review")}
    assert {row[7] for row in made.rows("assets") if row[0].endswith("/s/t")} == {"row-security"}


def test_foreign_servers_and_their_stored_credentials() -> None:
    """A mapping is a key to another machine; the password in it never leaves the dump."""
    body = (
        "CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (\n    host 'x'\n);\n\n\nALTER SERVER far OWNER TO root;\n"
        "CREATE USER MAPPING FOR ana SERVER far OPTIONS (\n    password 'hush; hush',\n    \"user\" 'u'\n);\n"
        "GRANT ALL ON FOREIGN SERVER far TO bo;\nGRANT ALL ON FOREIGN DATA WRAPPER w TO bo;\n"
    )
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN") + role("bo", "LOGIN") + role("cy", "LOGIN")), app(body))
    assert {n for n in ("ana", "bo", "cy") if Walk(made).may(n, "use", "server/app/far")} == {"ana", "bo"}
    assert "foreign data wrapper w of database app" in {row[1] for row in rows(made, "review")}


def test_default_privileges_are_listed() -> None:
    """They are about tables that are not there yet."""
    body = "ALTER DEFAULT PRIVILEGES FOR ROLE root IN SCHEMA s GRANT SELECT ON TABLES  TO ana;\n"
    made = harvest_of(globals_(ROOT + role("ana", "LOGIN")), app(schema("s") + body))
    assert "default privileges of root on tables in schema s of database app" in {r[1] for r in rows(made, "review")}


@pytest.mark.parametrize(
    ("grant", "all_"),
    [
        ("GRANT ALTER SYSTEM ON PARAMETER work_mem TO ana;\n", True),
        ("GRANT SET ON PARAMETER session_preload_libraries TO ana;\n", True),
        ("GRANT SET ON PARAMETER log_min_duration_statement TO ana;\n", False),
        ('GRANT SET ON PARAMETER "auto_explain.log_analyze" TO PUBLIC;\n', False),
    ],
)
def test_parameters(grant: str, all_: bool) -> None:
    """Some make the server load code or run commands."""
    assert (("operate", "cluster") in walk(grant).can("ana")) is all_


def test_creating_is_an_action_of_its_own() -> None:
    """`write` on a schema would be write on every table in it."""
    made = walk("", "GRANT CREATE ON SCHEMA s TO ana;\nGRANT CREATE ON DATABASE app TO ana;\n")
    assert ("create", "db/app/s") in made.can("ana") and ("create", "db/app") in made.can("ana")
    assert not made.may("ana", "write", T)


def test_sequences_and_identity_columns() -> None:
    """An identity column's sequence has no statement of its own."""
    body = (
        "ALTER TABLE s.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.t_id_seq\n"
        "    START WITH 1\n);\nGRANT USAGE ON SEQUENCE s.t_id_seq TO ana;\n"
    )
    made = walk("", body)
    assert made.can("ana") == {("read", "db/app/s/t_id_seq"), ("write", "db/app/s/t_id_seq")}


def test_a_role_that_is_a_mail_address() -> None:
    """Clouds name roles after people's addresses; then it is one of the ways to find the person."""
    made = harvest_of(globals_(ROOT + role('"ana@example.com"', "LOGIN")))
    assert ("group:postgresql/role/ana@example.com", "mail", "ana@example.com") in rows(made, "identifiers")
