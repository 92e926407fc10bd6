"""The attribute map: what is sent is stored, shown, found, sorted and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core import checks

from ..protocol.schemas import BoundPath
from ..services import specimen
from .contract_base import ContractCase, Person, equals

Operation = dict[str, Any]


def _as_object(path: BoundPath, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = {}
    path.put(document, value)
    return document


class AttributesContract(ContractCase):
    """One test for each thing that follows from the map."""

    def test_checks_find_no_error(self) -> None:
        found = checks.run_checks(tags=["scim_provider"])
        self.report(
            f"manage.py check: {message.msg} {message.hint or ''} ({message.id})"
            for message in found
            if message.is_serious() and not message.is_silenced()
        )

    def test_discovery_shows_what_is_mapped(self) -> None:
        self.accepted(self.scim.get("/ServiceProviderConfig"), "GET /ServiceProviderConfig")
        types = self.accepted(self.scim.get("/ResourceTypes"), "GET /ResourceTypes").json()["Resources"]
        for kind in types:
            self.accepted(self.scim.get(kind["endpoint"]), f"GET {kind['endpoint']}, which /ResourceTypes names,")
        schemas = self.accepted(self.scim.get("/Schemas"), "GET /Schemas").json()["Resources"]
        names = {schema["id"]: {attribute["name"] for attribute in schema["attributes"]} for schema in schemas}
        self.report(
            f"The adapter maps {mapped.path.key}, but /Schemas does not show it: add its schema to `extensions`."
            for mapped in self.adapter.mapping
            if mapped.path.key != "externalId"
            and mapped.path.attribute.name not in names.get(mapped.path.urn or self.adapter.schema.id, ())
        )

    def test_what_is_created_is_stored_and_read_back(self) -> None:
        body = self.body()
        response = self.accepted(self.scim.post("/Users", body), "POST of a person")
        person = Person(response.json()["id"], body["userName"], self.clean(body))
        read = self.read(person)
        unlike = self.unlike(person.sent, read)
        self.report([*unlike, *self._not_stored(person), *self._not_answered(response.json(), read)])

    def _not_stored(self, person: Person) -> Iterator[str]:
        held = self.columns(person)
        for path, attr, *_ in self.written():
            wanted, stored = attr.to_host(path, person.sent), tuple(held[field] for field in attr.fields)
            if not (path.is_hidden or attr.agrees(wanted, stored)):
                yield (
                    f"{self.mapped(path.key)}, where {wanted!r} was written and {stored!r} stands: save() or a signal "
                    "receiver of the model changes it."
                )

    @staticmethod
    def _not_answered(answer: dict[str, Any], read: dict[str, Any]) -> Iterator[str]:
        for name in sorted((answer.keys() | read.keys()) - {"meta"}):
            if answer.get(name) != read.get(name):
                yield (
                    f"The answer to POST shows {name} as {answer.get(name)!r}, the next GET as {read.get(name)!r}: the "
                    "database changes the value. Let save() do that, or read it back there."
                )

    def test_a_user_name_is_enough(self) -> None:
        body = {"schemas": [self.adapter.schema.id], "userName": specimen.new_name()}
        self.accepted(self.scim.post("/Users", body), "POST of a person with a userName only")

    def test_attributes_without_a_column_are_kept_or_ignored_as_declared(self) -> None:
        names = [name for name in ("nickName", "userType", "title") if name not in self.adapter.by_key]
        if not names:
            self.skipTest("The map has a column for every attribute that is tried here.")
        person, name = self.person(), names[0]
        self.accepted(self.replace(person, name, "Specimen"), f"PATCH of {name}")
        shown = self.read(person).get(name)
        self.require(
            shown == ("Specimen" if self.adapter.keep_unmapped else None),
            f"keep_unmapped is {self.adapter.keep_unmapped}, but {name}, which has no column, reads back as {shown!r}.",
        )

    def test_writing_back_what_was_read_changes_nothing(self) -> None:
        person = self.person()
        self.report(self._changed_by_put(person))
        # Now as somebody whom the application wrote: all that is shown comes from the columns.
        self._save(person, 1)
        self.report(self._changed_by_put(person))

    def _changed_by_put(self, person: Person) -> Iterator[str]:
        before, held = self.read(person), self.columns(person)
        self.accepted(self.scim.put(person.url, before), "PUT of what GET showed")
        after, stands = self.read(person), self.columns(person)
        columns = ((f"the column `{name}`", held[name], stands[name]) for name in sorted(held))
        names = sorted((before.keys() | after.keys()) - {"meta"})
        for what, was, now in (*columns, *((name, before.get(name), after.get(name)) for name in names)):
            if was != now:
                yield f"PUT of what GET showed changed {what} from {was!r} to {now!r}: nothing was to be changed."

    def _save(self, person: Person, variant: int) -> None:
        """Change the columns as the application would, past SCIM."""
        wanted = self.clean(self.body(variant, person.user_name))
        before = self.clean(self.read(person))
        columns = self.adapter.write_columns(wanted, before=before)
        self.adapter.update(self.account(person), columns, self.context.using)

    def test_what_the_application_saves_is_shown_and_found(self) -> None:
        person = self.person()
        old = self.read(person)
        self._save(person, 1)
        self.report(self._not_seen(person, old))

    def _not_seen(self, person: Person, old: dict[str, Any]) -> Iterator[str]:
        shown, held = self.read(person), self.columns(person)
        wanted, was = self.clean(shown), self.clean(old)
        for path, attr, *_ in self.written():
            stored = tuple(held[field] for field in attr.fields)
            if attr.agrees(attr.to_host(path, was), stored):
                continue
            value = path.read(wanted)
            if value == path.read(was):
                yield f"{self.mapped(path.key)}, where the application saved {stored!r}, but it still shows {value!r}."
            elif not attr.agrees(attr.to_host(path, wanted), stored):
                yield (
                    f"{self.mapped(path.key)}, where the application saved {stored!r}. SCIM shows {value!r}, which "
                    f"would be written back as {attr.to_host(path, wanted)!r}: `get` and `set` do not undo each other."
                )
            elif (condition := equals(path, value)) and not self.finds(f"{condition} and {person.named}"):
                yield (
                    f"{self.mapped(path.key)}, where the application saved {stored!r}, but the filter {condition} does "
                    "not find it: look at `lookup` of its entry, and name the model of the column in `scope_models`."
                )

    # Writing ---------------------------------------------------------------------------------------------------

    def test_put_changes_every_attribute(self) -> None:
        person = self.person()
        changed = self.body(1, person.user_name)
        self.accepted(self.scim.put(person.url, {**self.read(person), **changed}), "PUT of a person")
        self.report(self.unlike(self.clean(changed), self.read(person)))

    def test_patch_with_a_path_changes_every_attribute(self) -> None:
        self._patches("with a path", lambda path, value: {"path": path.key, "value": value})

    def test_patch_with_the_urn_of_the_schema_changes_every_attribute(self) -> None:
        def full(path: BoundPath, value: Any) -> Operation:
            return {"path": path.key if path.urn else f"{self.adapter.schema.id}:{path.key}", "value": value}

        self._patches("with the URN of the schema", full)

    def test_patch_without_a_path_changes_every_attribute(self) -> None:
        self.needs("pathless_patch")
        self._patches("without a path", lambda path, value: {"value": _as_object(path, value)})

    def test_patch_with_dotted_names_changes_every_attribute(self) -> None:
        self.needs("dotted_keys")
        self._patches("with dotted names and no path", lambda path, value: {"value": {path.key: value}})

    def _patches(self, way: str, operation: Callable[[BoundPath, Any], Operation]) -> None:
        person = self.person()
        self.report(
            problem
            for variant in (1, 2)
            for path, value in self.changes(variant)
            for problem in self._patched(person, path, value, way, operation(path, value))
        )

    def _patched(self, person: Person, path: BoundPath, value: Any, way: str, operation: Operation) -> Iterator[str]:
        response = self.scim.patch(person.url, {"op": "replace", **operation})
        if response.status_code in (200, 204):
            wanted = self.clean({"schemas": [], **_as_object(path, value)})
            yield from self.unlike(wanted, self.read(person))
        else:
            yield f"{self.mapped(path.key)}, but PATCH {way} was refused: {self.told(response)}"

    def test_what_is_taken_away_is_gone(self) -> None:
        person = self.person()
        self.report(
            problem
            for path, _ in self.changes(0)
            if not path.target.required
            for problem in self._taken_away(person, path)
        )

    def _taken_away(self, person: Person, path: BoundPath) -> Iterator[str]:
        value = path.read(person.sent)
        response = self.scim.patch(person.url, {"op": "remove", "path": path.key})
        if response.status_code == 400:
            return  # a column that takes no empty value says so
        self.accepted(response, f"PATCH remove of {path.key}")
        if value is not True and path.read(self.read(person)) == value:
            yield f"{self.mapped(path.key)}, but after PATCH remove it still shows {value!r}: look at what save() does."
