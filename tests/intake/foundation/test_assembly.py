"""Harvests become tables, beside what people wrote."""

from __future__ import annotations

import json

from armslength.intake import Harvest, IntakeError, Matter, Problems, harvest_files, read_harvest
from tests.intake.firms import estate_of, hr, keeping, members, put_together, remarks, system, table, unknown


def test_somebody_whose_place_is_unknown_is_a_gap_wherever_they_can_act() -> None:
    """Without a state nobody could compel them, and the report would say that no state has what they have."""
    people = hr({"id": "E1", "workplace": "Dublin HQ", "mail": "ana@x.com"}, {"id": "E2", "mail": "bo@x.com"})
    direct = Harvest(name="vault", kind="vault")
    direct.asset("vault/keys", kind="keys", origin="v")
    direct.grant("person:E1", "use", "asset:vault/keys", origin="v")
    direct.grant("person:E2", "assume", "person:E1", origin="v")
    made = put_together(people, system(ana={"mail": "ana@x.com"}, bo={"mail": "bo@x.com"}), direct)
    assert members(made, "github/ana") == {"person:E1", "group:unplaced/Dublin HQ"}
    assert members(made, "github/bo") == {"person:E2", "group:unplaced"}
    assert unknown(made) == {"unplaced", "unplaced/Dublin HQ"}
    grants = {(row["holder"], row["action"], row["target"]) for row in table(made, "grants")}
    assert {
        ("group:unplaced/Dublin HQ", "use", "asset:vault/keys"),
        ("group:unplaced", "assume", "person:E1"),
        ("person:E2", "assume", "group:unplaced/Dublin HQ"),
    } <= grants
    assert ("unknown", "Dublin HQ") in remarks(made)
    estate_of(made)


def test_an_office_that_people_name_is_a_place() -> None:
    """One line in linking.toml closes the gap."""
    people = hr({"id": "E1", "workplace": "Dublin  hq", "mail": "ana@x.com"}, {"id": "E2", "workplace": "ireland"})
    made = put_together(people, system(ana={"mail": "ana@x.com"}), rules='[offices]\n"Dublin HQ" = "IE"\n')
    assert {row["workplace"] for row in table(made, "people")} == {"IE"}
    assert unknown(made) == set()


def test_an_employer_brings_its_row_and_its_parents() -> None:
    """An owner's state is a basis of exposure."""
    rules = '[employers]\n"M GmbH" = { id = "m-de", state = "DE", parent = "m-inc" }\n'
    rules += '"M Inc" = { id = "m-inc", state = "US" }\n'
    made = put_together(hr({"id": "E1", "entity": "M GmbH"}), rules=rules)
    assert table(made, "entities") == [{"id": "m-de", "state": "DE", "parent": "m-inc"}, {"id": "m-inc", "state": "US"}]
    assert table(made, "people") == [{"id": "E1", "entity": "m-de"}]
    assert unknown(made) == set()


def test_sources_that_differ_on_a_place_are_told() -> None:
    """One of them is wrong, and which decides who can compel the person."""
    one = hr({"id": "E1", "workplace": "IE", "mail": "a@x.com"})
    other = hr({"id": "okta/1", "workplace": "CN", "mail": "a@x.com"}, name="okta", kind="okta")
    made = put_together(one, other)
    assert table(made, "people")[0]["workplace"] == "IE"
    assert ("conflict", "person:E1") in remarks(made)
    made = put_together(one, other, rules='[people]\norder = ["okta"]\n')
    assert table(made, "people") == [{"id": "okta/1", "workplace": "CN"}]


def test_the_head_of_a_firm_who_manages_themselves_stops_nothing() -> None:
    """Half of all HR systems write it so, and a circle is an error of an estate."""
    made = put_together(
        hr(
            {"id": "E1", "workplace": "US", "manager": "E1"},
            {"id": "E2", "workplace": "US", "manager": "E3"},
            {"id": "E3", "workplace": "US", "manager": "E2"},
            {"id": "E4", "workplace": "US", "manager": "E9"},
        )
    )
    estate_of(made)
    assert {row["id"]: row.get("manager", "") for row in table(made, "people")} == {
        "E1": "",
        "E2": "",
        "E3": "E2",
        "E4": "",
    }
    assert {("unmapped", "person:E2"), ("unmapped", "person:E4")} <= remarks(made)


def test_what_people_wrote_stays() -> None:
    """Somebody's work would be gone with the next run."""
    own = {
        "grants.csv": b'holder,action,target,terms,note\ngroup:github/team,read,asset:mine,,"kept, as it is"\n',
        "assets.csv": b"id,class\nmine,secrets\n",
        "estate.toml": b'# by hand\nname = "firm"\n\n[terms.two]\napprovals = 1\napprovers = "everyone"\n',
    }
    first = put_together(
        hr({"id": "E1", "workplace": "CN", "mail": "a@x.com"}), system(a={"mail": "a@x.com"}), files=own
    )
    assert table(first, "grants")[0] == {
        "holder": "group:github/team", "action": "read", "target": "asset:mine", "note": "kept, as it is",
    }  # fmt: skip
    assert first.files["estate.toml"] == own["estate.toml"]
    again = put_together(
        hr({"id": "E1", "workplace": "CN", "mail": "a@x.com"}),
        system(a={"mail": "a@x.com"}),
        files=own | dict(first.files),
    )
    assert again.files == first.files
    without = put_together(files=own | dict(first.files))
    assert [row["target"] for row in table(without, "grants")] == ["asset:mine"]
    assert [row["id"] for row in table(without, "assets")] == ["mine"]


def test_terms_that_a_system_enforces_stand_in_a_block_that_is_made_anew() -> None:
    """A comment or a floor that somebody wrote must outlive it, before and behind."""
    source = system(a={})
    source.terms("github/review", json.dumps({"approvals": 1, "approvers": "group:github/team"}), origin="rules")
    source.grant("group:github/team", "push", "asset:github/app", terms="github/review", origin="rules")
    own = b'name = "firm" # ours\n'
    made = put_together(source, files={"estate.toml": own})
    text = made.files["estate.toml"].decode()
    assert text.startswith(own.decode()) and '[terms."github/review"]' in text
    later = text + '\n[states]\nHK = ["CN"]\n'
    again = put_together(source, files={"estate.toml": later.encode()}).files["estate.toml"].decode()
    assert again.count("# >>>") == 1 and "[states]" in again and again.count("approvals = 1") == 1
    gone = put_together(system(a={}), files={"estate.toml": later.encode()}).files["estate.toml"].decode()
    assert "terms" not in gone and '[states]\nHK = ["CN"]' in gone and gone.startswith(own.decode())
    estate_of(put_together(source, files={"estate.toml": again.encode()}))


def test_rules_say_what_assets_are() -> None:
    """Floors are over classes, and no system knows a firm's classes."""
    rules = (
        '[[asset]]\nmatch = "github/a*"\nkind = "repo*"\ntrait = "visibility:*"\nclass = "code"\n'
        '[[asset]]\nmatch = "*"\nclass = "rest"\nhosted_in = "US IE"\nsubjects = 5\n'
        '[[asset]]\nmatch = "githab/*"\nclass = "code"\n'
    )
    made = put_together(system(a={}), rules=rules)
    assert table(made, "assets") == [
        {"id": "github/app", "kind": "repository", "class": "code", "hosted_in": "US IE", "subjects": "5"}
    ]
    assert ("unmapped", "githab/*") in remarks(made)


def test_a_table_that_cannot_be_read_stops_everything() -> None:
    """Rows that were misread would be written back wrong."""
    try:
        put_together(system(a={}), files={"grants.csv": b'holder,action\n"a,b\n'})
    except IntakeError as error:
        assert "grants.csv" in str(error)
    else:
        raise AssertionError("nothing was wrong")


def test_a_harvest_reads_back_as_it_was() -> None:
    """The tables are made from what is kept, of every source but the one just read."""
    source = system(**{'a,"b': {"mail": "x@y.z"}})
    source.review(Matter.WIDER, "NO", "é\u202f, and 'quoted'", origin="x")
    made = keeping(source)
    problems = Problems()
    again = read_harvest("github", harvest_files(made), problems)
    problems.stop()
    assert again is not None and again.as_of == made.as_of and again.tables.keys() == made.tables.keys()
    assert all(again.tables[name].equals(frame) for name, frame in made.tables.items())


def test_a_damaged_harvest_is_refused() -> None:
    """Half a source would pass for all of it."""
    files = harvest_files(keeping(system(a={})))
    for name, data in (
        ("source.toml", b"name = 1"),
        ("grants.csv", b"holder,action\n"),
        ("source.toml", b'name = "other"\nkind = "x"\nas_of = "2026-01-01"\ninputs = []\n'),
        ("groups.csv", b""),
    ):
        problems = Problems()
        read_harvest("github", files | {name: data}, problems)
        assert problems


def refused(*harvests: Harvest, rules: str = "", files: dict[str, bytes] | None = None) -> str:
    try:
        put_together(*harvests, rules=rules, files=files)
    except IntakeError as error:
        return str(error)
    return ""


def test_sources_that_differ_on_a_place_leave_a_gap() -> None:
    """Whichever counts, the other may be right."""
    one = hr({"id": "E1", "workplace": "US", "mail": "a@x.com"})
    other = hr({"id": "okta/1", "workplace": "CN", "mail": "a@x.com"}, name="okta", kind="okta")
    made = put_together(one, other, system(a={"mail": "a@x.com"}))
    assert members(made, "github/a") == {"person:E1", "group:unplaced/E1"}
    assert "unplaced/E1" in unknown(made)


def test_words_for_a_place_that_nobody_understands_count_beside_others_that_are_understood() -> None:
    """HR says `Shanghai office` and a directory says US: HR may well be right."""
    one = hr({"id": "E1", "workplace": "Shanghai office", "mail": "a@x.com"})
    other = hr({"id": "okta/1", "workplace": "US", "mail": "a@x.com"}, name="okta", kind="okta")
    made = put_together(one, other, system(a={"mail": "a@x.com"}))
    assert "group:unplaced/Shanghai office" in members(made, "github/a")


def test_employers_that_differ_leave_a_gap() -> None:
    """An owner's state is a basis of exposure."""
    one = hr({"id": "E1", "workplace": "US", "entity": "us", "mail": "a@x.com"})
    other = hr({"id": "okta/1", "workplace": "US", "entity": "cn", "mail": "a@x.com"}, name="okta", kind="okta")
    one.entity("us", state="US", origin="x")
    other.entity("cn", state="CN", origin="x")
    made = put_together(one, other, system(a={"mail": "a@x.com"}))
    assert "group:unplaced/E1" in members(made, "github/a")


def test_an_employer_with_two_states_is_refused() -> None:
    """The row that counts would hide the other state."""
    one, other = hr({"id": "E1", "entity": "co"}), hr({"id": "E2", "entity": "co"}, name="hr-2")
    one.entity("co", state="US", origin="x")
    other.entity("co", state="CN", origin="x")
    assert "expected one" in refused(one, other)
    rules = '[employers]\n"A" = { id = "co", state = "CN" }\n"B" = { id = "co" }\n'
    assert "expected one" in refused(hr({"id": "E1", "entity": "A"}), rules=rules)
    rules = '[employers]\n"A" = { id = "co", state = "CN" }\n'
    assert "expected one" in refused(
        hr({"id": "E1", "entity": "A"}), rules=rules, files={"entities.csv": b"id,state\nco,\n"}
    )


def test_rows_that_people_wrote_leave_gaps_as_well() -> None:
    """What somebody without a place has by a row of one's own is as much within reach."""
    own = {
        "assets.csv": b"id\nmine\n",
        "groups.csv": b"group,member\nours,person:E1\n",
        "grants.csv": b"holder,action,target\nperson:E1,read,asset:mine\n",
    }
    made = put_together(hr({"id": "E1"}), files=own)
    assert members(made, "ours") == {"person:E1", "group:unplaced"}
    assert ("group:unplaced", "read") in {(row["holder"], row["action"]) for row in table(made, "grants")}
    assert unknown(made) == {"unplaced"}


def test_somebody_without_a_place_is_a_gap_in_what_everyone_may_do() -> None:
    """They are one of everyone."""
    own = {"assets.csv": b"id\nmine\n", "grants.csv": b"holder,action,target\neveryone,read,asset:mine\n"}
    made = put_together(hr({"id": "E1"}), files=own)
    assert unknown(made) == {"unplaced"}
    estate_of(made, own)


def test_an_approver_without_a_place_is_a_gap() -> None:
    """Taken for somebody whom no state can reach, they would make every quorum look apart."""
    source = system(a={})
    source.terms("github/t", json.dumps({"approvals": 1, "approvers": "person:E1"}), origin="x")
    source.grant("group:github/team", "deploy", "asset:github/app", terms="github/t", origin="x")
    made = put_together(hr({"id": "E1"}), source)
    assert 'approvers = "group:unplaced/with/E1"' in made.files["estate.toml"].decode()
    assert members(made, "unplaced/with/E1") == {"person:E1", "group:unplaced"}
    estate_of(made)


def test_an_asset_that_is_told_twice_is_hosted_in_both_places() -> None:
    """The state that hosts it has custody; a second row must not lose it."""
    source = Harvest(name="aws", kind="aws")
    source.asset("aws/x", kind="bucket", hosted_in="US", origin="1")
    source.asset("aws/x", kind="bucket", hosted_in="CN", within="", traits=("tag:a=b",), origin="2")
    source.asset("aws/x", kind="table", origin="3")
    made = put_together(source)
    assert table(made, "assets") == [{"id": "aws/x", "kind": "bucket", "hosted_in": "CN US"}]
    assert ("conflict", "aws/x") in remarks(made)


def test_what_stands_in_the_block_of_intake_and_is_not_its_own_is_refused() -> None:
    """A floor that somebody typed there would be gone, and everything would still look well."""
    source = system(a={})
    source.terms("github/t", json.dumps({"approvals": 1, "approvers": "everyone"}), origin="x")
    source.grant("group:github/team", "deploy", "asset:github/app", terms="github/t", origin="x")
    text = put_together(source).files["estate.toml"].decode()
    begin, end = text.index("# >>>"), text.index("# <<<")
    floor = '[[floor]]\naction = "push"\ntarget = "asset:github/app"\nlength = 1\n'
    for broken in (text[:end] + floor + text[end:], text[:end] + floor, text[:begin] + text[end:]):
        assert "block of armslength intake" in refused(source, files={"estate.toml": broken.encode()})


def test_rows_that_somebody_put_among_ours_do_not_go_unseen() -> None:
    """Copied with its source, a row is taken for one of intake, which are made anew."""
    made = put_together(system(a={}))
    grants = made.files["grants.csv"].decode()
    copied = grants + grants.splitlines()[1].replace("push", "read") + "\n"
    files = dict(made.files) | {"grants.csv": copied.encode()}
    again = put_together(system(a={}), files=files, edited=frozenset({"grants.csv"}))
    assert again.files["grants.csv"] == made.files["grants.csv"]
    assert ("unmapped", "group:github/team,read,asset:github/app,") in remarks(again)


def test_a_table_of_ones_own_is_not_rewritten() -> None:
    """Its quotes, line ends and comments of another program are somebody's."""
    own = {"groups.csv": b'\xef\xbb\xbf"group","member"\r\nours,person:E1\r\n'}
    made = put_together(hr({"id": "E1", "workplace": "US"}), files=own)
    assert "groups.csv" not in made.files


def test_settings_and_tables_that_are_damaged_are_told() -> None:
    """With a traceback nobody knows what to mend."""
    assert "is not UTF-8" in refused(system(a={}), files={"estate.toml": b"name = '\xff'"})
    assert "cannot be read" in refused(system(a={}), files={"grants.parquet": b"PAR1 and nothing else"})
    put_together(system(a={}), files={"estate.toml": b"a=" + b"[" * 5000 + b"]" * 5000})
    broken = hr({"id": "E1", "workplace": "US", "name": "\ud800"})
    assert "half a surrogate pair" in refused(broken)


def test_text_that_a_spreadsheet_would_run_is_marked() -> None:
    """A job title is somebody else's text, and people open these tables in a spreadsheet."""
    source = hr({"id": "E1", "workplace": "US", "role": "=cmd|' /C calc'!A0", "more": '{"desk": "@x"}'})
    source.review(Matter.UNMAPPED, "=HYPERLINK(1)", "+1", origin="-x")
    made = put_together(source)
    assert table(made, "people")[0]["role"].startswith("'=") and table(made, "people")[0]["desk"] == "'@x"
    assert b"'=HYPERLINK(1),'+1,'-x" in made.files["review.csv"]


def test_long_lines_of_managers_and_shared_addresses_take_no_longer_than_others() -> None:
    """A hundred thousand people in one line, or one address for all of them, must not take the night."""
    count = 20_000
    people = hr(*({"id": f"E{n}", "workplace": "US", "manager": f"E{n + 1}", "mail": "n/a@x"} for n in range(count)))
    made = put_together(people, system(**{f"u{n}": {"mail": "n/a@x"} for n in range(count)}))
    assert len(unknown(made)) == count


def test_people_without_a_place_whom_own_terms_or_policies_name_are_told() -> None:
    """No group can stand beside them there, so a quorum with them looks more apart than it may be."""
    own = {
        "estate.toml": b'name = "f"\n[terms.t]\napprovals = 1\napprovers = "person:E1"\n',
        "policy.cedar": b'@id("p") permit(principal == Person::"E2", action, resource);',
    }
    made = put_together(hr({"id": "E1"}, {"id": "E2"}, {"id": "E3"}, {"id": "E4", "workplace": "US"}), files=own)
    told = {remark.item for remark in made.remarks if remark.reason.startswith("terms or a policy name them")}
    assert told == {"person:E1", "person:E2"}
