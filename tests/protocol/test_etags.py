"""Entity-tags and conditions (RFC 7232 sections 2.3, 3.1, 3.2)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol.errors import InvalidValue, PreconditionFailed
from django_scim_provider.protocol.etags import Match, digest, parse_match, weak


def permits(match: Match, version: str) -> bool:
    try:
        match.permit(version)
    except PreconditionFailed:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('W/"1"', {'"1"'}),
        ('"1"', {'"1"'}),
        ('W/"a,b", "c"', {'"a,b"', '"c"'}),
        (' ,\t"a",, W/"b" ,', {'"a"', '"b"'}),
        ('""', {'""'}),
        ('"é"', {'"é"'}),
        (" * ", {"*"}),
        ('"*"', {'"*"'}),
    ],
)
def test_header_is_read(text: str, tags: set[str]) -> None:
    assert parse_match(text) == Match(frozenset(tags))
    assert parse_match(None, text) == Match(unless=frozenset(tags))


@pytest.mark.parametrize("text", ["", " ", ",", "1", "W/1", '"1', 'w/"1"', '"a b"', '"1", 2', '*, "1"', "**", '"\n"'])
def test_header_that_holds_no_tags_is_refused_with_what_to_send(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"If-Match .*meta\.version"):
        parse_match(text)
    with pytest.raises(InvalidValue, match=r"If-None-Match .*meta\.version"):
        parse_match(None, text)


def test_tags_are_compared_weakly() -> None:
    for text in ('W/"2"', '"2"', '"1", W/"2"', "*"):
        assert permits(parse_match(text), weak(2))
        assert not permits(parse_match(None, text), weak(2))
        assert parse_match(None, text).is_current(weak(2))
    for text in ('W/"1"', '"22"', '"*"'):
        assert not permits(parse_match(text), weak(2))
        assert permits(parse_match(None, text), weak(2))
        assert not parse_match(text).is_current(weak(2))
    assert permits(parse_match(None), weak(2))
    assert permits(parse_match('"2"', '"1"'), weak(2))
    assert not permits(parse_match("*", "*"), weak(2))


def test_whether_there_is_something_is_known_without_its_version() -> None:
    assert [match.needs_version for match in (Match(), parse_match("*"), parse_match("*", "*"))] == [False] * 3
    assert parse_match('"*"').needs_version
    assert parse_match("*", '"1"').needs_version


def test_digest_knows_no_order_of_keys() -> None:
    assert digest([{"a": 1, "b": {"c": 2, "d": 3}}]) == digest([{"b": {"d": 3, "c": 2}, "a": 1}])
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({}).startswith('W/"')


@given(st.text())
def test_any_header_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert parse_match(text).tags
