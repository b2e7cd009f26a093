"""A point's settings: every problem at once, and no privilege that is more than it looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from armslength.enforce import read_postgresql_settings, setup_sql
from armslength.enforce.postgresql_password import is_verifier, scram_verifier
from armslength.enforce.postgresql_privilege import parse_privilege
from tests.docs.documents import document
from tests.enforce.real_gate import SECRET

GOOD = """\
[gate]
url = "https://gate.example.com"
origin = "gate.example.com/acts"
secret_file = "point.secret"

[point]
listen = "127.0.0.1:7480"
state = "state"

[server]
dsn = "host=/var/run/postgresql user=armslength_point"
log = "/var/log/postgresql/json"
people = "host=db.example.com port=5432"

[[grant]]
action = "read"
resource = "asset:accounts"
database = "firm"
rows = "customers"
privileges = ["SELECT (id, customer, name), UPDATE (state) ON app.accounts", "EXECUTE ON FUNCTION app.total()"]
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    (folder / "point.secret").write_text(SECRET + "\n")
    (folder / "point.secret").chmod(mode)
    path = folder / "postgresql.toml"
    path.write_text(text)
    return path


def test_settings_are_read(tmp_path: Path) -> None:
    found = read_postgresql_settings(written(tmp_path, GOOD))
    assert found.listen == ("127.0.0.1", 7480) and found.state == tmp_path / "state" and found.subject is None
    assert found.grants[0].privileges[0].grant("lease_x") == (
        'GRANT SELECT ("id", "customer", "name"), UPDATE ("state") ON TABLE "app"."accounts" TO "lease_x"'
    )
    assert SECRET not in repr(found) and "WITH GRANT OPTION" in setup_sql(found, "armslength_point")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("https://", "http://").replace('rows = "customers"', 'rows = "some"').replace(":7480", "")
    text = text.replace("app.total()", "total()").replace("[point]", "[point]\nodd = 1").replace("asset:", "thing:")
    with pytest.raises(ValueError) as caught:
        read_postgresql_settings(written(tmp_path, text, 0o644))
    said = str(caught.value)
    for part in ("https", "rows", "listen", "privilege", "point.odd", "resource", "others can read"):
        assert part in said, (part, said)


@pytest.mark.parametrize("text", ["", "x", "[gate", "gate = 1\n[[grant]]\n", "grant = []", "\0", "[gate]\nurl = 5\n"])
def test_what_is_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        read_postgresql_settings(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "ALL ON app.accounts",
        "SELECT ON accounts",
        "SELECT ON app.accounts WITH GRANT OPTION",
        "SELECT ON app.accounts, app.notes",
        "SELECT ON ALL TABLES IN SCHEMA app",
        "TRUNCATE ON app.accounts",
        "TRIGGER ON app.accounts",
        "REFERENCES ON app.accounts",
        "DELETE (id) ON app.accounts",
        "SELECT () ON app.accounts",
        "CREATE ON SCHEMA app",
        "app",
        "SELECT ON app.accounts TO PUBLIC; DROP TABLE x; --",
        "EXECUTE ON FUNCTION app.f('x')",
        "EXECUTE ON FUNCTION app.f(); DROP TABLE x",
        "EXECUTE ON FUNCTION app.f(int) TO PUBLIC --)",
        "SELECT ON APP.accounts\n; x",
    ],
)
def test_what_is_more_than_it_looks_is_no_privilege(text: str) -> None:
    with pytest.raises(ValueError):
        parse_privilege(text)


def test_names_in_quotes_stay_what_they_are() -> None:
    found = parse_privilege('SELECT ("Full Name", id) ON "App"."a""b.c"')
    assert (found.schema, found.name, found.rights[0].columns) == ("App", 'a"b.c', ("Full Name", "id"))
    assert found.object == '"App"."a""b.c"'


def test_a_verifier_is_the_one_of_the_standard() -> None:
    """RFC 7677, section 3: its salted password gives these keys."""
    import base64

    found = scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert found == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert is_verifier(found) and not is_verifier(found[:-1]) and not is_verifier(found.replace("4096", "999999"))


def test_the_settings_that_the_page_shows_are_settings(tmp_path: Path) -> None:
    """A newcomer would copy what is refused, or name a secret that the page puts elsewhere."""
    page = document("docs/postgresql.md").text
    (shown,) = re.findall(r"^   ```toml\n(.*?)^   ```$", page, re.MULTILINE | re.DOTALL)
    text = re.sub("^   ", "", shown, flags=re.MULTILINE)
    secret = re.search('secret_file = "(.*)"', text)
    assert secret is not None and f" /etc/armslength/{secret[1]}\n" in page
    (tmp_path / secret[1]).write_text(SECRET)
    (tmp_path / secret[1]).chmod(0o600)
    (tmp_path / "postgresql.toml").write_text(text)
    found = read_postgresql_settings(tmp_path / "postgresql.toml")
    assert found.people in page and str(found.log) in page and len(found.grants) == 1
