"""The log of a program that runs on: a JSON object a line, which names nobody.

What is logged says which kind of thing was asked for, how it ended and how long it took. Ids of people, customers and
requests are in the ledger, where who reads them is known.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import TextIO


class Lines(logging.Formatter):
    """One line for each record, a traceback inside it."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "says": record.getMessage(),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def log_lines(stream: TextIO) -> None:
    """Have everything that this program logs written to `stream`; of what others log, warnings."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("armslength").setLevel(logging.INFO)
