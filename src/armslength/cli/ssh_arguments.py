"""The flags of `armslength ssh`, verb by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.cli.parser import Parser
from armslength.cli.values import file
from armslength.cli.verbs import Verb, add_verbs


def _certificate(parser: Parser) -> None:
    parser.add_argument("--gate", required=True, metavar="URL", help="the gate's address")
    told = "the public key: the certificate is written beside it, as KEY-cert.pub"
    parser.add_argument("--key", required=True, type=file, metavar="KEY.pub", help=told)
    told = "a file with the lease, as its page in the console shows it; standard input if not given"
    parser.add_argument("--lease", type=file, metavar="FILE", help=told)
    told = "what the gate's own certificate verifies with; the system's authorities if not given"
    parser.add_argument("--authority", type=file, metavar="FILE", help=told)


def _settings(parser: Parser) -> None:
    parser.add_argument("settings", metavar="SETTINGS", type=file, help="the point's settings, a file of TOML")


def _sshd(parser: Parser) -> None:
    _settings(parser)
    told = "where to write sshd's helper; it and all folders above it belong to root"
    parser.add_argument("--into", type=file, default="/usr/local/lib/armslength", metavar="DIR", help=told)
    told = "the file with the gate's public key, as armslength gate ssh-ca prints it"
    parser.add_argument("--ca", type=file, default="/etc/ssh/armslength-ca.pub", metavar="FILE", help=told)
    parser.add_argument("--user", required=True, metavar="USER", help="the system user who runs the point")


def _ssh(parser: Parser) -> None:
    verbs = {
        "certificate": Verb(
            summary="get a certificate of minutes for a live lease, and write it beside your key", flags=_certificate
        ),
        "point": Verb(
            summary="run the point of this server, which sshd asks at each login; until stopped", flags=_settings
        ),
        "sshd": Verb(summary="write sshd's helper, and print what belongs into sshd_config", flags=_sshd),
        "status": Verb(
            summary="who is in by a lease, and what is wrong; exit status 1 if something is", flags=_settings
        ),
        "watch": Verb(
            summary="wait for the point's end, and end the sessions if no other takes over; the point starts it",
            flags=_settings,
        ),
    }
    parser.after = "VERB"
    add_verbs(parser, verbs)


SSH_FLAGS: Mapping[str, Callable[[Parser], None]] = {"ssh": _ssh}
