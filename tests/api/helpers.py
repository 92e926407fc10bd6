"""What the tests of endpoints, attacks and faults share: the other side of every assertion, the database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache.backends.base import BaseCache
from django.db import connection, connections
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.protocol import urns

T = TypeVar("T")
VENDOR = connection.vendor
NO_SUCH_ID = "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"


def with_setting(**values: Any) -> Any:
    """``override_settings`` for some keys of ``SCIM_PROVIDER``."""
    return override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, **values})


def row_of(resource: dict[str, Any]) -> ScimUser:
    """Our row of a person, from the database."""
    return ScimUser.objects.get(scim_id=resource["id"])


def host_of(resource: dict[str, Any]) -> Any:
    """The host's row of a person, from the database, deleted or not; ``None`` when there is none."""
    row = row_of(resource)
    return get_user_model()._base_manager.filter(pk=row.user_id).first()


def has_column(name: str) -> bool:
    return any(field.name == name for field in get_user_model()._meta.concrete_fields)


def host_name(user: Any) -> str:
    """The person's name as the host has it."""
    return user.full_name if has_column("full_name") else f"{user.first_name} {user.last_name}".strip()


def soft_deletes() -> bool:
    return has_column("deleted_at")


def is_error(response: HttpResponse, status: int, scim_type: str | None = None) -> bool:
    """Whether an answer is the SCIM error (RFC 7644 section 3.12) that is meant, with a text for a person in it."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response.headers["Content-Type"] == "application/scim+json; charset=utf-8"
    body = response.json()
    assert body["schemas"] == [urns.ERROR]
    assert body["status"] == str(status)
    assert body.get("scimType") == scim_type, body
    assert body.keys() <= {"schemas", "status", "scimType", "detail"}
    assert isinstance(body["detail"], str)
    assert len(body["detail"]) > 10
    return True


def models() -> list[Any]:
    """Our models, the user model and what hangs on it."""
    labels = {"scim_provider", get_user_model()._meta.app_label}
    return [model for label in sorted(labels) for model in apps.get_app_config(label).get_models()]


def dump(*, events: bool = True, bookkeeping: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of our tables and of the host's user tables, many-to-many tables included.

    :param events: with ScimEvent.
    :param bookkeeping: with the times of last use, which are written once a minute beside any transaction.
    """
    found: dict[str, list[tuple[Any, ...]]] = {}
    for model in models():
        if model._meta.model_name == "scimevent" and not events:
            continue
        fields = [
            field.attname
            for field in model._meta.concrete_fields
            if bookkeeping or field.name not in ("last_used_at", "last_used_ip", "last_seen_at")
        ]
        found[model._meta.label] = [
            tuple(map(repr, row)) for row in model._base_manager.order_by("pk").values_list(*fields)
        ]
        for relation in model._meta.local_many_to_many:
            through = relation.remote_field.through
            found[through._meta.label] = [
                tuple(map(repr, row)) for row in through._base_manager.order_by("pk").values_list()
            ]
    return found


def statements(work: Callable[[], object]) -> list[str]:
    """The SQL that the work runs; what opens and closes transactions is left out."""
    with CaptureQueriesContext(connection) as captured:
        work()
    words = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    return [query["sql"] for query in captured if not query["sql"].startswith(words)]


def unpaid(connection: ScimConnection) -> str | None:
    """For the setting IS_ALLOWED: connections whose name says so are refused, or fail."""
    if "broken" in connection.name:
        raise RuntimeError("The billing system is down.")
    return "SCIM is part of the Enterprise plan." if "unpaid" in connection.name else None


# Threads -----------------------------------------------------------------------------------------------------


def together(jobs: Iterable[Callable[[], T]]) -> list[T]:
    """Run jobs at the same moment, each in a thread with a database connection of its own."""
    jobs = list(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def apart(work: Callable[[], T]) -> T:
    """Run work in a thread, so with a new database connection."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


class BrokenCache(BaseCache):
    """A cache that does not answer."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConnectionError("cache is down")

    add = get = set = incr = _fail
