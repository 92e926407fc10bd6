"""What is handed to a host: the wheel, its metadata, and what the project says of its layers and dependencies."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest

import django_scim_provider

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DISTRIBUTION = "django-scim-provider"
PACKAGE = "django_scim_provider"

LAYERS = [
    {"apps"},
    {"checks", "receivers", "urls", "admin", "console", "management", "templatetags"},
    {"testing"},
    {"api", "lock", "sign_in"},
    {"services"},
    {"adapters"},
    {"models", "dialects"},
    {"protocol"},
    {"conf", "signals", "mixins"},
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def wheel_metadata(wheel: zipfile.ZipFile) -> Any:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(wheel.read(name).decode())


def test_the_suite_runs_against_an_installed_wheel() -> None:
    origin = json.loads(importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("the package is installed editable")
    assert Path(django_scim_provider.__file__).parent != ROOT / PACKAGE
    assert str(ROOT) not in sys.path


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    in_wheel = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert in_wheel == in_tree


@pytest.mark.parametrize(
    "pattern",
    [
        rf"{PACKAGE}/py\.typed",
        rf"{PACKAGE}/templates/.+\.html",
        rf"{PACKAGE}/migrations/0001_.+\.py",
        r".+\.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds(wheel: zipfile.ZipFile, pattern: str) -> None:
    assert [name for name in wheel.namelist() if re.fullmatch(pattern, name)]


def test_the_version_is_the_same_everywhere(wheel: zipfile.ZipFile) -> None:
    version = django_scim_provider.__version__
    assert wheel_metadata(wheel)["Version"] == version
    assert importlib.metadata.version(DISTRIBUTION) == version
    newest = re.search(r"^(\d+\.\d+\.\d+)\b.*\n-+$", (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version


def test_tox_runs_every_python_and_django_that_the_metadata_claims(wheel: zipfile.ZipFile) -> None:
    claimed = wheel_metadata(wheel).get_all("Classifier")
    pythons = {c.rsplit(" ", 1)[1] for c in claimed if re.search(r"Python :: 3\.\d+$", c)}
    djangos = {c.rsplit(" ", 1)[1] for c in claimed if re.search(r"Django :: \d", c)}
    env_list = (ROOT / "tox.ini").read_text(encoding="utf-8").split("[testenv]")[0]
    assert pythons == {f"3.{minor}" for minor in re.findall(r"3(1\d)", env_list)}
    assert djangos == {".".join(release) for release in re.findall(r"\b(?:django)?([56])(\d)\b", env_list)}


def test_the_layers_are_those_of_the_design() -> None:
    (contract,) = (c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert [set(re.findall(r"\w+", layer)) for layer in contract["layers"]] == LAYERS
    # "|" holds neighbours apart, ":" would not; and nothing may stand outside the layers.
    assert not any(":" in layer for layer in contract["layers"])
    assert contract["exhaustive"]
    assert contract["exhaustive_ignores"] == ["migrations"]


def test_the_protocol_can_be_imported_without_django() -> None:
    program = f"""
import importlib, pkgutil, sys
import {PACKAGE}.protocol as protocol
for module in pkgutil.walk_packages(protocol.__path__, protocol.__name__ + "."):
    importlib.import_module(module.name)
print(sorted({{name.split(".")[0] for name in sys.modules}} & {{"django", "rest_framework"}}))
"""
    # -P: not from the checkout, even where that is the working directory.
    result = subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


def test_every_dependency_has_its_line() -> None:
    project = PYPROJECT["project"]
    example = (ROOT / "example_project" / "requirements.txt").read_text(encoding="utf-8")
    requirements = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
        *(r for group in PYPROJECT["dependency-groups"].values() for r in group if isinstance(r, str)),
        *(line for line in example.splitlines() if not line.startswith("#")),
    ]
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}
    page = (ROOT / "docs" / "explanation" / "dependencies.rst").read_text(encoding="utf-8")
    documented = set(re.findall(r"^   \* - ``([\w.-]+)``", page, re.MULTILINE))
    assert documented == names
