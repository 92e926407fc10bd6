"""The identity providers that are shipped, each for a few people and days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..services.in_process import mount
from . import SIMULATORS
from .contract_base import ContractCase
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
        report = SIMULATORS[name](InProcess(token, mount()), **self.simulated).run()
        self.require(report.ok, f"\n{report.render()}")
