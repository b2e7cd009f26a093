"""PostgreSQL: roles, memberships, ownership and grants of a cluster, live or from dumps, become grants and powers.

`read_dumps` and `read_catalog` make the same `Cluster` of what pg_dumpall and pg_dump write and of what the server's
catalogs say; `map_postgresql` makes rows of it.

Taken wider: SECURITY DEFINER functions and functions in untrusted languages (who may call one is taken for its owner),
views (who reads one reads all that it names), row security (whole tables), owners of schemas and databases (they can
replace what others own there), CONNECT and USAGE (asked for only where a grant is to PUBLIC).
Not modelled: code that waits for somebody else to run it, pg_hba.conf, the machine below, rights on types, languages,
tablespaces and large objects.
"""

from armslength.intake.postgresql.catalog import read_catalog
from armslength.intake.postgresql.cluster import Cluster
from armslength.intake.postgresql.dump import read_dumps
from armslength.intake.postgresql.mapping import map_postgresql

__all__ = ["Cluster", "map_postgresql", "read_catalog", "read_dumps"]
