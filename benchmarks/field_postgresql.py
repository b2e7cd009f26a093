"""How long it takes from an approval to the first row of a database; prints JSON.

`python benchmarks/field_postgresql.py`. A real gate, a real PostgreSQL server and the point between them. The clock
starts with the last signature of the quorum, and ends with the first row that psql, or a driver, got by the lease.
Then, from a revocation to the end of the session that was open; and, beside them, the same query by a role that is
there already.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.enforce import Opened, setup_sql  # noqa: E402
from tests.enforce.postgresql.cluster import POLICY, TABLES, USER, running_cluster  # noqa: E402
from tests.enforce.postgresql.stands import Stand, point_settings, standing  # noqa: E402
from tests.service.gates import MEETINGS, approve, asked  # noqa: E402

QUERY = "SELECT name FROM app.accounts WHERE id = 1"


def opened(stand: Stand, first: Callable[[str, str], None]) -> tuple[float, float, Opened, str, str]:
    """Milliseconds from the last signature to the role, and to the first row."""
    waiting = asked(stand.gate.gate, "end", MEETINGS, "acme")
    approve(stand.gate.gate, waiting.request.id, "di")
    start = time.perf_counter()
    state = approve(stand.gate.gate, waiting.request.id, "ed")
    lease = stand.gate.gate.lease(state.status.lease)  # type: ignore[union-attr]
    answer, password = stand.open(lease)
    role = 1000 * (time.perf_counter() - start)
    if not isinstance(answer, Opened):
        raise SystemExit(f"not opened: {answer}")
    first(answer.role, password)
    return role, 1000 * (time.perf_counter() - start), answer, password, lease.terms.id


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=24, help="leases of each kind")
    given = parser.parse_args()
    with running_cluster() as cluster, tempfile.TemporaryDirectory(prefix="armslength-bench-") as temporary:
        cluster.sql(TABLES, "postgres")
        cluster.sql(setup_sql(point_settings(cluster, "http://127.0.0.1:1", Path(temporary)), USER), "postgres")
        cluster.sql(POLICY)

        def by_psql(role: str, password: str) -> None:
            if cluster.psql(role, password, QUERY).stdout != "Anna\n":
                raise SystemExit("psql got nothing")

        def by_driver(role: str, password: str) -> None:
            connection = cluster.driver(role, password)
            connection.cursor().execute(QUERY)
            connection.close()

        with standing(cluster, Path(temporary) / "stand") as stand:
            for who, first in (("psql", by_psql), ("driver", by_driver)):
                roles, rows, plain, ends = [], [], [], []
                for _ in range(given.count):
                    role, row, answer, password, lease = opened(stand, first)
                    roles.append(role)
                    rows.append(row)
                    start = time.perf_counter()
                    first(answer.role, password)
                    plain.append(1000 * (time.perf_counter() - start))
                    kept = cluster.driver(answer.role, password)
                    start = time.perf_counter()
                    stand.gate.gate.revoke(lease, "di", "measured")  # type: ignore[arg-type]
                    while answer.role in cluster.roles():
                        time.sleep(0.005)
                    ends.append(1000 * (time.perf_counter() - start))
                    kept.close()
                line = {
                    "who": who,
                    "count": given.count,
                    "to_role_ms": round(median(roles), 1),
                    "to_row_ms": round(median(rows), 1),
                    "worst_ms": round(max(rows), 1),
                    "plain_ms": round(median(plain), 1),
                    "to_end_ms": round(median(ends), 1),
                }
                print(json.dumps(line))


if __name__ == "__main__":
    main()
