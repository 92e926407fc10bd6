"""A site as an administrator finds it after a while: two connections, people, groups, roles, held removals, events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.protocol import urns
from django_scim_provider.services import connections, role_mappings, tokens
from django_scim_provider.services.context import Context
from factories import HostUserFactory

PEOPLE = [
    ("ada.lovelace", "Ada", "Lovelace"),
    ("alan.turing", "Alan", "Turing"),
    ("barbara.liskov", "Barbara", "Liskov"),
    ("edsger.dijkstra", "Edsger", "Dijkstra"),
    ("emmy.noether", "Emmy", "Noether"),
    ("frances.allen", "Frances", "Allen"),
    ("grace.hopper", "Grace", "Hopper"),
    ("hedy.lamarr", "Hedy", "Lamarr"),
    ("joan.clarke", "Joan", "Clarke"),
    ("katherine.johnson", "Katherine", "Johnson"),
    ("leslie.lamport", "Leslie", "Lamport"),
    ("margaret.hamilton", "Margaret", "Hamilton"),
    ("mary.jackson", "Mary", "Jackson"),
    ("radia.perlman", "Radia", "Perlman"),
]


def set_up(administrator: Any) -> ScimConnection:
    """Returns the connection that has something on each of its pages."""
    for name in ("Editors", "Viewers"):
        Group.objects.get_or_create(name=name)
    for number in range(3):
        HostUserFactory(name=f"contractor{number + 1}")
    acme = connections.create("Acme · Okta", provider="okta", guard="hold", existing_accounts="never")
    old = connections.create("Globex · Entra ID", provider="entra", existing_accounts="never")
    for connection in (acme, old):
        connections.enable_again(Context(connection, actor=administrator), request_id=None)
    connections.disable(Context(old, actor=administrator))
    context = Context(acme, actor=administrator)
    scim = ScimClient(tokens.issue(context, name="Okta production").text)
    ids = [
        scim.create(f"{name}@example.com", name={"givenName": given, "familyName": family})["id"]
        for name, given, family in PEOPLE
    ]
    for name, members in (("Writers", ids[:4]), ("All staff", ids), ("Research and development", ids[4:9])):
        body = {"schemas": [urns.GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        assert scim.post("/Groups", body).status_code == 201
    _map(context, "Writers", Group.objects.get(name="Editors").name)
    _map(context, "Contractors", Group.objects.get(name="Viewers").name)
    scim.post("/Users", {"schemas": [urns.USER], "name": {"givenName": "Nobody"}})
    scim.post("/Users", person("ada.lovelace@example.com"))
    ScimClient(f"djscim_{'A' * 12}_{'B' * 49}").get("/Users")
    for one in ids[2:]:
        scim.patch(f"/Users/{one}", {"op": "replace", "path": "active", "value": False})
    _look_back()
    return acme


def _map(context: Context, group: str, label: str) -> None:
    (key,) = [role.key for role in context.adapter.roles.choices(context.connection) if role.label == label]
    role_mappings.save_mapping(context, group, key)


def _look_back() -> None:
    """It was not all in the same minute."""
    now = timezone.now()
    events = list(ScimEvent.objects.order_by("-pk").values_list("pk", flat=True))
    for number, pk in enumerate(events):
        ScimEvent.objects.filter(pk=pk).update(at=now - timedelta(minutes=7 * number + 3))
    ScimToken.objects.filter(name="").update(expires_at=now + timedelta(days=12))
    ScimConnection.objects.filter(enabled=True).update(last_seen_at=now - timedelta(minutes=2))
