"""What `--help` says: the page of the program, and a description with examples for each command."""

from __future__ import annotations

from dataclasses import dataclass

TOP = """\
usage: armslength COMMAND ESTATE [flags]

What could a state get your own people to do to your customers? For each state and each thing you protect, Armslength
says how many people outside that state's reach would have to be deceived, bribed or persuaded as well: the length.

from what you have:
  intake    takes in HR, directories, AWS, PostgreSQL, GitHub, Kubernetes, graphs: they become an estate

what is:
  reach     what each state could have, and how many outsiders it would need; whether your floors hold
  explain   how, step by step, with the rows of the tables that cause it; or what stops it
  check     whether the estate can be read, and what is odd about it
  graph     the estate, and what states could have, as a graph for BloodHound

what a change does:
  diff      what one estate gives to whom that another does not: before a merge, between two git revisions
  whatif    the same for a journey, a leaver, a grant …, without touching a file
  repair    the least that has to change for every floor to hold, as a patch

proof:
  verify    check a customer's bundle of the ledger, or the derivations of a printed answer, trusting nobody who made it

the gate:
  gate      make a gate, found its first passkeys, let enforcement points ask, verify that every lease had its quorum
  serve     run it: requests, approvals, leases, pages for people, protocols for programs
  ssh       log in to a server by a lease; have a server ask the gate at each login
  postgresql  a role of your own in a database by a lease; what it ran is on record, and it ends with the lease

the ledger:
  ledger    keep the record of acts on customers: make it, write to it, serve it, check it, hand out bundles
  witness   vouch that a ledger only ever grows, for those who must not take its operator's word for it
  monitor   follow a ledger: mirror it, check every entry, and find split views and rollbacks, with evidence

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
    "intake": Words(
        summary="""\
What firms already have becomes an estate: people from HR or a directory, access from AWS, PostgreSQL, GitHub,
Kubernetes or BloodHound. Each source can be taken in again and again; what it gave before is replaced.

Nothing is guessed and nothing dropped in silence: review.csv lists what was not mapped or taken for more than it may
be, with the reason, and an account whose holder was not found stands as a gap. linking.toml says who is who, which
assets are of which class, and where offices are; people write it.

Exit status 0 if the estate can be read now; 1 if not yet, for something that people write in it (a floor over a class
that no asset has); 2 if nothing was taken in.""",
        examples="""\
armslength intake hr staff.csv --into estate
armslength intake aws account-*.json --into estate
armslength intake github export/ --into estate
armslength intake link estate                          after a change of linking.toml
armslength intake status estate""",
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
    "gate": Words(
        summary="""\
Makes and keeps a gate: the decision point of sensitive acts, which opens access for a time once a quorum that no one
state can reach has signed exactly that request. The gate runs with `armslength serve`.""",
        examples="""\
armslength gate init gate --estate estate --origin gate.example.com/acts --url https://gate.example.com
armslength gate found gate sec-1 sec-2 review-1        the first passkeys: each person opens a link on this host
armslength gate add-point gate web-1 --host admin.example.com
armslength gate simulate gate --away state:CN
armslength gate check gate""",
    ),
    "serve": Words(
        summary="""\
Runs a gate until stopped: the pages where people ask and approve, AuthZEN and access requests for programs, what
enforcement points ask, and the ledger's publishing. One process holds a gate.""",
        examples="""\
armslength serve --demo                                the sample firm, with people to act as; nothing is kept
armslength serve gate --listen 127.0.0.1:8443 --metrics 127.0.0.1:9090
armslength serve gate --public 127.0.0.1:8080          and the ledger's checkpoint and tiles, for who checks it""",
    ),
    "ssh": Words(
        summary="""\
Log in to a server by a lease: a certificate of minutes for a person's key, and the enforcement point of a server, which
sshd asks at each login and which ends sessions with their leases.""",
        examples="""\
armslength ssh certificate --gate https://gate.example.com --key ~/.ssh/id_ed25519.pub < lease.txt
armslength gate ssh-ca gate > /etc/ssh/armslength-ca.pub                    the key that the servers' sshd believes
armslength ssh sshd /etc/armslength/ssh.toml --user armslength > armslength.conf     for /etc/ssh/sshd_config.d
armslength ssh point /etc/armslength/ssh.toml
armslength ssh status /etc/armslength/ssh.toml""",
    ),
    "postgresql": Words(
        summary="""\
Work in a PostgreSQL database by a lease: a role of your own with exactly what the lease is for, until it ends; and the
enforcement point beside the server, which makes such roles, ends their sessions and records what they ran.""",
        examples="""\
armslength postgresql open --point https://db.example.com < lease.txt
armslength postgresql open --point https://db.example.com --lease lease.txt --run psql
armslength postgresql setup /etc/armslength/postgresql.toml > setup.sql     what the administrator runs once
armslength postgresql check /etc/armslength/postgresql.toml
armslength postgresql point /etc/armslength/postgresql.toml""",
    ),
    "ledger": Words(
        summary="""\
Keeps the record of acts on customers: append-only, cosigned by witnesses, and such that each customer can prove that
every act on them is in it. Leaves hold no personal data; what they commit to can be erased, and proofs still hold.""",
        examples="""\
armslength ledger init ledger --origin log.example.com/acts --witnesses witnesses.txt --lock /mnt/other/lock.db
armslength ledger append ledger acts.jsonl        {"kind": "use", "customers": ["acme"], "fields": {"action": "read"}}
armslength ledger serve ledger --listen 127.0.0.1:8080 --metrics 127.0.0.1:9090
armslength ledger status ledger
armslength ledger export ledger --customer acme --bundle acme.bundle.json
armslength ledger erase ledger --customer acme --record 3:address --reason gdpr-17
armslength ledger fsck ledger
armslength ledger rotate-key ledger""",
    ),
    "witness": Words(
        summary="""\
Vouches that a log only ever grows: for a customer, an auditor, anybody whom the log's operator cannot compel. A witness
sees checkpoints and proofs, never a record. It signs each checkpoint that continues the one it signed before, and so
whoever asks for its signature cannot be shown a history of their own. It speaks c2sp.org/tlog-witness.""",
        examples="""\
armslength witness init witness --name example.com/witness
armslength witness add-log witness example.org/log+7f3e5a1c+AX…      the key that the log's operator gave you
armslength witness key witness --url https://witness.example.com     what to give the operator
armslength witness serve witness --listen 127.0.0.1:8080             behind a web server that speaks TLS
armslength witness status witness""",
    ),
    "monitor": Words(
        summary="""\
Follows a log for somebody who has no reason to believe its operator: an auditor, a customer. It mirrors every entry
that the log signed, checks the chains of all customers and makes the map again, without any secret. It asks the
witnesses of the policy what they were shown, and keeps evidence of what does not fit, which proves by itself what it
says.

Exit status 0 if nothing was found, 1 if something was, 2 if it cannot run. What was proven stays found as long as its
file is in DIR/evidence.""",
        examples="""\
armslength monitor https://log.example.com --policy policy --folder monitor
armslength monitor https://log.example.com --policy policy --folder monitor --once      from cron
armslength monitor ledger/public --policy policy --folder monitor --once --format json
armslength monitor https://log.example.com --policy policy --folder monitor --also https://mirror.example.org
armslength verify monitor/evidence/split-0123456789abcdef.json --policy policy           what the evidence proves""",
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
    "graph": Words(
        summary="""\
The estate as OpenGraph JSON, which BloodHound takes as it is: people, groups, assets, grants, the states that people
are exposed to, and, with --answer, what each state could have. What needs a quorum is an edge of a kind of its own, so
that no path runs over it by mistake.

People appear as so many of a role, unless --names tells who; declared ties never do.""",
        examples="""\
armslength graph estate --out estate.graph.json
armslength graph estate --out estate.graph.json --types kinds.json          the first time: icons for BloodHound
armslength reach estate --format json > answer.json
armslength graph estate --out estate.graph.json --answer answer.json""",
    ),
    "verify": Words(
        summary="""\
A bundle, for a customer, offline: whether it shows every record about them in the ledger, none changed, dropped or put
elsewhere, under a checkpoint that the log and the witnesses of your policy signed. Says what was checked, what was not,
and what no check can show: docs/verify.md.

Evidence, from a monitor: what it proves against a log, to whoever trusts the keys of the policy, and nobody else.

An answer, against its estate: each derivation, step by step, by a small checker that shares no code with the engine. It
shows that the people named suffice; that no fewer do is the engine's claim and is not checked.

Exit status 1 if something does not hold, 2 if a file cannot be read.""",
        examples="""\
armslength verify acme.bundle.json --policy policy.txt --save acme.saved.json          the first time
armslength verify acme.bundle.json --policy policy.txt --saved acme.saved.json --save acme.saved.json
armslength verify --page verify.html                                                   the same in a browser
armslength reach estate --format json > answer.json
armslength verify estate answer.json""",
    ),
}
