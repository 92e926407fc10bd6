"""The long form: each provider leads ten days of a company of 200 against the example project, with and without lost
answers. The short form is in tests/testing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from django_scim_provider.testing import SIMULATORS

MANAGE = Path(__file__).resolve().parents[2] / "example_project" / "manage.py"
VARIANTS = [(name, variant) for name, provider in SIMULATORS.items() for variant in provider.variants]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.environ.get("SCIM_SOAK"), reason="the long form takes minutes for each: SCIM_SOAK=1")
@pytest.mark.parametrize("lose", [0, 10])
@pytest.mark.parametrize(("provider", "variant"), VARIANTS)
def test_ten_days_without_a_complaint(provider: str, variant: str, lose: int) -> None:
    entries = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "DJANGO_"))}
    environ["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in entries)
    command = [sys.executable, str(MANAGE), "scim_simulate", provider, "--variant", variant, "--lose", str(lose)]
    command += ["--users", "200", "--groups", "20", "--days", "10", "--tenant", "acme", "--noinput", "--json"]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True, timeout=1700)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["ok"], report["complaints"], report["differences"]) == (True, [], [])
    assert bool(report["statuses"].get("0")) is bool(lose)
