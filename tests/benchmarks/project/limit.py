"""The limit: the bare views over SQL written by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from . import bare
from .bare import Person, Team

PERSON = """
    SELECT u.id, u.scim_external_id, u.username, u.first_name, u.last_name, u.email, u.is_active, u.date_joined,
           u.modified_at, coalesce((SELECT json_agg(json_build_object('value', g.id, 'display', g.name) ORDER BY g.id)
                           FROM project_user_scim_groups m JOIN project_group g ON g.id = m.group_id
                           WHERE m.user_id = u.id), '[]')
    FROM project_user u"""
CONDITIONS = {
    "": "",
    "username": " WHERE upper(u.username) = upper(%s)",
    "scim_external_id": " WHERE u.scim_external_id = %s",
    "email": " WHERE upper(u.email) LIKE upper(%s)",
}


def _sent(column: str, value: str) -> list[str]:
    return [f"%{value}%" if column == "email" else value] if column else []


def _ask(sql: str, *params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


class Store:
    def is_live(self, digest: str) -> bool:
        rows = _ask("SELECT expires_at, revoked_at FROM project_token WHERE digest = %s", digest)
        return bool(rows) and rows[0][1] is None and rows[0][0] > timezone.now()

    def person(self, pk: int) -> Person | None:
        rows = _ask(f"{PERSON} WHERE u.id = %s", pk)
        return Person._make(rows[0]) if rows else None

    def people(self, column: str, value: str, start: int, count: int) -> list[Person]:
        sql = f"{PERSON}{CONDITIONS[column]} ORDER BY u.id LIMIT %s OFFSET %s"
        return [Person._make(row) for row in _ask(sql, *_sent(column, value), count, start)]

    def people_after(self, pk: int, count: int) -> list[Person]:
        return [Person._make(row) for row in _ask(f"{PERSON} WHERE u.id > %s ORDER BY u.id LIMIT %s", pk, count)]

    def count(self, column: str, value: str) -> int:
        sql = f"SELECT count(*) FROM project_user u{CONDITIONS[column]}"
        return int(_ask(sql, *_sent(column, value))[0][0])

    def create_person(self, columns: Mapping[str, Any]) -> int:
        now = timezone.now()
        every = columns | {
            "password": make_password(None), "is_superuser": False, "is_staff": False, "date_joined": now, "modified_at": now,
        }  # fmt: skip
        names, places = ", ".join(every), ", ".join(["%s"] * len(every))
        sql = f"INSERT INTO project_user ({names}) VALUES ({places}) RETURNING id"
        return int(_ask(sql, *every.values())[0][0])

    def change_person(self, pk: int, columns: Mapping[str, Any]) -> None:
        _ask("SELECT id FROM project_user WHERE id = %s FOR UPDATE", pk)
        names = ", ".join(f"{name} = %s" for name in columns)
        _ask(f"UPDATE project_user SET {names}, modified_at = %s WHERE id = %s", *columns.values(), timezone.now(), pk)

    def team(self, pk: int) -> Team | None:
        return self._team("id", pk)

    def team_named(self, name: str) -> Team | None:
        return self._team("name", name)

    def _team(self, column: str, value: Any) -> Team | None:
        rows = _ask(f"SELECT id, name, created_at, modified_at FROM project_group WHERE {column} = %s", value)
        return Team._make(rows[0]) if rows else None

    def members(self, pk: int, limit: int | None) -> list[int]:
        sql = "SELECT user_id FROM project_user_scim_groups WHERE group_id = %s ORDER BY id LIMIT %s"
        return [row[0] for row in _ask(sql, pk, limit)]

    def create_team(self, name: str) -> int:
        now = timezone.now()
        sql = "INSERT INTO project_group (name, created_at, modified_at) VALUES (%s, %s, %s) RETURNING id"
        return int(_ask(sql, name, now, now)[0][0])

    def lock_team(self, pk: int) -> None:
        _ask("SELECT id FROM project_group WHERE id = %s FOR UPDATE", pk)

    def known(self, pks: Collection[int]) -> int:
        return int(_ask("SELECT count(*) FROM project_user WHERE id = ANY(%s::bigint[])", list(pks))[0][0])

    def add(self, team: int, pks: Collection[int]) -> None:
        _ask(
            "INSERT INTO project_user_scim_groups (group_id, user_id) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
            team,
            list(pks),
        )

    def remove(self, team: int, pks: Collection[int]) -> None:
        _ask(
            "DELETE FROM project_user_scim_groups WHERE group_id = %s AND user_id = ANY(%s::bigint[])", team, list(pks)
        )

    def touch_team(self, pk: int) -> None:
        _ask("UPDATE project_group SET modified_at = %s WHERE id = %s", timezone.now(), pk)


urlpatterns = bare.urls(Store())
