from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.test import override_settings

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.dialects import DIALECTS
from django_scim_provider.models import ScimConnection
from django_scim_provider.services.context import Context, database, is_own_write, own_write


class StoreAdapter(UserAdapter):
    pass


class ToPrimary:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "primary" if model._meta.app_label == "scim_provider" else "elsewhere"


def test_every_query_goes_where_writes_go() -> None:
    with override_settings(DATABASE_ROUTERS=[ToPrimary()]):
        assert database() == "primary"
        assert Context(ScimConnection()).using == "primary"
    assert database() == "default"


def test_portal_of_the_connection_chooses_the_adapter() -> None:
    with override_settings(SCIM_PROVIDER={"PORTALS": {"store": {"ADAPTERS": {"User": f"{__name__}.StoreAdapter"}}}}):
        assert type(Context(ScimConnection(portal="store")).adapter) is StoreAdapter
        assert type(Context(ScimConnection()).adapter) is UserAdapter


def test_provider_of_the_connection_chooses_the_dialect() -> None:
    assert Context(ScimConnection(provider="strict")).dialect is DIALECTS["strict"]
    assert Context(ScimConnection(provider="okta")).dialect is DIALECTS["okta"]
    assert Context(ScimConnection(provider="entra")).dialect is DIALECTS["generic"]


def test_limits_of_filters_are_those_of_the_settings() -> None:
    limits = {"MAX_FILTER_LENGTH": 10, "MAX_FILTER_TERMS": 2, "MAX_FILTER_DEPTH": 3}
    with override_settings(SCIM_PROVIDER=limits):
        found = Context(ScimConnection()).filter_limits

    assert (found.length, found.terms, found.depth) == (10, 2, 3)


def test_duration_is_in_milliseconds_since_the_request_began() -> None:
    assert 250 <= Context(ScimConnection(), started=time.monotonic() - 0.25).elapsed_ms < 2000


def test_own_write_is_marked_for_its_block_its_thread_and_however_it_ends() -> None:
    seen = []
    assert not is_own_write()
    with own_write():
        with own_write():
            pass
        assert is_own_write()
        other = threading.Thread(target=lambda: seen.append(is_own_write()))
        other.start()
        other.join()
    assert seen == [False]
    with pytest.raises(ZeroDivisionError), own_write():
        _ = 1 / 0
    assert not is_own_write()
