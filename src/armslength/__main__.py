"""`python -m armslength`: the same as the command `armslength`."""

from armslength.cli import main

raise SystemExit(main())
