"""Filters and sorting find what was sent, at a cost that does not grow with the number of people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from django.db import connections as databases
from django.test.utils import CaptureQueriesContext

from ..adapters.value_keys import value_key
from ..protocol.schemas import BoundPath
from ..services import specimen
from .contract_base import ContractCase, Person, equals

_SQL_SHOWN: Final = 300


class SearchContract(ContractCase):
    """One test for each way to look for people."""

    def test_filters_find_what_was_sent_and_nothing_else(self) -> None:
        person = self.person()
        others = {path.key: value for path, value in specimen.values(self.adapter, 1)}
        self.report(
            problem
            for path, _ in self.changes(0)
            for condition, matches in _conditions(path, path.read(person.sent), others.get(path.key))
            for problem in self._unlike_filter(person, path, condition, matches)
        )

    def _unlike_filter(self, person: Person, path: BoundPath, condition: str, matches: bool) -> Iterator[str]:
        found = self.finds(f"{condition} and {person.named}")
        if found == ([person.id] if matches else []):
            return
        sent = path.read(person.sent)
        what = "does not find" if matches else "finds"
        yield (
            f"{self.mapped(path.key)}, but the filter {condition} {what} a person who was sent with {sent!r}: what "
            "`set` stores has to be the value itself, in the column that `lookup` names."
        )

    def test_user_names_and_addresses_are_found_in_any_case(self) -> None:
        person = self.person()
        for spelling in (person.user_name, person.user_name.swapcase()):
            for condition in (
                f'userName eq "{spelling}"',
                f'emails.value eq "{spelling}"',
                f'emails[type eq "work" and value eq "{spelling}"]',
            ):
                self.require(
                    self.finds(condition) == [person.id],
                    f"The filter {condition} does not find the person created as {person.user_name}, or finds others.",
                )

    def test_people_are_sorted_by_what_is_shown(self) -> None:
        several = [self.person(variant) for variant in (1, 2, 0)]
        condition = " or ".join(person.named for person in several)
        self.report(
            problem
            for path, value in self.changes(0)
            if equals(path, value)
            for problem in self._unsorted(path, condition)
        )

    def _unsorted(self, path: BoundPath, condition: str) -> Iterator[str]:
        for order in ("ascending", "descending"):
            answer = self.scim.get("/Users", filter=condition, sortBy=path.key, sortOrder=order)
            shown = [
                path.read(resource) for resource in self.accepted(answer, f"sortBy {path.key}").json()["Resources"]
            ]
            keys = [value_key(path, value) for value in shown]
            if keys != sorted(keys, reverse=order == "descending"):
                yield (
                    f"{self.mapped(path.key)}, but sortBy {path.key}, {order}, gives {shown!r}: the column sorts "
                    "otherwise than the values; override order() of the entry."
                )

    def test_the_number_of_queries_does_not_grow_with_the_number_of_people(self) -> None:
        several = [self.person(variant) for variant in (0, 1)]
        self._list()  # what is asked once in the life of a process has been asked
        few = self._list()
        several += [self.person(variant) for variant in (2, 0, 1, 2)]
        many = self._list()
        more = Counter(many) - Counter(few)
        repeated = "\n".join(sql[:_SQL_SHOWN] for sql, _ in more.most_common(3))
        self.require(
            len(many) <= len(few),
            f"To list {len(several)} people takes {len(many)} queries, to list 2 takes {len(few)}: what `get` of an "
            f"entry asks the database is asked for each person. Map a column instead. New are:\n{repeated}",
        )

    def _list(self) -> list[str]:
        with CaptureQueriesContext(databases[self.context.using]) as queries:
            self.accepted(self.scim.get("/Users"), "GET /Users")
        return [query["sql"] for query in queries]


def _conditions(path: BoundPath, value: Any, other: Any) -> Iterator[tuple[str, bool]]:
    """Filters on an attribute, and whether somebody with the value meets them."""
    if path.target.type == "complex":
        return
    if path.attribute.multi_valued:
        yield f"{path.key} eq {json.dumps(value[0])}", True
        return
    yield f"{path.key} pr", True
    yield equals(path, value), True
    yield equals(path, other), other == value
    if path.target.type == "string" and not path.target.case_exact:
        yield equals(path, value.swapcase()), True
