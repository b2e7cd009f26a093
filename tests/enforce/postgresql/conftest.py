from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.enforce import setup_sql
from tests.enforce.postgresql.cluster import POLICY, TABLES, USER, Cluster, running_cluster
from tests.enforce.postgresql.stands import Stand, point_settings, standing


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster() as found:
        found.sql(TABLES, "postgres")
        settings = point_settings(found, "http://127.0.0.1:1", tmp_path_factory.mktemp("setup"))
        found.sql(setup_sql(settings, USER), "postgres")
        found.sql(POLICY)
        yield found


@pytest.fixture
def stand(cluster: Cluster, tmp_path: Path) -> Iterator[Stand]:
    with standing(cluster, tmp_path) as found:
        yield found
