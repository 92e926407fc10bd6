"""Faults in the middle of a bulk request are those of one operation; what is answered is what is in the database."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.db import connection as database
from django.db.models.signals import post_save
from django.views.debug import ExceptionReporter

from api.helpers import VENDOR, apart, is_error
from conftest import ScimClient, person
from django_scim_provider import signals
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from reliability.test_fault_at_every_query import Fault


def post(name: str, **attributes: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": person(f"{name}@example.com", **attributes)}


def managed(name: str, by: str) -> dict[str, Any]:
    return post(name, **{urns.ENTERPRISE_USER: {"manager": {"value": f"bulkId:{by}"}}})


def send(scim: ScimClient, *operations: dict[str, Any]) -> Any:
    return scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": operations})


@pytest.mark.django_db(transaction=True)
def test_a_fault_at_any_statement_fails_one_operation_and_the_answer_says_which(scim: ScimClient) -> None:
    scim.get("/Users")  # the token's use is noted once a minute, and a fault of that is nobody's
    for number in itertools.count(1):
        alone, one, two = (f"{name}{number}" for name in ("alone", "one", "two"))
        fault = Fault(number, OperationalError)
        with database.execute_wrapper(fault):
            response = send(scim, post(alone), managed(one, by=two), managed(two, by=one))
        there = set(ScimUser.objects.filter(alive=True).values_list("user_name", flat=True))
        if response.status_code == 503:
            assert not there, "before the first operation"
            continue
        results = response.json()["Operations"]
        made = {f"{result['bulkId']}@example.com" for result in results if result["status"] == "201"}
        assert there & {f"{name}@example.com" for name in (alone, one, two)} == made
        assert not database.in_atomic_block
        if not fault.sql:
            assert len(made) == 3
            break
        failed = [result["status"] for result in results if result["status"] != "201"]
        assert failed in (["503"], ["503", "503"]), fault.sql
    assert number > 30


@pytest.mark.parametrize("in_circle", [False, True])
@pytest.mark.django_db
def test_code_of_the_host_that_raises_is_that_operations_500_and_reports_no_password(
    scim: ScimClient, in_circle: bool
) -> None:
    reports: list[str] = []

    def fail(instance: Any, **kwargs: Any) -> None:
        if "bad@" in instance.email:
            raise RuntimeError("broken host")

    def report(request: Any, **kwargs: Any) -> None:
        reports.append(ExceptionReporter(None, *sys.exc_info()).get_traceback_html())

    bad = managed("bad", by="bad") if in_circle else post("bad")
    # Put together here, since reports show this file's lines as well.
    password = bad["data"]["password"] = "-".join(("correct", "horse"))
    post_save.connect(fail, sender=get_user_model())
    got_request_exception.connect(report)
    try:
        results = send(scim, post("ann"), bad, post("bob")).json()["Operations"]
    finally:
        post_save.disconnect(fail, sender=get_user_model())
        got_request_exception.disconnect(report)

    assert [result["status"] for result in results] == ["201", "500", "201"]
    assert "broken host" not in str(results)
    assert "broken host" in reports[0]
    assert password not in "".join(reports)
    assert ScimUser.objects.count() == 2


@pytest.mark.parametrize("vanishes", [True, False])
def test_nothing_more_is_tried_once_the_database_is_gone(threads: None, vanishes: bool) -> None:
    """A database that only dropped the connection is asked again."""

    def work() -> tuple[Any, list[str]]:
        scim = ScimClient(tokens.issue(Context(ConnectionFactory())).text)
        settings = database.settings_dict

        def cut(**kwargs: Any) -> None:
            if VENDOR == "postgresql" and not vanishes:
                # Behind Django's back, once; SQLite has no connection to lose.
                signals.user_provisioned.disconnect(cut)
                database.connection.close()
                return
            database.close()
            if vanishes:
                database.settings_dict = {**settings, "NAME": "/nowhere/at/all", "HOST": "127.0.0.1", "PORT": "1"}

        def drop(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "lost@" in str(params):
                raise OperationalError("server closed the connection unexpectedly")
            return execute(sql, params, many, context)

        signals.user_provisioned.connect(cut)
        try:
            with database.execute_wrapper(drop):
                response = send(scim, post("ann"), post("lost"), post("bob"), post("carol"))
        finally:
            signals.user_provisioned.disconnect(cut)
            database.settings_dict = settings
            database.close()
        return response, sorted(ScimUser.objects.values_list("user_name", flat=True))

    response, there = apart(work)
    assert response.status_code == 200
    results = response.json()["Operations"]
    expected = ["201", "503", "503", "503"] if vanishes else ["201", "503", "201", "201"]
    assert [result["status"] for result in results] == expected
    assert len(there) == expected.count("201")
    assert all("response" in result for result in results if result["status"] == "503")


@pytest.mark.skipif(VENDOR == "sqlite", reason="there is no connection to lose")
def test_a_connection_that_is_lost_while_people_are_made_together_costs_nobody_anything(threads: None) -> None:
    def work() -> tuple[Any, int]:
        scim = ScimClient(tokens.issue(Context(ConnectionFactory())).text)
        scim.get("/Users")  # the token's use is noted
        lost = []

        def lose(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if not lost and "ann@" in str(params) and sql.startswith("INSERT"):
                lost.append(sql)
                database.connection.close()  # behind Django's back
            return execute(sql, params, many, context)

        with database.execute_wrapper(lose):
            response = send(scim, post("ann"), post("bob"))
        assert lost
        return response, ScimUser.objects.count()

    response, count = apart(work)
    assert [result["status"] for result in response.json()["Operations"]] == ["201", "201"]
    assert count == 2


@pytest.mark.django_db
def test_an_unknown_fault_before_the_first_operation_is_the_whole_requests(scim: ScimClient) -> None:
    with database.execute_wrapper(Fault(1, OperationalError)):
        assert is_error(send(scim, post("ann")), 503)
    assert not ScimUser.objects.exists()
