"""Run the suite once per host project: all of it under ``stock``, the tests marked ``hosts`` under the others, and
under a host that was made for some tests only those.

Other arguments go to pytest. With ``COVERAGE_DIR`` in the environment, coverage is collected there and reported over
all hosts together.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HOSTS = ["stock", "email_user", "profile_user", "soft_delete", "teams", "credentials", "tenants", "legacy"]
OWN_TESTS = {
    "credentials": ["tests/credentials", "tests/testing/test_hosts.py"],
    "tenants": ["tests/tenants", "tests/security/test_cross_tenant.py", "tests/testing/test_hosts.py"],
    "legacy": ["tests/legacy"],
}
"""Hosts that other tests have no use for, and where theirs are; they are marked with the host's name."""
IN_ORDER = {"credentials", "legacy"}
"""Few tests, in one process: the OAuth toolkit keeps what the settings of test_oauth.py made of it."""
WITHOUT_DATABASE = ["protocol", "checks"]
ONCE = ["admin", "browser", "conformance", "console", "dialects", "interop", "lock", "testing"]
ONCE += ["api/test_bad_bodies.py", "api/test_negotiation.py", "api/test_paths.py"]
ONCE += ["test_docs.py", "test_docs_commands.py", "test_docs_pages.py", "test_example_project.py", "test_packaging.py"]
ONCE += ["test_sign_in_page.py", "test_translations.py"]
"""What asks the database for nothing that the services are not tried with, or brings a database of its own."""
ON_POSTGRESQL = ["stock", "email_user", "teams", "credentials", "tenants", "legacy"]
ON_MARIADB = ["stock", "profile_user", "soft_delete", "credentials", "tenants", "legacy"]
"""A user model behaves alike on both: each is tried on one of them, what takes locks or ends access on both."""
BRIEFLY = {"stock", "teams", "soft_delete", "credentials", "tenants", "legacy"}
NO_TESTS_COLLECTED = 5
TRACED = {
    "email_user": ["tests/testing/test_hosts.py"],
    "profile_user": ["tests/adapters/test_roles.py"],
    "soft_delete": ["tests/services/test_lifecycle.py", "tests/admin/test_tabs.py"],
}
"""Hosts under which little of the package runs that does not run under others: for coverage only these files count."""
HOSTED = [str(path) for path in sorted(Path("tests").rglob("test_*.py")) if "mark.hosts" in path.read_text("utf-8")]
"""The files with tests for every host: reading the others takes seconds in each process."""


def _command(host: str, options: argparse.Namespace, *, whole: bool) -> list[str]:
    """:param whole: whether to name the files that are usual for the host."""
    # The command, not `python -m pytest`, which would put the checkout in front of the installed wheel.
    command = ["pytest", f"--ds=hosts.{host}.settings", "-n", os.environ.get("XDIST") or "2", "--dist=worksteal"]
    if host == "stock" and options.brief:
        command += [f"--ignore=tests/{name}" for name in ONCE]
    if host != "stock":
        # Ours were tried there, and those of a host project are of no interest.
        command += ["--no-migrations"]
    if host in OWN_TESTS:
        command += [*(OWN_TESTS[host] if whole else []), "-m", host]
        if host in IN_ORDER:
            command += ["-n", "0"]
    elif host != "stock" or options.quick:
        command += [*(HOSTED if whole else []), "-m", "hosts and not slow"]
    return command


def _run(command: list[str], coverage_dir: str | None, host: str) -> int:
    environ = dict(os.environ)
    # The rewritten assertions of the tests are kept as bytecode: the next host need not rewrite them again.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if coverage_dir:
        command = [*command, "--cov", "--cov-report=", "--cov-fail-under=0"]
        environ["COVERAGE_FILE"] = str(Path(coverage_dir, f".coverage.{host}"))
    return subprocess.run(command, env=environ, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="what is marked hosts, under the stock host only")
    parser.add_argument(
        "--brief",
        action="store_true",
        help="leave out what one database tells for all, and user models that differ in their columns alone",
    )
    options, arguments = parser.parse_known_args()
    coverage_dir = os.environ.get("COVERAGE_DIR")
    url = os.environ.get("DATABASE_URL", "")
    everywhere = (ON_POSTGRESQL if url.startswith("postgres") else ON_MARIADB) if url else HOSTS
    hosts = everywhere[:1] if options.quick else everywhere
    if options.brief:
        hosts = [host for host in hosts if host in BRIEFLY]
    failed, idle = [], []
    if url:
        # Pure Python, and proved on SQLite: another database says nothing about it.
        arguments += [f"--ignore=tests/{folder}" for folder in WITHOUT_DATABASE]
    for host in hosts:
        print(f"\n---- host project: {host}", flush=True)
        # Paths that were asked for do without those that are usual.
        asked = any(Path(argument.partition("::")[0]).exists() for argument in arguments)
        command = _command(host, options, whole=not asked) + arguments
        if coverage_dir is None or asked or host not in TRACED:
            status = _run(command, coverage_dir, host)
        else:
            status = _run(command, None, host) or _run(
                _command(host, options, whole=False) + TRACED[host] + arguments, coverage_dir, host
            )
        # A selection of tests may hold none for this host; the whole suite always does.
        if status == NO_TESTS_COLLECTED and arguments:
            idle.append(host)
        elif status:
            failed.append(host)
    if idle == hosts:
        failed = idle
    if failed:
        print(f"\nfailed under: {', '.join(failed)}", flush=True)
        return 1
    if coverage_dir:
        environ = dict(os.environ, COVERAGE_FILE=str(Path(coverage_dir, ".coverage")))
        subprocess.run(["coverage", "combine", "-q", coverage_dir], env=environ, check=True)
        # Part of the suite says nothing about the whole.
        limit = ["--fail-under=0"] if arguments else []
        return subprocess.run(["coverage", "report", *limit], env=environ, check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
