"""Many clients at once, where one may succeed: with the version that all of them read, or a value that is unique."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.helpers import VENDOR, together, with_setting
from api.test_characteristics import B
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent
from django_scim_provider.protocol import urns
from group_support import push

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has one writer at a time: there is no race to lose"),
]

THREADS = 8
BADGES = "api.test_characteristics.BadgeAdapter"


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_one_of_many_writers_of_a_version_wins(
    scim: ScimClient, connection: ScimConnection, issue_token: Callable[..., str], kind: str
) -> None:
    token = issue_token(connection)
    clients = [ScimClient(token) for _ in range(THREADS)]
    ann = scim.create("ann@example.com")["id"]
    path = f"/Groups/{push(scim, 'Staff', ann)['id']}" if kind == "Groups" else f"/Users/{ann}"

    def job(client: ScimClient, name: str, tag: str) -> Callable[[], int]:
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": name}]}
        return lambda: client.request("PATCH", path, body, headers={"If-Match": tag}).status_code

    for attempt in range(3):
        ScimEvent.objects.all()._raw_delete("default")
        tag = scim.get(path).headers["ETag"]
        # Some want the same: whoever comes second finds it done, by somebody else.
        names = [f"Name {attempt} {number // 2}" for number in range(THREADS)]
        answers = together(job(client, name, tag) for client, name in zip(clients, names, strict=True))
        assert sorted(answers) == [200, *[412] * (THREADS - 1)]
        assert ScimEvent.objects.filter(status=412, outcome="refused").count() == THREADS - 1
        winner = names[answers.index(200)]
        assert scim.get(path).json()["displayName"] == winner


@pytest.mark.parametrize("way", ["POST", "PATCH"])
def test_one_of_many_gets_a_value_that_no_column_keeps_unique(
    scim: ScimClient, connection: ScimConnection, issue_token: Callable[..., str], way: str
) -> None:
    token = issue_token(connection)
    names = [f"p{number}@example.com" for number in range(THREADS)]

    def job(name: str) -> Callable[[], int]:
        client = ScimClient(token)
        if way == "POST":
            return lambda: client.post("/Users", person(name, **{B: {"chip": "1"}})).status_code
        path = f"/Users/{scim.create(name)['id']}"
        return lambda: client.patch(path, {"op": "add", "path": f"{B}:chip", "value": "1"}).status_code

    with with_setting(ADAPTERS={"User": BADGES}):
        answers = together([job(name) for name in names])
        assert sorted(answers) == [201 if way == "POST" else 200, *[409] * (THREADS - 1)]
        assert len(scim.find(f'{B}:chip eq "1"')) == 1
