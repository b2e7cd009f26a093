"""The script in docs/intake/github.md makes the folder that is read: run with a `gh` that answers from a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.intake.github.exports import REPO, account, grants, mapped, rows, terms

DOCS = Path(__file__).parents[3] / "docs" / "intake" / "github.md"
GH = f"""#!{sys.executable}
import json, pathlib, subprocess, sys
answers = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())
words, jq, path = sys.argv[2:], None, ""
while words:
    word = words.pop(0)
    if word in ("--jq", "-F", "-f", "-H"):
        jq = words.pop(0) if word == "--jq" else (words.pop(0), jq)[1]
    elif not word.startswith("-"):
        path = word
role = path.partition("role=")[2].partition("&")[0]
found = answers.get(path.partition("?")[0] + (f"?{{role}}" if role else ""))
if found is None:
    print('{{"message": "Not Found", "documentation_url": "https://docs.github.com"}}')
    sys.exit(1)
for page in found if isinstance(found, list) and found and isinstance(found[0], list) else [found]:
    text = page if isinstance(page, str) else json.dumps(page)
    if jq:
        text = subprocess.run(["jq", "-rc", jq], input=text, text=True, capture_output=True, check=True).stdout
    print(text, end="" if text.endswith("\\n") else "\\n")
"""
REVIEWED = {"required_approving_review_count": 2, "require_last_push_approval": True, "require_code_owner_review": True}
ANSWERS = {
    "orgs/acme": {"login": "Acme", "default_repository_permission": "read", "plan": {"name": "team"}},
    "orgs/acme/members?admin": [{"login": "Olga"}],
    "orgs/acme/members?member": [[{"login": "Ana"}], [{"login": "Bo"}]],
    "orgs/acme/teams": [{"id": 7, "slug": "devs", "privacy": "closed", "parent": None}],
    "orgs/acme/installations": {"total_count": 0, "installations": []},
    "orgs/acme/actions/permissions/workflow": {"can_approve_pull_request_reviews": False},
    "orgs/acme/repos": [
        {"name": "App", "private": True, "visibility": "private", "default_branch": "main", "topics": []}
    ],
    "orgs/acme/rulesets": [{"id": 1}],
    "orgs/acme/rulesets/1": {
        "id": 1,
        "enforcement": "active",
        "bypass_actors": [],
        "conditions": {
            "ref_name": {"include": ["~ALL"], "exclude": []},
            "repository_name": {"include": ["~ALL"], "exclude": []},
        },
        "rules": [{"type": "pull_request", "parameters": REVIEWED}],
    },
    "orgs/acme/teams/devs/members?member": [{"login": "Bo"}],
    "orgs/acme/teams/devs/members?maintainer": [{"login": "Ana"}],
    "orgs/acme/teams/devs/repos": [{"name": "App", "role_name": "write", "permissions": {"push": True}}],
    "repos/acme/App/collaborators": [],
    "repos/acme/App/keys": [{"id": 5, "title": "x", "read_only": False}],
    "repos/acme/App/branches": [{"name": "main"}, {"name": "rel/1"}],
    "repos/acme/App/branches/rel%2F1/protection": {
        "url": "u",
        "required_pull_request_reviews": {"required_approving_review_count": 3},
    },
    "repos/acme/App/contents/CODEOWNERS": "* @acme/devs\n",
}


INSTALL = "jq is not installed: apt-get install jq"


@pytest.mark.skipif(shutil.which("jq") is None and not os.environ.get("CI"), reason=INSTALL)
def test_the_script_makes_what_is_read(tmp_path: Path) -> None:
    """Whoever follows the page would get an export that says less than there is."""
    if shutil.which("jq") is None:
        pytest.fail(INSTALL)
    lines = DOCS.read_text().splitlines()
    first = lines.index("    ORG=acme")
    last = next(place for place in range(first, len(lines)) if lines[place].startswith("    armslength"))
    script = "\n".join(line.removeprefix("    ") for line in lines[first:last])
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, check=True, capture_output=True)
    root = tmp_path / "github-export"
    harvest = mapped(
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    )
    assert ("github/acme/members", account("bo")) in rows(harvest, "groups", 2)
    assert {id: document["approvals"] for id, document in terms(harvest).items()} == {
        f"{REPO}/branch/main/reviews": 1,
        f"{REPO}/branch/rel/1/reviews": 2,
    }
    owners = f"{REPO}/branch/main/owners"
    assert (f"group:{owners}", "push", f"asset:{REPO}/branch/main", f"{REPO}/branch/main/reviews") in grants(harvest)
    assert rows(harvest, "unknown", 1) == {(f"{REPO}/deploy-key/5",)}
    assert not rows(harvest, "review", 2)
