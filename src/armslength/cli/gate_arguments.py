"""The flags of the commands that keep and run a gate, verb by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.cli.parser import Parser
from armslength.cli.values import address, count, file, one_of
from armslength.cli.verbs import Verb, add_verbs


def _folder(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="the gate's folder: its settings, keys and stores")


def _init(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="a folder that is empty or not there yet")
    told = "the first estate: a folder whose estate.toml names the gate, with terms for whoever operates it"
    parser.add_argument("--estate", required=True, type=file, metavar="DIR", help=told)
    told = "the name of the gate's log in every checkpoint, best a URL without https:// that is yours"
    parser.add_argument("--origin", required=True, metavar="NAME", help=told)
    told = "where people and programs reach the gate: https://HOST, or http://localhost:PORT to try it out"
    parser.add_argument("--url", required=True, metavar="URL", help=told)
    told = "what people see in their browser when they make a passkey; the estate's name if not given"
    parser.add_argument("--name", metavar="TEXT", help=told)
    told = "the ledger's witnesses, groups and quorum (c2sp.org/tlog-policy); none if not given"
    parser.add_argument("--witnesses", type=file, metavar="FILE", help=told)
    told = "a PostgreSQL database for the gate and its ledger, which several gates can share: postgresql://…, without a"
    told += " password; files in FOLDER if not given"
    parser.add_argument("--database", default="gate.db", metavar="DSN", help=told)
    for flag, what in (("--log", "entries"), ("--keys", "keys, which can be erased"), ("--lock", "lock store")):
        best = ", best on another disk or server" if flag == "--lock" else ""
        told = f"where to keep the ledger's {what}: a path, or postgresql://…{best}; beside the gate's if not given"
        parser.add_argument(flag, type=file, metavar="PLACE", help=told)
    told = "the name of this gate among those that share a database, such as frankfurt"
    parser.add_argument("--site", default="", metavar="NAME", help=told)


def _join(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="a folder that is empty or not there yet")
    told = "the folder of a gate that is there, or a copy of it: its settings, keys and estates"
    parser.add_argument("--beside", required=True, type=file, metavar="FOLDER", help=told)
    told = "the name of the new gate among those that share the database, such as dublin"
    parser.add_argument("--site", required=True, metavar="NAME", help=told)


def _found(parser: Parser) -> None:
    _folder(parser)
    told = "who is to hold the first passkeys: ids of the people table; two at least"
    parser.add_argument("people", metavar="PERSON", nargs="+", help=told)
    _listen(parser)


def _check(parser: Parser) -> None:
    _folder(parser)
    _format(parser)


def _add_point(parser: Parser) -> None:
    _folder(parser)
    parser.add_argument("point", metavar="POINT", help="its name in records, such as web-1")
    told = "a host whose requests it may ask about, or * for any; repeatable"
    parser.add_argument("--host", action="append", default=[], metavar="HOST", help=told)
    told = "what it may ask: forward (of web requests), evaluate, redeem; repeatable; all three if not given"
    parser.add_argument(
        "--may", action="append", default=[], type=one_of("forward", "evaluate", "redeem"), metavar="WHAT", help=told
    )
    told = "an action that it may ask about; repeatable; any if not given"
    parser.add_argument("--action", action="append", default=[], metavar="ACTION", help=told)
    told = "a resource that it may ask about, such as asset:meetings-us; repeatable; any if not given"
    parser.add_argument("--resource", action="append", default=[], metavar="TYPE:ID", help=told)


def _add_directory(parser: Parser) -> None:
    _folder(parser)
    parser.add_argument("directory", metavar="DIRECTORY", help="its name in records, such as okta")
    told = "what of a user is the person's id in the estate: externalId (if not given), userName, employeeNumber or id"
    kinds = one_of("externalId", "userName", "employeeNumber", "id")
    parser.add_argument("--person", default="externalId", type=kinds, metavar="ATTRIBUTE", help=told)
    told = "what stands before it there, such as hr/"
    parser.add_argument("--prefix", default="", metavar="TEXT", help=told)
    told = "of whom it has to speak, such as group:staff; repeatable; everyone if not given"
    parser.add_argument("--covers", action="append", default=[], metavar="TYPE:ID", help=told)
    told = "hours after which its word of somebody is too old to decide on; 24 if not given"
    parser.add_argument("--freshness-hours", default=24, type=count, metavar="N", help=told)
    told = "it says the same again where it reads a user and changes nothing"
    parser.add_argument("--confirm-by-reading", action="store_true", help=told)
    told = "ask the provider itself, at this address such as https://idp.example/scim/v2, instead of being told"
    parser.add_argument("--pull", metavar="URL", help=told)
    told = "the file beside gate.toml with the token for --pull"
    parser.add_argument("--token-file", metavar="NAME", help=told)


def _nginx(parser: Parser) -> None:
    _folder(parser)
    parser.add_argument("--host", required=True, metavar="HOST", help="the service's name, as routes have it")
    told = "the service behind it, such as http://127.0.0.1:8008, where nginx alone reaches it"
    parser.add_argument("--upstream", required=True, metavar="URL", help=told)
    told = "the authority that signs people's certificates; the common name is a person's id"
    parser.add_argument("--people", required=True, type=file, metavar="FILE", help=told)
    parser.add_argument("--certificate", required=True, type=file, metavar="FILE", help="the service's certificate")
    parser.add_argument("--key", required=True, type=file, metavar="FILE", help="and its key")
    told = "what the gate's own certificate verifies with, if its URL is https"
    parser.add_argument("--authority", type=file, metavar="FILE", help=told)
    told = "the folder to write the two files into, such as /etc/nginx/conf.d"
    parser.add_argument("--into", required=True, type=file, metavar="DIR", help=told)


def _envoy(parser: Parser) -> None:
    _folder(parser)
    parser.add_argument("--host", required=True, metavar="HOST", help="the service's name, as routes have it")
    told = "the service behind it, such as http://127.0.0.1:8008, where Envoy alone reaches it"
    parser.add_argument("--upstream", required=True, metavar="URL", help=told)
    told = "the authority that signs people's certificates; the common name is a person's id"
    parser.add_argument("--people", type=file, metavar="FILE", help=told)
    told = "or the keys (JWKS) that people's tokens are signed with; the claim sub is a person's id"
    parser.add_argument("--token-keys", type=file, metavar="FILE", help=told)
    parser.add_argument("--issuer", metavar="TEXT", help="who issues the tokens, as they say")
    parser.add_argument("--audience", metavar="TEXT", help="for whom they are issued, as they say")
    told = "the cookie that they come in; Authorization: Bearer if not given"
    parser.add_argument("--cookie", metavar="NAME", help=told)
    parser.add_argument("--certificate", required=True, type=file, metavar="FILE", help="the service's certificate")
    parser.add_argument("--key", required=True, type=file, metavar="FILE", help="and its key")
    told = "what the gate's own certificate verifies with, if its URL is https"
    parser.add_argument("--authority", type=file, metavar="FILE", help=told)
    told = "where Envoy listens; 0.0.0.0:443 if not given"
    parser.add_argument("--listen", default="0.0.0.0:443", metavar="HOST:PORT", help=told)
    told = "the folder to write the two files into, such as /etc/envoy"
    parser.add_argument("--into", required=True, type=file, metavar="DIR", help=told)


def _simulate(parser: Parser) -> None:
    _folder(parser)
    told = "somebody who is away: person:ID, or everyone whom a state can compel: state:CODE; repeatable"
    parser.add_argument("--away", action="append", required=True, metavar="WHO", help=told)
    _format(parser)


def _drill(parser: Parser) -> None:
    _folder(parser)
    told = "the terms to rehearse; the first of break_glass in gate.toml if not given"
    parser.add_argument("--terms", metavar="TERMS", help=told)
    told = "who would carry it out; the first who could ask for it if not given"
    parser.add_argument("--who", metavar="PERSON", help=told)
    parser.add_argument("--action", metavar="ACTION", help="what they would do; any that the terms open if not given")
    told = "on what, such as asset:meetings-us; anything that the terms open if not given"
    parser.add_argument("--on", metavar="TYPE:ID", help=told)
    parser.add_argument("--by", metavar="PERSON", help="who holds the drill; it stands in what everybody signs")
    told = "what people read of why it is held"
    parser.add_argument("--purpose", default="A rehearsal of the emergency terms.", metavar="TEXT", help=told)
    told = "days after which the drill is over by itself; 3 if not given"
    parser.add_argument("--days", type=count, default=3, metavar="N", help=told)
    parser.add_argument("--dry-run", action="store_true", help="say what it would be, and tell nobody")
    parser.add_argument("--no-wait", action="store_true", help="announce it, and do not wait for people")
    parser.add_argument("--resume", action="store_true", help="go on with the drill that is under way")
    parser.add_argument("--end", action="store_true", help="end the drill that is under way, and write its protocol")
    told = "list the drills that the ledger tells of; exit status 1 if no quorum signed the last one"
    parser.add_argument("--last", action="store_true", help=told)
    parser.add_argument("--reviewer", metavar="PERSON", help="who reviews it, at its end; asked for if not given")
    told = "something that failed, for the protocol; repeatable"
    parser.add_argument("--failed", action="append", default=[], metavar="TEXT", help=told)
    told = "something that will be done, for the protocol; repeatable"
    parser.add_argument("--todo", action="append", default=[], metavar="TEXT", help=told)
    told = "where to write the protocol; in FOLDER/drills if not given"
    parser.add_argument("--protocol", type=file, metavar="FILE", help=told)
    parser.add_argument("--yes", action="store_true", help="ask nothing: everything on the checklist is confirmed")
    parser.add_argument("--json", action="store_true", help="print JSON: the plan, or the protocol")


def _ceremony(parser: Parser) -> None:
    _folder(parser)
    told = "found, ledger-keys, retire-ledger-keys, lease-keys, retire-lease-keys, row-key or spare"
    parser.add_argument("kind", metavar="KIND", nargs="?", help=told)
    told = "whom it is about: founders, the approver of a spare; or ids of the ledger's keys that are to go"
    parser.add_argument("people", metavar="WHO", nargs="*", help=told)
    told = "somebody in the room, two at least: the first two confirm, and no state can compel both; repeatable"
    parser.add_argument("--with", dest="present", action="append", default=[], metavar="PERSON", help=told)
    told = "print the checklist of the ceremony, to be filled in by hand, and do nothing"
    parser.add_argument("--print", type=one_of("markdown", "html"), metavar="FORMAT", help=told)
    parser.add_argument("--resume", action="store_true", help="go on with the ceremony that was broken off")
    parser.add_argument("--abandon", action="store_true", help="give up the ceremony that was broken off")
    parser.add_argument("--why", metavar="TEXT", help="why it is given up")
    told = "check a transcript against itself and the ledger; exit status 1 if it is not what the ledger knows"
    parser.add_argument("--verify", type=file, metavar="FILE", help=told)
    told = "with --verify: have a transcript recorded that is over and that the ledger does not know"
    parser.add_argument("--record", action="store_true", help=told)
    _listen(parser)


def _format(parser: Parser) -> None:
    told = "table or json; table if not given"
    parser.add_argument("--format", type=one_of("table", "json"), default="table", metavar="FORMAT", help=told)


def _listen(parser: Parser) -> None:
    told = "where to listen, such as 127.0.0.1:8443; the port of the gate's URL on 127.0.0.1 if not given"
    parser.add_argument("--listen", type=address, metavar="HOST:PORT", help=told)


def _gate(parser: Parser) -> None:
    verbs = {
        "init": Verb(summary="make a gate with its ledger: new keys, empty stores, a first estate", flags=_init),
        "found": Verb(
            summary="let the first people make their passkeys, on this host, before the first request", flags=_found
        ),
        "add-point": Verb(
            summary="let an enforcement point ask; prints its secret, once; the gate takes it up when it starts",
            flags=_add_point,
        ),
        "add-directory": Verb(
            summary="let an identity provider say who is there (SCIM 2.0); prints its token, once; the gate takes it up"
            " when it starts",
            flags=_add_directory,
        ),
        "ssh-ca": Verb(
            summary="the key that signs certificates for SSH, made if it is not there; prints its public half",
            flags=_folder,
        ),
        "nginx": Verb(
            summary="write the two files with which nginx asks the gate; reads the point's secret from standard input",
            flags=_nginx,
        ),
        "envoy": Verb(
            summary="write the two files with which Envoy asks the gate; reads the point's secret from standard input",
            flags=_envoy,
        ),
        "simulate": Verb(
            summary="with these people away, what could nobody be given? exit status 1 if there is something",
            flags=_simulate,
        ),
        "drill": Verb(
            summary="rehearse the emergency terms on the gate that runs: people sign what opens nothing; exit status 1"
            " if no quorum did",
            flags=_drill,
        ),
        "ceremony": Verb(
            summary="hold a key ceremony: two people confirm each step, and the transcript is on record",
            flags=_ceremony,
        ),
        "join": Verb(
            summary="make the folder of one gate more on the PostgreSQL database of one that is there", flags=_join
        ),
        "rebuild": Verb(
            summary="make an empty gate.db where it was lost; the next start fills it from the ledger", flags=_folder
        ),
        "check": Verb(
            summary="verify afresh from the ledger that every lease had its quorum; exit status 1 if one had not",
            flags=_check,
        ),
    }
    add_verbs(parser, verbs)


def _serve(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=file, help="the gate's folder")
    _listen(parser)
    told = "serve what programs ask there as well, apart from the pages for people; only with them if not given"
    parser.add_argument("--points", type=address, metavar="HOST:PORT", help=told)
    told = "serve /metrics, /healthz and /readyz there; not served if not given"
    parser.add_argument("--metrics", type=address, metavar="HOST:PORT", help=told)
    told = "serve the ledger's checkpoint and tiles there, for customers, witnesses and monitors; not if not given"
    parser.add_argument("--public", type=address, metavar="HOST:PORT", help=told)
    told = "make a gate to try out, with people to act as; in FOLDER, or in one that is removed at the end"
    parser.add_argument("--demo", action="store_true", help=told)
    told = "the estate of the demo; examples/meridian/after if not given"
    parser.add_argument("--estate", type=file, metavar="DIR", help=told)


GATE_FLAGS: Mapping[str, Callable[[Parser], None]] = {"gate": _gate, "serve": _serve}
