"""The floor: the bare views over Django's ORM."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils import timezone

from . import bare
from .bare import Person, Team
from .models import Group, Membership, Token, User

LOOKUPS = {"username": "username__iexact", "scim_external_id": "scim_external_id", "email": "email__icontains"}
PERSON = (
    "pk", "scim_external_id", "username", "first_name", "last_name", "email", "is_active", "date_joined", "modified_at",
)  # fmt: skip


def _people() -> QuerySet[User]:
    theirs = Membership.objects.filter(user=OuterRef("pk")).order_by("group_id")
    shown = theirs.values(json=JSONObject(value="group_id", display="group__name"))
    return User.objects.annotate(shown_groups=ArraySubquery(shown))


def _filtered(people: QuerySet[User], column: str, value: str) -> QuerySet[User]:
    return people.filter((LOOKUPS[column], value)) if column else people


def _rows(people: QuerySet[User]) -> list[Person]:
    return [Person._make(row) for row in people.values_list(*PERSON, "shown_groups")]


class Store:
    def is_live(self, digest: str) -> bool:
        token = Token.objects.filter(digest=digest).values_list("expires_at", "revoked_at").first()
        return token is not None and token[1] is None and token[0] > timezone.now()

    def person(self, pk: int) -> Person | None:
        return next(iter(_rows(_people().filter(pk=pk))), None)

    def people(self, column: str, value: str, start: int, count: int) -> list[Person]:
        return _rows(_filtered(_people(), column, value).order_by("pk")[start : start + count])

    def people_after(self, pk: int, count: int) -> list[Person]:
        return _rows(_people().filter(pk__gt=pk).order_by("pk")[:count])

    def count(self, column: str, value: str) -> int:
        return _filtered(User.objects.all(), column, value).count()

    def create_person(self, columns: Mapping[str, Any]) -> int:
        user = User(**columns)
        user.set_unusable_password()
        user.save()
        return user.pk

    def change_person(self, pk: int, columns: Mapping[str, Any]) -> None:
        user = User.objects.select_for_update().get(pk=pk)
        for name, value in columns.items():
            setattr(user, name, value)
        user.save(update_fields=[*columns, "modified_at"])

    def team(self, pk: int) -> Team | None:
        return self._team(pk=pk)

    def team_named(self, name: str) -> Team | None:
        return self._team(name=name)

    def _team(self, **named: Any) -> Team | None:
        rows = Group.objects.filter(**named).values_list("pk", "name", "created_at", "modified_at")
        return next((Team._make(row) for row in rows), None)

    def members(self, pk: int, limit: int | None) -> list[int]:
        rows = Membership.objects.filter(group_id=pk).order_by("pk")
        return list(rows.values_list("user_id", flat=True)[:limit])

    def create_team(self, name: str) -> int:
        return Group.objects.create(name=name).pk

    def lock_team(self, pk: int) -> None:
        Group.objects.select_for_update().get(pk=pk)

    def known(self, pks: Collection[int]) -> int:
        return len(User.objects.filter(pk__in=pks).values_list("pk"))

    def add(self, team: int, pks: Collection[int]) -> None:
        rows = [Membership(group_id=team, user_id=pk) for pk in pks]
        Membership.objects.bulk_create(rows, ignore_conflicts=True)

    def remove(self, team: int, pks: Collection[int]) -> None:
        Membership.objects.filter(group_id=team, user_id__in=pks).delete()

    def touch_team(self, pk: int) -> None:
        Group.objects.filter(pk=pk).update(modified_at=timezone.now())


urlpatterns = bare.urls(Store())
