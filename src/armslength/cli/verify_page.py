"""`armslength verify --page FILE`: the page that verifies a bundle in a browser, written to a file."""

from __future__ import annotations

import argparse

from armslength import service
from armslength.cli.screen import Screen
from armslength.web import verify_page


def run(options: argparse.Namespace, screen: Screen) -> int:
    service.write_file(options.page, [verify_page()])
    screen.note(f"{options.page}: open it in a browser; it works without a network")
    return 0
