from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.db.models.signals import ModelSignal, post_save, pre_save
from django.utils import timezone

from django_scim_provider import signals
from django_scim_provider.adapters import Attr, UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import search, selftest, sync, users
from django_scim_provider.services.findings import Finding, Status
from django_scim_provider.services.selftest import check
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]
STEPS = [
    "existing people",
    "create",
    "find by userName",
    "get",
    "update by PUT",
    "update by PATCH",
    "create a second person",
    "create a person with a userName only",
    "deactivate",
    "the filter finds the inactive",
    "reactivate",
    "rename",
    "a duplicate is refused",
    "delete",
    "the name is free again",
]


def bad(found: list[Finding]) -> dict[str, tuple[str, ...]]:
    """The steps that are not in order, with their remarks."""
    return {finding.step: finding.remarks for finding in found if finding.status in (Status.FAILED, Status.ADVICE)}


def everything() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


@contextmanager
def receiving(signal: ModelSignal, receiver: Callable[..., None]) -> Iterator[None]:
    signal.connect(receiver, sender=get_user_model())
    try:
        yield
    finally:
        signal.disconnect(receiver, sender=get_user_model())


@pytest.fixture
def use_adapter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., UserAdapter]:
    """Lets services use the host's adapter with some things about it changed."""

    def use(attributes: dict[str, Any] | None = None, *, without: str = "", **members: Any) -> UserAdapter:
        base = type(get_user_adapter())
        mapping = {key: value for key, value in base.attributes.items() if key != without} | (attributes or {})
        adapter = type("Changed", (base,), {"attributes": mapping, **members})()
        monkeypatch.setattr("django_scim_provider.services.context.get_user_adapter", lambda portal: adapter)
        return adapter

    return use


# What is in order -------------------------------------------------------------------------------------------


def test_every_step_works_on_this_host() -> None:
    assert check() == [Finding(step, Status.OK) for step in STEPS]


def test_nothing_is_left() -> None:
    HostUserFactory()
    before = everything()
    check()
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_nothing_is_committed_and_no_signal_of_ours_is_sent() -> None:
    sent: list[Any] = []

    def note(**kwargs: Any) -> None:
        sent.append(kwargs)

    before = everything()
    signals.user_provisioned.connect(note)
    try:
        assert not bad(check())
    finally:
        signals.user_provisioned.disconnect(note)
    assert everything() == before
    assert not sent
    assert not connection.in_atomic_block


@pytest.mark.parametrize("provider", ["strict", "okta", "entra"])
def test_it_runs_under_every_dialect(provider: str) -> None:
    assert not bad(check(ConnectionFactory(provider=provider)))


@pytest.mark.parametrize("policy", ["suspend", "delete", "nothing", "hook"])
@pytest.mark.parametrize("field", ["on_deactivate", "on_delete"])
def test_it_runs_under_the_policies_of_a_connection(field: str, policy: str) -> None:
    assert not bad(check(ConnectionFactory(**{field: policy})))


def test_a_connection_that_creates_nobody_is_tried_as_if_it_did() -> None:
    connection = ConnectionFactory(on_create="ignore", enabled=False)
    created: list[Any] = []
    with receiving(post_save, lambda **kwargs: created.append(kwargs)):
        assert not bad(check(connection))
    assert created
    connection.refresh_from_db()
    assert (connection.on_create, connection.enabled) == ("ignore", False)


def test_what_the_host_does_on_commit_is_not_done(django_capture_on_commit_callbacks: Any) -> None:
    with (
        django_capture_on_commit_callbacks() as callbacks,
        receiving(post_save, lambda **kwargs: transaction.on_commit(lambda: pytest.fail("committed"))),
    ):
        assert not bad(check())
    assert not callbacks


# What is to be changed: the database ------------------------------------------------------------------------


def test_a_required_column_that_nobody_fills_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    field = get_user_model()._meta.get_field("is_staff")
    monkeypatch.setattr(field, "default", models.NOT_PROVIDED)
    monkeypatch.setitem(vars(field), "_get_default", lambda: None)
    found = check()
    label = get_user_model()._meta.label
    sentence = (
        f"The column `is_staff` of {label} has no default and is not in the attribute map: new users cannot be saved. "
        "Add it to the map or give it a default."
    )
    assert bad(found) == {"create": (sentence,)}
    assert [finding.status for finding in found[2:]] == [Status.SKIPPED] * (len(STEPS) - 2)


def test_a_unique_column_that_is_always_the_same_is_named(use_adapter: Callable[..., UserAdapter]) -> None:
    if not any(field.name == "username" for field in get_user_model()._meta.concrete_fields):
        pytest.skip("this host has no such column")
    use_adapter({"userName": "last_name"}, without="name.familyName")
    found = bad(check())
    label = get_user_model()._meta.label
    assert found["create a second person"][0].startswith(
        f"The column `username` of {label} is unique and is not in the"
    )
    assert "create" not in found


def test_a_receiver_that_breaks_a_constraint_is_located() -> None:
    def count_twice(**kwargs: Any) -> None:
        raise IntegrityError("UNIQUE constraint failed: badges.number")

    with receiving(post_save, count_twice):
        (remark,) = bad(check())["create"]
    assert remark.startswith(
        "The database refused a row in the signal receiver `count_twice` (services/test_selftest.py,"
    )
    assert remark.endswith("UNIQUE constraint failed: badges.number")


def test_without_transactions_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything()
    with monkeypatch.context() as patched:
        patched.setattr(connection.features, "supports_transactions", False)
        found = check()
    assert [(finding.step, finding.status) for finding in found] == [
        ("existing people", Status.OK),
        ("life cycle", Status.SKIPPED),
    ]
    assert everything() == before


# What is to be changed: the host's code ---------------------------------------------------------------------


def test_a_save_that_raises_is_located(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(self: Any, **kwargs: Any) -> None:
        raise AttributeError("no request here")

    monkeypatch.setattr(get_user_model(), "save", save)
    (remark,) = bad(check())["create"]
    assert remark.startswith("`save` (services/test_selftest.py, line ")
    assert "raised AttributeError: no request here. Let it cope with" in remark


def test_a_receiver_that_raises_in_one_step_fails_that_step_only() -> None:
    adapter = get_user_adapter()
    (column,) = adapter.user_name_columns
    names: dict[Any, str] = {}

    def no_renames(instance: Any, **kwargs: Any) -> None:
        name = getattr(instance, column)
        if names.setdefault(instance.pk, name) != name and not name.endswith(".invalid"):
            raise PermissionError("names are for ever")

    with receiving(post_save, no_renames):
        found = bad(check())
    assert set(found) == {"rename"}
    assert found["rename"][0].startswith("The signal receiver `no_renames` (")


def test_a_value_that_the_host_changes_is_named() -> None:
    adapter = get_user_adapter()
    column = "full_name" if "full_name" in adapter.columns else "first_name"
    shout: Callable[..., None] = lambda instance, **_: setattr(instance, column, getattr(instance, column).upper())  # noqa: E731
    with receiving(pre_save, shout):
        found = bad(check())
    assert {"create", "update by PUT", "update by PATCH", "rename"} <= set(found)
    assert any("was sent as" in remark and f"`{column}`" in remark for remark in found["create"])


def test_a_value_that_changes_behind_the_instance_is_named() -> None:
    adapter = get_user_adapter()
    column = "full_name" if "full_name" in adapter.columns else "first_name"
    accounts = get_user_model()._base_manager

    def change(instance: Any, created: bool, **kwargs: Any) -> None:
        if created:
            accounts.filter(pk=instance.pk).update(**{column: "Somebody"})

    with receiving(post_save, change):
        found = bad(check())
    assert any("The answer to a write shows" in remark for remark in found["get"])


def test_a_person_of_whom_only_the_name_is_known_is_advice(use_adapter: Callable[..., UserAdapter]) -> None:
    field = "full_name" if "full_name" in get_user_adapter().columns else "last_name"
    attribute = "displayName" if field == "full_name" else "name.familyName"
    use_adapter({attribute: Attr(field, set=lambda value: value.strip())}, without="name")
    found = check()
    step = next(finding for finding in found if finding.step == "create a person with a userName only")
    assert step.status is Status.ADVICE
    assert "raised AttributeError: 'NoneType' object has no attribute 'strip'" in step.remarks[0]


def test_everybody_protected_is_a_mistake(use_adapter: Callable[..., UserAdapter]) -> None:
    use_adapter(is_protected=lambda self, user: True)
    found = bad(check())
    assert {"deactivate", "rename", "delete"} <= set(found)
    assert "is_protected() is true for somebody whom SCIM has just created" in found["deactivate"][0]


def test_active_that_does_not_decide_about_signing_in(use_adapter: Callable[..., UserAdapter]) -> None:
    adapter = use_adapter(without="active")
    found = bad(check())
    if adapter.soft_deletes:
        assert not found
    else:
        assert set(found) == {"deactivate"}
        assert "has is_active = True, which decides whether Django lets the person sign in" in found["deactivate"][0]


def test_a_look_up_that_does_not_say_what_get_says(use_adapter: Callable[..., UserAdapter]) -> None:
    class Blind(type(get_user_adapter().by_key["active"].attr)):  # type: ignore[misc]
        def condition(self, compare: Any, prefix: str) -> Q:
            return Q(pk__in=())

    column = get_user_adapter().by_key["active"].attr.fields[0]
    adapter = use_adapter({"active": Blind(column)})
    found = bad(check())
    if adapter.soft_deletes:
        assert not found
    else:
        assert set(found) == {"the filter finds the inactive"}
        assert "active eq false does not find the person" in found["the filter finds the inactive"][0]


def test_an_adapter_that_cannot_be_had(settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": {"User": "nowhere.Adapter"}}
    (finding,) = check()
    assert (finding.step, finding.status) == ("attribute map", Status.FAILED)
    assert "cannot import 'nowhere.Adapter'. manage.py check says more." in finding.remarks[0]


@pytest.mark.parametrize("attributes", [{"shoeSize": "email"}, {"title": "shoe_size"}])
def test_a_map_that_leads_nowhere(use_adapter: Callable[..., UserAdapter], attributes: dict[str, str]) -> None:
    use_adapter(attributes)
    (finding,) = check()
    assert (finding.step, finding.status) == ("attribute map", Status.FAILED)


# What is to be changed: the people there are ----------------------------------------------------------------


def test_names_that_cannot_be_managed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now()
    other = ConnectionFactory(existing_accounts="never")
    ScimUser.objects.create(
        connection=other,
        scope="/",
        user_name="Alice@example.com",
        user_name_key="alice@example.com",
        created_at=moment,
        modified_at=moment,
    )
    HostUserFactory(name="alice")
    HostUserFactory(name=" bob")
    HostUserFactory(name=" carol")
    monkeypatch.setattr(sync, "SAMPLE", 1)
    finding = check()[0]
    assert (finding.step, finding.status) == ("existing people", Status.ADVICE)
    alice, unusable, more = finding.remarks
    assert alice == "“alice@example.com” and another user name differ only in spelling. Rename one of them."
    # In the order of their keys, which some hosts draw at random.
    assert re.fullmatch(r"“ (bob|carol)@example.com” is a user name that SCIM cannot carry. Change it.", unusable)
    assert more == "There are 1 more of these."


def test_people_whom_the_connection_may_not_adopt_are_no_concern() -> None:
    HostUserFactory(name=" bob")
    assert check(ConnectionFactory(existing_accounts="never"))[0].status is Status.OK


# Mistakes of this package, which the check would find as well -----------------------------------------------


def test_a_filter_that_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "list_users", lambda *_: search.Page([{"id": "somebody"}], 1))
    found = bad(check())
    assert set(found) == {"find by userName", "the filter finds the inactive", "rename", "delete"}
    assert len(found["rename"]) == 3
    assert found["delete"] == ("After DELETE the filter still finds the person.",)


def test_a_delete_that_deletes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "delete_user", lambda *_: None)
    found = bad(check())
    assert len(found["delete"]) == 2
    assert set(found) == {"delete", "the name is free again"}


def test_a_create_that_always_answers_with_the_same_person(monkeypatch: pytest.MonkeyPatch) -> None:
    create = users.create_user
    first: list[Any] = []

    def same(*args: Any) -> Any:
        first[:] = first or [create(*args)]
        return first[0]

    monkeypatch.setattr(users, "create_user", same)
    assert set(bad(check())) == {"a duplicate is refused", "the name is free again"}


def test_the_stand_in_is_not_the_connection_itself() -> None:
    connection = ConnectionFactory()
    assert selftest._stand_in(connection, "", "") is not connection
    assert selftest._stand_in(None, "acme", "").tenant == "acme"
    assert not ScimConnection.objects.exclude(pk=connection.pk).exists()
