"""BloodHound graphs (OpenGraph JSON, or BloodHound's answer to a query) as rows.

Mapped: Active Directory and Entra as BloodHound's collectors tell them, by a table of what each kind of edge does; any
other kind by a file that says what it means; and what `armslength graph` wrote. Ways to take something over compose:
who controls a computer acts as it, and as whoever has a session on it.

Taken wider: what needs a further condition (delegation to some services, a password to be guessed, a role to be
activated) counts as had. A node that edges name and no document has may be anybody's: a gap.

Not modelled: what BloodHound computes from certificates' settings is taken from its edges, not computed again.
"""

from armslength.intake.opengraph.kinds_file import FILE, Kinds, read_kinds
from armslength.intake.opengraph.mapping import map_opengraph

__all__ = ["FILE", "Kinds", "map_opengraph", "read_kinds"]
