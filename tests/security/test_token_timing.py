"""A refused token tells nothing by its answer, nor by the work that it made, nor by the time that took.

Whoever has no token can try two things: ids, and secrets for an id. Ids are public, and finding a row takes longer than
finding none, so the two are not compared; near misses and far ones are. Whoever has a token that is dead, or of another
tenant, must not learn which of these it is.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.utils import timezone

from api.helpers import statements
from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimToken
from django_scim_provider.models.token_format import KEY_ID_LENGTH, PREFIX, _checksum, new_token
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

SAMPLES = int(os.environ.get("SCIM_SAMPLES", "100000" if os.environ.get("SCIM_SOAK") else "0"))
LIMIT = 4.5
"""Of Welch's t, above which two distributions are taken for different (TVLA, ISO/IEC 17825)."""


def with_other_secret(text: str, *, near: bool) -> str:
    """A well-formed token with the same id, whose secret differs in its last character or in all of them."""
    start, end = len(PREFIX) + KEY_ID_LENGTH + 1, -6
    secret, other = text[start:end], new_token().text[start:end]
    last = "A" if secret[-1] != "A" else "B"
    body = text[:start] + (secret[:-1] + last if near else other)
    return body + _checksum(body)


@pytest.fixture
def presented(connection: ScimConnection, issue_token: Callable[..., str]) -> dict[str, str]:
    """Tokens of each class; none is good."""
    live, revoked, expired = (tokens.issue(Context(connection)) for _ in range(3))
    tokens.revoke(Context(connection), revoked.token)
    ScimToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(days=1))
    tenant = ConnectionFactory()
    theirs = issue_token(tenant)
    ScimConnection.objects.filter(pk=tenant.pk).update(enabled=False)
    return {
        "unknown id": new_token().text,
        "secret wrong at its end": with_other_secret(live.text, near=True),
        "secret wrong throughout": with_other_secret(live.text, near=False),
        "revoked": revoked.text,
        "expired": expired.text,
        "of a tenant that is shut": theirs,
    }


ALIKE = [
    ("secret wrong at its end", "secret wrong throughout"),
    *combinations(("revoked", "expired", "of a tenant that is shut"), 2),
]


def test_every_refusal_is_the_same_bytes_by_the_same_statements(presented: dict[str, str]) -> None:
    answers, made = set(), {}
    for name, text in presented.items():
        scim = ScimClient(text)
        scim.get("/Users")  # the event of this minute is there from now on
        response: list[Any] = []
        made[name] = [sql.split()[0] for sql in statements(lambda scim=scim, response=response: response.append(scim.get("/Users")))]  # fmt: skip
        answers.add((response[0].status_code, response[0].content, tuple(sorted(response[0].headers.items()))))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401
    assert len({tuple(words) for words in made.values()}) == 1, made


def welch(one: list[int], other: list[int]) -> float:
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return float((statistics.fmean(one) - statistics.fmean(other)) / spread**0.5)


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not SAMPLES, reason="time on a busy machine says nothing in a few samples: SCIM_SOAK=1")
def test_the_time_that_a_refusal_takes_does_not_tell_which_it_is(
    presented: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """In process and interleaved, in an order that is drawn anew each round."""
    names, taken = list(presented), {name: [0] * SAMPLES for name in presented}
    dice, clock = random.Random(24), time.perf_counter_ns
    for text in presented.values():
        tokens.present(tokens.read(text), remote_addr=None)
    gc.disable()
    try:
        for number in range(SAMPLES):
            dice.shuffle(names)
            for name in names:
                text = presented[name]
                began = clock()
                tokens.present(tokens.read(text), remote_addr=None)
                taken[name][number] = clock() - began
    finally:
        gc.enable()
    # What the machine did meanwhile is in the slowest samples.
    ceiling = sorted(sample for samples in taken.values() for sample in samples)[int(len(taken) * SAMPLES * 0.9)]
    kept = {name: [sample for sample in samples if sample < ceiling] for name, samples in taken.items()}
    found = {pair: welch(kept[pair[0]], kept[pair[1]]) for pair in ALIKE}
    with capsys.disabled():
        medians = ", ".join(f"{name} {statistics.median(samples) / 1000:.1f}" for name, samples in taken.items())
        print(f"\n{SAMPLES} samples a class, medians in microseconds: {medians}")  # noqa: T201
        print("\n".join(f"t = {t:+.2f}: {one} and {other}" for (one, other), t in found.items()))  # noqa: T201
    assert all(abs(t) < LIMIT for t in found.values()), found
