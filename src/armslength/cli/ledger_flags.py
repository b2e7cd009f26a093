"""The flags of `armslength ledger`, verb by verb."""

from __future__ import annotations

import argparse
import re

from armslength.cli.parser import Parser
from armslength.cli.values import address, file, one_of

STORES = {
    "log": "the log's store, in PostgreSQL where several gates share it",
    "lock": "the lock store, best on another disk or server than the log: it finds a log that was rolled back",
    "keys": "the store of keys and openings, best where backups are kept short",
}
_RECORD = re.compile(r"([0-9]{1,15})(?::([a-z0-9_]+(?:\+[a-z0-9_]+)*))?")


def folder(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="the ledger's folder: its settings and its stores")


def init(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=file, help="a folder that is empty or not there yet")
    told = "the log's name in every checkpoint, best a URL without https:// that is yours, such as log.example.com/acts"
    parser.add_argument("--origin", required=True, metavar="NAME", help=told)
    told = "the policy's lines for witnesses, groups and the quorum (c2sp.org/tlog-policy); none if not given"
    parser.add_argument("--witnesses", type=file, metavar="FILE", help=told)
    for store, what in STORES.items():
        told = f"where to keep {what}: a path or postgresql://…; in FOLDER if not given"
        parser.add_argument(f"--{store}", type=file, metavar="PLACE", help=told)
    told = "where to keep the folder to be published, or s3://BUCKET/PREFIX; in FOLDER if not given"
    parser.add_argument("--public", type=file, metavar="PLACE", help=told)
    told = "the bucket's service; AWS_ENDPOINT_URL, else AWS, if not given"
    parser.add_argument("--bucket-endpoint", metavar="URL", help=told)
    parser.add_argument("--bucket-region", metavar="NAME", help="the bucket's region; AWS_REGION if not given")
    told = "a file of mode 0600 with access_key_id and secret_access_key; AWS_ACCESS_KEY_ID and the like if not given"
    parser.add_argument("--bucket-credentials", type=file, metavar="FILE", help=told)


def move(parser: Parser) -> None:
    folder(parser)
    for store, what in STORES.items():
        told = f"where to move {what}: a path or postgresql://… without a password; it stays if not given"
        parser.add_argument(f"--{store}", type=file, metavar="PLACE", help=told)


def append(parser: Parser) -> None:
    folder(parser)
    parser.add_argument("file", metavar="FILE", type=file, help="acts, one JSON object a line; - is standard input")


def status(parser: Parser) -> None:
    folder(parser)
    _format(parser)


def serve(parser: Parser) -> None:
    folder(parser)
    told = "where to listen, such as 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one"
    parser.add_argument("--listen", required=True, type=address, metavar="HOST:PORT", help=told)
    told = "serve /metrics, /healthz and /readyz there too; not served if not given"
    parser.add_argument("--metrics", type=address, metavar="HOST:PORT", help=told)
    told = "only serve what is published; another process writes"
    parser.add_argument("--read-only", action="store_true", help=told)


def fsck(parser: Parser) -> None:
    folder(parser)
    _format(parser)


def export(parser: Parser) -> None:
    folder(parser)
    _whose(parser)
    told = "write the customer's bundle there: what armslength verify and verify.html read"
    parser.add_argument("--bundle", type=file, metavar="FILE", help=told)
    told = "write the customer's own log there, as a folder of tiles"
    parser.add_argument("--tiles", type=file, metavar="FOLDER", dest="into", help=told)
    told = "write the proof of one entry there (c2sp.org/tlog-proof), and the entry beside it; with --entry"
    parser.add_argument("--proof", type=file, metavar="FILE", help=told)
    parser.add_argument("--entry", type=number, metavar="N", help="the entry's index in the log")
    told = "the size of a checkpoint that the customer saved, to be proven a beginning of this one; repeatable"
    parser.add_argument("--since", action="append", default=[], type=number, metavar="SIZE", help=told)
    told = "a label whose values are not to be told; repeatable"
    parser.add_argument("--withhold", action="append", default=[], metavar="LABEL", help=told)
    told = "tell values labelled firm_… as well: for an auditor, never for the customer"
    parser.add_argument("--firm", action="store_true", help=told)
    told = "put the whole log into the bundle: larger, and no map need be trusted"
    parser.add_argument("--whole", action="store_true", help=told)


def erase(parser: Parser) -> None:
    folder(parser)
    parser.add_argument("--customer", required=True, metavar="NAME", help="whose records")
    told = "one record, or with labels (3:address+name) only these fields of it; everything if not given; repeatable"
    parser.add_argument("--record", action="append", default=[], type=record, metavar="N[:LABEL+LABEL]", help=told)
    told = "why, as a short code that names nobody, such as gdpr-17"
    parser.add_argument("--reason", required=True, metavar="CODE", help=told)


def rotate_key(parser: Parser) -> None:
    folder(parser)
    told = "stop signing with the key of this id (status shows them); new keys are added if not given; repeatable"
    parser.add_argument("--retire", action="append", default=[], metavar="ID", help=told)


def number(text: str) -> int:
    """A whole number from 0, in plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise argparse.ArgumentTypeError(f"{text!r} is no such number: expected a whole one, such as 1024")
    return int(text)


def record(text: str) -> tuple[int, tuple[str, ...] | None]:
    """`3:address+name`: a sequence number, and labels in order (None: all)."""
    found = _RECORD.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected the number of a record, or N:LABEL+LABEL")
    return int(found[1]), tuple(sorted(set(found[2].split("+")))) if found[2] else None


def _whose(parser: Parser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--customer", metavar="NAME", help="a customer, as the firm names it; the firm itself if not given"
    )
    who.add_argument("--handle", metavar="HANDLE", help="a customer by the handle, as one that was erased has to be")


def _format(parser: Parser) -> None:
    parser.add_argument(
        "--format",
        type=one_of("table", "json"),
        metavar="FORMAT",
        default="table",
        help="table or json; table if not given",
    )
