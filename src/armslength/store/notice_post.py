"""Sending a notice to wherever people read: mail, chat, pagers, by Apprise's URLs. Needs the extra `notices`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from urllib.parse import quote

PLACES = ("{person}", "{customer}")
"""What stands in a URL for whom the notice is for."""


def can_post() -> bool:
    """Whether the extra is installed."""
    return find_spec("apprise") is not None


def post(urls: Sequence[str], *, whom: str | None, title: str, text: str) -> str | None:
    """Send it to each of the URLs. None if all of them took it, or what to tell the operator: never the URL, which
    holds a password, but its scheme and place in the list.

    A URL with a placeholder is for one person or customer, `whom`; a notice for nobody alone leaves it out.
    """
    if not can_post():
        return "nothing can be sent: install armslength[notices]"
    from apprise import Apprise, NotifyFormat

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would print the URLs
    problems = []
    for number, url in enumerate(urls, 1):
        if any(place in url for place in PLACES):
            if whom is None:
                continue
            for place in PLACES:
                url = url.replace(place, quote(whom, safe=""))
        scheme = url.partition(":")[0][:20]
        one = Apprise()
        if not one.add(url):
            problems.append(f"URL {number} ({scheme}): Apprise cannot read it")
        elif not one.notify(title=title, body=text, body_format=NotifyFormat.TEXT):
            problems.append(f"URL {number} ({scheme}): was not taken")
    return "; ".join(problems) or None
