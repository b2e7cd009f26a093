"""`armslength gate envoy`: writes the files with which an Envoy asks the gate."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from armslength.cli.gate_proxy import absent_files, folder_into, point_secret, write_files
from armslength.cli.screen import Screen
from armslength.enforce import ClientCertificate, EnvoySite, SignedToken, envoy_bootstrap, envoy_secrets
from armslength.service import Refusal
from armslength.store import read_gate_folder


def write_envoy(options: argparse.Namespace, screen: Screen) -> int:
    settings = read_gate_folder(Path(options.folder), secrets=False).settings
    into = folder_into(options)
    name = f"armslength-{options.host}"
    try:
        site = EnvoySite(
            host=options.host,
            listen=options.listen,
            certificate=os.path.abspath(options.certificate),
            key=os.path.abspath(options.key),
            subject=_subject(options),
            gate=settings.url,
            authority=options.authority and os.path.abspath(options.authority),
            ask=f"{settings.url}/ask",
            upstream=options.upstream,
            secrets=f"{into}/{name}.secrets.json",
        )
        bootstrap = envoy_bootstrap(site)
        files = envoy_secrets(site, point=point_secret())
    except ValueError as error:
        raise Refusal(str(error).split("; ")) from None
    conf = f"{into}/{name}.json"
    made = {path: (text, 0o600) for path, text in files.items()}
    write_files({**made, conf: (bootstrap, 0o644)})
    screen.warn(absent_files(options))
    screen.note("wrote two files; let Envoy's user own the second, then: envoy --mode validate -c the first")
    screen.say([conf, site.secrets])
    return 0


def _subject(options: argparse.Namespace) -> ClientCertificate | SignedToken:
    """How people are known: by one of the two ways, with all that it takes."""
    tokens = (options.token_keys, options.issuer, options.audience)
    if options.people is not None and not any((*tokens, options.cookie)):
        return ClientCertificate(authority=os.path.abspath(options.people))
    if options.people is None and all(tokens):
        return SignedToken(
            issuer=options.issuer,
            audience=options.audience,
            keys=os.path.abspath(options.token_keys),
            cookie=options.cookie,
        )
    raise ValueError("how are people known? give --people, or --token-keys with --issuer and --audience")
