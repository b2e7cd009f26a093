"""The flags of the commands that keep and run a gate, verb by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.cli.parser import Parser
from armslength.cli.values import address, file, one_of
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
    told = "where to keep the ledger's lock store, best on another disk; in FOLDER if not given"
    parser.add_argument("--lock", type=file, metavar="PATH", help=told)


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


def _simulate(parser: Parser) -> None:
    _folder(parser)
    told = "somebody who is away: person:ID, or everyone whom a state can compel: state:CODE; repeatable"
    parser.add_argument("--away", action="append", required=True, metavar="WHO", help=told)
    _format(parser)


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
        "nginx": Verb(
            summary="write the two files with which nginx asks the gate; reads the point's secret from standard input",
            flags=_nginx,
        ),
        "simulate": Verb(
            summary="with these people away, what could nobody be given? exit status 1 if there is something",
            flags=_simulate,
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
