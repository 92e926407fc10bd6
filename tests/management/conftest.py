from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Output(NamedTuple):
    out: str
    err: str
    error: CommandError | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def manage() -> Callable[..., Output]:
    """``manage("scim_token", "list")``; with ``tty=True`` both streams are terminals.

    With ``fails`` it has to end in a ``CommandError`` that matches, and the output is what came before.
    """

    def run(*arguments: str, tty: bool = False, fails: str = "") -> Output:
        out, err = (Terminal(), Terminal()) if tty else (StringIO(), StringIO())
        error = None
        if fails:
            with pytest.raises(CommandError, match=fails) as failure:
                call_command(*arguments, stdout=out, stderr=err, no_color=True)
            error = failure.value
        else:
            call_command(*arguments, stdout=out, stderr=err, no_color=True)
        return Output(out.getvalue(), err.getvalue(), error)

    return run
