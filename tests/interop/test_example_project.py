"""The example project with everything that it has, as somebody else's conformance tester sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"
TESTER = """
import json, sys
from config.wsgi import application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import check_server

headers = {"Authorization": f"Bearer {sys.argv[1]}"}
results = check_server(WSGISCIMClient(application, "http://localhost/scim/v2", headers=headers))
told = [(result.status.name, result.resource_type, result.title, str(result.reason)) for result in results]
print(json.dumps(told))
"""


@pytest.fixture
def results(tmp_path: Path) -> list[list[Any]]:
    """Status, resource type, title and reason of everything that scim2-tester tries."""
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"

    def python(*arguments: str) -> str:
        environ = own | {"DATABASE_URL": database, "SCIM_THROTTLE_RATE": ""}
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environ, cwd=EXAMPLE, check=True, stdout=subprocess.PIPE, text=True).stdout

    python("manage.py", "migrate", "--verbosity=0")
    python("manage.py", "scim_connection", "create", "Acme", "--provider", "generic", "--tenant", "acme")
    token = json.loads(python("manage.py", "scim_token", "issue", "--connection", "Acme", "--json"))["token"]
    found: list[list[Any]] = json.loads(python("-c", TESTER, token).splitlines()[-1])
    return found


@pytest.mark.slow
def test_scim2_tester_finds_no_error_in_all_that_the_example_project_has(results: list[list[Any]]) -> None:
    assert [result for result in results if result[0] in ("ERROR", "CRITICAL", "DEVIATION")] == []
    assert {"User", "Group", "Device"} == {result[1] for result in results if result[1]}
    assert sum(result[0] == "SUCCESS" for result in results) > 150
