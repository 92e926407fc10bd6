"""docs/howto/sign-in.rst: its project is put together and does what the page says, with the allauth that is installed."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from test_docs import DOCS, blocks, commands

PAGE = DOCS / "howto" / "sign-in.rst"
SERVER = "https://login.microsoftonline.com/YOUR-TENANT-ID/v2.0"
STORY = Path(__file__).with_name("sign_in_story.py")
WIRING = """
INSTALLED_APPS += ["django_scim_provider"]
DATABASES["default"]["NAME"] = ":memory:"
ALLOWED_HOSTS = ["testserver"]
"""


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the page's project is on SQLite, whatever the suite is on")
def test_the_page_signs_in_whom_scim_knows(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        issuer = f"http://127.0.0.1:{free.getsockname()[1]}"
    call_command("startproject", "mysite", tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(WIRING)
    urls = 'from django.urls import include, path\nurlpatterns = [path("scim/v2/", include("django_scim_provider.urls"))]\n'
    (tmp_path / "mysite" / "urls.py").write_text(urls)
    for block in blocks(PAGE, "python"):
        if caption := re.search(r":caption: (\S+?)(, at the end)?\n", block.options):
            path = tmp_path / caption[1]
            path.parent.mkdir(exist_ok=True)
            before = path.read_text() if caption[2] else ""
            assert SERVER in block.body or not caption[1].endswith("settings.py")
            path.write_text(f"{before}\n{block.body.replace(SERVER, issuer)}\n")
    (create,) = (
        command for block in blocks(PAGE, "console") for command in commands(block) if "create" in command.text
    )
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "ACME_CLIENT_ID": "client",
    }
    played = subprocess.run(
        [sys.executable, STORY, issuer, *shlex.split(create.text)[2:]],
        cwd=tmp_path, env=environ, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    assert '"slug": "acme-entra-' in played.stdout
    assert played.stdout.endswith("done\n")
