"""What to do at the identity provider: every provider that can be chosen by name has steps of its own."""

from __future__ import annotations

import pytest

from admin.browser import Browser, text, url
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin.guides import GENERIC, GUIDES, UNLISTED, guide
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol.patch_operations import parse_path
from django_scim_provider.protocol.tolerance import STRICT
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
        assert ("SCIM Service URL" in page) != named


def test_attributes_that_a_provider_is_told_to_map_are_attributes(adapter: UserAdapter) -> None:
    for one in [*GUIDES.values(), *UNLISTED.values()]:
        assert len(set(one.attributes)) == len(one.attributes)
        for _theirs, ours in one.attributes:
            assert parse_path(ours, adapter.resource_type, STRICT)
