"""The identity providers that are shipped, each for a few people and days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from unittest.mock import patch

from ..protocol.paths import split_path
from ..services.in_process import mount
from . import SIMULATORS
from .contract_base import ContractCase
from .directory import Person
from .profile import Profile
from .transports import InProcess


class ProvidersContract(ContractCase):
    """One test for each provider: nothing to complain of, and in the end the site has what the directory has."""

    simulated: ClassVar[Mapping[str, Any]] = {"users": 5, "groups": 2, "days": 3, "seed": 1}
    """How much the simulated providers do."""

    def test_okta_is_content(self) -> None:
        self._simulate("okta")

    def test_entra_is_content(self) -> None:
        self._simulate("entra")

    def test_onelogin_is_content(self) -> None:
        self._simulate("onelogin")

    def test_jumpcloud_is_content(self) -> None:
        self._simulate("jumpcloud")

    def test_google_is_content(self) -> None:
        self._simulate("google")

    def _simulate(self, name: str) -> None:
        _, token = self.connect(name, self.connection.tenant, provider=name)
        provider = SIMULATORS[name](InProcess(token, mount()), **self.simulated)
        expected = provider.expected_profile

        def implemented(person: Person) -> Profile:
            return {path: value for path, value in expected(person).items() if self._is_implemented(path)}

        with patch.object(provider, "expected_profile", implemented):
            report = provider.run()
        self.require(report.ok, f"\n{report.render()}")

    def _is_implemented(self, path: str) -> bool:
        """Whether /Schemas has it; with ``keep_unmapped = False`` only what is mapped."""
        parts = split_path(path.partition("[")[0])
        return parts is not None and self.adapter.resource_type.bind(*parts) is not None
