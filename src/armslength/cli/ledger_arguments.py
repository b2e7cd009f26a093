"""The flags of the commands that keep, witness and watch a ledger. Each has verbs: `armslength witness init FOLDER`."""

from __future__ import annotations

from collections.abc import Callable

from armslength.cli import ledger_flags as ledger
from armslength.cli.parser import Parser
from armslength.cli.values import address, file, one_of, seconds
from armslength.cli.verbs import Verb, add_verbs

# witness


def _folder(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="the witness's folder: its keys and its state")


def _witness_init(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="a folder that is empty or not there yet")
    told = "the name in its keys, best a URL without https:// that is yours, such as example.com/witness"
    parser.add_argument("--name", required=True, metavar="NAME", help=told)


def _witness_add_log(parser: Parser) -> None:
    _folder(parser)
    told = "a verifier key of the log, as the log's operator gives it; its name is the log's origin; repeatable"
    parser.add_argument("vkeys", metavar="VKEY", nargs="+", help=told)


def _witness_drop_key(parser: Parser) -> None:
    _folder(parser)
    parser.add_argument("vkeys", metavar="VKEY", nargs="+", help="a key that is trusted now; repeatable")


def _witness_key(parser: Parser) -> None:
    _folder(parser)
    told = "where logs reach the witness: written into the lines for a policy"
    parser.add_argument("--url", metavar="URL", help=told)


def _witness_serve(parser: Parser) -> None:
    _folder(parser)
    told = "where to listen, such as 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one"
    parser.add_argument("--listen", required=True, type=address, metavar="HOST:PORT", help=told)
    told = "serve /metrics, /healthz and /readyz there too; not served if not given"
    parser.add_argument("--metrics", type=address, metavar="HOST:PORT", help=told)


def _witness(parser: Parser) -> None:
    verbs = {
        "init": Verb(summary="make a witness: new keys and an empty state", flags=_witness_init),
        "add-log": Verb(
            summary="witness a log, or trust more keys of one; a witness that runs takes it up at once",
            flags=_witness_add_log,
        ),
        "drop-key": Verb(
            summary="trust a log's key no longer; without a key left, the log is not witnessed", flags=_witness_drop_key
        ),
        "key": Verb(summary="print its verifier keys, and the lines that put it into a policy", flags=_witness_key),
        "serve": Verb(summary="answer logs over HTTP until stopped", flags=_witness_serve),
        "status": Verb(summary="print each log with the last checkpoint that was cosigned", flags=_folder),
    }
    add_verbs(parser, verbs)


def _ledger(parser: Parser) -> None:
    verbs = {
        "init": Verb(summary="make a ledger: new keys and empty stores", flags=ledger.init),
        "append": Verb(summary="record acts and print their receipts, a line each", flags=ledger.append),
        "status": Verb(summary="print how it stands; exit status 1 if something is wrong", flags=ledger.status),
        "serve": Verb(
            summary="record heartbeats, have checkpoints cosigned, publish them and serve them until stopped",
            flags=ledger.serve,
        ),
        "fsck": Verb(summary="check everything that is stored; exit status 1 if something is wrong", flags=ledger.fsck),
        "export": Verb(
            summary="write a customer's bundle, a customer's own log, or the proof of one entry", flags=ledger.export
        ),
        "erase": Verb(
            summary="record an erasure, then destroy what opens a customer's records, or some fields",
            flags=ledger.erase,
        ),
        "rotate-key": Verb(summary="sign with new keys too, or no longer with old ones", flags=ledger.rotate_key),
        "adopt-keys": Verb(
            summary="go on with a store of keys restored from a backup, and record that", flags=ledger.folder
        ),
        "move": Verb(summary="copy stores into PostgreSQL, or back, check them and go on there", flags=ledger.move),
    }
    add_verbs(parser, verbs)


def _monitor(parser: Parser) -> None:
    parser.add_argument("log", metavar="LOG", type=file, help="where the log is served: a URL, or its public folder")
    told = "the log's keys, the witnesses you trust and how many of them you ask for (c2sp.org/tlog-policy)"
    parser.add_argument("--policy", required=True, type=file, metavar="FILE", help=told)
    told = "where to keep the mirror, the evidence and how far the monitor is; made if it is not there"
    parser.add_argument("--folder", required=True, type=file, metavar="DIR", help=told)
    often = parser.add_mutually_exclusive_group()
    told = "look again after so long, until stopped; 60 if not given"
    often.add_argument("--every", type=seconds, metavar="SECONDS", help=told)
    often.add_argument("--once", action="store_true", help="look once, as suits cron")
    told = "another place that serves this log, such as a mirror that somebody else keeps; repeatable"
    parser.add_argument("--also", action="append", default=[], type=file, metavar="URL", help=told)
    told = "no new checkpoint, or no entry, for so long is a finding; 900 if not given, 0 for never"
    parser.add_argument("--silence", type=seconds, metavar="SECONDS", default=900.0, help=told)
    told = "write figures there after each round, for the textfile collector of Prometheus' node exporter"
    parser.add_argument("--metrics", type=file, metavar="FILE", help=told)
    told = "table or json, a line for each round; table if not given"
    parser.add_argument("--format", type=one_of("table", "json"), metavar="FORMAT", default="table", help=told)


LEDGER_FLAGS: dict[str, Callable[[Parser], None]] = {
    "ledger": _ledger,
    "witness": _witness,
    "monitor": _monitor,
}
