"""What scripts may rely on: ``example_project/manage.py``, its environment variables, its addresses, and the demo."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django.db.models.signals import pre_save
from django.test import Client

from django_scim_provider.models import ScimConnection, ScimUser
from workspace.demo import server
from workspace.demo.okta import Answer, Okta
from workspace.demo.people import PEOPLE
from workspace.demo.story import Step, Story

MANAGE = Path(__file__).resolve().parents[1] / "example_project" / "manage.py"
VARIABLES = ("DATABASE_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SCIM_THROTTLE_RATE", "DJANGO_SETTINGS_MODULE")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('example') / 'db.sqlite3'}"


def environment(**variables: str) -> dict[str, str]:
    """That of this process, without what chooses settings in it."""
    own = {name: value for name, value in os.environ.items() if name not in VARIABLES and not name.startswith("COV")}
    return own | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": python_path()} | variables


def python_path(*more: Path) -> str:
    """That of this process, since commands run elsewhere."""
    own = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return os.pathsep.join([*map(str, more), *(str(Path(entry).resolve()) for entry in own)])


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment(**variables),
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, str(MANAGE), *arguments, **variables)


# Scripts -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script(database: str) -> Callable[..., Any]:
    """``manage.py`` on a migrated database; returns what it prints as JSON."""
    migrated = manage("migrate", "--verbosity=0", DATABASE_URL=database)
    assert (migrated.returncode, migrated.stderr) == (0, "")

    def call(*arguments: str) -> Any:
        done = manage(*arguments, "--json", DATABASE_URL=database)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


def test_scripts_make_a_connection_and_tokens(script: Callable[..., Any]) -> None:
    made = script("scim_connection", "create", "Acme · Okta", "--provider", "okta", "--tenant", "acme")
    assert (made["name"], made["provider"], made["tenant"], made["enabled"]) == ("Acme · Okta", "okta", "acme", True)
    issued = script("scim_token", "issue", "--connection", "Acme · Okta", "--days", "30")
    assert re.fullmatch(r"djscim_\w{12}_\w{49}", issued["token"])
    assert [token["key_id"] for token in script("scim_token", "list")] == [issued["key_id"]]
    rotated = script("scim_token", "rotate", "--connection", made["id"], issued["key_id"])
    assert rotated["token"] != issued["token"]
    assert script("scim_token", "revoke", rotated["key_id"]) == {"revoked": 1}
    assert script("scim_connection", "disable", made["slug"])["enabled"] is False
    assert script("scim_connection", "enable", made["slug"])["enabled"] is True
    (listed,) = script("scim_connection", "list")
    assert (listed["id"], listed["live_tokens"]) == (made["id"], 0)
    assert script("scim_check")["ok"] is True


def test_a_script_learns_of_failure_by_the_exit_code(database: str, script: Callable[..., Any]) -> None:
    done = manage("scim_token", "issue", "--connection", "Nobody", "--json", DATABASE_URL=database)
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no connection “Nobody”" in done.stderr


# Settings ----------------------------------------------------------------------------------------------------


def settings(**variables: str) -> dict[str, Any]:
    program = (
        "import json; from config import settings as s; db = s.DATABASES['default'];"
        "print(json.dumps([s.DEBUG, s.ALLOWED_HOSTS, s.SCIM_PROVIDER, db['ENGINE'], db['OPTIONS'], str(db['NAME']),"
        "db['CONN_MAX_AGE'], s.CACHES['default']['BACKEND'], s.SECRET_KEY]))"
    )
    names = ["debug", "hosts", "scim", "engine", "options", "name", "age", "cache", "key"]
    done = run(sys.executable, "-c", program, **{"PYTHONPATH": python_path(MANAGE.parent), **variables})
    assert done.returncode == 0, done.stderr
    return dict(zip(names, json.loads(done.stdout), strict=True))


def test_the_defaults_are_for_a_first_look() -> None:
    found = settings()
    assert found["debug"] is True
    assert found["hosts"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["name"] == str(MANAGE.parent / "db.sqlite3")
    assert found["options"]["transaction_mode"] == "IMMEDIATE"
    assert found["options"]["timeout"] == 20
    assert found["age"] == 60
    adapters = {"User": "scim.MemberAdapter", "Group": "scim.TeamAdapter", "Device": "devices.DeviceAdapter"}
    wired = {name: f"workspace.{adapter}" for name, adapter in adapters.items()}
    assert found["scim"] == {"ADAPTERS": wired, "REQUIRE_HTTPS": False}
    assert found["cache"].endswith("LocMemCache")


def test_the_environment_decides() -> None:
    found = settings(
        DEBUG="False",
        SECRET_KEY="s3cret",
        ALLOWED_HOSTS="scim.example.com,example.com",
        DATABASE_URL="mysql://root@127.0.0.1:3306/test",
        SCIM_THROTTLE_RATE="7/m",
        SCIM_REQUIRE_HTTPS="true",
        CONN_MAX_AGE="5",
        CACHE_URL="dummycache://",
    )
    assert (found["debug"], found["key"]) == (False, "s3cret")
    assert found["hosts"] == ["scim.example.com", "example.com"]
    assert (found["engine"], found["options"]) == ("django.db.backends.mysql", {"charset": "utf8mb4"})
    assert (found["scim"]["REQUIRE_HTTPS"], found["scim"]["THROTTLE_RATE"]) == (True, "7/m")
    assert found["age"] == 5
    assert found["cache"].endswith("DummyCache")


def test_an_empty_rate_is_no_limit() -> None:
    assert settings(SCIM_THROTTLE_RATE="")["scim"]["THROTTLE_RATE"] is None


def test_postgresql_needs_no_options() -> None:
    found = settings(DATABASE_URL="postgres://postgres@127.0.0.1:5432/postgres")
    assert (found["engine"], found["options"]) == ("django.db.backends.postgresql", {})


def test_a_secret_key_is_needed_outside_debug(database: str) -> None:
    done = manage("check", DATABASE_URL=database, DEBUG="False")
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


def test_checks_are_clean(database: str) -> None:
    done = manage("check", DATABASE_URL=database)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


def test_deployment_checks_are_clean_behind_https(database: str, tmp_path: Path) -> None:
    done = manage(
        "check",
        "--deploy",
        "--fail-level=INFO",
        DATABASE_URL=database,
        DEBUG="False",
        SECRET_KEY="".join(map(chr, range(33, 126))),
        SCIM_REQUIRE_HTTPS="true",
        CACHE_URL=f"filecache://{tmp_path}",
    )
    assert done.returncode == 0, done.stderr


def test_migrations_are_complete(database: str) -> None:
    done = manage("makemigrations", "--check", "--dry-run", DATABASE_URL=database)
    assert (done.returncode, done.stdout) == (0, "No changes detected\n")


# Addresses ---------------------------------------------------------------------------------------------------

ASK = """
import sys
from io import BytesIO
from wsgiref.util import setup_testing_defaults
from config.wsgi import application
for path in sys.argv[1:]:
    environ = {"PATH_INFO": path, "HTTP_HOST": "localhost", "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    answer = application(environ, lambda status, headers: print(path, status.split()[0], dict(headers)["Content-Type"]))
    body = b"".join(answer)
    answer.close()
    if path == "/":
        print(body.decode())
"""


def test_a_real_server_serves_every_address_without_debug(database: str, script: Callable[..., Any]) -> None:
    paths = ["/admin/login/", "/static/admin/css/base.css", "/scim/v2/ServiceProviderConfig", "/scim/v2/Users", "/"]
    done = run(
        sys.executable,
        "-c",
        ASK,
        *paths,
        PYTHONPATH=python_path(MANAGE.parent),
        DATABASE_URL=database,
        DEBUG="False",
        SECRET_KEY="s3cret",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("/admin/login/ 200 text/html")
    assert lines[1].startswith("/static/admin/css/base.css 200 text/css")
    assert lines[2].startswith("/scim/v2/ServiceProviderConfig 200 application/scim+json")
    assert lines[3].startswith("/scim/v2/Users 401 application/scim+json")
    assert lines[4].startswith("/ 200 text/html")
    assert "http://localhost/scim/v2</code>" in done.stdout
    assert 'href="/admin/"' in done.stdout
    assert 'href="/scim/v2/ServiceProviderConfig"' in done.stdout


OAUTH = """
import json
import re
from io import StringIO
import django
django.setup()
from django.core.management import call_command
from django.test import Client
def manage(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()
manage("migrate")
manage("check")
manage("scim_connection", "create", "Acme", "--tenant", "acme")
made = manage("createapplication", "confidential", "client-credentials", "--name", "Entra", "--client-id", "acme-entra")
secret = re.search("client_secret: ([^ ]+)", made.strip())[1]
manage("scim_oauth", "link", "--connection", "Acme", "acme-entra")
client = Client(headers={"Host": "localhost"})
fields = {"grant_type": "client_credentials", "client_id": "acme-entra", "client_secret": secret, "scope": "scim"}
metadata = client.get("/.well-known/oauth-authorization-server").json()
token = client.post("/o/token/", fields).json()["access_token"]
answer = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
print(metadata["token_endpoint"], answer.status_code)
"""


@pytest.mark.slow
def test_access_tokens_of_its_own_oauth_server_are_taken_where_the_environment_says_so() -> None:
    """The steps of docs/howto/oauth.rst for a client that speaks for itself."""
    done = run(
        sys.executable,
        "-c",
        OAUTH,
        PYTHONPATH=python_path(MANAGE.parent),
        DJANGO_SETTINGS_MODULE="config.settings",
        DATABASE_URL="sqlite://:memory:",
        SCIM_OAUTH="true",
    )
    assert (done.stdout, done.returncode) == ("http://localhost/o/token/ 200\n", 0), done.stderr


# The demo ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_demo_plays_a_sync_and_can_do_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = manage("demo", "--once", DATABASE_URL=f"sqlite:///{tmp_path / 'demo.sqlite3'}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "✗" not in done.stdout
        assert "\033" not in done.stdout
        assert re.search(r"^✓ All 53 steps did what they should\.$", done.stdout, re.MULTILINE)
        assert "auth_user +1: anna.berg@example.com, active" in done.stdout
        assert "workspace_membership david.fluss@example.com: is_active True → False" in done.stdout
        assert "workspace_membership david.fluss@example.com: is_active False → True" in done.stdout
        assert "1 found, inactive" in done.stdout
        assert "workspace_badge anna.berg@example.com: number (none) → B-1042" in done.stdout
        assert "workspace_device DEMO-4711: in_use True → False" in done.stdout
        assert "workspace_device -1: DEMO-4711" in done.stdout


def fetch(url: str, token: str = "") -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture
def running_demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """The demo when its synchronisation is done: the process, the port, what it printed."""
    port = server.usable_port(None)
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "demo", "--port", str(port)],
        env=environment(DATABASE_URL=f"sqlite:///{tmp_path / 'demo.sqlite3'}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        # A suite in the background of a script ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 (no thread of ours)
    )
    with process:
        printed = ""
        for line in process.stdout:
            printed += line
            if "Password" in line:
                break
        yield process, port, printed
        if process.poll() is None:
            process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_goes_on_serving_until_it_is_stopped(
    running_demo: tuple[subprocess.Popen[str], int, str], stop: signal.Signals
) -> None:
    process, port, printed = running_demo
    shown = dict(re.findall(r"^  (SCIM base URL|Token|Admin|Login|Password) +(.+)$", printed, re.MULTILINE))
    assert shown["SCIM base URL"] == f"http://127.0.0.1:{port}/scim/v2", printed
    status, body = fetch(f"{shown['SCIM base URL']}/Users", shown["Token"])
    assert (status, json.loads(body)["totalResults"]) == (200, len(PEOPLE))
    assert fetch(f"{shown['SCIM base URL']}/Users", "wrong")[0] == 401
    assert fetch(shown["Admin"])[0] == 200
    process.send_signal(stop)
    assert process.wait(20) == 0
    assert "Stopped." in process.stdout.read()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_demo_refuses_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = manage("demo", "--once", "--port", str(port), DATABASE_URL=f"sqlite:///{tmp_path / 'demo.sqlite3'}")
    assert done.returncode == 1
    assert f"Port {port} cannot be used" in done.stderr
    # A check may have opened the database, the demo has not touched it.
    with closing(sqlite3.connect(tmp_path / "demo.sqlite3")) as opened:
        assert opened.execute("SELECT name FROM sqlite_master").fetchall() == []


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What runs instead of the example project's server."""

    def replace(text: str) -> None:
        (tmp_path / "manage.py").write_text(text)
        monkeypatch.setattr(server, "MANAGE", tmp_path / "manage.py")

    return replace


def test_a_server_that_does_not_start_says_why(program: Callable[[str], None]) -> None:
    program("raise SystemExit('no room in the harbour')")
    with (
        pytest.raises(CommandError, match="The server did not start:\nno room in the harbour"),
        server.running(server.usable_port(None)),
    ):
        pytest.fail("it did start")


def test_a_server_that_never_answers_and_does_not_listen_is_killed(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)")
    monkeypatch.setattr(server, "START_TIMEOUT", 3)
    monkeypatch.setattr(server, "STOP_TIMEOUT", 0.2)
    with pytest.raises(CommandError, match="The server did not start"), server.running(server.usable_port(None)):
        pytest.fail("it did start")


# The story, in process: does it see what goes wrong? --------------------------------------------------------------


class InProcess(Okta):
    """The same requests without a socket."""

    def __init__(self, token: str) -> None:
        super().__init__("http://testserver/scim/v2", token)
        self.client = Client(headers=self.headers, raise_request_exception=False)

    def send(self, method: str, path: str, params: dict[str, Any] | None = None, body: Any = None) -> Answer:
        data = json.dumps(body).encode() if body is not None else b""
        response = self.client.generic(
            method,
            f"/scim/v2{path}",
            data,
            content_type="application/scim+json; charset=utf-8",
            QUERY_STRING=urlencode(params or {}),
        )
        return Answer(response.status_code, dict(response.headers), response.json() if response.content else None)


@pytest.fixture
def play(connection: ScimConnection, issue_token: Callable[..., str]) -> Callable[..., list[Step]]:
    def play(okta: type[InProcess] = InProcess) -> list[Step]:
        chapters: list[str] = []
        told: list[Step] = []
        story = Story(okta(issue_token(connection)), chapters.append, told.append)
        story.play()
        assert chapters
        assert told == story.steps
        return [step for step in story.steps if step.problems]

    return play


def test_the_story_is_content_with_this_package(play: Callable[..., list[Step]]) -> None:
    assert play() == []
    assert ScimUser.objects.count() == len(PEOPLE)


def test_the_story_sees_a_database_that_says_otherwise(play: Callable[..., list[Step]]) -> None:
    def stay_active(instance: Any, **kwargs: Any) -> None:
        instance.is_active = True

    pre_save.connect(stay_active, sender=get_user_model())
    try:
        bad = play()
    finally:
        pre_save.disconnect(stay_active, sender=get_user_model())
    problems = [problem for step in bad for problem in step.problems]
    assert "not in the database as it should be: auth_user david.fluss@example.com is_active" in problems
    assert "active is True, expected False" in problems


def test_the_story_sees_what_nobody_asked_for(play: Callable[..., list[Step]]) -> None:
    def shout(instance: Any, **kwargs: Any) -> None:
        instance.first_name = "Anna"

    pre_save.connect(shout, sender=get_user_model())
    try:
        bad = play()
    finally:
        pre_save.disconnect(shout, sender=get_user_model())
    assert {step.method for step in bad} >= {"POST"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"Content-Type": "text/html"}, "<h1>Server Error</h1>"),
        Answer(200, {"Content-Type": "text/html"}, "<h1>Welcome</h1>"),
        Answer(200, {"Content-Type": "application/scim+json"}, None),
        Answer(201, {"Content-Type": "application/scim+json"}, {"totalResults": "1", "password": "x"}),
        Answer(409, {"Content-Type": "application/scim+json"}, []),
    ],
)
def test_the_story_goes_on_to_the_end_whatever_it_is_answered(play: Callable[..., list[Step]], answer: Answer) -> None:
    class Broken(InProcess):
        def send(self, *args: Any, **kwargs: Any) -> Answer:
            return answer

    bad = play(Broken)
    assert len(bad) >= 40
    assert not ScimUser.objects.exists()


def test_a_pushed_group_is_a_team_and_members_see_who_is_managed_in_their_own_organization(tmp_path: Path) -> None:
    program = """
import django; django.setup()
from workspace.models import Team
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import connections, groups, users
from django_scim_provider.services.context import Context
context = Context(connections.create("Acme", provider="okta", tenant="acme"))
anna = users.create_user(context, {"userName": "anna@example.com"})
groups.create_group(context, {"displayName": "Crew", "members": [{"value": anna.id}]})
print(list(Team.objects.filter(name="Crew").values_list("organization__slug", "people__username")))
from django.contrib.auth.models import User
from django.test import Client
client = Client(headers={"host": "localhost"})
print(client.get("/organizations/acme/").headers["Location"])
for name in ("olivia@acme.example", "sam@globex.example", "anna@example.com"):
    client.force_login(User.objects.get(username=name))
    pages = [client.get(f"/organizations/{slug}/") for slug in ("acme", "globex")]
    text = pages[0].content.decode()
    print([page.status_code for page in pages], text.count("managed by Okta"), "Crew" in text, "Front desk" in text)
"""
    environ = dict(
        os.environ, DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}", DJANGO_SETTINGS_MODULE="config.settings"
    )
    environ["PYTHONPATH"] = os.pathsep.join([str(MANAGE.parent), environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, MANAGE, "migrate", "--verbosity=0"], env=environ, check=True)
    shown = subprocess.run([sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True)
    assert shown.stdout.splitlines() == [
        "[('acme', 'anna@example.com')]",
        "/login/?next=/organizations/acme/",
        "[200, 404] 1 True True",
        "[200, 200] 1 True True",
        "[200, 404] 1 True True",
    ]


@pytest.mark.slow
def test_its_own_suite_proves_its_adapter() -> None:
    done = manage("test", "workspace", "--pythonpath", str(MANAGE.parent), DATABASE_URL="sqlite://:memory:")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Found 38 test(s)."), done.stderr
    assert done.stderr.endswith("OK (skipped=1)\nDestroying test database for alias 'default'...\n"), done.stderr
