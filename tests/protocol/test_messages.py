"""Bodies, list responses and query parameters."""

from __future__ import annotations

import codecs
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol.errors import InvalidSyntax, InvalidValue
from django_scim_provider.protocol.messages import ListQuery, list_response, load_body, parse_integer, parse_query
from django_scim_provider.protocol.urns import LIST_RESPONSE


def nested(depth: int) -> bytes:
    """An object with lists inside, ``depth`` levels in all."""
    return b'{"a":' + (b"[" * (depth - 1) + b"]" * (depth - 1) or b"1") + b"}"


class TestLoadBody:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"{}", {}),
            (b' \r\n\t{"a": 1} ', {"a": 1}),
            (b'{"a": [1, -2, 0.5, 1e3, true, false, null, "x"]}', {"a": [1, -2, 0.5, 1000.0, True, False, None, "x"]}),
            ('{"a": "Zoë 😀"}'.encode(), {"a": "Zoë 😀"}),
            (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
            (b'{"a": "\\u00e9", "b": {"c": [{"d": "\\n\\t"}]}}', {"a": "é", "b": {"c": [{"d": "\n\t"}]}}),
            (b'{"a": "[[[[{{{{ \\" ]"}', {"a": '[[[[{{{{ " ]'}),
            (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
            (b'{"a": 9223372036854775807, "b": -9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
            (b'{"a": "\xef\xbb\xbf"}', {"a": "\ufeff"}),
        ],
    )
    def test_json_objects_are_read(self, data: bytes, expected: dict[str, object]) -> None:
        assert load_body(data) == expected

    def test_a_byte_order_mark_is_skipped(self) -> None:
        assert load_body(codecs.BOM_UTF8 + b'{"a": 1}') == {"a": 1}

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"  \n",
            codecs.BOM_UTF8,
            b"{",
            b"}",
            b'{"a": }',
            b'{"a": 1,}',
            b"{'a': 1}",
            b'{"a": 1} x',
            b'{"a": 1}{"b": 2}',
            b'{"a": "x}',
            b'{"a": "\\',
            b'{"a": "\x01"}',
            b'{"a": "line\nbreak"}',
            b'{"a": 01}',
            b'{"a": +1}',
            b'{"a": .5}',
            b'{"a": "\\x41"}',
            b"\xc2\xa0{}",
            b"userName=a",
            b"<html></html>",
            b"[}",
            b'{"a": ]}',
        ],
    )
    def test_what_is_not_json_is_refused(self, data: bytes) -> None:
        with pytest.raises(InvalidSyntax):
            load_body(data)

    def test_the_place_of_the_error_is_named(self) -> None:
        with pytest.raises(InvalidSyntax, match="line 2, column 6"):
            load_body(b'{"a": 1,\n "b" 2}')

    @pytest.mark.parametrize("data", [b"[1]", b'"x"', b"1", b"null", b"true", b"[]", b'[{"userName": "a"}]'])
    def test_the_top_level_must_be_an_object(self, data: bytes) -> None:
        with pytest.raises(InvalidSyntax, match="must be a JSON object"):
            load_body(data)

    @pytest.mark.parametrize(
        "data", [b'{"a": "\xff"}', b'{"a": "\xc0\xaf"}', b'{"a": "\xed\xa0\x80"}', '{"a": "é"}'.encode("latin-1")]
    )
    def test_bad_utf8_is_refused(self, data: bytes) -> None:
        with pytest.raises(InvalidSyntax, match="not UTF-8"):
            load_body(data)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
    def test_other_unicode_encodings_are_refused(self, encoding: str) -> None:
        with pytest.raises(InvalidSyntax):
            load_body('{"a": "x"}'.encode(encoding))

    @pytest.mark.parametrize("depth", [1, 2, 31, 32])
    def test_nesting_up_to_the_limit_is_read(self, depth: int) -> None:
        assert isinstance(load_body(nested(depth)), dict)

    @pytest.mark.parametrize("depth", [33, 34, 100, 1000, 100_000])
    def test_nesting_beyond_the_limit_is_refused(self, depth: int) -> None:
        with pytest.raises(InvalidSyntax, match="nested deeper than 32"):
            load_body(nested(depth))

    def test_the_limit_can_be_chosen(self) -> None:
        assert load_body(nested(3), max_depth=3) == {"a": [[]]}
        with pytest.raises(InvalidSyntax):
            load_body(nested(4), max_depth=3)

    def test_many_shallow_brackets_are_no_nesting(self) -> None:
        assert len(load_body(b'{"a": [' + b"[],{}," * 10_000 + b"[]]}")["a"]) == 20_001

    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 1_000_000,
            b'{"a":' * 200_000,
            b'"' + b'\\"' * 500_000,
            b'{"a": "' + b'\\"' * 500_000,
            b'"' * 1_000_001,
            b'{"a": ' + b"1" * 1_000_000 + b"}",
            b'{"a": ' + b"1" * 1_000_000 + b".5}",
            b'{"a": "' + b"\\u0041" * 160_000 + b'"}',
            b"[]" * 500_000,
            b"{}" * 500_000 + b"x",
        ],
        ids=["brackets", "objects", "quotes", "open string", "strings", "integer", "float", "escapes", "pairs", "junk"],
    )
    def test_a_hostile_megabyte_takes_no_time(self, data: bytes) -> None:
        start = time.perf_counter()
        with suppress(InvalidSyntax, InvalidValue):
            load_body(data)
        assert time.perf_counter() - start < 0.5

    @pytest.mark.parametrize(
        "data",
        [
            b'{"userName": "a", "userName": "b"}',
            b'{"active": true, "Active": false}',
            b'{"a": {"b": [{"c": 1, "C": 1}]}}',
            b'{"\\u0061": 1, "a": 2}',
            '{"É": 1, "é": 2}'.encode(),
        ],
    )
    def test_duplicate_keys_are_refused_in_any_case_and_depth(self, data: bytes) -> None:
        with pytest.raises(InvalidSyntax, match="same key twice"):
            load_body(data)

    @pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
    def test_constants_that_json_lacks_are_refused(self, word: bytes) -> None:
        with pytest.raises(InvalidSyntax, match="not JSON"):
            load_body(b'{"a": ' + word + b"}")

    @pytest.mark.parametrize(
        "number", [b"9223372036854775808", b"-9223372036854775809", b"9" * 5000, b"-" + b"9" * 5000, b"1" * 20]
    )
    def test_integers_beyond_64_bits_are_refused(self, number: bytes) -> None:
        with pytest.raises(InvalidValue, match="64 bits"):
            load_body(b'{"a": [' + number + b"]}")

    @pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 400 + b".0"])
    def test_numbers_beyond_a_double_are_refused(self, number: bytes) -> None:
        with pytest.raises(InvalidValue, match="double"):
            load_body(b'{"a": ' + number + b"}")

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            (r'{"a": "x\u0000"}', "NUL"),
            (r'{"x\u0000": "a"}', "NUL"),
            (r'{"a": ["\ud800x"]}', "surrogate"),
            (r'{"a": {"b": "\udc00"}}', "surrogate"),
            (r'{"a": "\ude00\ud83d"}', "surrogate"),
            (r'{"\ud800": 1}', "surrogate"),
            (r'{"a": "\ufffe"}', r"noncharacter \(U\+FFFE\)"),
            (r'{"a": "\uFDD0"}', r"noncharacter \(U\+FDD0\)"),
            (r'{"a": "\ud83f\udfff"}', r"noncharacter \(U\+1FFFF\)"),
            ('{"a": "\uffff"}', r"noncharacter \(U\+FFFF\)"),
            ('{"\ufdef": 1}', r"noncharacter \(U\+FDEF\)"),
            ('{"a": "\U0010fffe"}', r"noncharacter \(U\+10FFFE\)"),
        ],
    )
    def test_characters_that_some_database_cannot_store_are_refused(self, text: str, kind: str) -> None:
        with pytest.raises(InvalidSyntax, match=kind):
            load_body(text.encode())

    def test_a_raw_nul_is_refused(self) -> None:
        with pytest.raises(InvalidSyntax):
            load_body(b'{"a": "\x00"}')

    @given(st.binary(max_size=300))
    def test_no_bytes_raise_anything_else(self, data: bytes) -> None:
        with suppress(InvalidSyntax, InvalidValue):
            assert isinstance(load_body(data), dict)

    @given(st.text(alphabet='{}[]",:\\u0d8019eE.-+ntfalsrx \n', max_size=80))
    def test_no_text_like_json_raises_anything_else(self, text: str) -> None:
        with suppress(InvalidSyntax, InvalidValue):
            assert isinstance(load_body(b'{"a":' + text.encode() + b"}"), dict)

    @given(
        st.dictionaries(
            st.text(alphabet="abcdef", max_size=5),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers(-(2**63), 2**63 - 1)
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(alphabet='aé😀\t"\\[{]}\x7f\n/'),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("uvw"), inner, max_size=3),
                max_leaves=10,
            ),
        ),
        st.booleans(),
    )
    def test_what_json_writes_is_read_back(self, body: dict[str, object], escaped: bool) -> None:
        assert load_body(json.dumps(body, ensure_ascii=escaped).encode()) == body


class TestListResponse:
    def test_a_page_of_results(self) -> None:
        assert list_response([{"id": "1"}, {"id": "2"}], total=12, start_index=5) == {
            "schemas": [LIST_RESPONSE],
            "totalResults": 12,
            "startIndex": 5,
            "itemsPerPage": 2,
            "Resources": [{"id": "1"}, {"id": "2"}],
        }

    def test_resources_are_there_when_there_are_none(self) -> None:
        document = list_response((), total=0, start_index=1)
        assert document["Resources"] == []
        assert document["itemsPerPage"] == 0


class TestParseInteger:
    @pytest.mark.parametrize(
        ("text", "number"), [("0", 0), ("7", 7), ("+7", 7), ("-7", -7), ("007", 7), ("9" * 18, 10**18 - 1)]
    )
    def test_ascii_digits_are_read(self, text: str, number: int) -> None:
        assert parse_integer(text, "count") == number

    @pytest.mark.parametrize(
        "text", ["", " ", " 5", "5 ", "5\n", "1e3", "0x10", "1_000", "٥", "५", "1.0", "--1", "+", "ten", "9" * 19]
    )
    def test_anything_else_is_refused_by_name(self, text: str) -> None:
        with pytest.raises(InvalidValue, match="count must be a whole number"):
            parse_integer(text, "count")


class TestParseQuery:
    def test_nothing_asked(self) -> None:
        assert parse_query({}) == ListQuery()

    def test_everything_asked(self) -> None:
        assert parse_query(
            {
                "filter": 'userName eq "a"',
                "sortBy": "name.familyName",
                "sortOrder": "descending",
                "startIndex": "11",
                "count": "10",
                "attributes": "userName, name.givenName ,,",
                "excludedAttributes": "members",
            }
        ) == ListQuery(
            filter='userName eq "a"',
            sort_by="name.familyName",
            descending=True,
            start_index=11,
            count=10,
            attributes=("userName", "name.givenName"),
            excluded_attributes=("members",),
        )

    def test_names_are_read_in_any_case_and_unknown_ones_ignored(self) -> None:
        query = parse_query({"startindex": "2", "COUNT": "3", "aadOptscim062020": "", "": "", "x": "y"})
        assert (query.start_index, query.count) == (2, 3)

    @pytest.mark.parametrize(
        ("text", "start_index"),
        [("0", 1), ("-5", 1), ("1", 1), ("100", 100), ("1" + "0" * 30, 10**18 - 1), ("-1" + "0" * 30, 1)],
    )
    def test_start_index_is_at_least_one(self, text: str, start_index: int) -> None:
        assert parse_query({"startIndex": text}).start_index == start_index

    @pytest.mark.parametrize(("text", "count"), [("0", 0), ("-1", 0), ("200", 200), ("9" * 40, 10**18 - 1)])
    def test_count_is_at_least_zero(self, text: str, count: int) -> None:
        assert parse_query({"count": text}).count == count

    @pytest.mark.parametrize("name", ["startIndex", "count"])
    @pytest.mark.parametrize("text", ["", "1e3", " 5", "٥", "0x10", "ten", "1,5"])
    def test_what_is_no_number_is_refused(self, name: str, text: str) -> None:
        with pytest.raises(InvalidValue, match=name):
            parse_query({name: text})

    @pytest.mark.parametrize(("order", "descending"), [("", False), ("Ascending", False), ("DESCENDING", True)])
    def test_sort_order_is_read_in_any_case(self, order: str, descending: bool) -> None:
        assert parse_query({"sortBy": "userName", "sortOrder": order}).descending is descending

    def test_another_sort_order_is_refused(self) -> None:
        with pytest.raises(InvalidValue, match="sortOrder"):
            parse_query({"sortOrder": "down"})

    def test_a_parameter_in_two_spellings_is_refused(self) -> None:
        with pytest.raises(InvalidValue, match="filter is given more than once"):
            parse_query({"filter": 'id eq "1"', "Filter": 'id eq "2"'})

    def test_an_empty_filter_is_left_for_the_parser_to_refuse(self) -> None:
        assert parse_query({"filter": ""}).filter == ""

    def test_an_empty_sort_by_asks_for_nothing(self) -> None:
        assert parse_query({"sortBy": ""}).sort_by is None
