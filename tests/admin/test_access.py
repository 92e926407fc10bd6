"""Who reaches what: every page for every kind of person, and nobody another tenant's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from admin.browser import (
    MANAGE,
    MANAGE_TOKENS,
    MAP_ROLES,
    VIEW,
    VIEW_EVENTS,
    Browser,
    hidden,
    live_token,
    superuser,
    url,
)
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin.forms import EnableForm
from django_scim_provider.models import (
    ConnectionGuard,
    GroupRoleMapping,
    ScimConnection,
    ScimEvent,
    ScimOAuthClient,
    ScimToken,
)
from django_scim_provider.services import audit
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

KINDS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "viewer": (VIEW,),
    "token manager": (VIEW, MANAGE_TOKENS),
    "connection manager": (VIEW, MANAGE),
    "event reader": (VIEW, VIEW_EVENTS),
    "role mapper": (VIEW, MAP_ROLES),
    "without view": (MANAGE, MANAGE_TOKENS),
}
SEES = {"viewer", "token manager", "connection manager", "event reader", "role mapper", "superuser"}
PAGES: dict[str, set[str]] = {
    "changelist": SEES,
    "change": SEES,
    "people": SEES,
    "groups": SEES,
    "policies": SEES,
    "removals": {"connection manager", "superuser"},
    "release": {"connection manager", "superuser"},
    "undo": {"connection manager", "superuser"},
    "history": SEES,
    "events": {"event reader", "superuser"},
    "add": {"connection manager", "superuser"},
    "enable": {"connection manager", "superuser"},
    "disable": {"connection manager", "superuser"},
    "test": {"connection manager", "superuser"},
    "delete": {"connection manager", "superuser"},
    "issue": {"token manager", "superuser"},
    "rotate": {"token manager", "superuser"},
    "revoke": {"token manager", "superuser"},
    "unlink": {"token manager", "superuser"},
    "unmap": {"role mapper", "superuser"},
    "priority": {"role mapper", "superuser"},
}
EVENT_PAGES: dict[str, set[str]] = {
    "changelist": {"event reader", "superuser"},
    "change": {"event reader", "superuser"},
    "history": {"event reader", "superuser"},
    "add": set(),
    "delete": set(),
}


def person(kind: str) -> Browser:
    return superuser() if kind == "superuser" else Browser(*KINDS[kind])


def page_of(page: str, connection: ScimConnection) -> str:
    if page in ("changelist", "add"):
        return url(page)
    if page in ("rotate", "revoke"):
        return url(page, connection.pk, live_token(connection).pk)
    if page == "unlink":
        client, _ = ScimOAuthClient.objects.get_or_create(connection=connection, application_key="1", client_id="okta")
        return url(page, connection.pk, client.pk)
    if page in ("unmap", "priority"):
        mapping, _ = GroupRoleMapping.objects.get_or_create(
            connection=connection, group_name="Staff", group_name_key="staff", role="editor"
        )
        return url(page, connection.pk, mapping.pk)
    return url(page, connection.pk)


def state() -> Any:
    """Everything that an action of the panel could change."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (ScimConnection, ScimToken, ScimOAuthClient, ScimEvent, GroupRoleMapping, ConnectionGuard)
    ]


@pytest.fixture
def connection(db: None) -> ScimConnection:
    return ConnectionFactory(name="Acme")


def ready_for(page: str, connection: ScimConnection) -> None:
    if page in ("enable", "delete"):
        ScimConnection.objects.update(enabled=False)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", [*KINDS, "superuser"])
def test_who_may_open_a_page(kind: str, page: str, connection: ScimConnection) -> None:
    ready_for(page, connection)
    response = person(kind).get(page_of(page, connection))
    assert response.status_code == (200 if kind in PAGES[page] else 403)


@pytest.mark.hosts
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_whatever_the_user_model(page: str, connection: ScimConnection, root: Browser) -> None:
    ready_for(page, connection)
    assert root.get(page_of(page, connection)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", [*KINDS, "superuser"])
def test_who_may_not_open_a_page_changes_nothing_by_sending_it(
    kind: str, page: str, connection: ScimConnection
) -> None:
    ready_for(page, connection)
    address = page_of(page, connection)
    browser = person(kind)
    senders = {"policies": {"connection manager", "superuser"}, "groups": {"role mapper", "superuser"}}
    acts = senders.get(page, PAGES[page])
    if kind in acts:
        return
    before = state()
    response = browser.post(address, {"name": "Changed", "provider": "entra", "post": "yes"})
    reads = page in ("changelist", "change", "people", "history", "events") and kind in PAGES[page]
    assert response.status_code == (200 if reads else 403)
    assert state() == before


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_is_sent_to_the_login(page: str, connection: ScimConnection) -> None:
    address = page_of(page, connection)
    for response in (Client().get(address), Client().post(address, {"post": "yes"})):
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("page", PAGES)
def test_a_user_who_is_not_staff_is_sent_to_the_login(page: str, connection: ScimConnection) -> None:
    browser = superuser()
    type(browser.user).objects.filter(pk=browser.user.pk).update(is_staff=False)
    assert browser.get(page_of(page, connection)).status_code == 302


@pytest.mark.parametrize("page", PAGES)
def test_a_forged_request_is_refused(page: str, connection: ScimConnection) -> None:
    ready_for(page, connection)
    browser = superuser()
    address = page_of(page, connection)
    client = Client(enforce_csrf_checks=True)
    client.force_login(browser.user)
    before = state()
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert state() == before


@pytest.mark.parametrize("page", EVENT_PAGES)
@pytest.mark.parametrize("kind", [*KINDS, "superuser"])
def test_events_are_read_by_those_who_may_and_changed_by_nobody(
    kind: str, page: str, connection: ScimConnection
) -> None:
    event = audit.record(Context(connection), audit.Action.ENABLE, label="Acme")
    args = [] if page in ("changelist", "add") else [event.pk]
    address = reverse(f"admin:scim_provider_scimevent_{page}", args=args)
    browser = person(kind)
    assert browser.get(address).status_code == (200 if kind in EVENT_PAGES[page] else 403)
    before = state()
    browser.post(
        address, {"post": "yes", "label": "Changed", "action": "delete_selected", "_selected_action": [event.pk]}
    )
    assert state() == before


def test_no_other_model_is_in_the_admin(root: Browser) -> None:
    page = root.get(reverse("admin:app_list", args=["scim_provider"]))
    models = {model["object_name"] for model in page.context["app_list"][0]["models"]}
    assert models == {"ScimConnection", "ScimEvent"}


# Tenants ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with organizations, whose staff administer the one their e-mail address names."""

    def administered(self: UserAdapter, user: Any) -> list[str]:
        return [user.email.partition("@")[0]]

    monkeypatch.setattr(UserAdapter, "multi_tenant", True)
    monkeypatch.setattr(UserAdapter, "administered_tenants", administered)


EVERYTHING = (VIEW, MANAGE, MANAGE_TOKENS, MAP_ROLES, VIEW_EVENTS)


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("changelist", "add")])
def test_a_connection_of_another_tenant_does_not_exist(page: str) -> None:
    theirs = ConnectionFactory(name="Globex", tenant="globex")
    ready_for(page, theirs)
    address = page_of(page, theirs)
    browser = Browser(*EVERYTHING, name="acme")
    before = state()
    assert browser.get(address).status_code == 404
    assert browser.post(address, {"post": "yes", "name": "Mine", "provider": "okta"}).status_code == 404
    assert state() == before
    assert Browser(*EVERYTHING, name="globex").get(address).status_code == 200


@pytest.mark.usefixtures("tenants")
def test_the_overview_and_the_events_show_only_what_one_administers() -> None:
    mine, theirs = ConnectionFactory(name="Acme", tenant="acme"), ConnectionFactory(name="Globex", tenant="globex")
    for connection in (mine, theirs):
        audit.record(Context(connection), audit.Action.ENABLE, label=connection.name)
    audit.refused_credential(reason="The token is unknown.", key_id="", remote_addr=None, connection=None)
    browser = Browser(*EVERYTHING, name="acme")
    overview = browser.get(url("changelist")).content.decode()
    assert "Acme" in overview
    assert "Globex" not in overview
    events = browser.get(reverse("admin:scim_provider_scimevent_changelist")).content.decode()
    assert "Acme" in events
    assert "Globex" not in events
    assert "unknown" not in events
    filtered = browser.get(reverse("admin:scim_provider_scimevent_changelist"), connection=str(theirs.pk))
    assert "Globex" not in filtered.content.decode()


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize("page", ["change", "history"])
def test_an_event_of_another_tenant_does_not_exist(page: str) -> None:
    event = audit.record(Context(ConnectionFactory(tenant="globex")), audit.Action.ENABLE)
    address = reverse(f"admin:scim_provider_scimevent_{page}", args=[event.pk])
    assert Browser(*EVERYTHING, name="acme").get(address).status_code == 404
    assert Browser(*EVERYTHING, name="globex").get(address).status_code == 200


@pytest.mark.usefixtures("tenants")
def test_superusers_see_every_tenant(root: Browser) -> None:
    connection = ConnectionFactory(tenant="globex")
    event = audit.record(Context(connection), audit.Action.ENABLE)
    assert root.get(url("change", connection.pk)).status_code == 200
    assert root.get(reverse("admin:scim_provider_scimevent_change", args=[event.pk])).status_code == 200


@pytest.mark.usefixtures("tenants")
def test_nobody_enables_scim_for_a_tenant_of_others() -> None:
    browser = Browser(*EVERYTHING, name="acme")
    page = browser.get(url("add"))
    assert [value for value, _ in page.context["form"].fields["tenant"].choices] == ["", "acme"]
    refused = browser.enable(tenant="globex")
    assert refused.context["form"].errors["tenant"]
    assert not ScimConnection.objects.exists()
    browser.enable(tenant="acme")
    assert ScimConnection.objects.get().tenant == "acme"


def test_a_portal_is_judged_by_its_own_adapter(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def administered(self: UserAdapter, user: Any) -> list[str] | None:
        return ["acme"] if self.portal else None

    monkeypatch.setattr(UserAdapter, "administered_tenants", administered)
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "PORTALS": {"store": {}}}):
        general = ConnectionFactory(name="General")
        gone = ConnectionFactory(name="Gone", portal="store")
        ScimConnection.objects.filter(pk=gone.pk).update(portal="closed")
        mine = ConnectionFactory(name="Mine", portal="store", tenant="acme")
        theirs = ConnectionFactory(name="Theirs", portal="store", tenant="globex")
        browser = Browser(*EVERYTHING)
        for connection, status in ((general, 200), (gone, 200), (mine, 200), (theirs, 404)):
            assert browser.get(url("change", connection.pk)).status_code == status


class GeneralAdapter(UserAdapter):
    """The users of a host with organizations, whose staff administer Acme."""

    multi_tenant = True

    def administered_tenants(self, user: Any) -> list[str]:
        return ["acme"]


class StaffAdapter(UserAdapter):
    """A portal without organizations, which hardly anybody administers."""

    def administered_tenants(self, user: Any) -> list[str]:
        return [""] if user.email.startswith("chief") else []


NOTHING = "There is nothing here for which you may enable SCIM."


@pytest.fixture
def portals(settings: Any) -> None:
    settings.SCIM_PROVIDER = {
        **settings.SCIM_PROVIDER,
        "ADAPTERS": {"User": f"{__name__}.GeneralAdapter"},
        "PORTALS": {"shop": {}, "staff": {"ADAPTERS": {"User": f"{__name__}.StaffAdapter"}}},
    }


@pytest.mark.usefixtures("portals")
@pytest.mark.parametrize("tenant", ["", "acme"])
def test_nobody_enables_scim_for_a_portal_where_they_administer_nothing(tenant: str) -> None:
    browser = Browser(*EVERYTHING)
    page = browser.get(url("add"))
    assert page.context["form"].fields["portal"].choices == [("", "None"), ("shop", "shop")]
    draft = browser.enable(portal="staff", tenant=tenant, existing_accounts="adopt", _preview="1")
    assert draft.context["seen"] == "never"
    for seen in ("never", "staff//adopt", f"staff/{tenant}/adopt"):
        refused = browser.enable(portal="staff", tenant=tenant, existing_accounts="adopt", seen=seen)
        assert refused.context["form"].errors["portal"]
    assert not ScimConnection.objects.exists()


@pytest.mark.usefixtures("portals")
def test_where_nothing_is_administered_in_any_portal_none_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeneralAdapter, "administered_tenants", lambda self, user: [] if self.portal else ["acme"])
    browser = Browser(*EVERYTHING)
    assert "portal" not in browser.get(url("add")).context["form"].fields
    browser.enable(portal="shop", tenant="acme")
    assert ScimConnection.objects.get().portal == ""


@pytest.mark.usefixtures("portals")
def test_portals_are_offered_where_something_may_be_made() -> None:
    chief = Browser(*EVERYTHING, name="chief")
    assert chief.get(url("add")).context["form"].fields["portal"].choices == [
        ("", "None"),
        ("shop", "shop"),
        ("staff", "staff"),
    ]
    page = chief.enable(portal="staff", existing_accounts="adopt", _preview="1")
    assert page.context["preview"]["headline"] == "1 existing person will be managed."
    chief.enable(portal="staff", existing_accounts="adopt", seen=hidden(page, "seen"))
    assert ScimConnection.objects.get().portal == "staff"


@pytest.mark.usefixtures("portals")
def test_where_only_a_portal_is_administered_it_is_the_one_that_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeneralAdapter, "administered_tenants", lambda self, user: [])
    chief = Browser(*EVERYTHING, name="chief")
    page = chief.get(url("add"))
    assert page.context["form"].fields["portal"].choices == [("staff", "staff")]
    assert page.context["preview"]["headline"] == "1 existing person will be managed."
    assert chief.enable(portal="").context["form"].errors["portal"]
    assert chief.enable(portal="", existing_accounts="adopt", _preview="1").context["preview"] is None
    chief.enable(portal="staff")
    assert ScimConnection.objects.get().portal == "staff"


def test_who_administers_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch, root: Browser) -> None:
    monkeypatch.setattr(UserAdapter, "administered_tenants", lambda self, user: ())
    browser = Browser(*EVERYTHING)
    data = root.enable_form()
    for response in (browser.get(url("changelist")), browser.get(url("add")), browser.post(url("add"), data)):
        assert NOTHING in response.content.decode()
        assert '<form method="post" class="scim-form"' not in response.content.decode()
        assert "scim-primary" not in response.content.decode()
    assert not ScimConnection.objects.exists()
    assert NOTHING not in root.get(url("changelist")).content.decode()


def test_the_form_asks_for_itself_whether_a_connection_may_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserAdapter, "administered_tenants", lambda self, user: ())
    sent = {"provider": "okta", "name": "Acme", "existing_accounts": "adopt", "on_create": "create"}
    form = EnableForm(sent | {"on_deactivate": "suspend", "on_delete": "suspend"}, user=Browser(*EVERYTHING).user)
    assert form.errors == {"__all__": ["You may not enable SCIM there."]}


@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("key", ["nonsense", "8d2dcaf5-0a19-4d0c-9e9a-2f0c7f7a3f52"])
def test_what_is_not_the_id_of_a_connection_is_not_found(page: str, key: str, root: Browser) -> None:
    assert root.get(url(page, key)).status_code == 404
