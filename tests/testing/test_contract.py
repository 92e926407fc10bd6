"""The contract sees what is wrong with an adapter, or with the project around it, and says what to change."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.db.models.functions import Reverse
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse, JsonResponse

from django_scim_provider.adapters import Attr, Attribute, Boolean, GroupAdapter, GroupRoles, Schema, UserAdapter
from django_scim_provider.adapters.roles import NoRoles
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.testing import contract
from group_hosts import on_teams_host
from hosts.inventory.scim import DeviceAdapter

pytestmark = pytest.mark.django_db


class Site(contract.AdapterContract):
    """Run here, not by pytest: without the set-up of a class, which would close the test's own database."""

    __test__ = False
    databases: ClassVar[Any] = {"default"}


class Tenants(Site):
    __test__ = False
    tenant, other_tenant = "acme", "globex"


def run(name: str, case: type[Site] = Site) -> str:
    """What one test of the contract says; nothing where it passes."""
    result = unittest.TestResult()
    case(f"test_{name}")(result)
    assert result.testsRun == 1, result.errors
    return "\n".join(text for _, text in (*result.failures, *result.errors, *result.skipped))


def check(found: str, said: str) -> None:
    """``said`` is among what was found; nothing was where it is empty."""
    assert said in found if said else not found


@pytest.fixture
def use(settings: Any) -> Callable[..., None]:
    """Put an adapter of this module into the settings."""

    def use(adapter: type, kind: str = "User") -> None:
        adapters = {**settings.SCIM_PROVIDER.get("ADAPTERS", {}), kind: f"{__name__}.{adapter.__name__}"}
        settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": adapters}

    return use


def mapped(**entries: Any) -> dict[str, Any]:
    return {**UserAdapter.attributes, **{name.replace("_", "."): entry for name, entry in entries.items()}}


# The map -----------------------------------------------------------------------------------------------------


class Shared(UserAdapter):
    attributes: ClassVar[Any] = mapped(displayName="first_name")


class Lossy(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: (value or "")[:3]))


class Backwards(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", get=lambda value: value[::-1]))


class Moody(UserAdapter):
    moods = itertools.count()
    attributes: ClassVar[Any] = mapped(title=Attr("date_joined", get=lambda _: f"{next(Moody.moods)}", set=None))


class ElsewhereSought(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", lookup="last_name"))


class Overcautious(UserAdapter):
    class Never(Attr):
        def condition(self, compare: Any, prefix: str) -> Q:
            return ~super().condition(compare, prefix)  # type: ignore[operator]

    attributes: ClassVar[Any] = mapped(name_givenName=Never("first_name"))


class Careless(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: value.strip()))


class Forgetful(UserAdapter):
    def shown(self, sent: Any, columns: Any) -> dict[str, Any]:
        document = super().shown(sent, columns)
        for name in ("nickName", "displayName"):
            document.pop(name, None)
        return document


class Blinkered(UserAdapter):
    def shown(self, sent: Any, columns: Any) -> dict[str, Any]:
        return super().shown(sent, None if sent else columns)


class OddlySorted(UserAdapter):
    class Reversed(Attr):
        def order(self, column: Any) -> Any:
            return Reverse(column)

    attributes: ClassVar[Any] = mapped(name_givenName=Reversed("first_name"))


class Asking(UserAdapter):
    attributes: ClassVar[Any] = mapped(
        title=Attr("email", get=lambda email: str(get_user_model().objects.filter(email=email).count()), set=None)
    )


class Choosy(UserAdapter):
    def write_columns(self, document: Any, *, before: Any = None) -> dict[str, Any]:
        if "Beta givenName" in str(document):
            raise InvalidValue("Nobody is called Beta.")
        return super().write_columns(document, before=before)


# People ------------------------------------------------------------------------------------------------------


class Elsewhere(UserAdapter):
    attributes: ClassVar[Any] = mapped(active="is_staff")


class Inverted(UserAdapter):
    class Wrong(Boolean):
        def condition(self, compare: Any, prefix: str) -> Q:
            return ~super().condition(compare, prefix)  # type: ignore[operator]

    attributes: ClassVar[Any] = mapped(active=Wrong("is_active"))


class Suspending(UserAdapter):
    def create(self, columns: Any, connection: ScimConnection, using: str) -> Any:
        user = super().create(columns, connection, using)
        self.suspend(user, using)
        return user


class Unprotecting(UserAdapter):
    def is_protected(self, user: Any) -> bool:
        return False


class Unending(UserAdapter):
    def end_credentials(self, user: Any, connection: ScimConnection, using: str) -> Any:
        return {}


class Lazy(UserAdapter):
    def suspend(self, user: Any, using: str) -> None:
        """Forgotten."""


class StuckRoles(GroupRoles):
    def take(self, role: str, users: Any, connection: ScimConnection, using: str) -> None:
        """Forgotten."""


class Promoting(UserAdapter):
    roles = StuckRoles()


BROKEN = [
    (
        Shared,
        "what_is_created_is_stored_and_read_back",
        "`first_name`, which displayName writes, too, but what was sent, 'Alpha givenName', reads back as 'Alpha displ",
    ),
    (
        Lossy,
        "filters_find_what_was_sent_and_nothing_else",
        "does not find a person who was sent with 'Alpha givenName': what `set` stores has to be the value itself",
    ),
    (
        ElsewhereSought,
        "filters_find_what_was_sent_and_nothing_else",
        'but the filter name.givenName eq "Alpha givenName" does not find a person',
    ),
    (
        Overcautious,
        "filters_find_what_was_sent_and_nothing_else",
        "but the filter name.givenName eq \"Beta givenName\" finds a person who was sent with 'Alpha givenName'",
    ),
    (
        ElsewhereSought,
        "what_the_application_saves_is_shown_and_found",
        "where the application saved ('Beta givenName',), but the filter name.givenName eq \"Beta givenName\" does not",
    ),
    (
        Backwards,
        "what_the_application_saves_is_shown_and_found",
        "SCIM shows 'emaNnevig ateB', which would be written back as ('emaNnevig ateB',): `get` and `set` do not undo",
    ),
    (Moody, "what_is_created_is_stored_and_read_back", "The answer to POST shows title as "),
    (
        Blinkered,
        "what_the_application_saves_is_shown_and_found",
        "where the application saved ('Beta givenName',), but it still shows 'Alpha givenName'.",
    ),
    (Careless, "a_user_name_is_enough", "AttributeError: 'NoneType' object has no attribute 'strip'"),
    (
        Forgetful,
        "attributes_without_a_column_are_kept_or_ignored_as_declared",
        "keep_unmapped is True, but nickName, which has no column, reads back as None.",
    ),
    (
        Forgetful,
        "what_is_created_is_stored_and_read_back",
        "displayName has no entry in the attribute map and is kept as sent, but what was sent, 'Alpha displayName', re",
    ),
    (
        OddlySorted,
        "people_are_sorted_by_what_is_shown",
        "ascending, gives ['Alpha givenName', 'Gamma givenName', 'Beta",
    ),
    (
        Asking,
        "the_number_of_queries_does_not_grow_with_the_number_of_people",
        "what `get` of an entry asks the database is asked for each person",
    ),
    (
        Choosy,
        "patch_with_a_path_changes_every_attribute",
        "The adapter maps name.givenName to `first_name`, but PATCH with a path was refused: status 400. Nobody is",
    ),
    (Elsewhere, "put_ends_access_and_gives_it_back", "After PUT of active: false the person still has access"),
    (Elsewhere, "checks_find_no_error", "attributes['active'] reaches 'is_staff'"),
    (Inverted, "patch_with_a_path_ends_access_and_gives_it_back", 'the filter active eq false and userName eq "Scim-'),
    (
        Suspending,
        "patch_without_a_path_ends_access_and_gives_it_back",
        "A person who was created with active: true has",
    ),
    (Lazy, "patch_with_a_word_for_false_ends_access_and_gives_it_back", "the person is shown with active True"),
    (Unprotecting, "protected_people_are_left_alone", "is_protected() of the adapter is false for a superuser"),
    (Unending, "a_deactivation_ends_sessions", "end_credentials() of the adapter must call super()"),
    (Lazy, "okta_is_content", "@okta-1.example.com: active is True, not False."),
    (Promoting, "a_mapped_group_gives_and_takes_its_role", "take() and held() of the role backend do not agree"),
]


@pytest.mark.parametrize(("adapter", "test", "said"), BROKEN)
def test_a_broken_adapter_is_caught(use: Callable[..., None], adapter: type, test: str, said: str) -> None:
    use(adapter)
    assert said in run(test)


# What a project may well do ----------------------------------------------------------------------------------


class Ignoring(UserAdapter):
    keep_unmapped = False


class Keeping(UserAdapter):
    rotate_password = False


class Complete(UserAdapter):
    attributes: ClassVar[Any] = mapped(
        nickName=Attr("last_name", set=None), userType=Attr("last_name", set=None), title=Attr("last_name", set=None)
    )


class Mild(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: (value or "")[:150]))


class Demanding(UserAdapter):
    @staticmethod
    def demand(value: str | None) -> str:
        if value is None:
            raise InvalidValue("Everybody has a given name.")
        return value

    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=demand))


class Secretive(UserAdapter):
    PIN = Schema("urn:example:pin", "Pin", "A secret", (Attribute("pin", returned="never"),))
    extensions = (*UserAdapter.extensions, PIN)
    attributes: ClassVar[Any] = {"userName": "username", "active": "is_active", f"{PIN.id}:pin": "last_name"}


class Roleless(UserAdapter):
    roles = NoRoles()


@pytest.mark.parametrize(
    ("adapter", "test", "said"),
    [
        (Demanding, "what_is_taken_away_is_gone", ""),
        (Roleless, "a_mapped_group_gives_and_takes_its_role", "The adapter has no roles that a group could be mapped"),
        (Secretive, "what_is_created_is_stored_and_read_back", ""),
        (Secretive, "patch_with_dotted_names_changes_every_attribute", ""),
        (Ignoring, "attributes_without_a_column_are_kept_or_ignored_as_declared", ""),
        (Ignoring, "what_is_created_is_stored_and_read_back", ""),
        (Ignoring, "okta_is_content", ""),
        (Complete, "attributes_without_a_column_are_kept_or_ignored_as_declared", "has a column for every attribute"),
        (Complete, "put_changes_every_attribute", ""),
        (Keeping, "a_deactivation_ends_sessions", "it is for many tenants, or rotate_password is False"),
        (Mild, "a_value_that_does_not_fit_is_refused_and_nothing_is_written", ""),
    ],
)
def test_what_is_allowed_is_let_pass(use: Callable[..., None], adapter: type, test: str, said: str) -> None:
    use(adapter)
    check(run(test), said)


def test_columns_of_every_type_are_tried(settings: Any) -> None:
    adapters = {"User": "hosts.inventory.scim.StaffAdapter", "Device": "hosts.inventory.scim.DeviceAdapter"}
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": adapters}
    assert run("what_is_created_is_stored_and_read_back") == ""
    assert run("patch_with_dotted_names_changes_every_attribute") == ""
    assert run("filters_find_what_was_sent_and_nothing_else") == ""
    assert run("resource_types_of_the_project_work") == ""
    # Receivers are connected when a site starts, and then this model was in no adapter's ``scope_models``.
    said = run("what_the_application_saves_is_shown_and_found")
    assert "`staff__photo`, where the application saved (b'Beta',), but the filter " in said
    assert "name the model of the column in `scope_models`" in said


@pytest.mark.parametrize(
    ("members", "test", "said"),
    [
        ({"policies": {"on_deactivate": "nothing"}}, "put_ends_access_and_gives_it_back", ""),
        ({"provider": "strict"}, "patch_without_a_path_changes_every_attribute", "The dialect of strict refuses this"),
        ({"has_access": lambda self, account: True}, "put_ends_access_and_gives_it_back", "as has_access() of this"),
        ({"protect": lambda self, account: None}, "protected_people_are_left_alone", "is false for a superuser"),
        ({"portal": "nowhere"}, "a_user_name_is_enough", "There can be no connection for the organization ''"),
    ],
)
def test_a_project_says_what_it_does(members: dict[str, Any], test: str, said: str) -> None:
    case = type("Own", (Site,), {"__test__": False, **members})
    check(run(test, case), said)


def test_a_model_without_superusers_has_to_say_who_is_protected() -> None:
    with pytest.raises(unittest.SkipTest, match=r"override protect\(\)"):
        Site("test_a_user_name_is_enough").protect(object())


# Tenants: groups of Django's stand for them ------------------------------------------------------------------


class Scoped(UserAdapter):
    multi_tenant = True

    def get_queryset(self, connection: ScimConnection) -> QuerySet[Any]:
        return super().get_queryset(connection).filter(groups__name=connection.tenant)

    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        user.groups.add(Group.objects.get_or_create(name=connection.tenant)[0])


class Unscoped(Scoped):
    def get_queryset(self, connection: ScimConnection) -> QuerySet[Any]:
        return UserAdapter.get_queryset(self, connection)


class Unadmitting(Scoped):
    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        """Forgotten."""


class OneScope(Scoped):
    def scope(self, connection: ScimConnection) -> str:
        return "everybody"


class Everywhere(Scoped):
    shares_accounts = True


class Unknown(Scoped):
    def has_tenant(self, connection: ScimConnection) -> bool:
        return False


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (Scoped, ""),
        (
            Unscoped,
            "shows a person made for the organization 'acme' when it is asked for 'globex': filter by connection",
        ),
        (Unadmitting, "leaves out a person made for the organization 'acme' when it is asked for 'acme'"),
        (OneScope, "scope() of the adapter is the same for two tenants"),
        (Everywhere, "is_live() of the adapter is True for a person made for 'acme' when it is asked for 'globex'"),
        (Unknown, "There can be no connection for the organization 'acme': There is no organization with this key."),
    ],
)
def test_tenants_that_are_mixed_up_are_caught(use: Callable[..., None], adapter: type, said: str) -> None:
    use(adapter)
    check(run("each_tenant_has_its_own_people", Tenants), said)


def test_the_adapter_says_who_has_access_where_there_are_many_tenants(use: Callable[..., None]) -> None:
    use(Scoped)
    assert run("put_ends_access_and_gives_it_back", Tenants) == ""


def test_many_tenants_need_a_second_one(use: Callable[..., None]) -> None:
    use(Scoped)
    assert "name a second organization in `other_tenant`" in run("people_of_another_connection_are_nobody")
    assert run("people_of_another_connection_are_nobody", Tenants) == ""


# Groups and things -------------------------------------------------------------------------------------------


class Unspaced(DeviceAdapter):
    attributes: ClassVar[Any] = DeviceAdapter.attributes | {
        "serialNumber": Attr("serial", set=lambda value: value.replace(" ", "-"))
    }


def test_a_resource_type_that_does_not_work_is_caught(use: Callable[..., None]) -> None:
    use(Unspaced, "Device")
    said = run("resource_types_of_the_project_work")
    assert "Device: create: serialNumber was sent as 'Alpha serialNumber' and is shown as 'Alpha-serialNumber'" in said


class Unnamed(GroupAdapter):
    team = "teams.Team"
    team_members = "teams.TeamMember"

    def create_team(self, name: str, connection: ScimConnection, using: str) -> str:
        return super().create_team("Crew", connection, using)


class Memberless(GroupAdapter):
    team = "teams.Team"
    team_members = "teams.TeamMember"

    def add_members(self, key: str, users: Any, using: str) -> None:
        """Forgotten."""


class Undying(GroupAdapter):
    team = "teams.Team"

    def delete_team(self, key: str, using: str) -> None:
        """Forgotten."""


@on_teams_host
@pytest.mark.hosts
@pytest.mark.parametrize(
    ("adapter", "test", "said"),
    [
        (Unnamed, "a_group_is_renamed_and_deleted_and_its_name_is_free", "There is no team called 'Contract group' in"),
        (
            Undying,
            "a_group_is_renamed_and_deleted_and_its_name_is_free",
            "There is still a team called 'Contract group, r",
        ),
        (Memberless, "members_come_and_go", "the team in `teams.TeamMember` has other members than the group"),
    ],
)
def test_teams_that_do_not_follow_are_caught(use: Callable[..., None], adapter: type, test: str, said: str) -> None:
    use(adapter, "Group")
    assert said in run(test)


# Around the adapter ------------------------------------------------------------------------------------------


def a_page(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponse("<h1>Maintenance</h1>", status=503)


def a_list(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: JsonResponse([], safe=False, status=402)


def nothing(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponse(status=402)


def a_sign_up(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    """Makes an account for every address that is posted, and notes on each account when it was changed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        people = get_user_model().objects
        if request.method == "POST" and request.path.endswith("/Users"):
            people.create(username=f"visitor {people.count()}")
        response: HttpResponse = get_response(request)
        if request.method in ("PATCH", "PUT"):
            people.update(last_name=request.method)
            response.status_code = 422 if response.status_code == 400 else response.status_code
        return response

    return middleware


@pytest.mark.parametrize(
    ("middleware", "said"),
    [
        (
            "a_page",
            "POST of a person with a userName only was refused: status 503 and no SCIM. Something in MIDDLEWARE",
        ),
        ("a_list", "was refused: status 402 and no SCIM"),
        ("nothing", "was refused: status 402."),
    ],
)
def test_what_answers_for_scim_is_told(settings: Any, middleware: str, said: str) -> None:
    settings.MIDDLEWARE = [f"{__name__}.{middleware}"]
    assert said in run("a_user_name_is_enough")


def test_what_is_written_in_spite_of_a_refusal_is_told(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.a_sign_up"]
    said = run("a_value_that_does_not_fit_is_refused_and_nothing_is_written")
    assert "The adapter maps userName to `username`; {'no': {'such': 'value'}} must be refused with 400" in said
    assert "A PATCH that was refused for userName left some of its changes: {" in said
    assert "A POST that was refused for name.givenName left an account behind." in said
    said = run("writing_back_what_was_read_changes_nothing")
    assert "PUT of what GET showed changed the column `last_name` from 'Alpha familyName' to 'PUT'" in said


@contextmanager
def saving(change: Callable[[str], str]) -> Iterator[None]:
    """With a receiver of the project's that changes given names."""

    def receive(instance: Any, **kwargs: Any) -> None:
        instance.first_name = change(instance.first_name)

    pre_save.connect(receive, sender=get_user_model())
    yield
    pre_save.disconnect(receive, sender=get_user_model())


def test_a_save_that_changes_values_is_told() -> None:
    with saving(str.upper):
        said = run("what_is_created_is_stored_and_read_back")
    assert "what was sent, 'Alpha givenName', reads back as 'ALPHA GIVENNAME'" in said
    assert "where ('Alpha givenName',) was written and ('ALPHA GIVENNAME',) stands: save() or a signal receiver" in said


def test_a_save_that_brings_a_value_back_is_told() -> None:
    with saving(lambda name: name or "Alpha givenName"):
        said = run("what_is_taken_away_is_gone")
    assert "maps name.givenName to `first_name`, but after PATCH remove it still shows 'Alpha givenName'" in said
