"""What `--help` says: the page of the program, and a description with examples for each command."""

from __future__ import annotations

from dataclasses import dataclass

TOP = """\
usage: armslength COMMAND ESTATE [flags]

What could a state get your own people to do to your customers? For each state and each thing you protect, Armslength
says how many people outside that state's reach would have to be deceived, bribed or persuaded as well: the length.

what is:
  reach     what each state could have, and how many outsiders it would need; whether your floors hold
  explain   how, step by step, with the rows of the tables that cause it; or what stops it
  check     whether the estate can be read, and what is odd about it

what a change does:
  diff      what one estate gives to whom that another does not: before a merge, between two git revisions
  whatif    the same for a journey, a leaver, a grant …, without touching a file
  repair    the least that has to change for every floor to hold, as a patch

proof:
  verify    check the derivations of a printed answer again, step by step, without the engine that made them

examples:
  armslength check examples/meridian/before
  armslength reach examples/meridian/before --html report.html
  armslength explain examples/meridian/before --state CN --action terminate --asset meetings-us
  armslength diff main:estate HEAD:estate
  armslength whatif examples/meridian/after --travel person:sre-lead-1=CN
  armslength repair examples/meridian/before --patch repair.patch

ESTATE is a folder with tables (people.csv, entities.csv, groups.csv, assets.csv, grants.csv, …, or .parquet), with
estate.toml (states, terms, floors) and policy.cedar; only what you have is needed. Or it is REV:PATH, such a folder at
a revision of the git repository around you. docs/semantics.md defines every column and number.

Length 0: the state can do it with people it can compel. 1: one deceived colleague is enough. ›3: not with three.
Floor: the length that must hold. People appear by their role; --names tells who.

exit status: 0 all floors hold; 1 some floor is broken; 2 the estate or the command cannot be read.
Results go to standard output; warnings, problems and progress to standard error.

flags:
  --version   print the version
  --help      print this; armslength COMMAND --help tells the flags of a command, with examples
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The help of one command: `summary` above its flags, `examples` below, one a line."""

    summary: str
    examples: str


COMMANDS = {
    "reach": Words(
        summary="""\
What each state could have by compelling the people it can reach, and how many outsiders it would need for the rest.

Computes every action on every asset that a floor of estate.toml covers, against the states that the floor is against,
exactly up to the cap. Exit status 1 if a floor that was computed is broken.""",
        examples="""\
armslength reach estate
armslength reach estate --html report.html          one page that opens offline: map, matrix, chains
armslength reach estate --state CN --class customer-content
armslength reach estate --all --format csv > lengths.csv
armslength reach estate --format json > answer.json      with a derivation for every length""",
    ),
    "explain": Words(
        summary="""\
How a state could have one action on one asset, in plain sentences that name the rows they rest on; and where it cannot,
or a floor holds, what stops it. Exit status 1 if the floor over it is broken.""",
        examples="""\
armslength explain estate --state CN --action read --asset recordings-us
armslength explain estate --state CN --action read --asset recordings-us --names""",
    ),
    "diff": Words(
        summary="""\
What a change gives to whom. Lists every state, action and asset under a floor of either estate whose length changed,
with the changed rows that cause it. Both are judged on the same day.

Exit status 1 if a floor that held breaks, or a protected length falls.""",
        examples="""\
armslength diff estate-yesterday estate-today
armslength diff main:estate HEAD:estate                two git revisions; nothing is checked out
armslength diff main:estate estate --format md         for a comment on a pull request
armslength diff main:estate HEAD:estate --fail-below 2""",
    ),
    "whatif": Words(
        summary="""\
The difference that changes would make, as diff shows it; no file is touched. Every change may be given more than once,
and all of them together make the changed estate. A LINE is one of the file, as reports cite it.

Exit status 1 if a floor that held breaks, or a protected length falls.""",
        examples="""\
armslength whatif estate --travel person:ana=CN
armslength whatif estate --travel person:ana=CN@2026-12-01..2026-12-10 --at 2026-12-05
armslength whatif estate --leaver person:bo --join person:cy=group:ops
armslength whatif estate --grant group:ops,read,asset:recordings-us,two-apart --drop-grant 12
armslength whatif estate --terms 12=two-apart""",
    ),
    "repair": Words(
        summary="""\
The least-cost set of changes after which every floor holds: terms put on grants, grants and memberships dropped, with
what each costs in daily work. The plan is proven least, or says how far from it it can be. [costs] in estate.toml sets
what a change costs.

Exit status 1 if some floor stays broken: not every way is a row that can change.""",
        examples="""\
armslength repair estate --patch repair.patch
armslength repair estate --refuse drop_membership --refuse grants.csv:12
armslength repair estate --limit 300 --format json""",
    ),
    "check": Words(
        summary="""\
Whether the estate can be read: every problem with file, line and column, and every warning, on standard error; then its
size and its digest, which is the same for CSV and Parquet and for any order of rows.

Exit status 0 if it can be read, 2 if not. Floors are not judged.""",
        examples="""\
armslength check estate
armslength check HEAD:estate""",
    ),
    "verify": Words(
        summary="""\
Checks a printed answer against the estate: each derivation, step by step, by a small checker that shares no code with
the engine. It shows that the people named suffice; that no fewer do is the engine's claim and is not checked.

Exit status 1 if a derivation does not follow, 2 if the file is no answer for this estate.""",
        examples="""\
armslength reach estate --format json > answer.json
armslength verify estate answer.json
armslength reach estate --format json | armslength verify estate -""",
    ),
}
