"""The command line: files of one cluster become an estate, by the name of the cluster."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from armslength.cli import intake_kubernetes
from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.intake import IntakeError
from armslength.store import StoreError
from tests.intake.kubernetes.clusters import binding, listed, role, rule, space

YAML = b"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  creationTimestamp: null
  name: root
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: see
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: User
  name: oidc:ana@example.com
"""


class Quiet:
    def doing(self, what: str, total: int | None = None) -> None: ...


def taking(*words: str, name: str) -> Taken:
    parser = Parser(prog="kubernetes")
    intake_kubernetes.flags(parser)
    options = parser.parse_args(words, argparse.Namespace(name=name, kept={}))
    return intake_kubernetes.harvest(options, None, Quiet())  # type: ignore[arg-type]


def test_files_and_folders_of_one_cluster(tmp_path: Path) -> None:
    (tmp_path / "roles.json").write_bytes(listed([role("see", rule("get", "configmaps")), space("a")]))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "root.yaml").write_bytes(YAML)
    words = (str(tmp_path / "roles.json"), str(tmp_path / "more"), "--user-prefix", "oidc:")
    taken = taking(*words, name="prod")
    assert taken.inputs == ("roles.json", "root.yaml") and taken.dated is not None
    grants = {row[:3] for row in taken.harvest.rows("grants")}
    assert ("group:prod/clusterrole/see", "read", "asset:prod/objects") in grants
    marks = {row[:3] for row in taken.harvest.rows("identifiers")}
    assert ("group:prod/user/oidc:ana@example.com", "mail", "ana@example.com") in marks
    origins = {row[-1] for table in ("grants", "groups", "assets") for row in taken.harvest.rows(table)}
    assert all(origin.startswith(("roles.json $", "root.yaml $")) for origin in origins)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        taking(str(tmp_path / "none.json"), name="k")
    (tmp_path / "x.json").write_bytes(listed([binding("see")]))
    with pytest.raises(IntakeError, match="no ClusterRole"):
        taking(str(tmp_path / "x.json"), name="k")
