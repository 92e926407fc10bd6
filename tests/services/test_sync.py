"""Completeness: who is adopted, who is left out, and what the host did behind our back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from api.helpers import VENDOR, apart, dump, has_column, soft_deletes, statements
from django_scim_provider.adapters import PrimaryValue, UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser, ScimValue
from django_scim_provider.protocol.errors import InvalidValue, NotFound, Uniqueness
from django_scim_provider.services import sync, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import index_of
from factories import ConnectionFactory, HostUserFactory
from services.people import (
    ALICE,
    BOB,
    NAME_COLUMN,
    User,
    activity,
    configured,
    find,
    host,
    is_active,
    name_of,
    patch,
    policies,
    post,
    row,
    show,
    update,
)

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


@pytest.fixture
def new() -> Context:
    """A connection that adopts, not enabled yet: nobody is adopted by receivers."""
    return Context(ConnectionFactory(enabled=False, existing_accounts="adopt"))


def managed(context: Context) -> set[str]:
    return set(ScimUser.objects.filter(connection=context.connection, alive=True).values_list("user_name", flat=True))


def is_in_step(context: Context) -> bool:
    """Every row and its index say what is shown."""
    for found in ScimUser.objects.filter(connection=context.connection, alive=True):
        scim_id = str(found.scim_id)
        shown = show(context, scim_id)
        assert found.user_name == shown["userName"]
        index = index_of(context, found, host(scim_id))
        held = set(ScimValue.objects.filter(scim_user=found).values_list("attribute", "position", "value_key"))
        assert held == {(*place, value.value_key) for place, value in index.items()}
    return True


# Adoption -------------------------------------------------------------------------------------------------------------


def test_everybody_in_scope_is_adopted_as_they_are(new: Context) -> None:
    alice = HostUserFactory(name="Alice", given="Al", family="Ice")
    bob = HostUserFactory(name="bob", is_active=False)
    result = sync.adopt(new)

    assert (result.adopted, result.left_out, result.collisions, result.unusable) == (2, 0, [], [])
    rows = {found.user_id: found for found in ScimUser.objects.all()}
    assert rows.keys() == {alice.pk, bob.pk}
    found = rows[alice.pk]
    assert (found.connection, found.scope, found.origin, found.alive) == (new.connection, "/", "adopted", True)
    assert (found.user_name, found.user_name_key) == (name_of(alice), "alice@example.com")
    assert find(new, 'userName eq "ALICE@example.com"') == find(new, "active eq true") == [str(found.scim_id)]
    assert find(new, "active eq false") == [str(rows[bob.pk].scim_id)]
    assert find(new, f'emails.value eq "{alice.email}"') == [str(found.scim_id)]
    assert is_in_step(new)


def test_adopting_again_adopts_nobody(new: Context) -> None:
    HostUserFactory()
    sync.adopt(new)
    before = dump()

    assert sync.adopt(new) == sync.Adoption()
    assert dump() == before


@pytest.mark.parametrize(("window", "batch"), [(1, 2), (2, 2), (3, 2), (4, 10), (7, 7), (10, 3)])
def test_adoption_goes_on_by_windows_of_keys_and_skips_nobody(
    new: Context, monkeypatch: pytest.MonkeyPatch, window: int, batch: int
) -> None:
    everybody = [HostUserFactory() for _ in range(7)]
    for user in everybody[1::3]:
        sync.insert(new, [sync.Candidate(user.pk, name_of(user), name_of(user).lower(), {})], sync.Adoption())
    monkeypatch.setattr(sync, "WINDOW", window)
    monkeypatch.setattr(sync, "BATCH", batch)
    looked_at: list[int] = []

    assert sync.adopt(new, looked_at.append).adopted == looked_at[-1] == 5
    assert set(ScimUser.objects.values_list("user_id", flat=True)) == {user.pk for user in everybody}


@pytest.mark.django_db(transaction=True)
def test_an_adoption_that_met_a_lock_is_tried_again_and_counted_once(
    new: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (ALICE, "ａlice@example.com", " spaced@example.com", BOB):
        update(HostUserFactory(), **{NAME_COLUMN: name})
    insert, tries = sync.insert, []

    def meet_a_lock(*args: Any) -> None:
        insert(*args)
        tries.append(1)
        if len(tries) == 2:
            raise OperationalError("database is locked")

    monkeypatch.setattr(sync, "insert", meet_a_lock)
    monkeypatch.setattr(sync, "BATCH", 2)

    result = sync.adopt(new)
    assert (len(tries), result.adopted, result.left_out) == (3, 2, 2)
    assert (len(result.collisions), len(result.unusable)) == (1, 1)


def test_an_adoption_that_loses_a_race_says_so_in_our_words(new: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else is faster, a constraint tells."""
    HostUserFactory(name="ann")
    monkeypatch.setattr(sync, "insert", partial(_twice, sync.insert))
    with pytest.raises(Uniqueness):
        sync.adopt(new)


def _twice(insert: Callable[..., None], context: Context, candidates: list[sync.Candidate], result: Any) -> None:
    insert(context, candidates, result)
    for candidate in candidates:
        candidate.key += "x"
    insert(context, candidates, result)


def test_no_statement_of_an_adoption_compares_everybody_with_everybody(
    new: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL took minutes for each batch with 800,000 people managed."""
    for _ in range(5):
        HostUserFactory()
    monkeypatch.setattr(sync, "WINDOW", 2)
    ran = [sql for sql in statements(lambda: sync.adopt(new)) if "NOT EXISTS" in sql or "NOT (EXISTS" in sql]

    assert len(ran) == 3
    for sql, bounds in zip(ran, [("<=",), (">", "<="), (">",)], strict=True):
        for bound in bounds:
            assert len(re.findall(rf"(?:user_id|\bid|pk|ref|number)[`\"]* {bound} ", sql)) == 2, sql


def test_adoption_changes_nothing_on_the_hosts_side(new: Context) -> None:
    HostUserFactory()
    before = list(User._base_manager.values())
    sync.adopt(new)

    assert list(User._base_manager.values()) == before


def test_soft_deleted_people_are_not_adopted(new: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    HostUserFactory().soft_delete()

    assert sync.adopt(new) == sync.Adoption()


def test_many_people_are_adopted_a_batch_to_a_transaction(new: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 3)
    for _ in range(7):
        HostUserFactory()
    looked_at: list[int] = []

    assert sync.adopt(new, looked_at.append).adopted == 7
    assert looked_at == [3, 6, 7]
    assert ScimUser.objects.count() == 7
    assert is_in_step(new)


@pytest.mark.slow
def test_number_of_statements_does_not_grow_within_a_batch(new: Context) -> None:
    def made(number: int) -> int:
        User.objects.bulk_create(
            User(
                **{NAME_COLUMN: f"{number}-{each}@example.com", "password": "!"},
                **({"email": f"{number}-{each}@example.com"} if has_column("username") else {}),
            )
            for each in range(number)
        )
        few = statements(lambda: sync.adopt(new))
        assert managed(new) >= {f"{number}-0@example.com", f"{number}-{number - 1}@example.com"}
        # Databases cut a large INSERT in pieces of their own.
        return len([statement for statement in few if not statement.startswith("INSERT")])

    assert made(10) == made(sync.BATCH - 1)
    assert made(2 * sync.BATCH - 1) < 2 * made(9)


def test_two_people_whose_names_differ_only_in_case_cannot_both_be_managed(new: Context) -> None:
    if not has_column("username") or VENDOR == "mysql":
        pytest.skip("this host's column takes the two names for one")
    first = HostUserFactory(name="Alice")
    second = HostUserFactory(name="alice")
    pair = sorted([first, second], key=lambda user: user.pk)

    for result in (sync.preview(new)[0], sync.adopt(new), sync.adopt(new)):
        assert (result.collisions, result.left_out) == ([name_of(pair[1])], 1)
    assert ScimUser.objects.get().user == pair[0]


def test_names_that_differ_only_in_width_cannot_both_be_managed(new: Context) -> None:
    HostUserFactory(name="alice")
    update(HostUserFactory(name="other"), **{NAME_COLUMN: "ａlice@example.com"})

    assert sync.adopt(new).left_out == 1
    assert ScimUser.objects.count() == 1


def test_name_of_somebody_who_is_managed_already_is_a_collision(new: Context) -> None:
    policies(new, on_create="ignore")
    post(new, "ALICE@example.com")
    HostUserFactory(name="alice")

    for result in (sync.preview(new)[0], sync.adopt(new)):
        assert (result.adopted, result.collisions) == (0, [ALICE])


@pytest.mark.parametrize("name", ["", " alice@example.com", "al\u200bice@example.com", "a\u202eb@example.com", "①@x"])
def test_person_with_a_name_that_scim_cannot_carry_is_left_out(new: Context, name: str) -> None:
    update(HostUserFactory(name="alice"), **{NAME_COLUMN: name})
    HostUserFactory(name="bob")

    for result in (sync.preview(new)[0], sync.adopt(new)):
        assert (result.adopted, result.unusable, result.left_out) == (1, [name], 1)
    assert managed(new) == {BOB}


@pytest.mark.parametrize("name", ["a b@example.com", "a,b@example.com", "a/b", "O'Neil", "名前", "a" * 130])
def test_person_with_a_strange_name_is_adopted(new: Context, name: str) -> None:
    update(HostUserFactory(), **{NAME_COLUMN: name})

    assert sync.adopt(new).adopted == 1
    assert find(new, f'userName eq "{name}"') == [str(ScimUser.objects.get().scim_id)]


def test_samples_of_names_are_short(new: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "SAMPLE", 2)
    for number in range(4):
        update(HostUserFactory(is_superuser=True), **{NAME_COLUMN: f" {number}"})
    preview, protected = sync.preview(new)

    assert (len(preview.unusable), preview.left_out, len(protected)) == (2, 4, 2)


def test_adoption_that_fails_in_a_batch_leaves_no_half_of_it(new: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 2)
    for _ in range(4):
        HostUserFactory()
    insert, calls = sync.insert, []

    def fail_later(*args: Any) -> None:
        calls.append(args)
        insert(*args)
        if len(calls) == 2:
            raise IntegrityError

    monkeypatch.setattr(sync, "insert", fail_later)

    with pytest.raises(InvalidValue):
        sync.adopt(new)
    assert ScimUser.objects.count() == 2
    monkeypatch.setattr(sync, "insert", insert)
    assert sync.adopt(new).adopted == 2


# Who is in scope ------------------------------------------------------------------------------------------------------


def test_connection_that_never_adopts_adopts_nobody(new: Context) -> None:
    policies(new, existing_accounts="never")
    HostUserFactory()

    assert sync.preview(new) == (sync.Adoption(), [])
    assert sync.adopt(new) == sync.Adoption()
    assert not ScimUser.objects.exists()


class Verifying(UserAdapter):
    attributes = get_user_adapter().attributes

    def verified_domains(self, connection: ScimConnection) -> list[str]:
        return ["Example.COM", "example.org"] if connection.tenant == "" else []


@pytest.mark.parametrize(
    ("address", "adopted"),
    [
        ("alice@example.com", True),
        ("alice@EXAMPLE.com", True),
        ("alice@example.org", True),
        ("alice@sub.example.com", False),
        ("alice@example.com.evil.net", False),
        ("alice@evil.net", False),
        ("alice@evil.net@example.com", False),
        ("@example.com", False),
        ("alice", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_connection_that_adopts_verified_domains_adopts_those_alone(new: Context, address: str, adopted: bool) -> None:
    policies(new, existing_accounts="verified")
    user = HostUserFactory(name="alice")
    update(user, email=address)
    with configured(ADAPTERS={"User": f"{__name__}.Verifying"}):
        mine = Context(new.connection)

        assert sync.preview(mine)[0].adopted == adopted
        assert sync.adopt(mine).adopted == adopted
        assert sync.adopt(mine).left_out == 0


def test_nobody_is_adopted_by_domain_where_the_host_verified_none(new: Context) -> None:
    policies(new, existing_accounts="verified")
    HostUserFactory()

    assert sync.adopt(new).adopted == 0


def test_person_is_managed_by_one_connection_of_a_scope(new: Context) -> None:
    other = Context(ConnectionFactory(existing_accounts="adopt", enabled=False))
    HostUserFactory()
    assert sync.adopt(new).adopted == 1

    assert sync.preview(other)[0] == sync.adopt(other) == sync.Adoption()
    assert ScimUser.objects.get().connection == new.connection


def test_person_may_be_managed_in_two_scopes(new: Context) -> None:
    HostUserFactory()
    with configured(PORTALS={"store": {}}):
        store = Context(ConnectionFactory(portal="store", existing_accounts="adopt", enabled=False))
        assert (sync.adopt(new).adopted, sync.adopt(store).adopted) == (1, 1)

    assert set(ScimUser.objects.values_list("scope", flat=True)) == {"/", "store/"}


def test_person_whom_scim_deleted_is_not_adopted_again_until_the_host_lets_them_in(new: Context) -> None:
    scim_id = post(new)
    users.delete_user(new, scim_id)
    user = host(scim_id)
    assert sync.preview(new)[0] == sync.adopt(new) == sync.Adoption()

    if soft_deletes():
        user.restore()
    update(user, **activity(True))
    assert sync.preview(new)[0].adopted == sync.adopt(new).adopted == 1
    again = ScimUser.objects.get(alive=True)
    assert (again.user, str(again.scim_id) != scim_id) == (user, True)
    with pytest.raises(NotFound):
        show(new, scim_id)


# Preview --------------------------------------------------------------------------------------------------------------


def test_preview_counts_and_names_the_protected_and_writes_nothing(new: Context) -> None:
    boss = HostUserFactory(name="boss", is_superuser=True)
    HostUserFactory()
    before = dump()
    preview, protected = sync.preview(new)

    assert (preview.adopted, protected) == (2, [boss.get_username()])
    assert dump() == before
    assert sync.adopt(new).adopted == 2


# Refreshing -----------------------------------------------------------------------------------------------------------


def test_what_the_host_changed_by_update_is_noted(context: Context) -> None:
    scim_id, other = post(context, title="Boss"), post(context, "other@example.com")
    update(host(scim_id), **{NAME_COLUMN: BOB}, **activity(False))
    untouched = ScimUser.objects.filter(scim_id=other).values().get()

    assert sync.refresh_all(context) == 1
    found = row(scim_id)
    assert (found.user_name, found.user_name_key) == (BOB, BOB)
    assert (found.attributes["active"], found.attributes["title"]) == (False, "Boss")
    assert found.modified_at > found.created_at
    assert ScimUser.objects.filter(scim_id=other).values().get() == untouched
    assert find(context, 'userName sw "bob" and active eq false') == [scim_id]
    assert is_in_step(context)


def test_refreshing_again_changes_nothing(context: Context) -> None:
    for number in range(3):
        post(context, f"user{number}@example.com", title="Boss", active=number != 1)
    update(host(str(ScimUser.objects.latest("pk").scim_id)), **{NAME_COLUMN: BOB})
    sync.refresh_all(context)
    before = dump()

    assert sync.refresh_all(context) == 0
    assert dump() == before


def test_many_people_are_refreshed_in_batches(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 2)
    ids = [post(context, f"user{number}@example.com") for number in range(5)]
    for scim_id in ids[::2]:
        update(host(scim_id), **activity(False))
    looked_at: list[int] = []

    assert sync.refresh_all(context, looked_at.append) == 3
    assert looked_at == [2, 4, 5]
    assert find(context, "active eq false") == ids[::2]


def test_refreshing_what_has_not_changed_takes_as_many_statements_for_many_as_for_few(context: Context) -> None:
    numbers = []
    for more in (2, 10):
        for number in range(more):
            post(context, f"{more}-{number}@example.com", title="Boss")
        numbers.append(len(statements(lambda: sync.refresh_all(context))))

    assert numbers[0] == numbers[1] <= 3


def test_person_without_an_account_is_passed_over(context: Context) -> None:
    policies(context, on_create="ignore")
    scim_id = post(context)

    assert sync.refresh_all(context) == 0
    assert show(context, scim_id)["active"] is True


def test_people_of_another_connection_are_not_refreshed(context: Context) -> None:
    other = Context(ConnectionFactory())
    scim_id = post(other)
    update(host(scim_id), **activity(False))

    assert sync.refresh_all(context) == 0
    assert sync.refresh_all(other) == 1


@pytest.mark.parametrize("name", [BOB, "BOB@example.com"])
def test_rename_to_a_managed_name_is_left_out_and_the_rest_is_noted(context: Context, name: str) -> None:
    scim_id, other = post(context), post(context, BOB)
    if name == BOB or not has_column("username") or VENDOR == "mysql":
        host(other).delete()
        sync.refresh_all(context)
    untouched = ScimUser.objects.filter(scim_id=other).values().get()
    update(host(scim_id), **{NAME_COLUMN: name}, **activity(False))

    assert sync.refresh_all(context) == 1
    found = row(scim_id)
    assert (found.user_name, found.user_name_key, found.attributes["active"]) == (ALICE, ALICE, False)
    assert ScimUser.objects.filter(scim_id=other).values().get() == untouched
    event = ScimEvent.objects.get(outcome="failed")
    assert (event.action, event.resource_id, event.label) == ("modify", scim_id, ALICE)
    assert BOB not in event.detail
    assert sync.refresh_all(context) == 0
    assert ScimEvent.objects.filter(outcome="failed").count() == 2, "said as often as it is found"


@pytest.mark.parametrize("name", ["al\u200bice", " alice", ""])
def test_rename_to_a_name_that_scim_cannot_carry_is_left_out_and_the_rest_is_noted(context: Context, name: str) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: name}, **activity(False))

    assert sync.refresh_all(context) == 1
    assert (row(scim_id).user_name, row(scim_id).attributes["active"]) == (ALICE, False)
    before = dump()
    assert sync.refresh_all(context) == 0
    assert dump() == before


def test_index_that_was_lost_is_made_anew(context: Context) -> None:
    scim_id = post(context, title="Boss", phoneNumbers=[{"value": "1"}])
    ScimValue.objects.all().delete()

    assert sync.refresh_all(context) == 1
    assert find(context, 'title eq "boss" and phoneNumbers.value eq "1"') == [scim_id]
    assert is_in_step(context)


def test_soft_deletion_by_update_is_noted(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context)
    update(host(scim_id), deleted_at=row(scim_id).created_at, is_active=False)

    assert sync.refresh_all(context) == 1
    assert find(context, 'active eq false and name.familyName eq "user"') == [scim_id]


class ShowingOnly(UserAdapter):
    """A telephone number that the application keeps for itself."""

    attributes = get_user_adapter().attributes | {"phoneNumbers": PrimaryValue("password", writes=False)}


def test_attribute_that_is_only_shown_is_found_by_what_the_host_has_now(context: Context) -> None:
    with configured(ADAPTERS={"User": f"{__name__}.ShowingOnly"}):
        mine = Context(context.connection)
        scim_id = post(mine)
        update(host(scim_id), password="12345")

        assert sync.refresh_all(mine) == 1
        assert show(mine, scim_id)["phoneNumbers"][0]["value"] == "12345"
        assert find(mine, 'phoneNumbers.value eq "12345"') == [scim_id]
        assert "phoneNumbers" not in row(scim_id).attributes
        assert sync.refresh_all(mine) == 0


# At the same time -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    "how",
    ["refresh_all", pytest.param("receiver", marks=pytest.mark.skipif(VENDOR == "sqlite", reason="no others write"))],
)
def test_change_through_scim_is_not_lost_to_a_refresh(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A refresh that read before the write and wrote after it put the old title back."""

    def prepare() -> tuple[ScimConnection, str]:
        connection = ConnectionFactory()
        return connection, post(Context(connection), title="Boss")

    connection, scim_id = apart(prepare)
    context = Context(connection)
    state, patched = sync._state, threading.Event()

    def state_and_then_a_write(*args: Any) -> Any:
        found = state(*args)
        if not patched.is_set():
            patched.set()
            apart(lambda: patch(context, scim_id, title="Chef", userType="Cook"))
        return found

    def work() -> None:
        monkeypatch.setattr(sync, "_state", state_and_then_a_write)
        user = host(scim_id)
        if how == "refresh_all":
            update(user, **activity(False))
            sync.refresh_all(context)
        else:
            for column, value in activity(False).items():
                setattr(user, column, value)
            user.save()

    apart(work)
    attributes = apart(lambda: row(scim_id).attributes)
    assert patched.is_set()
    assert (attributes["title"], attributes["userType"], attributes["active"]) == ("Chef", "Cook", False)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
def test_person_who_is_deleted_meanwhile_is_not_refreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare() -> tuple[ScimConnection, str]:
        connection = ConnectionFactory()
        return connection, post(Context(connection))

    connection, scim_id = apart(prepare)
    context = Context(connection)
    state = sync._state

    def state_and_then_a_deletion(*args: Any) -> Any:
        found = state(*args)
        monkeypatch.setattr(sync, "_state", state)
        apart(lambda: users.delete_user(context, scim_id))
        return found

    def work() -> int:
        update(host(scim_id), **activity(False))
        monkeypatch.setattr(sync, "_state", state_and_then_a_deletion)
        return sync.refresh_all(context)

    assert apart(work) == 0
    assert apart(lambda: row(scim_id).alive) is None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
@pytest.mark.skipif(VENDOR == "sqlite", reason="writers wait for each other from the start")
def test_deactivation_while_an_account_is_made_anew_is_not_lost() -> None:
    """Between the two locks the row got an account: it stayed active, and the answer said otherwise."""

    def prepare() -> tuple[ScimConnection, str]:
        connection = ConnectionFactory()
        scim_id = post(Context(connection))
        host(scim_id).delete()
        return connection, scim_id

    connection, scim_id = apart(prepare)
    context = Context(connection)
    made, waiting = threading.Event(), threading.Event()

    def reactivate() -> None:
        with transaction.atomic():
            patch(context, scim_id, active=True)
            made.set()
            # The other one has found no account and waits for our row.
            waiting.wait(timeout=2)

    reactivation = threading.Thread(target=lambda: apart(reactivate))
    reactivation.start()
    assert made.wait(timeout=30)
    shown = apart(lambda: patch(context, scim_id, active=False))
    waiting.set()
    reactivation.join()

    assert shown["active"] is False
    assert not is_active(apart(lambda: host(scim_id)))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
@pytest.mark.skipif(VENDOR == "sqlite", reason="writers wait for each other from the start")
def test_write_of_one_person_does_not_wait_for_that_of_another() -> None:
    def prepare() -> tuple[ScimConnection, str, str]:
        connection = ConnectionFactory()
        ids = [post(Context(connection), f"user{number}@example.com") for number in range(40)]
        return connection, ids[0], ids[-1]

    connection, first, last = apart(prepare)
    context = Context(connection)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            patch(context, first, title="Held")
            held.set()
            release.wait(timeout=30)

    holder = threading.Thread(target=lambda: apart(hold))
    holder.start()
    assert held.wait(timeout=30)
    other = threading.Thread(target=lambda: apart(lambda: patch(context, last, title="Free", active=False)))
    other.start()
    other.join(timeout=10)
    waited = other.is_alive()
    release.set()
    holder.join()
    other.join()

    assert not waited
