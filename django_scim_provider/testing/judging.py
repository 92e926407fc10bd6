"""What a provider finds wrong with an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from .transports import Answer

_TEXT: Final = 300


class Doing(StrEnum):
    """What the provider was about."""

    CONNECT = "connect"
    LOOK_UP = "look up"
    CREATE = "create"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    IMPORT = "import"
    GROUP = "group"


class Fault(StrEnum):
    UNREACHABLE = "no answer came"
    THROTTLED = "it went on answering 429"
    REDIRECT = "it redirects"
    UNAUTHORIZED = "it refuses the credential"
    MISSING = "it answers 404"
    CONFLICT = "it answers 409"
    FILTER = "it refuses the filter"
    REFUSED = "it refuses the request"
    SERVER_ERROR = "it failed"
    NOT_JSON = "the body is not a JSON object"
    MEDIA_TYPE = "the Content-Type is not application/scim+json"
    NO_RESOURCES = "the list has no array Resources"
    NO_NUMBERS = "totalResults, startIndex and itemsPerPage are not all integers"
    NO_ID = "the resource has no id"
    ID_TYPE = "the id is not a string"
    SCHEMA = "the schemas do not say what there is to map"
    INCOMPLETE = "the pages do not hold everybody once"


class Trouble(Exception):
    """An answer that the provider cannot work with."""

    def __init__(self, fault: Fault, doing: Doing, asked: str, answer: Answer | None = None) -> None:
        super().__init__(f"{asked}: {fault}")
        self.fault = fault
        self.doing = doing
        self.asked = asked
        self.answer = answer

    @property
    def detail(self) -> str:
        """What the server said, as far as it can be shown."""
        if self.answer is None:
            return ""
        if isinstance(self.answer.json, dict) and self.answer.json.get("detail"):
            return str(self.answer.json["detail"])
        return self.answer.text[:_TEXT]

    @property
    def reason(self) -> str:
        """The status in words, or the fault where the status is well."""
        if self.answer is None or self.answer.status < 300:
            return self.fault
        try:
            return HTTPStatus(self.answer.status).phrase
        except ValueError:
            return str(self.answer.status)


def fault_of_status(answer: Answer) -> Fault | None:
    status = answer.status
    if status < 300:
        return None
    if status < 400:
        return Fault.REDIRECT
    if status >= 500:
        return Fault.SERVER_ERROR
    scim_type = answer.json.get("scimType") if isinstance(answer.json, dict) else None
    if status == 400 and scim_type == "invalidFilter":
        return Fault.FILTER
    known = {401: Fault.UNAUTHORIZED, 403: Fault.UNAUTHORIZED, 404: Fault.MISSING, 409: Fault.CONFLICT}
    return known.get(status, Fault.REFUSED)


def faults_of_list(answer: Answer) -> Iterator[Fault]:
    yield from _faults_of_body(answer)
    resources = answer.json.get("Resources")
    if not isinstance(resources, list):
        yield Fault.NO_RESOURCES
    if any(type(answer.json.get(name)) is not int for name in ("totalResults", "startIndex", "itemsPerPage")):
        yield Fault.NO_NUMBERS
    for resource in resources:
        yield from _faults_of_id(resource)


def faults_of_resource(answer: Answer) -> Iterator[Fault]:
    yield from _faults_of_body(answer)
    yield from _faults_of_id(answer.json)


def _faults_of_body(answer: Answer) -> Iterator[Fault]:
    if not isinstance(answer.json, dict):
        # Of these no provider can make anything.
        yield Fault.NOT_JSON
    if answer.headers.get("content-type", "").partition(";")[0].strip() != "application/scim+json":
        yield Fault.MEDIA_TYPE


def _faults_of_id(resource: Any) -> Iterator[Fault]:
    if not isinstance(resource, Mapping) or not resource.get("id"):
        yield Fault.NO_ID
    elif not isinstance(resource["id"], str):
        yield Fault.ID_TYPE
