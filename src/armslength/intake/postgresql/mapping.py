"""A cluster becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.cluster import Cluster
from armslength.intake.postgresql.databases import DatabaseMapping
from armslength.intake.postgresql.predefined import DATABASE_OWNER
from armslength.intake.postgresql.reviewed import Reviewed
from armslength.intake.postgresql.roles import Roles
from armslength.intake.problem import Problems

Tell = Callable[[str], None]


def map_postgresql(
    cluster: Cluster,
    harvest: Harvest,
    problems: Problems,
    *,
    reviewed: Iterable[str] = (),
    tell: Tell = lambda _: None,
) -> None:
    """`reviewed`: patterns of functions that somebody read, and that give no more than they are called for."""
    named: dict[str, str] = {}
    for name, origin in cluster.named():
        named.setdefault(name, origin)
    for name, origin in named.items():
        if name not in cluster.roles and name != DATABASE_OWNER:
            place, _, line = origin.rpartition(" line ")
            message = f"names a role that is not among the roles: {name[:63]!r}: take all of the cluster at one time"
            problems.add(place or origin, message, line=int(line) if line.isdecimal() else None)
    problems.stop()
    roles = Roles(cluster, harvest)
    roles.map()
    allowed = Reviewed(reviewed)
    for database in cluster.databases.values():
        tell(f"mapping database {database.name}")
        DatabaseMapping(database, roles, harvest, allowed).map()
    if not cluster.databases:
        reason = "no database was given, so only roles are known"
        harvest.review(Matter.UNMAPPED, "databases", reason, origin=cluster.origin)
    for pattern in allowed.unused():
        reason = "no function that runs as its owner, or without bounds, has this name"
        harvest.review(Matter.UNMAPPED, f"reviewed {pattern}", reason, origin="options --reviewed")
