from __future__ import annotations

import pytest
from django.db import IntegrityError

from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.protocol.errors import Forbidden, InvalidValue, Unavailable
from django_scim_provider.services.diagnosis import explain


@pytest.fixture
def adapter() -> UserAdapter:
    return get_user_adapter()


def test_an_answer_of_ours_is_quoted(adapter: UserAdapter) -> None:
    assert explain(InvalidValue("Too long."), adapter) == ["SCIM answers 400 invalidValue: Too long."]
    assert explain(Unavailable("Later."), adapter) == ["SCIM answers 503: Later."]


def test_what_lies_behind_an_answer_of_ours_is_looked_for(adapter: UserAdapter) -> None:
    error = InvalidValue("Refused.")
    error.__cause__ = IntegrityError("CHECK constraint failed:\n  tall_enough")
    assert explain(error, adapter) == ["The database refused a row: CHECK constraint failed: tall_enough"]


def test_protection_of_new_people(adapter: UserAdapter) -> None:
    assert "is_protected()" in explain(Forbidden("Protected."), adapter)[0]


def test_an_exception_without_text_or_code_of_the_host(adapter: UserAdapter) -> None:
    assert explain(ValueError(), adapter) == ["The person could not be written: ValueError."]


def test_an_exception_of_the_hosts_code_is_located(adapter: UserAdapter) -> None:
    def salute() -> None:
        raise LookupError("no rank")

    try:
        salute()
    except LookupError as error:
        (sentence,) = explain(error, adapter)
    line = salute.__code__.co_firstlineno + 1
    assert sentence == (
        f"`salute` (services/test_diagnosis.py, line {line}) raised LookupError: no rank. "
        "Let it cope with people whom SCIM creates and changes."
    )
