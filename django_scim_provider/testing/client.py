"""A SCIM client for tests, in process."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

from ..protocol.urns import PATCH_OP, USER
from ..services.in_process import mount

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = ["ScimClient", "person"]


def person(user_name: str, **attributes: Any) -> dict[str, Any]:
    """A User body as an ordinary identity provider sends it."""
    body = {
        "schemas": [USER],
        "userName": user_name,
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"value": user_name, "type": "work", "primary": True}],
        "active": True,
    }
    return body | attributes


class ScimClient:
    """Asks a project's own SCIM endpoints through Django's test client: JSON in and out, the token in the header.

    Paths are relative to where the project mounts SCIM: ``"/Users"``. Answers are those of Django's test client.

    :param token: the text of a token; without one nothing is sent.
    :param raise_request_exception: let what the project's code raises come through, instead of a status 500.
    :param headers: sent with every request.
    """

    secure: ClassVar[bool] = True
    """Whether requests come over HTTPS."""

    def __init__(self, token: str | None, *, raise_request_exception: bool = False, **headers: str) -> None:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self.django = Client(headers=authorization | headers, raise_request_exception=raise_request_exception)

    def request(self, method: str, path: str, body: Any = None, **extra: Any) -> Response:
        """Send; ``body`` is JSON unless it is bytes, ``extra`` is what Django's test client takes."""
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            extra.setdefault("content_type", "application/scim+json")
        extra.setdefault("secure", self.secure)
        response = self.django.generic(method, f"{mount()}{path}", data, **extra)
        return _whole(response) if response.streaming else response

    def get(self, path: str, **params: Any) -> Response:
        """``params`` are those of the query: ``filter``, ``count``, ``attributes``."""
        return self.request("GET", path, QUERY_STRING=urlencode(params) if params else path.partition("?")[2])

    def post(self, path: str, body: Any, **extra: Any) -> Response:
        return self.request("POST", path, body, **extra)

    def put(self, path: str, body: Any, **extra: Any) -> Response:
        return self.request("PUT", path, body, **extra)

    def patch(self, path: str, *operations: dict[str, Any], **extra: Any) -> Response:
        return self.request("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)}, **extra)

    def delete(self, path: str) -> Response:
        return self.request("DELETE", path)

    def find(self, filter: str, **params: Any) -> list[dict[str, Any]]:  # noqa: A002 (SCIM's name for it)
        """The people whom a filter finds.

        :raises AssertionError: the filter is refused.
        """
        response = self.get("/Users", filter=filter, **params)
        resources: list[dict[str, Any]] = _expect(200, response).json()["Resources"]
        return resources

    def create(self, user_name: str, **attributes: Any) -> dict[str, Any]:
        """POST a person (see ``person``) and return the resource.

        :raises AssertionError: the person is refused.
        """
        resource: dict[str, Any] = _expect(201, self.post("/Users", person(user_name, **attributes))).json()
        return resource


def _whole(response: Any) -> Response:
    """A group that is sent from a file, since it has thousands of members, as any other answer."""
    whole: Any = HttpResponse(response.getvalue(), status=response.status_code, headers=response.headers)
    whole.json = partial(json.loads, whole.content)
    return whole  # type: ignore[no-any-return]


def _expect(status: int, response: Response) -> Response:
    if response.status_code != status:
        raise AssertionError(f"Status {response.status_code} instead of {status}: {response.content.decode()[:500]}")
    return response
