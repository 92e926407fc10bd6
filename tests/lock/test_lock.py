"""What the identity provider manages is not changed here; everybody else is left in peace."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.tokens import default_token_generator
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.forms import ModelForm, modelform_factory
from django.template import Context as TemplateContext
from django.template import Template
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlsafe_base64_encode
from rest_framework import serializers
from rest_framework.exceptions import ValidationError as RestError
from rest_framework.test import APIRequestFactory

from admin.browser import Browser, text
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.lock import (
    ManagedUserPasswordValidator,
    ScimAccountAdapterMixin,
    ScimManagedAdminMixin,
    ScimManagedFormMixin,
    is_scim_locked,
    is_scim_managed,
    scim_managed_by,
)
from django_scim_provider.lock.rest import IsNotScimManaged, ScimManagedSerializerMixin
from django_scim_provider.models import ScimConnection
from django_scim_provider.services.context import Context
from factories import HostUserFactory
from group_support import provision
from services.people import configured

pytestmark = pytest.mark.django_db
User = get_user_model()
TOLD = "This account is managed by Acme · Okta. Change it there."
VALIDATORS = [{"NAME": "django_scim_provider.lock.ManagedUserPasswordValidator"}]
STAFF = ("view_user", "change_user", "delete_user")
stock_only = pytest.mark.skipif(User._meta.label != "auth.User", reason="for Django's own UserAdmin")


@pytest.fixture
def managed(context: Context) -> Any:
    """Ann, fresh from the database."""
    ScimConnection.objects.update(name="Acme · Okta")
    (row,) = provision(context, "ann")
    return User._base_manager.get(pk=row.user_id)


@pytest.fixture
def free(connection: ScimConnection) -> Any:
    """Somebody whom nobody manages."""
    ScimConnection.objects.update(existing_accounts="never")
    return HostUserFactory(name="free")


def again(user: Any) -> Any:
    return User._base_manager.get(pk=user.pk)


# Who is ----------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_who_is_managed_and_by_whom(managed: Any, free: Any, context: Context) -> None:
    assert is_scim_managed(managed)
    assert is_scim_locked(managed)
    assert scim_managed_by(managed) == "Acme · Okta"
    for nobody in (free, AnonymousUser(), User(), None):
        assert not is_scim_managed(nobody)
        assert not is_scim_locked(nobody)
        assert scim_managed_by(nobody) == ""
    ScimConnection.objects.update(enabled=False)
    assert not is_scim_managed(again(managed)), "nobody could let them in again"
    ScimConnection.objects.update(enabled=True)
    managed.scim_users.update(alive=None)
    assert not is_scim_managed(again(managed))


def test_it_is_asked_once_for_a_request(managed: Any) -> None:
    lazy: Any = SimpleLazyObject(lambda: managed)
    with CaptureQueriesContext(database) as queries:
        for _ in range(3):
            assert is_scim_managed(lazy)
            assert is_scim_locked(lazy)
            assert scim_managed_by(lazy)
    assert len(queries) == 1


def test_who_is_exempt(managed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with configured(LOCK_EXEMPT="lock.test_lock.owns_the_site"):
        assert not is_scim_locked(managed)
        managed.email = "other@example.com"
        assert is_scim_locked(managed)
    managed.is_superuser = True
    assert not is_scim_locked(managed), "SCIM may not change them either"
    monkeypatch.setattr(UserAdapter, "is_protected", lambda self, user: False)
    assert is_scim_locked(managed)
    with configured(LOCK_EXEMPT="superusers"):
        assert not is_scim_locked(managed)


def owns_the_site(user: Any) -> bool:
    return user.email == "ann@example.com"


# Passwords -------------------------------------------------------------------------------------------------


@pytest.mark.hosts
@override_settings(AUTH_PASSWORD_VALIDATORS=VALIDATORS)
def test_djangos_forms_set_no_password(managed: Any, free: Any) -> None:
    new = {"new_password1": "long enough 123", "new_password2": "long enough 123"}
    refused = SetPasswordForm(managed, new)
    assert refused.errors["new_password2"] == [TOLD]
    assert SetPasswordForm(free, new).is_valid()
    assert ManagedUserPasswordValidator().get_help_text() == ""
    ManagedUserPasswordValidator().validate("whoever signs up")


@override_settings(AUTH_PASSWORD_VALIDATORS=VALIDATORS, ROOT_URLCONF="api.urls_with_auth")
def test_a_reset_link_sets_no_password(managed: Any) -> None:
    managed.set_password("old and known")
    managed.save()
    uid = urlsafe_base64_encode(force_bytes(managed.pk))
    token = default_token_generator.make_token(managed)
    browser = Client()
    page = browser.get(reverse("password_reset_confirm", args=[uid, token]), follow=True)
    new = {"new_password1": "long enough 123", "new_password2": "long enough 123"}
    assert TOLD in browser.post(page.redirect_chain[-1][0], new).content.decode()
    assert again(managed).check_password("old and known")


# Forms and admin -------------------------------------------------------------------------------------------


class AccountForm(ScimManagedFormMixin, ModelForm):
    pass


@pytest.mark.hosts
def test_a_form_shows_and_does_not_change(managed: Any, free: Any) -> None:
    form_class = modelform_factory(User, form=AccountForm, fields=["email", "password"])
    for user, changed in ((managed, False), (free, True)):
        before = user.email
        form = form_class({"email": "evil@example.com", "password": "x"}, instance=user)
        assert form.fields["email"].disabled is not changed
        assert (form.fields["email"].help_text == TOLD) is not changed
        assert form.is_valid(), form.errors
        form.save()
        assert again(user).email == ("evil@example.com" if changed else before)


@stock_only
@override_settings(ROOT_URLCONF="lock.urls")
def test_the_admin_changes_the_rest_only(managed: Any, free: Any) -> None:
    browser = Browser(*STAFF)
    address = reverse("admin:auth_user_change", args=[managed.pk])
    page = browser.get(address)
    assert TOLD in text(page)
    form = page.context["adminform"].form
    assert not {"username", "email"} & form.fields.keys()
    assert managed.password not in text(page)
    assert re.search("Managed by .+ since .+; last changed .+", text(page))
    free_page = browser.get(reverse("admin:auth_user_change", args=[free.pk]))
    assert {"username", "email"} <= free_page.context["adminform"].form.fields.keys()
    assert TOLD not in text(free_page)
    browser.post(address, {"username": "evil", "email": "evil@example.com", "first_name": "Anna"})
    assert again(managed).email == "ann@example.com"


@stock_only
@override_settings(ROOT_URLCONF="lock.urls")
def test_the_admin_sets_no_password(managed: Any, free: Any) -> None:
    browser = Browser(*STAFF)
    new = {"password1": "long enough 123", "password2": "long enough 123", "usable_password": "true"}
    for user, changed in ((managed, False), (free, True)):
        answer = browser.post(reverse("admin:auth_user_password_change", args=[user.pk]), new)
        assert answer.status_code == 302
        assert again(user).check_password("long enough 123") is changed
    missing = reverse("admin:auth_user_password_change", args=[10_000])
    assert browser.get(missing).status_code == 404


@stock_only
@override_settings(ROOT_URLCONF="lock.urls")
def test_the_admin_sets_no_password_whatever_the_key_looks_like(managed: Any, rf: RequestFactory) -> None:
    """Keys that are text are spelled for addresses: ``a_b`` is ``a_5Fb``."""

    class Page:
        opts, admin_site = User._meta, SimpleNamespace(name="admin")

        def get_object(self, request: Any, object_id: str) -> Any:
            return managed if object_id == "a_b" else None

    class Locked(ScimManagedAdminMixin, Page):
        pass

    request = rf.post("/")
    request._messages = CookieStorage(request)
    answer = Locked().user_change_password(request, "a_5Fb")
    assert answer.headers["Location"] == reverse("admin:auth_user_change", args=[managed.pk])


@stock_only
@override_settings(ROOT_URLCONF="lock.urls")
def test_deleting_managed_people_takes_a_permission_of_its_own(managed: Any, free: Any) -> None:
    both = {"action": "delete_selected", "_selected_action": [managed.pk, free.pk], "post": "yes"}
    address = reverse("admin:auth_user_delete", args=[managed.pk])
    browser = Browser(*STAFF)
    assert browser.post(address, {"post": "yes"}).status_code == 403
    browser.post(reverse("admin:auth_user_changelist"), both)
    assert User.objects.filter(pk=managed.pk).exists()
    assert browser.get(reverse("admin:auth_user_delete", args=[free.pk])).status_code == 200
    assert Browser("view_user", "remove_managed_people").get(address).status_code == 403, "beside Django's own"
    assert Browser(*STAFF, "remove_managed_people").get(address).status_code == 200


# REST framework --------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_a_serializer_refuses_changes_and_nothing_else(managed: Any, free: Any) -> None:
    meta = type("Meta", (), {"model": User, "fields": ["email", "last_login"]})
    account: Any = type("Account", (ScimManagedSerializerMixin, serializers.ModelSerializer), {"Meta": meta})
    refused = account(managed, {"email": "evil@example.com"})
    with pytest.raises(RestError) as error:
        refused.is_valid(raise_exception=True)
    assert error.value.detail == {"email": [TOLD]}
    for user, data in (
        (managed, {"email": managed.email, "last_login": None}),
        (free, {"email": "other@example.com"}),
        (None, {"email": "third@example.com"}),
    ):
        assert account(user, data=data).is_valid(raise_exception=True)


@pytest.mark.hosts
def test_a_permission_refuses_writes_by_and_to_managed_people(managed: Any, free: Any) -> None:
    make = APIRequestFactory()
    for method, user, other, allowed in (
        ("get", managed, managed, True),
        ("post", managed, object(), False),
        ("delete", free, managed, False),
        ("delete", free, free, True),
        ("delete", free, object(), True),
    ):
        request: Any = getattr(make, method)("/")
        request.user = user
        permission = IsNotScimManaged()
        both = permission.has_permission(request, None) and permission.has_object_permission(request, None, other)
        assert both is allowed, (method, user, other)
        assert getattr(permission, "message", None) == (None if allowed else TOLD)


# Templates and allauth -------------------------------------------------------------------------------------


def test_a_template_names_who_manages(managed: Any, free: Any) -> None:
    template = Template(
        "{% load scim_provider %}{% scim_managed_by user as manager %}{% if manager %}{{ manager }}{% else %}-{% endif %}"
    )
    assert template.render(TemplateContext({"user": managed})) == "Acme · Okta"
    assert template.render(TemplateContext({"user": free})) == "-"


class Allauth:
    """What allauth's ``DefaultAccountAdapter`` does, as far as the mixin goes."""

    def __init__(self, request: Any = None) -> None:
        self.request = request

    def clean_email(self, email: str) -> str:
        return email

    def clean_password(self, password: str, user: Any = None) -> str:
        return password

    def can_delete_email(self, email_address: Any) -> bool:
        return True


class Accounts(ScimAccountAdapterMixin, Allauth):
    pass


def test_allauth_changes_no_address_and_no_password(managed: Any, free: Any) -> None:
    mine = Accounts(SimpleNamespace(user=managed))
    assert mine.clean_email("Ann@example.com") == "Ann@example.com"
    for attempt in (lambda: mine.clean_email("x@example.com"), lambda: mine.clean_password("x", managed)):
        with pytest.raises(ValidationError) as error:
            attempt()
        assert error.value.messages == [TOLD]
    assert not mine.can_delete_email(SimpleNamespace(user=managed))
    for other in (SimpleNamespace(user=free), SimpleNamespace(user=AnonymousUser()), None):
        theirs = Accounts(other)
        assert theirs.clean_email("x@example.com")
        assert theirs.clean_password("x", free)
        assert theirs.clean_password("x")
        assert theirs.can_delete_email(SimpleNamespace(user=free))


def test_who_has_no_address_yet_gives_themselves_none(managed: Any) -> None:
    managed.email = None
    with pytest.raises(ValidationError):
        Accounts(SimpleNamespace(user=managed)).clean_email("x@example.com")
