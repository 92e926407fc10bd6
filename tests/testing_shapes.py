"""What the simulators send looks like the recordings of what the originals send."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from testing_support import Sent

CORPUS = Path(__file__).resolve().parent / "corpus"
_ID = r"[0-9a-f]{8}-[0-9a-f-]{27}|\{\{\w+\}\}"


@cache
def recording(name: str) -> Any:
    return json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))


def general(text: str) -> str:
    """Without ids and values."""
    text = re.sub(_ID, "ID", text)
    text = re.sub(r'(eq ")(?:[^"\\]|\\.)*"', r'\1X"', text)
    return re.sub(r"%22.*?%22", "%22X%22", text)


def operation(sent: dict[str, Any]) -> tuple[Any, ...]:
    value = sent.get("value")
    keys = sorted(value) if isinstance(value, dict) else sorted(value[0]) if isinstance(value, list) and value else ()
    return sent["op"], general(sent.get("path", "")), type(value).__name__, tuple(keys)


def request(method: str, target: str) -> str:
    return f"{method} {general(target)}"


def plain(target: str, provider: str) -> str:
    """Without the flag that is in the address which the administrator of Entra enters."""
    return re.sub(r"\?aadOptscim062020&?", "?", target).removesuffix("?") if provider == "entra" else target


RECORDINGS = {
    ("okta", "aiw"): [
        "connection_test_aiw:0",
        "assign_existing_user_aiw:0",
        "assign_existing_user_aiw:1",
        "assign_existing_user_aiw:2",
        "assign_new_user:1",
        "import_users:0",
        "password_sync_aiw:2",
        "deactivate_aiw:2",
    ],
    ("okta", "oin"): [
        "connection_test_oin:0",
        "assign_existing_user_oin:1",
        "assign_existing_user_oin:2",
        "deactivate_oin:1",
        "reactivate_oin:3",
        "password_sync_oin:1",
    ],
    ("entra", "legacy"): ["connection_test:0", "create:1", "legacy_disable_enable:1", "manager:2", "create:4"],
    ("entra", "aadOptscim062020"): ["connection_test:1", "opt_disable_enable:1", "opt_update:1"],
    ("onelogin", "suspend"): ["connect:0", "provision:1", "provision:2", "suspend:1"],
    ("onelogin", "delete"): ["delete:0", "delete:1"],
    ("jumpcloud", "put"): ["test_connection:0", "test_connection:1", "test_connection:3", "provision:1", "provision:2"],
    ("jumpcloud", "patch"): ["patch:0", "patch:2"],
    ("google", "patch"): [
        "provision:0",
        "provision:1",
        "provision:2",
        "provision:3",
        "suspend_and_delete:2",
        "suspend_and_delete:3",
    ],
}
"""Files and numbers of steps."""


def compare(provider: str, variant: str, sent: list[Sent]) -> None:
    """Each of the recorded steps must be among what was sent, in the shape of its address, headers and body."""
    requests = {request(one.method, plain(one.target, provider)) for one in sent}
    operations = {operation(op) for one in sent if one.method == "PATCH" for op in one.body["Operations"]}
    for name in RECORDINGS.get((provider, variant), ()):
        file, _, number = name.partition(":")
        recorded = recording(f"{provider}/{file}")
        step = recorded["steps"][int(number)]
        headers = {n: v for n, v in recorded["headers"].items() if n not in ("Authorization", "Content-Type")}
        same = [one for one in sent if one.method == step["method"]]
        assert any(
            all(value.partition(";")[0] in one.headers.get(header, "") for header, value in headers.items())
            for one in same
        ), name
        assert request(step["method"], plain(step["path"], provider)) in requests, (name, sorted(requests))
        body = step.get("body")
        if step["method"] == "POST":
            bodies = [one.body.keys() for one in same if one.target.startswith("/Users")]
            # Some attributes are the choice of whoever sets the mapping up.
            needed = body.keys() - {"locale", "addresses", "phoneNumbers", "preferredLanguage"}
            assert any(keys >= needed for keys in bodies), (name, needed, bodies[0])
        elif step["method"] == "PATCH":
            for recorded_operation in body["Operations"]:
                op, path, kind, _ = operation(recorded_operation)
                found = [o for o in operations if o[:3] == (op, path, kind)]
                assert found, (name, recorded_operation, sorted(operations, key=str))
