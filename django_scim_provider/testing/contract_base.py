"""What every part of the contract needs: a connection of the project's own, a client for it, and plain words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import TestCase

from ..adapters import UserAdapter, get_user_adapter
from ..adapters.attribute_map import Mapped
from ..models import ScimConnection
from ..protocol.schemas import BoundPath
from ..protocol.validation import clean_resource
from ..services import connections, specimen, tokens
from ..services.context import Context
from ..services.findings import different
from ..services.rows import people
from .client import ScimClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response


_BEARER: Final = "django_scim_provider.api.authentication.BearerAuthentication"


class Person(NamedTuple):
    """Somebody made through SCIM."""

    id: str
    user_name: str
    sent: Mapping[str, Any]
    """The body in canonical form."""

    @property
    def url(self) -> str:
        return f"/Users/{self.id}"

    @property
    def named(self) -> str:
        """The filter that finds nobody else."""
        return f'userName eq "{self.user_name}"'


class ContractCase(TestCase):
    """What a project says of itself, and what the tests ask of it."""

    __test__ = False
    databases = "__all__"

    provider: ClassVar[str] = "generic"
    """The identity provider of the connection, one of ``ScimConnection.Provider``."""
    tenant: ClassVar[str] = ""
    """The key of the organization to try things in; where the adapter knows one, the first there is by default."""
    other_tenant: ClassVar[str] = ""
    """The key of another, needed where the adapter is for many tenants."""
    portal: ClassVar[str] = ""
    """A key of the PORTALS setting."""
    policies: ClassVar[Mapping[str, Any]] = {}
    """Further fields of the connection, such as ``{"on_delete": "delete"}``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = cls.__dict__.get("__test__", True)

    # What a project overrides ----------------------------------------------------------------------------------

    def make_tenant(self) -> None:
        """Make the rows that have to be there before SCIM is: the organizations ``tenant`` and ``other_tenant``."""

    def has_access(self, account: Any) -> bool:
        """Whether an account, just read from the database, lets the person in.

        By default ``is_active`` and the default manager say so; where the adapter is for many tenants, the adapter.
        """
        if self.adapter.multi_tenant:
            return self.adapter.is_active(account, self.connection)
        is_there = self.adapter.model._default_manager.using(self.context.using).filter(pk=account.pk).exists()
        return is_there and bool(getattr(account, "is_active", True))

    def protect(self, account: Any) -> None:
        """Make an account one that SCIM must leave alone; by default a superuser."""
        if not hasattr(account, "is_superuser"):
            self.skipTest("The user model has no is_superuser: override protect() to say who is protected.")
        account.is_superuser = True
        account.save(using=self.context.using)

    # -----------------------------------------------------------------------------------------------------------

    def setUp(self) -> None:
        super().setUp()
        # Neither how often somebody asks nor who may ask is the adapter's affair.
        own = {"THROTTLE_RATE": None, "AUTHENTICATION": [_BEARER]}
        self.enterContext(self.settings(SCIM_PROVIDER={**(getattr(settings, "SCIM_PROVIDER", None) or {}), **own}))
        self.make_tenant()
        self.adapter: UserAdapter = get_user_adapter(self.portal)
        self.context, self.token = self.connect("contract", self.tenant or self.adapter.some_tenant())
        self.connection: ScimConnection = self.context.connection
        self.scim = ScimClient(self.token, raise_request_exception=True)

    def connect(self, name: str, tenant: str, provider: str = "") -> tuple[Context, str]:
        """An enabled connection, and the text of a token for it."""
        options = {"existing_accounts": connections.default_existing_accounts(self.portal), **self.policies}
        try:
            made = connections.create(
                name, provider=provider or self.provider, tenant=tenant, portal=self.portal, **options
            )
        except ValidationError as error:
            self.fail(
                f"There can be no connection for the organization '{tenant}': {' '.join(error.messages)} Make its rows "
                "in make_tenant() and name its key in `tenant` (a second one's in `other_tenant`)."
            )
        context = Context(made)
        connections.enable(context)
        return context, tokens.issue(context).text

    # Asking ----------------------------------------------------------------------------------------------------

    def body(self, variant: int = 0, user_name: str = "") -> dict[str, Any]:
        """A User body with something for every attribute that the map writes; there are three variants."""
        return specimen.body(self.adapter, user_name or specimen.new_name(), variant)

    def person(self, variant: int = 0, user_name: str = "") -> Person:
        """Somebody new, made by POST."""
        body = self.body(variant, user_name)
        answer = self.accepted(self.scim.post("/Users", body), "POST of a person").json()
        return Person(answer["id"], body["userName"], self.clean(body))

    def clean(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body in canonical form, without what no answer shows."""
        cleaned = clean_resource(body, self.adapter.resource_type, tolerance=self.context.dialect.tolerance).document
        for path in self.adapter.resource_type.paths():
            if path.is_hidden:
                path.put(cleaned, None)
        return cleaned

    def read(self, person: Person) -> dict[str, Any]:
        document: dict[str, Any] = self.accepted(self.scim.get(person.url), "GET of the person").json()
        return document

    def replace(self, person: Person, path: str, value: Any) -> Response:
        return self.scim.patch(person.url, {"op": "replace", "path": path, "value": value})

    def finds(self, condition: str) -> list[str]:
        """The ids of the people whom a filter finds."""
        answer = self.accepted(self.scim.get("/Users", filter=condition), f"The filter {condition}")
        return [resource["id"] for resource in answer.json()["Resources"]]

    def account(self, person: Person) -> Any:
        """The project's own row of a person, read afresh."""
        pk = people(self.context).get(scim_id=person.id).user_id
        return self.adapter.model._base_manager.using(self.context.using).get(pk=pk)

    def columns(self, person: Person) -> dict[str, Any]:
        """What the columns of the map hold."""
        return self.adapter.read_columns(self.account(person))

    def needs(self, tolerance: str) -> None:
        """Skip what the dialect refuses."""
        if not getattr(self.context.dialect.tolerance, tolerance):
            self.skipTest(f"The dialect of {self.provider} refuses this: {tolerance}.")

    # Saying ----------------------------------------------------------------------------------------------------

    def require(self, condition: object, message: str) -> None:
        __tracebackhide__ = True
        if not condition:
            self.fail(message)

    def report(self, problems: Iterable[str]) -> None:
        """Fail with all of the problems at once."""
        __tracebackhide__ = True
        found = list(problems)
        self.require(not found, "\n".join(["", *found]))

    def accepted(self, response: Response, what: str) -> Response:
        __tracebackhide__ = True
        self.require(response.status_code in (200, 201, 204), f"{what} was refused: {self.told(response)}")
        return response

    def refused(self, response: Response, what: str, *statuses: int) -> None:
        """The answer is a SCIM error with one of these statuses."""
        __tracebackhide__ = True
        wanted = " or ".join(map(str, statuses))
        self.require(response.status_code in statuses, f"{what} must be refused with {wanted}: {self.told(response)}")

    @staticmethod
    def told(response: Response) -> str:
        """What an answer says, for a message."""
        try:
            document = json.loads(response.content or "{}")
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return f"status {response.status_code} and no SCIM. Something in MIDDLEWARE or the URLconf answers for it."
        return f"status {response.status_code}. {document.get('detail', '')}".strip()

    def unlike(self, sent: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
        """Which attributes are not shown as they were sent, and what to change."""
        for key, (wanted, found) in different(sent, shown).items():
            yield (
                f"{self.mapped(key)}, but what was sent, {wanted!r}, reads back as {found!r}: `get` and `set` of its "
                "entry have to undo each other, and save() and the signal receivers of the model to keep the value."
            )

    def mapped(self, key: str) -> str:
        """How an attribute is mapped, as the beginning of a sentence."""
        columns = sorted(self.adapter.columns_of(key) or self.adapter.columns_of(key.rpartition(".")[0]))
        if not columns:
            return f"{key} has no entry in the attribute map and is kept as sent"
        shared = [path.key for path, attr, *_ in self.written() if {*attr.fields} & {*columns} and path.key != key]
        also = f", which {' and '.join(shared)} {'writes' if len(shared) == 1 else 'write'}, too" if shared else ""
        return f"The adapter maps {key} to {', '.join(f'`{column}`' for column in columns)}{also}"

    def written(self) -> Iterator[Mapped]:
        """The entries of the map that write columns."""
        return (mapped for mapped in self.adapter.mapping if mapped.attr.writes and mapped.columns)

    def changes(self, variant: int) -> Iterator[tuple[BoundPath, Any]]:
        """A value for every attribute that may be changed at any time and is shown."""
        for path, value in specimen.values(self.adapter, variant):
            if path.target.mutability == "readWrite" and not path.is_hidden:
                yield path, value


def equals(path: BoundPath, value: Any) -> str:
    """The filter that finds a value; empty where there is no such filter."""
    if value is None or path.target.type == "complex" or path.attribute.multi_valued:
        return ""
    return f"{path.key} eq {json.dumps(value)}"
