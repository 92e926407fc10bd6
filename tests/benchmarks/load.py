"""Fill the database of ``DATABASE_URL`` with people and groups, the same ones for all four servers.

``python -m benchmarks.load USERS`` prints the tokens and ids that the client needs, as JSON. What is filled already
stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import django
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

django.setup()

from benchmarks import population  # noqa: E402
from benchmarks.project.models import Group, Membership, Token, User  # noqa: E402
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser  # noqa: E402
from django_scim_provider.services import connections, sync, tokens  # noqa: E402
from django_scim_provider.services.context import Context  # noqa: E402
from django_scim_provider.services.transactions import now  # noqa: E402

BATCH = 2000
ANALYZED = 50_000


def _user(number: int) -> User:
    name = population.user_name(number)
    return User(
        username=name,
        scim_username=name,
        scim_external_id=population.external_id(number),
        email=name.lower(),
        first_name="Given",
        last_name=f"Family{number}",
        password="!",
    )


def _people(total: int) -> None:
    for first in range(0, total, BATCH):
        User.objects.bulk_create(_user(number) for number in range(first, min(first + BATCH, total)))


def _groups(wanted: Mapping[str, Sequence[int]]) -> None:
    pks = list(User.objects.order_by("pk").values_list("pk", flat=True))
    for name, numbers in wanted.items():
        group = Group.objects.create(name=name, scim_display_name=name)
        for first in range(0, len(numbers), BATCH):
            part = numbers[first : first + BATCH]
            Membership.objects.bulk_create(Membership(group_id=group.pk, user_id=pks[number]) for number in part)


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _manage(context: Context) -> None:
    """Our own rows: people by adoption, then as if an identity provider had linked them; groups like the host's."""

    def progress(looked_at: int) -> None:
        """New statistics now and then, as autovacuum gives them."""
        if looked_at % ANALYZED == 0:
            _run("ANALYZE")

    sync.adopt(context, progress)
    tables = {model: model._meta.db_table for model in (User, Group, Membership, ScimUser, ScimGroup, ScimMembership)}
    _run(
        f"UPDATE {tables[ScimUser]} AS mine SET external_id = host.scim_external_id,"
        " attributes = mine.attributes || jsonb_build_object('externalId', host.scim_external_id)"
        f" FROM {tables[User]} AS host WHERE host.id = mine.user_id"
    )
    for name in Group.objects.order_by("pk").values_list("name", flat=True):
        ScimGroup.objects.create(
            connection=context.connection,
            display_name=name,
            display_name_key=name.lower(),
            unique_key=name.lower(),
            created_at=now(),
            modified_at=now(),
        )
    _run(
        f"INSERT INTO {tables[ScimMembership]} (group_id, scim_user_id, display)"
        f" SELECT ours.id, mine.id, '' FROM {tables[Membership]} AS m"
        f" JOIN {tables[Group]} AS theirs ON theirs.id = m.group_id"
        f" JOIN {tables[ScimGroup]} AS ours ON ours.display_name = theirs.name"
        f" JOIN {tables[ScimUser]} AS mine ON mine.user_id = m.user_id ORDER BY m.id"
    )


def fill(users: int) -> Context:
    """With no people at all there are no groups either."""
    call_command("migrate", verbosity=0)
    there = ScimConnection.objects.first()
    if there is not None:
        return Context(there)
    context = Context(connections.create("Benchmark", provider="okta"))
    connections.enable(context)
    digest = hashlib.sha256(population.TOKEN.encode()).hexdigest()
    Token.objects.create(digest=digest, expires_at=timezone.now() + timedelta(days=300))
    if users:
        _people(population.total(users))
        _groups(population.memberships(users))
        _manage(context)
    # Outside of a transaction, as this has to be.
    _run("VACUUM ANALYZE")
    return context


def known(users: int, context: Context) -> dict[str, Any]:
    """The ids by number and by name, as the package and as the others have them."""
    wanted = {*population.sampled(users), *population.outsiders(users)} if users else set()
    wanted |= {*population.replacing(users, other=False), *population.replacing(users, other=True)}
    numbers = {population.user_name(number): number for number in wanted}
    hosts = User.objects.filter(username__in=numbers).values_list("username", "pk")
    ours = ScimUser.objects.filter(user__username__in=numbers).values_list("user__username", "scim_id")
    return {
        "token": tokens.issue(context, name="benchmark").text,
        "hosts": {numbers[name]: str(pk) for name, pk in hosts},
        "ours": {numbers[name]: str(scim_id) for name, scim_id in ours},
        "host_groups": {name: str(pk) for name, pk in Group.objects.values_list("name", "pk")},
        "our_groups": {name: str(pk) for name, pk in ScimGroup.objects.values_list("display_name", "scim_id")},
    }


if __name__ == "__main__":
    people = int(sys.argv[1])
    json.dump(known(people, fill(people)), sys.stdout)
