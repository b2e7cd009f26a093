"""`armslength gate nginx`: writes the files with which an nginx asks the gate."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path

from armslength.cli.gate_proxy import absent_files, folder_into, point_secret, write_files
from armslength.cli.screen import Screen
from armslength.enforce import ClientCertificate, NginxSite, nginx_secrets, nginx_site
from armslength.service import Refusal
from armslength.store import read_gate_folder

SOCKETS = "/run/armslength-nginx"
"""Sockets of nginx are open to everybody who gets to them, so they stand in a folder of their own."""


def write_nginx(options: argparse.Namespace, screen: Screen) -> int:
    settings = read_gate_folder(Path(options.folder), secrets=False).settings
    into = folder_into(options)
    name = f"armslength-{options.host}"
    try:
        site = NginxSite(
            host=options.host,
            listen=("443 ssl",),
            certificate=os.path.abspath(options.certificate),
            key=os.path.abspath(options.key),
            subject=ClientCertificate(authority=os.path.abspath(options.people)),
            gate=settings.url,
            authority=options.authority and os.path.abspath(options.authority),
            ask=f"{settings.url}/ask",
            upstream=options.upstream,
            socket=f"{SOCKETS}/{options.host}.sock",
            secrets=f"{into}/{name}.secrets",
        )
        held = nginx_secrets(site, point=point_secret(), held=secrets.token_urlsafe(24))
    except ValueError as error:
        raise Refusal(str(error).split("; ")) from None
    conf = f"{into}/{name}.conf"
    write_files({site.secrets: (held, 0o600), conf: (nginx_site(site), 0o644)})
    screen.warn(absent_files(options))
    screen.note(f"wrote two files; make {SOCKETS} for the user of nginx's workers alone (0700)")
    screen.note("put the first file into the http block of nginx if it is not included there, then: nginx -t")
    screen.say([conf, site.secrets])
    return 0
