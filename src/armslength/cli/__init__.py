"""The commands: the only room that prints, reads today's date and ends with a status.

main(arguments) -> status      0 all floors hold, 1 some floor is broken, 2 the estate or the command cannot be read
"""

from armslength.cli.program import main

__all__ = ["main"]
