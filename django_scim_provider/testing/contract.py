"""The test class by which a project proves its adapter."""

from __future__ import annotations

from .contract_attributes import AttributesContract
from .contract_groups import GroupsContract
from .contract_people import PeopleContract
from .contract_providers import ProvidersContract
from .contract_search import SearchContract
from .contract_tenants import TenantsContract

__all__ = ["AdapterContract"]


class AdapterContract(
    AttributesContract, SearchContract, PeopleContract, GroupsContract, TenantsContract, ProvidersContract
):
    """Everything that an identity provider relies on, asked of a project's own endpoints with its own adapter.

    Subclass it in a test module of the project; its tests run under pytest and under ``manage.py test``.

    .. code-block:: python

        from django_scim_provider.testing import contract

        class TestScim(contract.AdapterContract):
            provider = "okta"
    """

    __test__ = False
