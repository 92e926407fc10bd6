"""Keeps our rows in step with what the host saves by itself. Never breaks the host's own save."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save, pre_delete

from .adapters import UserAdapter, get_user_adapter
from .conf import app_settings
from .services import host_users
from .services.context import database, is_own_write

logger = logging.getLogger("django_scim_provider")


def connect() -> None:
    """Listen to the user models of all adapters and to the models they list in ``scope_models``.

    Raises nothing: a setting that is broken must not keep ``manage.py check`` from saying so.
    """
    try:
        portals = ["", *app_settings.PORTALS]
    except Exception as error:  # noqa: BLE001 (SCIM_PROVIDER may be anything)
        _not_connected(error)
        return
    for portal in portals:
        try:
            _listen(get_user_adapter(portal))
        except Exception as error:  # noqa: BLE001 (an adapter of the host's may raise anything)
            _not_connected(error)


def _not_connected(error: Exception) -> None:
    logger.error("SCIM does not follow changes to users (see manage.py check): %s: %s", type(error).__name__, error)


def _listen(adapter: UserAdapter) -> None:
    # A map that cannot be read raises here, rather than in every save of the host's.
    logger.debug("SCIM follows changes to %s.", ", ".join(adapter.selected))
    label = adapter.model._meta.label
    post_save.connect(user_saved, sender=adapter.model, dispatch_uid=f"scim_provider.saved.{label}")
    pre_delete.connect(user_deleted, sender=adapter.model, dispatch_uid=f"scim_provider.deleted.{label}")
    for entry, attribute in adapter.watched_models:
        model = apps.get_model(entry) if isinstance(entry, str) else entry
        changed = partial(related_changed, attribute=attribute)
        for signal, verb in ((post_save, "saved"), (post_delete, "deleted")):
            signal.connect(
                changed, sender=model, weak=False, dispatch_uid=f"scim_provider.{verb}.{model._meta.label}.{attribute}"
            )


def user_saved(
    *,
    instance: models.Model,
    using: str,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **kwargs: Any,
) -> None:
    if raw or is_own_write():
        return

    def work() -> None:
        if _concerns(update_fields):
            host_users.saved(instance, database())

    _quietly(work, using)


def related_changed(*, instance: Any, using: str, attribute: str, raw: bool = False, **kwargs: Any) -> None:
    if raw or is_own_write():
        return

    def work() -> None:
        user = getattr(instance, attribute, None)
        if user is not None:
            host_users.saved(user, database())

    _quietly(work, using)


def user_deleted(*, instance: models.Model, using: str, **kwargs: Any) -> None:
    if not is_own_write():
        _quietly(lambda: host_users.deleted(instance, database()), using)


def _concerns(update_fields: Collection[str] | None) -> bool:
    """Whether a save touches a column that some adapter reads; ``last_login`` at every sign-in does not."""
    if update_fields is None:
        return True
    adapters = [get_user_adapter(portal) for portal in ("", *app_settings.PORTALS)]
    return any(_reads(adapter, update_fields) for adapter in adapters)


def _reads(adapter: UserAdapter, fields: Collection[str]) -> bool:
    read = {column.partition("__")[0] for column in (*adapter.columns, *adapter.only)}
    return bool(read & set(fields)) or (adapter.soft_deletes and "deleted_at" in fields)


def _quietly(work: Callable[[], None], using: str) -> None:
    try:
        with transaction.atomic(using=using):
            work()
    except Exception:
        # An adapter of the host's may raise anything, and the save is not ours to break.
        logger.exception("A change to a user could not be carried over to SCIM; scim_sync will do it.")
