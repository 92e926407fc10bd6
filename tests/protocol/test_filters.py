from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from django_scim_provider.protocol import urns
from django_scim_provider.protocol.core_schemas import ENTERPRISE_USER, GROUP, USER
from django_scim_provider.protocol.errors import InvalidFilter
from django_scim_provider.protocol.filters import (
    And,
    Compare,
    Element,
    Filter,
    Limits,
    Not,
    Or,
    Present,
    Value,
    conjuncts,
    matches,
    matches_value,
    parse_filter,
    parse_value_filter,
    to_text,
)
from django_scim_provider.protocol.schemas import Attribute, BoundPath, ResourceType, Schema
from django_scim_provider.protocol.tolerance import STRICT, Tolerance

USERS = ResourceType("User", "/Users", "", USER, (ENTERPRISE_USER,))
GROUPS = ResourceType("Group", "/Groups", "", GROUP)
DEVICES = ResourceType(
    "Device",
    "/Devices",
    "",
    Schema(
        "urn:example:Device",
        "Device",
        "",
        (
            Attribute("name"),
            Attribute("serial", case_exact=True),
            Attribute("level", type="integer"),
            Attribute("weight", type="decimal"),
            Attribute("online", type="boolean"),
            Attribute("seen", type="dateTime"),
            Attribute("key", type="binary"),
            Attribute("home", type="reference", case_exact=True),
            Attribute("tags", multi_valued=True),
            Attribute("pin", returned="never"),
            Attribute(
                "codes", type="complex", multi_valued=True, returned="never", sub_attributes=(Attribute("value"),)
            ),
            Attribute(
                "slots",
                type="complex",
                multi_valued=True,
                sub_attributes=(
                    Attribute("value", returned="never"),
                    Attribute("ports", type="integer", multi_valued=True),
                    Attribute("odd", type="complex", sub_attributes=(Attribute("value"),)),
                ),
            ),
        ),
    ),
    (
        Schema(
            "urn:example:a",
            "A",
            "",
            (
                Attribute("shared"),
                Attribute("owner"),
                Attribute("name", type="complex", sub_attributes=(Attribute("first"),)),
            ),
        ),
        Schema("urn:example:b", "B", "", (Attribute("shared"),)),
    ),
)


def path(text: str, resource_type: ResourceType = USERS) -> BoundPath:
    """``emails``, ``emails.value``, ``urn:...:User:manager.value``."""
    urn, _, name = text.rpartition(":")
    attribute, _, sub = name.partition(".")
    bound = resource_type.bind(urn or None, attribute, sub or None)
    assert bound is not None
    return bound


def compare(name: str, operator: Any, value: Value, resource_type: ResourceType = USERS) -> Compare:
    return Compare(path(name, resource_type), operator, value)


def users(text: str, **options: Any) -> Filter:
    return parse_filter(text, USERS, **options)


def devices(text: str, **options: Any) -> Filter:
    return parse_filter(text, DEVICES, **options)


def refused(text: str, resource_type: ResourceType = USERS, **options: Any) -> str:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text, resource_type, **options)
    assert caught.value.status == 400
    assert caught.value.scim_type == "invalidFilter"
    return caught.value.detail


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


NAME_IS_A = compare("userName", "eq", "a")
TITLE_IS_B = compare("title", "eq", "b")
ACTIVE = compare("active", "eq", True)
MODIFIED = instant(2011, 5, 13, 4, 42, 34)
MANAGER = f"{urns.ENTERPRISE_USER}:manager"


class TestRfcExamples:
    """RFC 7644 figure 2, in its order."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('userName eq "bjensen"', compare("userName", "eq", "bjensen")),
            ('name.familyName co "O\'Malley"', compare("name.familyName", "co", "O'Malley")),
            ('userName sw "J"', compare("userName", "sw", "J")),
            ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', compare("userName", "sw", "J")),
            ("title pr", Present(path("title"))),
            ('meta.lastModified gt "2011-05-13T04:42:34Z"', compare("meta.lastModified", "gt", MODIFIED)),
            ('meta.lastModified ge "2011-05-13T04:42:34Z"', compare("meta.lastModified", "ge", MODIFIED)),
            ('meta.lastModified lt "2011-05-13T04:42:34Z"', compare("meta.lastModified", "lt", MODIFIED)),
            ('meta.lastModified le "2011-05-13T04:42:34Z"', compare("meta.lastModified", "le", MODIFIED)),
            (
                'title pr and userType eq "Employee"',
                And((Present(path("title")), compare("userType", "eq", "Employee"))),
            ),
            ('title pr or userType eq "Intern"', Or((Present(path("title")), compare("userType", "eq", "Intern")))),
            (
                'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
                compare("schemas", "eq", urns.ENTERPRISE_USER),
            ),
            (
                'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
                And(
                    (
                        compare("userType", "eq", "Employee"),
                        Or(
                            (
                                compare("emails.value", "co", "example.com"),
                                compare("emails.value", "co", "example.org"),
                            )
                        ),
                    )
                ),
            ),
            (
                'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
                And(
                    (
                        compare("userType", "ne", "Employee"),
                        Not(
                            Or(
                                (
                                    compare("emails.value", "co", "example.com"),
                                    compare("emails.value", "co", "example.org"),
                                )
                            )
                        ),
                    )
                ),
            ),
            (
                'userType eq "Employee" and (emails.type eq "work")',
                And((compare("userType", "eq", "Employee"), compare("emails.type", "eq", "work"))),
            ),
            (
                'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
                And(
                    (
                        compare("userType", "eq", "Employee"),
                        Element(
                            path("emails"),
                            And((compare("emails.type", "eq", "work"), compare("emails.value", "co", "@example.com"))),
                        ),
                    )
                ),
            ),
            (
                'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
                Or(
                    (
                        Element(
                            path("emails"),
                            And((compare("emails.type", "eq", "work"), compare("emails.value", "co", "@example.com"))),
                        ),
                        Element(
                            path("ims"),
                            And((compare("ims.type", "eq", "xmpp"), compare("ims.value", "co", "@foo.com"))),
                        ),
                    )
                ),
            ),
        ],
    )
    def test_is_read_as_the_rfc_means_it(self, text: str, expected: Filter) -> None:
        assert users(text) == expected

    @pytest.mark.parametrize("text", ['userName Eq "john"', 'Username eq "john"', 'USERNAME EQ "john"'])
    def test_names_and_operators_are_read_in_any_case(self, text: str) -> None:
        assert users(text) == compare("userName", "eq", "john")


class TestGrammar:
    @pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
    @pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title, lambda text: text[0] + text[1].upper()])
    def test_every_operator_is_known_in_any_case(self, operator: str, spelling: Callable[[str], str]) -> None:
        assert users(f'userName {spelling(operator)} "a"') == compare("userName", operator, "a")

    @pytest.mark.parametrize(
        "text", ["title pr", "title PR", "title Pr", "  title   pr  ", "(title pr)", "((title pr))", "TITLE pR"]
    )
    def test_presence(self, text: str) -> None:
        assert users(text) == Present(path("title"))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('userName eq "a" or title eq "b" and active eq true', Or((NAME_IS_A, And((TITLE_IS_B, ACTIVE))))),
            ('userName eq "a" and title eq "b" or active eq true', Or((And((NAME_IS_A, TITLE_IS_B)), ACTIVE))),
            ('(userName eq "a" or title eq "b") and active eq true', And((Or((NAME_IS_A, TITLE_IS_B)), ACTIVE))),
            ('not (userName eq "a") and title eq "b"', And((Not(NAME_IS_A), TITLE_IS_B))),
            ('not (userName eq "a") or title eq "b"', Or((Not(NAME_IS_A), TITLE_IS_B))),
            ('NOT(userName eq "a" AND title eq "b")', Not(And((NAME_IS_A, TITLE_IS_B)))),
            ('not (not (userName eq "a"))', Not(Not(NAME_IS_A))),
            (
                'userName eq "a" and title eq "b" or title eq "b" and active eq true',
                Or((And((NAME_IS_A, TITLE_IS_B)), And((TITLE_IS_B, ACTIVE)))),
            ),
        ],
    )
    def test_not_binds_closer_than_and_which_binds_closer_than_or(self, text: str, expected: Filter) -> None:
        assert users(text) == expected

    @pytest.mark.parametrize("word", ["and", "or"])
    @pytest.mark.parametrize(
        "template", ["{0} w {1} w {2}", "({0} w {1}) w {2}", "{0} w ({1} w {2})", "(({0}) w (({1} w ({2}))))"]
    )
    def test_chains_are_flat_whatever_their_parentheses(self, word: str, template: str) -> None:
        text = template.replace("w", word).format('userName eq "a"', 'title eq "b"', "active eq true")
        assert users(text) == (And if word == "and" else Or)((NAME_IS_A, TITLE_IS_B, ACTIVE))

    @pytest.mark.parametrize(
        "text", ['not(userName eq "a")', 'not (userName eq "a")', 'NoT   ( userName   eq "a" )', 'not (userName eq"a")']
    )
    def test_space_is_free_where_nothing_is_ambiguous(self, text: str) -> None:
        assert users(text) == Not(NAME_IS_A)

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("", "at the end: an attribute"),
            ("   ", "at the end: an attribute"),
            ("userName", "at the end: an operator"),
            ("userName eq", "at the end: a value"),
            ("userName eq and", "at character 13: a value"),
            ("userName eq not", "at character 13: a value"),
            ("userName eq pr", "at character 13: a value"),
            ('userName regex "a"', "at character 10: an operator"),
            ('userName == "a"', "at character 10: an operator"),
            ("userName pr title pr", 'at character 13: "and", "or"'),
            ("displayName eq Sales Team", "must be quoted"),
            ("displayName eq Sales(EMEA)", "must be quoted"),
            ("title pr and", "at the end: an attribute"),
            ("title pr or or title pr", "at character 13: an attribute"),
            ("not title pr", 'at character 5: a parenthesis must follow "not"'),
            ("not", 'at the end: a parenthesis must follow "not"'),
            ("(title pr", "at the end:"),
            ("title pr)", "at character 9:"),
            ("()", "at character 2: an attribute"),
            ("emails[]", "at character 8: an attribute"),
            ('emails[type eq "work"', "at the end:"),
            ('emails[type eq "work")', "at character 22:"),
            ('"userName" eq "a"', "at character 1: an attribute"),
            ("5 eq 5", "something other than an attribute's name"),
            ("user@name pr", "something other than an attribute's name"),
            ("emails[+ pr]", "something other than an attribute's name"),
            ("emails..value pr", "something other than an attribute's name"),
            ("emails. pr", "something other than an attribute's name"),
            ('userName eq "a', "does not end, at character 13"),
            ('userName eq "a\\"', "does not end, at character 13"),
            ('userName eq "a" "b"', "at character 17:"),
            ("userName\u00a0eq a", "cannot stand at position 9"),
            ("userName eq a\u2003b", "cannot stand at position 14"),
        ],
    )
    def test_a_syntax_error_says_where_and_what_was_expected(self, text: str, hint: str) -> None:
        assert hint in refused(text)

    @pytest.mark.parametrize("char", ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", chr(0xD800), chr(0xDFFF)])
    @pytest.mark.parametrize("template", ['userName eq "a{}b"', "userName{}pr", "userName eq a{}"])
    def test_control_characters_and_lone_surrogates_are_refused(self, char: str, template: str) -> None:
        assert "control characters" in refused(template.replace("{}", char))


class TestPaths:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("URN:IETF:params:scim:SCHEMAS:core:2.0:user:USERNAME pr", "userName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName pr", "name.givenName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:emails pr", "emails"),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr",
                f"{urns.ENTERPRISE_USER}:department",
            ),
            ("URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user:Manager.VALUE pr", f"{MANAGER}.value"),
            ("EMAILS.Value pr", "emails.value"),
            ("groups.$REF pr", "groups.$ref"),
            ("meta.resourceType pr", "meta.resourceType"),
            ("externalId pr", "externalId"),
            ("id pr", "id"),
        ],
    )
    def test_names_and_urns_are_read_in_any_case(self, text: str, expected: str) -> None:
        assert users(text) == Present(path(expected))

    def test_brackets_may_follow_a_urn(self) -> None:
        text = 'urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"]'
        assert users(text) == Element(path("emails"), compare("emails.type", "eq", "work"))
        text = f'{MANAGER}[$ref eq "x"]'
        assert users(text) == Element(path(MANAGER), compare(f"{MANAGER}.$ref", "eq", "x"))

    @pytest.mark.parametrize(
        "text",
        [
            'userName eq "alice" and shoeSize eq "NOPE"',
            'shoeSize eq "NOPE" and userName eq "alice"',
            'userName eq "alice" or not (shoeSize pr)',
            'emails[type eq "work" and shoeSize eq "NOPE"]',
            'emails[type eq "work"].shoeSize eq "NOPE"',
            'urn:ietf:params:scim:schemas:core:2.0:User:shoeSize eq "NOPE"',
        ],
    )
    def test_m3_an_unknown_attribute_is_refused_by_name_and_never_dropped(self, text: str) -> None:
        assert '"shoeSize"' in refused(text)

    @pytest.mark.parametrize(
        "text",
        [
            "userName.value pr",
            "name.nickName pr",
            "urn:example:other:userName pr",
            "urn:example:other:department pr",
            f"{urns.USER}:department pr",
            f"{urns.GROUP}:displayName pr",
            f"{urns.ENTERPRISE_USER}:userName pr",
            "members pr",
            'password eq "secret"',
            "password pr",
            "is_staff eq true",
            "user__password pr",
            'emails[emails.type eq "work"]',
            'emails[urn:ietf:params:scim:schemas:core:2.0:User:type eq "work"]',
            'emails[userName eq "a"]',
        ],
    )
    def test_what_the_schema_does_not_have_is_refused(self, text: str) -> None:
        assert "no attribute" in refused(text)

    def test_a_long_name_is_not_repeated(self) -> None:
        assert refused("a" * 64 + " pr").count("a" * 64) == 1
        assert "aaa" not in refused("a" * 65 + " pr")
        assert "something other" in refused("a" * 2000 + " pr")

    @pytest.mark.parametrize(
        "secret", ["<script>", "{0.__class__}", "%(x)s", "${7*7}", "{{7*7}}", "';DROP", "\u202eevil", "zzzz@zzzz"]
    )
    @pytest.mark.parametrize(
        "template", ["X pr", "userName X", "userName eq X X", 'title pr and X eq "a"', 'X "', "(X"]
    )
    def test_the_text_of_the_filter_is_never_echoed(self, template: str, secret: str) -> None:
        assert secret not in refused(template.replace("X", secret))

    @pytest.mark.parametrize("value", ["zzz-secret", '"zzz-secret"'])
    @pytest.mark.parametrize("name", ["active", "meta.created", "name", "nothing", "x509Certificates gt 1 or id"])
    def test_values_are_never_echoed(self, name: str, value: str) -> None:
        assert "zzz" not in refused(f"{name} gt {value}")

    @pytest.mark.parametrize(
        "text",
        ["pin pr", 'pin sw "1"', "codes pr", 'codes eq "1"', 'codes[value sw "1"]', 'slots eq "1"', "slots.value pr"],
    )
    def test_what_is_never_returned_cannot_be_probed(self, text: str) -> None:
        assert "never returned" in refused(text, DEVICES)

    @pytest.mark.parametrize("text", ['slots[value sw "1"]', "slots[ports eq 1].value pr"])
    def test_what_is_never_returned_cannot_be_probed_within_brackets(self, text: str) -> None:
        assert "never returned" in refused(text, DEVICES)

    def test_an_extension_attribute_may_go_without_its_urn_where_only_one_has_it(self) -> None:
        assert users('manager eq "42"') == compare(f"{MANAGER}.value", "eq", "42")
        assert users("department pr") == Present(path(f"{urns.ENTERPRISE_USER}:department"))
        assert devices("owner pr") == Present(path("urn:example:a:owner", DEVICES))
        assert "no attribute" in refused("shared pr", DEVICES)

    def test_the_core_attribute_wins_over_an_extension_with_the_same_name(self) -> None:
        assert devices("name pr") == Present(path("name", DEVICES))
        assert '"name.first"' in refused("name.first pr", DEVICES)
        assert devices("urn:example:a:name.first pr") == Present(path("urn:example:a:name.first", DEVICES))

    def test_strict_demands_the_urn_of_an_extension(self) -> None:
        assert '"manager"' in refused('manager eq "42"', tolerance=STRICT)
        assert users(f'{MANAGER} eq "42"', tolerance=STRICT) == compare(f"{MANAGER}.value", "eq", "42")


class TestComplexAttributes:
    @pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
    def test_a_complex_attribute_compared_directly_means_its_value(self, operator: str) -> None:
        assert users(f'emails {operator} "x"') == compare("emails.value", operator, "x")
        assert parse_filter(f'members {operator} "x"', GROUPS) == compare("members.value", operator, "x", GROUPS)
        assert users(f'{MANAGER} {operator} "x"') == compare(f"{MANAGER}.value", operator, "x")

    @pytest.mark.parametrize("text", ['name eq "x"', 'addresses co "x"', 'meta gt "2011-01-01"', "name eq true"])
    def test_without_a_value_of_its_own_it_cannot_be_compared(self, text: str) -> None:
        assert "name the one to compare" in refused(text)

    def test_a_complex_part_of_a_complex_attribute_cannot_be_compared(self) -> None:
        assert "name the one to compare" in refused('slots.odd eq "x"', DEVICES)

    @pytest.mark.parametrize("name", ["emails", "name", "groups", MANAGER])
    def test_presence_stays_with_the_attribute_as_written(self, name: str) -> None:
        assert users(f"{name} pr") == Present(path(name))

    @pytest.mark.parametrize(
        "text",
        ["userName[value pr]", "schemas[value pr]", 'emails.value[type eq "work"]', 'emails[type[value eq "x"]]'],
    )
    def test_brackets_need_an_attribute_with_sub_attributes(self, text: str) -> None:
        assert "no sub-attributes" in refused(text)

    def test_not_within_brackets_is_about_the_element(self) -> None:
        work = compare("emails.type", "eq", "work")
        assert users('emails[not (type eq "work")]') == Element(path("emails"), Not(work))
        assert users('not (emails[type eq "work"])') == Not(Element(path("emails"), work))

    def test_brackets_may_select_in_a_single_complex_attribute(self) -> None:
        assert users('name[familyName eq "x"]') == Element(path("name"), compare("name.familyName", "eq", "x"))


class TestSubAttributeAfterBrackets:
    """``emails[type eq "work"].value eq "x"``, as Entra writes it."""

    WORK = compare("emails.type", "eq", "work")

    @pytest.mark.parametrize("operator", ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"])
    def test_is_one_more_condition_on_the_same_element(self, operator: str) -> None:
        assert users(f'emails[type eq "work"].value {operator} "x"') == Element(
            path("emails"), And((self.WORK, compare("emails.value", operator, "x")))
        )

    @pytest.mark.parametrize("text", ['emails[type eq "work"].value pr', 'EMAILS[TYPE EQ "work"].VALUE NE NULL'])
    def test_presence(self, text: str) -> None:
        assert users(text) == Element(path("emails"), And((self.WORK, Present(path("emails.value")))))

    def test_ne_is_the_complement_of_eq(self) -> None:
        assert users('emails[type eq "work"].value ne "x"') == Not(users('emails[type eq "work"].value eq "x"'))

    def test_eq_null_is_the_complement_of_presence(self) -> None:
        assert users('emails[type eq "work"].value eq null') == Not(users('emails[type eq "work"].value pr'))

    def test_the_conditions_before_it_stay_together(self) -> None:
        primary = compare("emails.primary", "eq", True)
        value = compare("emails.value", "eq", "x")
        assert users('emails[type eq "work" and primary eq true].value eq "x"') == Element(
            path("emails"), And((self.WORK, primary, value))
        )
        assert users('emails[type eq "work" or primary eq "True"].value eq "x"') == Element(
            path("emails"), And((Or((self.WORK, primary)), value))
        )

    def test_ref_and_urn(self) -> None:
        assert users(f'{MANAGER}[value eq "1"].$ref eq "x"') == Element(
            path(MANAGER), And((compare(f"{MANAGER}.value", "eq", "1"), compare(f"{MANAGER}.$ref", "eq", "x")))
        )

    def test_it_is_an_operand_like_any_other(self) -> None:
        assert users('active eq true and emails[type eq "work"].value eq "x" or userName eq "a"') == Or(
            (And((ACTIVE, users('emails[type eq "work"].value eq "x"'))), NAME_IS_A)
        )

    @pytest.mark.parametrize(
        "text",
        [
            'emails[type eq "work"].value',
            'emails[type eq "work"] eq "x"',
            'emails[type eq "work"] pr',
            'emails[type eq "work"].value[type eq "x"]',
            'emails[type eq "work"].value[type eq "x"].display eq "y"',
            'emails[type eq "work"][type eq "x"]',
            'emails[type eq "work"][type eq "x"].value eq "y"',
            'emails[type eq "work"] .value eq "x"',
            'emails[type eq "work"].value.value eq "x"',
            'emails.value[type eq "work"].value eq "x"',
            'emails[emails[type eq "work"].value eq "x"]',
            'emails[type eq "work"].5 eq "x"',
            'userName[type eq "work"].value eq "x"',
            '(emails[type eq "work"]).value eq "x"',
        ],
    )
    def test_nothing_else_may_follow_the_brackets(self, text: str) -> None:
        refused(text)


class TestStrings:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (r'"a\"b"', 'a"b'),
            (r'"a\\"', "a\\"),
            (r'"\\\"\/\b\f\n\r\t"', '\\"/\b\f\n\r\t'),
            (r'"caf\u00e9"', "café"),
            (r'"\ud83d\ude00"', "😀"),
            ('"😀 ünï"', "😀 ünï"),
            ('"and or not (title pr) ] ["', "and or not (title pr) ] ["),
            ('""', ""),
            ('"true"', "true"),
            ('"null"', "null"),
            ('"123"', "123"),
            ('" a "', " a "),
            ('"%_\'--"', "%_'--"),
        ],
    )
    def test_quoted_values_are_json_strings(self, text: str, value: str) -> None:
        for tolerance in (Tolerance(), STRICT):
            assert users(f"userName eq {text}", tolerance=tolerance) == compare("userName", "eq", value)

    @pytest.mark.parametrize("text", [r'"CORP\alice"', r'"\x41"', r'"\u12"', r'"\u00zz"', r'"\U0001f600"', r'"\'"'])
    def test_an_unknown_escape_is_refused(self, text: str) -> None:
        assert "unknown escape" in refused(f"userName eq {text}")

    @pytest.mark.parametrize("text", [r'"\u0000"', r'"a\ud800"', r'"\udc00\ud800"'])
    def test_what_no_database_stores_cannot_be_escaped_in(self, text: str) -> None:
        assert "NUL or half" in refused(f"userName eq {text}")

    @pytest.mark.parametrize(
        "word",
        [
            "alice@example.com",
            "jyoung",
            "123-abc",
            "123",
            "0123",
            "-1.5e3",
            "true",
            "False",
            "trueName",
            "nullable",
            "android",
            "prefix",
            "notes",
            "equal",
            "O'Malley",
            "CORP\\alice",
            ".net",
            "a.b",
            "urn:x:y",
            "https://example.com/a?b=c&d=%20",
            "žluť",
            "123456789012345678901234567890",
        ],
    )
    def test_an_unquoted_word_is_read_as_it_stands(self, word: str) -> None:
        assert users(f"externalId eq {word}") == compare("externalId", "eq", word)
        assert users(f"(externalId eq {word})") == compare("externalId", "eq", word)
        assert users(f"groups[value eq {word}]") == Element(path("groups"), compare("groups.value", "eq", word))

    @pytest.mark.parametrize("word", ["alice@example.com", "jyoung", "123", "true"])
    def test_strict_demands_quotes(self, word: str) -> None:
        assert "double quotes" in refused(f"userName eq {word}", tolerance=STRICT)

    def test_keywords_are_whole_words(self) -> None:
        assert '"trueName"' in refused('trueName eq "a"')
        assert '"nullable"' in refused("nullable pr")
        assert '"android"' in refused("title pr or android pr")

    def test_references_are_strings(self) -> None:
        assert users('profileUrl sw "https://"') == compare("profileUrl", "sw", "https://")


class TestNull:
    @pytest.mark.parametrize("null", ["null", "NULL", "Null"])
    @pytest.mark.parametrize("tolerance", [Tolerance(), STRICT])
    @pytest.mark.parametrize("name", ["title", "active", "name", "emails", "emails.value", "meta.created"])
    def test_eq_null_is_absence_and_ne_null_is_presence(self, name: str, null: str, tolerance: Tolerance) -> None:
        assert users(f"{name} eq {null}", tolerance=tolerance) == Not(Present(path(name)))
        assert users(f"{name} ne {null}", tolerance=tolerance) == Present(path(name))

    @pytest.mark.parametrize("operator", ["co", "sw", "ew", "gt", "ge", "lt", "le"])
    def test_no_other_operator_takes_null(self, operator: str) -> None:
        assert "null" in refused(f"title {operator} null")


class TestBooleans:
    @pytest.mark.parametrize(
        ("text", "value"), [("true", True), ("false", False), ("True", True), ("FALSE", False), ("tRuE", True)]
    )
    @pytest.mark.parametrize("tolerance", [Tolerance(), STRICT])
    def test_unquoted_in_any_case(self, text: str, value: bool, tolerance: Tolerance) -> None:
        assert users(f"active eq {text}", tolerance=tolerance) == compare("active", "eq", value)
        assert users(f"active ne {text}", tolerance=tolerance) == compare("active", "ne", value)

    @pytest.mark.parametrize(("text", "value"), [("True", True), ("true", True), ("False", False), ("FALSE", False)])
    def test_quoted_where_tolerated(self, text: str, value: bool) -> None:
        assert users(f'active eq "{text}"') == compare("active", "eq", value)
        assert users(f'roles[primary eq "{text}"]') == Element(path("roles"), compare("roles.primary", "eq", value))
        refused(f'active eq "{text}"', tolerance=STRICT)
        refused(f'active eq "{text}"', tolerance=Tolerance(boolean_strings=False))

    def test_digits_where_tolerated(self) -> None:
        digits = Tolerance(boolean_digits=True)
        assert users('active eq "1"', tolerance=digits) == compare("active", "eq", True)
        assert users('active eq "0"', tolerance=digits) == compare("active", "eq", False)
        assert "type, boolean" in refused('active eq "1"')
        assert "type, boolean" in refused('active eq "2"', tolerance=digits)

    @pytest.mark.parametrize("text", ['""', "yes", '"yes"', "1", "truely", "2011-01-01"])
    def test_anything_else_is_refused(self, text: str) -> None:
        assert "type, boolean" in refused(f"active eq {text}")

    @pytest.mark.parametrize("operator", ["co", "sw", "ew", "gt", "ge", "lt", "le"])
    @pytest.mark.parametrize("text", ["active {} true", "emails.primary {} true", 'emails[primary {} "true"]'])
    def test_only_equality_compares_them(self, operator: str, text: str) -> None:
        assert "values of type boolean" in refused(text.replace("{}", operator))


class TestBinary:
    def test_equality_and_presence_compare_them(self) -> None:
        assert users('x509Certificates eq "MII="') == compare("x509Certificates.value", "eq", "MII=")
        assert users('x509Certificates.value ne "MII="') == compare("x509Certificates.value", "ne", "MII=")
        assert users("x509Certificates.value pr") == Present(path("x509Certificates.value"))

    @pytest.mark.parametrize("operator", ["co", "sw", "ew", "gt", "ge", "lt", "le"])
    def test_nothing_else_does(self, operator: str) -> None:
        assert "values of type binary" in refused(f'x509Certificates {operator} "MII="')


class TestDateTimes:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2011-05-13T04:42:34Z", MODIFIED),
            ("2011-05-13t04:42:34z", MODIFIED),
            ("2011-05-13T06:42:34+02:00", MODIFIED),
            ("2011-05-12T23:12:34-05:30", MODIFIED),
            ("2011-05-13T04:42:34", MODIFIED),
            ("2011-05-13T04:42:34.5Z", instant(2011, 5, 13, 4, 42, 34, 500000)),
            ("2011-05-13T04:42:34.1234567Z", instant(2011, 5, 13, 4, 42, 34, 123456)),
            ("2011-05-13T04:42Z", instant(2011, 5, 13, 4, 42)),
            ("2011-05-13", instant(2011, 5, 13)),
            ("0001-01-01T00:00:00Z", instant(1, 1, 1)),
        ],
    )
    @pytest.mark.parametrize("operator", ["eq", "ne", "gt", "ge", "lt", "le"])
    def test_iso_8601_becomes_an_instant(self, text: str, value: datetime, operator: str) -> None:
        parsed = users(f'meta.created {operator} "{text}"')
        assert parsed == compare("meta.created", operator, value)
        assert isinstance(parsed, Compare)
        assert isinstance(parsed.value, datetime)
        assert parsed.value.tzinfo is UTC

    def test_unquoted_where_tolerated(self) -> None:
        assert users("meta.created gt 2011-05-13T04:42:34Z") == compare("meta.created", "gt", MODIFIED)
        assert "double quotes" in refused("meta.created gt 2011-05-13T04:42:34Z", tolerance=STRICT)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "yesterday",
            "2011",
            "20110513",
            "2011-W19-5",
            "2011-02-30",
            "2011-13-01T00:00:00Z",
            "2011-05-13T04:42:34 02:00",
            "2011-05-13 04:42:34Z",
            "2011-05-13T25:00:00Z",
            "2011-05-13T04:42:34+99:00",
            "0001-01-01T00:00:00+10:00",
            "9999-12-31T23:59:59-10:00",
            "٢٠١١-05-13",
            "2011-05-13T04:42:34Z\\n",
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        assert "type, dateTime" in refused(f'meta.created gt "{text}"')

    @pytest.mark.parametrize("operator", ["co", "sw", "ew"])
    def test_no_substrings(self, operator: str) -> None:
        assert "values of type dateTime" in refused(f'meta.created {operator} "2011"')


class TestNumbers:
    @pytest.mark.parametrize("operator", ["eq", "ne", "gt", "ge", "lt", "le"])
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("level", "0", 0),
            ("level", "-17", -17),
            ("level", "9223372036854775807", 2**63 - 1),
            ("level", "-9223372036854775808", -(2**63)),
            ("weight", "12", Decimal(12)),
            ("weight", "-0.5", Decimal("-0.5")),
            ("weight", "1.5e3", Decimal(1500)),
            ("weight", "1E-3", Decimal("0.001")),
            ("weight", "1e999", Decimal("1e999")),
        ],
    )
    def test_json_numbers_are_typed_by_the_attribute(
        self, operator: str, name: str, text: str, value: int | Decimal
    ) -> None:
        for tolerance in (Tolerance(), STRICT):
            parsed = devices(f"{name} {operator} {text}", tolerance=tolerance)
            assert parsed == compare(name, operator, value, DEVICES)
            assert isinstance(parsed, Compare)
            assert type(parsed.value) is type(value)

    def test_quoted_where_tolerated(self) -> None:
        assert devices('level eq "5"') == compare("level", "eq", 5, DEVICES)
        assert devices('weight eq "5.5"') == compare("weight", "eq", Decimal("5.5"), DEVICES)
        refused('level eq "5"', DEVICES, tolerance=STRICT)
        refused('weight eq "5.5"', DEVICES, tolerance=STRICT)

    @pytest.mark.parametrize(
        "text",
        [
            "9223372036854775808",
            "-9223372036854775809",
            "9" * 2000,
            "1.0",
            "1e3",
            "01",
            "+1",
            "0x10",
            "1_000",
            "٥",
            "five",
            "true",
            "-",
            '""',
        ],
    )
    def test_an_integer_has_64_bits_and_nothing_else(self, text: str) -> None:
        assert "type, integer" in refused(f"level eq {text}", DEVICES)

    @pytest.mark.parametrize(
        "text",
        ["1e1000", "1e-1000", "1" + "0" * 999 + "e1", "1e99999", "9" * 65, ".5", "5.", "NaN", "Infinity", "1e", "--1"],
    )
    def test_a_decimal_is_a_json_number_of_bounded_size(self, text: str) -> None:
        assert "type, decimal" in refused(f"weight eq {text}", DEVICES)

    @pytest.mark.parametrize("operator", ["co", "sw", "ew"])
    @pytest.mark.parametrize("name", ["level", "weight"])
    def test_no_substrings(self, name: str, operator: str) -> None:
        assert "values of type" in refused(f"{name} {operator} 1", DEVICES)


class TestLimits:
    def test_m5_128_terms_are_read_and_129_are_refused(self) -> None:
        for count in (2, 30, 127, 128):
            parsed = users(" or ".join(['userName eq "a"'] * count))
            assert parsed == Or((NAME_IS_A,) * count)
        assert "more than 128 comparisons" in refused(" or ".join(["title pr"] * 129))

    def test_every_comparison_counts_wherever_it_stands(self) -> None:
        two = Limits(terms=2)
        assert users('emails[type eq "work"].value eq "eq eq eq pr"', limits=two)
        assert "more than 2 comparisons" in refused('emails[type eq "a"].value eq "x" and title pr', limits=two)
        assert "more than 2 comparisons" in refused('not (title pr) and (title pr or title eq "x")', limits=two)

    @pytest.mark.parametrize("opening", ["(", "not (", "not(", "( "])
    def test_m6_depth_32_is_read_and_33_is_refused(self, opening: str) -> None:
        node = users(opening * 32 + "title pr" + ")" * 32)
        assert matches(node, {"title": "x"})
        for depth in (33, 900, 1000):
            assert "more than 32 deep" in refused(
                opening * depth + "title pr" + ")" * depth, limits=Limits(length=10**4)
            )

    def test_square_brackets_count_as_depth(self) -> None:
        assert users("(" * 31 + "emails[type pr]" + ")" * 31)
        assert "more than 32 deep" in refused("(" * 32 + "emails[type pr]" + ")" * 32)
        assert "more than 32 deep" in refused("emails[" * 900, limits=Limits(length=10**4))

    def test_brackets_side_by_side_and_in_strings_are_not_depth(self) -> None:
        assert users(" and ".join(["(title pr)"] * 100))
        assert users('title eq "' + "([" * 1000 + '"')

    def test_the_length_is_in_characters(self) -> None:
        text = 'userName eq "' + "é" * 4082 + '"'
        assert len(text) == 4096
        assert users(text)
        assert "longer than 4096 characters" in refused(text + " ")
        assert "longer than 10 characters" in refused("userName pr", limits=Limits(length=10))

    def test_a_million_brackets_cost_nothing(self) -> None:
        text = "(" * 10**6
        started = time.perf_counter()
        refused(text)
        refused(text, limits=Limits(length=10**7))
        assert time.perf_counter() - started < 0.05

    def test_a_careless_depth_is_cut_so_that_nothing_recurses_too_far(self) -> None:
        careless = Limits(length=10**6, terms=10**5, depth=10**5)
        nested = "not (title pr and " * 100 + "title pr" + ")" * 100
        node = users(nested, limits=careless)
        assert matches(node, {"title": "x"}) == matches(node, {"title": "y"})
        assert to_text(node) == nested
        assert "more than 100 deep" in refused("not (title pr and " * 101 + "title pr" + ")" * 101, limits=careless)

    def test_an_unbalanced_filter_does_not_win_depth(self) -> None:
        refused(")" * 100 + "(" * 120 + "title pr")

    @pytest.mark.parametrize("word", ["and", "or"])
    def test_a_long_chain_neither_recurses_nor_nests(self, word: str) -> None:
        count = sys.getrecursionlimit() * 3
        text = f" {word} ".join(["title pr"] * count)
        node = users(text, limits=Limits(length=10**6, terms=10**6))
        assert isinstance(node, And | Or)
        assert len(node.operands) == count
        assert matches(node, {"title": "x"})
        assert to_text(node) == text


FAMILIES: dict[str, Callable[[int], str]] = {
    "or chain": lambda n: " or ".join(['userName eq "x"'] * (n // 20)),
    "and/or mix": lambda n: " or ".join(['userName eq "x" and title pr'] * (n // 30)),
    "parentheses": lambda n: "(" * n,
    "closing": lambda n: ")" * n,
    "not": lambda n: "not (" * (n // 5),
    "brackets": lambda n: "emails[" * (n // 7),
    "quotes": lambda n: 'userName eq "' + '"' * n,
    "unclosed": lambda n: 'userName eq "' + "x" * n,
    "escapes": lambda n: 'userName eq "' + "\\" * (n // 2 * 2) + '"',
    "escaped quotes": lambda n: 'userName eq "' + '\\"' * (n // 2),
    "unicode escapes": lambda n: 'userName eq "' + "\\u00e9" * (n // 6) + '"',
    "long word": lambda n: "userName eq " + "a" * n,
    "long name": lambda n: "a" * n + " pr",
    "urn": lambda n: "urn:" + "a:" * (n // 2) + " pr",
    "dots": lambda n: "a." * (n // 2) + " pr",
    "colons": lambda n: "urn:a" + ":" * n,
    "urn words": lambda n: ("urn:" + "a:" * 500 + " ") * (n // 1005) + "pr",
    "spaces": lambda n: "title" + " " * n + "pr",
    "digits": lambda n: "externalId eq " + "9" * n,
    "operators": lambda n: "eq " * (n // 3),
    "value paths": lambda n: " or ".join(['emails[type eq "work"].value eq "x"'] * (n // 40)),
    "bracket chain": lambda n: "emails" + '[type eq "x"]' * (n // 13) + ".value pr",
    "long text": lambda n: 'userName eq "' + "é" * n + '"',
}


def seconds(text: str, limits: Limits) -> float:
    best = 1.0
    for _ in range(5):
        started = time.thread_time()
        with contextlib.suppress(InvalidFilter):
            users(text, limits=limits)
        best = min(best, time.thread_time() - started)
    return best


@pytest.mark.parametrize("family", FAMILIES)
class TestTime:
    def test_the_longest_filter_allowed_takes_less_than_50_milliseconds(self, family: str) -> None:
        assert seconds(FAMILIES[family](4096)[:4096], Limits()) < 0.05

    def test_time_grows_no_faster_than_length(self, family: str) -> None:
        unlimited = Limits(length=10**7, terms=10**7, depth=10**7)
        for _attempt in range(10):  # a busy machine may spoil one measurement
            once, twice = (seconds(FAMILIES[family](size), unlimited) for size in (20_000, 40_000))
            if twice < 3 * once or twice < 0.001:
                return
        pytest.fail(f"{once:.6f} s became {twice:.6f} s")


class TestValueFilter:
    EMAILS = path("emails")

    @pytest.mark.parametrize(
        "text",
        [
            'type eq "work"',
            'type eq "work" and value co "@x" or not (primary eq true)',
            "(primary eq TRUE)",
            "type eq null",
            "Value PR",
        ],
    )
    def test_is_what_the_brackets_of_a_filter_hold(self, text: str) -> None:
        assert users(f"emails[{text}]") == Element(self.EMAILS, parse_value_filter(text, self.EMAILS))

    def test_a_sub_attribute_after_the_brackets_does_not_matter(self) -> None:
        expected = compare("emails.type", "eq", "work")
        assert parse_value_filter('type eq "work"', path("emails.value")) == expected

    def test_it_keeps_the_urn(self) -> None:
        assert parse_value_filter('value eq "1"', path(MANAGER)) == compare(f"{MANAGER}.value", "eq", "1")

    @pytest.mark.parametrize("text", ["", "emails pr", "userName pr", "type[value pr]", "shoeSize pr", "type eq", "]["])
    def test_what_does_not_fit_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidFilter):
            parse_value_filter(text, self.EMAILS)

    def test_the_error_names_the_attribute_that_lacks_the_part(self) -> None:
        with pytest.raises(InvalidFilter, match='emails has no attribute "shoeSize"'):
            parse_value_filter("shoeSize pr", self.EMAILS)

    @pytest.mark.parametrize("name", ["userName", "schemas"])
    def test_an_attribute_without_parts_is_refused(self, name: str) -> None:
        with pytest.raises(InvalidFilter, match="no sub-attributes"):
            parse_value_filter("value pr", path(name))

    def test_tolerance_and_limits_apply(self) -> None:
        with pytest.raises(InvalidFilter, match="double quotes"):
            parse_value_filter("type eq work", self.EMAILS, tolerance=STRICT)
        with pytest.raises(InvalidFilter, match="more than 1 comparisons"):
            parse_value_filter("type pr and value pr", self.EMAILS, limits=Limits(terms=1))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('type eq "WORK"', True),
            ('type eq "work" and value ew "@x.io"', True),
            ('type eq "work" and primary eq true', False),
            ("primary eq true", False),
            ("primary ne true", True),
            ("not (display pr)", True),
            ('type eq "home" or value co "A@X"', True),
        ],
    )
    def test_an_element_meets_it_or_not(self, text: str, expected: bool) -> None:
        node = parse_value_filter(text, self.EMAILS)
        element = {"type": "work", "value": "a@x.io", "display": ""}
        assert matches_value(node, self.EMAILS.attribute, element) is expected


DOCUMENT = {
    "schemas": [urns.USER, urns.ENTERPRISE_USER],
    "id": "2819c223",
    "externalId": "Ext-1",
    "userName": "Alice@Example.com",
    "displayName": "Straße 100%",
    "title": "",
    "nickName": None,
    "active": False,
    "name": {"familyName": "O'Malley", "givenName": "Älice"},
    "emails": [
        {"type": "work", "value": "alice@example.com", "primary": True},
        {"type": "home", "value": "Alice@home.io"},
        {"type": "other"},
    ],
    "phoneNumbers": [],
    "ims": [{}, {"type": "xmpp", "value": ""}],
    "photos": [{"value": ""}],
    "x509Certificates": [{"value": "MIIab="}],
    "groups": [{"value": "G-1"}],
    "meta": {"created": "2011-05-13T04:42:34.500Z", "lastModified": "not a date", "version": 5},
    urns.ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "M-1"}},
}


class TestMatches:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            # Strings: the case rule of each attribute
            ('userName eq "alice@EXAMPLE.com"', True),
            ('userName eq "ａｌｉｃｅ@example.com"', True),
            ('userName eq "alice"', False),
            ('externalId eq "Ext-1"', True),
            ('externalId eq "ext-1"', False),
            ('externalId co "xt"', True),
            ('externalId co "XT"', False),
            ('id sw "2819"', True),
            ('name.givenName eq "älice"', True),
            ('name.givenName eq "A\u0308LICE"', True),
            ('displayName co "STRASSE"', False),
            ('displayName co "straße"', True),
            # M4: no wildcards
            ('userName sw "%"', False),
            ('userName co "_____"', False),
            ('userName eq "Alice_Example.com"', False),
            ('displayName ew "%"', True),
            ('displayName co "0%"', True),
            ('userName co ".*"', False),
            # Substrings
            ('userName sw "ALICE"', True),
            ('userName sw "lice"', False),
            ('userName ew ".COM"', True),
            ('userName ew ".co"', False),
            ('userName co "@example"', True),
            ('userName co ""', True),
            ('userName sw ""', True),
            ('userName ew ""', True),
            # Order, by code point of the folded form
            ('userName gt "alice"', True),
            ('userName gt "ALICE@example.com"', False),
            ('userName ge "ALICE@example.com"', True),
            ('userName lt "b"', True),
            ('userName lt "B"', True),
            ('userName le "alice@example.com"', True),
            ('externalId lt "a"', True),
            ('userName lt "\u00e9"', True),
            # Absent values
            ("title pr", False),
            ("nickName pr", False),
            ("timezone pr", False),
            ('title eq ""', False),
            ('title ne ""', True),
            ('userName eq ""', False),
            ('userName ne ""', True),
            ('title co ""', False),
            ('title sw ""', False),
            ('timezone eq "x"', False),
            ('timezone ne "x"', True),
            ('timezone lt "x"', False),
            ("timezone eq null", True),
            ("userName eq null", False),
            ("userName ne null", True),
            ('userName ne "alice@example.com"', False),
            # Booleans
            ("active pr", True),
            ("active eq false", True),
            ("active eq true", False),
            ("active ne true", True),
            ('active eq "False"', True),
            # Presence of complex and multi-valued attributes
            ("name pr", True),
            ("emails pr", True),
            ("phoneNumbers pr", False),
            ("photos pr", False),
            ("ims pr", True),
            ("ims.value pr", False),
            ("ims.type pr", True),
            ("addresses pr", False),
            ("addresses.type pr", False),
            ("meta.created pr", True),
            ("meta.location pr", False),
            # Multi-valued: one value is enough, and ne is the complement
            ('emails.value eq "ALICE@home.io"', True),
            ('emails eq "alice@home.io"', True),
            ('emails eq "nobody@home.io"', False),
            ('emails ne "alice@home.io"', False),
            ('emails ne "nobody@home.io"', True),
            ('emails.type ne "work"', False),
            ('emails.type ne "fax"', True),
            ("emails.primary eq true", True),
            ("emails.primary eq false", True),
            ("emails.primary ne false", False),
            ('emails co "home"', True),
            ('emails gt "alice@h"', True),
            ('phoneNumbers ne "1"', True),
            ('phoneNumbers eq "1"', False),
            ('ims co ""', False),
            (f'schemas eq "{urns.ENTERPRISE_USER}"', True),
            (f'schemas eq "{urns.GROUP}"', False),
            (f'schemas ne "{urns.USER}"', False),
            ('groups eq "G-1"', True),
            ('groups.value eq "g-1"', False),
            # Brackets: one and the same element
            ('emails[type eq "work" and value co "example.com"]', True),
            ('emails[type eq "home" and value co "example.com"]', False),
            ('emails.type eq "home" and emails.value co "example.com"', True),
            ('emails[type eq "home" and primary ne true]', True),
            ('emails[type eq "work" and primary ne true]', False),
            ('emails[type ne "work"]', True),
            ("emails[not (value pr)]", True),
            ("emails[not (type pr)]", False),
            ('emails[type eq "home"] and emails[type eq "work"]', True),
            ('emails[type eq "fax" or type eq "home"]', True),
            ('phoneNumbers[not (type eq "work")]', False),
            ('ims[type ne "xmpp"]', False),
            ("ims[value eq null]", True),
            ('emails[type eq "work"].value eq "alice@EXAMPLE.com"', True),
            ('emails[type eq "home"].value eq "alice@example.com"', False),
            ('emails[type eq "home"].value ne "alice@example.com"', True),
            ('emails[type eq "work"].value ne "alice@example.com"', False),
            ('emails[type eq "fax"].value ne "alice@example.com"', True),
            ('emails[type eq "other"].value pr', False),
            ('emails[type eq "other"].value eq null', True),
            ('emails[type eq "home"].value ne null', True),
            ('name[familyName eq "o\'malley" and givenName pr]', True),
            ('name[familyName eq "x"]', False),
            ("addresses[type pr]", False),
            # Extensions
            (f'{urns.ENTERPRISE_USER}:department eq "sales"', True),
            (f'{MANAGER} eq "M-1"', True),
            (f'{MANAGER}.value eq "m-1"', False),
            (f'{MANAGER}[value eq "M-1"]', True),
            (f"{urns.ENTERPRISE_USER}:division pr", False),
            ("division eq null", True),
            # Dates compare as instants
            ('meta.created eq "2011-05-13T06:42:34.5+02:00"', True),
            ('meta.created gt "2011-05-13T04:42:34Z"', True),
            ('meta.created ge "2011-05-13T04:42:34.5Z"', True),
            ('meta.created lt "2011-05-13T04:42:34.6Z"', True),
            ('meta.created le "2011-05-13"', False),
            ('meta.created ne "2011-05-13"', True),
            # A value that is not of the attribute's type equals nothing
            ('meta.lastModified gt "2011-05-13"', False),
            ('meta.lastModified ne "2011-05-13"', True),
            ('meta.version eq "5"', False),
            # Binary is exact
            ('x509Certificates eq "MIIab="', True),
            ('x509Certificates eq "miiab="', False),
            # Logic
            ("not (title pr) and active eq false", True),
            ("title pr or active eq true", False),
            ("title pr or active eq true or userName pr", True),
            ("userName pr and not (active eq false)", False),
        ],
    )
    def test_truth_table(self, text: str, expected: bool) -> None:
        node = users(text)
        assert matches(node, DOCUMENT) is expected
        assert matches(Not(node), DOCUMENT) is not expected

    @pytest.mark.parametrize(
        ("text", "document", "expected"),
        [
            ("level eq 5", {"level": 5}, True),
            ("level gt 4", {"level": 5}, True),
            ("level ge 5", {"level": 5}, True),
            ("level lt 10", {"level": 9}, True),
            ("level le 4", {"level": 5}, False),
            ("level ne 5", {"level": 5}, False),
            ("level ne 5", {}, True),
            ("level lt 5", {}, False),
            ("level eq 1", {"level": True}, False),
            ("level eq 0", {"level": "0"}, False),
            ("level eq 0", {"level": 0}, True),
            ("level pr", {"level": 0}, True),
            ("weight eq 1.1", {"weight": 1.1}, True),
            ("weight eq 1.10", {"weight": Decimal("1.1")}, True),
            ("weight gt 1", {"weight": 2}, True),
            ("weight lt 1e3", {"weight": 999.5}, True),
            ("online eq true", {"online": 1}, False),
            ("online eq false", {"online": 0}, False),
            ("seen eq 2011-05-13", {"seen": datetime(2011, 5, 13, tzinfo=UTC)}, True),
            ("seen pr", {"seen": 5}, True),
            ("seen eq 2011-05-13", {"seen": 5}, False),
            ('key eq "AbC="', {"key": "AbC="}, True),
            ('key eq "AbC="', {"key": "abc="}, False),
            ('home eq "HTTP://x"', {"home": "http://x"}, False),
            ('tags eq "B"', {"tags": ["a", "b"]}, True),
            ('tags ne "b"', {"tags": ["a", "b"]}, False),
            ('tags ne "c"', {"tags": ["a", "b"]}, True),
            ("tags pr", {"tags": ["", None]}, False),
            ("tags pr", {"tags": ["", "x"]}, True),
            ("slots.ports eq 2", {"slots": [{"ports": [1, 2]}, {"ports": [3]}]}, True),
            ("slots.ports ne 2", {"slots": [{"ports": [1, 2]}, {"ports": [3]}]}, False),
            ("slots[ports gt 2]", {"slots": [{"ports": [1, 2]}, {"ports": [3]}]}, True),
            ("slots[ports eq 1 and ports eq 3]", {"slots": [{"ports": [1, 2]}, {"ports": [3]}]}, False),
            ("slots.odd pr", {"slots": [{"odd": {"value": "x"}}]}, True),
            ("slots.odd pr", {"slots": [{"odd": {"value": ""}}]}, False),
        ],
    )
    def test_other_types(self, text: str, document: dict[str, Any], expected: bool) -> None:
        assert matches(devices(text), document) is expected

    def test_and_stops_at_the_first_that_fails(self) -> None:
        node = users('userName eq "nobody" and emails eq "x"')
        assert matches(node, {"userName": "a", "emails": "not even a list of objects"}) is False


class TestConjuncts:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('type eq "work"', ["type"]),
            ('type eq "work" and primary eq "True" and value co "x"', ["type", "primary"]),
            ('type eq "work" and (primary eq true and display eq "d")', ["type", "primary", "display"]),
            ('type eq "work" and (primary eq true or display eq "d")', ["type"]),
            ('type eq "work" or primary eq true', []),
            ('not (type eq "work")', []),
            ('type ne "work"', []),
            ("type pr", []),
        ],
    )
    def test_are_the_equalities_that_must_hold(self, text: str, expected: list[str]) -> None:
        found = list(conjuncts(parse_value_filter(text, path("emails"))))
        assert [compared.path.target.name for compared in found] == expected

    def test_carry_typed_values(self) -> None:
        (found,) = conjuncts(parse_value_filter('primary eq "True"', path("emails")))
        assert found.value is True


class TestText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("USERNAME EQ alice", 'userName eq "alice"'),
            ("emails eq null", "not (emails pr)"),
            ('emails eq "x"', 'emails.value eq "x"'),
            ("((title pr))", "title pr"),
            ("not(title pr)", "not (title pr)"),
            ("title pr or (title pr and active eq TRUE)", "title pr or title pr and active eq true"),
            ("(title pr or active pr) and title pr", "(title pr or active pr) and title pr"),
            ('active ne "False"', "active ne false"),
            ('emails[type eq work].value eq "x"', 'emails[type eq "work" and value eq "x"]'),
            ("emails[type eq a and (value pr or display pr)]", 'emails[type eq "a" and (value pr or display pr)]'),
            ("meta.created gt 2011-05-13T06:42:34+02:00", 'meta.created gt "2011-05-13T04:42:34Z"'),
            ("meta.created gt 2011-05-13T00:00:00.5", 'meta.created gt "2011-05-13T00:00:00.500000Z"'),
            ("manager eq 1", f'{MANAGER}.value eq "1"'),
            (r'title eq "a\"\\\n\u0085é"', r'title eq "a\"\\\n\u0085\u00e9"'),
            ('title eq "é"', 'title eq "é"'),
        ],
    )
    def test_is_canonical_and_reads_back(self, text: str, expected: str) -> None:
        assert to_text(users(text)) == expected
        assert users(expected, tolerance=STRICT) == users(text)

    def test_numbers(self) -> None:
        assert to_text(devices('level eq "-5" and weight lt 1.50e2')) == "level eq -5 and weight lt 150"


def test_threads_do_not_disturb_each_other() -> None:
    texts = [f'userName eq "{n}" and (title pr or emails[type eq "t{n}"].value eq "{n}")' for n in range(8)]
    expected = [users(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            assert list(pool.map(users, texts)) == expected
