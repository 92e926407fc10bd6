"""What the documentation shows is run as it stands there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser, Group, Permission, User
from django.db import connection
from django.test.utils import isolate_apps

from django_scim_provider.checks.attribute_map import check_attribute_map
from django_scim_provider.checks.paths import check_dotted_paths
from django_scim_provider.checks.resource_types import check_model_adapters, check_resource_types
from django_scim_provider.checks.schemas import check_schemas
from django_scim_provider.checks.settings import check_settings
from django_scim_provider.checks.user_model import check_user_model
from django_scim_provider.lock import ScimManagedAdminMixin

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.rst", *sorted(DOCS.rglob("*.rst"))]
TESTS = DOCS / "howto" / "test-your-adapter.rst"
TUTORIAL = DOCS / "tutorial" / "first-person.rst"
_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n"
    r"(?P<options>(?: +:.*\n)*)\n"
    r"(?P<body>(?:(?P=indent) +.*\n|\n)+)",
    re.MULTILINE,
)


class Block(NamedTuple):
    language: str
    options: str
    body: str


def blocks(page: Path, *languages: str) -> list[Block]:
    found = _BLOCK.finditer(page.read_text(encoding="utf-8") + "\n")
    made = [Block(match["language"], match["options"], textwrap.dedent(match["body"]).strip("\n")) for match in found]
    return [block for block in made if block.language in languages]


def cases(language: str) -> list[Any]:
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, language), 1)
    ]


@pytest.mark.parametrize("block", cases("python"))
def test_python_is_python(block: Block) -> None:
    compile(block.body, "page", "exec")


@pytest.mark.parametrize("block", cases("json"))
def test_json_is_json(block: Block) -> None:
    json.loads(block.body)


def host_pages() -> Iterator[Any]:
    for page in PAGES:
        if any("# accounts/" in block.body for block in blocks(page, "python")):
            yield pytest.param(page, id=str(page.relative_to(ROOT)))


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The app that pages write their models and adapters for."""
    package, modules = ModuleType("accounts"), {}
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "accounts", package)
    for name in ("models", "scim"):
        modules[name] = ModuleType(f"accounts.{name}")
        monkeypatch.setitem(sys.modules, f"accounts.{name}", modules[name])
    monkeypatch.setattr(apps, "get_containing_app_config", lambda name: SimpleNamespace(label="humanize"))
    for model in (Group, Permission):
        # A second user model would leave its own descriptor there.
        monkeypatch.setattr(model, "user_set", model.user_set)
    return modules


RICH = """
from django.contrib.auth.models import AbstractUser
from django.db import models

class Anybody(AbstractUser):
    is_locked = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict)

class AnybodysProfile(models.Model):
    user = models.OneToOneField(Anybody, on_delete=models.CASCADE, related_name="profile")
    job_title = models.CharField(max_length=100, blank=True)
"""
"""What stands behind adapters that a page shows without a model."""


def user_model(source: str, models: ModuleType) -> Any:
    """The user model among those that some lines make."""
    before = dict(vars(models))
    exec(compile(source, models.__name__, "exec"), vars(models))
    new = [made for name, made in vars(models).items() if isinstance(made, type) and before.get(name) is not made]
    found = [made for made in new if issubclass(made, AbstractBaseUser) and not made._meta.abstract]
    return found[-1]


@pytest.mark.parametrize("page", list(host_pages()))
@isolate_apps("django.contrib.humanize")
def test_models_and_adapters_of_a_page_fit_together(
    page: Path, accounts: dict[str, ModuleType], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = rich = user_model(RICH, accounts["models"])
    for block in blocks(page, "python"):
        if block.body.startswith("# accounts/models.py"):
            model = user_model(block.body, accounts["models"])
        if not block.body.startswith("# accounts/scim.py"):
            continue
        names: dict[str, Any] = vars(accounts["scim"])
        exec(compile(block.body, str(page), "exec"), names)
        for made in re.findall(r"^class (\w*Adapter)\(", block.body, re.MULTILINE):
            for module in ("checks.user_model", "adapters.users"):
                monkeypatch.setattr(f"django_scim_provider.{module}.get_user_model", lambda model=model: model)
            monkeypatch.setattr(names[made], "scope_models", ())  # apps.get_model() does not know them
            settings.SCIM_PROVIDER = {"ADAPTERS": {"User": f"accounts.scim.{made}"}}
            assert [*check_attribute_map(), *check_schemas(), *check_user_model()] == []
            model = rich


@isolate_apps("django.contrib.humanize")
def test_the_resource_type_of_the_page_is_well_made(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        block.body.splitlines()[0]: block.body for block in blocks(DOCS / "howto" / "custom-resource.rst", "python")
    }
    module = ModuleType("inventory.scim")
    monkeypatch.setitem(sys.modules, "inventory", ModuleType("inventory"))
    monkeypatch.setitem(sys.modules, "inventory.scim", module)
    monkeypatch.setattr(apps, "get_containing_app_config", lambda name: SimpleNamespace(label="humanize"))
    names: dict[str, Any] = {"__name__": "inventory.models"}
    exec(found["# inventory/models.py"], names)
    exec(found["# inventory/scim.py"], vars(module))
    module.DeviceAdapter.model = names["Device"]
    exec(found["# settings.py"], names)
    settings.SCIM_PROVIDER = names["SCIM_PROVIDER"]
    for check in (check_dotted_paths, check_schemas, check_resource_types, check_model_adapters, check_attribute_map):
        assert check() == []


@pytest.mark.parametrize(
    "block", [case for case in cases("python") if re.search(r"^SCIM_PROVIDER = ", case.values[0].body, re.MULTILINE)]
)
def test_settings_are_settings(block: Block, settings: Any) -> None:
    names: dict[str, Any] = {}
    exec(compile(block.body, "page", "exec"), names)
    settings.SCIM_PROVIDER = names["SCIM_PROVIDER"]
    assert check_settings() == []


def test_the_locks_of_the_page_can_be_put_into_a_stock_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin.site, "_registry", dict(admin.site._registry))
    for block in blocks(DOCS / "howto" / "lock-accounts.rst", "python"):
        if "allauth" not in block.body:  # not in a stock project; tests/lock has its adapter
            exec(compile(block.body, "page", "exec"), {"__name__": "accounts.locked"})
    assert isinstance(admin.site._registry[User], ScimManagedAdminMixin)


WIRING = 40
"""How many lines the example project may need to connect its organizations."""


def test_the_wiring_of_the_example_project_is_shown_and_short() -> None:
    wiring = Path("example_project", "workspace", "scim.py")
    assert f"literalinclude:: ../../{wiring}" in (DOCS / "howto" / "many-tenants.rst").read_text(encoding="utf-8")
    assert len((ROOT / wiring).read_text(encoding="utf-8").splitlines()) <= WIRING


# The tutorial ----------------------------------------------------------------------------------------------

PAGE_PORT = 8000
BY_HAND = ("python3 -m venv", ". .venv", "python -m pip install", "python manage.py createsuperuser")


class Command(NamedTuple):
    text: str
    output: list[str]


def commands(block: Block) -> list[Command]:
    """The commands of a block, each with the output that is shown below it."""
    made: list[Command] = []
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        end = 1
        while not _is_complete("\n".join(lines[:end])):
            end += 1
        made.append(Command("\n".join(lines[:end]), [line for line in lines[end:] if line.strip()]))
    return made


def _is_complete(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return not text.endswith("\\")


def passing(case: type[unittest.TestCase], name: str) -> bool:
    result = unittest.TestResult()
    case(name)(result)
    return (result.testsRun, result.failures, result.errors, result.skipped) == (1, [], [], [])


@pytest.mark.django_db
def test_the_tests_of_the_page_pass(scim: Any) -> None:
    made = [{} for _ in blocks(TESTS, "python")]
    for block, names in zip(blocks(TESTS, "python"), made, strict=True):
        if "orgs." not in block.body:
            exec(compile(block.body, str(TESTS), "exec"), names)
    cases = [names["TestScim"] for names in made if "TestScim" in names]
    for case in cases:
        case.databases = {"default"}
        assert passing(case, "test_a_rename_is_shown_and_found")
    assert passing(cases[-1], "test_a_leaver_keeps_the_account")
    (leaver,) = [
        names["test_a_leaver_keeps_the_account"] for names in made if "test_a_leaver_keeps_the_account" in names
    ]
    leaver(scim)
    without_google = [
        case for case in cases if "test_google_is_content" not in unittest.TestLoader().getTestCaseNames(case)
    ]
    assert without_google == [cases[1]]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Runs lines in one directory, each in a shell that knows the variables of the ones before; kills what is left."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "COVERAGE"))}
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    state = tmp_path / "variables"
    state.touch()

    def run(directory: str, text: str) -> str:
        script = f"set -e; . {state}; {text}\n declare -p TOKEN ID > {state} 2>/dev/null || true"
        result = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path / directory, env=environ, check=False, capture_output=True, text=True
        )
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
        return result.stdout + result.stderr

    servers: list[subprocess.Popen[bytes]] = []
    run.start = lambda directory, text: servers.append(  # type: ignore[attr-defined]
        subprocess.Popen(shlex.split(text), cwd=tmp_path / directory, env=environ, stderr=subprocess.DEVNULL)
    )
    yield run
    for server in servers:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail("the server did not start")


@pytest.mark.slow
@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="the tutorial's project is on SQLite, whatever the suite is on"
)
@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_tutorial_does_what_it_says(shell: Any, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = ""
    for block in blocks(TUTORIAL, "python", "json", "console"):
        if block.language != "console":
            file = re.search(r":caption: (\S+?)(, at the end)?\n", block.options)
            assert file is not None
            path = tmp_path / directory / file[1]
            before = path.read_text() if file[2] else ""
            path.write_text(f"{before}\n{block.body}\n")
            continue
        for command in commands(block):
            text = command.text.replace(str(PAGE_PORT), str(port))
            if text.startswith(BY_HAND):
                continue
            if text.startswith("cd "):
                directory = text.removeprefix("cd ")
            elif "runserver" in text:
                shell.start(directory, f"{text} --noreload")
                _wait_for(port)
            else:
                output = shell(directory, text)
                for line in command.output:
                    for part in line.split("..."):  # what differs from case to case
                        assert part in output, f"{text}\n{output}"
                if command.output and not text.startswith("curl"):  # which tells on the screen how far it is
                    assert len(output.splitlines()) == len(command.output), f"{text}\n{output}"
