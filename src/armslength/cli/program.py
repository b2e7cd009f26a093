"""The program: arguments in, exit status out; whatever goes wrong becomes one line each.

Nothing heavy is imported before a command is known, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

from armslength import __version__
from armslength.cli.arguments import parse
from armslength.cli.screen import Screen

OK, BROKEN, UNREADABLE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` are those of the process if none are given. Gives the exit status.

    Raises nothing: an unexpected error ends in one line on standard error and status 2.
    """
    screen = Screen()
    try:
        status = _run(screen, arguments)
        return screen.close(status)
    except SystemExit as ended:
        return screen.close(ended.code if isinstance(ended.code, int) else UNREADABLE)
    except KeyboardInterrupt:
        screen.complain("interrupted")
        return INTERRUPTED
    except MemoryError:
        screen.complain("out of memory: ask for less, with --state, --action, --asset or --class")
        return UNREADABLE
    except BaseException as error:  # polars' panics are no Exception
        return _failed(screen, error)


def _run(screen: Screen, arguments: Sequence[str] | None) -> int:
    options = parse(sys.argv[1:] if arguments is None else list(arguments))
    command = importlib.import_module(f"armslength.cli.{options.command}")
    try:
        status: int = command.run(options, screen)
        return status
    except Exception as error:
        # What raises one of these has loaded them; a command that does without starts faster.
        from armslength.estate import EstateError
        from armslength.service import Refusal

        match error:
            case EstateError():
                screen.problems(error.problems)
            case Refusal():
                for problem in error.problems:
                    screen.complain(problem)
            case _:
                raise
    return UNREADABLE


def _failed(screen: Screen, error: BaseException) -> int:
    """The one line for what a command did not expect."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        screen.complain(f"cannot write the output: {screen.reason(error)}")
        return UNREADABLE
    if os.environ.get("ARMSLENGTH_TRACEBACK"):
        raise error
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__
    screen.complain(
        f"unexpected error, a fault of armslength {__version__} and not of your estate: {what}: please report it with "
        "what ARMSLENGTH_TRACEBACK=1 shows (SECURITY.md tells how; never send a real estate)"
    )
    return UNREADABLE
