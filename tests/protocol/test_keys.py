"""The key of a userName: what is the same name, and what is none."""

from __future__ import annotations

import pytest

from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.protocol.keys import MAX_USER_NAME_LENGTH, user_name_key


def test_spellings_of_one_name_share_a_key() -> None:
    assert {user_name_key(name) for name in ("ANN@x", "ann@x", "Ann@x")} == {"ann@x"}
    assert user_name_key("e\u0301va") == user_name_key("ÉVA") == "\xe9va"


def test_spaces_punctuation_and_symbols_of_real_directories_are_kept() -> None:
    for name in ("Ann Lee", "o'neil", "a+b=c", "łukasz (extern)", "a\u00a0b"):
        assert user_name_key(name)


def test_what_cannot_be_seen_or_turns_the_writing_round_is_no_name() -> None:
    refused = ["", " ann", "ann ", "a\tb", "a\nb", "a\u2028b", "a\u2029b", "a\u200bb", "a\u202eb", "a\u00adb", "①"]
    refused += ["x" * (MAX_USER_NAME_LENGTH + 1), "\u0130" * (MAX_USER_NAME_LENGTH - 1)]
    for name in refused:
        with pytest.raises(InvalidValue):
            user_name_key(name)
