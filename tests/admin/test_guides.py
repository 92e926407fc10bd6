"""What to do at the identity provider: every provider that can be chosen by name has steps of its own."""

from __future__ import annotations

import pytest

from admin.browser import Browser, text, url
from django_scim_provider.admin.guides import GENERIC, guide
from django_scim_provider.models import ScimConnection
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db
Provider = ScimConnection.Provider


def test_set_up_shows_the_steps_of_each_provider(root: Browser) -> None:
    for provider in Provider.values:
        named = provider not in (Provider.GENERIC, Provider.STRICT)
        assert (guide(provider) is not GENERIC) == named, provider
        page = text(root.get(url("change", ConnectionFactory(provider=provider).pk)))
        for step in guide(provider).steps:
            assert str(step).replace("'", "&#x27;") in page, (provider, step)
        assert ("Header Auth" in page) == (provider == Provider.OKTA)
