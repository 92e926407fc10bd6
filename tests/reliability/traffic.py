"""Identity providers that go on through every fault: a seeded stream of operations, an oracle, and retries."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from conftest import MOUNT, person
from django_scim_provider.protocol import urns
from group_support import group_body
from reliability.servers import Site, wait_for

PATIENCE = 120
"""Seconds, after which an operation is given up: nothing here takes that long to be repaired."""


class Answer(NamedTuple):
    status: int
    body: Any


class Client(threading.Thread):
    """One identity provider. Its people and its group are its own, so that it knows what must be there.

    An outcome that it does not know, since the connection broke or the answer was 503, it finds out by asking again.
    """

    def __init__(self, site: Site, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.site, self.dice, self.token = site, random.Random(seed), site.tokens[name]
        self.counts: Counter[str] = Counter()
        self.wrong: list[Any] = []
        self.people: dict[str, dict[str, Any]] = {}
        self.inside: set[str] = set()
        self.group = ""
        self.halt = threading.Event()
        self.serial = self.done = 0

    def run(self) -> None:
        try:
            answer = self.write("POST", "/Groups", group_body(self.name))
            self.group = answer.body["id"]
            while not self.halt.is_set():
                kind = self.dice.choices(
                    ["create", "put", "patch", "delete", "bulk", "members", "rotate"], [4, 3, 4, 1, 2, 4, 1]
                )[0]
                getattr(self, kind)()
                self.counts[kind] += 1
                self.done += 1
        except Exception as error:
            self.wrong.append(repr(error))
            raise

    # Asking ------------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, body: Any = None) -> Answer | None:
        """One request; ``None`` when the connection broke before the whole answer was there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.counts["unanswered"] += 1
            return None
        finally:
            connection.close()
        answer = Answer(response.status, json.loads(content) if content and content[:1] in b"{[" else content)
        if response.status == 503:
            self.counts["503"] += 1
            wait = response.headers.get("Retry-After", "")
            if not (wait.isdecimal() and int(wait) >= 1 and answer.body["schemas"] == [urns.ERROR]):
                self.wrong.append((method, path, wait, answer))
        elif response.status >= 500 or response.status in (401, 403) or (isinstance(answer.body, bytes) and content):
            self.wrong.append((method, path, answer))
        return answer

    def until_answered(self, method: str, path: str, body: Any = None) -> tuple[Answer, bool]:
        """The answer, and whether an earlier attempt may have been carried out."""
        deadline, again = time.monotonic() + PATIENCE, False
        while True:
            answer = self.send(method, path, body)
            if answer is not None and answer.status != 503:
                return answer, again
            assert time.monotonic() < deadline, (method, path)
            again = True
            time.sleep(0.05)

    def write(self, method: str, path: str, body: Any = None) -> Answer:
        answer, again = self.until_answered(method, MOUNT + path, body)
        if again and answer.status == 409 and method == "POST":
            self.counts["committed, not answered"] += 1
            attribute = "displayName" if path == "/Groups" else "userName"
            return Answer(200, self.find(path, f'{attribute} eq "{body[attribute]}"')[0])
        if again and answer.status == 404 and method == "DELETE":
            self.counts["committed, not answered"] += 1
            return answer
        if answer.status not in (200, 201, 204):
            self.wrong.append((method, path, answer))
        return answer

    def find(self, path: str, filter_: str) -> list[dict[str, Any]]:
        query = urlencode({"filter": filter_, "count": 200})
        answer, _ = self.until_answered("GET", f"{MOUNT}{path}?{query}")
        found: list[dict[str, Any]] = answer.body["Resources"]
        return found

    # Operations --------------------------------------------------------------------------------------------

    def new(self) -> dict[str, Any]:
        self.serial += 1
        return person(f"{self.name}-{self.serial}@example.com", title=f"made {self.serial}")

    def somebody(self) -> str:
        return self.dice.choice(sorted(self.people)) if self.people else self.create()

    def note(self, scim_id: str, body: dict[str, Any]) -> None:
        self.people[scim_id] = {name: body[name] for name in ("userName", "title", "active")}

    def create(self) -> str:
        body = self.new()
        scim_id = str(self.write("POST", "/Users", body).body["id"])
        self.note(scim_id, body)
        return scim_id

    def put(self) -> None:
        scim_id = self.somebody()
        self.serial += 1
        body = person(self.people[scim_id]["userName"], title=f"put {self.serial}", active=self.dice.random() < 0.7)
        self.marked("PUT", scim_id, body, body["title"])
        self.note(scim_id, body)

    def patch(self) -> None:
        scim_id = self.somebody()
        self.serial += 1
        change = {"title": f"patched {self.serial}", "active": self.dice.random() < 0.7}
        self.marked("PATCH", scim_id, patch_body({"op": "replace", "value": change}), change["title"])
        self.people[scim_id] |= change

    def marked(self, method: str, scim_id: str, body: Any, title: str) -> None:
        """A change with a title that no other has, so that it can be seen whether it was made."""
        path = f"{MOUNT}/Users/{scim_id}"
        answer = self.send(method, path, body)
        while answer is None or answer.status == 503:
            shown, _ = self.until_answered("GET", path)
            if shown.body.get("title") == title:
                self.counts["committed, not answered"] += 1
            answer, _ = self.until_answered(method, path, body)
        if answer.status != 200 or answer.body["title"] != title:
            self.wrong.append((method, path, answer))

    def delete(self) -> None:
        scim_id = self.somebody()
        self.write("DELETE", f"/Users/{scim_id}")
        del self.people[scim_id]
        self.inside.discard(scim_id)

    def members(self) -> None:
        ids = self.dice.sample(sorted(self.people), min(3, len(self.people)))
        op = self.dice.choice(["add", "add", "remove"])
        if ids:
            value = [{"value": scim_id} for scim_id in ids]
            self.write("PATCH", f"/Groups/{self.group}", patch_body({"op": op, "path": "members", "value": value}))
            (self.inside.update if op == "add" else self.inside.difference_update)(ids)

    def bulk(self) -> None:
        """People are made, one is changed, and the new ones join the group: an operation may be done and another not."""
        scim_id, bodies = self.somebody(), [self.new() for _ in range(8)]
        title = f"bulk {self.serial}"
        operations = [
            *({"method": "POST", "path": "/Users", "bulkId": body["userName"], "data": body} for body in bodies),
            {"method": "PATCH", "path": f"/Users/{scim_id}", "data": patch_body({"op": "replace", "value": {"title": title}})},
        ]  # fmt: skip
        again = False
        while True:
            answer, repeated = self.until_answered(
                "POST", f"{MOUNT}/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": operations}
            )
            again = again or repeated
            statuses = [operation["status"] for operation in answer.body["Operations"]]
            if "503" not in statuses:
                break
            self.counts["503 within bulk"] += statuses.count("503")
            again = True
        taken = statuses.count("409")
        self.counts["committed, not answered"] += taken
        if not set(statuses) <= {"200", "201", "409"} or (taken and not again):
            self.wrong.append(("bulk", statuses))
        for body, operation in zip(bodies, answer.body["Operations"], strict=False):
            made = operation.get("location", "").rpartition("/")[2]
            made = made or self.find("/Users", f'userName eq "{body["userName"]}"')[0]["id"]
            self.note(made, body)
        self.people[scim_id]["title"] = title

    def rotate(self) -> None:
        """Whoever does not know whether a successor was issued cannot know its text, and asks for another."""
        while True:
            self.serial += 1
            answer, again = self.until_answered("GET", f"/rotate/{self.name}/{self.name}{self.serial}")
            if answer.status == 201:
                self.token = answer.body["token"]
                return
            if answer.status != 409 or not again:
                self.wrong.append(("rotate", answer))
            self.counts["committed, not answered"] += 1

    # Afterwards --------------------------------------------------------------------------------------------

    def differences(self) -> list[Any]:
        """What is there and should not be, and the other way round."""
        found: dict[str, dict[str, Any]] = {}
        start = 1
        while True:
            query = urlencode({"filter": f'userName sw "{self.name}-"', "startIndex": start, "count": 200})
            page, _ = self.until_answered("GET", f"{MOUNT}/Users?{query}")
            for resource in page.body["Resources"]:
                found[resource["id"]] = {name: resource[name] for name in ("userName", "title", "active")}
            start += 200
            if start > page.body["totalResults"]:
                break
        group, _ = self.until_answered("GET", f"{MOUNT}/Groups/{self.group}")
        inside = {member["value"] for member in group.body.get("members", ())}
        wrong = [(key, found.get(key), self.people.get(key)) for key in found.keys() ^ self.people.keys()]
        wrong += [(key, found[key], self.people[key]) for key in found.keys() & self.people.keys() if found[key] != self.people[key]]  # fmt: skip
        return [*wrong, *(inside ^ self.inside)]


def patch_body(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def done(clients: list[Client]) -> int:
    return sum(client.done for client in clients)


def withstand(
    site: Site, names: list[str], faults: int, fault: Callable[[random.Random], None], seed: int
) -> Counter[str]:
    """Let clients go on while a fault happens again and again, within 200 ms of an answer; then hold everything up."""
    clients = [Client(site, name, seed + number) for number, name in enumerate(names)]
    dice = random.Random(seed)
    for client in clients:
        client.start()
    for _ in range(faults):
        # However slow the machine is, something is done between two faults.
        enough = done(clients) + 2
        wait_for("an operation", lambda: done(clients) >= enough or any(client.wrong for client in clients))  # noqa: B023
        if not all(client.is_alive() and not client.wrong for client in clients):
            break
        time.sleep(dice.uniform(0, 0.2))
        fault(dice)
    for client in clients:
        client.halt.set()
    for client in clients:
        client.join(timeout=PATIENCE)
        assert not client.is_alive()
    for client in clients:
        assert not client.wrong, client.wrong[:3]
        different = client.differences()
        assert not different, different[:3]
    broken = site.broken_invariants()
    assert not broken, broken
    total: Counter[str] = Counter()
    for client in clients:
        total += client.counts
    return total
